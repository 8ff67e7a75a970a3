// Finding and completing frames. Bytes from the network are judged here and nowhere else: every
// length is checked before it is used, and arithmetic on it cannot overflow.
#include <cstring>

#include "base/bits.h"
#include "io/tcp/framing.h"

namespace hyperroute {
namespace {

// Above every frame plus every adjustment: a larger prefix is over the limit whatever else holds.
constexpr uint64_t kPrefixValueMax = uint64_t{1} << 40;

constexpr ScanResult without_frame(ScanStatus status) { return {status, 0, 0, 0}; }

}  // namespace

ScanResult Framing::scan(const uint8_t* data, uint32_t available_bytes, uint32_t searched_bytes,
                         uint32_t frame_bytes_max) const noexcept {
  switch (options_.kind) {
    case FramingKind::kLengthPrefix:
      return scan_prefix(data, available_bytes, frame_bytes_max);
    case FramingKind::kDelimiter:
      return scan_delimiter(data, available_bytes, searched_bytes, frame_bytes_max);
    case FramingKind::kFixed:
      break;
  }
  if (options_.fixed_bytes > frame_bytes_max) return without_frame(ScanStatus::kOversize);
  if (available_bytes < options_.fixed_bytes) return without_frame(ScanStatus::kNeedMore);
  return {ScanStatus::kFrame, 0, options_.fixed_bytes, options_.fixed_bytes};
}

ScanResult Framing::scan_prefix(const uint8_t* data, uint32_t available_bytes,
                                uint32_t frame_bytes_max) const noexcept {
  if (available_bytes < header_bytes_) return without_frame(ScanStatus::kNeedMore);
  const uint64_t value =
      load_uint(data + options_.prefix_offset, options_.prefix_bytes, options_.big_endian);
  if (value > kPrefixValueMax) return without_frame(ScanStatus::kOversize);
  const int64_t frame_bytes = static_cast<int64_t>(value) + addend_bytes_;
  if (frame_bytes < int64_t{header_bytes_}) return without_frame(ScanStatus::kBad);
  if (frame_bytes > int64_t{frame_bytes_max}) return without_frame(ScanStatus::kOversize);
  const uint32_t whole_bytes = static_cast<uint32_t>(frame_bytes);
  if (available_bytes < whole_bytes) return without_frame(ScanStatus::kNeedMore);
  return {ScanStatus::kFrame, room_.head_bytes, whole_bytes - room_.head_bytes, whole_bytes};
}

ScanResult Framing::scan_delimiter(const uint8_t* data, uint32_t available_bytes,
                                   uint32_t searched_bytes,
                                   uint32_t frame_bytes_max) const noexcept {
  const uint32_t delimiter_bytes = options_.delimiter_bytes;
  // A delimiter may have begun in the last bytes searched.
  const uint32_t from = searched_bytes < delimiter_bytes ? 0 : searched_bytes - delimiter_bytes + 1;
  const uint32_t end = available_bytes < frame_bytes_max ? available_bytes : frame_bytes_max;
  if (end > from) {
    const uint8_t* found = find_delimiter(data + from, end - from);
    if (found != nullptr) {
      const uint32_t message_bytes = static_cast<uint32_t>(found - data);
      return {ScanStatus::kFrame, 0, message_bytes, message_bytes + delimiter_bytes};
    }
  }
  return without_frame(available_bytes >= frame_bytes_max ? ScanStatus::kOversize
                                                          : ScanStatus::kNeedMore);
}

const uint8_t* Framing::find_delimiter(const uint8_t* data, uint32_t data_bytes) const noexcept {
  const void* found =
      options_.delimiter_bytes == 1
          ? std::memchr(data, options_.delimiter[0], data_bytes)
          : ::memmem(data, data_bytes, options_.delimiter, options_.delimiter_bytes);
  return static_cast<const uint8_t*>(found);
}

uint32_t Framing::seal(uint8_t* frame, uint32_t message_bytes) const noexcept {
  if (message_bytes > room_.message_bytes_max) return 0;
  switch (options_.kind) {
    case FramingKind::kLengthPrefix:
      return seal_prefix(frame, message_bytes);
    case FramingKind::kDelimiter:
      return seal_delimiter(frame, message_bytes);
    case FramingKind::kFixed:
      break;
  }
  return message_bytes == options_.fixed_bytes ? message_bytes : 0;
}

uint32_t Framing::seal_prefix(uint8_t* frame, uint32_t message_bytes) const noexcept {
  const uint32_t frame_bytes = room_.head_bytes + message_bytes;
  // Without strip the message brings its own header, so it must at least hold one.
  if (frame_bytes < header_bytes_) return 0;
  const int64_t value = int64_t{frame_bytes} - addend_bytes_;
  if (value < 0) return 0;
  const uint32_t value_bits = 8u * options_.prefix_bytes;
  if (value_bits < 64 && static_cast<uint64_t>(value) >> value_bits != 0) return 0;
  // What precedes the length in a header of our own carries nothing; no stale bytes go out.
  std::memset(frame, 0, options_.strip ? options_.prefix_offset : 0);
  store_uint(frame + options_.prefix_offset, static_cast<uint64_t>(value), options_.prefix_bytes,
             options_.big_endian);
  return frame_bytes;
}

uint32_t Framing::seal_delimiter(uint8_t* frame, uint32_t message_bytes) const noexcept {
  std::memcpy(frame + message_bytes, options_.delimiter, options_.delimiter_bytes);
  const uint32_t frame_bytes = message_bytes + options_.delimiter_bytes;
  // A delimiter inside the message, or one that begins in it, would split the message in two.
  return find_delimiter(frame, frame_bytes) == frame + message_bytes ? frame_bytes : 0;
}

}  // namespace hyperroute
