// Packets that came as one: where the first ends, by its own word.
#include "wire/raptor_packet.h"

#include <gtest/gtest.h>

#include <vector>

namespace hyperroute::raptor {
namespace {

constexpr uint32_t kJoinedBytes = 4'000;

// What begins with that packet, and goes on for kJoinedBytes.
using Joined = std::vector<uint8_t>;

Joined joined_data(uint32_t bytes) {
  Joined joined(kJoinedBytes);
  DataHeader header;
  header.bytes = static_cast<uint16_t>(bytes);
  header.session = 7;
  write_data_header(joined.data(), header);
  return joined;
}

Joined joined_handshake(PacketKind kind, uint32_t noise_bytes) {
  Joined joined(kJoinedBytes);
  joined[0] = static_cast<uint8_t>(kind);
  joined[1] = kProtocolVersion;
  store_u32_le(joined.data() + offsetof(HandshakeHeader, noise_bytes), noise_bytes);
  return joined;
}

uint32_t first_of(const Joined& joined) { return first_packet_bytes(joined.data(), kJoinedBytes); }

TEST(JoinedPackets, ADataPacketEndsWhereItSays) {
  for (const uint32_t bytes : {32u, 40u, 1'200u, 3'992u}) {
    EXPECT_EQ(first_of(joined_data(bytes)), bytes);
  }
  EXPECT_EQ(first_of(joined_data(kJoinedBytes)), kJoinedBytes);
}

TEST(JoinedPackets, PacketsOfAHandshakeEndWhereTheirKindDoes) {
  EXPECT_EQ(first_of(joined_handshake(PacketKind::kInitiate, 160)), kInitiateBytes);
  EXPECT_EQ(first_of(joined_handshake(PacketKind::kRetry, 0)), kRetryBytes);
  EXPECT_EQ(first_of(joined_handshake(PacketKind::kRespond, 112)), kHandshakeHeaderBytes + 112);
}

TEST(JoinedPackets, WhatSaysWhatCannotBeIsOnePacket) {
  EXPECT_EQ(first_of(joined_data(kJoinedBytes + 8)), kJoinedBytes);
  EXPECT_EQ(first_of(joined_data(0)), kJoinedBytes);
  EXPECT_EQ(first_of(joined_data(kDataHeaderBytes - 8)), kJoinedBytes);
  EXPECT_EQ(first_of(joined_handshake(PacketKind::kRespond, UINT32_MAX)), kJoinedBytes);
  EXPECT_EQ(first_of(joined_handshake(PacketKind::kRespond, 0)), kJoinedBytes);
  EXPECT_EQ(first_of(joined_handshake(PacketKind{0xD5}, 112)), kJoinedBytes);
}

TEST(JoinedPackets, OneOfAnotherFormIsNotTakenApart) {
  for (const size_t at : {2u, 3u, 6u, 7u}) {
    Joined joined = joined_data(40);
    joined[at] = 1;
    EXPECT_EQ(first_of(joined), kJoinedBytes) << at;
  }
  Joined later = joined_handshake(PacketKind::kInitiate, 160);
  later[1] = kProtocolVersion + 1;
  EXPECT_EQ(first_of(later), kJoinedBytes);
}

TEST(JoinedPackets, WhatIsShorterThanAHeaderIsLeftAsItIs) {
  const Joined joined = joined_data(32);
  for (uint32_t bytes = 0; bytes <= kDataHeaderBytes; ++bytes) {
    EXPECT_EQ(first_packet_bytes(joined.data(), bytes), bytes);
  }
}

}  // namespace
}  // namespace hyperroute::raptor
