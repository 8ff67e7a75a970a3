// What is in flight: every packet sent and not yet judged, with what it carried, so that each
// item is told exactly once that it was acknowledged or that it was lost.
//
// Loss is found as in RACK (RFC 8985): a packet is lost when one sent later was acknowledged and
// a reordering window has passed; the window is 0 until reordering is seen. Numbers are never
// reused, so the order of numbers is the order of sending and an RTT sample is never ambiguous.
// When no ACK comes, the oldest packets are given up as lost by a tail-loss probe (RFC 8985
// section 7, RFC 9002 section 6.2) and go out again under new numbers: where only one packet is in
// flight that saves the round trip which an empty probe would cost.
//
// Packets that ask for no ACK take a number and no slot. Slots are given in order, by ordinals: a
// number is found from its distance to the oldest slot, by bisection where numbers are missing.
// A slot outlives its packet's loss, so that an ACK that comes after all is recognised.
// Memory: about 256 KiB, untouched until used; a session with little in flight touches the front.
// Owner: the session's thread. Data path: record and on_ack for every packet.
#pragma once

#include <cstdint>
#include <span>

#include "base/memory.h"
#include "raptor/rtt.h"
#include "wire/raptor_frames.h"

namespace hyperroute::raptor {

enum class SentItemKind : uint8_t {
  kStream,
  kOpen,
  kWindow,
  kSkip,
  kEnd,
  kDrain,
  kMtuProbe,
  kPing,
};

// Something in a packet whose fate its owner wants to know.
struct SentItem {
  SentItemKind kind = SentItemKind::kPing;
  uint8_t zero = 0;
  uint16_t stream = 0;
  uint32_t bytes = 0;
  uint64_t position = 0;
};
static_assert(sizeof(SentItem) == 16);

// Whom the items' fates are told. Neither function may call the SentPackets back.
struct SentHandler {
  void* context = nullptr;
  void (*acked)(void* context, const SentItem& item) = nullptr;
  void (*lost)(void* context, const SentItem& item) = nullptr;
};

enum class AckVerdict : uint8_t {
  kOk,
  // It acknowledges what was never sent (RFC 9000 section 13.1: a PROTOCOL_VIOLATION). The peer
  // lies, to be sent more than it receives. Nothing changed.
  kNeverSent,
  // Ranges that no decoder lets pass. Nothing changed.
  kMalformed,
};

struct AckSummary {
  AckVerdict verdict = AckVerdict::kOk;
  bool has_rtt = false;                 // A newer packet than ever was acknowledged: a sample.
  uint64_t rtt_ns = 0;                  // Of that packet; the peer's delay is not taken off.
  uint64_t silence_ns = 0;              // No ACK brought news for so long, and that was under way.
  bool answers_probe = false;           // The silence was longer than the probe timeout.
  uint32_t packets = 0;                 // Newly acknowledged
  uint32_t bytes = 0;                   // and their datagrams.
  uint32_t datagram_bytes_max = 0;      // The largest newly acknowledged.
  uint32_t spurious_packets = 0;        // Declared lost before, and acknowledged now.
  uint32_t spurious_probe_packets = 0;  // Those of them given up by a probe.
  uint32_t in_flight_bytes_before = 0;
  uint64_t newest_number = 0;  // Of the newly acknowledged; meaningful when there are any.
};

// Packets declared lost by one call. Those that carried an MTU probe are not counted: their loss
// says nothing about congestion (RFC 8899 section 3 item 7).
struct LossSummary {
  uint32_t packets = 0;
  uint32_t bytes = 0;
  uint32_t datagram_bytes_min = 0;  // The smallest and the largest of them; 0 where none.
  uint32_t datagram_bytes_max = 0;
  uint32_t mtu_probes = 0;
};

struct SentCounters {
  uint64_t lost_by_reorder = 0;
  uint64_t lost_by_probe = 0;
  uint64_t spurious = 0;
  uint64_t probe_timeouts = 0;
};

class SentPackets {
 public:
  static constexpr uint32_t kPacketsMax = 1024;        // In flight at a time.
  static constexpr uint32_t kSlots = 2 * kPacketsMax;  // Judged packets between them included.
  static constexpr uint32_t kItemsMax = 4;             // A packet.
  // A probe resends the oldest two, as RFC 9002 section 6.2.4 allows: one may be lost again.
  static constexpr uint32_t kProbePacketsMax = 2;
  // Where the doubling of the probe timeout ends, unless the timeout itself is longer.
  static constexpr uint64_t kProbeBackoffNsMax = 100'000'000;
  static constexpr uint32_t kProbeDoublingsMax = 20;
  // A reordering window that was not needed for so many rounds is halved (RFC 8985 section 6.2
  // step 4: 16 recoveries).
  static constexpr uint32_t kReorderRounds = 16;
  static constexpr uint32_t kReorderStepsMax = 64;
  // Overtaken packets that are due within this part of the smoothed RTT share one timer, that of
  // the last of them. RFC 8985 section 6.2 step 5 has one timer for all of them, which makes the
  // oldest wait for a round trip; RFC 9002 section 6.1.2 one for each packet, but none finer than
  // a millisecond, which is fifty round trips of a LAN. An eighth is half of the least step of the
  // reordering window: less than the window itself is uncertain by.
  static constexpr uint64_t kLossTimerRttDivisor = 8;
  // What no event loop's timer tells apart.
  static constexpr uint64_t kLossTimerNsMin = 1'000;
  // With nothing in flight the memory of lost packets is kept for so long.
  static constexpr uint64_t kSpuriousWatchNs = 1'000'000'000;

  // Leaves the slots untouched, and their pages with them.
  SentPackets() noexcept {}
  SentPackets(const SentPackets&) = delete;
  SentPackets& operator=(const SentPackets&) = delete;

  // Every packet that is sent, those that elicit no ACK included; `number` is next_number().
  // `items` may be empty. Eliciting packets only while not full().
  void record(uint64_t number, uint64_t now_ns, uint32_t bytes, bool is_eliciting,
              std::span<const SentItem> items) noexcept;

  // Whether an eliciting packet has to wait for a slot.
  [[nodiscard]] bool full() const noexcept {
    return in_flight_packets_ == kPacketsMax || next_ordinal_ - oldest_ordinal_ == kSlots;
  }
  [[nodiscard]] uint32_t in_flight_bytes() const noexcept { return in_flight_bytes_; }
  [[nodiscard]] uint32_t in_flight_packets() const noexcept { return in_flight_packets_; }
  // One above the newest number recorded.
  [[nodiscard]] uint64_t next_number() const noexcept { return next_number_; }

  // Tells `handler` of each item newly acknowledged, oldest first. Nothing is declared lost here:
  // give the sample to the RttEstimator, then call detect_lost().
  AckSummary on_ack(const AckFrame& frame, uint64_t now_ns, const SentHandler& handler) noexcept;

  // Declares lost what RACK finds lost by now. After each on_ack() and at loss_deadline_ns().
  LossSummary detect_lost(uint64_t now_ns, const RttEstimator& rtt,
                          const SentHandler& handler) noexcept {
    // Where none was overtaken, nothing is lost and nothing waits for a deadline.
    if (!was_spurious_ && !is_oldest_overtaken()) [[likely]] {
      loss_deadline_ns_ = kNoDeadlineNs;
      return {};
    }
    return detect_overtaken(now_ns, rtt, handler);
  }
  // When detect_lost() has to be called again if no ACK comes before.
  [[nodiscard]] uint64_t loss_deadline_ns() const noexcept { return loss_deadline_ns_; }

  // When nothing was heard for the probe timeout, doubled for each probe before: kNoDeadlineNs
  // with nothing in flight. What was received has to be handled before the timers are: an ACK
  // may wait behind this end's own pause.
  [[nodiscard]] uint64_t probe_deadline_ns(const RttEstimator& rtt) const noexcept;
  // At probe_deadline_ns(): gives the oldest packets up as lost. The caller has to send a packet
  // that elicits an ACK now, a PING if there is nothing better, whatever window and pacer say.
  LossSummary on_probe_timeout(uint64_t now_ns, const SentHandler& handler) noexcept;
  // Probes sent since the last ACK that brought news.
  [[nodiscard]] uint32_t unanswered_probes() const noexcept { return unanswered_probes_; }

  // How long a packet overtaken by a later one is waited for.
  [[nodiscard]] uint64_t reorder_window_ns(const RttEstimator& rtt) const noexcept;

  [[nodiscard]] const SentCounters& counters() const noexcept { return counters_; }

 private:
  // A packet of one item or two is one cache line.
  struct alignas(kCacheLineBytes) Slot {
    uint64_t number;
    uint64_t sent_ns;
    uint32_t bytes;
    uint8_t item_count;
    bool is_mtu_probe;
    bool was_lost_by_probe;
    SentItem items[kItemsMax];
  };
  // One bit a slot.
  static constexpr uint32_t kWordBits = 64;
  static constexpr uint32_t kWords = kSlots / kWordBits;
  struct NumberRange {
    uint64_t first;
    uint64_t last;
  };

  Slot& slot(uint64_t ordinal) noexcept { return slots_[ordinal % kSlots]; }
  const Slot& slot(uint64_t ordinal) const noexcept { return slots_[ordinal % kSlots]; }
  uint64_t first_ordinal() const noexcept {
    return next_ordinal_ > kSlots ? next_ordinal_ - kSlots : 0;
  }
  bool is_oldest_overtaken() const noexcept {
    return in_flight_packets_ != 0 && has_acked_ && slot(oldest_ordinal_).number < largest_acked_;
  }
  uint64_t monotonic(uint64_t now_ns) noexcept {
    last_now_ns_ = now_ns > last_now_ns_ ? now_ns : last_now_ns_;
    return last_now_ns_;
  }
  void restart_slots(uint64_t now_ns) noexcept;
  void forget(uint64_t ordinal) noexcept;
  AckVerdict read_ranges(const AckFrame& frame, NumberRange* ranges) const noexcept;
  uint64_t lower_bound(uint64_t number) const noexcept;
  // Returns one above the newest ordinal it had news of, or 0.
  uint64_t ack_range(const NumberRange& range, const SentHandler& handler,
                     AckSummary& summary) noexcept;
  bool ack_only_packet(const AckFrame& frame, uint64_t now_ns, const SentHandler& handler,
                       AckSummary& summary) noexcept;
  void ack_word(uint64_t word_ordinal, uint64_t mask, const SentHandler& handler,
                AckSummary& summary) noexcept;
  void recognise_word(uint64_t word_ordinal, uint64_t mask, AckSummary& summary) noexcept;
  void take_news(uint64_t now_ns, uint64_t newest_ordinal_end, AckSummary& summary) noexcept;
  void end_round() noexcept;
  LossSummary detect_overtaken(uint64_t now_ns, const RttEstimator& rtt,
                               const SentHandler& handler) noexcept;
  uint64_t newest_overtaken() const noexcept;
  uint64_t loss_timer_ns(const RttEstimator& rtt, uint64_t wait_ns) const noexcept;
  void adapt_reorder_window(const RttEstimator& rtt) noexcept;
  void lose_oldest(uint64_t now_ns, bool by_probe, const SentHandler& handler,
                   LossSummary& summary) noexcept;
  void advance_oldest() noexcept;

  // What every packet and every ACK touches.
  alignas(kCacheLineBytes) uint64_t next_ordinal_ = 0;  // Of the next slot to be given.
  uint64_t oldest_ordinal_ = 0;  // Of the oldest packet in flight; else next_ordinal_.
  uint32_t in_flight_packets_ = 0;
  uint32_t in_flight_bytes_ = 0;
  uint64_t next_number_ = 0;
  uint64_t last_now_ns_ = 0;
  uint32_t lost_watched_ = 0;  // Bits in lost_.
  uint32_t unanswered_probes_ = 0;
  uint32_t reorder_steps_ = 0;  // The window in quarters of the least RTT.
  bool has_acked_ = false;
  bool grew_in_round_ = false;
  bool was_spurious_ = false;              // A packet declared lost by its order was acknowledged.
  uint64_t largest_acked_ = 0;             // Any packet, one without a slot included.
  uint64_t newest_acked_ordinal_end_ = 0;  // One above the newest slot acknowledged.
  uint64_t rack_rtt_ns_ = 0;               // Of that packet (RACK.rtt).
  uint64_t last_ack_ns_ = 0;               // The last ACK that brought news.
  uint64_t loss_deadline_ns_ = kNoDeadlineNs;
  uint64_t last_probe_ns_ = 0;
  uint64_t round_end_number_ = 0;  // A round ends when a packet of this number or above is acked.

  uint64_t in_flight_[kWords] = {};  // Sent, not judged.

  // Where packets are lost.
  uint64_t last_loss_ns_ = 0;
  uint32_t reorder_rounds_left_ = 0;
  SentCounters counters_;
  uint64_t lost_[kWords] = {};  // Declared lost, their slot not yet taken again.

  // Last, and touched from its front as far as it is used. A union's member is not initialised: the
  // pages of slots that were never used stay untouched.
  union {
    Slot slots_[kSlots];
  };
};

}  // namespace hyperroute::raptor
