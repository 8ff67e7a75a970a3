// Finds the rule for exact values of one or several fields: a perfect hash table.
//
// Thread: any (pure functions). Data path: a kind of matcher. The key's hash picks a bucket, the
// bucket's pilot, found when the image was compiled, sends each of its keys to a slot of its own;
// the key stored there is compared. So a lookup is three loads, whatever the number of keys.
// lib/compiler/perfect-hash.ts mirrors these functions.
#pragma once

#include <cstdint>

#include "codec/field_datapath.h"
#include "route/image.h"

namespace hyperroute {

// One of `count`, evenly, by a 32-bit number.
constexpr uint32_t share_of(uint32_t number, uint32_t count) noexcept {
  return static_cast<uint32_t>(uint64_t{number} * count >> 32);
}

constexpr uint64_t mix_word(uint64_t hash, uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9FB21C651E98DF25;
  return hash ^ hash >> 32;
}

constexpr uint64_t finish_hash(uint64_t hash) noexcept {
  hash *= 0xD6E8FEB86659FD93;
  return hash ^ hash >> 32;
}

inline uint64_t hash_words(const uint64_t* words, uint32_t word_count, uint64_t seed) noexcept {
  uint64_t hash = seed;
  for (uint32_t index = 0; index < word_count; ++index) hash = mix_word(hash, words[index]);
  return finish_hash(hash);
}

constexpr uint32_t slot_of(uint32_t low_hash, uint32_t pilot, uint32_t slot_count) noexcept {
  uint32_t mixed = (low_hash ^ pilot * 0x9E3779B1u) * 0x85EBCA6Bu;
  mixed = (mixed ^ mixed >> 15) * 0xC2B2AE35u;
  return share_of(mixed ^ mixed >> 16, slot_count);
}

// Returns the rule, or kNoRule.
inline uint32_t match_exact(const ImageTables& tables, const MatcherRecord& matcher,
                            const StepMessage& message) noexcept {
  uint64_t words[kKeyWordsMax] = {};
  const MatchFieldRecord* const parts = tables.match_fields.from(matcher.fields);
  for (uint32_t index = 0; index < matcher.field_count; ++index) {
    const MatchFieldRecord& part = parts[index];
    words[part.table] |= load_field_bits(message.view + part.offset, part.load) << part.rows;
  }
  const uint32_t word_count = matcher.key_words;
  const uint64_t hash = hash_words(words, word_count, matcher.seed);
  const uint32_t bucket = share_of(static_cast<uint32_t>(hash >> 32), matcher.pilot_count);
  const uint32_t pilot = tables.slots[matcher.pilots + bucket];
  const uint32_t slot = slot_of(static_cast<uint32_t>(hash), pilot, matcher.count);
  const uint64_t* const entry = tables.words.from(matcher.table + slot * (word_count + 1));
  uint64_t difference = 0;
  for (uint32_t index = 0; index < word_count; ++index) difference |= entry[index] ^ words[index];
  return difference == 0 ? static_cast<uint32_t>(entry[word_count]) : kNoRule;
}

}  // namespace hyperroute
