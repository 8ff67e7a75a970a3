// Branch-free search in sorted keys: the class of a value, the entry of a map.
//
// Thread: any (pure functions). Data path: matchers, checks, enumeration maps. The compares of a
// binary search are unpredictable by nature, so each step is an add of 0 or the step's width.
#pragma once

#include <cstdint>

namespace hyperroute {

// How many of the `count` keys lie at or below `key`. `keys` are ascending and padded with the
// greatest key to 2^steps - 1 entries; the clamp undoes the padding for that very key.
inline uint32_t count_not_above(const uint64_t* keys, uint32_t count, uint32_t steps,
                                uint64_t key) noexcept {
  uint32_t position = 0;
  for (uint32_t step = (1u << steps) >> 1; step != 0; step >>= 1) {
    const uint32_t is_not_above = keys[position + step - 1] <= key;
    position += step & (0u - is_not_above);
  }
  return position < count ? position : count;
}

}  // namespace hyperroute
