// Two threads that publish and park at every moment of each other's steps; used by the unit test
// and, shorter, under ThreadSanitizer.
#pragma once

#include <poll.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/prng.h"
#include "ring/parker.h"
#include "unit/native/ring/ring_fixture.h"

namespace hyperroute {

struct ParkerRaceResult {
  uint64_t received_count = 0;
  uint64_t park_count = 0;
  // Waits that ran into the time limit although what they waited for was there.
  uint64_t lost_wake_count = 0;
  bool in_order = true;
};

// A hundred thousand races in the ordinary run, a million in the long one (npm run soak).
inline uint64_t race_record_count() {
  const char* const long_form = std::getenv("HYPERROUTE_LONG");
  return long_form != nullptr && std::strcmp(long_form, "1") == 0 ? 1'000'000 : 100'000;
}

// Far beyond any scheduling delay: a wait this long is a lost wake, not a slow machine.
inline constexpr uint64_t kLostWakeNs = 20'000'000'000;

// Sleeps until the parker's eventfd is readable; false at the time limit.
inline bool wait_for_wake(const Parker& parker, uint64_t timeout_ns) {
  pollfd entry{};
  entry.fd = parker.fd();
  entry.events = POLLIN;
  return ::poll(&entry, 1, static_cast<int>(timeout_ns / 1'000'000)) == 1;
}

// A few instructions, a different number each time, so that the threads' steps slide past each
// other instead of locking into one pattern.
inline void jitter(Prng& prng) {
  for (uint32_t count = prng.below(64); count > 0; --count) cpu_pause();
}

inline bool put_number(SpscProducer& producer, uint64_t number) {
  uint8_t* const to = producer.claim(sizeof number);
  if (to == nullptr) return false;
  std::memcpy(to, &number, sizeof number);
  producer.commit();
  return true;
}

// Takes what is there; true if there was anything.
inline bool drain(SpscConsumer& consumer, ParkerRaceResult& result) {
  RingRecord record;
  bool any = false;
  while (consumer.next(record)) {
    uint64_t number = 0;
    std::memcpy(&number, record.data, sizeof number);
    result.in_order = result.in_order && number == result.received_count;
    ++result.received_count;
    any = true;
  }
  if (any) consumer.release_all();
  return any;
}

// Looks a random number of times before it gives up, so that the park comes at any moment of the
// producer's publish, often enough right inside it.
inline bool drain_or_give_up(SpscConsumer& consumer, Prng& prng, ParkerRaceResult& result) {
  for (uint32_t count = prng.below(96); count > 0; --count) {
    if (drain(consumer, result)) return true;
    cpu_pause();
  }
  return drain(consumer, result);
}

// The producer publishes a record, wakes, and waits until it was taken: with no later record whose
// wake would make up for a lost one. The consumer parks whenever it finds nothing.
inline ParkerRaceResult run_parker_race(uint64_t record_count, RingVisibility visibility,
                                        uint64_t seed) {
  TestRing ring(1u << 16);
  Parker parker;
  ParkerRaceResult result;
  if (!parker.open().ok()) return result;
  std::atomic<uint64_t> taken_count{0};
  std::thread producer_thread([&] {
    Prng prng(seed);
    SpscProducer producer(ring.view);
    for (uint64_t number = 0; number < record_count; ++number) {
      while (!put_number(producer, number)) std::this_thread::yield();
      producer.publish();
      static_cast<void>(parker.wake_if_parked());
      // Relaxed: only paces the producer. One record in eight is not waited for, so that several
      // are in flight at times.
      if (prng.one_in(8)) continue;
      for (uint32_t look = 0; taken_count.load(std::memory_order_relaxed) <= number; ++look) {
        if (look % 256 == 255) std::this_thread::yield();
        cpu_pause();
      }
      jitter(prng);
    }
  });
  Prng prng(seed + 1);
  SpscConsumer consumer(ring.view, visibility);
  while (result.received_count < record_count) {
    if (drain_or_give_up(consumer, prng, result)) {
      // Relaxed: only paces the producer.
      taken_count.store(result.received_count, std::memory_order_relaxed);
      jitter(prng);
      continue;
    }
    parker.prepare_park();
    if (!consumer.has_records_after_park()) {
      ++result.park_count;
      if (!wait_for_wake(parker, kLostWakeNs) && consumer.has_records_after_park())
        ++result.lost_wake_count;
    }
    parker.unpark_self();
  }
  producer_thread.join();
  return result;
}

// The mirror image: the producer parks while the ring is full, the consumer's release wakes it.
inline ParkerRaceResult run_space_race(uint64_t record_count, uint64_t seed) {
  TestRing ring(4096);
  Parker parker;
  ParkerRaceResult result;
  if (!parker.open().ok()) return result;
  std::thread consumer_thread([&] {
    Prng prng(seed);
    SpscConsumer consumer(ring.view, RingVisibility::kCommitWord);
    RingRecord record;
    while (result.received_count < record_count) {
      uint32_t batch_count = prng.between(1, 300);
      bool any = false;
      while (batch_count-- > 0 && consumer.next(record)) {
        uint64_t number = 0;
        std::memcpy(&number, record.data, sizeof number);
        result.in_order = result.in_order && number == result.received_count;
        ++result.received_count;
        any = true;
      }
      if (!any) {
        std::this_thread::yield();
        continue;
      }
      consumer.release_to_parkable(consumer.position());
      if (take_parked(consumer.producer_parked_word())) parker.wake();
      jitter(prng);
    }
  });
  uint64_t park_count = 0;
  uint64_t lost_wake_count = 0;
  SpscProducer producer(ring.view);
  for (uint64_t number = 0; number < record_count;) {
    if (put_number(producer, number)) {
      ++number;
      continue;
    }
    producer.publish();
    set_parked(producer.producer_parked_word());
    if (!producer.has_space_after_park(sizeof number)) {
      ++park_count;
      const bool woken = wait_for_wake(parker, kLostWakeNs);
      if (!woken && producer.has_space_after_park(sizeof number)) ++lost_wake_count;
    }
    clear_parked(producer.producer_parked_word());
    parker.unpark_self();
  }
  producer.publish();
  consumer_thread.join();
  result.park_count = park_count;
  result.lost_wake_count = lost_wake_count;
  return result;
}

}  // namespace hyperroute
