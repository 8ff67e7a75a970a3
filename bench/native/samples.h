// Raw latency samples of one round, kept as they were taken and sorted afterwards: a ratio of two
// medians must not carry a histogram's bucket width.
// Thread: the measuring thread. Place: beside the measured loop, one store a sample.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace hyperroute {

// Percentiles that every round reports, ascending; bench/harness/types.ts lists the same.
inline constexpr double kLevels[] = {0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100};
inline constexpr uint32_t kLevelCount = sizeof(kLevels) / sizeof(kLevels[0]);

class Samples {
 public:
  explicit Samples(uint32_t capacity_count);

  // Keeps one interval in ticks; what is beyond the capacity is left out.
  void add(uint64_t interval_ticks) noexcept {
    if (count_ >= capacity_count_) [[unlikely]]
      return;
    ticks_[count_] =
        interval_ticks < UINT32_MAX ? static_cast<uint32_t>(interval_ticks) : UINT32_MAX;
    ++count_;
  }

  void clear() noexcept { count_ = 0; }
  uint32_t count() const noexcept { return count_; }

  // Sorts, and writes the nanoseconds at kLevels, each less `cost_ns`. Needs at least one sample.
  void summarise(double cost_ns, std::span<double, kLevelCount> values_ns);

 private:
  std::unique_ptr<uint32_t[]> ticks_;
  uint32_t capacity_count_;
  uint32_t count_ = 0;
};

}  // namespace hyperroute
