// The SPSC ring between two threads, for ThreadSanitizer: every payload byte is written and read
// by plain accesses, so an ordering that is missing shows as a race or as a wrong byte.
#include <gtest/gtest.h>

#include <thread>

#include "base/cpu.h"
#include "base/prng.h"
#include "unit/native/ring/ring_fixture.h"

namespace hyperroute {
namespace {

constexpr uint32_t kRecordCount = 100'000;

// What record `index` must hold: both sides compute it.
struct Expected {
  explicit Expected(uint32_t index) : prng(index), bytes(prng.below(120)) {}
  Prng prng;
  uint32_t bytes;
};

void fill(uint8_t* to, uint32_t index) {
  Expected expected(index);
  for (uint32_t at = 0; at < expected.bytes; ++at) {
    to[at] = static_cast<uint8_t>(expected.prng.next_u32());
  }
}

bool matches(const RingRecord& record, uint32_t index) {
  Expected expected(index);
  if (record.bytes != expected.bytes) return false;
  for (uint32_t at = 0; at < expected.bytes; ++at) {
    if (record.data[at] != static_cast<uint8_t>(expected.prng.next_u32())) return false;
  }
  return true;
}

void produce(const RingView& view, uint64_t seed) {
  Prng prng(seed);
  SpscProducer producer(view);
  for (uint32_t index = 0; index < kRecordCount;) {
    uint8_t* const to = producer.claim(128);
    if (to == nullptr) {
      producer.publish();
      std::this_thread::yield();
      continue;
    }
    if (prng.one_in(16)) {
      to[0] = 0xff;
      producer.abort();
      continue;
    }
    fill(to, index);
    producer.commit(Expected(index).bytes);
    ++index;
    if (prng.one_in(8)) producer.publish();
    if (prng.one_in(64)) producer.publish_to_poller();
  }
  producer.close();
}

void stress(RingVisibility visibility, uint64_t seed) {
  // Small, so that it is often full and wraps thousands of times, also through 2^32.
  TestRing ring(4096, 0u - (1u << 16));
  std::thread producer_thread([&] { produce(ring.view, seed); });
  Prng prng(seed + 1);
  SpscConsumer consumer(ring.view, visibility);
  RingRecord record;
  uint32_t released_count = 0;
  uint32_t read_count = 0;
  bool correct = true;
  while (released_count < kRecordCount && correct) {
    if (!consumer.next(record)) {
      correct = !consumer.corrupt();
      consumer.release_all();
      released_count = read_count;
      std::this_thread::yield();
      continue;
    }
    correct = matches(record, read_count);
    ++read_count;
    if (prng.one_in(50)) {
      consumer.rewind();
      read_count = released_count;
    } else if (prng.one_in(8)) {
      consumer.release(record.end_position);
      released_count = read_count;
    }
  }
  EXPECT_TRUE(correct) << "seed " << seed << " record " << read_count;
  // Lets a producer that waits for room finish after a failure.
  while (!consumer.producer_closed()) {
    while (consumer.next(record)) continue;
    if (consumer.corrupt()) break;
    consumer.release_all();
    std::this_thread::yield();
  }
  producer_thread.join();
  EXPECT_EQ(released_count, kRecordCount);
  EXPECT_FALSE(consumer.next(record));
}

TEST(SpscRingStress, TwoThreadsByCommitWord) { stress(RingVisibility::kCommitWord, 0x57e551); }

TEST(SpscRingStress, TwoThreadsByTail) { stress(RingVisibility::kTail, 0x57e552); }

TEST(SpscRingStress, DroppingTheOldestWhileTheProducerGoesOnKeepsTheOrder) {
  TestRing ring(4096);
  std::thread producer_thread([&] { produce(ring.view, 0x57e553); });
  SpscConsumer consumer(ring.view, RingVisibility::kCommitWord);
  uint32_t next_index = 0;
  bool correct = true;
  bool closed = false;
  while (correct && !closed) {
    closed = consumer.producer_closed();
    next_index += consumer.drop_oldest(2048);
    RingRecord record;
    for (int count = 0; count < 8 && consumer.next(record); ++count) {
      correct = correct && matches(record, next_index);
      ++next_index;
    }
    consumer.release_all();
    std::this_thread::yield();
  }
  RingRecord record;
  while (consumer.next(record)) {
    correct = correct && matches(record, next_index);
    ++next_index;
  }
  EXPECT_TRUE(correct) << "at record " << next_index;
  producer_thread.join();
  EXPECT_EQ(next_index, kRecordCount);
}

}  // namespace
}  // namespace hyperroute
