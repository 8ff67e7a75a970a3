// What AES-256-GCM needs of a key, computed once. Set-up only; aes_gcm_datapath.cc uses it.
#include "crypto/aes_gcm.h"

#include "crypto/aes_gcm_x86.h"

namespace hyperroute::crypto {

#if defined(__x86_64__)

namespace {

using x86::Block;

// Word n of the result is the sum of words 0 to n: the chain of FIPS 197's key expansion.
HR_AES_GCM_INLINE Block running_sum(Block words) {
  words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
  return _mm_xor_si128(words, _mm_slli_si128(words, 8));
}

// Makes round keys `round` and the next of the two before them (FIPS 197, 5.2, for 8 words).
template <int kRoundConstant>
HR_AES_GCM_INLINE void expand(AesGcmKey& key, uint32_t round, Block& even, Block& odd) {
  const Block turned = _mm_aeskeygenassist_si128(odd, kRoundConstant);
  even = _mm_xor_si128(running_sum(even), _mm_shuffle_epi32(turned, 0xff));
  x86::store_block(key.round_keys[round], even);
  if (round == kAes256Rounds) return;
  const Block substituted = _mm_aeskeygenassist_si128(even, 0);
  odd = _mm_xor_si128(running_sum(odd), _mm_shuffle_epi32(substituted, 0xaa));
  x86::store_block(key.round_keys[round + 1], odd);
}

HR_AES_GCM_INLINE void set_round_keys(AesGcmKey& key, const uint8_t* bytes) {
  Block even = x86::load_block(bytes);
  Block odd = x86::load_block(bytes + kAesBlockBytes);
  x86::store_block(key.round_keys[0], even);
  x86::store_block(key.round_keys[1], odd);
  expand<0x01>(key, 2, even, odd);
  expand<0x02>(key, 4, even, odd);
  expand<0x04>(key, 6, even, odd);
  expand<0x08>(key, 8, even, odd);
  expand<0x10>(key, 10, even, odd);
  expand<0x20>(key, 12, even, odd);
  expand<0x40>(key, 14, even, odd);
}

// The hash key: a block of zeros, encrypted.
HR_AES_GCM_INLINE Block hash_key(const AesGcmKey& key) {
  Block block = x86::load_aligned(key.round_keys[0]);
  for (uint32_t round = 1; round < kAes256Rounds; ++round) {
    block = _mm_aesenc_si128(block, x86::load_aligned(key.round_keys[round]));
  }
  block = _mm_aesenclast_si128(block, x86::load_aligned(key.round_keys[kAes256Rounds]));
  return x86::byte_reversed(block);
}

HR_AES_GCM_INLINE Block times_x(Block value) {
  const Block carries = _mm_slli_si128(_mm_srli_epi64(value, 63), 8);
  const Block shifted = _mm_or_si128(_mm_slli_epi64(value, 1), carries);
  // All ones where the highest bit was set, so that no branch depends on it.
  const Block mask = _mm_shuffle_epi32(_mm_srai_epi32(value, 31), 0xff);
  return _mm_xor_si128(shifted, _mm_and_si128(mask, _mm_set_epi64x(x86::kPolynomial, 1)));
}

}  // namespace

bool aes_gcm_is_supported() noexcept { return has_aes(); }

HR_AES_GCM_TARGET void aes_gcm_set_key(AesGcmKey& key,
                                       std::span<const uint8_t, kKeyBytes> bytes) noexcept {
  set_round_keys(key, bytes.data());
  const Block first = times_x(hash_key(key));
  Block power = first;
  x86::store_block(key.powers[0], power);
  for (uint32_t index = 1; index < kGcmBatchBlocks; ++index) {
    x86::Product product;
    x86::add_product(product, power, first);
    power = x86::reduce(product);
    x86::store_block(key.powers[index], power);
  }
}

#else

bool aes_gcm_is_supported() noexcept { return false; }

void aes_gcm_set_key(AesGcmKey&, std::span<const uint8_t, kKeyBytes>) noexcept { HR_ASSERT(false); }

#endif

}  // namespace hyperroute::crypto
