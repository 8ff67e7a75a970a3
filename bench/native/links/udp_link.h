// A bare UDP socket, connected on both sides: what a link can cost at the least. Loses what it
// loses, so it takes part in round trips only.
// Thread: main.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/native/links/link.h"
#include "bench/native/options.h"

namespace hyperroute::links {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

class UdpLink {
 public:
  explicit UdpLink(const LinkOptions& options)
      : fd_(::socket(AF_INET, SOCK_DGRAM | (options.is_blocking ? 0 : SOCK_NONBLOCK), 0)),
        is_blocking_(options.is_blocking) {
    const sockaddr_in address = loopback(options.port);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const int result = options.is_server ? ::bind(fd_, generic, sizeof address)
                                         : ::connect(fd_, generic, sizeof address);
    if (fd_ < 0 || result != 0) fail(1, "raw UDP: %s", std::strerror(errno));
    is_connected_ = !options.is_server;
    // Longer than any pause: nothing but a message wakes an end up.
    const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
    if (is_blocking_) ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~UdpLink() { ::close(fd_); }
  UdpLink(const UdpLink&) = delete;
  UdpLink& operator=(const UdpLink&) = delete;

  bool send(const uint8_t* bytes, uint32_t byte_count) {
    return ::send(fd_, bytes, byte_count, 0) == static_cast<ssize_t>(byte_count);
  }

  template <class OnMessage>
  void poll(OnMessage&& on_message) {
    uint8_t message[kMessageBytesMax];
    ssize_t received_bytes;
    if (is_connected_) [[likely]] {
      received_bytes = ::recv(fd_, message, sizeof message, 0);
    } else {
      sockaddr_in from{};
      socklen_t from_bytes = sizeof from;
      auto* generic = reinterpret_cast<sockaddr*>(&from);
      received_bytes = ::recvfrom(fd_, message, sizeof message, 0, generic, &from_bytes);
      is_connected_ = received_bytes >= 0 && ::connect(fd_, generic, from_bytes) == 0;
    }
    if (received_bytes >= 0) on_message(message, static_cast<uint32_t>(received_bytes));
  }

  void flush() {}
  // recv() itself sleeps.
  void wait() {}
  void rest(uint64_t until_ns) { rest_idle(until_ns); }

 private:
  static constexpr int kPatienceSeconds = 1;

  int fd_;
  bool is_blocking_;
  bool is_connected_ = false;
};

static_assert(Link<UdpLink>);

}  // namespace hyperroute::links
