// Latencies of a probe: a histogram and its exact ends.
// Thread: the probe's. Place: one store a timed message.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/histogram.h"

namespace hyperroute::probe {

struct LatencySummary {
  uint64_t count = 0;
  uint64_t min_ns = 0;
  uint64_t p50_ns = 0;
  uint64_t p90_ns = 0;
  uint64_t p99_ns = 0;
  uint64_t p999_ns = 0;
  uint64_t max_ns = 0;
};

class Latencies {
 public:
  void record(uint64_t latency_ns) noexcept {
    Histogram(buckets_).record(latency_ns);
    ++count_;
    min_ns_ = std::min(min_ns_, latency_ns);
    max_ns_ = std::max(max_ns_, latency_ns);
  }

  void clear() noexcept {
    std::memset(buckets_, 0, sizeof buckets_);
    count_ = 0;
    min_ns_ = UINT64_MAX;
    max_ns_ = 0;
  }

  [[nodiscard]] uint64_t count() const noexcept { return count_; }
  [[nodiscard]] uint64_t count_at(uint32_t bucket) const noexcept { return buckets_[bucket]; }

  // Percentiles are exact to 1.6 %, and never outside of what was measured.
  [[nodiscard]] LatencySummary summary() const {
    if (count_ == 0) return {};
    const auto snapshot = std::make_unique<HistogramSnapshot>();
    snapshot->add(buckets_);
    const auto at = [&](double percent) {
      return std::clamp(snapshot->percentile_ns(percent), min_ns_, max_ns_);
    };
    return {.count = count_,
            .min_ns = min_ns_,
            .p50_ns = at(50),
            .p90_ns = at(90),
            .p99_ns = at(99),
            .p999_ns = at(99.9),
            .max_ns = max_ns_};
  }

 private:
  uint64_t buckets_[kHistogramBucketCount] = {};
  uint64_t count_ = 0;
  uint64_t min_ns_ = UINT64_MAX;
  uint64_t max_ns_ = 0;
};

}  // namespace hyperroute::probe
