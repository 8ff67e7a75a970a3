// What control sets of a slot. Thread: control.
#include "engine/slot_control.h"

namespace hyperroute {

void SlotControl::set_limits(const LimitOptions& options) noexcept {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  uint8_t which = word(limits) & kLimitShut;
  // A message at the moment of a change may meet the old limit or the new.
  if (options.sheds) which |= kLimitShed;
  for (uint32_t priority = 0; priority < kPriorityCount; ++priority) {
    set_word(shed_bytes[priority], options.shed_bytes[priority]);
  }
  if (options.in_flight_max > 0) which |= kLimitInFlight;
  set_word(in_flight_max, options.in_flight_max);
  if (options.rate_per_second > 0) {
    which |= kLimitRate;
    const uint64_t ticks_per_second = kNsPerSecond << kRateTickShift;
    const uint64_t interval_ticks =
        (ticks_per_second + options.rate_per_second / 2) / options.rate_per_second;
    set_word(rate_interval_ticks, interval_ticks);
    set_word(rate_burst_ticks, interval_ticks * options.rate_burst);
  }
  set_word(limits, which);
}

}  // namespace hyperroute
