// What the files of the receiving end share: a batch of views, and marks of records in the ring.
// Thread: the session's. Data path: every message.
#pragma once

#include "raptor/stream_rx.h"

namespace hyperroute::raptor {

// Lives on the stack of one call; only the first `count` entries are ever written or read.
struct StreamRx::Batch {
  MessageView views[kMessageViewsMax];
  uint64_t begins[kMessageViewsMax];  // Positions of their (first) records.
  uint32_t count = 0;
};

// Flags of records in the ring, never on the wire. A message that was put together lies behind
// its first header, which then holds these flags and, as its offset, the bytes of the message.
inline constexpr uint8_t kRecordAssembled = 0x80 | kRecordWhole;
// Nothing is here and nothing will come, for as many bytes as the offset says.
inline constexpr uint8_t kRecordHole = 0x40;

[[nodiscard]] inline bool is_whole(const RecordHeader& header) noexcept {
  return (header.flags & kRecordWhole) == kRecordWhole;
}
[[nodiscard]] inline uint32_t message_bytes_of(const RecordHeader& whole) noexcept {
  return whole.flags == kRecordAssembled ? whole.fragment_offset : whole.payload_bytes;
}
// What all of its records take.
[[nodiscard]] inline uint64_t span_of(const RecordHeader& whole) noexcept {
  return whole.flags == kRecordAssembled ? message_record_bytes(whole.fragment_offset)
                                         : record_bytes(whole.payload_bytes);
}

inline void StreamRx::add_view(Batch& batch, const uint8_t* data, uint32_t bytes,
                               uint64_t begin) const noexcept {
  batch.views[batch.count] = MessageView{data, bytes, stream_, session_};
  batch.begins[batch.count] = begin;
  ++batch.count;
}

}  // namespace hyperroute::raptor
