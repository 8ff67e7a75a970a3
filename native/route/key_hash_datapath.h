// The hash of a message's key: what pools pick by that shall send equal keys to the same member.
//
// Thread: any (pure functions). Data path: once for each message that goes to such a pool. A key
// is a sequence of words: an integer is its value (negative ones in two's complement), text and
// bytes are words of eight bytes in little-endian order, the last one filled up with zeros, and
// then their number of bytes. Zeros and spaces at the end of text do not count, so that the same
// text has the same hash in a wide and a narrow field, padded with either and in a string. The
// result is the same on every machine and in every version: lib/compiler/key-hash.ts mirrors it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bits.h"
#include "codec/field_datapath.h"
#include "include/hyperroute/layout_format.h"
#include "route/image.h"

namespace hyperroute {

// What of a text goes into its hash.
inline constexpr uint32_t kKeyTextBytesMax = 256;

class KeyHash {
 public:
  void add(uint64_t word) noexcept {
    hash_ = (hash_ ^ word) * 0xD6E8FEB86659FD93;
    hash_ ^= hash_ >> 32;
  }

  void add_text(const uint8_t* text, uint32_t text_bytes) noexcept {
    uint32_t count = std::min(text_bytes, kKeyTextBytesMax);
    while (count != 0 && (text[count - 1] == 0 || text[count - 1] == ' ')) --count;
    uint32_t offset = 0;
    for (; count - offset >= 8; offset += 8) add(load_u64_le(text + offset));
    if (offset != count) add(load_uint(text + offset, count - offset, false));
    add(count);
  }

  // Every bit of it depends on every bit of the words. The low half picks, the top byte shares.
  [[nodiscard]] uint64_t finish() const noexcept {
    uint64_t mixed = hash_ * 0xFF51AFD7ED558CCD;
    mixed ^= mixed >> 29;
    mixed *= 0xC4CEB9FE1A85EC53;
    return mixed ^ mixed >> 32;
  }

 private:
  uint64_t hash_ = 0x9E3779B97F4A7C15;
};

// The hash of a key that is one integer.
inline uint64_t hash_number(uint64_t number) noexcept {
  KeyHash hash;
  hash.add(number);
  return hash.finish();
}

// One of `count`, evenly, by the low half of a number.
constexpr uint32_t low_share(uint64_t number, uint32_t count) noexcept {
  return static_cast<uint32_t>((number & 0xFFFFFFFF) * count >> 32);
}

// The text that a slot refers to. bind() has checked it; it is held against the message once more,
// which can lie in memory that its writer still has.
inline void add_slot_text(KeyHash& hash, const StepMessage& message, uint32_t offset) noexcept {
  const uint32_t block_end = kMessageHeaderBytes + load_u16_le(message.data + 4);
  const uint32_t body_bytes = message.bytes - kMessageHeaderBytes;
  if (offset + kSlotBytes > std::min(block_end, message.bytes)) return hash.add(0);
  const uint32_t start = load_u32_le(message.data + offset);
  const uint32_t text_bytes = load_u32_le(message.data + offset + 4);
  if (start > body_bytes || text_bytes > body_bytes - start) return hash.add(0);
  hash.add_text(message.data + kMessageHeaderBytes + start, text_bytes);
}

inline uint64_t hash_key(const KeyFieldRecord* field, const StepMessage& message) noexcept {
  KeyHash hash;
  for (;; ++field) {
    const uint8_t* const at = message.view + field->offset;
    if (field->kind == KeyFieldKind::kInteger) [[likely]] {
      hash.add(load_field(at, field->load));
    } else if (field->kind == KeyFieldKind::kBytes) {
      hash.add_text(at, field->bytes);
    } else {
      add_slot_text(hash, message, field->offset);
    }
    if (field->more == 0) return hash.finish();
  }
}

}  // namespace hyperroute
