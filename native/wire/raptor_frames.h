// The frames in a DATA packet, and the records in a STREAM frame; docs/raptor-protocol.md is their
// specification. Thread: any (plain values). Data path: every packet.
//
// Each frame is a multiple of 8 bytes, so that records are aligned where the packet is. The reader
// trusts nothing: each frame is checked, whole, before it is given out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bits.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

enum class FrameType : uint8_t {
  kPadding = 0x00,  // The rest of the packet is padding.
  kPing = 0x01,
  kAck = 0x02,
  kStream = 0x03,
  kOpen = 0x04,
  kWindow = 0x05,
  kSkip = 0x06,
  kEnd = 0x07,
  kDrain = 0x08,
  kClose = 0x09,
};
inline constexpr uint32_t kFrameTypeCount = 10;

// Whether its packet is to be acknowledged. What is not would else be answered for ever.
[[nodiscard]] constexpr bool is_ack_eliciting(FrameType type) noexcept {
  return type != FrameType::kPadding && type != FrameType::kAck && type != FrameType::kClose;
}

// ACK     0        1         2      4             8              16
//         +--------+---------+------+-------------+--------------+---------------------------+
//         | 2      | n       | 0    | delay_ns    | largest u64  | n times {u32 gap, u32 run} |
//         +--------+---------+------+-------------+--------------+---------------------------+
//
// Ranges go down from `largest`: `run` packets that came, `gap` packets below the range before
// that did not. The first gap is 0, every other is not.
struct AckRange {
  uint32_t gap = 0;
  uint32_t run = 0;
};
inline constexpr uint32_t kAckHeaderBytes = 16;
inline constexpr uint32_t kAckRangeBytes = 8;
inline constexpr uint32_t kAckRangesMax = 32;
inline constexpr uint32_t kAckBytesMax = kAckHeaderBytes + kAckRangesMax * kAckRangeBytes;
static_assert(sizeof(AckRange) == kAckRangeBytes && offsetof(AckRange, run) == 4);

struct AckFrame {
  uint64_t largest = 0;
  uint32_t delay_ns = 0;
  uint32_t range_count = 0;
  const uint8_t* ranges = nullptr;  // Into the packet; any alignment.

  [[nodiscard]] AckRange range(uint32_t index) const noexcept {
    HR_DASSERT(index < range_count);
    AckRange range;
    std::memcpy(&range, ranges + index * kAckRangeBytes, sizeof range);
    return range;
  }

  // visit(first, last) for every range, newest first; both are packets that came.
  template <typename Visit>
  void for_each_range(Visit&& visit) const noexcept {
    uint64_t below = largest + 1;  // Wraps for the largest of all numbers, and wraps back.
    for (uint32_t index = 0; index < range_count; ++index) {
      const AckRange each = range(index);
      const uint64_t last = below - each.gap - 1;
      const uint64_t first = last - (each.run - 1);
      visit(first, last);
      below = first;
    }
  }

  // Null, or what is wrong with the ranges.
  [[nodiscard]] const char* invalid() const noexcept;
};

// STREAM  0        1     2          4             8              16
//         +--------+-----+----------+-------------+--------------+------------------------+
//         | 3      | 0   | stream   | run_bytes   | position u64 | run: whole records     |
//         +--------+-----+----------+-------------+--------------+------------------------+
struct StreamFrame {
  uint64_t position = 0;  // Of the run's first byte, in the stream.
  uint32_t run_bytes = 0;
  uint16_t stream = 0;
  uint8_t* run = nullptr;  // Into the packet.
};
inline constexpr uint32_t kStreamHeaderBytes = 16;

// OPEN    0    1      2        4          5     8                    12            16         24
//         +----+------+--------+----------+-----+--------------------+-------------+----------+
//         | 4  | mode | stream | priority | 0   | message_bytes_max  | deadline_us | label u64|
//         +----+------+--------+----------+-----+--------------------+-------------+----------+
struct OpenFrame {
  uint8_t mode = 0;  // A StreamMode, below kStreamModeCount.
  uint8_t priority = 0;
  uint16_t stream = 0;
  uint32_t message_bytes_max = 0;
  uint32_t deadline_us = 0;
  uint64_t label = 0;

  [[nodiscard]] const char* invalid() const noexcept;
};
inline constexpr uint32_t kOpenBytes = 24;
inline constexpr uint32_t kStreamModeCount = 5;
inline constexpr uint32_t kPriorityCount = 8;

// WINDOW, SKIP, END
//         0        1     2          4             8              16
//         +--------+-----+----------+-------------+--------------+
//         | 5,6,7  | 0   | stream   | 0           | position u64 |
//         +--------+-----+----------+-------------+--------------+
struct PositionFrame {
  uint64_t position = 0;
  uint16_t stream = 0;
};
inline constexpr uint32_t kPositionFrameBytes = 16;
// No stream reaches it: sums of a position and the bytes of a run or a window cannot wrap.
inline constexpr uint64_t kPositionMax = uint64_t{1} << 62;

// PING, DRAIN, CLOSE
//         0        1     2          4             8
//         +--------+-----+----------+-------------+
//         | 1,8,9  | 0   | reason   | 0           |      reason: of CLOSE, else 0
//         +--------+-----+----------+-------------+
struct CloseFrame {
  uint16_t reason = 0;  // A CloseReason, or one of a later version.
};
inline constexpr uint32_t kShortFrameBytes = 8;

// What the reader gives out: the member that goes with the type; PING, DRAIN have none, nor has
// PADDING, which is never given out.
struct Frame {
  Frame() noexcept : position{} {}

  FrameType type{};
  union {
    AckFrame ack;
    StreamFrame stream;
    OpenFrame open;
    PositionFrame position;
    CloseFrame close;
  };
};

enum class FrameResult : uint8_t { kFrame, kEnd, kMalformed };

// Takes the frames of a decrypted payload one after the other; copies nothing but their headers.
// Pointers of the frames are good as long as the payload is.
class FrameReader {
 public:
  FrameReader(uint8_t* payload, uint32_t payload_bytes) noexcept
      : at_(payload), bytes_(payload_bytes) {}

  // After kEnd or kMalformed there is nothing more to be had.
  [[nodiscard]] FrameResult next(Frame& frame) noexcept;

  // What was wrong, after kMalformed.
  [[nodiscard]] const char* reason() const noexcept { return reason_; }
  [[nodiscard]] uint32_t remaining_bytes() const noexcept { return bytes_; }

 private:
  FrameResult malformed(const char* reason) noexcept;
  FrameResult next_short(Frame& frame) noexcept;
  FrameResult next_ack(Frame& frame) noexcept;
  FrameResult next_stream(Frame& frame) noexcept;
  FrameResult next_open(Frame& frame) noexcept;
  FrameResult next_position(Frame& frame) noexcept;
  FrameResult took(uint32_t bytes) noexcept;

  uint8_t* at_;
  uint32_t bytes_;
  const char* reason_ = nullptr;
};

// Each writes one frame, for which the caller has made room, and returns the bytes of it.
uint32_t write_padding(uint8_t* to, uint32_t bytes) noexcept;  // A multiple of 8.
uint32_t write_ping(uint8_t* to) noexcept;
uint32_t write_ack(uint8_t* to, uint32_t delay_ns, uint64_t largest,
                   std::span<const AckRange> ranges) noexcept;
// The run goes behind it: the return value is that of the header alone.
uint32_t write_stream_header(uint8_t* to, uint16_t stream, uint32_t run_bytes,
                             uint64_t position) noexcept;
uint32_t write_open(uint8_t* to, const OpenFrame& frame) noexcept;
uint32_t write_window(uint8_t* to, uint16_t stream, uint64_t limit) noexcept;
uint32_t write_skip(uint8_t* to, uint16_t stream, uint64_t position) noexcept;
uint32_t write_end(uint8_t* to, uint16_t stream, uint64_t position) noexcept;
uint32_t write_drain(uint8_t* to) noexcept;
uint32_t write_close(uint8_t* to, uint16_t reason) noexcept;

// Puts frames one behind the other into a payload of so many bytes. Each says whether it was put:
// false where there is no room, and nothing is written then.
class FrameWriter {
 public:
  FrameWriter(uint8_t* payload, uint32_t room_bytes) noexcept
      : payload_(payload), room_bytes_(room_bytes) {}

  [[nodiscard]] bool ping() noexcept;
  // As many of the ranges as there is room for, the newest: one at least, or none is written.
  [[nodiscard]] bool ack(uint32_t delay_ns, uint64_t largest,
                         std::span<const AckRange> ranges) noexcept;
  // Null where header and run have no room; else where the run's bytes are to be put.
  [[nodiscard]] uint8_t* stream(uint16_t stream, uint32_t run_bytes, uint64_t position) noexcept;
  [[nodiscard]] bool open(const OpenFrame& frame) noexcept;
  [[nodiscard]] bool window(uint16_t stream, uint64_t limit) noexcept;
  [[nodiscard]] bool skip(uint16_t stream, uint64_t position) noexcept;
  [[nodiscard]] bool end(uint16_t stream, uint64_t position) noexcept;
  [[nodiscard]] bool drain() noexcept;
  [[nodiscard]] bool close(uint16_t reason) noexcept;
  // Fills up to so many bytes in all, a multiple of 8; false where that is more than the room.
  [[nodiscard]] bool pad_to(uint32_t payload_bytes) noexcept;

  [[nodiscard]] uint32_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] uint32_t room_bytes() const noexcept { return room_bytes_ - bytes_; }

 private:
  [[nodiscard]] bool has_room(uint32_t bytes) const noexcept { return bytes <= room_bytes(); }

  uint8_t* payload_;
  uint32_t room_bytes_;
  uint32_t bytes_ = 0;
};

// Record  0                2       3     4                  8
//         +----------------+-------+-----+------------------+---------+--------------+
//         | payload_bytes  | flags | 0   | fragment_offset  | payload | zeros to 8   |
//         +----------------+-------+-----+------------------+---------+--------------+
//
// A message is one record, or several that follow each other: every one but the last is full, so
// a record goes into the smallest datagram and the place of a fragment in its message is known.
struct RecordHeader {
  uint16_t payload_bytes = 0;
  uint8_t flags = 0;
  uint8_t zero = 0;
  uint32_t fragment_offset = 0;  // Bytes of the message before this fragment.

  [[nodiscard]] bool is_begin() const noexcept { return (flags & 1) != 0; }
  [[nodiscard]] bool is_end() const noexcept { return (flags & 2) != 0; }
  [[nodiscard]] const char* invalid() const noexcept;
};
inline constexpr uint32_t kRecordHeaderBytes = 8;
inline constexpr uint32_t kRecordAlignment = 8;
inline constexpr uint32_t kRecordPayloadBytesMax = 1104;
inline constexpr uint8_t kRecordBegin = 1;
inline constexpr uint8_t kRecordEnd = 2;
inline constexpr uint8_t kRecordWhole = kRecordBegin | kRecordEnd;
static_assert(sizeof(RecordHeader) == kRecordHeaderBytes && offsetof(RecordHeader, flags) == 2);
static_assert(offsetof(RecordHeader, zero) == 3 && offsetof(RecordHeader, fragment_offset) == 4);

// Header, payload and padding.
[[nodiscard]] constexpr uint32_t record_bytes(uint32_t payload_bytes) noexcept {
  return align_up(kRecordHeaderBytes + payload_bytes, kRecordAlignment);
}
inline constexpr uint32_t kRecordBytesMax = record_bytes(kRecordPayloadBytesMax);

// Why 1,104: a full record goes into the smallest datagram behind the OPEN of its stream, or behind
// an ACK of two ranges, and the largest datagram takes eight to the byte.
inline constexpr uint32_t kStreamPacketBytes = kDataHeaderBytes + kStreamHeaderBytes + kTagBytes;
static_assert(kStreamPacketBytes + kOpenBytes + kRecordBytesMax <= kDatagramBytesMin);
static_assert(kStreamPacketBytes + kAckHeaderBytes + 2 * kAckRangeBytes + kRecordBytesMax <=
              kDatagramBytesMin);
static_assert(kStreamPacketBytes + 8 * kRecordBytesMax == kDatagramBytesMax);

// What all records of a message take in a stream.
[[nodiscard]] constexpr uint64_t message_record_bytes(uint32_t message_bytes) noexcept {
  const uint64_t full_count = message_bytes / kRecordPayloadBytesMax;
  const uint32_t rest = message_bytes % kRecordPayloadBytesMax;
  const bool has_rest = rest > 0 || full_count == 0;
  return full_count * kRecordBytesMax + (has_rest ? record_bytes(rest) : 0);
}

inline RecordHeader load_record_header(const uint8_t* from) noexcept {
  RecordHeader header;
  std::memcpy(&header, from, sizeof header);
  return header;
}
inline void store_record_header(uint8_t* to, const RecordHeader& header) noexcept {
  std::memcpy(to, &header, sizeof header);
}

// Null, or what is wrong with the record at the front of what remains of a run.
[[nodiscard]] inline const char* read_record(const uint8_t* from, uint32_t remaining_bytes,
                                             RecordHeader& header) noexcept {
  if (remaining_bytes < kRecordHeaderBytes) return "record is cut";
  header = load_record_header(from);
  if (record_bytes(header.payload_bytes) > remaining_bytes) return "record is longer than its run";
  return header.invalid();
}

// Of every packet of data, so in line.
inline const char* AckFrame::invalid() const noexcept {
  if (range_count == 0 || range_count > kAckRangesMax) return "ACK has no ranges, or too many";
  // How many numbers are left below: one more than `largest` says, which may be all 2^64.
  uint64_t left = largest;
  for (uint32_t index = 0; index < range_count; ++index) {
    const AckRange each = range(index);
    if ((index == 0) != (each.gap == 0)) return "ACK range has a wrong gap";
    if (each.run == 0) return "ACK range is empty";
    // The first range takes run numbers of left + 1; every other gap + run of what was left.
    const uint64_t taken = uint64_t{each.gap} + each.run - (index == 0 ? 1 : 0);
    if (taken > left) return "ACK range goes below packet 0";
    left -= taken;
  }
  return nullptr;
}

inline FrameResult FrameReader::took(uint32_t bytes) noexcept {
  HR_DASSERT(bytes % 8 == 0 && bytes <= bytes_);
  at_ += bytes;
  bytes_ -= bytes;
  return FrameResult::kFrame;
}

inline FrameResult FrameReader::next_ack(Frame& frame) noexcept {
  if (bytes_ < kAckHeaderBytes) return malformed("ACK is cut");
  const uint32_t range_count = at_[1];
  if (load_u16_le(at_ + 2) != 0) return malformed("reserved bytes are not 0");
  const uint32_t frame_bytes = kAckHeaderBytes + range_count * kAckRangeBytes;
  if (frame_bytes > bytes_) return malformed("ACK is cut");
  frame.ack =
      AckFrame{load_u64_le(at_ + 8), load_u32_le(at_ + 4), range_count, at_ + kAckHeaderBytes};
  if (const char* reason = frame.ack.invalid(); reason != nullptr) return malformed(reason);
  return took(frame_bytes);
}

inline FrameResult FrameReader::next_stream(Frame& frame) noexcept {
  if (bytes_ < kStreamHeaderBytes) return malformed("STREAM is cut");
  const uint32_t run_bytes = load_u32_le(at_ + 4);
  if (at_[1] != 0) return malformed("reserved bytes are not 0");
  if (run_bytes > bytes_ - kStreamHeaderBytes) return malformed("STREAM run is cut");
  if (run_bytes == 0 || run_bytes % kRecordAlignment != 0) {
    return malformed("STREAM run has no whole records");
  }
  frame.stream =
      StreamFrame{load_u64_le(at_ + 8), run_bytes, load_u16_le(at_ + 2), at_ + kStreamHeaderBytes};
  if (frame.stream.position % kRecordAlignment != 0 || frame.stream.position >= kPositionMax) {
    return malformed("STREAM has an impossible position");
  }
  return took(kStreamHeaderBytes + run_bytes);
}

inline FrameResult FrameReader::next(Frame& frame) noexcept {
  if (bytes_ == 0) return reason_ == nullptr ? FrameResult::kEnd : FrameResult::kMalformed;
  if (bytes_ < kShortFrameBytes) return malformed("frame is cut");
  frame.type = static_cast<FrameType>(at_[0]);
  switch (frame.type) {
    case FrameType::kStream:
      return next_stream(frame);
    case FrameType::kAck:
      return next_ack(frame);
    case FrameType::kPing:
    case FrameType::kDrain:
    case FrameType::kClose:
      return next_short(frame);
    case FrameType::kOpen:
      return next_open(frame);
    case FrameType::kWindow:
    case FrameType::kSkip:
    case FrameType::kEnd:
      return next_position(frame);
    case FrameType::kPadding:
      bytes_ = 0;
      return FrameResult::kEnd;
  }
  return malformed("unknown frame");
}

}  // namespace hyperroute::raptor
