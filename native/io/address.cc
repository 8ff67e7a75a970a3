// Parsing and printing of socket addresses. Set-up and diagnostics only.
#include "io/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <cerrno>
#include <cstdio>

namespace hyperroute {
namespace {

// An IPv6 literal with its interface is 46 + 1 + 15 characters at most.
constexpr size_t kHostBytesMax = 64;

Status bad_address(std::string_view host) {
  const size_t shown_bytes = host.size() < kHostBytesMax ? host.size() : kHostBytesMax;
  return Status::error(StatusCode::kAddressInvalid,
                       "host: expected an IPv4 or IPv6 literal, got \"%.*s\"",
                       static_cast<int>(shown_bytes), host.data());
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view host, uint16_t port) {
  char text[kHostBytesMax];
  if (host.empty() || host.size() >= sizeof text) return bad_address(host);
  std::memcpy(text, host.data(), host.size());
  text[host.size()] = '\0';
  SocketAddress address;
  if (::inet_pton(AF_INET, text, &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
    address.storage_.v4.sin_port = htons(port);
    return address;
  }
  if (char* percent = std::strchr(text, '%'); percent != nullptr) {
    *percent = '\0';
    const unsigned scope_id = ::if_nametoindex(percent + 1);
    if (scope_id == 0) return bad_address(host);
    address.storage_.v6.sin6_scope_id = scope_id;
  }
  if (::inet_pton(AF_INET6, text, &address.storage_.v6.sin6_addr) != 1) return bad_address(host);
  address.storage_.v6.sin6_family = AF_INET6;
  address.storage_.v6.sin6_port = htons(port);
  return address;
}

Result<SocketAddress> SocketAddress::local_of(int fd) {
  SocketAddress address;
  socklen_t socket_bytes = kSocketBytesMax;
  if (::getsockname(fd, address.socket_address(), &socket_bytes) != 0) {
    return Status::system(StatusCode::kSystem, errno, "reading the local address of a socket");
  }
  return address;
}

Result<SocketAddress> SocketAddress::remote_of(int fd) {
  SocketAddress address;
  socklen_t socket_bytes = kSocketBytesMax;
  if (::getpeername(fd, address.socket_address(), &socket_bytes) != 0) {
    return Status::system(StatusCode::kSystem, errno, "reading the remote address of a socket");
  }
  return address;
}

uint16_t SocketAddress::port() const noexcept {
  return ntohs(is_ipv6() ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

bool SocketAddress::is_loopback() const noexcept {
  if (is_ipv6()) {
    const in6_addr& address = storage_.v6.sin6_addr;
    // ::ffff:127.x.y.z reaches the loopback interface as well.
    return IN6_IS_ADDR_LOOPBACK(&address) ||
           (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
  }
  return family() == AF_INET && (ntohl(storage_.v4.sin_addr.s_addr) >> 24) == 127;
}

bool SocketAddress::is_wildcard() const noexcept {
  if (is_ipv6()) return IN6_IS_ADDR_UNSPECIFIED(&storage_.v6.sin6_addr);
  return family() == AF_INET && storage_.v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

const char* SocketAddress::print(char (&text)[kAddressTextBytes]) const noexcept {
  char host[INET6_ADDRSTRLEN] = "?";
  if (!is_ipv6()) {
    if (family() == AF_INET) ::inet_ntop(AF_INET, &storage_.v4.sin_addr, host, sizeof host);
    std::snprintf(text, sizeof text, "%s:%u", host, unsigned{port()});
    return text;
  }
  ::inet_ntop(AF_INET6, &storage_.v6.sin6_addr, host, sizeof host);
  char interface[IF_NAMESIZE] = "";
  const bool scoped = storage_.v6.sin6_scope_id != 0 &&
                      ::if_indextoname(storage_.v6.sin6_scope_id, interface) != nullptr;
  std::snprintf(text, sizeof text, "[%s%s%s]:%u", host, scoped ? "%" : "", interface,
                unsigned{port()});
  return text;
}

}  // namespace hyperroute
