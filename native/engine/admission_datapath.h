// Whether a destination takes one more message: shedding by priority, rate, messages in flight.
//
// Thread: the producing worker. Place on the data path: between the pick and the claim, so that
// a message that is not admitted is whole and goes to its reject destination. An endpoint without
// limits costs one load and a branch that is never taken.
#pragma once

#include "engine/installed.h"
#include "engine/slot_control.h"
#include "include/hyperroute/codes.h"

namespace hyperroute {

// Attempts to move the shared word of a rate on. Each that fails means that another worker's
// succeeded, so more workers than there can be would have to be in the way.
inline constexpr uint32_t kRateAttemptsMax = 64;
// A position further ahead than its burst and this is one of the past, modulo 2^64, or of a
// slower rate.
inline constexpr uint64_t kRateSlackTicks = uint64_t{1'000'000'000} << kRateTickShift;

// The generic cell rate algorithm (ITU-T I.371, virtual scheduling) on one word that all workers
// share: over any time t no more than burst + rate × t messages pass, whoever sends them. A clock
// that is a cycle old makes it stricter, never laxer.
[[nodiscard]] inline bool take_rate(SlotControl& control, uint64_t now_ns) noexcept {
  const uint64_t now = now_ns << kRateTickShift;
  const uint64_t interval = word(control.rate_interval_ticks);
  const uint64_t burst = word(control.rate_burst_ticks);
  uint64_t position = word(control.rate_position);
  for (uint32_t attempt = 0; attempt < kRateAttemptsMax; ++attempt) {
    const uint64_t ahead = position - now;
    const uint64_t start = ahead > burst + kRateSlackTicks ? now : position;
    const uint64_t next = start + interval;
    if (next - now > burst) return false;
    // Relaxed: the word is all there is; nothing is published with it.
    if (control.rate_position.compare_exchange_weak(position, next, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

// Any worker counts here, but only where a message is refused, which costs more anyway.
inline uint32_t refuse(Counter counter, RejectCode code) noexcept {
  if (counter != nullptr) add_word(*counter, 1);
  return static_cast<uint32_t>(code);
}

// 0, or the code that the message is rejected with. Takes of the rate: what is admitted and not
// sent after all is given back with readmit().
// `is_picked`: a pool chose it, which may have nobody better.
[[nodiscard]] inline uint32_t admit(const Destination& destination, uint64_t now_ns,
                                    uint8_t priority, bool is_picked) noexcept {
  SlotControl& control = *destination.control;
  const uint8_t limits = word(control.limits);
  if (limits == 0) [[likely]]
    return 0;
  if ((limits & kLimitShut) != 0 && !is_picked) {
    return static_cast<uint32_t>(RejectCode::kNoDestination);
  }
  if ((limits & kLimitShed) != 0) {
    const uint32_t bound = word(control.shed_bytes[priority]);
    const uint32_t backlog_bytes = word(control.backlog_bytes);
    if (bound != UINT32_MAX && destination.queue->waits_beyond(bound, backlog_bytes)) {
      return refuse(control.counters.shed, RejectCode::kShed);
    }
  }
  if ((limits & kLimitInFlight) != 0 && word(control.outstanding) >= word(control.in_flight_max)) {
    return refuse(control.counters.in_flight_limited, RejectCode::kInFlightLimit);
  }
  if ((limits & kLimitRate) != 0 && !take_rate(control, now_ns)) {
    return refuse(control.counters.rate_limited, RejectCode::kRateLimited);
  }
  return 0;
}

// The message that was admitted last was not sent.
inline void readmit(const Destination& destination) noexcept {
  SlotControl& control = *destination.control;
  if ((word(control.limits) & kLimitRate) == 0) [[likely]]
    return;
  const uint64_t interval = word(control.rate_interval_ticks);
  add_word(control.rate_position, 0 - interval);
}

}  // namespace hyperroute
