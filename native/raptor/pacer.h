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
  static constexpr uint64_t kSlackDivisor = 32;
  // Of a pace: keeps the sums below small, whatever an estimate says.
  static constexpr uint64_t kSrttNsMax = 60'000'000'000;

  // After whatever changed window or estimate. Divides only where the pace would change by more
  // than kSlackDivisor says: an estimate moves a little with every ACK.
  void update(uint32_t window_bytes, uint64_t srtt_ns, bool is_slow_start,
              uint32_t datagram_bytes) noexcept {
    const uint64_t change_ns = srtt_ns > srtt_ns_ ? srtt_ns - srtt_ns_ : srtt_ns_ - srtt_ns;
    if (window_bytes == window_bytes_ && datagram_bytes == datagram_bytes_ &&
        is_slow_start == is_slow_start_ && change_ns <= srtt_ns_ / kSlackDivisor) {
      return;
    }
    window_bytes_ = window_bytes;
    datagram_bytes_ = datagram_bytes;
    is_slow_start_ = is_slow_start;
    srtt_ns_ = srtt_ns;
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
    uint64_t cost = 0;
    const bool is_out_of_range = __builtin_mul_overflow(bytes, ns_per_byte_q16_, &cost);
    return is_out_of_range ? UINT64_MAX >> 16 : cost >> 16;
  }

  uint64_t ns_per_byte_q16_ = 0;  // 0 before the first update: unpaced.
  uint64_t burst_ns_ = kBurstNsMin;
  uint64_t spent_until_ns_ = 0;

  // What the pace was made of.
  uint64_t srtt_ns_ = 0;
  uint32_t window_bytes_ = 0;
  uint32_t datagram_bytes_ = 0;
  bool is_slow_start_ = false;
};

}  // namespace hyperroute::raptor
