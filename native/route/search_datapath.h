// Branch-free search in sorted keys: the class of a value, the entry of a map.
//
// Thread: any (pure functions). Data path: matchers, checks, enumeration maps. The compares of a
// search are unpredictable by nature, so each step adds up what they give.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperroute {

// Keys in a node of a search tree: one line of the cache.
inline constexpr uint32_t kTreeNodeKeys = 8;
inline constexpr uint32_t kTreeLevelsMax = 8;

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

// How many of a node's keys lie at or below `key`.
inline uint32_t count_in_node(const uint64_t* node, uint64_t key) noexcept {
  uint32_t count = 0;
  for (uint32_t index = 0; index < kTreeNodeKeys; ++index) count += node[index] <= key;
  return count;
}

// What is to be loaded next, at the place that the search finds.
struct Beside {
  const void* entries;
  uint32_t entry_bytes;

  void prefetch(uint32_t place) const noexcept {
    const auto* const from = static_cast<const uint8_t*>(entries) + size_t{place} * entry_bytes;
    __builtin_prefetch(from);
    __builtin_prefetch(from + size_t{entry_bytes} * kTreeNodeKeys);
  }
};

// As count_not_above, among many keys. The keys are leaves of a tree: each level above them has the
// first keys of all nodes below but the leftmost of each nine. leaves[-level] says where a level
// starts, from the leaves on. A lookup loads a line for each level, and what it leads to while it
// still compares the last one.
inline uint32_t count_in_tree(const uint64_t* leaves, uint32_t count, uint32_t levels, uint64_t key,
                              const Beside& beside) noexcept {
  // Nodes are padded with this key, which is never above itself.
  if (key == UINT64_MAX) [[unlikely]]
    return count;
  uint32_t node = 0;
  for (uint32_t level = levels; level != 0; --level) {
    const uint64_t start = *(leaves - level);
    const uint64_t* const keys = leaves + start + size_t{node} * kTreeNodeKeys;
    node = node * (kTreeNodeKeys + 1) + count_in_node(keys, key);
  }
  const uint32_t first = node * kTreeNodeKeys;
  beside.prefetch(first);
  return first + count_in_node(leaves + first, key);
}

}  // namespace hyperroute
