// Records that become visible all at once, or never.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "base/memory.h"
#include "ring/spsc_ring.h"

namespace hyperroute {
namespace {

struct Ring {
  explicit Ring(RingVisibility visibility) {
    memory = MemoryRegion::anonymous(ring_bytes(kRingCapacityBytesMin), Prefault::kNo).take();
    const RingView view = ring_init(memory.data(), memory.bytes(), kRingCapacityBytesMin).take();
    producer = SpscProducer(view);
    consumer = SpscConsumer(view, visibility);
  }

  // Claims and fills a record of its number, `bytes` long at least 8; false while it is full.
  bool write(uint64_t number, uint32_t bytes) {
    uint8_t* room = producer.claim(bytes);
    if (room == nullptr) return false;
    std::memset(room, static_cast<int>(number & 0xFF), bytes);
    std::memcpy(room, &number, sizeof number);
    return true;
  }

  std::vector<uint64_t> read_all() {
    std::vector<uint64_t> numbers;
    RingRecord record;
    while (consumer.next(record)) {
      uint64_t number = 0;
      std::memcpy(&number, record.data, sizeof number);
      numbers.push_back(number);
      consumer.release(record.end_position);
    }
    EXPECT_FALSE(consumer.corrupt());
    return numbers;
  }

  MemoryRegion memory;
  SpscProducer producer;
  SpscConsumer consumer;
};

TEST(RingStaged, NothingIsSeenBeforeAllOfIt) {
  for (const RingVisibility visibility : {RingVisibility::kCommitWord, RingVisibility::kTail}) {
    Ring ring(visibility);
    ASSERT_TRUE(ring.write(1, 8));
    ring.producer.commit();
    for (const uint64_t number : {2u, 3u, 4u}) {
      ASSERT_TRUE(ring.write(number, 16));
      ring.producer.stage(16);
    }
    if (visibility == RingVisibility::kCommitWord) {
      EXPECT_EQ(ring.read_all(), std::vector<uint64_t>{1});
    }
    ring.producer.commit_staged();
    ring.producer.publish();
    const std::vector<uint64_t> rest = ring.read_all();
    ASSERT_GE(rest.size(), 3u);
    EXPECT_EQ(std::vector<uint64_t>(rest.end() - 3, rest.end()), (std::vector<uint64_t>{2, 3, 4}));
  }
}

TEST(RingStaged, WhatIsAbortedLeavesItsPlaceToTheNext) {
  Ring ring(RingVisibility::kCommitWord);
  for (const uint64_t number : {1u, 2u}) {
    ASSERT_TRUE(ring.write(number, 24));
    ring.producer.stage(24);
  }
  const uint32_t occupied_bytes = ring.producer.occupied_bytes();
  EXPECT_GT(occupied_bytes, 0u);
  ring.producer.abort_staged();
  EXPECT_EQ(ring.producer.occupied_bytes(), 0u);
  ASSERT_TRUE(ring.write(3, 8));
  ring.producer.commit();
  ring.producer.publish();
  EXPECT_EQ(ring.read_all(), std::vector<uint64_t>{3});
}

// Groups of records, some given up, over many laps of the ring.
TEST(RingStaged, GroupsArriveWholeAndInOrderOverManyLaps) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 generator(seed);
  const auto random = [&] { return static_cast<uint32_t>(generator()); };
  Ring ring(RingVisibility::kCommitWord);
  std::vector<uint64_t> expected;
  std::vector<uint64_t> received;
  uint64_t number = 0;
  for (uint32_t round = 0; round < 20'000; ++round) {
    const uint32_t count = random() % 5;
    std::vector<uint64_t> group;
    bool is_whole = true;
    for (uint32_t index = 0; index < count && is_whole; ++index) {
      const uint32_t bytes = 8 + random() % 200;
      is_whole = ring.write(++number, bytes);
      if (!is_whole) break;
      ring.producer.stage(8 + random() % (bytes - 7));
      group.push_back(number);
    }
    if (is_whole && random() % 4 != 0) {
      ring.producer.commit_staged();
      expected.insert(expected.end(), group.begin(), group.end());
    } else {
      ring.producer.abort_staged();
    }
    if (random() % 2 == 0) {
      ASSERT_TRUE(ring.write(++number, 8));
      expected.push_back(number);
      ring.producer.commit();
    }
    ring.producer.publish();
    if (random() % 3 != 0) {
      for (const uint64_t each : ring.read_all()) received.push_back(each);
      // What was given up leaves nothing behind that would look like a record that waits.
      ASSERT_EQ(ring.consumer.occupied_bytes(), 0u);
    } else if (random() % 2 == 0) {
      continue;
    }
    if (ring.producer.occupied_bytes() > kRingCapacityBytesMin / 4) {
      for (const uint64_t each : ring.read_all()) received.push_back(each);
    }
  }
  for (const uint64_t each : ring.read_all()) received.push_back(each);
  EXPECT_EQ(received, expected);
}

}  // namespace
}  // namespace hyperroute
