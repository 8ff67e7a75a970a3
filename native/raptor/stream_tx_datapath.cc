// Messages into the ring and runs out of it. The session's thread; no allocation.
#include <algorithm>
#include <cstring>

#include "base/copies.h"
#include "raptor/stream_tx.h"

namespace hyperroute::raptor {
namespace {

constexpr int64_t kBackPressure = static_cast<int64_t>(OfferCode::kBackPressure);
constexpr int64_t kClosed = static_cast<int64_t>(OfferCode::kClosed);
constexpr int64_t kTooLarge = static_cast<int64_t>(OfferCode::kTooLarge);

// The padding before the rest: of an empty record it is the header's place.
void write_header(uint8_t* to, uint32_t payload_bytes, uint8_t flags, uint32_t offset) noexcept {
  store_u64_le(to + record_bytes(payload_bytes) - kRecordAlignment, 0);
  store_record_header(to, {static_cast<uint16_t>(payload_bytes), flags, 0, offset});
}

uint32_t bytes_of_record(const uint8_t* record) noexcept {
  return record_bytes(load_record_header(record).payload_bytes);
}

}  // namespace

// Of a stream of latest values, what was not sent is overwritten: its positions are nobody's yet,
// so values that are replaced before they leave cost nothing of the peer's window.
inline uint64_t StreamTx::write_position() const noexcept {
  return options_.mode == StreamMode::kLatest ? next_ : tail_;
}

inline void StreamTx::wrote_record(uint64_t begin, uint32_t bytes) noexcept {
  if (bytes == uniform_bytes_ && begin >= uniform_from_) [[likely]]
    return;
  uniform_from_ = begin;
  uniform_bytes_ = bytes;
}

inline void StreamTx::committed(uint64_t now_ns, uint64_t begin, uint64_t end,
                                uint32_t message_bytes) noexcept {
  if (options_.mode == StreamMode::kLatest) supersede(begin);
  tail_ = end;
  if (options_.mode == StreamMode::kDeadline) mark_deadline(now_ns);
  ++counters_.messages;
  counters_.bytes += message_bytes;
}

int64_t StreamTx::offer(uint64_t now_ns, std::span<const uint8_t> message) noexcept {
  claim_bytes_ = kNoClaim;
  if (is_ended_) [[unlikely]]
    return kClosed;
  if (message.size() > options_.message_bytes_max) [[unlikely]]
    return kTooLarge;
  const uint32_t message_bytes = static_cast<uint32_t>(message.size());
  const bool is_whole = message_bytes <= kRecordPayloadBytesMax;
  const uint64_t begin = write_position();
  const uint64_t bytes =
      is_whole ? record_bytes(message_bytes) : message_record_bytes(message_bytes);
  if (!has_room(begin, bytes)) [[unlikely]] {
    ++counters_.back_pressure;
    return kBackPressure;
  }
  if (is_whole) [[likely]] {
    uint8_t* const to = at(begin);
    write_header(to, message_bytes, kRecordWhole, 0);
    // An empty span may have no address, which memcpy may not be given.
    if (message_bytes > 0) copy_bytes(to + kRecordHeaderBytes, message.data(), message_bytes);
    wrote_record(begin, static_cast<uint32_t>(bytes));
  } else {
    write_fragments(begin, message);
  }
  committed(now_ns, begin, begin + bytes, message_bytes);
  return static_cast<int64_t>(tail_);
}

bool StreamTx::would_take(uint32_t message_bytes) const noexcept {
  return !is_ended_ && message_bytes <= options_.message_bytes_max &&
         has_room(write_position(), message_record_bytes(message_bytes));
}

void StreamTx::write_fragments(uint64_t begin, std::span<const uint8_t> message) noexcept {
  const uint32_t message_bytes = static_cast<uint32_t>(message.size());
  uint8_t* to = at(begin);
  for (uint32_t offset = 0; offset < message_bytes; offset += kRecordPayloadBytesMax) {
    const uint32_t bytes = std::min(message_bytes - offset, kRecordPayloadBytesMax);
    const bool is_last = offset + bytes == message_bytes;
    const uint32_t flags = (offset == 0 ? kRecordBegin : 0u) | (is_last ? kRecordEnd : 0u);
    write_header(to, bytes, static_cast<uint8_t>(flags), offset);
    copy_bytes(to + kRecordHeaderBytes, message.data() + offset, bytes);
    wrote_record(begin, record_bytes(bytes));
    to += record_bytes(bytes);
    begin += record_bytes(bytes);
  }
}

uint8_t* StreamTx::claim(uint32_t message_bytes) noexcept {
  claim_bytes_ = kNoClaim;
  if (is_ended_ || message_bytes > std::min(options_.message_bytes_max, kRecordPayloadBytesMax)) {
    return nullptr;
  }
  // Behind everything else in every mode: what it may replace lives on if the claim is aborted.
  if (!has_room(tail_, record_bytes(message_bytes))) [[unlikely]] {
    ++counters_.back_pressure;
    return nullptr;
  }
  claim_bytes_ = message_bytes;
  write_header(at(tail_), message_bytes, kRecordWhole, 0);
  return at(tail_) + kRecordHeaderBytes;
}

int64_t StreamTx::commit(uint64_t now_ns) noexcept {
  if (claim_bytes_ == kNoClaim) return kClosed;
  const uint64_t begin = write_position();
  const uint32_t bytes = record_bytes(claim_bytes_);
  if (begin != tail_) {
    // Both addresses count from one, so that they overlap as the positions do.
    uint8_t* const to = at(begin);
    move_bytes(to, to + (tail_ - begin), bytes);
  }
  wrote_record(begin, bytes);
  committed(now_ns, begin, begin + bytes, claim_bytes_);
  claim_bytes_ = kNoClaim;
  return static_cast<int64_t>(tail_);
}

void StreamTx::end() noexcept {
  claim_bytes_ = kNoClaim;
  if (!is_ended_) end_state_ = FrameState::kDue;
  is_ended_ = true;
}

bool StreamTx::is_beyond_limit() const noexcept {
  return next_ != tail_ && next_ + bytes_of_record(at(next_)) > limit_;
}

// Where the run ends that begins at a border and holds as many whole records as there is room for.
uint64_t StreamTx::cut_run(uint64_t begin, uint64_t end, uint32_t run_bytes_max) const noexcept {
  const uint64_t limit = std::min(end, begin + run_bytes_max);
  while (begin < limit) {
    if (begin >= uniform_from_) {
      const uint32_t left = static_cast<uint32_t>(limit - begin);
      return begin + left / uniform_bytes_ * uniform_bytes_;
    }
    const uint32_t bytes = bytes_of_record(at(begin));
    if (bytes > limit - begin) break;
    begin += bytes;
  }
  return begin;
}

bool StreamTx::next_run(uint64_t now_ns, uint32_t run_bytes_max, Run& out) noexcept {
  HR_DASSERT(claim_bytes_ == kNoClaim);
  if (mark_count_ != 0) expire(now_ns);
  if (lost_bytes_ != 0) [[unlikely]]
    return next_lost(run_bytes_max, out);
  uint64_t end = tail_;
  if (end > limit_ || end - next_ > run_bytes_max) {
    end = cut_run(next_, std::min(tail_, std::max(limit_, next_)), run_bytes_max);
  }
  if (end == next_) return false;
  out = Run{next_, static_cast<uint32_t>(end - next_), at(next_), false};
  next_ = end;
  return true;
}

bool StreamTx::next_lost(uint32_t run_bytes_max, Run& out) noexcept {
  const uint64_t begin = lost_.find_set(std::max(lost_from_, head_), next_);
  HR_DASSERT(begin < next_);
  // One unit further than there is room for tells whether the range has to be cut.
  const uint64_t look_bytes = align_up(run_bytes_max, PositionBitmap::kUnitBytes) + 8;
  uint64_t end = lost_.find_clear(begin, std::min(next_, begin + look_bytes));
  if (end - begin > run_bytes_max) end = cut_run(begin, end, run_bytes_max);
  lost_from_ = end;
  if (end == begin) return false;
  lost_bytes_ -= lost_.clear(begin, end - begin);
  counters_.retransmit_bytes += end - begin;
  out = Run{begin, static_cast<uint32_t>(end - begin), at(begin), true};
  return true;
}

void StreamTx::on_run_acked(uint64_t position, uint32_t run_bytes) noexcept {
  const uint64_t end = position + run_bytes;
  HR_DASSERT(end <= next_);
  if (end <= head_) return;  // Abandoned, or acknowledged in another packet.
  if (position <= head_ && (acked_bytes_ | lost_bytes_) == 0) [[likely]] {
    head_ = end;
    return;
  }
  settle(std::max(position, head_), end);
}

// What lies between is acknowledged, or given up, and never looked at again.
void StreamTx::settle(uint64_t begin, uint64_t end) noexcept {
  if (begin == head_) return move_head(end);
  if (lost_bytes_ != 0) lost_bytes_ -= lost_.clear(begin, end - begin);
  acked_bytes_ += acked_.set(begin, end - begin);
}

void StreamTx::move_head(uint64_t position) noexcept {
  // Bits are only below next_, and only as long as their counts say so.
  const uint64_t set_end = std::min(position, next_);
  if (head_ < set_end) {
    if (lost_bytes_ != 0) lost_bytes_ -= lost_.clear(head_, set_end - head_);
    if (acked_bytes_ != 0) acked_bytes_ -= acked_.clear(head_, set_end - head_);
  }
  head_ = position;
  next_ = std::max(next_, head_);
  if (acked_bytes_ == 0) return;
  const uint64_t run_end = acked_.find_clear(head_, next_);
  acked_bytes_ -= acked_.clear(head_, run_end - head_);
  head_ = run_end;
}

void StreamTx::on_run_lost(uint64_t position, uint32_t run_bytes) noexcept {
  HR_DASSERT(position + run_bytes <= next_);
  uint64_t begin = std::max(position, head_);
  const uint64_t end = position + run_bytes;
  if (begin >= end) return;
  if (options_.mode == StreamMode::kUnreliable) {
    counters_.abandoned += count_open_messages(begin, end);
    abandoned_ = std::max(abandoned_, end);
    return settle(begin, end);
  }
  lost_from_ = lost_bytes_ == 0 ? begin : std::min(lost_from_, begin);
  if (acked_bytes_ == 0) {
    lost_bytes_ += lost_.set(begin, end - begin);
    return;
  }
  while (begin < end) {
    begin = acked_.find_clear(begin, end);
    const uint64_t open_end = acked_.find_set(begin, end);
    lost_bytes_ += lost_.set(begin, open_end - begin);
    begin = open_end;
  }
}

void StreamTx::on_window(uint64_t limit) noexcept { limit_ = std::max(limit_, limit); }

}  // namespace hyperroute::raptor
