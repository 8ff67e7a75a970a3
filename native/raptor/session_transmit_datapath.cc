// What goes out: messages into their streams' rings, and the next packet out of them.
//
// Owner: the endpoint's worker. Data path: every message offered, every packet sent. A packet is
// drafted in the caller's buffer: control frames lie where they will be sent, runs stay in the
// rings of their streams, and sealing gathers both: a message is copied by its offer and by that.
// In order: an ACK, control frames, what was lost, then new runs by priority.
#include <algorithm>

#include "raptor/session.h"

namespace hyperroute::raptor {

struct Session::Draft {
  Draft(uint8_t* datagram, uint32_t frames_bytes_max)
      : to(datagram), frames(datagram + kDataHeaderBytes, frames_bytes_max) {}

  bool has_item_room(uint32_t count) const { return item_count + count <= SentPackets::kItemsMax; }
  void add(SentItemKind kind, uint16_t stream, uint32_t bytes, uint64_t position) {
    HR_DASSERT(has_item_room(1));
    items[item_count++] = SentItem{kind, 0, stream, bytes, position};
    is_eliciting = true;
  }
  // The frames written since the last run, up to `end`, are a part.
  void add_frames(const uint8_t* end) {
    const uint8_t* begin = to + kDataHeaderBytes + part_end;
    if (end != begin) parts[part_count++] = {begin, static_cast<size_t>(end - begin)};
    part_end = static_cast<uint32_t>(end - (to + kDataHeaderBytes));
  }
  void add_run(const uint8_t* place, const StreamTx::Run& run) {
    add_frames(place);
    parts[part_count++] = {run.data, run.bytes};
    part_end += run.bytes;
  }

  uint8_t* to;
  FrameWriter frames;
  uint32_t part_count = 0;
  uint32_t part_end = 0;  // of the frames that are in parts
  uint32_t item_count = 0;
  uint32_t ack_ranges = 0;
  bool is_eliciting = false;
  bool is_full = false;
  // Members of unions are not initialised: only as many as are counted are ever read.
  union {
    SentItem items[SentPackets::kItemsMax];
  };
  union {
    crypto::Bytes parts[2 * SentPackets::kItemsMax + 1];
  };
};

int64_t Session::offer(uint64_t now_ns, uint16_t stream, std::span<const uint8_t> message) {
  TxStream* tx = tx_.find(stream);
  if (tx == nullptr || state_ == SessionState::kClosed) {
    return static_cast<int64_t>(OfferCode::kClosed);
  }
  const int64_t position = tx->stream.offer(now_ns, message);
  if (position >= 0) after_commit(stream, *tx);
  return position;
}

bool Session::would_take(uint16_t stream, uint32_t message_bytes) const {
  const TxStream* tx = tx_.find(stream);
  return tx != nullptr && state_ != SessionState::kClosed && tx->stream.would_take(message_bytes);
}

uint8_t* Session::claim(uint16_t stream, uint32_t message_bytes) {
  TxStream* tx = tx_.find(stream);
  if (tx == nullptr || state_ == SessionState::kClosed) return nullptr;
  return tx->stream.claim(message_bytes);
}

int64_t Session::commit(uint64_t now_ns, uint16_t stream) {
  TxStream* tx = tx_.find(stream);
  if (tx == nullptr || state_ == SessionState::kClosed) {
    return static_cast<int64_t>(OfferCode::kClosed);
  }
  const int64_t position = tx->stream.commit(now_ns);
  if (position >= 0) after_commit(stream, *tx);
  return position;
}

void Session::abort(uint16_t stream) {
  TxStream* tx = tx_.find(stream);
  if (tx != nullptr) tx->stream.abort();
}

inline void Session::after_commit(uint16_t stream, TxStream& tx) {
  const uint32_t slot = tx_.slot_of(stream);
  if (expiring_.any() && expiring_.has(slot)) {
    expire_ns_ = std::min(expire_ns_, tx.stream.next_deadline());
  }
  after_tx(slot, tx);
}

void Session::after_tx(uint32_t slot) { after_tx(slot, *tx_.at(slot)); }

void Session::after_tx(uint32_t slot, TxStream& tx) {
  const StreamTx& stream = tx.stream;
  if (tx.is_taken && stream.is_finished()) [[unlikely]] {
    release_tx(slot);
    return;
  }
  const uint8_t priority = stream.options().priority;
  const auto priority_bit = static_cast<uint8_t>(1u << priority);
  const bool has_run = stream.has_run();
  if (has_run) {
    ready_[priority].add(slot);
    ready_priorities_ |= priority_bit;
  } else if ((ready_priorities_ & priority_bit) != 0 && ready_[priority].has(slot)) {
    ready_[priority].remove(slot);
    lost_.remove(slot);
    if (!ready_[priority].any()) ready_priorities_ &= static_cast<uint8_t>(~priority_bit);
  }
  const bool has_control = tx.is_open_due || stream.has_control();
  tx_control_.put(slot, has_control);
  // While window or pacer hold everything back, an ACK or a timer says when to look again.
  const bool is_blocked = is_window_blocked_ || is_pacing_blocked_;
  if ((has_run || has_control) && !is_blocked) has_work_ = true;
}

bool Session::has_anything_due() const {
  if (state_ == SessionState::kClosed) [[unlikely]]
    return closes_left_ != 0 && now_ns_ >= next_close_ns_;
  return ready_priorities_ != 0 || received_.should_ack(now_ns_) || must_probe_ || is_ping_due_ ||
         has_control_due() || mtu_.probe_bytes(now_ns_) != 0;
}

inline bool Session::may_send(uint32_t bytes) {
  const uint32_t in_flight_bytes = sent_.in_flight_bytes();
  is_window_blocked_ = sent_.full() || !congestion_.allows(in_flight_bytes, bytes);
  is_pacing_blocked_ = !is_window_blocked_ && !pacer_.allows(now_ns_, in_flight_bytes);
  if (!is_window_blocked_ && !is_pacing_blocked_) return true;
  return probe_packets_ != 0 && !sent_.full();
}

uint32_t Session::next_datagram(uint64_t now_ns, std::span<uint8_t> to) {
  HR_DASSERT(to.size() >= kDatagramBytesMin);
  if (!has_work_) return 0;
  enter(now_ns);
  uint32_t bytes = 0;
  if (state_ == SessionState::kClosed) [[unlikely]] {
    bytes = send_close(to);
  } else {
    bytes = send_frames(to);
  }
  has_work_ = bytes != 0 && has_anything_due();
  return bytes;
}

inline uint32_t Session::send_frames(std::span<uint8_t> to) {
  const auto room_bytes = static_cast<uint32_t>(std::min<size_t>(to.size(), kDatagramBytesMax));
  const uint32_t datagram_bytes = align_down(std::min(room_bytes, mtu_.datagram_bytes()), 8u);
  const bool is_open = may_send(datagram_bytes);
  const bool is_probe_due = is_open && mtu_.probe_bytes(now_ns_) != 0;
  if (is_probe_due && ++packets_before_mtu_probe_ > kPacketsBeforeMtuProbe) [[unlikely]] {
    if (const uint32_t bytes = send_mtu_probe(to); bytes != 0) return bytes;
  }
  Draft draft(to.data(), datagram_bytes - kDataHeaderBytes - protection_.trailer_bytes());
  if (received_.has_news()) draft_ack(draft, is_open);
  if (is_open && !draft.is_full) [[likely]] {
    if (has_control_due()) [[unlikely]]
      draft_control(draft);
    draft_runs(draft);
  }
  const bool wants_ping = is_ping_due_ || (must_probe_ && is_open);
  if (wants_ping && !draft.is_eliciting && !draft.is_full && !sent_.full()) [[unlikely]] {
    if (draft.frames.ping()) draft.add(SentItemKind::kPing, 0, 0, 0);
  }
  // A PING that found no room in the books is asked for again by its timer.
  is_ping_due_ = false;
  const bool is_worth_it = draft.is_eliciting || received_.should_ack(now_ns_);
  if (is_worth_it && draft.frames.bytes() != 0) [[likely]]
    return send_draft(draft);
  return is_probe_due ? send_mtu_probe(to) : 0;
}

inline void Session::draft_ack(Draft& draft, bool has_room_for_runs) {
  AckContents ack;
  if (!received_.contents(now_ns_, kAckRangesMax, ack)) return;
  const uint32_t ack_bytes = kAckHeaderBytes + ack.range_count * kAckRangeBytes;
  const uint32_t room_bytes = draft.frames.room_bytes();
  bool has_room = ack_bytes + kOpenBytes + kStreamHeaderBytes + kRecordBytesMax <= room_bytes;
  if (!has_room) [[unlikely]] {
    uint32_t kept_bytes = 0;  // for the largest record, which could else never be sent
    if (has_room_for_runs && ready_priorities_ != 0) {
      kept_bytes = kOpenBytes + kStreamHeaderBytes + kRecordBytesMax;
      if (tx_.at(next_run_slot())->is_open_acked) kept_bytes -= kOpenBytes;
    }
    has_room = ack_bytes + kept_bytes <= room_bytes;
  }
  // An ACK of many gaps in small packets goes alone, and not before it has to.
  if (!has_room && !received_.should_ack(now_ns_)) return;
  if (!draft.frames.ack(ack.delay_ns, ack.largest, ack.span())) return;
  draft.ack_ranges = ack.range_count;
  draft.is_full = !has_room;
}

void Session::draft_control(Draft& draft) {
  if (is_drain_due_ && draft.has_item_room(1) && draft.frames.drain()) {
    draft.add(SentItemKind::kDrain, 0, 0, 0);
    is_drain_due_ = false;
  }
  while (draft.has_item_room(1)) {
    const uint32_t slot = rx_control_.next_from(0);
    if (slot == kStreamSlotsMax) break;
    const RxStream* rx = rx_.at(slot);
    const uint16_t id = rx == nullptr ? rx_.last_id(slot) : rx->id;
    const uint64_t limit = rx == nullptr ? kTakenWhole : rx->window_limit;
    if (!draft.frames.window(id, limit)) return;
    draft.add(SentItemKind::kWindow, id, 0, limit);
    rx_control_.remove(slot);
  }
  while (true) {
    const uint32_t slot = tx_control_.next_from(0);
    if (slot == kStreamSlotsMax || !draft_stream_control(draft, slot)) return;
  }
}

bool Session::draft_open(Draft& draft, TxStream& tx) {
  if (tx.is_open_acked || tx.open_number == next_number_) return true;
  const StreamOptions& options = tx.stream.options();
  OpenFrame open;
  open.mode = static_cast<uint8_t>(options.mode);
  open.priority = options.priority;
  open.stream = tx.id;
  open.message_bytes_max = options.message_bytes_max;
  open.deadline_us = options.deadline_us;
  open.label = options.label;
  if (!draft.has_item_room(1) || !draft.frames.open(open)) return false;
  draft.add(SentItemKind::kOpen, tx.id, 0, 0);
  tx.open_number = next_number_;
  tx.is_open_due = false;
  return true;
}

bool Session::draft_stream_control(Draft& draft, uint32_t slot) {
  TxStream& tx = *tx_.at(slot);
  if (!draft_open(draft, tx)) return false;
  const uint64_t skip = tx.stream.skip_position();
  if (skip != kNoPosition) {
    if (!draft.has_item_room(1) || !draft.frames.skip(tx.id, skip)) return false;
    draft.add(SentItemKind::kSkip, tx.id, 0, skip);
    tx.stream.on_skip_sent(skip);
  }
  const uint64_t end = tx.stream.end_position();
  if (end != kNoPosition) {
    if (!draft.has_item_room(1) || !draft.frames.end(tx.id, end)) return false;
    draft.add(SentItemKind::kEnd, tx.id, 0, end);
    tx.stream.on_end_sent();
  }
  tx_control_.remove(slot);
  return true;
}

inline uint32_t Session::next_run_slot() const {
  const uint32_t lost = lost_.next_from(lost_cursor_);
  if (lost != kStreamSlotsMax) return lost;
  if (ready_priorities_ == 0) return kStreamSlotsMax;
  const auto priority = static_cast<uint32_t>(std::countr_zero(ready_priorities_));
  return ready_[priority].next_from(cursor_[priority]);
}

inline void Session::draft_runs(Draft& draft) {
  while (true) {
    const uint32_t slot = next_run_slot();
    if (slot == kStreamSlotsMax || !draft_run(draft, slot)) return;
  }
}

inline bool Session::draft_run(Draft& draft, uint32_t slot) {
  TxStream& tx = *tx_.at(slot);
  const bool needs_open = !tx.is_open_acked && tx.open_number != next_number_;
  const uint32_t headers_bytes = kStreamHeaderBytes + (needs_open ? kOpenBytes : 0);
  if (!draft.has_item_room(needs_open ? 2 : 1)) return false;
  if (draft.frames.room_bytes() < headers_bytes + kRecordHeaderBytes) return false;
  StreamTx::Run run;
  if (!tx.stream.next_run(now_ns_, draft.frames.room_bytes() - headers_bytes, run)) [[unlikely]] {
    const bool is_too_large = tx.stream.has_run();
    if (!is_too_large) after_tx(slot);
    return !is_too_large;
  }
  const bool is_open_drafted = !needs_open || draft_open(draft, tx);
  uint8_t* place = draft.frames.stream(tx.id, run.bytes, run.position);
  HR_DASSERT(is_open_drafted && place != nullptr);
  draft.add_run(place, run);
  draft.add(SentItemKind::kStream, tx.id, run.bytes, run.position);
  const uint32_t next_slot = (slot + 1) % kStreamSlotsMax;
  if (run.is_retransmit) [[unlikely]] {
    counters_.retransmitted_runs += 1;
    lost_cursor_ = next_slot;
  } else {
    lost_.remove(slot);
    cursor_[tx.stream.options().priority] = next_slot;
  }
  after_tx(slot, tx);
  return true;
}

uint32_t Session::send_draft(Draft& draft) {
  draft.add_frames(draft.to + kDataHeaderBytes + draft.frames.bytes());
  if (protection_.is_update_due() && protection_.update_key()) [[unlikely]]
    counters_.key_updates += 1;
  DataHeader header;
  header.session = remote_session_;
  header.number = next_number_;
  const uint32_t bytes = protection_.seal(header, {draft.parts, draft.part_count}, draft.to);
  if (bytes == 0) [[unlikely]] {
    // Without a cipher there is nothing that could be told to anybody.
    end_with(CloseReason::kLocalLimit, false);
    return 0;
  }
  sent_.record(next_number_, now_ns_, bytes, draft.is_eliciting, {draft.items, draft.item_count});
  next_number_ += 1;
  if (draft.ack_ranges != 0) received_.on_ack_sent(draft.ack_ranges);
  if (draft.is_eliciting) {
    pacer_.on_sent(now_ns_, bytes);
    if (must_probe_) counters_.probes_sent += 1;
    must_probe_ = false;
    if (probe_packets_ != 0) probe_packets_ -= 1;
  }
  next_ping_ns_ = time_after(now_ns_, ping_interval_ns_);
  counters_.packets_sent += 1;
  counters_.bytes_sent += bytes;
  return bytes;
}

uint32_t Session::send_mtu_probe(std::span<uint8_t> to) {
  const uint32_t probe_bytes = mtu_.probe_bytes(now_ns_);
  if (probe_bytes > to.size()) {
    mtu_.on_too_large(now_ns_, probe_bytes);
    return 0;
  }
  if (sent_.full() || !congestion_.allows(sent_.in_flight_bytes(), probe_bytes)) {
    is_window_blocked_ = true;
    return 0;
  }
  const uint32_t frames_bytes =
      align_down(probe_bytes, 8u) - kDataHeaderBytes - protection_.trailer_bytes();
  Draft draft(to.data(), frames_bytes);
  if (!draft.frames.ping() || !draft.frames.pad_to(frames_bytes)) return 0;
  draft.add(SentItemKind::kMtuProbe, 0, probe_bytes, 0);
  mtu_.on_probe_sent(probe_bytes);
  packets_before_mtu_probe_ = 0;
  return send_draft(draft);
}

uint32_t Session::send_close(std::span<uint8_t> to) {
  if (closes_left_ == 0 || now_ns_ < next_close_ns_) return 0;
  Draft draft(to.data(), kDatagramBytesMin - kDataHeaderBytes - protection_.trailer_bytes());
  // What has come is acknowledged with it: the peer hears nothing later.
  draft_ack(draft, false);
  if (!draft.frames.close(static_cast<uint16_t>(close_reason_))) return 0;
  closes_left_ -= 1;
  next_close_ns_ =
      time_after(now_ns_, std::clamp(rtt_.srtt_ns(), kCloseIntervalNsMin, kCloseIntervalNsMax));
  return send_draft(draft);
}

}  // namespace hyperroute::raptor
