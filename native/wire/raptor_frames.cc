// Reading the frames of a packet that was sealed by the peer, and writing them.
// Thread: the session's (pure functions). Data path: every packet.
#include "wire/raptor_frames.h"

#include <algorithm>

namespace hyperroute::raptor {
namespace {

uint32_t write_short(uint8_t* to, FrameType type, uint16_t reason) noexcept {
  store_u64_le(to, static_cast<uint64_t>(type) | uint64_t{reason} << 16);
  return kShortFrameBytes;
}

uint32_t write_position(uint8_t* to, FrameType type, uint16_t stream, uint64_t position) noexcept {
  HR_DASSERT(position <= kPositionMax);
  store_u64_le(to, static_cast<uint64_t>(type) | uint64_t{stream} << 16);
  store_u64_le(to + 8, position);
  return kPositionFrameBytes;
}

}  // namespace

const char* OpenFrame::invalid() const noexcept {
  if (mode >= kStreamModeCount) return "OPEN has an unknown mode";
  if (priority >= kPriorityCount) return "OPEN has an unknown priority";
  return message_bytes_max > kMessageBytesLimit ? "OPEN has messages beyond 16 MiB" : nullptr;
}

const char* RecordHeader::invalid() const noexcept {
  if ((flags & ~kRecordWhole) != 0) return "record has unknown flags";
  if (zero != 0) return "record has a reserved byte that is not 0";
  if (payload_bytes > kRecordPayloadBytesMax) return "record is too long";
  if (is_begin() != (fragment_offset == 0)) return "record has a wrong offset";
  if (fragment_offset % kRecordPayloadBytesMax != 0) return "record has a wrong offset";
  if (!is_end() && payload_bytes != kRecordPayloadBytesMax) return "fragment is not full";
  if (!is_begin() && payload_bytes == 0) return "fragment is empty";
  const bool is_too_far = fragment_offset > kMessageBytesLimit - payload_bytes;
  return is_too_far ? "message is longer than 16 MiB" : nullptr;
}

FrameResult FrameReader::malformed(const char* reason) noexcept {
  reason_ = reason;
  bytes_ = 0;
  return FrameResult::kMalformed;
}

FrameResult FrameReader::next_short(Frame& frame) noexcept {
  const uint64_t word = load_u64_le(at_);
  frame.close = CloseFrame{static_cast<uint16_t>(word >> 16)};
  const uint64_t reason_bits = frame.type == FrameType::kClose ? uint64_t{0xFFFF} << 16 : 0;
  if ((word & ~(reason_bits | 0xFF)) != 0) return malformed("reserved bytes are not 0");
  return took(kShortFrameBytes);
}

FrameResult FrameReader::next_open(Frame& frame) noexcept {
  if (bytes_ < kOpenBytes) return malformed("OPEN is cut");
  if (load_u24_le(at_ + 5) != 0) return malformed("reserved bytes are not 0");
  frame.open = OpenFrame{at_[1],
                         at_[4],
                         load_u16_le(at_ + 2),
                         load_u32_le(at_ + 8),
                         load_u32_le(at_ + 12),
                         load_u64_le(at_ + 16)};
  if (const char* reason = frame.open.invalid(); reason != nullptr) return malformed(reason);
  return took(kOpenBytes);
}

FrameResult FrameReader::next_position(Frame& frame) noexcept {
  if (bytes_ < kPositionFrameBytes) return malformed("frame with a position is cut");
  if (at_[1] != 0 || load_u32_le(at_ + 4) != 0) return malformed("reserved bytes are not 0");
  frame.position = PositionFrame{load_u64_le(at_ + 8), load_u16_le(at_ + 2)};
  const uint64_t position = frame.position.position;
  if (position % kRecordAlignment != 0 || position > kPositionMax) {
    return malformed("frame with an impossible position");
  }
  return took(kPositionFrameBytes);
}

uint32_t write_padding(uint8_t* to, uint32_t bytes) noexcept {
  HR_DASSERT(bytes % 8 == 0);
  std::memset(to, 0, bytes);
  return bytes;
}

uint32_t write_ping(uint8_t* to) noexcept { return write_short(to, FrameType::kPing, 0); }

uint32_t write_ack(uint8_t* to, uint32_t delay_ns, uint64_t largest,
                   std::span<const AckRange> ranges) noexcept {
  HR_DASSERT(!ranges.empty() && ranges.size() <= kAckRangesMax);
  store_u32_le(to, static_cast<uint32_t>(FrameType::kAck) | static_cast<uint32_t>(ranges.size())
                                                                << 8);
  store_u32_le(to + 4, delay_ns);
  store_u64_le(to + 8, largest);
  std::memcpy(to + kAckHeaderBytes, ranges.data(), ranges.size_bytes());
  return kAckHeaderBytes + static_cast<uint32_t>(ranges.size_bytes());
}

uint32_t write_stream_header(uint8_t* to, uint16_t stream, uint32_t run_bytes,
                             uint64_t position) noexcept {
  HR_DASSERT(run_bytes > 0 && run_bytes % kRecordAlignment == 0);
  HR_DASSERT(position % kRecordAlignment == 0 && position < kPositionMax);
  store_u64_le(to, static_cast<uint64_t>(FrameType::kStream) | uint64_t{stream} << 16 |
                       uint64_t{run_bytes} << 32);
  store_u64_le(to + 8, position);
  return kStreamHeaderBytes;
}

uint32_t write_open(uint8_t* to, const OpenFrame& frame) noexcept {
  HR_DASSERT(frame.invalid() == nullptr);
  store_u64_le(to, static_cast<uint64_t>(FrameType::kOpen) | uint64_t{frame.mode} << 8 |
                       uint64_t{frame.stream} << 16 | uint64_t{frame.priority} << 32);
  store_u32_le(to + 8, frame.message_bytes_max);
  store_u32_le(to + 12, frame.deadline_us);
  store_u64_le(to + 16, frame.label);
  return kOpenBytes;
}

uint32_t write_window(uint8_t* to, uint16_t stream, uint64_t limit) noexcept {
  return write_position(to, FrameType::kWindow, stream, limit);
}

uint32_t write_skip(uint8_t* to, uint16_t stream, uint64_t position) noexcept {
  return write_position(to, FrameType::kSkip, stream, position);
}

uint32_t write_end(uint8_t* to, uint16_t stream, uint64_t position) noexcept {
  return write_position(to, FrameType::kEnd, stream, position);
}

uint32_t write_drain(uint8_t* to) noexcept { return write_short(to, FrameType::kDrain, 0); }

uint32_t write_close(uint8_t* to, uint16_t reason) noexcept {
  return write_short(to, FrameType::kClose, reason);
}

bool FrameWriter::ping() noexcept {
  if (!has_room(kShortFrameBytes)) return false;
  bytes_ += write_ping(payload_ + bytes_);
  return true;
}

bool FrameWriter::ack(uint32_t delay_ns, uint64_t largest,
                      std::span<const AckRange> ranges) noexcept {
  if (ranges.empty() || !has_room(kAckHeaderBytes + kAckRangeBytes)) return false;
  const uint32_t fitting = (room_bytes() - kAckHeaderBytes) / kAckRangeBytes;
  const size_t count = std::min({ranges.size(), size_t{fitting}, size_t{kAckRangesMax}});
  bytes_ += write_ack(payload_ + bytes_, delay_ns, largest, ranges.first(count));
  return true;
}

uint8_t* FrameWriter::stream(uint16_t stream, uint32_t run_bytes, uint64_t position) noexcept {
  if (room_bytes() < kStreamHeaderBytes) return nullptr;
  if (run_bytes > room_bytes() - kStreamHeaderBytes) return nullptr;
  bytes_ += write_stream_header(payload_ + bytes_, stream, run_bytes, position);
  uint8_t* const run = payload_ + bytes_;
  bytes_ += run_bytes;
  return run;
}

bool FrameWriter::open(const OpenFrame& frame) noexcept {
  if (!has_room(kOpenBytes)) return false;
  bytes_ += write_open(payload_ + bytes_, frame);
  return true;
}

bool FrameWriter::window(uint16_t stream, uint64_t limit) noexcept {
  if (!has_room(kPositionFrameBytes)) return false;
  bytes_ += write_window(payload_ + bytes_, stream, limit);
  return true;
}

bool FrameWriter::skip(uint16_t stream, uint64_t position) noexcept {
  if (!has_room(kPositionFrameBytes)) return false;
  bytes_ += write_skip(payload_ + bytes_, stream, position);
  return true;
}

bool FrameWriter::end(uint16_t stream, uint64_t position) noexcept {
  if (!has_room(kPositionFrameBytes)) return false;
  bytes_ += write_end(payload_ + bytes_, stream, position);
  return true;
}

bool FrameWriter::drain() noexcept {
  if (!has_room(kShortFrameBytes)) return false;
  bytes_ += write_drain(payload_ + bytes_);
  return true;
}

bool FrameWriter::close(uint16_t reason) noexcept {
  if (!has_room(kShortFrameBytes)) return false;
  bytes_ += write_close(payload_ + bytes_, reason);
  return true;
}

bool FrameWriter::pad_to(uint32_t payload_bytes) noexcept {
  if (payload_bytes > room_bytes_ || payload_bytes < bytes_) return false;
  bytes_ += write_padding(payload_ + bytes_, payload_bytes - bytes_);
  return true;
}

}  // namespace hyperroute::raptor
