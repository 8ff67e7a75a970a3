// Streams that keep the order of messages, where runs overtake each other, get lost or the sink
// does not take them: all that came lies in the ring, record behind record, and is walked there.
// The session's thread; no allocation but of the ring, once.
#include <algorithm>

#include "base/copies.h"
#include "raptor/stream_rx_batch.h"

namespace hyperroute::raptor {

// Whether each record of the run has come wholly or not at all. An honest peer sends nothing else,
// and only so do the records that are kept tile the stream.
bool StreamRx::can_store(uint64_t position, const uint8_t* run, uint32_t run_bytes, uint64_t floor,
                         uint32_t& new_count) const noexcept {
  new_count = 0;
  for (uint32_t offset = 0; offset < run_bytes;) {
    const uint32_t bytes = record_bytes(load_record_header(run + offset).payload_bytes);
    const uint64_t begin = position + offset;
    offset += bytes;
    if (begin + bytes <= floor) continue;
    // The floor of a lenient mode is where it is, on no border.
    if (begin < floor && is_lenient_mode()) {
      ++new_count;
      continue;
    }
    if (begin < floor) return false;
    const bool has_first = begin < highest_ && received_.is_set(begin);
    if (!has_first) {
      if (begin < highest_ && received_.has_any(begin, bytes)) return false;
      ++new_count;
    } else if (!received_.has_all(begin, bytes)) {
      return false;
    }
  }
  return true;
}

StreamRx::Verdict StreamRx::keep_run(uint64_t position, const uint8_t* run, uint32_t run_bytes,
                                     const MessageSink& sink) noexcept {
  if (!make_ring()) return Verdict::kNoMemory;
  const uint64_t end = position + run_bytes;
  const uint64_t floor = std::max(frontier_, skip_to_);
  if (position == floor && frontier_ == highest_ && floor == frontier_) {
    // In order, and behind what the sink has refused.
    copy_bytes(at(position), run, run_bytes);
    frontier_ = highest_ = end;
    return Verdict::kAccepted;
  }
  uint32_t new_count = 0;
  if (!can_store(position, run, run_bytes, floor, new_count)) return malformed();
  if (new_count == 0) {
    ++counters_.duplicates;
    return Verdict::kDuplicate;
  }
  for (uint32_t offset = 0; offset < run_bytes;) {
    const uint32_t bytes = record_bytes(load_record_header(run + offset).payload_bytes);
    const uint64_t begin = position + offset;
    if (begin >= floor && !received_.is_set(begin)) {
      copy_bytes(at(begin), run + offset, bytes);
      received_.set(begin, bytes);
    }
    offset += bytes;
  }
  highest_ = std::max(highest_, end);
  advance();
  if (!is_refused_) drain(sink);
  return is_broken_ ? malformed() : Verdict::kAccepted;
}

// Moves the frontier over what has come and over holes that nothing will fill.
void StreamRx::advance() noexcept {
  while (frontier_ < highest_) {
    const uint64_t run_end = received_.find_clear(frontier_, highest_);
    received_.clear(frontier_, run_end - frontier_);
    frontier_ = run_end;
    if (frontier_ >= skip_to_ || frontier_ == highest_) return;
    const uint64_t hole_end = std::min(received_.find_set(frontier_, highest_), skip_to_);
    const uint32_t hole_bytes = static_cast<uint32_t>(hole_end - frontier_);
    store_record_header(at(frontier_), {0, kRecordHole, 0, hole_bytes});
    frontier_ = hole_end;
  }
}

// Delivers from the ring what lies between parse_ and the frontier, until the sink refuses.
uint32_t StreamRx::drain(const MessageSink& sink) noexcept {
  Batch batch;
  uint32_t taken_count = 0;
  while (parse_ < frontier_) {
    const RecordHeader header = load_record_header(at(parse_));
    if (is_whole(header)) {
      if (assembly_.is_active()) {
        is_broken_ = true;  // A message that has no end.
        break;
      }
      is_behind_hole_ = false;
      add_view(batch, at(parse_) + kRecordHeaderBytes, message_bytes_of(header), parse_);
      parse_ += span_of(header);
      if (batch.count == kMessageViewsMax && !flush(batch, sink, taken_count)) return taken_count;
      continue;
    }
    // Before anything is put together: whatever is refused later is then whole and in its place.
    if (!flush(batch, sink, taken_count)) return taken_count;
    if (header.flags == kRecordHole) {
      if (assembly_.is_active()) drop_assembly();
      is_behind_hole_ = true;
      parse_ += header.fragment_offset;
    } else if (!drain_fragment(header)) {
      break;
    }
  }
  if (!flush(batch, sink, taken_count)) return taken_count;
  if (parse_ == frontier_ && skip_to_ > frontier_) {
    if (assembly_.is_active()) drop_assembly();
    is_behind_hole_ = true;
    parse_ = frontier_ = highest_ = skip_to_;
  }
  consumed_ = assembly_.is_active() ? assembly_.begin : parse_;
  return taken_count;
}

// False when the sink refused; then parse_ is back at the first message it refused.
bool StreamRx::flush(Batch& batch, const MessageSink& sink, uint32_t& taken_count) noexcept {
  if (batch.count == 0) return true;
  const uint32_t taken = deliver(batch, sink);
  taken_count += taken;
  const bool took_all = taken == batch.count;
  if (!took_all) parse_ = batch.begins[taken];
  consumed_ = parse_;
  batch.count = 0;
  return took_all;
}

// The fragment at parse_, in the ring. False when it cannot be the next one.
bool StreamRx::drain_fragment(const RecordHeader& header) noexcept {
  if (!continues(header)) {
    is_broken_ = true;
    return false;
  }
  const uint64_t begin = parse_;
  parse_ += record_bytes(header.payload_bytes);
  if (header.is_begin()) {
    begin_assembly(begin, header, at(begin) + kRecordHeaderBytes);
    return true;
  }
  if (!assembly_.is_active()) {
    ++counters_.dropped;  // Its message began in a hole.
    return true;
  }
  // Both addresses count from the message's begin, so that they overlap as the positions do.
  const uint8_t* const payload =
      at(assembly_.begin) + (begin - assembly_.begin) + kRecordHeaderBytes;
  if (append(header, payload)) {
    parse_ = assembly_.begin;  // To be read once more, as a whole.
    seal(assembly_.begin, assembly_.bytes);
  }
  return true;
}

}  // namespace hyperroute::raptor
