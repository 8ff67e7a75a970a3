// Finds the first rule of those that ask for nothing but a text: the answers of text maps are
// rules.
//
// Thread: any (pure functions). Data path: a kind of matcher. Large tables are in no near cache, so
// a look-up waits for its pilot, then for its entry. Those of several maps wait together: first all
// hashes are made, then all pilots are read, then all entries.
#pragma once

#include <algorithm>
#include <cstdint>

#include "route/image.h"
#include "route/topic_map_datapath.h"

namespace hyperroute {

// Maps of one field are mostly asked one after the other.
inline bool is_same_text(const TextMapRecord& one, const TextMapRecord& other) noexcept {
  return one.offset == other.offset && one.source == other.source && one.bytes == other.bytes;
}

// A look-up that is under way.
struct PendingText {
  const TextMapRecord* map;
  const uint64_t* entry;
  uint64_t hash;
  Text text;
  uint64_t words[kTextWordsMax];
  uint64_t room[kApartWordsMax];  // For levels that lie apart.
};

inline void start_text(const ImageTables& tables, PendingText& pending) noexcept {
  for (uint64_t& word : pending.words) word = 0;
  pending.hash = hash_text(*pending.map, 0, pending.text, pending.words);
  const TextMapRecord& map = *pending.map;
  const uint32_t bucket = share_of(static_cast<uint32_t>(pending.hash >> 32), map.pilot_count);
  __builtin_prefetch(tables.slots.from(map.pilots + bucket));
}

inline void locate_text(const ImageTables& tables, PendingText& pending) noexcept {
  pending.entry = entry_of<TextMapKind::kExact>(tables, *pending.map, pending.hash);
  __builtin_prefetch(pending.entry);
  __builtin_prefetch(pending.entry + pending.map->text_words);
}

// An answer, less one, is a rule; no answer is no rule.
inline uint32_t rule_of_text(const ImageTables& tables, const PendingText& pending) noexcept {
  const bool is_found = is_entry_of<TextMapKind::kExact>(tables, *pending.map, pending.entry, 0,
                                                         pending.text, pending.words);
  return (static_cast<uint32_t>(*pending.entry >> 32) & (0u - uint32_t{is_found})) - 1;
}

[[gnu::noinline]] inline uint32_t first_text_rule(const ImageTables& tables,
                                                  const TextMapRecord* maps, uint32_t map_count,
                                                  const StepMessage& message) noexcept {
  PendingText pendings[kTextMapsMax];
  uint32_t pending_count = 0;
  uint32_t rule = kNoRule;
  TopicLevels levels;
  Text text{nullptr, 0};
  for (uint32_t index = 0; index < map_count; ++index) {
    PendingText& pending = pendings[pending_count];
    pending.map = &maps[index];
    if (index == 0 || !is_same_text(maps[index - 1], maps[index])) {
      text = text_of(maps[index], message);
    }
    const KeyFound found = key_of(tables, maps[index], text, levels, pending.room, pending.text);
    if (found == KeyFound::kYes) {
      start_text(tables, pending);
      ++pending_count;
    } else if (found == KeyFound::kSeveral) {
      rule = std::min(rule, text_answer(tables, maps[index], message) - 1);
    }
  }
  for (uint32_t at = 0; at < pending_count; ++at) locate_text(tables, pendings[at]);
  for (uint32_t at = 0; at < pending_count; ++at) {
    rule = std::min(rule, rule_of_text(tables, pendings[at]));
  }
  return rule;
}

inline uint32_t match_text(const ImageTables& tables, const MatcherRecord& matcher,
                           const StepMessage& message) noexcept {
  const TextMapRecord* const maps = tables.text_maps.from(matcher.table);
  if (matcher.count != 1) return first_text_rule(tables, maps, matcher.count, message);
  return text_answer(tables, *maps, message) - 1;
}

}  // namespace hyperroute
