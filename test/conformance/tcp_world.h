// The conformance suite's world around a tcp endpoint, in either mode and with any framing.
#pragma once

#include <memory>

#include "conformance/backend_harness.h"
#include "conformance/stream_codecs.h"
#include "io/tcp/tcp.h"

namespace hyperroute {

template <class Codec, TcpMode kMode, int kFamily = AF_INET>
class TcpWorld {
 public:
  using Backend = TcpBackend;
  using Harness = BackendHarness<Backend>;
  static constexpr bool kHoldsWholeEndpoint = false;
  static constexpr bool kPeersCanGo = true;
  static constexpr bool kHasEmptyMessage = Codec::kHasEmptyMessage;
  static constexpr bool kHasOversize = Codec::kHasOversize;
  static constexpr uint32_t kPeersAtOnce = kMode == TcpMode::kListen ? 3 : 1;
  static constexpr uint32_t kMessageBytesMax = 2000;

  struct Peer {
    UniqueFd fd;
    Bytes unread;

    bool send(const Bytes& message) { return write_all(fd.get(), Codec::frame(message)); }
    // False: the connection has ended.
    bool receive(std::vector<Bytes>& messages) {
      const bool is_open = read_some(fd.get(), unread);
      Bytes message;
      while (Codec::take(unread, message)) messages.push_back(message);
      return is_open;
    }
  };

  TcpOptions options() {
    TcpOptions options;
    options.mode = kMode;
    options.address = loopback(kFamily);
    options.framing = Codec::options();
    options.frame_bytes_max = 2048;
    options.reconnect_min_ns = kMillisecondNs;
    options.reconnect_max_ns = 10 * kMillisecondNs;
    options.backlog_bytes = 64 * 1024;
    if (kMode == TcpMode::kListen) return options;
    if (!server_.is_open()) server_ = open_raw(SOCK_STREAM, loopback(kFamily));
    options.address = SocketAddress::local_of(server_.get()).take();
    return options;
  }

  Status open(Harness& harness, uint16_t generation_seed = 0) {
    return harness.backend.open(options(), harness.counters.pointers(), generation_seed);
  }

  std::unique_ptr<Peer> join(Harness& harness) {
    if (kMode == TcpMode::kListen) {
      return std::make_unique<Peer>(Peer{connect_raw(harness.backend.local_address()), {}});
    }
    EXPECT_TRUE(harness.run_until([&] { return harness.backend.is_live(kDefaultPeer); }));
    EXPECT_TRUE(wait_readable(server_.get()));
    return std::make_unique<Peer>(
        Peer{UniqueFd(::accept4(server_.get(), nullptr, nullptr, SOCK_CLOEXEC)), {}});
  }
  void forget(Harness& harness, std::unique_ptr<Peer>& peer) {
    const uint64_t before = harness.counters.connections_closed;
    reset_connection(peer->fd);
    peer.reset();
    ASSERT_TRUE(harness.run_until([&] { return harness.counters.connections_closed > before; }));
  }
  static Bytes message(uint32_t tag, uint32_t text_bytes) {
    return Codec::message(tag, text_bytes);
  }
  static void send_oversize(Peer& peer) { peer.send(Codec::message(0xbad, 5000)); }
  static uint64_t oversize_count(const CounterBlock& counters) { return counters.rx_oversize; }

  UniqueFd server_;
};

}  // namespace hyperroute
