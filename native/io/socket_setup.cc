// Socket set-up shared by the backends. Not on the data path.
#include "io/socket_setup.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace hyperroute {
namespace {

// The kernel doubles what is asked for, to have room for its own headers.
constexpr uint32_t kKernelOverheadFactor = 2;

Result<uint32_t> granted_bytes(int fd, int option) {
  int value = 0;
  socklen_t value_bytes = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, option, &value, &value_bytes) != 0) {
    return Status::system(StatusCode::kSystem, errno, "reading a socket's buffer size");
  }
  return static_cast<uint32_t>(value) / kKernelOverheadFactor;
}

Result<uint32_t> set_buffer(int fd, int option, int force_option, uint32_t buffer_bytes) {
  if (buffer_bytes == 0) return granted_bytes(fd, option);
  const int wanted = static_cast<int>(std::min<uint32_t>(buffer_bytes, INT_MAX / 2));
  if (::setsockopt(fd, SOL_SOCKET, option, &wanted, sizeof wanted) != 0) {
    return Status::system(StatusCode::kSystem, errno, "setting a socket's buffer size");
  }
  Result<uint32_t> granted = granted_bytes(fd, option);
  if (!granted.ok() || granted.value() >= buffer_bytes) return granted;
  // Only a process with CAP_NET_ADMIN may pass the system's limit; the rest keep what they got.
  if (::setsockopt(fd, SOL_SOCKET, force_option, &wanted, sizeof wanted) != 0) return granted;
  return granted_bytes(fd, option);
}

StatusCode code_of(int error) {
  switch (error) {
    case EADDRINUSE:
      return StatusCode::kAddressInUse;
    case EACCES:
    case EPERM:
      return StatusCode::kPermission;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return StatusCode::kAddressInvalid;
    default:
      return StatusCode::kSystem;
  }
}

}  // namespace

Status check_bind_address(const SocketAddress& address, bool exposed) {
  char text[kAddressTextBytes];
  if (address.empty()) return Status::error(StatusCode::kConfig, "host: expected an address");
  if (address.is_loopback() || exposed) return Status::success();
  return Status::error(StatusCode::kConfig,
                       "host: expected a loopback address or exposed: true, got %s",
                       address.print(text));
}

Status check_remote_address(const SocketAddress& address, int local_family) {
  char text[kAddressTextBytes];
  if (address.empty()) return Status::error(StatusCode::kConfig, "remote: expected an address");
  if (address.family() != local_family) {
    return Status::error(StatusCode::kConfig, "remote: expected %s like the local address, got %s",
                         local_family == AF_INET6 ? "IPv6" : "IPv4", address.print(text));
  }
  if (address.port() == 0 || address.is_wildcard()) {
    return Status::error(StatusCode::kConfig, "remote: expected a host and a port, got %s",
                         address.print(text));
  }
  return Status::success();
}

Status bind_socket(int fd, const SocketAddress& address) {
  if (::bind(fd, address.socket_address(), address.socket_bytes()) == 0) return Status::success();
  const int error = errno;
  char text[kAddressTextBytes];
  return Status::system(code_of(error), error, "binding %s", address.print(text));
}

Status set_ipv6_only(int fd) {
  const int on = 1;
  if (::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) return Status::success();
  return Status::system(StatusCode::kSystem, errno, "restricting a socket to IPv6");
}

Status share_port(int fd) {
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) return Status::success();
  return Status::system(StatusCode::kSystem, errno, "sharing a port");
}

Result<uint32_t> set_receive_buffer(int fd, uint32_t buffer_bytes) {
  return set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, buffer_bytes);
}

Result<uint32_t> set_send_buffer(int fd, uint32_t buffer_bytes) {
  return set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, buffer_bytes);
}

}  // namespace hyperroute
