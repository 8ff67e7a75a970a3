// Whether a value is one of many: an open hash table, where a binary search would take a step for
// each doubling.
//
// Thread: any (pure functions). Data path: checks. lib/compiler/emit-sets.ts builds the tables.
#pragma once

#include <cstdint>

namespace hyperroute {

inline constexpr uint32_t kSetBitsMax = 20;

constexpr uint32_t set_slot(uint64_t key, uint32_t hash_shift) noexcept {
  return static_cast<uint32_t>(key * 0x9E3779B97F4A7C15 >> hash_shift);
}

// `words`: a key that is not in the set, then 2^bits slots that hold a key each or, where they are
// empty, that one. No key lies more than `probe_max` slots behind the one its hash names.
[[gnu::noinline]] inline bool is_in_set(const uint64_t* words, uint32_t bits, uint32_t probe_max,
                                        uint64_t key) noexcept {
  const uint64_t empty = words[0];
  const uint64_t* const slots = words + 1;
  const uint32_t first = set_slot(key, 64 - bits);
  for (uint32_t probe = 0; probe <= probe_max; ++probe) {
    const uint64_t found = slots[(first + probe) & ((1u << bits) - 1)];
    // Of an empty slot, too, when somebody asks for the key that stands for it.
    if (found == key) return key != empty;
    if (found == empty) return false;
  }
  return false;
}

}  // namespace hyperroute
