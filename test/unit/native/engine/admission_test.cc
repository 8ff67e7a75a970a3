// Whether a destination takes one more message: the limits on their own, without a router.
#include "engine/admission_datapath.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hyperroute {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint32_t kShed = static_cast<uint32_t>(RejectCode::kShed);
constexpr uint32_t kRateLimited = static_cast<uint32_t>(RejectCode::kRateLimited);
constexpr uint32_t kInFlightLimit = static_cast<uint32_t>(RejectCode::kInFlightLimit);

// A destination with a queue that nobody takes from.
struct Limited {
  explicit Limited(const LimitOptions& options = {}) {
    queue = TxQueue::create(QueueOptions{}, 0, 64, FinishedBytes{nullptr, 0}).take();
    control.set_limits(options);
    destination.queue = queue.get();
    destination.control = &control;
  }

  bool put() {
    uint8_t* frame = queue->claim(kDefaultPeer, 64);
    if (frame == nullptr) return false;
    queue->commit(frame, 64, QueueRecord{kDefaultPeer, {kNoIndex, 0, 0}, 0, Histogram()});
    return true;
  }

  SlotControl control;
  std::unique_ptr<TxQueue> queue;
  Destination destination;
};

LimitOptions rate(uint32_t per_second, uint32_t burst) {
  LimitOptions options;
  options.rate_per_second = per_second;
  options.rate_burst = burst;
  return options;
}

TEST(EngineAdmission, WithoutLimitsEveryMessageIsAdmitted) {
  Limited limited;
  for (uint64_t now = 0; now < 1000; ++now)
    ASSERT_EQ(admit(limited.destination, now, 7, false), 0u);
}

TEST(EngineAdmission, AQuietDestinationTakesItsBurstAtOnceAndNoMore) {
  Limited limited(rate(1000, 5));
  const uint64_t now_ns = 77 * kSecondNs;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(admit(limited.destination, now_ns, 0, false), 0u);
  EXPECT_EQ(admit(limited.destination, now_ns, 0, false), kRateLimited);
  EXPECT_EQ(admit(limited.destination, now_ns + 999'999, 0, false), kRateLimited);
  EXPECT_EQ(admit(limited.destination, now_ns + 1'000'000, 0, false), 0u);
  EXPECT_EQ(admit(limited.destination, now_ns + 1'000'000, 0, false), kRateLimited);
}

TEST(EngineAdmission, OverALongTimeTheRateIsExactToOneBurst) {
  for (const uint32_t per_second : {1u, 3u, 7'919u, 10'000u, 999'983u, kRatePerSecondMax}) {
    for (const uint32_t burst : {1u, 100u}) {
      SCOPED_TRACE(per_second);
      Limited limited(rate(per_second, burst));
      // Twice as many messages as may pass, at the steps of a clock that is read once a cycle.
      const uint64_t start_ns = 12345 * kSecondNs;
      const uint64_t asked_count = 400'000;
      uint64_t passed = 0;
      uint64_t now_ns = start_ns;
      for (uint64_t asked = 0; asked < asked_count; ++asked) {
        now_ns = start_ns + asked * kSecondNs / (uint64_t{per_second} * 2);
        if (admit(limited.destination, now_ns, 0, false) == 0) ++passed;
      }
      const double allowed =
          static_cast<double>(now_ns - start_ns) * per_second / static_cast<double>(kSecondNs);
      EXPECT_LE(static_cast<double>(passed), allowed * (1 + 1e-4) + burst + 1);
      // Without a burst, a message that comes a little early loses the time since the one before.
      if (burst > 1) {
        EXPECT_GE(static_cast<double>(passed), allowed * (1 - 1e-4) - 1);
      }
    }
  }
}

TEST(EngineAdmission, AMessageThatWasNotSentGivesItsPlaceBack) {
  Limited limited(rate(10, 1));
  const uint64_t now_ns = 5 * kSecondNs;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(admit(limited.destination, now_ns, 0, false), 0u);
    readmit(limited.destination);
  }
  ASSERT_EQ(admit(limited.destination, now_ns, 0, false), 0u);
  EXPECT_EQ(admit(limited.destination, now_ns, 0, false), kRateLimited);
}

TEST(EngineAdmission, ARateThatChangesOrHasBeenIdleForYearsStartsOver) {
  Limited limited(rate(1, 1));
  ASSERT_EQ(admit(limited.destination, 10 * kSecondNs, 0, false), 0u);
  // 300 years later the position lies, modulo 2^64, anywhere.
  for (uint64_t year = 1; year < 300; ++year) {
    const uint64_t now_ns = year * 366 * 24 * 3600 * kSecondNs;
    ASSERT_EQ(admit(limited.destination, now_ns, 0, false), 0u) << "year " << year;
    ASSERT_EQ(admit(limited.destination, now_ns, 0, false), kRateLimited) << "year " << year;
  }
  // One message in a second has put the position a second ahead; a fast rate is not held up by it.
  limited.control.set_limits(rate(1'000'000, 10));
  const uint64_t now_ns = uint64_t{299} * 366 * 24 * 3600 * kSecondNs + 2 * kSecondNs;
  EXPECT_EQ(admit(limited.destination, now_ns, 0, false), 0u);
}

TEST(EngineAdmission, WorkersThatShareARateStayBelowItTogether) {
  constexpr uint32_t kBurst = 1000;
  constexpr uint32_t kThreads = 4;
  Limited limited(rate(1, kBurst));
  std::atomic<uint32_t> passed{0};
  std::vector<std::thread> threads;
  for (uint32_t index = 0; index < kThreads; ++index) {
    threads.emplace_back([&] {
      for (uint32_t i = 0; i < kBurst; ++i) {
        if (take_rate(limited.control, 9 * kSecondNs)) passed.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(passed.load(), kBurst);
}

TEST(EngineAdmission, ABusyDestinationTakesOnlyWhatIsImportantEnough) {
  LimitOptions options;
  options.sheds = true;
  options.shed_bytes = {UINT32_MAX, 2000, 2000, 1000, 1000, 1000, 1000, 0};
  Limited limited(options);
  EXPECT_EQ(admit(limited.destination, 0, 7, false), 0u);
  while (!limited.queue->waits_beyond(1000, 0)) ASSERT_TRUE(limited.put());
  EXPECT_EQ(admit(limited.destination, 0, 7, false), kShed);
  EXPECT_EQ(admit(limited.destination, 0, 3, false), kShed);
  EXPECT_EQ(admit(limited.destination, 0, 2, false), 0u);
  while (!limited.queue->waits_beyond(2000, 0)) ASSERT_TRUE(limited.put());
  EXPECT_EQ(admit(limited.destination, 0, 2, false), kShed);
  EXPECT_EQ(admit(limited.destination, 0, 1, false), kShed);
  EXPECT_EQ(admit(limited.destination, 0, 0, false), 0u);
}

TEST(EngineAdmission, WhatWaitsBehindTheQueueCountsAsWaiting) {
  LimitOptions options;
  options.sheds = true;
  options.shed_bytes.fill(500);
  Limited limited(options);
  limited.control.backlog_bytes.store(500);
  EXPECT_EQ(admit(limited.destination, 0, 1, false), 0u);
  limited.control.backlog_bytes.store(501);
  EXPECT_EQ(admit(limited.destination, 0, 1, false), kShed);
}

TEST(EngineAdmission, RequestsInFlightAreLimitedUntilTheyAreAnsweredOrForgotten) {
  LimitOptions options;
  options.in_flight_max = 3;
  Limited limited(options);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(admit(limited.destination, 0, 0, false), 0u);
    limited.control.note_request();
  }
  EXPECT_EQ(admit(limited.destination, 0, 0, false), kInFlightLimit);
  limited.control.note_timeout();
  EXPECT_EQ(limited.control.unanswered_in_row.load(), 1u);
  EXPECT_EQ(admit(limited.destination, 0, 0, false), 0u);
  limited.control.note_request();
  EXPECT_EQ(admit(limited.destination, 0, 0, false), kInFlightLimit);
  limited.control.note_answer();
  EXPECT_EQ(limited.control.unanswered_in_row.load(), 0u);
  EXPECT_EQ(limited.control.unanswered.load(), 1u);
  limited.control.note_forgotten();
  EXPECT_EQ(limited.control.outstanding.load(), 1u);
  EXPECT_EQ(admit(limited.destination, 0, 0, false), 0u);
}

TEST(EngineAdmission, WhatIsShutTakesOnlyWhatAPoolSendsThere) {
  Limited limited;
  limited.control.set_shut(true);
  EXPECT_EQ(admit(limited.destination, 0, 0, false),
            static_cast<uint32_t>(RejectCode::kNoDestination));
  EXPECT_EQ(admit(limited.destination, 0, 0, true), 0u);
  limited.control.set_limits(rate(1, 1));
  EXPECT_EQ(admit(limited.destination, kSecondNs, 0, false),
            static_cast<uint32_t>(RejectCode::kNoDestination));
  limited.control.set_shut(false);
  EXPECT_EQ(admit(limited.destination, kSecondNs, 0, false), 0u);
  EXPECT_EQ(admit(limited.destination, kSecondNs, 0, false), kRateLimited);
}

TEST(EngineAdmission, RefusedMessagesAreCountedByTheirReason) {
  std::atomic<uint64_t> shed{0};
  std::atomic<uint64_t> limited_count{0};
  LimitOptions options = rate(1, 1);
  options.sheds = true;
  options.shed_bytes.fill(UINT32_MAX);
  options.shed_bytes[7] = 0;
  Limited limited(options);
  limited.control.counters.shed = &shed;
  limited.control.counters.rate_limited = &limited_count;
  ASSERT_TRUE(limited.put());
  ASSERT_EQ(admit(limited.destination, kSecondNs, 7, false), kShed);
  ASSERT_EQ(admit(limited.destination, kSecondNs, 0, false), 0u);
  ASSERT_EQ(admit(limited.destination, kSecondNs, 0, false), kRateLimited);
  ASSERT_EQ(admit(limited.destination, kSecondNs, 0, false), kRateLimited);
  EXPECT_EQ(shed.load(), 1u);
  EXPECT_EQ(limited_count.load(), 2u);
}

}  // namespace
}  // namespace hyperroute
