// Access to one integer field of a message: where its width, byte order and sign are data.
//
// Thread: any (pure functions). Data path: matchers, checks and transforms read and write fields
// through these. Nothing is checked here: whoever made the FieldKind has verified it, and the
// message was held against its schema's size before a field is touched.
#pragma once

#include <cstdint>

#include "base/bits.h"

namespace hyperroute {

// Width, byte order and sign of an integer field in one byte:
//   bits 0..2  width in bytes, less one
//   bit  3     big-endian
//   bit  4     signed, two's complement
using FieldKind = uint8_t;

inline constexpr FieldKind kFieldBigEndian = 1u << 3;
inline constexpr FieldKind kFieldSigned = 1u << 4;
inline constexpr FieldKind kFieldKindCount = 1u << 5;

// Flips a signed value into the order of unsigned ones, so that one compare serves both.
inline constexpr uint64_t kSignBit = 1ull << 63;

constexpr uint32_t field_bytes(FieldKind kind) noexcept {
  return (kind & 7u) + 1u;
}

// The field's bits, zero-extended. Touches exactly the field's bytes.
inline uint64_t load_field_bits(const uint8_t* from, FieldKind kind) noexcept {
  switch (kind & 15u) {
    case 0:
    case 8:
      return load_u8(from);
    case 1:
      return load_u16_le(from);
    case 2:
      return load_uint_le<3>(from);
    case 3:
      return load_u32_le(from);
    case 4:
      return load_uint_le<5>(from);
    case 5:
      return load_uint_le<6>(from);
    case 6:
      return load_uint_le<7>(from);
    case 7:
      return load_u64_le(from);
    case 9:
      return load_u16_be(from);
    case 10:
      return load_uint_be<3>(from);
    case 11:
      return load_u32_be(from);
    case 12:
      return load_uint_be<5>(from);
    case 13:
      return load_uint_be<6>(from);
    case 14:
      return load_uint_be<7>(from);
    default:
      return load_u64_be(from);
  }
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
  switch (kind & 15u) {
    case 0:
    case 8:
      return store_u8(to, static_cast<uint8_t>(value));
    case 1:
      return store_u16_le(to, static_cast<uint16_t>(value));
    case 2:
      return store_uint_le<3>(to, value);
    case 3:
      return store_u32_le(to, static_cast<uint32_t>(value));
    case 4:
      return store_uint_le<5>(to, value);
    case 5:
      return store_uint_le<6>(to, value);
    case 6:
      return store_uint_le<7>(to, value);
    case 7:
      return store_u64_le(to, value);
    case 9:
      return store_u16_be(to, static_cast<uint16_t>(value));
    case 10:
      return store_uint_be<3>(to, value);
    case 11:
      return store_u32_be(to, static_cast<uint32_t>(value));
    case 12:
      return store_uint_be<5>(to, value);
    case 13:
      return store_uint_be<6>(to, value);
    case 14:
      return store_uint_be<7>(to, value);
    default:
      return store_u64_be(to, value);
  }
}

}  // namespace hyperroute
