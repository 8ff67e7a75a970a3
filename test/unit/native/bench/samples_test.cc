// Percentiles of the benches' raw samples, with and without a clock that advances in steps.
#include "bench/native/samples.h"

#include <gtest/gtest.h>

#include <vector>

namespace hyperroute {
namespace {

TEST(Samples, RanksAreTheNearestOnes) {
  EXPECT_EQ(rank_of(0, 1000), 0u);
  EXPECT_EQ(rank_of(50, 1000), 499u);
  EXPECT_EQ(rank_of(99.9, 1000), 998u);
  EXPECT_EQ(rank_of(99.99, 1000), 999u);
  EXPECT_EQ(rank_of(100, 1000), 999u);
  EXPECT_EQ(rank_of(50, 1), 0u);
}

TEST(Samples, FewEqualSamplesAreTakenAsTheyAre) {
  std::vector<uint32_t> ticks;
  for (uint32_t value = 0; value < 1000; ++value) ticks.push_back(value * 7);
  for (const size_t rank : {size_t{0}, size_t{499}, size_t{999}}) {
    EXPECT_EQ(sample_at(ticks, rank), static_cast<double>(rank * 7));
  }
}

TEST(Samples, EqualStepsOfTheClockAreSpreadOverTheStep) {
  // True values spread evenly from 78 to 88, read by a clock with steps of 10.
  std::vector<uint32_t> ticks;
  for (uint32_t index = 0; index < 10'000; ++index) {
    const double value = 78 + index / 1000.0;
    ticks.push_back(static_cast<uint32_t>(std::lround(value / 10) * 10));
  }
  ticks.insert(ticks.begin(), 70);
  ticks.push_back(100);
  const double median = sample_at(ticks, rank_of(50, ticks.size()));
  EXPECT_NEAR(median, 83, 1.2);
  // The steps themselves are 80 and 90: neither is this near.
  EXPECT_NE(median, 80);
}

TEST(Samples, PercentilesAreNetOfTheClockAndNeverBelowZero) {
  clock_init();
  Samples samples(4);
  for (const uint64_t interval_ticks : {400u, 100u, 300u, 200u, 999u}) samples.add(interval_ticks);
  ASSERT_EQ(samples.count(), 4u) << "what is beyond the capacity is left out";
  const double ns_per_tick = static_cast<double>(clock_scale.multiplier) / 4294967296.0;
  double values_ns[kLevelCount];
  samples.summarise(150 * ns_per_tick, values_ns);
  EXPECT_EQ(values_ns[0], 0);
  EXPECT_NEAR(values_ns[3], 50 * ns_per_tick, 1e-6);
  EXPECT_NEAR(values_ns[kLevelCount - 1], 250 * ns_per_tick, 1e-6);
}

}  // namespace
}  // namespace hyperroute
