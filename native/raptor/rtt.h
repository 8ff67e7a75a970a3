// The round-trip time of a path: smoothed, its variation, and the least of the last seconds.
//
// After RFC 9002 section 5 and RFC 6298, with one rule more: a sample far above the smoothed value
// counts as kClipFactor times that value only. A receiver that loses its core for milliseconds is
// normal where round trips are of microseconds; one such sample must not turn the next tail-loss
// probe into one of milliseconds. A path that did become slow is learned in a few samples all the
// same, for the limit grows with each of them.
// Owner: the session's thread. Data path: one sample for each ACK that brings news.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hyperroute::raptor {

// The answer of every *_deadline_ns() and next_send_ns() that waits for nothing.
inline constexpr uint64_t kNoDeadlineNs = UINT64_MAX;

// A sum of a time and an interval that stays in range whatever a clock says.
[[nodiscard]] constexpr uint64_t time_after(uint64_t now_ns, uint64_t interval_ns) noexcept {
  return interval_ns > kNoDeadlineNs - now_ns ? kNoDeadlineNs : now_ns + interval_ns;
}
[[nodiscard]] constexpr uint64_t elapsed_ns(uint64_t now_ns, uint64_t since_ns) noexcept {
  return now_ns > since_ns ? now_ns - since_ns : 0;
}

class RttEstimator {
 public:
  // Before the first sample. RFC 9002 section 6.2.2 takes 333 ms; here the handshake has given a
  // sample before the first packet of data is sent, and this stands for tests and for surprises.
  static constexpr uint64_t kInitialRttNs = 5'000'000;
  // A sample counts as this many times the smoothed value and kClipSlackNs at most.
  static constexpr uint64_t kClipFactor = 8;
  static constexpr uint64_t kClipSlackNs = 20'000;
  // Half of the time for which the least sample is remembered (RFC 8985 section 6.2 step 1 asks
  // for a windowed minimum; ten seconds are BBR's).
  static constexpr uint64_t kMinHalfWindowNs = 5'000'000'000;
  // What an hour-long jump of the clock leaves of a sample.
  static constexpr uint64_t kSampleNsMax = 60'000'000'000;
  // Below it a timer would measure the scheduler of the peer (RFC 9002: kGranularity, 1 ms there).
  static constexpr uint64_t kProbeTimeoutNsMin = 100'000;

  // A peer that says it waits longer is not waited for: probes would be its to put off.
  static constexpr uint64_t kPeerAckDelayNsMax = 100'000'000;

  // How long the peer may hold an ACK back, as it said in the handshake.
  void set_peer_ack_delay_ns(uint64_t ack_delay_ns) noexcept {
    peer_ack_delay_ns_ = std::min(ack_delay_ns, kPeerAckDelayNsMax);
  }

  // `rtt_ns`: from sending a packet to its ACK. `ack_delay_ns`: what the ACK says the peer waited,
  // taken off as far as the peer may wait and the sample stays above the least (RFC 9002 5.3).
  void on_sample(uint64_t now_ns, uint64_t rtt_ns, uint64_t ack_delay_ns) noexcept {
    const uint64_t sample_ns = std::clamp<uint64_t>(rtt_ns, 1, kSampleNsMax);
    update_min(now_ns, sample_ns);
    const uint64_t delay_ns = std::min(ack_delay_ns, peer_ack_delay_ns_);
    latest_ns_ = sample_ns >= min_ns() + delay_ns ? sample_ns - delay_ns : sample_ns;
    if (!has_sample_) {
      has_sample_ = true;
      srtt_ns_ = latest_ns_;
      rttvar_ns_ = latest_ns_ / 2;
      return;
    }
    const uint64_t counted_ns = std::min(latest_ns_, kClipFactor * srtt_ns_ + kClipSlackNs);
    const uint64_t deviation_ns =
        counted_ns > srtt_ns_ ? counted_ns - srtt_ns_ : srtt_ns_ - counted_ns;
    rttvar_ns_ = (3 * rttvar_ns_ + deviation_ns) / 4;
    srtt_ns_ = std::max<uint64_t>((7 * srtt_ns_ + counted_ns) / 8, 1);
  }

  [[nodiscard]] bool has_sample() const noexcept { return has_sample_; }
  [[nodiscard]] uint64_t srtt_ns() const noexcept { return has_sample_ ? srtt_ns_ : kInitialRttNs; }
  [[nodiscard]] uint64_t rttvar_ns() const noexcept {
    return has_sample_ ? rttvar_ns_ : kInitialRttNs / 2;
  }
  // The newest sample as it was, not clipped, less the peer's delay.
  [[nodiscard]] uint64_t latest_ns() const noexcept {
    return has_sample_ ? latest_ns_ : kInitialRttNs;
  }
  // The least sample of the last five to ten seconds.
  [[nodiscard]] uint64_t min_ns() const noexcept {
    return has_sample_ || min_ns_ != kNoDeadlineNs ? std::min(min_ns_, min_before_ns_)
                                                   : kInitialRttNs;
  }

  // How long to wait for an ACK before the oldest packet in flight is sent again:
  // 1.5 srtt + 4 rttvar + the peer's delay. RFC 8985 section 7.2 takes 2 srtt and no variation,
  // RFC 9002 section 6.2.1 srtt + 4 rttvar + delay: the half srtt stands for the variation that
  // an estimate of an even path does not show. Not doubled yet.
  [[nodiscard]] uint64_t probe_timeout_ns() const noexcept {
    const uint64_t srtt = srtt_ns();
    return std::max(srtt + srtt / 2 + 4 * rttvar_ns() + peer_ack_delay_ns_, kProbeTimeoutNsMin);
  }

 private:
  // The least of two halves of the window; a half that ends makes room for a new one.
  void update_min(uint64_t now_ns, uint64_t sample_ns) noexcept {
    const uint64_t age_ns = elapsed_ns(now_ns, half_began_ns_);
    if (age_ns >= kMinHalfWindowNs || min_ns_ == kNoDeadlineNs) {
      min_before_ns_ = age_ns >= 2 * kMinHalfWindowNs ? kNoDeadlineNs : min_ns_;
      min_ns_ = sample_ns;
      half_began_ns_ = now_ns;
    }
    min_ns_ = std::min(min_ns_, sample_ns);
  }

  bool has_sample_ = false;
  uint64_t srtt_ns_ = 0;
  uint64_t rttvar_ns_ = 0;
  uint64_t latest_ns_ = 0;
  uint64_t min_ns_ = kNoDeadlineNs;
  uint64_t min_before_ns_ = kNoDeadlineNs;
  uint64_t half_began_ns_ = 0;
  uint64_t peer_ack_delay_ns_ = 0;
};

}  // namespace hyperroute::raptor
