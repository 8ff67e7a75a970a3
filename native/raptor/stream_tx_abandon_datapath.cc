// What a stream gives up: older values, messages past their deadline, losses of an unreliable
// stream; and the SKIP that tells the peer. The session's thread; no allocation.
#include <algorithm>

#include "raptor/stream_tx.h"

namespace hyperroute::raptor {

// Messages of which a record in the range was not acknowledged; each ends there.
uint64_t StreamTx::count_open_messages(uint64_t begin, uint64_t end) const noexcept {
  uint64_t count = 0;
  bool is_open = false;
  while (begin < end) {
    const RecordHeader header = load_record_header(at(begin));
    is_open = is_open || acked_bytes_ == 0 || begin >= next_ || !acked_.is_set(begin);
    if (header.is_end()) {
      count += is_open ? 1 : 0;
      is_open = false;
    }
    begin += record_bytes(header.payload_bytes);
  }
  return count;
}

uint64_t StreamTx::unacked_messages() const noexcept {
  uint64_t end = head_;
  for (uint32_t count = 0; count < kCountedRecordsMax && end < tail_; ++count) {
    end += record_bytes(load_record_header(at(end)).payload_bytes);
  }
  const uint64_t counted = count_open_messages(head_, end);
  if (end == tail_) return counted;
  return counted + counted * (tail_ - end) / (end - head_);
}

void StreamTx::abandon_below(uint64_t position) noexcept {
  if (position <= head_) return;
  counters_.abandoned += count_open_messages(head_, position);
  abandoned_ = position;
  move_head(position);
}

// A new value has been written at `begin`, where the unsent ones began. There is one older at
// most that is not acknowledged: each that came took the place of the one before.
void StreamTx::supersede(uint64_t begin) noexcept {
  if (head_ == tail_) return;
  ++counters_.abandoned;
  abandoned_ = begin;
  if (head_ < begin) move_head(begin);
}

// Messages of a sixteenth of the deadline share a mark, so that there is a bound on marks, not on
// messages.
void StreamTx::mark_deadline(uint64_t now_ns) noexcept {
  while (mark_count_ > 0 && marks_[mark_first_].end_position <= head_) drop_mark();
  if (mark_count_ > 0) {
    Mark& last = marks_[(mark_first_ + mark_count_ - 1) % kMarksMax];
    if (mark_count_ == kMarksMax || now_ns - last.first_ns < deadline_ns_ / kMarksPerDeadline) {
      last.end_position = tail_;
      last.last_ns = now_ns;
      return;
    }
  }
  marks_[(mark_first_ + mark_count_) % kMarksMax] = Mark{tail_, now_ns, now_ns};
  ++mark_count_;
}

void StreamTx::drop_mark() noexcept {
  mark_first_ = (mark_first_ + 1) % kMarksMax;
  --mark_count_;
}

void StreamTx::expire(uint64_t now_ns) noexcept {
  uint64_t position = head_;
  while (mark_count_ > 0) {
    const Mark& mark = marks_[mark_first_];
    if (mark.end_position > head_ && mark.last_ns + deadline_ns_ > now_ns) break;
    position = std::max(position, mark.end_position);
    drop_mark();
  }
  abandon_below(position);
}

uint64_t StreamTx::next_deadline() const noexcept {
  for (uint32_t index = 0; index < mark_count_; ++index) {
    const Mark& mark = marks_[(mark_first_ + index) % kMarksMax];
    if (mark.end_position > head_) return mark.last_ns + deadline_ns_;
  }
  return UINT64_MAX;
}

// Whether the peer has to hear of what was given up. One that waits for the order of messages
// always; one that takes what comes only where nothing that comes would tell it.
bool StreamTx::needs_skip() const noexcept {
  if (std::min(abandoned_, head_) <= skip_acked_) return false;
  switch (options_.mode) {
    case StreamMode::kDeadline:
      return true;
    case StreamMode::kLatest:
      return is_blocked();
    case StreamMode::kUnreliable:
      return is_blocked() || (is_ended_ && head_ == tail_);
    default:
      return false;
  }
}

uint64_t StreamTx::due_skip_position() const noexcept {
  const uint64_t position = std::min(abandoned_, head_);
  return position > skip_sent_ && needs_skip() ? position : kNoPosition;
}

void StreamTx::on_skip_acked(uint64_t position) noexcept {
  skip_acked_ = std::max(skip_acked_, position);
}

void StreamTx::on_skip_lost(uint64_t position) noexcept {
  // A later one that is under way tells all this one did.
  if (position == skip_sent_) skip_sent_ = skip_acked_;
}

}  // namespace hyperroute::raptor
