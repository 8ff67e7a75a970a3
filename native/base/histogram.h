// A log-linear latency histogram in a fixed array: counts of nanoseconds, one store a value.
// Thread: one writer an array; any thread, or another process through a shared mapping, reads.
// Place on the data path: record() after a sampled message.
//
// Buckets (version 1; readers in other languages recompute percentiles from this formula):
//
//   value < 32:  index = value                                   (width 1, exact)
//   otherwise:   e     = floor(log2(value))                      (5 to 35)
//                index = 32 × (e − 4) + (floor(value / 2^(e−5)) − 32)
//
//   low(index)   = index < 32 ? index : (32 + index mod 32) × 2^(floor(index / 32) − 1)
//   width(index) = index < 32 ? 1     : 2^(floor(index / 32) − 1)
//
// 1,024 buckets of u64 (8 KiB) reach to 2^36 − 1 ns (68.7 s); larger values count as that one.
// A bucket is at most 1/32 of its low bound wide and is reported by its middle,
// low + floor((width − 1) / 2), so the relative error is at most 1/64 (1.6 %).
//
// The p-th percentile of n values is the middle of the first bucket at which the running sum
// reaches max(1, ceil(n × p / 100)); n is the sum of all buckets of the same snapshot.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/assert.h"

namespace hyperroute {

inline constexpr uint32_t kHistogramSubBucketBits = 5;
inline constexpr uint32_t kHistogramSubBucketCount = 1u << kHistogramSubBucketBits;
inline constexpr uint32_t kHistogramValueBits = 36;
inline constexpr uint64_t kHistogramValueMax = (uint64_t{1} << kHistogramValueBits) - 1;
inline constexpr uint32_t kHistogramBucketCount =
    kHistogramSubBucketCount * (kHistogramValueBits - kHistogramSubBucketBits + 1);
inline constexpr uint32_t kHistogramBytes = kHistogramBucketCount * 8;
static_assert(kHistogramBucketCount == 1024);

// A view over the array of one histogram; the memory's owner outlives it.
class Histogram {
 public:
  Histogram() noexcept = default;
  explicit Histogram(uint64_t* buckets) noexcept : buckets_(buckets) {}

  static constexpr uint32_t bucket_count() noexcept { return kHistogramBucketCount; }

  static constexpr uint32_t bucket_index(uint64_t value) noexcept {
    const uint64_t clamped = value < kHistogramValueMax ? value : kHistogramValueMax;
    if (clamped < kHistogramSubBucketCount) return static_cast<uint32_t>(clamped);
    const uint32_t exponent = static_cast<uint32_t>(std::bit_width(clamped)) - 1;
    const uint32_t shift = exponent - kHistogramSubBucketBits;
    // The shifted value is 32 to 63; its leading one moves the octave up by one.
    return (shift << kHistogramSubBucketBits) + static_cast<uint32_t>(clamped >> shift);
  }

  static constexpr uint64_t bucket_low(uint32_t index) noexcept {
    if (index < kHistogramSubBucketCount) return index;
    const uint32_t shift = (index >> kHistogramSubBucketBits) - 1;
    const uint64_t sub = kHistogramSubBucketCount + (index & (kHistogramSubBucketCount - 1));
    return sub << shift;
  }

  static constexpr uint64_t bucket_width(uint32_t index) noexcept {
    if (index < kHistogramSubBucketCount) return 1;
    return uint64_t{1} << ((index >> kHistogramSubBucketBits) - 1);
  }

  static constexpr uint64_t bucket_middle(uint32_t index) noexcept {
    return bucket_low(index) + (bucket_width(index) - 1) / 2;
  }

  bool valid() const noexcept { return buckets_ != nullptr; }

  void record(uint64_t value_ns) noexcept {
    std::atomic_ref<uint64_t> bucket(buckets_[bucket_index(value_ns)]);
    // Relaxed: the only writer adds to its own count; a reader needs each count whole, not an
    // order between them.
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

 private:
  uint64_t* buckets_ = nullptr;
};

// A private copy of the counts, and what can be computed from it. 8 KiB: keep it off hot stacks.
class HistogramSnapshot {
 public:
  void add(const uint64_t* buckets) noexcept {
    for (uint32_t index = 0; index < kHistogramBucketCount; ++index) {
      // Relaxed: a snapshot is a set of whole counts; values recorded meanwhile may be missing.
      const uint64_t count = std::atomic_ref<uint64_t>(const_cast<uint64_t&>(buckets[index]))
                                 .load(std::memory_order_relaxed);
      counts_[index] += count;
      total_count_ += count;
    }
  }

  uint64_t total_count() const noexcept { return total_count_; }
  uint64_t count_at(uint32_t index) const noexcept { return counts_[index]; }

  // `percent` from 0 to 100; 0 for an empty snapshot.
  uint64_t percentile_ns(double percent) const noexcept {
    if (total_count_ == 0) return 0;
    const double wanted = std::ceil(static_cast<double>(total_count_) * percent / 100.0);
    const uint64_t rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::max(0.0, wanted)));
    uint64_t running_count = 0;
    uint32_t last_index = 0;
    for (uint32_t index = 0; index < kHistogramBucketCount; ++index) {
      if (counts_[index] == 0) continue;
      running_count += counts_[index];
      last_index = index;
      if (running_count >= rank) break;
    }
    return Histogram::bucket_middle(last_index);
  }

  uint64_t max_ns() const noexcept { return percentile_ns(100.0); }

 private:
  uint64_t counts_[kHistogramBucketCount] = {};
  uint64_t total_count_ = 0;
};

}  // namespace hyperroute
