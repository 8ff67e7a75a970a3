// Puts the bytes of a 16-byte block in another order, with one instruction where the CPU has it.
// Thread: any (pure functions). Data path: transforms move and swap several fields at once by it.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSSE3__)
#include <tmmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace hyperroute {

inline constexpr uint32_t kShuffleBytes = 16;

// Byte n of the result is byte picks[n] of `from`, and 0 where picks[n] is 0x80 or more, with the
// bits of fill[n] set; what lies between is not a pick. All blocks at any address.
inline void shuffle_bytes(uint8_t* to, const uint8_t* from, const uint8_t* picks,
                          const uint8_t* fill) noexcept {
#if defined(__SSSE3__)
  const auto load = [](const uint8_t* block) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(block));
  };
  const __m128i picked = _mm_shuffle_epi8(load(from), load(picks));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_or_si128(picked, load(fill)));
#elif defined(__aarch64__)
  vst1q_u8(to, vorrq_u8(vqtbl1q_u8(vld1q_u8(from), vld1q_u8(picks)), vld1q_u8(fill)));
#else
  uint8_t block[kShuffleBytes];
  for (uint32_t at = 0; at < kShuffleBytes; ++at) {
    block[at] = static_cast<uint8_t>((picks[at] < 0x80 ? from[picks[at]] : 0) | fill[at]);
  }
  std::memcpy(to, block, kShuffleBytes);
#endif
}

}  // namespace hyperroute
