// Bit arithmetic and unaligned loads and stores in either byte order.
// Thread: any (pure functions). Data path: field access in codecs, framings and rings.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

#include "base/assert.h"

namespace hyperroute {

// Rings and counters are shared with JavaScript through typed arrays in host order and every
// platform the package ships to is little-endian, so the layouts say little-endian and mean it.
static_assert(std::endian::native == std::endian::little, "big-endian hosts are not supported");

template <std::unsigned_integral T>
constexpr bool is_power_of_two(T value) noexcept {
  return std::has_single_bit(value);
}

// The least multiple of `alignment` (a power of two) that is not below `value`.
// Wraps to 0 where that multiple does not fit the type: callers bound `value` first.
template <std::unsigned_integral T>
constexpr T align_up(T value, T alignment) noexcept {
  return static_cast<T>((value + (alignment - 1)) & ~static_cast<T>(alignment - 1));
}

template <std::unsigned_integral T>
constexpr T align_down(T value, T alignment) noexcept {
  return static_cast<T>(value & ~static_cast<T>(alignment - 1));
}

template <typename T>
bool is_aligned(const T* pointer, uintptr_t alignment) noexcept {
  return (reinterpret_cast<uintptr_t>(pointer) & (alignment - 1)) == 0;
}

constexpr uint8_t byte_swap(uint8_t value) noexcept { return value; }
constexpr uint16_t byte_swap(uint16_t value) noexcept { return __builtin_bswap16(value); }
constexpr uint32_t byte_swap(uint32_t value) noexcept { return __builtin_bswap32(value); }
constexpr uint64_t byte_swap(uint64_t value) noexcept { return __builtin_bswap64(value); }

// Loads and stores of the native widths at any address. memcpy of a constant size is one
// instruction; a cast pointer would be undefined where the address is unaligned.
template <std::unsigned_integral T>
T load_le(const void* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <std::unsigned_integral T>
T load_be(const void* from) noexcept {
  return byte_swap(load_le<T>(from));
}
template <std::unsigned_integral T>
void store_le(void* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}
template <std::unsigned_integral T>
void store_be(void* to, T value) noexcept {
  store_le(to, byte_swap(value));
}

// The odd widths (1 to 8 bytes, a compile-time constant: u24, u40, u48, u56 too). Exactly
// `kBytes` bytes are touched, so a field at the end of a buffer is safe. A store keeps the low
// bytes of the value.
template <uint32_t kBytes>
uint64_t load_uint_le(const void* from) noexcept {
  static_assert(kBytes >= 1 && kBytes <= 8);
  uint64_t value = 0;
  std::memcpy(&value, from, kBytes);
  return value;
}
template <uint32_t kBytes>
uint64_t load_uint_be(const void* from) noexcept {
  return byte_swap(load_uint_le<kBytes>(from)) >> (64 - 8 * kBytes);
}
template <uint32_t kBytes>
void store_uint_le(void* to, uint64_t value) noexcept {
  static_assert(kBytes >= 1 && kBytes <= 8);
  std::memcpy(to, &value, kBytes);
}
template <uint32_t kBytes>
void store_uint_be(void* to, uint64_t value) noexcept {
  static_assert(kBytes >= 1 && kBytes <= 8);
  const uint64_t swapped = byte_swap(value) >> (64 - 8 * kBytes);
  std::memcpy(to, &swapped, kBytes);
}

inline uint8_t load_u8(const void* from) noexcept { return load_le<uint8_t>(from); }
inline uint16_t load_u16_le(const void* from) noexcept { return load_le<uint16_t>(from); }
inline uint16_t load_u16_be(const void* from) noexcept { return load_be<uint16_t>(from); }
inline uint32_t load_u24_le(const void* from) noexcept {
  return static_cast<uint32_t>(load_uint_le<3>(from));
}
inline uint32_t load_u24_be(const void* from) noexcept {
  return static_cast<uint32_t>(load_uint_be<3>(from));
}
inline uint32_t load_u32_le(const void* from) noexcept { return load_le<uint32_t>(from); }
inline uint32_t load_u32_be(const void* from) noexcept { return load_be<uint32_t>(from); }
inline uint64_t load_u40_le(const void* from) noexcept { return load_uint_le<5>(from); }
inline uint64_t load_u40_be(const void* from) noexcept { return load_uint_be<5>(from); }
inline uint64_t load_u48_le(const void* from) noexcept { return load_uint_le<6>(from); }
inline uint64_t load_u48_be(const void* from) noexcept { return load_uint_be<6>(from); }
inline uint64_t load_u64_le(const void* from) noexcept { return load_le<uint64_t>(from); }
inline uint64_t load_u64_be(const void* from) noexcept { return load_be<uint64_t>(from); }

inline void store_u8(void* to, uint8_t value) noexcept { store_le(to, value); }
inline void store_u16_le(void* to, uint16_t value) noexcept { store_le(to, value); }
inline void store_u16_be(void* to, uint16_t value) noexcept { store_be(to, value); }
inline void store_u24_le(void* to, uint32_t value) noexcept { store_uint_le<3>(to, value); }
inline void store_u24_be(void* to, uint32_t value) noexcept { store_uint_be<3>(to, value); }
inline void store_u32_le(void* to, uint32_t value) noexcept { store_le(to, value); }
inline void store_u32_be(void* to, uint32_t value) noexcept { store_be(to, value); }
inline void store_u40_le(void* to, uint64_t value) noexcept { store_uint_le<5>(to, value); }
inline void store_u40_be(void* to, uint64_t value) noexcept { store_uint_be<5>(to, value); }
inline void store_u48_le(void* to, uint64_t value) noexcept { store_uint_le<6>(to, value); }
inline void store_u48_be(void* to, uint64_t value) noexcept { store_uint_be<6>(to, value); }
inline void store_u64_le(void* to, uint64_t value) noexcept { store_le(to, value); }
inline void store_u64_be(void* to, uint64_t value) noexcept { store_be(to, value); }

// For widths known only at run time (framings, layouts). `width_bytes` is 1 to 8; the caller has
// verified it, as every width of a route image or a framing is verified before use.
inline uint64_t load_uint(const void* from, uint32_t width_bytes, bool big_endian) noexcept {
  HR_DASSERT(width_bytes >= 1 && width_bytes <= 8);
  uint64_t value = 0;
  std::memcpy(&value, from, width_bytes);
  return big_endian ? byte_swap(value) >> (64 - 8 * width_bytes) : value;
}
inline void store_uint(void* to, uint64_t value, uint32_t width_bytes, bool big_endian) noexcept {
  HR_DASSERT(width_bytes >= 1 && width_bytes <= 8);
  const uint64_t ordered = big_endian ? byte_swap(value) >> (64 - 8 * width_bytes) : value;
  std::memcpy(to, &ordered, width_bytes);
}

}  // namespace hyperroute
