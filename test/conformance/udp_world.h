// The conformance suite's world around a udp endpoint: peers are plain datagram sockets.
#pragma once

#include <memory>

#include "conformance/backend_harness.h"
#include "conformance/stream_codecs.h"
#include "io/udp/udp.h"

namespace hyperroute {

template <int kFamily>
class UdpWorld {
 public:
  using Backend = UdpBackend;
  using Harness = BackendHarness<Backend>;
  static constexpr bool kHoldsWholeEndpoint = true;
  static constexpr bool kPeersCanGo = true;
  static constexpr bool kHasEmptyMessage = true;
  static constexpr bool kHasOversize = true;
  static constexpr uint32_t kPeersAtOnce = 3;
  static constexpr uint32_t kMessageBytesMax = 2048;
  static constexpr uint32_t kSendersMax = 4;

  struct Peer {
    UniqueFd fd;
    SocketAddress router;

    bool send(const Bytes& message) {
      return ::sendto(fd.get(), message.data(), message.size(), 0, router.socket_address(),
                      router.socket_bytes()) == static_cast<ssize_t>(message.size());
    }
    void receive(std::vector<Bytes>& messages) {
      uint8_t datagram[65536];
      ssize_t bytes;
      while ((bytes = ::recv(fd.get(), datagram, sizeof datagram, MSG_DONTWAIT)) >= 0) {
        messages.emplace_back(datagram, datagram + bytes);
      }
    }
  };

  static UdpOptions options() {
    UdpOptions options;
    options.local = loopback(kFamily);
    options.datagram_bytes_max = kMessageBytesMax;
    options.senders_max = kSendersMax;
    options.receive_buffer_bytes = 1 << 20;
    return options;
  }

  Status open(Harness& harness, uint16_t generation_seed = 0) {
    return harness.backend.open(options(), harness.counters.pointers(), generation_seed);
  }
  std::unique_ptr<Peer> join(Harness& harness) {
    return std::make_unique<Peer>(
        Peer{open_raw(SOCK_DGRAM, loopback(kFamily)), harness.backend.local_address()});
  }
  // Peers of a datagram socket do not go; they are forgotten when others need the room.
  void forget(Harness& harness, std::unique_ptr<Peer>& peer) {
    peer.reset();
    const size_t before = harness.received.size();
    for (uint32_t i = 0; i < kSendersMax; ++i) ASSERT_TRUE(join(harness)->send(message(i, 8)));
    ASSERT_TRUE(harness.run_until_received(before + kSendersMax));
    harness.received.resize(before);
  }
  static Bytes message(uint32_t tag, uint32_t text_bytes) { return text_of(tag, text_bytes); }
  static void send_oversize(Peer& peer) { peer.send(Bytes(kMessageBytesMax + 1, 'x')); }
  static uint64_t oversize_count(const CounterBlock& counters) { return counters.rx_truncated; }
};

}  // namespace hyperroute
