// The conformance suite's world around a udp endpoint with blocks: what peers send is the only
// block of its datagram; what they receive is plain.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "conformance/udp_world.h"

namespace hyperroute {

// A header of 20 bytes with a big-endian count at 18, and big-endian lengths of two bytes.
inline BlocksOptions mold_blocks() {
  BlocksOptions blocks;
  blocks.header_bytes = 20;
  blocks.count_offset = 18;
  blocks.count_bytes = 2;
  blocks.count_big_endian = true;
  blocks.length_bytes = 2;
  blocks.length_big_endian = true;
  blocks.empty_count_count = 1;
  blocks.empty_counts[0] = 0xFFFF;
  return blocks;
}

inline Bytes mold_header(size_t message_count) {
  Bytes datagram(20, 's');
  datagram[18] = static_cast<uint8_t>(message_count >> 8);
  datagram[19] = static_cast<uint8_t>(message_count);
  return datagram;
}

inline Bytes mold_datagram(const std::vector<Bytes>& messages) {
  Bytes datagram = mold_header(messages.size());
  for (const Bytes& message : messages) {
    datagram.push_back(static_cast<uint8_t>(message.size() >> 8));
    datagram.push_back(static_cast<uint8_t>(message.size()));
    datagram.insert(datagram.end(), message.begin(), message.end());
  }
  return datagram;
}

template <int kFamily>
class UdpBlocksWorld : public UdpWorld<kFamily> {
 public:
  using Base = UdpWorld<kFamily>;
  using Harness = typename Base::Harness;

  struct Peer : Base::Peer {
    bool send(const Bytes& message) { return Base::Peer::send(mold_datagram({message})); }
    bool send_datagram(const Bytes& datagram) { return Base::Peer::send(datagram); }
  };

  static UdpOptions options() {
    UdpOptions options = Base::options();
    options.blocks = mold_blocks();
    return options;
  }
  Status open(Harness& harness, uint16_t generation_seed = 0) {
    return harness.backend.open(options(), harness.counters.pointers(), generation_seed);
  }
  std::unique_ptr<Peer> join(Harness& harness) {
    auto peer = Base::join(harness);
    return std::make_unique<Peer>(Peer{{std::move(peer->fd), peer->router}});
  }
  void forget(Harness& harness, std::unique_ptr<Peer>& peer) {
    peer.reset();
    const size_t before = harness.received.size();
    for (uint32_t i = 0; i < Base::kSendersMax; ++i) {
      ASSERT_TRUE(join(harness)->send(Base::message(i, 8)));
    }
    ASSERT_TRUE(harness.run_until_received(before + Base::kSendersMax));
    harness.received.resize(before);
  }
  static void send_oversize(Peer& peer) { peer.send(Bytes(Base::kMessageBytesMax, 'x')); }
};

}  // namespace hyperroute
