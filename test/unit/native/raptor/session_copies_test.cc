// How often a message is copied between the publisher's bytes and the subscriber's: counted, and by
// the addresses that the sink is given. Only builds with debug asserts count: the tests under
// sanitizers are such.
#ifdef HR_DEBUG_ASSERTS

#include <gtest/gtest.h>

#include "base/copies.h"
#include "crypto/aes_gcm.h"
#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

// What sealing packets of `bytes` of frames from rings copies at most: the batch of blocks in which
// the packet's own frames meet the ring's. A library's calls are given the frames together.
uint64_t sealing_copies_max(uint64_t packets, uint64_t bytes) {
  constexpr uint64_t kBatchBytes = uint64_t{crypto::kGcmBatchBlocks} * crypto::kAesBlockBytes;
  return crypto::aes_gcm_is_supported() ? packets * kBatchBytes : bytes;
}

struct Packet {
  alignas(8) uint8_t data[kDatagramBytesMax];
  uint32_t bytes = 0;
  bool holds(const MessageView& view) const {
    return view.data >= data && view.data + view.bytes <= data + bytes;
  }
};

// Two sessions whose packets the test carries by hand.
class SessionCopies : public ::testing::Test {
 protected:
  void begin(uint32_t datagram_bytes_max = kDatagramBytesMax) {
    SessionPair::Options options;
    for (Parameters& parameters : options.parameters) {
      parameters.datagram_bytes_max = static_cast<uint16_t>(datagram_bytes_max);
    }
    pair_ = std::make_unique<SessionPair>(options);
    stream_ = pair_->a().open_stream(StreamOptions{}).take();
    // The stream is known, and the path's size is found.
    offer(8);
    pair_->run_for(50 * kMs);
    ASSERT_EQ(pair_->received_count(1), 1u);
    copied_bytes_of_thread() = 0;
  }
  void offer(uint32_t bytes) {
    const Message message = numbered(1, bytes);
    ASSERT_GT(pair_->a().offer(pair_->now_ns, stream_, message), 0);
  }
  std::vector<std::unique_ptr<Packet>> sent() {
    std::vector<std::unique_ptr<Packet>> packets;
    while (true) {
      auto packet = std::make_unique<Packet>();
      packet->bytes = pair_->a().next_datagram(pair_->now_ns, packet->data);
      if (packet->bytes == 0) return packets;
      packets.push_back(std::move(packet));
    }
  }
  // The views that it brought.
  std::vector<MessageView> receive(Packet& packet) {
    std::vector<MessageView> views;
    const MessageSink sink{&views, [](void* context, std::span<const MessageView> brought) {
                             auto* all = static_cast<std::vector<MessageView>*>(context);
                             all->insert(all->end(), brought.begin(), brought.end());
                             return static_cast<uint32_t>(brought.size());
                           }};
    DataHeader header;
    EXPECT_EQ(read_data_header(packet.data, packet.bytes, header), nullptr);
    EXPECT_TRUE(pair_->b().on_packet(pair_->now_ns, header, packet.data, packet.bytes, sink));
    return views;
  }
  // Since it was asked last.
  static uint64_t copied() { return std::exchange(copied_bytes_of_thread(), 0); }

  std::unique_ptr<SessionPair> pair_;
  uint16_t stream_ = 0;
};

TEST_F(SessionCopies, AMessageInOrderIsCopiedByItsOfferAlone) {
  begin();
  offer(200);
  offer(1'000);
  EXPECT_EQ(copied(), 1'200u);
  const auto packets = sent();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_LE(copied(), sealing_copies_max(1, record_bytes(200) + record_bytes(1'000)));
  const std::vector<MessageView> views = receive(*packets[0]);
  ASSERT_EQ(views.size(), 2u);
  for (const MessageView& view : views) EXPECT_TRUE(packets[0]->holds(view));
  EXPECT_EQ(copied(), 0u);
}

TEST_F(SessionCopies, AClaimedMessageIsNotCopied) {
  begin();
  uint8_t* const room = pair_->a().claim(stream_, 500);
  ASSERT_NE(room, nullptr);
  std::memset(room, 7, 500);
  ASSERT_GT(pair_->a().commit(pair_->now_ns, stream_), 0);
  const auto packets = sent();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_LE(copied(), sealing_copies_max(1, record_bytes(500)));
  const std::vector<MessageView> views = receive(*packets[0]);
  ASSERT_EQ(views.size(), 1u);
  EXPECT_TRUE(packets[0]->holds(views[0]));
  EXPECT_EQ(copied(), 0u);
}

TEST_F(SessionCopies, AMessageOfFragmentsInOrderIsCopiedOnceMoreByItsReceiver) {
  begin();
  offer(5'000);
  EXPECT_EQ(copied(), 5'000u);
  const auto packets = sent();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_LE(copied(), sealing_copies_max(1, message_record_bytes(5'000)));
  const std::vector<MessageView> views = receive(*packets[0]);
  ASSERT_EQ(views.size(), 1u);
  EXPECT_FALSE(packets[0]->holds(views[0]));
  EXPECT_EQ(copied(), 5'000u);
}

TEST_F(SessionCopies, WhatComesBeforeItsTurnIsCopiedOnceMore) {
  begin();
  std::vector<std::unique_ptr<Packet>> packets;
  for (int count = 0; count < 3; ++count) {
    offer(200);
    EXPECT_EQ(copied(), 200u);
    auto each = sent();
    ASSERT_EQ(each.size(), 1u);
    EXPECT_LE(copied(), sealing_copies_max(1, record_bytes(200)));
    packets.push_back(std::move(each[0]));
  }
  EXPECT_TRUE(receive(*packets[1]).empty());
  EXPECT_TRUE(receive(*packets[2]).empty());
  EXPECT_EQ(receive(*packets[0]).size(), 3u);
  EXPECT_EQ(copied(), 3 * record_bytes(200));
}

// Into the ring, and there over the headers between them.
TEST_F(SessionCopies, FragmentsBeforeTheirTurnAreCopiedTwiceMore) {
  begin(kDatagramBytesMin);
  offer(4'000);
  EXPECT_EQ(copied(), 4'000u);
  const auto packets = sent();
  ASSERT_EQ(packets.size(), 4u);
  EXPECT_LE(copied(), sealing_copies_max(4, message_record_bytes(4'000)));
  for (size_t left = packets.size(); left-- > 1;) EXPECT_TRUE(receive(*packets[left]).empty());
  EXPECT_EQ(receive(*packets[0]).size(), 1u);
  EXPECT_LE(copied(), 2 * message_record_bytes(4'000));
}

}  // namespace
}  // namespace hyperroute::raptor

#endif
