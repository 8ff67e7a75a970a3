// A destination's queue as its owner sees it.
#include "engine/tx_queue.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hyperroute {
namespace {

// What a test sends: the router fills in the number.
struct Numbered {
  uint64_t number;
  uint64_t value;
};

// False while the queue is at its bound.
bool put(TxQueue& queue, uint64_t value) {
  uint8_t* frame = queue.claim(kDefaultPeer, sizeof(Numbered));
  if (frame == nullptr) return false;
  const Numbered message{0, value};
  std::memcpy(frame, &message, sizeof message);
  const SequencePatch patch{.offset = 0, .bytes = sizeof message.number, .big_endian = 0};
  queue.commit(frame, sizeof message, QueueRecord{kDefaultPeer, patch, 0, Histogram()});
  queue.publish();
  return true;
}

TEST(TxQueue, WhatTheTransportDidNotTakeKeepsTheOwnerAwake) {
  auto queue = TxQueue::create(QueueOptions{}, 0, 64, FinishedBytes{nullptr, 0}).take();
  for (uint64_t value = 0; value < 3; ++value) ASSERT_TRUE(put(*queue, value));
  TxFrame frames[8];
  QueueRecord* records[8];
  ASSERT_EQ(queue->peek(std::span(frames), std::span(records)), 3u);
  queue->take(0);
  EXPECT_FALSE(queue->empty_after_park());
  ASSERT_EQ(queue->peek(std::span(frames), std::span(records)), 3u);
  queue->take(2);
  EXPECT_FALSE(queue->empty_after_park());
  ASSERT_EQ(queue->peek(std::span(frames), std::span(records)), 1u);
  queue->take(1);
  EXPECT_TRUE(queue->empty_after_park());
}

}  // namespace
}  // namespace hyperroute
