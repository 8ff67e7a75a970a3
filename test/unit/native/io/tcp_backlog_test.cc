// The backlog ring against a plain model.
#include "io/tcp/tcp_backlog.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"

namespace hyperroute {
namespace {

using Bytes = std::vector<uint8_t>;

struct ModelFrame {
  Bytes bytes;
  uint8_t producer;
  uint32_t sent_bytes;
};

class TcpBacklogTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kCapacityBytes = 1024;
  static constexpr uint32_t kBoundBytes = 900;

  TcpBacklogTest() : memory_(kCapacityBytes) { backlog_.attach(memory_.data(), kCapacityBytes); }

  Bytes unsent() const {
    iovec vectors[128];
    Bytes all;
    const uint32_t count = backlog_.gather(std::span(vectors));
    for (uint32_t i = 0; i < count; ++i) {
      const auto* start = static_cast<const uint8_t*>(vectors[i].iov_base);
      all.insert(all.end(), start, start + vectors[i].iov_len);
    }
    return all;
  }
  Bytes model_unsent() const {
    Bytes all;
    for (const ModelFrame& frame : model_) {
      all.insert(all.end(), frame.bytes.begin() + frame.sent_bytes, frame.bytes.end());
    }
    return all;
  }
  void append(Prng& prng) {
    ModelFrame frame{Bytes(prng.between(1, 200)), static_cast<uint8_t>(prng.below(16)), 0};
    for (uint8_t& byte : frame.bytes) byte = static_cast<uint8_t>(prng.next_u32());
    const uint32_t frame_bytes = static_cast<uint32_t>(frame.bytes.size());
    if (!backlog_.fits(frame_bytes, kBoundBytes)) return;
    if (model_.empty() && prng.one_in(2)) frame.sent_bytes = prng.below(frame_bytes);
    backlog_.append(frame.bytes.data(), {frame_bytes, frame.producer, true}, frame.sent_bytes);
    model_.push_back(frame);
  }
  void consume(Prng& prng) {
    uint32_t left = prng.below(static_cast<uint32_t>(model_unsent().size()) + 1);
    uint32_t sent_bytes = left;
    while (left > 0) {
      ModelFrame& front = model_.front();
      const uint32_t rest = static_cast<uint32_t>(front.bytes.size()) - front.sent_bytes;
      if (left < rest) {
        front.sent_bytes += left;
        break;
      }
      left -= rest;
      BacklogFrame completed;
      ASSERT_TRUE(backlog_.consume(sent_bytes, completed));
      EXPECT_EQ(completed.frame_bytes, front.bytes.size());
      EXPECT_EQ(completed.producer, front.producer);
      model_.pop_front();
    }
    BacklogFrame none;
    EXPECT_FALSE(backlog_.consume(sent_bytes, none));
  }
  void drop() {
    BacklogFrame dropped;
    const size_t oldest = model_.empty() || model_.front().sent_bytes == 0 ? 0 : 1;
    ASSERT_EQ(backlog_.drop_oldest(dropped), model_.size() > oldest);
    if (model_.size() <= oldest) return;
    EXPECT_EQ(dropped.frame_bytes, model_[oldest].bytes.size());
    EXPECT_EQ(dropped.producer, model_[oldest].producer);
    model_.erase(model_.begin() + static_cast<ptrdiff_t>(oldest));
  }

  Bytes memory_;
  TcpBacklog backlog_;
  std::deque<ModelFrame> model_;
};

TEST_F(TcpBacklogTest, BehavesAsAQueueOfFramesUnderAnyOrderOfCalls) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  for (uint32_t step = 0; step < 50'000 && !HasFailure(); ++step) {
    switch (prng.below(5)) {
      case 0:
      case 1:
        append(prng);
        break;
      case 2:
      case 3:
        consume(prng);
        break;
      default:
        drop();
    }
    ASSERT_EQ(unsent(), model_unsent()) << "step " << step;
    ASSERT_EQ(backlog_.frame_count(), model_.size());
    ASSERT_EQ(backlog_.empty(), model_.empty());
  }
}

TEST_F(TcpBacklogTest, NeverDropsAFrameThatIsPartlyOnTheWire) {
  const Bytes first(100, 'a');
  backlog_.append(first.data(), {100, 1, true}, 0);
  uint32_t sent_bytes = 30;
  BacklogFrame frame;
  EXPECT_FALSE(backlog_.consume(sent_bytes, frame));
  EXPECT_FALSE(backlog_.drop_oldest(frame));
  const Bytes second(50, 'b');
  const Bytes third(60, 'c');
  backlog_.append(second.data(), {50, 2, true}, 0);
  backlog_.append(third.data(), {60, 3, true}, 0);
  ASSERT_TRUE(backlog_.drop_oldest(frame));
  EXPECT_EQ(frame.frame_bytes, 50u);
  EXPECT_EQ(frame.producer, 2);
  Bytes expected(70, 'a');
  expected.insert(expected.end(), 60, 'c');
  EXPECT_EQ(unsent(), expected);
  sent_bytes = 70;
  ASSERT_TRUE(backlog_.consume(sent_bytes, frame));
  // The whole frame is reported, whatever happened to its record in between.
  EXPECT_EQ(frame.frame_bytes, 100u);
}

TEST_F(TcpBacklogTest, TakesAnyFrameWhenEmptyAndKeepsToItsBoundOtherwise) {
  const Bytes frame(800, 'x');
  EXPECT_TRUE(backlog_.fits(800, 100));
  backlog_.append(frame.data(), {800, 0, false}, 0);
  EXPECT_FALSE(backlog_.fits(1, 100));
  EXPECT_FALSE(backlog_.fits(101, kBoundBytes));
  EXPECT_TRUE(backlog_.fits(100, kBoundBytes));
}

}  // namespace
}  // namespace hyperroute
