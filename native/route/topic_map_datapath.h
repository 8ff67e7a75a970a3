// Topic maps: which of a route's patterns a topic meets, by its levels.
//
// Thread: any (pure functions). Data path: class maps of text fields, programs, and matchers of
// text. Patterns of one shape are found by the levels that they name, in one look-up. Others are an
// automaton, which walks from state to state.
#pragma once

#include <bit>
#include <cstdint>

#include "route/text_map_datapath.h"

namespace hyperroute {

// The top bits of the bytes that are zero.
constexpr uint64_t zero_bytes(uint64_t word) noexcept {
  constexpr uint64_t kLowBits = 0x7F7F7F7F7F7F7F7Full;
  return ~(((word & kLowBits) + kLowBits) | word | kLowBits);
}

// Bytes of the first `levels` levels, at least one, of a rest of a topic, or of what there are.
inline uint32_t levels_bytes(const Text& rest, uint32_t levels, uint8_t separator) noexcept {
  const uint64_t separators = 0x0101010101010101ull * separator;
  for (uint32_t at = 0; at < rest.bytes; at += 8) {
    // Behind the last byte are zeros, which no separator is.
    uint64_t found = zero_bytes(load_word(rest, at) ^ separators);
    for (; found != 0; found &= found - 1) {
      if (--levels == 0) return at + static_cast<uint32_t>(std::countr_zero(found)) / 8;
    }
  }
  return rest.bytes;
}

inline uint32_t topic_answer(const ImageTables& tables, const TextMapRecord& map,
                             Text rest) noexcept {
  const TopicStateRecord* const states = tables.topic_states.from(map.first);
  uint32_t state = kTopicStart;
  TopicFound found = states[state].found;
  uint32_t levels = states[state].levels;
  for (;;) {
    const Text label{rest.data, levels_bytes(rest, levels, map.separator)};
    const bool is_last = label.bytes == rest.bytes;
    const uint64_t* const edge =
        found.has_edges() ? find_entry<TextMapKind::kTopic>(tables, map, state, label) : nullptr;
    if (edge != nullptr) {
      found = std::bit_cast<TopicFound>(edge[1]);
      if (found.is_final() || is_last) return found.own_answer();
      state = static_cast<uint32_t>(*edge >> 32) & kTextStatesMax;
      levels = static_cast<uint32_t>(*edge >> 56);
    } else {
      if (found.is_other_final() || is_last) return found.other_answer();
      state = states[state].other;
      found = states[state].found;
      levels = states[state].levels;
    }
    rest = {rest.data + label.bytes + 1, rest.bytes - label.bytes - 1};
  }
}

// Where the levels of a topic end. Kept while one shape of patterns is asked for after the other.
struct TopicLevels {
  Text topic{nullptr, 0};
  uint8_t separator = 0;  // No map has this one.
  bool goes_on = false;   // There are more than have room.
  uint32_t count = 0;
  uint32_t ends[kTopicLevelsMax];
};

inline void find_levels(const Text& topic, uint8_t separator, TopicLevels& levels) noexcept {
  const uint64_t separators = 0x0101010101010101ull * separator;
  levels.topic = topic;
  levels.separator = separator;
  levels.goes_on = false;
  uint32_t count = 0;
  for (uint32_t at = 0; at < topic.bytes; at += 8) {
    uint64_t found = zero_bytes(load_word(topic, at) ^ separators);
    for (; found != 0; found &= found - 1) {
      levels.ends[count++] = at + static_cast<uint32_t>(std::countr_zero(found)) / 8;
      if (count < kTopicLevelsMax) continue;
      levels.goes_on = true;
      levels.count = count;
      return;
    }
  }
  levels.ends[count++] = topic.bytes;
  levels.count = count;
}

// Levels between which there are others, as one text: those side by side, a separator behind
// them, and zeros up to the next word. Longer ones than there is room for are no map's.
inline bool join_levels(const TopicLevels& levels, uint32_t named, uint64_t (&room)[kApartWordsMax],
                        Text& joined) noexcept {
  uint64_t left = named;
  uint32_t word_count = 0;
  for (;;) {
    const auto first = static_cast<uint32_t>(std::countr_zero(left));
    const uint32_t behind = first + static_cast<uint32_t>(std::countr_one(left >> first));
    left &= ~0ull << behind;
    const uint32_t start = first == 0 ? 0 : levels.ends[first - 1] + 1;
    const uint32_t bytes = levels.ends[behind - 1] + (left == 0 ? 0 : 1) - start;
    if (bytes > (kApartWordsMax - word_count) * 8) return false;
    const uint32_t bytes_before = word_count * 8;
    for (uint32_t at = 0; at < bytes; at += 8) {
      const uint64_t word = load_word(levels.topic, start + at);
      room[word_count++] = bytes - at >= 8 ? word : word & ~(~0ull << (8 * (bytes - at)));
    }
    if (left != 0) continue;
    joined = {reinterpret_cast<const uint8_t*>(room), bytes_before + bytes};
    return true;
  }
}

// The levels that patterns of the map's shape name. False: the topic is not of that shape.
inline bool named_levels(const TextMapRecord& map, const TopicLevels& levels,
                         uint64_t (&room)[kApartWordsMax], Text& key) noexcept {
  const bool has_more = levels.count > map.count || levels.goes_on;
  if (levels.count < map.count || (has_more && map.goes_on == 0)) return false;
  const uint32_t named = map.first;
  key = {levels.topic.data, 0};
  // Patterns of wildcards alone name nothing.
  if (named == 0) return true;
  const auto first = static_cast<uint32_t>(std::countr_zero(named));
  const uint32_t behind = first + static_cast<uint32_t>(std::countr_one(named >> first));
  if (uint64_t{named} >> behind != 0) return join_levels(levels, named, room, key);
  const uint32_t start = first == 0 ? 0 : levels.ends[first - 1] + 1;
  key = {levels.topic.data + start, levels.ends[behind - 1] - start};
  return true;
}

// What a text is looked up by, where that is one look-up.
enum class KeyFound : uint8_t { kNo, kYes, kSeveral };

[[gnu::always_inline]] inline KeyFound key_of(const ImageTables& tables, const TextMapRecord& map,
                                              const Text& text, TopicLevels& levels,
                                              uint64_t (&room)[kApartWordsMax],
                                              Text& key) noexcept {
  key = text;
  if (map.kind == TextMapKind::kExact) return KeyFound::kYes;
  if (map.kind == TextMapKind::kLevels) {
    const bool is_known = levels.separator == map.separator && levels.topic.data == text.data &&
                          levels.topic.bytes == text.bytes;
    if (!is_known) find_levels(text, map.separator, levels);
    return named_levels(map, levels, room, key) ? KeyFound::kYes : KeyFound::kNo;
  }
  if (map.kind != TextMapKind::kPrefix || map.count != 1) return KeyFound::kSeveral;
  key.bytes = tables.cells[map.first];
  return key.bytes <= text.bytes ? KeyFound::kYes : KeyFound::kNo;
}

// Out of line: whoever reads no text has a short loop.
[[gnu::noinline]] inline uint32_t text_answer(const ImageTables& tables, const TextMapRecord& map,
                                              const StepMessage& message) noexcept {
  const Text text = text_of(map, message);
  TopicLevels levels;
  uint64_t room[kApartWordsMax];
  Text key;
  switch (key_of(tables, map, text, levels, room, key)) {
    case KeyFound::kNo:
      return 0;
    case KeyFound::kYes:
      return exact_answer(tables, map, key);
    case KeyFound::kSeveral:
      break;
  }
  return map.kind == TextMapKind::kPrefix ? prefix_answer(tables, map, text)
                                          : topic_answer(tables, map, text);
}

}  // namespace hyperroute
