// Sorting and percentiles, outside every timed loop.
#include "bench/native/samples.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "base/clock.h"

namespace hyperroute {
namespace {

// Nanoseconds with their fraction: a tick is less than one.
double exact_ns(uint32_t interval_ticks) {
  constexpr double kTwoTo32 = 4294967296.0;
  return static_cast<double>(interval_ticks) * static_cast<double>(clock_scale.multiplier) /
         kTwoTo32;
}

// Equal samples that are enough to say that the clock's step, not chance, made them equal.
constexpr uint32_t kTieCountMin = 32;

// The value at a rank (0-based) of sorted samples. Some tick counters advance in steps (10 ns on
// the AMD EPYC of a common cloud host), so thousands of samples are equal and a plain median can
// only be a step. Samples that share a step are taken as spread evenly over it, which restores
// most of what the step hid; where they are few the sample itself is the value.
double value_at(std::span<const uint32_t> sorted, size_t rank) {
  const uint32_t step = sorted[rank];
  const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), step);
  const double tie_count = static_cast<double>(high - low);
  if (high - low < kTieCountMin || low == sorted.begin() || high == sorted.end()) {
    return exact_ns(step);
  }
  const double value = exact_ns(step);
  const double edge_low = (exact_ns(*(low - 1)) + value) / 2;
  const double edge_high = (exact_ns(*high) + value) / 2;
  const double share =
      (static_cast<double>(sorted.begin() + static_cast<ptrdiff_t>(rank) - low) + 0.5) / tie_count;
  return edge_low + (edge_high - edge_low) * share;
}

}  // namespace

Samples::Samples(uint32_t capacity_count)
    // Value-initialised: every page is touched here, not inside the timed loop.
    : ticks_(std::make_unique<uint32_t[]>(capacity_count)), capacity_count_(capacity_count) {}

void Samples::summarise(double cost_ns, std::span<double, kLevelCount> values_ns) {
  HR_ASSERT(count_ > 0);
  std::sort(ticks_.get(), ticks_.get() + count_);
  for (uint32_t index = 0; index < kLevelCount; ++index) {
    const double rank = std::ceil(kLevels[index] / 100 * count_);
    const uint32_t position = rank < 1 ? 0 : static_cast<uint32_t>(rank) - 1;
    values_ns[index] = std::max(0.0, value_at({ticks_.get(), count_}, position) - cost_ns);
  }
}

}  // namespace hyperroute
