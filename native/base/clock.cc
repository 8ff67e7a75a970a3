// Choice and calibration of the tick source. Set-up only.
#include "base/clock.h"

#include <time.h>

#include <algorithm>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hyperroute {

ClockScale clock_scale;

namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kCalibrationNs = 10'000'000;
constexpr int kBracketCount = 32;
constexpr int kCostRoundCount = 16;
constexpr int kCostReadCount = 256;

bool initialised = false;

uint64_t read_ns(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNsPerSecond + static_cast<uint64_t>(now.tv_nsec);
}

// Whether the counter runs at one rate in every power state and never stops. Hypervisors clear
// the bit where they cannot promise it, so it holds for virtual machines too.
bool counter_is_constant() noexcept {
#if defined(__x86_64__)
  constexpr uint32_t kPowerLeaf = 0x80000007;
  constexpr uint32_t kInvariantTscBit = 1u << 8;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  if (__get_cpuid(kPowerLeaf, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (edx & kInvariantTscBit) != 0;
#elif defined(__aarch64__)
  return true;  // The architecture defines cntvct as constant.
#else
  return false;
#endif
}

struct TickPair {
  uint64_t ticks;
  uint64_t time_ns;
};

// A tick and the kernel's time at the same moment: of several tries the one with the narrowest
// bracket, so that an interrupt in between cannot skew the rate.
TickPair sample_pair() noexcept {
  TickPair best{};
  uint64_t best_width_ticks = UINT64_MAX;
  for (int round = 0; round < kBracketCount; ++round) {
    const uint64_t before = ticks();
    const uint64_t time_ns = monotonic_ns();
    const uint64_t after = ticks();
    if (after - before < best_width_ticks) {
      best_width_ticks = after - before;
      best = TickPair{before + (after - before) / 2, time_ns};
    }
  }
  return best;
}

uint64_t calibrate_multiplier() noexcept {
  const TickPair first = sample_pair();
  timespec pause{};
  pause.tv_nsec = static_cast<long>(kCalibrationNs);
  ::nanosleep(&pause, nullptr);  // Cut short by a signal, the interval is shorter but still true.
  const TickPair last = sample_pair();
  const uint64_t interval_ticks = last.ticks - first.ticks;
  if (interval_ticks == 0) return 0;
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(last.time_ns - first.time_ns) << 32) /
                               interval_ticks);
}

// The least mean over several rounds: the cost without interrupts, rounded to nanoseconds.
uint64_t measure_cost_ns() noexcept {
  uint64_t best_ticks = UINT64_MAX;
  for (int round = 0; round < kCostRoundCount; ++round) {
    const uint64_t start = ticks();
    uint64_t last = start;
    for (int read = 0; read < kCostReadCount; ++read) last = ticks();
    best_ticks = std::min(best_ticks, last - start);
  }
  return (ticks_to_ns(best_ticks) + kCostReadCount / 2) / kCostReadCount;
}

}  // namespace

uint64_t monotonic_ns() noexcept { return read_ns(CLOCK_MONOTONIC); }

uint64_t realtime_ns() noexcept { return read_ns(CLOCK_REALTIME); }

void clock_init(ClockSource source) noexcept {
  if (initialised && source == ClockSource::kAuto) return;
  clock_scale = ClockScale{};
  const bool wanted =
      source == ClockSource::kCounter || (source == ClockSource::kAuto && counter_is_constant());
#if defined(__x86_64__) || defined(__aarch64__)
  clock_scale.counter = wanted;
#else
  static_cast<void>(wanted);
#endif
  if (clock_scale.counter) {
    const uint64_t multiplier = calibrate_multiplier();
    // A counter that stood still is none: fall back rather than divide by it later.
    if (multiplier == 0) {
      clock_scale = ClockScale{};
    } else {
      clock_scale.multiplier = multiplier;
    }
  }
  clock_scale.cost_ns = measure_cost_ns();
  initialised = true;
}

}  // namespace hyperroute
