// ZeroMQ: a PAIR of sockets on TCP.
// Thread: main (ZeroMQ has an I/O thread of its own).
#pragma once

#include <zmq.h>

#include <cerrno>
#include <string>

#include "bench/native/links/link.h"
#include "bench/native/options.h"

namespace hyperroute::links {

class ZeromqLink {
 public:
  explicit ZeromqLink(const LinkOptions& options)
      : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_PAIR)) {
    const std::string address = "tcp://127.0.0.1:" + std::to_string(options.port);
    const int result = options.is_server ? zmq_bind(socket_, address.c_str())
                                         : zmq_connect(socket_, address.c_str());
    if (result != 0) fail(1, "ZeroMQ: %s", zmq_strerror(errno));
  }
  ~ZeromqLink() {
    const int linger_ms = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  ZeromqLink(const ZeromqLink&) = delete;
  ZeromqLink& operator=(const ZeromqLink&) = delete;

  bool send(const uint8_t* bytes, uint32_t byte_count) {
    return zmq_send(socket_, bytes, byte_count, ZMQ_DONTWAIT) >= 0;
  }

  template <class OnMessage>
  void poll(OnMessage&& on_message) {
    uint8_t message[kMessageBytesMax];
    for (uint32_t count = 0; count < kBurstCountMax; ++count) {
      const int bytes = zmq_recv(socket_, message, sizeof message, ZMQ_DONTWAIT);
      if (bytes < 0) return;
      on_message(message, static_cast<uint32_t>(bytes));
    }
  }

  void flush() {}
  void wait() {
    zmq_pollitem_t item{.socket = socket_, .fd = 0, .events = ZMQ_POLLIN, .revents = 0};
    zmq_poll(&item, 1, kPatienceMs);
  }
  void rest(uint64_t until_ns) { rest_idle(until_ns); }

 private:
  static constexpr uint32_t kBurstCountMax = 256;
  static constexpr long kPatienceMs = 10;

  void* context_;
  void* socket_;
};

static_assert(Link<ZeromqLink>);

}  // namespace hyperroute::links
