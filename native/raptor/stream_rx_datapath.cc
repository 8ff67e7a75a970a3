// What every run goes through, and all there is to do where runs come in order and the sink takes
// them. The session's thread; no allocation but of the ring, once.
#include "raptor/stream_rx.h"

#include <algorithm>
#include <cstring>

#include "base/copies.h"
#include "raptor/stream_rx_batch.h"

namespace hyperroute::raptor {
namespace {

// The upper bytes of the header of a message in one record: flags, zero and offset.
constexpr uint64_t kWholeTag = kRecordWhole;

}  // namespace

StreamRx::Verdict StreamRx::malformed() noexcept {
  ++counters_.malformed;
  return Verdict::kMalformed;
}

// Null, or what is wrong with a run by itself.
const char* StreamRx::run_fault(const uint8_t* run, uint32_t run_bytes) const noexcept {
  uint32_t offset = 0;
  uint32_t wanted_offset = 0;  // Of the next fragment; 0: a message begins.
  while (offset < run_bytes) {
    const uint64_t word = load_u64_le(run + offset);
    const uint32_t payload_bytes = word & 0xffff;
    const bool is_plain = (word >> 16) == kWholeTag && payload_bytes <= whole_bytes_max_;
    if (!is_plain || wanted_offset != 0) [[unlikely]] {
      const RecordHeader header = load_record_header(run + offset);
      if (const char* reason = header.invalid(); reason != nullptr) return reason;
      if (header.fragment_offset + payload_bytes > options_.message_bytes_max) {
        return "message is longer than the stream's";
      }
      // A run may begin in the middle of a message, and only begin so.
      if (offset > 0 && header.fragment_offset != wanted_offset) return "record has a wrong offset";
      wanted_offset = header.is_end() ? 0 : header.fragment_offset + payload_bytes;
    }
    offset += record_bytes(payload_bytes);
  }
  return offset == run_bytes ? nullptr : "record is longer than its run";
}

// Whether the record may be the next one in order.
bool StreamRx::continues(const RecordHeader& header) const noexcept {
  if (assembly_.is_active()) {
    return !header.is_begin() && header.fragment_offset == assembly_.bytes;
  }
  return header.is_begin() || is_behind_hole_;
}

StreamRx::Verdict StreamRx::on_run(uint64_t position, uint8_t* run, uint32_t run_bytes,
                                   const MessageSink& sink) noexcept {
  if (is_broken_ || run_bytes == 0 || (position | run_bytes) % kRecordAlignment != 0 ||
      position >= kPositionMax) {
    return malformed();
  }
  const uint64_t end = position + run_bytes;
  if (end > end_) return malformed();
  if (end <= frontier_) {
    ++counters_.duplicates;
    return Verdict::kDuplicate;
  }
  if (end - consumed_ > window_bytes_) {
    ++counters_.beyond_window;
    return Verdict::kBeyondWindow;
  }
  const bool is_next =
      position == frontier_ && frontier_ == highest_ && frontier_ == parse_ && stored_count_ == 0;
  if (is_next && is_lone_message(run, run_bytes) && !is_lenient_mode()) [[likely]]
    return take_lone(run, run_bytes, sink);
  if (run_fault(run, run_bytes) != nullptr) return malformed();
  if (is_next) [[likely]]
    return take_in_order(position, run, run_bytes, sink);
  if (position > frontier_) ++counters_.out_of_order;
  return is_in_order_mode() ? keep_run(position, run, run_bytes, sink)
                            : scatter_run(position, run, run_bytes, sink);
}

// Whether the run is one message of one record, and the next.
inline bool StreamRx::is_lone_message(const uint8_t* run, uint32_t run_bytes) const noexcept {
  const uint64_t word = load_u64_le(run);
  const uint32_t payload_bytes = word & 0xffff;
  return (word >> 16) == kWholeTag && payload_bytes <= whole_bytes_max_ &&
         record_bytes(payload_bytes) == run_bytes && !assembly_.is_active();
}

// What take_in_order() does, for the one message of a request or of its answer.
inline StreamRx::Verdict StreamRx::take_lone(const uint8_t* run, uint32_t run_bytes,
                                             const MessageSink& sink) noexcept {
  const MessageView view{run + kRecordHeaderBytes, load_u16_le(run), stream_, session_};
  is_behind_hole_ = false;
  if (sink.deliver(sink.context, {&view, 1}) == 0) [[unlikely]] {
    ++counters_.refused;
    is_refused_ = true;
    return keep_rest(frontier_, run, run_bytes, frontier_, sink);
  }
  ++counters_.messages;
  counters_.bytes += view.bytes;
  consumed_ = frontier_ = highest_ = parse_ = frontier_ + run_bytes;
  return Verdict::kAccepted;
}

// Adds messages of one record until the batch is full, or the run or a fragment ends it.
inline uint32_t StreamRx::collect(const uint8_t* run, uint32_t offset, uint32_t run_bytes,
                                  Batch& batch) const noexcept {
  while (offset < run_bytes && batch.count < kMessageViewsMax) {
    const uint64_t word = load_u64_le(run + offset);
    if ((word >> 16) != kWholeTag) break;
    const uint32_t payload_bytes = word & 0xffff;
    add_view(batch, run + offset + kRecordHeaderBytes, payload_bytes, offset);
    offset += record_bytes(payload_bytes);
  }
  return offset;
}

// Returns how many were taken; the batch is empty after that as far as its owner is concerned.
uint32_t StreamRx::deliver(Batch& batch, const MessageSink& sink) noexcept {
  const uint32_t answered = sink.deliver(sink.context, {batch.views, batch.count});
  const uint32_t taken = std::min(answered, batch.count);
  counters_.messages += taken;
  uint64_t bytes = 0;
  for (uint32_t index = 0; index < taken; ++index) bytes += batch.views[index].bytes;
  counters_.bytes += bytes;
  if (taken < batch.count) {
    ++counters_.refused;
    is_refused_ = true;
  }
  return taken;
}

// Everything before the run was delivered, or is in the message being put together.
StreamRx::Verdict StreamRx::take_in_order(uint64_t position, const uint8_t* run, uint32_t run_bytes,
                                          const MessageSink& sink) noexcept {
  if (!continues(load_record_header(run))) {
    if (!is_lenient_mode()) return malformed();
    if (assembly_.is_active()) drop_assembly();  // Of an abandoned message.
  }
  Batch batch;
  uint32_t offset = 0;
  while (offset < run_bytes) {
    batch.count = 0;
    offset = collect(run, offset, run_bytes, batch);
    if (batch.count > 0) {
      is_behind_hole_ = false;
      const uint32_t taken = deliver(batch, sink);
      if (taken < batch.count) [[unlikely]] {
        const uint32_t rest = static_cast<uint32_t>(batch.begins[taken]);
        return keep_rest(position + rest, run + rest, run_bytes - rest, position + rest, sink);
      }
    }
    if (offset == run_bytes) break;
    const RecordHeader header = load_record_header(run + offset);
    if (is_whole(header)) continue;  // The batch was full.
    frontier_ = highest_ = parse_ = position + offset;
    if (!make_ring()) {
      settle();
      return Verdict::kNoMemory;
    }
    const uint8_t* const payload = run + offset + kRecordHeaderBytes;
    offset += record_bytes(header.payload_bytes);
    if (header.is_begin()) {
      begin_assembly(frontier_, header, payload);
    } else if (!assembly_.is_active()) {
      ++counters_.dropped;  // Its message lacks what was before.
    } else if (append(header, payload)) {
      batch.count = 0;
      const uint64_t begin = assembly_.begin;
      add_view(batch, at(begin) + kRecordHeaderBytes, assembly_.bytes, begin);
      seal(begin, assembly_.bytes);
      if (deliver(batch, sink) == 0) {
        return keep_rest(position + offset, run + offset, run_bytes - offset, begin, sink);
      }
    }
  }
  frontier_ = highest_ = parse_ = position + run_bytes;
  consumed_ = assembly_.is_active() ? assembly_.begin : frontier_;
  if (is_lenient_mode()) settle();
  return Verdict::kAccepted;
}

// The sink took what is before `refused`, which is `position`, the first of the run's rest, or a
// message that ends there and lies in the ring.
StreamRx::Verdict StreamRx::keep_rest(uint64_t position, const uint8_t* rest, uint32_t rest_bytes,
                                      uint64_t refused, const MessageSink& sink) noexcept {
  frontier_ = highest_ = parse_ = position;
  consumed_ = refused;
  if (!make_ring()) {
    is_refused_ = false;
    return Verdict::kNoMemory;
  }
  if (is_in_order_mode()) {
    parse_ = refused;
    copy_bytes(at(position), rest, rest_bytes);
    frontier_ = highest_ = position + rest_bytes;
    return Verdict::kAccepted;
  }
  if (refused != position) stored_count_ += static_cast<uint32_t>(stored_.set(refused, 8) / 8);
  return rest_bytes > 0 ? scatter_run(position, rest, rest_bytes, sink) : Verdict::kAccepted;
}

StreamRx::Verdict StreamRx::on_skip(uint64_t position, const MessageSink& sink) noexcept {
  const bool may_skip = options_.mode == StreamMode::kDeadline || is_lenient_mode();
  if (is_broken_ || !may_skip || position % kRecordAlignment != 0 || position > kPositionMax ||
      position > end_) {
    return malformed();
  }
  if (!is_in_order_mode()) {
    // Also below the frontier there may be fragments whose message is given up.
    if (position <= consumed_) return Verdict::kDuplicate;
    skip_to(position, false);
    settle();
    return Verdict::kAccepted;
  }
  if (position <= std::max(frontier_, skip_to_)) return Verdict::kDuplicate;
  skip_to_ = position;
  advance();
  if (!is_refused_) drain(sink);
  return is_broken_ ? malformed() : Verdict::kAccepted;
}

StreamRx::Verdict StreamRx::on_end(uint64_t position) noexcept {
  if (position == end_) return Verdict::kDuplicate;
  if (is_broken_ || end_ != kNoPosition || position % kRecordAlignment != 0 ||
      position > kPositionMax || position < std::max(highest_, skip_to_)) {
    return malformed();
  }
  end_ = position;
  if (is_lenient_mode()) settle();
  return Verdict::kAccepted;
}

uint32_t StreamRx::poll(const MessageSink& sink) noexcept {
  if (!is_refused_ || is_broken_) return 0;
  is_refused_ = false;
  return is_in_order_mode() ? drain(sink) : redeliver(sink);
}

bool StreamRx::window_update(uint64_t& limit) noexcept {
  // A SKIP may say any position, and kPositionMax itself would say that all was taken.
  const uint64_t now_limit = std::min(window_limit(), kPositionMax - kRecordAlignment);
  // Nothing comes after the end, so nobody waits for room there.
  if (now_limit < told_limit_ + window_bytes_ / 4 || told_limit_ >= end_) return false;
  told_limit_ = now_limit;
  limit = now_limit;
  return true;
}

}  // namespace hyperroute::raptor
