// The framings of the conformance suite, encoded and decoded by code of the tests' own.
#pragma once

#include <cstdio>
#include <cstring>
#include <string>

#include "conformance/raw_socket.h"
#include "io/tcp/framing.h"

namespace hyperroute {

// Printable text that begins with the tag: valid in every framing.
inline Bytes text_of(uint32_t tag, uint32_t text_bytes) {
  char head[9];
  std::snprintf(head, sizeof head, "%08x", tag);
  Bytes text(std::max<uint32_t>(text_bytes, 8));
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = i < 8 ? static_cast<uint8_t>(head[i]) : static_cast<uint8_t>('a' + (tag + i) % 26);
  }
  return text;
}

// A 4-byte little-endian length at the front of the message itself, which counts all of it.
struct InnerPrefixCodec {
  static constexpr bool kHasEmptyMessage = false;
  static constexpr bool kHasOversize = true;
  static FramingOptions options() { return FramingOptions{}; }
  static Bytes message(uint32_t tag, uint32_t text_bytes) {
    const Bytes text = text_of(tag, text_bytes);
    const uint32_t all_bytes = static_cast<uint32_t>(text.size()) + 4;
    Bytes message(all_bytes);
    std::memcpy(message.data(), &all_bytes, 4);
    std::memcpy(message.data() + 4, text.data(), text.size());
    return message;
  }
  static Bytes frame(const Bytes& message) { return message; }
  static bool take(Bytes& stream, Bytes& message) {
    uint32_t all_bytes = 0;
    if (stream.size() < 4) return false;
    std::memcpy(&all_bytes, stream.data(), 4);
    if (stream.size() < all_bytes) return false;
    message.assign(stream.begin(), stream.begin() + all_bytes);
    stream.erase(stream.begin(), stream.begin() + all_bytes);
    return true;
  }
};

// Two bytes of something, then a 3-byte big-endian length that is 7 too small and counts what
// follows it; all five are stripped.
struct StrippedPrefixCodec {
  static constexpr bool kHasEmptyMessage = true;
  static constexpr bool kHasOversize = true;
  static FramingOptions options() {
    FramingOptions options;
    options.prefix_bytes = 3;
    options.big_endian = true;
    options.prefix_offset = 2;
    options.adjust = -7;
    options.includes_header = false;
    options.strip = true;
    return options;
  }
  static Bytes message(uint32_t tag, uint32_t text_bytes) { return text_of(tag, text_bytes); }
  static Bytes frame(const Bytes& message) {
    const uint32_t value = static_cast<uint32_t>(message.size()) + 7;
    Bytes frame{0, 0, static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
                static_cast<uint8_t>(value)};
    frame.insert(frame.end(), message.begin(), message.end());
    return frame;
  }
  static bool take(Bytes& stream, Bytes& message) {
    if (stream.size() < 5) return false;
    const uint32_t value = uint32_t{stream[2]} << 16 | uint32_t{stream[3]} << 8 | stream[4];
    const uint32_t frame_bytes = value - 7 + 5;
    if (stream.size() < frame_bytes) return false;
    message.assign(stream.begin() + 5, stream.begin() + frame_bytes);
    stream.erase(stream.begin(), stream.begin() + frame_bytes);
    return true;
  }
};

struct DelimiterCodec {
  static constexpr bool kHasEmptyMessage = true;
  static constexpr bool kHasOversize = true;
  static FramingOptions options() {
    FramingOptions options;
    options.kind = FramingKind::kDelimiter;
    options.delimiter[0] = '\r';
    options.delimiter[1] = '\n';
    options.delimiter_bytes = 2;
    return options;
  }
  static Bytes message(uint32_t tag, uint32_t text_bytes) { return text_of(tag, text_bytes); }
  static Bytes frame(const Bytes& message) {
    Bytes frame = message;
    frame.push_back('\r');
    frame.push_back('\n');
    return frame;
  }
  static bool take(Bytes& stream, Bytes& message) {
    const std::string text(stream.begin(), stream.end());
    const size_t end = text.find("\r\n");
    if (end == std::string::npos) return false;
    message.assign(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(end));
    stream.erase(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(end) + 2);
    return true;
  }
};

struct FixedCodec {
  static constexpr bool kHasEmptyMessage = false;
  static constexpr bool kHasOversize = false;
  static constexpr uint32_t kBytes = 40;
  static FramingOptions options() {
    FramingOptions options;
    options.kind = FramingKind::kFixed;
    options.fixed_bytes = kBytes;
    return options;
  }
  static Bytes message(uint32_t tag, uint32_t) { return text_of(tag, kBytes); }
  static Bytes frame(const Bytes& message) { return message; }
  static bool take(Bytes& stream, Bytes& message) {
    if (stream.size() < kBytes) return false;
    message.assign(stream.begin(), stream.begin() + kBytes);
    stream.erase(stream.begin(), stream.begin() + kBytes);
    return true;
  }
};

}  // namespace hyperroute
