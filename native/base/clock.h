// Time: the CPU's tick counter for intervals on the hot path, the kernel's clock for the rest.
// Thread: clock_init() once before any other thread starts; everything else from any thread.
// Place on the data path: ticks() once a burst, ticks_to_ns() where a latency is recorded.
#pragma once

#include <cstdint>

#include "base/assert.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace hyperroute {

enum class ClockSource : uint8_t {
  kAuto,       // The tick counter where it runs at one constant rate, else the kernel's clock.
  kCounter,    // The tick counter (rdtsc, cntvct), calibrated.
  kMonotonic,  // clock_gettime; a tick is then a nanosecond.
};

// ns = ticks × multiplier / 2^32. Written by clock_init() only.
struct ClockScale {
  uint64_t multiplier = uint64_t{1} << 32;
  uint64_t cost_ns = 0;
  bool counter = false;
};
extern ClockScale clock_scale;

// Chooses and calibrates the source: blocks for about 10 ms the first time with kCounter or
// kAuto. Later calls with kAuto return at once; a test may switch the source between runs, when
// no other thread reads the clock. Ticks taken before the first call are nanoseconds of the
// kernel's clock and must not be compared with ticks taken after it.
void clock_init(ClockSource source = ClockSource::kAuto) noexcept;

// Nanoseconds of CLOCK_MONOTONIC: comparable between processes of one host.
[[nodiscard]] uint64_t monotonic_ns() noexcept;

// Nanoseconds since 1970 (CLOCK_REALTIME); jumps when the host's clock is set.
[[nodiscard]] uint64_t realtime_ns() noexcept;

// The current tick. Not serialised: the CPU may move it by a few instructions, which is below
// what any of its readers resolves, and a serialising read costs three times as much.
[[nodiscard]] inline uint64_t ticks() noexcept {
#if defined(__x86_64__)
  if (clock_scale.counter) [[likely]]
    return __rdtsc();
#elif defined(__aarch64__)
  if (clock_scale.counter) [[likely]] {
    uint64_t value;
    asm volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
  }
#endif
  return monotonic_ns();
}

// Converts an interval (a difference of two ticks), not a point in time.
[[nodiscard]] inline uint64_t ticks_to_ns(uint64_t interval_ticks) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(interval_ticks) * clock_scale.multiplier) >> 32);
}

// The opposite conversion, for deadlines kept in ticks; a division, so once a timer.
[[nodiscard]] inline uint64_t ns_to_ticks(uint64_t interval_ns) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(interval_ns) << 32) / clock_scale.multiplier);
}

// What one ticks() costs, measured by clock_init(): benches subtract it.
[[nodiscard]] inline uint64_t clock_cost_ns() noexcept { return clock_scale.cost_ns; }

}  // namespace hyperroute
