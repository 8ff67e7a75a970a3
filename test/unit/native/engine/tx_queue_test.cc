// A destination's queue as its owner sees it, and how the queues of several producers share one
// transport.
#include "engine/tx_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "conformance/counter_block.h"
#include "engine/endpoint_driver.h"
#include "relay_fixture.h"

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

bool receive(Application& application, Numbered& message) {
  RingRecord record;
  if (!application.reader.next(record)) return false;
  EXPECT_EQ(record.bytes, sizeof message);
  std::memcpy(&message, record.data, sizeof message);
  application.reader.release(record.end_position);
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

TEST(TxQueue, IsEmptyOnceAllHasLeftWhateverWasGivenUp) {
  constexpr uint32_t kBytes = 64;
  QueueOptions options;
  options.queue_bytes = 1024;
  auto queue = TxQueue::create(options, 0, kBytes, FinishedBytes{nullptr, 0}).take();
  TxFrame frames[8];
  QueueRecord* records[8];
  // Several times around the ring, with a frame given up at each place.
  for (uint64_t value = 0; value < 1000; ++value) {
    ASSERT_TRUE(put(*queue, value));
    uint8_t* frame = queue->claim(kDefaultPeer, kBytes);
    ASSERT_NE(frame, nullptr);
    queue->stage(frame, kBytes, QueueRecord{kDefaultPeer, {kNoIndex, 0, 0}, 0, Histogram()});
    queue->unreserve(kDefaultPeer, kBytes);
    queue->abort_staged();
    queue->publish();
    const uint32_t end = queue->end_position();
    ASSERT_EQ(queue->peek(std::span(frames), std::span(records)), 1u);
    queue->take(1);
    ASSERT_EQ(queue->peek(std::span(frames), std::span(records)), 0u);
    ASSERT_EQ(queue->occupied_bytes(), 0u) << value;
    ASSERT_TRUE(queue->has_left(end));
    ASSERT_TRUE(queue->empty_after_park());
  }
}

TEST(TxQueue, AProducerThatFillsTheTransportDoesNotStarveTheOthers) {
  constexpr uint64_t kQuietValue = ~uint64_t{0};
  Application application;
  CounterBlock counters;
  auto backend = std::make_unique<MemoryBackend>();
  ASSERT_TRUE(backend->open(application.options(), counters.pointers(), 0).ok());
  EndpointDriver<MemoryBackend> driver("application", 0, 0, std::move(backend),
                                       counters.pointers());
  ASSERT_TRUE(driver.make_queues(QueueOptions{}, 2).ok());
  uint64_t greedy_sent = 0;
  uint64_t greedy_received = 0;
  uint64_t quiet_received = 0;
  uint64_t last_number = 0;
  ASSERT_TRUE(put(*driver.queues()[1], kQuietValue));
  // The reader takes one message a round and the greedy producer adds more than that.
  for (uint32_t round = 0; round < 6000; ++round) {
    for (int i = 0; i < 4; ++i) {
      if (put(*driver.queues()[0], greedy_sent)) ++greedy_sent;
    }
    driver.transmit();
    Numbered message{};
    if (!receive(application, message)) continue;
    ASSERT_EQ(message.number, ++last_number);
    if (message.value != kQuietValue) {
      ASSERT_EQ(message.value, greedy_received++);
    } else if (++quiet_received < 10) {
      ASSERT_TRUE(put(*driver.queues()[1], kQuietValue));
    }
  }
  EXPECT_EQ(quiet_received, 10u);
  driver.close();
}

}  // namespace
}  // namespace hyperroute
