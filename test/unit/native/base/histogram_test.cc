// Buckets, error bound and percentiles of base/histogram.h.
#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"

namespace hyperroute {
namespace {

TEST(Histogram, TheBucketsTileTheRangeWithoutGapOrOverlap) {
  uint64_t expected_low = 0;
  for (uint32_t index = 0; index < Histogram::bucket_count(); ++index) {
    ASSERT_EQ(Histogram::bucket_low(index), expected_low) << index;
    const uint64_t high = expected_low + Histogram::bucket_width(index) - 1;
    ASSERT_EQ(Histogram::bucket_index(expected_low), index);
    ASSERT_EQ(Histogram::bucket_index(high), index);
    expected_low = high + 1;
  }
  EXPECT_EQ(expected_low, kHistogramValueMax + 1);
}

TEST(Histogram, ABucketsMiddleIsWithinTheStatedErrorOfAnyOfItsValues) {
  for (uint32_t index = 1; index < Histogram::bucket_count(); ++index) {
    const uint64_t low = Histogram::bucket_low(index);
    const uint64_t high = low + Histogram::bucket_width(index) - 1;
    const uint64_t middle = Histogram::bucket_middle(index);
    ASSERT_LE((middle - low) * 64, low) << index;
    ASSERT_LE((high - middle) * 64, high) << index;
  }
}

TEST(Histogram, TheFormulaGivesTheDocumentedIndices) {
  EXPECT_EQ(Histogram::bucket_index(0), 0u);
  EXPECT_EQ(Histogram::bucket_index(31), 31u);
  EXPECT_EQ(Histogram::bucket_index(32), 32u);
  EXPECT_EQ(Histogram::bucket_index(64), 64u);
  EXPECT_EQ(Histogram::bucket_index(1000), 32u * (9 - 4) + (1000 / 16 - 32));
  EXPECT_EQ(Histogram::bucket_index(1'000'000), 32u * (19 - 4) + (1'000'000 / 16384 - 32));
}

TEST(Histogram, ValuesBeyondTheRangeCountInTheLastBucket) {
  std::vector<uint64_t> buckets(Histogram::bucket_count());
  Histogram histogram(buckets.data());
  histogram.record(kHistogramValueMax);
  histogram.record(kHistogramValueMax + 1);
  histogram.record(UINT64_MAX);
  EXPECT_EQ(buckets.back(), 3u);
  // 60 s is inside the range, not clamped.
  EXPECT_LT(Histogram::bucket_index(60'000'000'000), Histogram::bucket_count() - 1);
}

TEST(Histogram, PercentilesMatchTheSortedValuesWithinTheErrorBound) {
  const uint64_t seed = 0x5eed0004;
  Prng prng(seed);
  std::vector<uint64_t> values;
  std::vector<uint64_t> buckets(Histogram::bucket_count());
  Histogram histogram(buckets.data());
  for (int index = 0; index < 20000; ++index) {
    const uint64_t value = prng.next_u64() >> prng.between(28, 63);
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  HistogramSnapshot snapshot;
  snapshot.add(buckets.data());
  ASSERT_EQ(snapshot.total_count(), values.size());
  for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const double wanted = std::ceil(static_cast<double>(values.size()) * percent / 100.0);
    const size_t rank = std::max<size_t>(1, static_cast<size_t>(wanted));
    const uint64_t exact = values[rank - 1];
    const uint64_t got = snapshot.percentile_ns(percent);
    ASSERT_LE(std::max(got, exact) - std::min(got, exact), exact / 64 + 1)
        << "seed " << seed << " percent " << percent;
  }
}

TEST(Histogram, AnEmptySnapshotHasNoPercentile) {
  const HistogramSnapshot snapshot;
  EXPECT_EQ(snapshot.total_count(), 0u);
  EXPECT_EQ(snapshot.percentile_ns(50), 0u);
  EXPECT_EQ(snapshot.max_ns(), 0u);
}

TEST(Histogram, SnapshotsOfSeveralHistogramsAddUp) {
  std::vector<uint64_t> first(Histogram::bucket_count());
  std::vector<uint64_t> second(Histogram::bucket_count());
  for (int index = 0; index < 3; ++index) Histogram(first.data()).record(10);
  Histogram(second.data()).record(20);
  HistogramSnapshot snapshot;
  snapshot.add(first.data());
  snapshot.add(second.data());
  EXPECT_EQ(snapshot.total_count(), 4u);
  EXPECT_EQ(snapshot.percentile_ns(75), 10u);
  EXPECT_EQ(snapshot.percentile_ns(76), 20u);
}

}  // namespace
}  // namespace hyperroute
