// Socket addresses as literals: IPv4 and IPv6 with a port, parsed, printed and compared.
// Thread: any (plain values). Data path: the kernel's forms only; parsing is set-up.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/status.h"

namespace hyperroute {

// Enough for "[v6 literal%interface]:65535" and the terminating zero.
inline constexpr uint32_t kAddressTextBytes = 88;

// What makes two addresses the same one, as three words that compare and hash fast.
struct AddressKey {
  uint64_t words[3];
  friend bool operator==(const AddressKey&, const AddressKey&) = default;
};

// An IPv4 or IPv6 address and port in the form the kernel takes. Default: no address.
class SocketAddress {
 public:
  SocketAddress() noexcept { std::memset(&storage_, 0, sizeof storage_); }

  // `host` is an IPv4 or IPv6 literal, the latter with an optional %interface. Names are resolved
  // by the caller beforehand, so that nothing native ever blocks on a resolver.
  static Result<SocketAddress> parse(std::string_view host, uint16_t port);

  // The local or the remote end of a socket.
  static Result<SocketAddress> local_of(int fd);
  static Result<SocketAddress> remote_of(int fd);

  bool empty() const noexcept { return family() == AF_UNSPEC; }
  int family() const noexcept { return storage_.any.sa_family; }
  bool is_ipv6() const noexcept { return family() == AF_INET6; }
  uint16_t port() const noexcept;
  bool is_loopback() const noexcept;
  // 0.0.0.0 or ::, the address that means every interface.
  bool is_wildcard() const noexcept;

  // Writes "127.0.0.1:9000" or "[::1]:9000"; returns `text`.
  const char* print(char (&text)[kAddressTextBytes]) const noexcept;

  AddressKey key() const noexcept {
    if (is_ipv6()) {
      AddressKey key;
      key.words[0] = uint64_t{AF_INET6} | uint64_t{storage_.v6.sin6_port} << 16 |
                     uint64_t{storage_.v6.sin6_scope_id} << 32;
      std::memcpy(&key.words[1], &storage_.v6.sin6_addr, 16);
      return key;
    }
    return {{uint64_t{storage_.any.sa_family} | uint64_t{storage_.v4.sin_port} << 16 |
                 uint64_t{storage_.v4.sin_addr.s_addr} << 32,
             0, 0}};
  }
  friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
    return a.key() == b.key();
  }

  // For system calls. socket_bytes() is the length of this family's form, kSocketBytesMax the
  // room that a call which fills the address may use.
  static constexpr socklen_t kSocketBytesMax = sizeof(sockaddr_in6);
  sockaddr* socket_address() noexcept { return &storage_.any; }
  const sockaddr* socket_address() const noexcept { return &storage_.any; }
  socklen_t socket_bytes() const noexcept {
    return is_ipv6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  }

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
};

}  // namespace hyperroute
