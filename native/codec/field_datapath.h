// Access to one integer field of a message, or one bit: where its width, byte order and sign are
// data.
//
// Thread: any (pure functions). Data path: matchers, checks and transforms read and write fields
// through these. Nothing is checked here: whoever made the FieldKind has verified it, and the
// message was held against its schema's size before a field is touched.
#pragma once

#include <cstdint>

#include "base/bits.h"

namespace hyperroute {

// Width, byte order and sign of an integer field in one byte:
//   bits 0..2  width in bytes, less one; 6: a single bit of one byte, the rest of which says which
//   bit  3     big-endian
//   bit  4     signed, two's complement
//   bits 5..7  of a single bit: its number; else zero
using FieldKind = uint8_t;

inline constexpr FieldKind kFieldBigEndian = 1u << 3;
inline constexpr FieldKind kFieldSigned = 1u << 4;
inline constexpr FieldKind kFieldBit = 6;
inline constexpr uint32_t kFieldBitShift = 5;

// One bit of a byte, 0 to 7: its value is 0 or 1. It can be loaded, not stored.
constexpr FieldKind bit_kind(uint32_t bit) noexcept {
  return static_cast<FieldKind>(kFieldBit | bit << kFieldBitShift);
}
constexpr bool is_bit_kind(FieldKind kind) noexcept {
  return (kind & ((1u << kFieldBitShift) - 1)) == kFieldBit;
}
// Whether there is such a kind of integers, and, with single bits, of fields to load.
constexpr bool is_store_kind(FieldKind kind) noexcept {
  return kind < (1u << kFieldBitShift) && (kind & 7u) != kFieldBit;
}
constexpr bool is_load_kind(FieldKind kind) noexcept {
  return is_store_kind(kind) || is_bit_kind(kind);
}

// Flips a signed value into the order of unsigned ones, so that one compare serves both.
inline constexpr uint64_t kSignBit = 1ull << 63;

// Of an integer.
constexpr uint32_t field_bytes(FieldKind kind) noexcept { return (kind & 7u) + 1u; }
// How many bytes a load touches.
constexpr uint32_t load_bytes(FieldKind kind) noexcept {
  return is_bit_kind(kind) ? 1 : field_bytes(kind);
}

// Single bits, and the widths without an instruction of their own; out of the way of the others.
[[gnu::noinline]] inline uint64_t load_odd_bits(const uint8_t* from, FieldKind kind) noexcept {
  if (is_bit_kind(kind)) return load_u8(from) >> (kind >> kFieldBitShift) & 1u;
  return load_uint(from, field_bytes(kind), false);
}

// The field's bits, zero-extended. Touches exactly the field's bytes. Inlined everywhere, so that
// each place that reads a field has its own, well predicted jump.
[[gnu::always_inline]] inline uint64_t load_field_bits(const uint8_t* from,
                                                       FieldKind kind) noexcept {
  uint64_t bits;
  switch (kind & 7u) {
    case 0:
      return load_u8(from);
    case 1:
      bits = load_u16_le(from);
      break;
    case 3:
      bits = load_u32_le(from);
      break;
    case 7:
      bits = load_u64_le(from);
      break;
    default:
      bits = load_odd_bits(from, kind);
      break;
  }
  if ((kind & kFieldBigEndian) == 0) return bits;
  return byte_swap(bits) >> (64u - 8u * field_bytes(kind));
}

// The field's value: zero-extended, or sign-extended and reinterpreted.
inline uint64_t load_field(const uint8_t* from, FieldKind kind) noexcept {
  const uint64_t bits = load_field_bits(from, kind);
  if ((kind & kFieldSigned) == 0) return bits;
  const uint32_t shift = 64u - 8u * field_bytes(kind);
  return static_cast<uint64_t>(static_cast<int64_t>(bits << shift) >> shift);
}

// A key whose unsigned order is the order of the field's values: bounds are compared as keys.
inline uint64_t load_field_key(const uint8_t* from, FieldKind kind) noexcept {
  return load_field(from, kind) ^ ((kind & kFieldSigned) != 0 ? kSignBit : 0);
}

// Writes the low bytes of `value`. Whether the value fits has been decided before.
inline void store_field(uint8_t* to, FieldKind kind, uint64_t value) noexcept {
  const bool is_big_endian = (kind & kFieldBigEndian) != 0;
  const uint64_t bits = is_big_endian ? byte_swap(value) >> (64u - 8u * field_bytes(kind)) : value;
  switch (kind & 7u) {
    case 0:
      return store_u8(to, static_cast<uint8_t>(bits));
    case 1:
      return store_u16_le(to, static_cast<uint16_t>(bits));
    case 3:
      return store_u32_le(to, static_cast<uint32_t>(bits));
    case 7:
      return store_u64_le(to, bits);
    default:
      return store_uint(to, bits, field_bytes(kind), false);
  }
}

}  // namespace hyperroute
