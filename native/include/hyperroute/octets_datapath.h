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
  if (bytes == 8) return load<uint64_t>(from);
  if (bytes >= 4) {
    const uint64_t tail = load<uint32_t>(from + bytes - 4);
    return load<uint32_t>(from) | tail << 8 * (bytes - 4);
  }
  uint64_t word = 0;
  for (uint32_t index = 0; index < bytes; ++index) {
    word |= static_cast<uint64_t>(from[index]) << 8 * index;
  }
  return word;
}

// Copies a multiple of 8 bytes.
[[gnu::always_inline]] inline void copy_words(uint8_t* to, const uint8_t* from,
                                              uint32_t bytes) noexcept {
  if (bytes > 128) {
    std::memcpy(to, from, bytes);
    return;
  }
  uint32_t done = 0;
  for (; done + 16 <= bytes; done += 16) {
    copy_16(to + done, from + done);
    // Without this the compiler finds the loop out and calls memcpy.
    asm volatile("" ::: "memory");
  }
  if (done < bytes) store(to + done, load<uint64_t>(from + done));
}

// How many bytes come before the first zero, of exactly eight.
inline uint32_t text_bytes_8(const uint8_t* from) noexcept {
  const uint64_t word = load<uint64_t>(from);
  constexpr uint64_t kOnes = 0x0101010101010101;
  // The lowest set bit is exact: a borrow reaches only bytes above the first zero.
  const uint64_t zeros = (word - kOnes) & ~word & (kOnes << 7);
  return zeros == 0 ? 8 : static_cast<uint32_t>(std::countr_zero(zeros)) / 8;
}

inline uint32_t text_bytes(const uint8_t* from, uint32_t bytes) noexcept {
  if (bytes == 8) return text_bytes_8(from);
  const void* const zero = bytes == 0 ? nullptr : std::memchr(from, 0, bytes);
  if (zero == nullptr) return bytes;
  return static_cast<uint32_t>(static_cast<const uint8_t*>(zero) - from);
}

}  // namespace hyperroute::octets
