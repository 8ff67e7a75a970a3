// The queue of copied messages: order, bounds, what is handed out again.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"
#include "io/raptor/message_queue.h"

namespace hyperroute {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes message(uint32_t tag, uint32_t bytes) {
  Bytes text(bytes);
  for (uint32_t i = 0; i < bytes; ++i) text[i] = static_cast<uint8_t>(tag + i);
  return text;
}

class MessageQueueTest : public ::testing::Test {
 protected:
  void SetUp() override { attach(1024); }
  void attach(uint32_t capacity_bytes) {
    memory_ = std::make_unique<uint64_t[]>(capacity_bytes / 8);
    queue_ = MessageQueue();
    queue_.attach(reinterpret_cast<uint8_t*>(memory_.get()), capacity_bytes);
  }
  static Bytes bytes_of(const QueuedMessage& queued) {
    return Bytes(queued.data, queued.data + queued.bytes);
  }

  std::unique_ptr<uint64_t[]> memory_;
  MessageQueue queue_;
};

TEST_F(MessageQueueTest, HandsOutMessagesInOrderAndWithWhatTheyCameWith) {
  EXPECT_EQ(queue_.next().data, nullptr);
  EXPECT_EQ(queue_.front().data, nullptr);
  ASSERT_TRUE(queue_.append(message(1, 5), 3, true));
  ASSERT_TRUE(queue_.append({}, 4, false));
  ASSERT_TRUE(queue_.append(message(2, 16)));
  EXPECT_EQ(queue_.count(), 3u);
  EXPECT_EQ(queue_.kept_bytes(), 21u);
  const QueuedMessage first = queue_.next();
  EXPECT_EQ(bytes_of(first), message(1, 5));
  EXPECT_EQ(first.producer, 3);
  EXPECT_TRUE(first.is_counted);
  const QueuedMessage second = queue_.next();
  EXPECT_NE(second.data, nullptr);
  EXPECT_EQ(second.bytes, 0u);
  EXPECT_EQ(bytes_of(queue_.next()), message(2, 16));
  EXPECT_TRUE(queue_.is_handed_out());
  EXPECT_FALSE(queue_.empty());
  for (int i = 0; i < 3; ++i) queue_.take_front();
  EXPECT_TRUE(queue_.empty());
}

TEST_F(MessageQueueTest, HandsOutAgainWhatWasPutBackAndAllBehindIt) {
  for (uint32_t tag = 0; tag < 4; ++tag) ASSERT_TRUE(queue_.append(message(tag, 9)));
  const uint32_t first = queue_.next().position;
  const uint32_t second = queue_.next().position;
  const uint32_t third = queue_.next().position;
  queue_.put_back(second);
  EXPECT_FALSE(queue_.is_put_back(first));
  EXPECT_TRUE(queue_.is_put_back(second));
  EXPECT_TRUE(queue_.is_put_back(third));
  queue_.put_back(third);
  queue_.take_front();
  for (uint32_t tag = 1; tag < 4; ++tag) EXPECT_EQ(bytes_of(queue_.next()), message(tag, 9));
  EXPECT_EQ(queue_.next().data, nullptr);
}

TEST_F(MessageQueueTest, TakesNoMoreThanItsMemoryHolds) {
  EXPECT_FALSE(queue_.append(message(1, 1024)));
  uint32_t taken_count = 0;
  while (queue_.append(message(taken_count, 24))) ++taken_count;
  EXPECT_EQ(taken_count, 1024u / MessageQueue::span_bytes(24));
  EXPECT_FALSE(queue_.append({}));
  queue_.take_front();
  EXPECT_TRUE(queue_.append(message(taken_count, 24)));
}

TEST_F(MessageQueueTest, StartsAtTheBeginningOfItsMemoryWhenItIsEmpty) {
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(queue_.append(message(1, 40)));
    EXPECT_EQ(queue_.next().position, 0u);
    queue_.take_front();
  }
  EXPECT_EQ(queue_.take_peak_bytes(), MessageQueue::span_bytes(40));
  EXPECT_EQ(queue_.take_peak_bytes(), 0u);
}

TEST_F(MessageQueueTest, HoldsTheBoundThatItsCapacityWasMadeFor) {
  for (const uint32_t bytes : {8u, 100u, 1000u, 4096u}) {
    attach(static_cast<uint32_t>(MessageQueue::capacity_for(10'000, 4096)));
    // Anywhere in its memory.
    ASSERT_TRUE(queue_.append(message(0, 3000)));
    ASSERT_TRUE(queue_.append(message(0, 8)));
    queue_.take_front();
    uint32_t kept_bytes = 0;
    while (kept_bytes + bytes <= 10'000) {
      ASSERT_TRUE(queue_.append(message(1, bytes))) << bytes << " after " << kept_bytes;
      kept_bytes += bytes;
    }
  }
}

TEST_F(MessageQueueTest, IsWhatAQueueIsUnderAnyUse) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  std::deque<Bytes> model;
  size_t handed_count = 0;
  std::deque<uint32_t> positions;
  for (uint32_t step = 0; step < 20'000; ++step) {
    switch (prng.below(4)) {
      case 0:
      case 1: {
        const Bytes next = message(step, prng.below(120));
        const bool had_room = model.empty();
        const bool taken = queue_.append(next);
        ASSERT_TRUE(taken || !had_room);
        if (taken) model.push_back(next);
        break;
      }
      case 2: {
        const QueuedMessage next = queue_.next();
        ASSERT_EQ(next.data != nullptr, handed_count < model.size());
        if (next.data == nullptr) break;
        ASSERT_EQ(bytes_of(next), model[handed_count]);
        positions.push_back(next.position);
        ++handed_count;
        break;
      }
      default:
        if (handed_count == 0) break;
        if (prng.one_in(4)) {
          const uint32_t at = prng.below(static_cast<uint32_t>(handed_count));
          queue_.put_back(positions[at]);
          positions.resize(at);
          handed_count = at;
          break;
        }
        ASSERT_EQ(bytes_of(queue_.front()), model.front());
        queue_.take_front();
        model.pop_front();
        positions.pop_front();
        --handed_count;
    }
    ASSERT_EQ(queue_.count(), model.size());
  }
}

}  // namespace
}  // namespace hyperroute
