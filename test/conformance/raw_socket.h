// Plain blocking sockets for the other end of a test: nothing here uses the code under test,
// but for the value type of an address.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "io/address.h"
#include "io/unique_fd.h"

namespace hyperroute {

using Bytes = std::vector<uint8_t>;

// The longest a test waits for something that must happen; only a failing test waits so long.
inline constexpr int kTestWaitMs = 10'000;

inline SocketAddress loopback(int family, uint16_t port = 0) {
  return SocketAddress::parse(family == AF_INET6 ? "::1" : "127.0.0.1", port).take();
}

inline bool wait_readable(int fd, int timeout_ms = kTestWaitMs) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}

// A bound socket; of a stream, listening.
inline UniqueFd open_raw(int type, const SocketAddress& address) {
  UniqueFd fd(::socket(address.family(), type | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address.socket_address(), address.socket_bytes()) != 0) fd.reset();
  if (fd.is_open() && type == SOCK_STREAM && ::listen(fd.get(), 16) != 0) fd.reset();
  return fd;
}

inline UniqueFd connect_raw(const SocketAddress& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd.get(), address.socket_address(), address.socket_bytes()) != 0) fd.reset();
  return fd;
}

inline bool write_all(int fd, const Bytes& bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t result = ::send(fd, bytes.data() + written, bytes.size() - written, MSG_NOSIGNAL);
    if (result <= 0) return false;
    written += static_cast<size_t>(result);
  }
  return true;
}

// Appends what is there now, or nothing. False: the peer has closed.
inline bool read_some(int fd, Bytes& into) {
  uint8_t chunk[65536];
  const ssize_t result = ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (result > 0) into.insert(into.end(), chunk, chunk + result);
  return result > 0 || (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

// Ends a connection by RST rather than FIN.
inline void reset_connection(UniqueFd& fd) {
  const linger abort{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  fd.reset();
}

}  // namespace hyperroute
