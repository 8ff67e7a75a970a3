// How many bytes may be in flight.
//
// kDelay steers by queueing delay, after Swift (Kumar et al., SIGCOMM 2020, sections 3.1 to 3.3):
// grow additively below a target delay, shrink in proportion to the excess above it, at most once
// a round trip. The delay of a round is the least of its samples, so that one peer descheduled for
// a millisecond is no queue. Random loss is no congestion: only a loss far above what radio and
// bad cables do shrinks the window (RFC 9002 would halve it at the first).
// A cut for losses that prove needless is taken back, as in RFC 4015 (Eifel): a number is never
// used again, so an ACK of a packet declared lost tells that the packet itself arrived. An end
// that lost its core makes whole round trips late and no queue: delays measured over a silence
// longer than the probe timeout are not counted.
// kStatic keeps one window, for those who own the wire.
// Owner: the session's thread. Data path: once for each ACK.
#pragma once

#include <cstdint>

#include "raptor/rtt.h"
#include "raptor/sent_packets.h"

namespace hyperroute::raptor {

enum class CongestionKind : uint8_t { kDelay, kStatic };

struct CongestionOptions {
  CongestionKind kind = CongestionKind::kDelay;
  // What the peer's socket buffer can take. Static: the window.
  uint32_t window_bytes_max = 1u << 20;
  uint32_t datagram_bytes = 1200;
};

class CongestionWindow {
 public:
  // Where the least RTT is below kNearRttNs: what a queue of tens of microseconds holds there.
  static constexpr uint32_t kNearWindowBytesMin = 64u << 10;
  static constexpr uint64_t kNearRttNs = 2'000'000;
  // A short path may be slow as well. Where the queue stays above the target, or more is lost than
  // chance ever takes, for so many judgements in a row at the floor, the floor is halved, down to
  // that of a far path; a window that has grown beyond it by itself puts it back. One slow round is
  // a peer that did not run.
  static constexpr uint32_t kOverrunsMax = 8;
  static constexpr uint32_t kOverrunLossPercent = 40;
  static constexpr uint32_t kFarDatagramsMin = 4;
  // RFC 6928, RFC 9002 section 7.2: ten segments; twice that, as pacing spreads them.
  static constexpr uint32_t kInitialDatagrams = 20;
  // The target is the least RTT divided by kTargetRttDivisor, or kTargetNsMin: below a millisecond
  // the scheduler of either end delays more than any queue of a local network.
  static constexpr uint64_t kTargetNsMin = 1'000'000;
  static constexpr uint64_t kTargetRttDivisor = 2;
  // RFC 9406 section 4.2: the least of so many samples tells of a queue within a round.
  static constexpr uint32_t kDelaySamplesMin = 8;
  // Growth a round: a datagram (Swift: ai) and the window divided by kGrowthDivisor, so that
  // large windows recover from a cut in as many rounds as small ones.
  static constexpr uint32_t kGrowthDivisor = 64;
  // Swift: beta 0.8, and half the window at most (max_mdf 0.5).
  static constexpr uint32_t kBetaPercent = 80;
  static constexpr uint32_t kCutPercentMax = 50;
  // A loss above 12 % of kLossPacketsMin packets or more cuts by 15 %; kLossSlackPackets more
  // have to be lost, so that 5 % at random, which make 12 % of 32 packets now and then, do not.
  static constexpr uint32_t kLossPacketsMin = 32;
  static constexpr uint32_t kLossPercentMax = 12;
  static constexpr uint32_t kLossSlackPackets = 3;
  static constexpr uint32_t kLossCutPercent = 15;
  // A queue that never empties hides the least RTT, and the target would rise with what is
  // measured instead. So a window that keeps a queue is taken below what the path itself holds for
  // two rounds, often enough for the estimator's memory (BBR's ProbeRTT).
  static constexpr uint64_t kDrainIntervalNs = 4'000'000'000;
  static_assert(kDrainIntervalNs < RttEstimator::kMinHalfWindowNs);
  static constexpr uint32_t kDrainPercent = 75;
  static constexpr uint32_t kDrainRounds = 2;
  // A queue below this part of the least RTT needs no draining.
  static constexpr uint64_t kDrainRttDivisor = 8;
  // So many probes without an answer are persistent congestion (RFC 9002 section 7.6).
  static constexpr uint32_t kPersistentProbes = 2;

  explicit CongestionWindow(const CongestionOptions& options = {}) noexcept;

  [[nodiscard]] uint32_t window_bytes() const noexcept { return window_bytes_; }
  // Whether `bytes` more may be sent. One datagram always may when nothing is in flight.
  [[nodiscard]] bool allows(uint32_t in_flight_bytes, uint32_t bytes) const noexcept {
    return in_flight_bytes == 0 || in_flight_bytes + uint64_t{bytes} <= window_bytes_;
  }
  [[nodiscard]] bool is_slow_start() const noexcept { return is_slow_start_; }

  // After each ACK, when the estimator has its sample and detect_lost() has run. `next_number`:
  // SentPackets::next_number().
  void on_ack(uint64_t now_ns, const AckSummary& ack, const LossSummary& loss,
              const RttEstimator& rtt, uint64_t next_number) noexcept;
  // Losses that a deadline found, not an ACK.
  void on_loss(const LossSummary& loss) noexcept { judged_lost_ += loss.packets; }
  // After SentPackets::on_probe_timeout(); `unanswered_probes` from there.
  void on_probe_timeout(uint32_t unanswered_probes) noexcept;

  void set_datagram_bytes(uint32_t bytes) noexcept { datagram_bytes_ = bytes; }

  // Cuts that were taken back.
  [[nodiscard]] uint64_t cuts_undone() const noexcept { return cuts_undone_; }

 private:
  // What the last cut for losses took, until it is taken back or another cut takes its place. A
  // peer that lies can get back what it had and no more.
  struct BeforeCut {
    // So many more of its packets have to come after all, and it was needless; 0: nothing to take
    // back.
    uint32_t late_packets_left = 0;
    bool counts_probes = false;  // Packets that a probe gave up, or those lost otherwise.
    bool was_slow_start = true;
    uint32_t window_bytes = 0;
    uint32_t near_window_bytes_min = 0;
    uint32_t lossy_overruns = 0;
  };

  [[nodiscard]] uint64_t target_ns(const RttEstimator& rtt) const noexcept;
  [[nodiscard]] bool was_limit(const AckSummary& ack) const noexcept;
  void take_back_losses(const AckSummary& ack) noexcept;
  void remember_cut(uint32_t late_packets, bool counts_probes) noexcept;
  void judge_last_cut(uint32_t late_packets, uint32_t late_probe_packets) noexcept;
  void take_sample(const AckSummary& ack, const RttEstimator& rtt, uint64_t next_number) noexcept;
  void grow(uint32_t acked_bytes) noexcept;
  void end_round(uint64_t now_ns, const RttEstimator& rtt, uint64_t next_number) noexcept;
  void judge_loss() noexcept;
  void count_overrun(uint32_t& overruns) noexcept;
  void judge_delay(const RttEstimator& rtt) noexcept;
  [[nodiscard]] bool drain(uint64_t now_ns, const RttEstimator& rtt) noexcept;
  void set_window(uint64_t bytes) noexcept;

  CongestionKind kind_;
  uint32_t datagram_bytes_;
  uint32_t window_bytes_max_;
  uint32_t window_bytes_min_;
  uint32_t window_bytes_;
  uint32_t near_window_bytes_min_ = kNearWindowBytesMin;
  uint32_t late_overruns_ = 0;  // Cuts in a row that ended at the floor.
  uint32_t lossy_overruns_ = 0;
  bool is_slow_start_ = true;

  BeforeCut before_cut_;
  uint64_t cuts_undone_ = 0;

  // A round ends when a packet sent after its begin is acknowledged.
  uint64_t round_end_number_ = 0;
  uint64_t round_delay_ns_ = kNoDeadlineNs;  // The least queueing delay of its samples.
  uint32_t round_samples_ = 0;
  uint64_t sampled_number_min_ = 0;  // Packets before it were under way while an end stood still.
  bool is_resting_ = false;          // Its samples are of packets sent before the last cut.
  uint64_t queue_delay_ns_ = 0;
  uint64_t growth_bytes_ = 0;  // What growth did not make a whole byte, times the window.

  // Since the loss was judged last.
  uint32_t judged_acked_ = 0;
  uint32_t judged_lost_ = 0;

  uint64_t last_drain_ns_ = 0;
  uint32_t drain_rounds_left_ = 0;
  uint32_t window_before_drain_ = 0;
};

}  // namespace hyperroute::raptor
