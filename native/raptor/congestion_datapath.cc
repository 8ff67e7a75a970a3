// The congestion window's rounds. The session's thread; arithmetic only, once for each ACK.
#include <algorithm>

#include "raptor/congestion.h"

namespace hyperroute::raptor {

CongestionWindow::CongestionWindow(const CongestionOptions& options) noexcept
    : kind_(options.kind),
      datagram_bytes_(std::max(options.datagram_bytes, 1u)),
      window_bytes_max_(std::max(options.window_bytes_max, datagram_bytes_)),
      window_bytes_min_(kFarDatagramsMin * datagram_bytes_),
      window_bytes_(0) {
  window_bytes_ = window_bytes_max_;
  if (kind_ == CongestionKind::kStatic) {
    is_slow_start_ = false;
    return;
  }
  set_window(uint64_t{kInitialDatagrams} * datagram_bytes_);
}

void CongestionWindow::set_window(uint64_t bytes) noexcept {
  const uint64_t least = std::min(window_bytes_min_, window_bytes_max_);
  window_bytes_ = static_cast<uint32_t>(std::clamp<uint64_t>(bytes, least, window_bytes_max_));
}

uint64_t CongestionWindow::target_ns(const RttEstimator& rtt) const noexcept {
  return std::max(kTargetNsMin, rtt.min_ns() / kTargetRttDivisor);
}

// A window that was not filled says nothing about what the path could carry (RFC 9002 section
// 7.8). In slow start half of it is enough, as it may have doubled within the round.
bool CongestionWindow::was_limit(const AckSummary& ack) const noexcept {
  const uint64_t filled = ack.in_flight_bytes_before;
  return is_slow_start_ ? 2 * filled >= window_bytes_
                        : filled + 2 * uint64_t{datagram_bytes_} >= window_bytes_;
}

void CongestionWindow::on_ack(uint64_t now_ns, const AckSummary& ack, const LossSummary& loss,
                              const RttEstimator& rtt, uint64_t next_number) noexcept {
  if (kind_ == CongestionKind::kStatic) return;
  window_bytes_min_ = kFarDatagramsMin * datagram_bytes_;
  if (rtt.has_sample() && rtt.min_ns() < kNearRttNs) {
    window_bytes_min_ = std::max(window_bytes_min_, near_window_bytes_min_);
  }
  set_window(window_bytes_);
  if (ack.spurious_packets != 0) [[unlikely]]
    take_back_losses(ack);
  judged_acked_ += ack.packets + ack.spurious_packets;
  judged_lost_ += loss.packets;
  if (ack.packets + ack.spurious_packets == 0) return;
  if (ack.has_rtt) take_sample(ack, rtt, next_number);
  const bool has_room = is_slow_start_ || round_delay_ns_ <= target_ns(rtt);
  if (has_room && was_limit(ack)) grow(ack.bytes);
  const bool overshoots = is_slow_start_ && !is_resting_ && round_samples_ >= kDelaySamplesMin &&
                          round_delay_ns_ > target_ns(rtt);
  if (overshoots || ack.newest_number >= round_end_number_) end_round(now_ns, rtt, next_number);
}

// Packets that came after all were acknowledged, not lost: first those not judged yet. Probes' are
// never judged as losses.
void CongestionWindow::take_back_losses(const AckSummary& ack) noexcept {
  const uint32_t late = ack.spurious_packets - ack.spurious_probe_packets;
  const uint32_t unjudged = std::min(judged_lost_, late);
  judged_lost_ -= unjudged;
  judge_last_cut(late - unjudged, ack.spurious_probe_packets);
}

// Before a cut for losses.
void CongestionWindow::remember_cut(uint32_t late_packets, bool counts_probes) noexcept {
  before_cut_.late_packets_left = late_packets;
  before_cut_.counts_probes = counts_probes;
  before_cut_.was_slow_start = is_slow_start_;
  before_cut_.window_bytes =
      drain_rounds_left_ != 0 ? std::max(window_bytes_, window_before_drain_) : window_bytes_;
  before_cut_.near_window_bytes_min = near_window_bytes_min_;
  before_cut_.lossy_overruns = lossy_overruns_;
}

// The last cut for losses was needless when so few were lost that none would have been made.
void CongestionWindow::judge_last_cut(uint32_t late_packets, uint32_t late_probe_packets) noexcept {
  if (before_cut_.late_packets_left == 0) return;
  const uint32_t came = before_cut_.counts_probes ? late_probe_packets : late_packets;
  before_cut_.late_packets_left -= std::min(before_cut_.late_packets_left, came);
  if (before_cut_.late_packets_left != 0) return;
  uint32_t& window_bytes = drain_rounds_left_ != 0 ? window_before_drain_ : window_bytes_;
  // It has grown back by itself, and what came since counts for more.
  if (window_bytes > before_cut_.window_bytes) return;
  window_bytes = std::min(before_cut_.window_bytes, window_bytes_max_);
  near_window_bytes_min_ = std::max(near_window_bytes_min_, before_cut_.near_window_bytes_min);
  lossy_overruns_ = before_cut_.lossy_overruns;
  is_slow_start_ = before_cut_.was_slow_start;
  ++cuts_undone_;
}

// The delay of a queue rises while ACKs keep coming. After a silence longer than the probe timeout
// all that was under way waited for an end that stood still.
void CongestionWindow::take_sample(const AckSummary& ack, const RttEstimator& rtt,
                                   uint64_t next_number) noexcept {
  const uint64_t delay_ns = elapsed_ns(rtt.latest_ns(), rtt.min_ns());
  if (delay_ns > target_ns(rtt)) [[unlikely]] {
    // Where this end stood still, its ACKs waited for it and no probe was sent.
    const bool was_still = ack.answers_probe || ack.silence_ns > rtt.probe_timeout_ns();
    if (was_still) sampled_number_min_ = next_number;
  }
  if (ack.newest_number < sampled_number_min_) return;
  round_delay_ns_ = std::min(round_delay_ns_, delay_ns);
  ++round_samples_;
}

void CongestionWindow::grow(uint32_t acked_bytes) noexcept {
  if (drain_rounds_left_ != 0 || is_resting_) return;
  if (is_slow_start_) {
    set_window(uint64_t{window_bytes_} + acked_bytes);
    return;
  }
  growth_bytes_ += uint64_t{acked_bytes} * (datagram_bytes_ + window_bytes_ / kGrowthDivisor);
  const uint64_t grown = growth_bytes_ / window_bytes_;
  growth_bytes_ %= window_bytes_;
  set_window(window_bytes_ + grown);
}

void CongestionWindow::end_round(uint64_t now_ns, const RttEstimator& rtt,
                                 uint64_t next_number) noexcept {
  if (round_samples_ != 0) queue_delay_ns_ = round_delay_ns_;
  if (!drain(now_ns, rtt)) {
    const bool was_resting = is_resting_;
    is_resting_ = false;
    if (!was_resting && round_samples_ != 0) judge_delay(rtt);
    judge_loss();
  }
  round_end_number_ = next_number;
  round_delay_ns_ = kNoDeadlineNs;
  round_samples_ = 0;
}

// After a cut: whether it would have gone below the floor, and has for long.
void CongestionWindow::count_overrun(uint32_t& overruns) noexcept {
  if (window_bytes_ > window_bytes_min_) {
    overruns = 0;
  } else if (++overruns == kOverrunsMax) {
    overruns = 0;
    near_window_bytes_min_ = std::max(near_window_bytes_min_ / 2, 1u);
  }
}

void CongestionWindow::judge_delay(const RttEstimator& rtt) noexcept {
  const uint64_t base_ns = rtt.min_ns();
  const uint64_t limit_ns = base_ns + target_ns(rtt);
  const uint64_t delay_ns = base_ns + round_delay_ns_;
  if (delay_ns <= limit_ns) {
    late_overruns_ = 0;
    return;
  }
  const uint64_t excess_percent = kBetaPercent * (delay_ns - limit_ns) / delay_ns;
  const uint64_t cut_percent = std::min<uint64_t>(excess_percent, kCutPercentMax);
  // What is in flight now was sent by the old window: the samples of the next round are its.
  is_resting_ = true;
  is_slow_start_ = false;
  before_cut_.late_packets_left = 0;
  set_window(uint64_t{window_bytes_} * (100 - cut_percent) / 100);
  count_overrun(late_overruns_);
}

void CongestionWindow::judge_loss() noexcept {
  const uint32_t packets = judged_acked_ + judged_lost_;
  if (packets < kLossPacketsMin) return;
  const uint64_t tolerated = uint64_t{packets} * kLossPercentMax / 100 + kLossSlackPackets;
  const uint32_t lost = judged_lost_;
  const bool is_heavy = lost > tolerated;
  const bool is_overrun = lost > uint64_t{packets} * kOverrunLossPercent / 100;
  if (!is_overrun) lossy_overruns_ = 0;
  judged_acked_ = 0;
  judged_lost_ = 0;
  if (!is_heavy) {
    if (window_bytes_ > kNearWindowBytesMin) near_window_bytes_min_ = kNearWindowBytesMin;
    return;
  }
  remember_cut(lost - static_cast<uint32_t>(tolerated), false);
  is_slow_start_ = false;
  set_window(uint64_t{window_bytes_} * (100 - kLossCutPercent) / 100);
  if (is_overrun) count_overrun(lossy_overruns_);
}

// Whether the round that ends was one of draining, or draining begins now.
bool CongestionWindow::drain(uint64_t now_ns, const RttEstimator& rtt) noexcept {
  if (drain_rounds_left_ != 0) {
    if (--drain_rounds_left_ != 0) return true;
    set_window(window_before_drain_);
    last_drain_ns_ = now_ns;
    is_resting_ = true;
    return true;
  }
  const uint64_t base_ns = rtt.min_ns();
  if (queue_delay_ns_ <= base_ns / kDrainRttDivisor) last_drain_ns_ = now_ns;
  if (is_slow_start_ || elapsed_ns(now_ns, last_drain_ns_) < kDrainIntervalNs) return false;
  window_before_drain_ = window_bytes_;
  drain_rounds_left_ = kDrainRounds;
  // What the path holds without its queue, and a quarter less.
  const uint64_t held = uint64_t{window_bytes_} * base_ns / (base_ns + queue_delay_ns_);
  set_window(held * kDrainPercent / 100);
  return true;
}

void CongestionWindow::on_probe_timeout(uint32_t unanswered_probes) noexcept {
  if (kind_ == CongestionKind::kStatic || unanswered_probes < kPersistentProbes) return;
  // The first of a silence is its cut. That all was lost for so long is disproved by one packet
  // that was not.
  if (unanswered_probes == kPersistentProbes) remember_cut(1, true);
  drain_rounds_left_ = 0;
  window_before_drain_ = 0;
  is_resting_ = false;
  is_slow_start_ = true;
  set_window(window_bytes_min_);
}

}  // namespace hyperroute::raptor
