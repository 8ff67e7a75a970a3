// Raw latency samples of one round, kept as they were taken and sorted afterwards: a ratio of two
// medians must not carry a histogram's bucket width.
// Thread: the measuring thread. Place: beside the measured loop, one store a sample.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>

#include "base/assert.h"
#include "base/clock.h"

namespace hyperroute {

// Percentiles that every round reports, ascending; bench/harness/types.ts lists the same.
inline constexpr double kLevels[] = {0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100};
inline constexpr uint32_t kLevelCount = sizeof(kLevels) / sizeof(kLevels[0]);

// Equal samples that are enough to say that the clock's step, not chance, made them equal.
inline constexpr ptrdiff_t kTieCountMin = 32;

// The value at a rank (0-based) of sorted samples, in ticks. Some tick counters advance in steps
// (10 ns on the AMD EPYC of a common cloud host), so thousands of samples are equal and a plain
// median can only be a step. Samples that share a step are taken as spread evenly over it, which
// restores most of what the step hid; where they are few the sample itself is the value.
inline double sample_at(std::span<const uint32_t> sorted_ticks, size_t rank) {
  const uint32_t step = sorted_ticks[rank];
  const auto [low, high] = std::equal_range(sorted_ticks.begin(), sorted_ticks.end(), step);
  const ptrdiff_t tie_count = high - low;
  if (tie_count < kTieCountMin || low == sorted_ticks.begin() || high == sorted_ticks.end()) {
    return step;
  }
  const double edge_low = (static_cast<double>(*(low - 1)) + step) / 2;
  const double edge_high = (static_cast<double>(*high) + step) / 2;
  const ptrdiff_t tie_index = static_cast<ptrdiff_t>(rank) - (low - sorted_ticks.begin());
  const double share = (static_cast<double>(tie_index) + 0.5) / static_cast<double>(tie_count);
  return edge_low + (edge_high - edge_low) * share;
}

// The rank (0-based) of a percentile among `count` ≥ 1 samples. Nearest rank, in hundredths of a
// percent, which are whole numbers: 99.9 % of 1,000 samples is the 999th exactly.
inline size_t rank_of(double level, size_t count) {
  const uint64_t hundredths = static_cast<uint64_t>(std::lround(level * 100));
  const uint64_t nearest = (hundredths * count + 9'999) / 10'000;
  return nearest == 0 ? 0 : nearest - 1;
}

class Samples {
 public:
  // Value-initialised: every page is touched here, not inside the timed loop.
  explicit Samples(uint32_t capacity_count)
      : ticks_(std::make_unique<uint32_t[]>(capacity_count)), capacity_count_(capacity_count) {}

  // Keeps one interval; what is beyond the capacity is left out.
  void add(uint64_t interval_ticks) noexcept {
    if (count_ >= capacity_count_) [[unlikely]]
      return;
    ticks_[count_++] = static_cast<uint32_t>(std::min<uint64_t>(interval_ticks, UINT32_MAX));
  }

  void clear() noexcept { count_ = 0; }
  uint32_t count() const noexcept { return count_; }

  // Sorts, and writes the nanoseconds at kLevels, each less `cost_ns`. Needs at least one sample.
  void summarise(double cost_ns, std::span<double, kLevelCount> values_ns) {
    HR_ASSERT(count_ > 0);
    constexpr double kTwoTo32 = 4294967296.0;
    const double ns_per_tick = static_cast<double>(clock_scale.multiplier) / kTwoTo32;
    std::sort(ticks_.get(), ticks_.get() + count_);
    for (uint32_t index = 0; index < kLevelCount; ++index) {
      const double ticks = sample_at({ticks_.get(), count_}, rank_of(kLevels[index], count_));
      values_ns[index] = std::max(0.0, ticks * ns_per_tick - cost_ns);
    }
  }

 private:
  std::unique_ptr<uint32_t[]> ticks_;
  uint32_t capacity_count_;
  uint32_t count_ = 0;
};

}  // namespace hyperroute
