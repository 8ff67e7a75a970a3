// Streams that do not keep the order, where runs overtake each other, get lost or the sink does
// not take them. Messages of one record are delivered from the datagram, whatever is missing
// before them; the ring holds fragments, and messages that the sink refused.
// The session's thread; no allocation but of the ring, once.
#include <algorithm>

#include "base/copies.h"
#include "raptor/stream_rx_batch.h"

namespace hyperroute::raptor {

StreamRx::Verdict StreamRx::scatter_run(uint64_t position, const uint8_t* run, uint32_t run_bytes,
                                        const MessageSink& sink) noexcept {
  if (!make_ring()) return Verdict::kNoMemory;
  uint32_t new_count = 0;
  if (!can_store(position, run, run_bytes, frontier_, new_count)) return malformed();
  if (new_count == 0) {
    ++counters_.duplicates;
    return Verdict::kDuplicate;
  }
  Batch batch;
  for (uint32_t offset = 0; offset < run_bytes;) {
    const uint8_t* const record = run + offset;
    const RecordHeader header = load_record_header(record);
    const uint64_t begin = position + offset;
    const uint32_t bytes = record_bytes(header.payload_bytes);
    offset += bytes;
    if (begin < frontier_) {
      // Given up. Where the frontier lies inside it, nothing else will move the frontier over it.
      const uint64_t end = begin + bytes;
      if (end > frontier_) mark_received(frontier_, static_cast<uint32_t>(end - frontier_));
      continue;
    }
    if (begin < highest_ && received_.is_set(begin)) continue;
    if (!is_whole(header)) {
      scatter_batch(batch, sink);
      scatter_fragment(begin, record, sink);
      continue;
    }
    if (options_.mode == StreamMode::kLatest) skip_to(begin, true);
    mark_received(begin, bytes);
    if (is_refused_) {
      keep(begin, record, bytes);
      continue;
    }
    add_view(batch, record + kRecordHeaderBytes, header.payload_bytes, begin);
    if (batch.count == kMessageViewsMax) scatter_batch(batch, sink);
  }
  scatter_batch(batch, sink);
  settle();
  return is_broken_ ? malformed() : Verdict::kAccepted;
}

// Delivers the views, all of them of the datagram, and keeps those that are refused.
void StreamRx::scatter_batch(Batch& batch, const MessageSink& sink) noexcept {
  if (batch.count == 0) return;
  uint32_t index = deliver(batch, sink);
  // Of latest values only the newest counts.
  if (options_.mode == StreamMode::kLatest && index < batch.count) {
    counters_.dropped += batch.count - 1 - index;
    index = batch.count - 1;
  }
  for (; index < batch.count; ++index) {
    const MessageView& view = batch.views[index];
    keep(batch.begins[index], view.data - kRecordHeaderBytes, record_bytes(view.bytes));
  }
  batch.count = 0;
}

void StreamRx::keep(uint64_t position, const uint8_t* record, uint32_t bytes) noexcept {
  copy_bytes(at(position), record, bytes);
  stored_count_ += static_cast<uint32_t>(stored_.set(position, 8) / 8);
}

void StreamRx::forget(uint64_t position) noexcept {
  stored_count_ -= static_cast<uint32_t>(stored_.clear(position, 8) / 8);
}

void StreamRx::mark_received(uint64_t position, uint32_t bytes) noexcept {
  const uint64_t end = position + bytes;
  if (position != frontier_) {
    received_.set(position, bytes);
    highest_ = std::max(highest_, end);
    return;
  }
  frontier_ = end;
  if (end >= highest_) {
    highest_ = end;
    return;
  }
  const uint64_t run_end = received_.find_clear(frontier_, highest_);
  received_.clear(frontier_, run_end - frontier_);
  frontier_ = run_end;
}

void StreamRx::scatter_fragment(uint64_t position, const uint8_t* record,
                                const MessageSink& sink) noexcept {
  const RecordHeader header = load_record_header(record);
  const bool is_next = position == frontier_;
  mark_received(position, record_bytes(header.payload_bytes));
  if (header.is_begin() && is_next && (!assembly_.is_active() || is_lenient_mode())) {
    begin_assembly(position, header, record + kRecordHeaderBytes);
    return append_stored(sink);
  }
  if (assembly_.is_active() && position == assembly_.next &&
      header.fragment_offset == assembly_.bytes) {
    if (!append(header, record + kRecordHeaderBytes)) return append_stored(sink);
    return complete(assembly_.begin, assembly_.bytes, sink);
  }
  keep(position, record, record_bytes(header.payload_bytes));
  try_complete(position, header, sink);
}

// Goes on with the message that is being put together, as far as its fragments have come.
void StreamRx::append_stored(const MessageSink& sink) noexcept {
  while (assembly_.next < highest_ && stored_.is_set(assembly_.next)) {
    const uint64_t begin = assembly_.begin;
    const uint8_t* const record = at(begin) + (assembly_.next - begin);
    const RecordHeader header = load_record_header(record);
    if (header.is_begin() || header.fragment_offset != assembly_.bytes) {
      is_broken_ = !is_lenient_mode();
      return;
    }
    forget(assembly_.next);
    if (append(header, record + kRecordHeaderBytes)) {
      return complete(begin, assembly_.bytes, sink);
    }
  }
}

// Delivers the message of a fragment that was kept, if it was the last one missing. Every fragment
// but the last is full, so the message's begin is known from any of them. How much of the message
// is known to lie together from its begin on is kept in place of the offset of its first fragment,
// which is 0: so no fragment is looked at twice, in whatever order they come.
void StreamRx::try_complete(uint64_t position, const RecordHeader& header,
                            const MessageSink& sink) noexcept {
  const uint64_t before_bytes =
      uint64_t{header.fragment_offset / kRecordPayloadBytesMax} * kRecordBytesMax;
  if (before_bytes > position - consumed_) return;
  const uint64_t begin = position - before_bytes;
  // Most fragments have no neighbour on one side yet.
  if (before_bytes > 0 && !stored_.is_set(position - kRecordBytesMax)) return;
  const uint64_t behind = position + record_bytes(header.payload_bytes);
  if (!header.is_end() && (behind >= highest_ || !stored_.is_set(behind))) return;
  if (!stored_.is_set(begin)) return;
  uint8_t* const first = at(begin);
  RecordHeader head = load_record_header(first);
  bool is_fitting = head.is_begin() && !is_whole(head);
  uint32_t message_bytes = std::max<uint32_t>(head.fragment_offset, head.payload_bytes);
  uint64_t next = begin + uint64_t{message_bytes / kRecordPayloadBytesMax} * kRecordBytesMax;
  bool is_last = false;
  while (is_fitting && !is_last && next < highest_ && stored_.is_set(next)) {
    const RecordHeader each = load_record_header(at(next));
    ++counters_.fragments_visited;
    is_fitting = !each.is_begin() && each.fragment_offset == message_bytes;
    if (!is_fitting) break;
    message_bytes += each.payload_bytes;
    next += record_bytes(each.payload_bytes);
    is_last = each.is_end();
  }
  if (!is_fitting) {
    is_broken_ = !is_lenient_mode();
    return;
  }
  if (!is_last) {
    head.fragment_offset = message_bytes;
    store_record_header(first, head);
    return;
  }
  uint32_t offset = kRecordPayloadBytesMax;
  for (uint64_t from = begin + kRecordBytesMax; from < next; from += kRecordBytesMax) {
    const uint32_t bytes = std::min(message_bytes - offset, kRecordPayloadBytesMax);
    move_bytes(first + kRecordHeaderBytes + offset, first + (from - begin) + kRecordHeaderBytes,
               bytes);
    offset += bytes;
    forget(from);
  }
  complete(begin, message_bytes, sink);
}

// The message lies behind the header at `begin`.
void StreamRx::complete(uint64_t begin, uint32_t message_bytes, const MessageSink& sink) noexcept {
  if (assembly_.begin == begin) assembly_ = Assembly{};
  store_record_header(at(begin), {0, kRecordAssembled, 0, message_bytes});
  stored_count_ += static_cast<uint32_t>(stored_.set(begin, 8) / 8);
  if (options_.mode == StreamMode::kLatest) skip_to(begin, true);
  if (is_refused_) return;
  Batch batch;
  add_view(batch, at(begin) + kRecordHeaderBytes, message_bytes, begin);
  if (deliver(batch, sink) == 1) forget(begin);
}

// What is below `position` and has not come never will, nor will what is not whole there.
// `drops_whole`: a newer value takes the place of those that the sink refused.
void StreamRx::skip_to(uint64_t position, bool drops_whole) noexcept {
  if (assembly_.is_active() && assembly_.begin < position) drop_assembly();
  const uint64_t come_end = std::min(position, highest_);
  uint64_t each = consumed_;
  while (stored_count_ > 0 && (each = stored_.find_set(each, come_end)) < come_end) {
    if (drops_whole || !is_whole(load_record_header(at(each)))) {
      forget(each);
      ++counters_.dropped;
    }
    each += 8;
  }
  if (drops_whole) is_refused_ = false;
  if (position <= frontier_) return;
  if (frontier_ < come_end) received_.clear(frontier_, come_end - frontier_);
  frontier_ = position;
  highest_ = std::max(highest_, position);
  if (frontier_ == highest_) return;
  const uint64_t run_end = received_.find_clear(frontier_, highest_);
  received_.clear(frontier_, run_end - frontier_);
  frontier_ = run_end;
}

// After a change: what an unreliable stream still waits for, and what the ring has to hold.
void StreamRx::settle() noexcept {
  // Half of the window is how far packets of an unreliable stream may overtake each other.
  const uint64_t wait_bytes = window_bytes_ / 2;
  // What is kept below that is a message whose other fragments were given up.
  if (options_.mode == StreamMode::kUnreliable && highest_ - consumed_ > wait_bytes) {
    skip_to(highest_ - wait_bytes, false);
  }
  // Nothing more comes: nor do fragments whose message still lacks some.
  if (is_lenient_mode() && frontier_ == end_) skip_to(end_, false);
  parse_ = frontier_;
  uint64_t consumed = frontier_;
  if (assembly_.is_active()) consumed = std::min(consumed, assembly_.begin);
  if (stored_count_ > 0) consumed = stored_.find_set(std::min(consumed_, consumed), consumed);
  consumed_ = consumed;
}

uint32_t StreamRx::redeliver(const MessageSink& sink) noexcept {
  uint32_t taken_count = 0;
  uint64_t each = consumed_;
  while (!is_refused_ && stored_count_ > 0) {
    Batch batch;
    while (batch.count < kMessageViewsMax && (each = stored_.find_set(each, highest_)) < highest_) {
      const RecordHeader header = load_record_header(at(each));
      if (is_whole(header)) {
        add_view(batch, at(each) + kRecordHeaderBytes, message_bytes_of(header), each);
      }
      each += 8;
    }
    if (batch.count == 0) break;
    const uint32_t taken = deliver(batch, sink);
    for (uint32_t index = 0; index < taken; ++index) forget(batch.begins[index]);
    taken_count += taken;
  }
  settle();
  return taken_count;
}

}  // namespace hyperroute::raptor
