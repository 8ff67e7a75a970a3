// The udp endpoint with several messages in a datagram: order, holding, bounds, what is malformed.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "conformance/udp_blocks_world.h"

namespace hyperroute {
namespace {

using World = UdpBlocksWorld<AF_INET>;
using Harness = World::Harness;

class UdpBlocksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status status = world_.open(harness_);
    ASSERT_TRUE(status.ok()) << status.context;
    peer_ = world_.join(harness_);
  }
  void TearDown() override { harness_.backend.close(); }

  std::vector<Bytes> messages_of(uint32_t first_tag, uint32_t count, uint32_t bytes = 12) {
    std::vector<Bytes> messages;
    for (uint32_t i = 0; i < count; ++i) messages.push_back(World::message(first_tag + i, bytes));
    return messages;
  }

  World world_;
  Harness harness_;
  std::unique_ptr<World::Peer> peer_;
};

TEST_F(UdpBlocksTest, HandsOutTheBlocksOfEveryDatagramInOrder) {
  uint32_t tag = 0;
  uint64_t bytes = 0;
  for (uint32_t datagram = 0; datagram < 30; ++datagram) {
    ASSERT_TRUE(peer_->send_datagram(mold_datagram(messages_of(tag, datagram % 7))));
    tag += datagram % 7;
    bytes += uint64_t{datagram % 7} * 12;
  }
  ASSERT_TRUE(harness_.run_until_received(tag));
  for (uint32_t i = 0; i < tag; ++i) {
    ASSERT_EQ(harness_.received[i].message, World::message(i, 12));
    EXPECT_EQ(harness_.received[i].peer, harness_.received[0].peer);
  }
  EXPECT_EQ(harness_.counters.rx_messages, tag);
  EXPECT_EQ(harness_.counters.rx_bytes, bytes);
  EXPECT_EQ(harness_.counters.rx_bad_frames, 0u);
}

TEST_F(UdpBlocksTest, HandsOutNoMoreAtATimeThanItIsAskedFor) {
  ASSERT_TRUE(peer_->send_datagram(mold_datagram(messages_of(0, 100))));
  ASSERT_TRUE(peer_->send_datagram(mold_datagram(messages_of(100, 3))));
  harness_.burst_count_max = 7;
  ASSERT_TRUE(harness_.run_until([&] { return !harness_.received.empty(); }));
  EXPECT_EQ(harness_.received.size(), 7u);
  EXPECT_FALSE(harness_.backend.rx_idle());
  for (uint32_t turn = 1; harness_.received.size() < 100; ++turn) {
    ASSERT_LT(turn, 100u);
    EXPECT_LE(harness_.cycle(), 7u);
  }
  ASSERT_TRUE(harness_.run_until_received(103));
  for (uint32_t i = 0; i < 103; ++i) {
    ASSERT_EQ(harness_.received[i].message, World::message(i, 12));
  }
  EXPECT_TRUE(harness_.backend.rx_idle());
}

TEST_F(UdpBlocksTest, HandsOutViewsOfTheDatagramItself) {
  ASSERT_TRUE(peer_->send_datagram(mold_datagram(messages_of(0, 3))));
  RxView views[8];
  uint32_t count = 0;
  for (uint32_t turn = 0; turn < 1000 && count == 0; ++turn) {
    count = harness_.backend.rx_burst(std::span(views), monotonic_ns());
    if (count == 0) ::usleep(1000);
  }
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(views[1].data - views[0].data, 12 + 2);
  EXPECT_EQ(views[2].data - views[1].data, 12 + 2);
}

TEST_F(UdpBlocksTest, KeepsOrderUnderAnyPatternOfHoldsInsideDatagrams) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  auto& backend = harness_.backend;
  uint32_t sent_count = 0;
  uint32_t taken_count = 0;
  const uint64_t give_up_ns = monotonic_ns() + uint64_t{kTestWaitMs} * 1'000'000;
  while (taken_count < 3000 && monotonic_ns() < give_up_ns) {
    while (sent_count < 3000 && sent_count < taken_count + 200) {
      const uint32_t count = prng.below(9);
      ASSERT_TRUE(peer_->send_datagram(mold_datagram(messages_of(sent_count, count))));
      sent_count += count;
    }
    RxView views[16];
    const uint32_t count = backend.rx_burst(std::span(views, prng.between(1, 16)), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) {
      if (backend.is_held(views[i]) || prng.one_in(5)) {
        backend.hold(views[i]);
        ASSERT_FALSE(backend.rx_idle());
        continue;
      }
      const Bytes message(views[i].data, views[i].data + views[i].bytes);
      ASSERT_EQ(message, World::message(taken_count, 12));
      backend.release(views[i]);
      ++taken_count;
    }
  }
  EXPECT_GE(taken_count, 3000u);
  EXPECT_EQ(harness_.counters.rx_messages, sent_count);
}

TEST_F(UdpBlocksTest, HandsOutNothingOfAMalformedDatagramAndCountsIt) {
  const std::vector<Bytes> some = messages_of(0, 4);
  const Bytes whole = mold_datagram(some);
  uint32_t bad_count = 0;
  for (size_t cut = 0; cut < whole.size(); ++cut, ++bad_count) {
    ASSERT_TRUE(peer_->send_datagram(Bytes(whole.begin(), whole.begin() + static_cast<long>(cut))));
  }
  Bytes longer = whole;
  longer.push_back(0);
  Bytes too_few = whole;
  too_few[19] = 3;
  Bytes too_many = whole;
  too_many[18] = 0xFF;
  Bytes ended = whole;
  ended[18] = ended[19] = 0xFF;
  for (const Bytes& bad : {longer, too_few, too_many, ended}) {
    ASSERT_TRUE(peer_->send_datagram(bad));
    ++bad_count;
  }
  ASSERT_TRUE(peer_->send_datagram(whole));
  ASSERT_TRUE(harness_.run_until_received(4));
  harness_.run_a_while();
  EXPECT_EQ(harness_.counters.rx_bad_frames, bad_count);
  EXPECT_EQ(harness_.received.size(), 4u);
  EXPECT_EQ(harness_.counters.rx_messages, 4u);
}

TEST_F(UdpBlocksTest, TakesHeartbeatsAndTheEndOfASessionForWhatTheyAre) {
  for (uint32_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(peer_->send_datagram(mold_header(i % 2 == 0 ? 0 : 0xFFFF)));
    ASSERT_TRUE(peer_->send_datagram(mold_datagram({World::message(i, 9)})));
  }
  ASSERT_TRUE(harness_.run_until_received(10));
  for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(harness_.received[i].message, World::message(i, 9));
  EXPECT_EQ(harness_.counters.rx_messages, 10u);
  EXPECT_EQ(harness_.counters.rx_bad_frames + harness_.counters.rx_truncated, 0u);
}

TEST_F(UdpBlocksTest, CountsADatagramThatIsTooLongAsThatOnly) {
  ASSERT_TRUE(peer_->send_datagram(Bytes(World::kMessageBytesMax + 1, 0)));
  ASSERT_TRUE(peer_->send(World::message(1, 9)));
  ASSERT_TRUE(harness_.run_until_received(1));
  EXPECT_EQ(harness_.counters.rx_truncated, 1u);
  EXPECT_EQ(harness_.counters.rx_bad_frames, 0u);
}

TEST_F(UdpBlocksTest, GivesBackEveryBlockThatWasReadWhenItStopsReading) {
  ASSERT_TRUE(peer_->send_datagram(mold_datagram(messages_of(0, 20))));
  harness_.burst_count_max = 5;
  ASSERT_TRUE(harness_.run_until([&] { return !harness_.received.empty(); }));
  harness_.backend.stop_reading();
  ASSERT_TRUE(peer_->send(World::message(99, 9)));
  ASSERT_TRUE(harness_.run_until_received(20));
  harness_.run_a_while();
  EXPECT_EQ(harness_.received.size(), 20u);
  EXPECT_TRUE(harness_.backend.rx_idle());
}

TEST_F(UdpBlocksTest, RefusesARuleThatCannotBeAndTakesNoOtherWhileItRuns) {
  UdpOptions options = World::options();
  options.blocks.count_offset = 19;
  Harness other;
  EXPECT_EQ(other.backend.open(options, other.counters.pointers(), 0).code, StatusCode::kConfig);
  EXPECT_TRUE(can_reconfigure(World::options(), World::options()));
  EXPECT_FALSE(can_reconfigure(World::options(), UdpWorld<AF_INET>::options()));
  options = World::options();
  options.blocks.includes_length = true;
  EXPECT_FALSE(can_reconfigure(World::options(), options));
}

}  // namespace
}  // namespace hyperroute
