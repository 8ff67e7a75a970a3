// Where one message ends and the next begins in a byte stream: the framings of a tcp endpoint.
//
// Thread: any; a framing is a plain value, fixed after create(). Data path: scan() for each
// received frame, on the endpoint's worker; seal() for each sent one, on the producing worker,
// where the frame still lies in the destination's queue.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "io/endpoint.h"

namespace hyperroute {

inline constexpr uint32_t kDelimiterBytesMax = 8;
inline constexpr uint32_t kFrameBytesMax = 64u << 20;
inline constexpr uint32_t kPrefixOffsetMax = 4096;

enum class FramingKind : uint8_t { kLengthPrefix, kDelimiter, kFixed };

struct FramingOptions {
  FramingKind kind = FramingKind::kLengthPrefix;

  // kLengthPrefix: `prefix_bytes` bytes, `prefix_offset` bytes into the frame; the header is all
  // up to their end. Bytes of the frame = value + adjust, + the header's if it is not included.
  uint8_t prefix_bytes = 4;
  bool big_endian = false;
  bool includes_header = true;
  bool strip = false;  // The message is what follows the header; else the header is part of it.
  uint32_t prefix_offset = 0;
  int64_t adjust = 0;

  // kDelimiter: the message ends before these bytes.
  uint8_t delimiter[kDelimiterBytesMax] = {};
  uint8_t delimiter_bytes = 0;

  // kFixed: every message has this size.
  uint32_t fixed_bytes = 0;

  friend bool operator==(const FramingOptions&, const FramingOptions&) = default;
};

enum class ScanStatus : uint8_t {
  kFrame,     // A whole frame lies at the start of the bytes.
  kNeedMore,  // The start of a frame, so far without fault.
  kBad,       // A length that cannot be true: smaller than its own header, or below zero.
  kOversize,  // The frame is, or announces to be, over the limit.
};

struct ScanResult {
  ScanStatus status;
  uint32_t message_offset;
  uint32_t message_bytes;
  uint32_t frame_bytes;
};

class Framing {
 public:
  // kConfig names the option that cannot be. `frame_bytes_max` counts header and delimiter.
  static Result<Framing> create(const FramingOptions& options, uint32_t frame_bytes_max);

  // Looks for a frame in `data[0..available_bytes)`. `searched_bytes` of them had no delimiter in
  // an earlier call that answered kNeedMore, so that a slow sender costs no quadratic search.
  [[nodiscard]] ScanResult scan(const uint8_t* data, uint32_t available_bytes,
                                uint32_t searched_bytes, uint32_t frame_bytes_max) const noexcept;

  // Completes the frame around the message at frame + room().head_bytes. 0: it does not fit.
  [[nodiscard]] uint32_t seal(uint8_t* frame, uint32_t message_bytes) const noexcept;

  [[nodiscard]] FrameRoom room() const noexcept { return room_; }
  [[nodiscard]] uint32_t frame_bytes_max() const noexcept { return frame_bytes_max_; }

 private:
  ScanResult scan_prefix(const uint8_t* data, uint32_t available_bytes,
                         uint32_t frame_bytes_max) const noexcept;
  ScanResult scan_delimiter(const uint8_t* data, uint32_t available_bytes, uint32_t searched_bytes,
                            uint32_t frame_bytes_max) const noexcept;
  uint32_t seal_prefix(uint8_t* frame, uint32_t message_bytes) const noexcept;
  uint32_t seal_delimiter(uint8_t* frame, uint32_t message_bytes) const noexcept;
  const uint8_t* find_delimiter(const uint8_t* data, uint32_t data_bytes) const noexcept;

  FramingOptions options_;
  FrameRoom room_{};
  uint32_t frame_bytes_max_ = 0;
  uint32_t header_bytes_ = 0;
  int64_t addend_bytes_ = 0;  // Bytes of the frame - value of the prefix.
};

}  // namespace hyperroute
