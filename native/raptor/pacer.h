// Spreads what the window allows over the round trip, so that a window is not one burst into the
// queue of the slowest link (RFC 9002 section 7.7).
//
// A token bucket kept as one time, the virtual scheduling of GCRA (ITU-T I.371): `spent_until_ns_`
// is when what was sent would be through at the pace, and may be ahead of now by the burst. That
// has no fractions of tokens to lose, and a clock that jumps or stands does it no harm.
// Bypassed when nothing is in flight: a lone message never waits.
// Owner: the session's thread. Data path: once for each datagram.
#pragma once

#include <algorithm>
#include <cstdint>

#include "raptor/rtt.h"

namespace hyperroute::raptor {

class Pacer {
 public:
  // Faster than a window a round trip, so that the pace is not what limits (RFC 9002 section 7.7:
  // N of 1.25), and twice that in slow start, where the window doubles within the round.
  static constexpr uint32_t kGainPercent = 125;
  static constexpr uint32_t kSlowStartGainPercent = 200;
  static constexpr uint32_t kBurstDatagrams = 16;
  static constexpr uint64_t kBurstNsMin = 1'000'000;
  // Of a pace: keeps the sums below small, whatever an estimate says.
  static constexpr uint64_t kSrttNsMax = 60'000'000'000;

  // After whatever changed window or estimate.
  void update(uint32_t window_bytes, uint64_t srtt_ns, bool is_slow_start,
              uint32_t datagram_bytes) noexcept {
    const uint64_t gain = is_slow_start ? kSlowStartGainPercent : kGainPercent;
    const uint64_t bytes = std::max<uint64_t>(window_bytes, 1) * gain;
    // 60e9 · 100 · 2^16 is below 2^64.
    ns_per_byte_q16_ = ((std::min(srtt_ns, kSrttNsMax) * 100) << 16) / bytes;
    burst_ns_ = std::max(kBurstNsMin, cost_ns(uint64_t{kBurstDatagrams} * datagram_bytes));
  }

  // Whether a datagram may go now.
  [[nodiscard]] bool allows(uint64_t now_ns, uint32_t in_flight_bytes) const noexcept {
    return in_flight_bytes == 0 || spent_until_ns_ <= time_after(now_ns, burst_ns_);
  }
  // When the next one may; a time gone by: now.
  [[nodiscard]] uint64_t next_send_ns() const noexcept {
    return spent_until_ns_ > burst_ns_ ? spent_until_ns_ - burst_ns_ : 0;
  }

  void on_sent(uint64_t now_ns, uint32_t bytes) noexcept {
    // What a bypass added does not pile up beyond the burst.
    const uint64_t from_ns = std::clamp(spent_until_ns_, now_ns, time_after(now_ns, burst_ns_));
    spent_until_ns_ = time_after(from_ns, cost_ns(bytes));
  }

 private:
  [[nodiscard]] uint64_t cost_ns(uint64_t bytes) const noexcept {
    const uint64_t per_byte = ns_per_byte_q16_;
    return bytes != 0 && per_byte > (UINT64_MAX >> 1) / bytes ? UINT64_MAX >> 17
                                                              : (bytes * per_byte) >> 16;
  }

  uint64_t ns_per_byte_q16_ = 0;  // 0 before the first update: unpaced.
  uint64_t burst_ns_ = kBurstNsMin;
  uint64_t spent_until_ns_ = 0;
};

}  // namespace hyperroute::raptor
