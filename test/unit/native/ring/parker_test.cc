// The parked wake-up protocol: its steps on one thread, then races between two.
#include "ring/parker.h"

#include <poll.h>

#include <thread>
#include <vector>

#include "base/prng.h"
#include "unit/native/ring/parker_race.h"
#include "unit/native/ring/ring_fixture.h"

namespace hyperroute {
namespace {

bool is_readable(int fd) {
  pollfd entry{};
  entry.fd = fd;
  entry.events = POLLIN;
  return ::poll(&entry, 1, 0) == 1;
}

TEST(Parker, AnAwakeConsumerIsNotWoken) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  EXPECT_FALSE(parker.wake_if_parked());
  EXPECT_FALSE(is_readable(parker.fd()));
}

TEST(Parker, APublishAfterParkingWakesExactlyOnce) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  parker.prepare_park();
  EXPECT_TRUE(parker.wake_if_parked());
  EXPECT_FALSE(parker.wake_if_parked()) << "one write a park";
  EXPECT_TRUE(parker.wait(0));
  parker.unpark_self();
  EXPECT_FALSE(is_readable(parker.fd()));
  EXPECT_FALSE(parker.wake_if_parked());
}

TEST(Parker, AWaitEndsAtItsTimeout) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  parker.prepare_park();
  EXPECT_FALSE(parker.wait(1'000'000));
  parker.unpark_self();
}

TEST(Parker, AnUnconditionalWakeEndsTheNextSleepAndOnlyThat) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  parker.wake();
  parker.wake();
  parker.prepare_park();
  EXPECT_TRUE(parker.wait());
  parker.unpark_self();
  parker.prepare_park();
  EXPECT_FALSE(parker.wait(0));
  parker.unpark_self();
}

TEST(Parker, ManyWatchedWordsStillMakeOneWriteAPark) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  uint32_t words[3] = {};
  for (uint32_t& word : words) ASSERT_TRUE(parker.watch(&word).ok());
  parker.prepare_park();
  for (const uint32_t word : words) EXPECT_EQ(word, 1u);
  EXPECT_TRUE(parker.wake_if_parked(&words[1]));
  EXPECT_FALSE(parker.wake_if_parked(&words[2])) << "somebody wakes already";
  EXPECT_FALSE(parker.wake_if_parked(&words[1]));
  EXPECT_FALSE(parker.wake_if_parked());
  parker.unpark_self();
  for (const uint32_t word : words) EXPECT_EQ(word, 0u);
  parker.unwatch(&words[0]);
  parker.prepare_park();
  EXPECT_EQ(words[0], 0u);
  EXPECT_EQ(words[2], 1u);
  parker.unwatch(&words[2]);
  EXPECT_EQ(words[2], 0u) << "nobody would clear it any more";
}

TEST(Parker, WatchedWordsAreBounded) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  std::vector<uint32_t> words(Parker::kWatchedWordCountMax + 1);
  for (uint32_t index = 0; index < Parker::kWatchedWordCountMax; ++index) {
    ASSERT_TRUE(parker.watch(&words[index]).ok());
  }
  EXPECT_EQ(parker.watch(&words.back()).code, StatusCode::kLimit);
}

// A lost wake shows as a consumer that waits although its record is published.
TEST(Parker, PublishParkRacesLoseNoWake) {
  const uint64_t record_count = race_record_count();
  const ParkerRaceResult result =
      run_parker_race(record_count, RingVisibility::kCommitWord, 0x5eed05);
  EXPECT_EQ(result.lost_wake_count, 0u);
  EXPECT_EQ(result.received_count, record_count);
  EXPECT_TRUE(result.in_order);
  EXPECT_GT(result.park_count, 0u) << "the race was never run";
}

TEST(Parker, AProducerWaitingForSpaceIsWokenByEveryRelease) {
  const uint64_t record_count = race_record_count();
  const ParkerRaceResult result = run_space_race(record_count, 0x5eed06);
  EXPECT_EQ(result.lost_wake_count, 0u);
  EXPECT_EQ(result.received_count, record_count);
  EXPECT_TRUE(result.in_order);
  EXPECT_GT(result.park_count, 0u) << "the ring was never full";
}

}  // namespace
}  // namespace hyperroute
