// Loads, stores and short copies at any address, in the byte order of messages.
// Thread: any (pure functions). Data path: all of reading and writing.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace hyperroute::octets {

// Messages are little-endian, and so is every platform that the package ships for.
static_assert(std::endian::native == std::endian::little, "big-endian hosts are not supported");

template <typename T>
[[gnu::always_inline]] inline T load(const uint8_t* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
[[gnu::always_inline]] inline void store(uint8_t* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

// Sixteen bytes as one load and one store.
[[gnu::always_inline]] inline void copy_16(uint8_t* to, const uint8_t* from) noexcept {
  std::memcpy(to, from, 16);
}

[[gnu::always_inline]] inline void copy_32(uint8_t* to, const uint8_t* from) noexcept {
  copy_16(to, from);
  copy_16(to + 16, from + 16);
}

// Copies of up to 32 bytes by two moves that may overlap, without a call: most strings are short,
// and a call costs as much as writing all fixed fields.
[[gnu::always_inline]] inline void copy(uint8_t* to, const uint8_t* from, uint32_t bytes) noexcept {
  if (bytes > 32) {
    std::memcpy(to, from, bytes);
  } else if (bytes >= 16) {
    uint8_t head[16];
    std::memcpy(head, from, 16);
    copy_16(to + bytes - 16, from + bytes - 16);
    std::memcpy(to, head, 16);
  } else if (bytes >= 8) {
    const uint64_t head = load<uint64_t>(from);
    store(to + bytes - 8, load<uint64_t>(from + bytes - 8));
    store(to, head);
  } else if (bytes >= 4) {
    const uint32_t head = load<uint32_t>(from);
    store(to + bytes - 4, load<uint32_t>(from + bytes - 4));
    store(to, head);
  } else {
    for (uint32_t index = 0; index < bytes; ++index) to[index] = from[index];
  }
}

// Up to 8 characters as one word, zeros behind them.
[[gnu::always_inline]] inline uint64_t load_text_8(const uint8_t* from, uint32_t bytes) noexcept {
  if (bytes >= 8) return load<uint64_t>(from);
  if (bytes >= 4) {
    const uint64_t tail = load<uint32_t>(from + bytes - 4);
    return load<uint32_t>(from) | tail << 8 * (bytes - 4);
  }
  if (bytes == 0) return 0;
  // The first, the middle and the last character are all there are; they may be the same one.
  const uint32_t middle = bytes / 2;
  const uint32_t last = bytes - 1;
  return from[0] | uint64_t{from[middle]} << 8 * middle | uint64_t{from[last]} << 8 * last;
}

// Text with zeros behind it up to `bytes`. Out of line: fields of eight bytes do without.
[[gnu::noinline]] inline void fill_text(uint8_t* to, uint32_t bytes, const uint8_t* from,
                                        uint32_t text_bytes) noexcept {
  if (text_bytes != 0) std::memcpy(to, from, text_bytes);
  std::memset(to + text_bytes, 0, bytes - text_bytes);
}

// Copies a multiple of 8 bytes: a fixed block or an entry. The short ones by moves of which those
// from the front and those from the back may overlap.
[[gnu::always_inline]] inline void copy_words(uint8_t* to, const uint8_t* from,
                                              uint32_t bytes) noexcept {
  if (bytes > 128) {
    std::memcpy(to, from, bytes);
  } else if (bytes >= 32) {
    copy_32(to, from);
    if (bytes > 64) {
      copy_32(to + 32, from + 32);
      copy_32(to + bytes - 64, from + bytes - 64);
    }
    copy_32(to + bytes - 32, from + bytes - 32);
  } else if (bytes >= 16) {
    copy_16(to, from);
    copy_16(to + bytes - 16, from + bytes - 16);
  } else if (bytes == 8) {
    store(to, load<uint64_t>(from));
  }
}

[[gnu::noinline]] inline void repeat_words_any(uint8_t* to, const uint8_t* from, uint32_t bytes,
                                               uint32_t count) noexcept {
  for (uint32_t index = 0; index < count; ++index) {
    copy_words(to + static_cast<size_t>(index) * bytes, from, bytes);
  }
}

// Writes the same multiple of 8 bytes `count` times.
[[gnu::always_inline]] inline void repeat_words(uint8_t* to, const uint8_t* from, uint32_t bytes,
                                                uint32_t count) noexcept {
  if (bytes != 8) return repeat_words_any(to, from, bytes, count);
  const uint64_t word = load<uint64_t>(from);
  for (uint32_t index = 0; index < count; ++index) store(to + size_t{8} * index, word);
}

// How many bytes come before the first zero, of exactly eight.
inline uint32_t text_bytes_8(const uint8_t* from) noexcept {
  const uint64_t word = load<uint64_t>(from);
  constexpr uint64_t kOnes = 0x0101010101010101;
  // The lowest set bit is exact: a borrow reaches only bytes above the first zero.
  const uint64_t zeros = (word - kOnes) & ~word & (kOnes << 7);
  return static_cast<uint32_t>(std::countr_zero(zeros)) / 8;
}

[[gnu::noinline]] inline uint32_t text_bytes_any(const uint8_t* from, uint32_t bytes) noexcept {
  const void* const zero = bytes == 0 ? nullptr : std::memchr(from, 0, bytes);
  if (zero == nullptr) return bytes;
  return static_cast<uint32_t>(static_cast<const uint8_t*>(zero) - from);
}

[[gnu::always_inline]] inline uint32_t text_bytes(const uint8_t* from, uint32_t bytes) noexcept {
  return bytes == 8 ? text_bytes_8(from) : text_bytes_any(from, bytes);
}

}  // namespace hyperroute::octets
