// The parked wake-up protocol: its steps on one thread, then races between two.
#include "ring/parker.h"

#include "base/prng.h"
#include "unit/native/ring/parker_race.h"
#include "unit/native/ring/ring_fixture.h"

namespace hyperroute {
namespace {

TEST(Parker, AnAwakeConsumerIsNotWoken) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  EXPECT_FALSE(parker.wake_if_parked());
  EXPECT_FALSE(wait_for_wake(parker, 0));
}

TEST(Parker, APublishAfterParkingWakesExactlyOnce) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  parker.prepare_park();
  EXPECT_TRUE(parker.wake_if_parked());
  EXPECT_FALSE(parker.wake_if_parked()) << "one write a park";
  EXPECT_TRUE(wait_for_wake(parker, 0));
  parker.unpark_self();
  EXPECT_FALSE(wait_for_wake(parker, 0));
  EXPECT_FALSE(parker.wake_if_parked());
}

TEST(Parker, NobodyWakesWhereNothingIsPublished) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  parker.prepare_park();
  EXPECT_FALSE(wait_for_wake(parker, 1'000'000));
  parker.unpark_self();
}

TEST(Parker, AnUnconditionalWakeEndsTheNextSleepAndOnlyThat) {
  Parker parker;
  ASSERT_TRUE(parker.open().ok());
  parker.wake();
  parker.wake();
  parker.prepare_park();
  EXPECT_TRUE(wait_for_wake(parker, kLostWakeNs));
  parker.unpark_self();
  parker.prepare_park();
  EXPECT_FALSE(wait_for_wake(parker, 0));
  parker.unpark_self();
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
