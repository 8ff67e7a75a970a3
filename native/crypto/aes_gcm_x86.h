// Blocks of AES-GCM in registers of x86-64, and GCM's field.
//
// GCM numbers the bits of a block from the other end than the CPU does. With the bytes of every
// block turned around, and the hash key H multiplied by x once, its product is POLYVAL's
// (RFC 8452, appendix A): a·b·x^-128 modulo x^128 + x^127 + x^126 + x^121 + 1, which the carry-less
// multiplication computes without shifting bits.
// Thread: any (pure functions). Data path: aes_gcm_datapath.cc.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include "crypto/aes_gcm.h"

// The baseline of the build has neither instruction set: they are asked for a function at a time.
#define HR_AES_GCM_TARGET __attribute__((target("aes,pclmul")))
#define HR_AES_GCM_INLINE __attribute__((target("aes,pclmul"), always_inline)) inline

namespace hyperroute::crypto::x86 {

using Block = __m128i;

// x^127 + x^126 + x^121, the modulus without its ends, in the upper half of a block.
inline constexpr auto kPolynomial = static_cast<long long>(0xc200'0000'0000'0000);

HR_AES_GCM_INLINE Block load_block(const uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const Block*>(from));
}
HR_AES_GCM_INLINE void store_block(uint8_t* to, Block block) {
  _mm_storeu_si128(reinterpret_cast<Block*>(to), block);
}
// One of an AesGcmKey's.
HR_AES_GCM_INLINE Block load_aligned(const uint8_t (&from)[kAesBlockBytes]) {
  return _mm_load_si128(reinterpret_cast<const Block*>(from));
}

HR_AES_GCM_INLINE Block byte_reversed(Block block) {
  return _mm_shuffle_epi8(block,
                          _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

HR_AES_GCM_INLINE Block halves_swapped(Block block) { return _mm_shuffle_epi32(block, 0x4e); }

// A sum of products of 255 bits; `middle` belongs 64 bits above `low` and 64 below `high`.
struct Product {
  Block low = _mm_setzero_si128();
  Block middle = _mm_setzero_si128();
  Block high = _mm_setzero_si128();
};

// Four multiplications: with Karatsuba's three, the additions that replace the fourth cost as much.
HR_AES_GCM_INLINE void add_product(Product& sum, Block a, Block b) {
  sum.low = _mm_xor_si128(sum.low, _mm_clmulepi64_si128(a, b, 0x00));
  sum.middle = _mm_xor_si128(sum.middle, _mm_clmulepi64_si128(a, b, 0x01));
  sum.middle = _mm_xor_si128(sum.middle, _mm_clmulepi64_si128(a, b, 0x10));
  sum.high = _mm_xor_si128(sum.high, _mm_clmulepi64_si128(a, b, 0x11));
}

// Divides by x^128: twice, the lowest 64 bits go by adding the multiple of the modulus that ends
// in them.
HR_AES_GCM_INLINE Block reduce(const Product& sum) {
  const Block polynomial = _mm_set_epi64x(0, kPolynomial);
  const Block of_low = _mm_clmulepi64_si128(sum.low, polynomial, 0x00);
  const Block middle = _mm_xor_si128(_mm_xor_si128(sum.middle, of_low), halves_swapped(sum.low));
  const Block of_middle = _mm_clmulepi64_si128(middle, polynomial, 0x00);
  return _mm_xor_si128(_mm_xor_si128(sum.high, of_middle), halves_swapped(middle));
}

}  // namespace hyperroute::crypto::x86

#endif
