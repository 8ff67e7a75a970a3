// The memory backend's bursts: one ring in, one ring out, no system call but a wake-up.
// Thread: the owning worker.
#include <cstring>

#include "io/memory/memory.h"
#include "ring/parker.h"

namespace hyperroute {

uint32_t MemoryBackend::rx_burst(std::span<RxView> views, uint64_t) {
  if (waited_) [[unlikely]]
    end_wait();
  finish_burst();
  if (drained_) return 0;
  held_ = false;
  outbound_.rewind();
  uint32_t message_count = 0;
  RingRecord record;
  while (message_count < views.size() && outbound_.next(record)) {
    if (!reading_ && static_cast<int32_t>(record.end_position - stop_position_) > 0) break;
    views[message_count++] = RxView{record.data, record.bytes, peer_, record.end_position};
  }
  if (!reading_ && message_count == 0) drained_ = true;
  return message_count;
}

void MemoryBackend::release(const RxView& view) {
  released_position_ = static_cast<uint32_t>(view.cookie);
  has_released_ = true;
  count(counters_.rx_messages);
  count(counters_.rx_bytes, view.bytes);
}

void MemoryBackend::hold(const RxView&) { held_ = true; }

void MemoryBackend::finish_burst() {
  if (!has_released_) return;
  outbound_.release(released_position_);
  has_released_ = false;
}

uint32_t MemoryBackend::tx_burst(std::span<TxFrame> frames) {
  uint32_t sent_count = 0;
  uint64_t sent_bytes = 0;
  tx_blocked_ = false;
  uint32_t final_count = 0;
  for (TxFrame& frame : frames) {
    if (!is_live(frame.peer) || frame.bytes > message_bytes_max_) [[unlikely]] {
      frame.verdict = is_live(frame.peer) ? TxVerdict::kTooLarge : TxVerdict::kPeerGone;
      ++final_count;
      continue;
    }
    uint8_t* room = inbound_.claim(frame.bytes);
    if (room == nullptr) {
      tx_blocked_ = true;
      blocked_bytes_ = frame.bytes;
      break;
    }
    std::memcpy(room, frame.data, frame.bytes);
    inbound_.commit();
    frame.verdict = TxVerdict::kSent;
    sent_bytes += frame.bytes;
    ++sent_count;
    ++final_count;
  }
  if (sent_count == 0) return final_count;
  inbound_.publish();
  if (options_.wake_reader != nullptr && take_parked(inbound_.consumer_parked_word())) {
    options_.wake_reader(options_.wake_context);
  }
  count(counters_.tx_messages, sent_count);
  count(counters_.tx_bytes, sent_bytes);
  return final_count;
}

}  // namespace hyperroute
