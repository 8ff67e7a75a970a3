// The parked wake-up protocol between two threads, for ThreadSanitizer: the
// same races as the unit test's.
#include <gtest/gtest.h>

#include "unit/native/ring/parker_race.h"

namespace hyperroute {
namespace {

TEST(ParkerStress, PublishParkRacesLoseNoWakeByCommitWord) {
  const uint64_t record_count = race_record_count();
  const ParkerRaceResult result =
      run_parker_race(record_count, RingVisibility::kCommitWord, 0x57e554);
  EXPECT_EQ(result.lost_wake_count, 0u);
  EXPECT_EQ(result.received_count, record_count);
  EXPECT_TRUE(result.in_order);
  EXPECT_GT(result.park_count, 0u);
}

TEST(ParkerStress, PublishParkRacesLoseNoWakeByTail) {
  const uint64_t record_count = race_record_count();
  const ParkerRaceResult result = run_parker_race(record_count, RingVisibility::kTail, 0x57e555);
  EXPECT_EQ(result.lost_wake_count, 0u);
  EXPECT_EQ(result.received_count, record_count);
  EXPECT_TRUE(result.in_order);
  EXPECT_GT(result.park_count, 0u);
}

TEST(ParkerStress, AProducerWaitingForSpaceIsAlwaysWoken) {
  const uint64_t record_count = race_record_count();
  const ParkerRaceResult result = run_space_race(record_count, 0x57e556);
  EXPECT_EQ(result.lost_wake_count, 0u);
  EXPECT_EQ(result.received_count, record_count);
  EXPECT_TRUE(result.in_order);
  EXPECT_GT(result.park_count, 0u) << "the ring was never full";
}

}  // namespace
}  // namespace hyperroute
