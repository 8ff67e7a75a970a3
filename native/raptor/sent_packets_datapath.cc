// Records, ACKs and losses of the packets in flight. The session's thread; no allocation.
//
// Cost of an ACK: what is newly acknowledged, plus the words of two bitmaps (kWords each, whatever
// the ranges are, as those are disjoint), plus a bisection for each of at most kAckRangesMax.
#include "raptor/sent_packets.h"

#include <algorithm>
#include <bit>

namespace hyperroute::raptor {

// With nothing in flight the front slots are used again: they are warm, and the pages of the
// others stay untouched in a session that never has much in flight.
void SentPackets::restart_slots(uint64_t now_ns) noexcept {
  if (lost_watched_ != 0) {
    if (elapsed_ns(now_ns, last_loss_ns_) < kSpuriousWatchNs) return;
    std::fill(std::begin(lost_), std::end(lost_), 0);
    lost_watched_ = 0;
  }
  next_ordinal_ = 0;
  oldest_ordinal_ = 0;
  newest_acked_ordinal_end_ = 0;
}

void SentPackets::forget(uint64_t ordinal) noexcept {
  uint64_t& word = lost_[ordinal % kSlots / kWordBits];
  const uint64_t bit = uint64_t{1} << (ordinal % kWordBits);
  if ((word & bit) == 0) return;
  word &= ~bit;
  --lost_watched_;
}

void SentPackets::record(uint64_t number, uint64_t now_ns, uint32_t bytes, bool is_eliciting,
                         std::span<const SentItem> items) noexcept {
  HR_DASSERT(number == next_number_ && items.size() <= kItemsMax);
  const uint64_t sent_ns = monotonic(now_ns);
  next_number_ = number + 1;
  if (!is_eliciting) return;
  HR_DASSERT(!full());
  if (in_flight_packets_ == 0) restart_slots(sent_ns);
  const uint64_t ordinal = next_ordinal_++;
  if (in_flight_packets_ == 0) oldest_ordinal_ = ordinal;
  if (lost_watched_ != 0) forget(ordinal);
  Slot& packet = slot(ordinal);
  packet.number = number;
  packet.sent_ns = sent_ns;
  packet.bytes = bytes;
  packet.item_count = static_cast<uint8_t>(items.size());
  packet.is_mtu_probe = false;
  packet.was_lost_by_probe = false;
  for (size_t index = 0; index < items.size(); ++index) {
    packet.items[index] = items[index];
    packet.is_mtu_probe |= items[index].kind == SentItemKind::kMtuProbe;
  }
  in_flight_[ordinal % kSlots / kWordBits] |= uint64_t{1} << (ordinal % kWordBits);
  ++in_flight_packets_;
  in_flight_bytes_ += bytes;
}

// The ranges as numbers, newest first. Every one is checked before any has an effect.
inline AckVerdict SentPackets::read_ranges(const AckFrame& frame,
                                           NumberRange* ranges) const noexcept {
  if (frame.range_count == 0 || frame.range_count > kAckRangesMax) return AckVerdict::kMalformed;
  if (frame.largest >= next_number_) return AckVerdict::kNeverSent;
  uint64_t below = frame.largest + 1;
  for (uint32_t index = 0; index < frame.range_count; ++index) {
    const AckRange range = frame.range(index);
    if (range.run == 0 || (range.gap == 0) != (index == 0)) return AckVerdict::kMalformed;
    if (uint64_t{range.gap} + range.run > below) return AckVerdict::kMalformed;
    const uint64_t last = below - range.gap - 1;
    below = last - (range.run - 1);
    ranges[index] = {below, last};
  }
  return AckVerdict::kOk;
}

// The ordinal of the oldest slot whose number is not below `number`, or next_ordinal_. Numbers
// rise by one or more from slot to slot, so the distances to the oldest and to the newest slot
// bound the answer from both sides: where no number is missing, to one slot.
uint64_t SentPackets::lower_bound(uint64_t number) const noexcept {
  const uint64_t first = first_ordinal();
  if (first == next_ordinal_ || number > slot(next_ordinal_ - 1).number) return next_ordinal_;
  if (number <= slot(first).number) return first;
  const uint64_t newest = next_ordinal_ - 1;
  const uint64_t below_newest = slot(newest).number - number;
  uint64_t low = below_newest < newest - first ? newest - below_newest : first;
  uint64_t high = std::min(newest, first + (number - slot(first).number));
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (slot(middle).number < number) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

inline void SentPackets::take_news(uint64_t now_ns, uint64_t newest_ordinal_end,
                                   AckSummary& summary) noexcept {
  const Slot& newest = slot(newest_ordinal_end - 1);
  summary.newest_number = newest.number;
  if (newest_ordinal_end > newest_acked_ordinal_end_) {
    newest_acked_ordinal_end_ = newest_ordinal_end;
    rack_rtt_ns_ = elapsed_ns(now_ns, newest.sent_ns);
    summary.has_rtt = true;
    summary.rtt_ns = rack_rtt_ns_;
  } else {
    // Packets still come late: what is known about the path's order is not forgotten.
    reorder_rounds_left_ = kReorderRounds;
  }
  summary.silence_ns = elapsed_ns(now_ns, std::max(last_ack_ns_, newest.sent_ns));
  summary.answers_probe = unanswered_probes_ != 0;
  last_ack_ns_ = now_ns;
  unanswered_probes_ = 0;
  if (in_flight_packets_ == 0) {
    oldest_ordinal_ = next_ordinal_;
  } else {
    advance_oldest();
  }
  if (newest.number < round_end_number_) return;
  round_end_number_ = next_number_;
  grew_in_round_ = false;
  if (reorder_steps_ != 0) end_round();
}

// What is left of on_ack() where one packet is in flight, none is lost, and the newest
// range names it: a request, or its answer. False: it is not so, and nothing changed.
inline bool SentPackets::ack_only_packet(const AckFrame& frame, uint64_t now_ns,
                                         const SentHandler& handler, AckSummary& summary) noexcept {
  if (in_flight_packets_ != 1 || lost_watched_ != 0) return false;
  if (frame.range_count != 1 || frame.largest >= next_number_ || !has_acked_) return false;
  const AckRange range = frame.range(0);
  if (range.gap != 0 || range.run == 0 || range.run > frame.largest + 1) return false;
  const uint64_t ordinal = oldest_ordinal_;
  const Slot& packet = slot(ordinal);
  if (packet.number > frame.largest || frame.largest - packet.number >= range.run) return false;
  in_flight_[ordinal % kSlots / kWordBits] = 0;
  in_flight_packets_ = 0;
  in_flight_bytes_ = 0;
  largest_acked_ = std::max(largest_acked_, frame.largest);
  summary.packets = 1;
  summary.bytes = packet.bytes;
  summary.datagram_bytes_max = packet.bytes;
  for (uint32_t index = 0; index < packet.item_count; ++index) {
    handler.acked(handler.context, packet.items[index]);
  }
  take_news(monotonic(now_ns), ordinal + 1, summary);
  return true;
}

AckSummary SentPackets::on_ack(const AckFrame& frame, uint64_t now_ns,
                               const SentHandler& handler) noexcept {
  AckSummary summary;
  summary.in_flight_bytes_before = in_flight_bytes_;
  if (ack_only_packet(frame, now_ns, handler, summary)) [[likely]]
    return summary;
  NumberRange ranges[kAckRangesMax];
  summary.verdict = read_ranges(frame, ranges);
  if (summary.verdict != AckVerdict::kOk) return summary;
  const uint64_t acked_ns = monotonic(now_ns);
  largest_acked_ = has_acked_ ? std::max(largest_acked_, frame.largest) : frame.largest;
  has_acked_ = true;
  // Oldest first: streams complete in order as far as they can.
  uint64_t newest_ordinal_end = 0;
  for (uint32_t index = frame.range_count; index-- > 0;) {
    newest_ordinal_end = std::max(newest_ordinal_end, ack_range(ranges[index], handler, summary));
  }
  if (newest_ordinal_end != 0) take_news(acked_ns, newest_ordinal_end, summary);
  return summary;
}

inline uint64_t SentPackets::ack_range(const NumberRange& range, const SentHandler& handler,
                                       AckSummary& summary) noexcept {
  if ((in_flight_packets_ | lost_watched_) == 0) return 0;
  // Below the oldest in flight there is nothing but packets declared lost, where there are any.
  // Mostly an ACK names that one, and often the newest too: then nothing has to be searched.
  uint64_t begin = oldest_ordinal_;
  if (lost_watched_ != 0) {
    begin = lower_bound(range.first);
  } else if (range.first > slot(begin).number) {
    begin = std::max(begin, lower_bound(range.first));
  }
  const uint64_t end =
      range.last >= slot(next_ordinal_ - 1).number ? next_ordinal_ : lower_bound(range.last + 1);
  uint64_t newest_ordinal_end = 0;
  while (begin < end) {
    const uint64_t word_ordinal = begin & ~uint64_t{kWordBits - 1};
    const uint64_t word_end = word_ordinal + kWordBits;
    uint64_t mask = ~uint64_t{0} << (begin - word_ordinal);
    if (end < word_end) mask &= ~(~uint64_t{0} << (end - word_ordinal));
    const uint32_t word = static_cast<uint32_t>(word_ordinal % kSlots / kWordBits);
    const uint64_t acked = in_flight_[word] & mask;
    const uint64_t recognised = lost_[word] & mask;
    if (acked != 0) ack_word(word_ordinal, acked, handler, summary);
    if (recognised != 0) recognise_word(word_ordinal, recognised, summary);
    if ((acked | recognised) != 0) {
      newest_ordinal_end = word_ordinal + static_cast<uint64_t>(std::bit_width(acked | recognised));
    }
    begin = word_end;
  }
  return newest_ordinal_end;
}

inline void SentPackets::ack_word(uint64_t word_ordinal, uint64_t mask, const SentHandler& handler,
                                  AckSummary& summary) noexcept {
  in_flight_[word_ordinal % kSlots / kWordBits] &= ~mask;
  uint32_t bytes = 0;
  const uint32_t packets = static_cast<uint32_t>(std::popcount(mask));
  for (; mask != 0; mask &= mask - 1) {
    const Slot& packet = slot(word_ordinal + static_cast<uint32_t>(std::countr_zero(mask)));
    bytes += packet.bytes;
    summary.datagram_bytes_max = std::max(summary.datagram_bytes_max, packet.bytes);
    for (uint32_t index = 0; index < packet.item_count; ++index) {
      handler.acked(handler.context, packet.items[index]);
    }
  }
  in_flight_packets_ -= packets;
  in_flight_bytes_ -= bytes;
  summary.packets += packets;
  summary.bytes += bytes;
}

// Packets declared lost that came after all. Their items had their verdict: nobody is told again.
void SentPackets::recognise_word(uint64_t word_ordinal, uint64_t mask,
                                 AckSummary& summary) noexcept {
  lost_[word_ordinal % kSlots / kWordBits] &= ~mask;
  const uint32_t packets = static_cast<uint32_t>(std::popcount(mask));
  for (; mask != 0; mask &= mask - 1) {
    const Slot& packet = slot(word_ordinal + static_cast<uint32_t>(std::countr_zero(mask)));
    summary.datagram_bytes_max = std::max(summary.datagram_bytes_max, packet.bytes);
    if (packet.was_lost_by_probe) {
      ++summary.spurious_probe_packets;
    } else {
      was_spurious_ = true;
    }
  }
  lost_watched_ -= packets;
  counters_.spurious += packets;
  summary.spurious_packets += packets;
}

// The reordering window shrinks where it was not needed for long.
void SentPackets::end_round() noexcept {
  if (reorder_rounds_left_ > 0) --reorder_rounds_left_;
  if (reorder_rounds_left_ == 0) {
    reorder_steps_ /= 2;
    reorder_rounds_left_ = kReorderRounds;
  }
}

uint64_t SentPackets::reorder_window_ns(const RttEstimator& rtt) const noexcept {
  if (reorder_steps_ == 0) return 0;
  // At least 1, as 0 means that no time is waited for at all.
  return std::clamp<uint64_t>(reorder_steps_ * (rtt.min_ns() / 4), 1, rtt.srtt_ns());
}

// RFC 8985 section 6.2 step 4: a quarter of the least RTT more, once a round, up to srtt.
void SentPackets::adapt_reorder_window(const RttEstimator& rtt) noexcept {
  if (!was_spurious_) return;
  was_spurious_ = false;
  reorder_rounds_left_ = kReorderRounds;
  if (grew_in_round_ || reorder_steps_ == kReorderStepsMax) return;
  grew_in_round_ = true;
  if (reorder_steps_ == 0 || reorder_window_ns(rtt) < rtt.srtt_ns()) ++reorder_steps_;
}

// The newest packet in flight that one sent later has overtaken; there is one.
uint64_t SentPackets::newest_overtaken() const noexcept {
  uint64_t last = lower_bound(largest_acked_) - 1;
  while (true) {
    HR_DASSERT(last >= oldest_ordinal_ && last < next_ordinal_);
    const uint64_t bit = last % kWordBits;
    const uint64_t word = in_flight_[last % kSlots / kWordBits] << (kWordBits - 1 - bit);
    if (word != 0) return last - static_cast<uint32_t>(std::countl_zero(word));
    last -= bit + 1;
  }
}

// When overtaken packets are to be looked at again, each of which is lost `wait_ns` after it was
// sent. Behind a window that stays full nothing is sent for a loss that is found, so a timer for
// each of many small packets would wake a core for nothing, again and again.
uint64_t SentPackets::loss_timer_ns(const RttEstimator& rtt, uint64_t wait_ns) const noexcept {
  const uint64_t span_ns = std::max(rtt.srtt_ns() / kLossTimerRttDivisor, kLossTimerNsMin);
  const uint64_t first_ns = time_after(slot(oldest_ordinal_).sent_ns, wait_ns);
  const uint64_t last_ns = time_after(slot(newest_overtaken()).sent_ns, wait_ns);
  return std::min(last_ns, time_after(first_ns, span_ns));
}

LossSummary SentPackets::detect_overtaken(uint64_t now_ns, const RttEstimator& rtt,
                                          const SentHandler& handler) noexcept {
  const uint64_t time_ns = monotonic(now_ns);
  adapt_reorder_window(rtt);
  LossSummary summary;
  loss_deadline_ns_ = kNoDeadlineNs;
  const uint64_t window_ns = reorder_window_ns(rtt);
  const uint64_t wait_ns = rack_rtt_ns_ + window_ns;
  // The oldest was sent first: when it is not lost, no other is.
  while (is_oldest_overtaken()) {
    const uint64_t due_ns = time_after(slot(oldest_ordinal_).sent_ns, wait_ns);
    if (window_ns != 0 && time_ns < due_ns) {
      loss_deadline_ns_ = loss_timer_ns(rtt, wait_ns);
      break;
    }
    lose_oldest(time_ns, false, handler, summary);
  }
  return summary;
}

void SentPackets::lose_oldest(uint64_t now_ns, bool by_probe, const SentHandler& handler,
                              LossSummary& summary) noexcept {
  const uint64_t ordinal = oldest_ordinal_;
  const uint64_t bit = uint64_t{1} << (ordinal % kWordBits);
  Slot& packet = slot(ordinal);
  in_flight_[ordinal % kSlots / kWordBits] &= ~bit;
  lost_[ordinal % kSlots / kWordBits] |= bit;
  ++lost_watched_;
  last_loss_ns_ = now_ns;
  --in_flight_packets_;
  in_flight_bytes_ -= packet.bytes;
  packet.was_lost_by_probe = by_probe;
  ++(by_probe ? counters_.lost_by_probe : counters_.lost_by_reorder);
  if (packet.is_mtu_probe) {
    ++summary.mtu_probes;
  } else {
    summary.datagram_bytes_min =
        summary.packets == 0 ? packet.bytes : std::min(summary.datagram_bytes_min, packet.bytes);
    summary.datagram_bytes_max = std::max(summary.datagram_bytes_max, packet.bytes);
    ++summary.packets;
    summary.bytes += packet.bytes;
  }
  advance_oldest();
  for (uint32_t index = 0; index < packet.item_count; ++index) {
    handler.lost(handler.context, packet.items[index]);
  }
}

void SentPackets::advance_oldest() noexcept {
  if (in_flight_packets_ == 0) {
    oldest_ordinal_ = next_ordinal_;
    return;
  }
  uint64_t ordinal = oldest_ordinal_;
  while (true) {
    const uint64_t word = in_flight_[ordinal % kSlots / kWordBits] >> (ordinal % kWordBits);
    if (word != 0) {
      oldest_ordinal_ = ordinal + static_cast<uint32_t>(std::countr_zero(word));
      break;
    }
    ordinal = (ordinal | (kWordBits - 1)) + 1;
    HR_DASSERT(ordinal < next_ordinal_);
  }
}

uint64_t SentPackets::probe_deadline_ns(const RttEstimator& rtt) const noexcept {
  if (in_flight_packets_ == 0) return kNoDeadlineNs;
  const uint64_t timeout_ns = rtt.probe_timeout_ns();
  const uint64_t doubled_ns = timeout_ns << std::min(unanswered_probes_, kProbeDoublingsMax);
  const uint64_t since_ns = std::max({slot(oldest_ordinal_).sent_ns, last_ack_ns_, last_probe_ns_});
  return time_after(since_ns, std::max(timeout_ns, std::min(doubled_ns, kProbeBackoffNsMax)));
}

LossSummary SentPackets::on_probe_timeout(uint64_t now_ns, const SentHandler& handler) noexcept {
  LossSummary summary;
  if (in_flight_packets_ == 0) return summary;
  last_probe_ns_ = monotonic(now_ns);
  ++unanswered_probes_;
  ++counters_.probe_timeouts;
  for (uint32_t count = 0; count < kProbePacketsMax && in_flight_packets_ != 0; ++count) {
    lose_oldest(last_probe_ns_, true, handler, summary);
  }
  return summary;
}

}  // namespace hyperroute::raptor
