// Seeded pseudo-random numbers for tests, simulations, jitter and sampling; not for secrets.
// The same seed gives the same sequence on every platform, so a failing run can be repeated.
// Thread: one owner an instance.
#pragma once

#include <bit>
#include <cstdint>

#include "base/assert.h"

namespace hyperroute {

// SplitMix64 (Steele, Lea, Flood 2014): spreads any seed, 0 included, over 64 bits.
constexpr uint64_t splitmix64_next(uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15u;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

// xoshiro256** 1.0 (Blackman, Vigna 2018), seeded through SplitMix64 as its authors advise.
class Prng {
 public:
  explicit constexpr Prng(uint64_t seed) noexcept {
    for (uint64_t& word : words_) word = splitmix64_next(seed);
  }

  constexpr uint64_t next_u64() noexcept {
    const uint64_t result = std::rotl(words_[1] * 5, 7) * 9;
    const uint64_t shifted = words_[1] << 17;
    words_[2] ^= words_[0];
    words_[3] ^= words_[1];
    words_[1] ^= words_[2];
    words_[0] ^= words_[3];
    words_[2] ^= shifted;
    words_[3] = std::rotl(words_[3], 45);
    return result;
  }

  constexpr uint32_t next_u32() noexcept { return static_cast<uint32_t>(next_u64() >> 32); }

  // Uniform in [0, bound); bound ≥ 1. Multiply-shift: the bias is below bound / 2^32, which no
  // user of this class can observe, and there is no loop.
  constexpr uint32_t below(uint32_t bound) noexcept {
    HR_DASSERT(bound >= 1);
    return static_cast<uint32_t>((static_cast<uint64_t>(next_u32()) * bound) >> 32);
  }

  // Uniform in [low, high], both included.
  constexpr uint32_t between(uint32_t low, uint32_t high) noexcept {
    HR_DASSERT(low <= high && high - low < UINT32_MAX);
    return low + below(high - low + 1);
  }

  // True once in `count` calls on average; count ≥ 1.
  constexpr bool one_in(uint32_t count) noexcept { return below(count) == 0; }

 private:
  uint64_t words_[4] = {};
};

}  // namespace hyperroute
