// Text maps: which of a route's patterns a text of the message meets, as one number.
//
// Thread: any (pure functions). Data path: class maps of text fields, and programs. Texts are read
// eight bytes at a time and never beyond their end. What is found is compared with what the image
// has stored, so a hash that collides decides nothing. Slots were checked when the message was
// bound; they are held against it again, for its writer may still have the memory.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bits.h"
#include "include/hyperroute/layout_format.h"
#include "route/exact_datapath.h"
#include "route/image.h"
#include "route/search_datapath.h"

namespace hyperroute {

struct Text {
  const uint8_t* data;
  uint32_t bytes;
};

// The first bytes, up to 8, lowest first; zeros stand for what the text has not.
inline uint64_t load_start(const uint8_t* from, uint32_t bytes) noexcept {
  if (bytes >= 8) return load_u64_le(from);
  if (bytes >= 4) {
    const uint64_t end = load_u32_le(from + bytes - 4);
    return load_u32_le(from) | end << (8 * (bytes - 4));
  }
  if (bytes >= 2) {
    const uint64_t end = load_u16_le(from + bytes - 2);
    return load_u16_le(from) | end << (8 * (bytes - 2));
  }
  return bytes == 0 ? 0 : load_u8(from);
}

// The text without the padding behind it.
inline uint32_t unpadded_bytes(const uint8_t* data, uint32_t bytes, uint8_t padding) noexcept {
  const uint64_t paddings = 0x0101010101010101ull * padding;
  while (bytes >= 8 && load_u64_le(data + bytes - 8) == paddings) bytes -= 8;
  while (bytes > 0 && data[bytes - 1] == padding) --bytes;
  return bytes;
}

inline Text text_of(const TextMapRecord& map, const StepMessage& message) noexcept {
  const uint8_t* const place = message.view + map.offset;
  if (map.source == TextSource::kSlot) {
    const uint32_t offset = load_u32_le(place);
    const uint32_t count = load_u32_le(place + 4);
    const uint32_t body_bytes = message.bytes - kMessageHeaderBytes;
    const bool is_inside = offset <= body_bytes && count <= body_bytes - offset;
    return {message.data + kMessageHeaderBytes + (is_inside ? offset : 0), is_inside ? count : 0};
  }
  if (map.source == TextSource::kFixed) return {place, map.bytes};
  const uint8_t padding = map.source == TextSource::kPaddedWithSpaces ? 0x20 : 0;
  return {place, unpadded_bytes(place, map.bytes, padding)};
}

inline uint64_t mix_hash(uint64_t hash, uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
  return hash ^ hash >> 32;
}

// `head` are the first bytes, as load_start gives them.
inline uint64_t hash_text(uint64_t seed, uint64_t head, const Text& text) noexcept {
  uint64_t hash = mix_hash(seed ^ text.bytes, head);
  for (uint32_t at = 8; at < text.bytes; at += 8) {
    hash = mix_hash(hash, load_start(text.data + at, text.bytes - at));
  }
  return hash;
}

// Places of a hash table go round.
constexpr uint32_t next_place(uint32_t place, uint32_t count) noexcept {
  return place + 1 == count ? 0 : place + 1;
}

// Of the words of the table, the low half is the number of an entry and one, the high half that of
// its hash.
inline uint32_t exact_answer(const ImageTables& tables, const TextMapRecord& map,
                             const Text& text) noexcept {
  const uint64_t hash = hash_text(0, load_start(text.data, text.bytes), text);
  const uint64_t* const words = tables.words.from(map.first);
  const TextEntryRecord* const entries = tables.text_entries.from(map.entries);
  uint32_t place = share_of(static_cast<uint32_t>(hash), map.count);
  for (uint32_t probe = 0; probe <= map.probe_max; ++probe, place = next_place(place, map.count)) {
    const uint64_t word = words[place];
    if (word == 0) return 0;
    if (word >> 32 != hash >> 32) continue;
    const TextEntryRecord& entry = entries[static_cast<uint32_t>(word) - 1];
    if (entry.text_bytes != text.bytes) continue;
    if (std::memcmp(&entry + 1, text.data, text.bytes) == 0) return entry.answer;
  }
  return 0;
}

// Eight bytes at a time as a big-endian key: each prefix is an interval of keys, and longer ones go
// on in a node of their own.
inline uint32_t prefix_answer(const ImageTables& tables, const TextMapRecord& map,
                              Text text) noexcept {
  const PrefixNodeRecord* const nodes = tables.prefix_nodes.from(map.first);
  const PrefixNodeRecord* node = nodes;
  for (;;) {
    const uint64_t key = byte_swap(load_start(text.data, text.bytes));
    const uint64_t* const keys = tables.bounds.from(node->keys);
    const uint64_t* const results = tables.words.from(node->results);
    const Beside beside{results, sizeof(uint64_t)};
    const uint32_t place = node->is_tree != 0
                               ? count_in_tree(keys, node->key_count, node->steps, key, beside)
                               : count_not_above(keys, node->key_count, node->steps, key);
    const uint64_t result = results[place];
    const auto child = static_cast<uint32_t>(result >> 32);
    if (child == 0 || text.bytes <= 8) return static_cast<uint32_t>(result);
    text = {text.data + 8, text.bytes - 8};
    node = nodes + child;
  }
}

// The lowest byte that is zero has its top bit set; bytes above it may have theirs as well.
inline uint64_t zero_bytes(uint64_t word) noexcept {
  return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
}

// Bytes of the level that the rest of a topic starts with. `head` are its first bytes.
inline uint32_t level_bytes_of(const Text& rest, uint64_t head, uint8_t separator) noexcept {
  const uint64_t found = zero_bytes(head ^ 0x0101010101010101ull * separator);
  if (found != 0) return static_cast<uint32_t>(std::countr_zero(found)) / 8;
  if (rest.bytes <= 8) return rest.bytes;
  const void* const next = std::memchr(rest.data + 8, separator, rest.bytes - 8);
  if (next == nullptr) return rest.bytes;
  return static_cast<uint32_t>(static_cast<const uint8_t*>(next) - rest.data);
}

// Where a level leads from a state.
inline uint32_t next_state(const ImageTables& tables, const TextMapRecord& map, uint32_t state,
                           uint64_t head, const Text& level) noexcept {
  const TopicStateRecord& from = tables.topic_states[map.first + state];
  if (from.has_edges == 0) return from.other;
  const uint64_t hash = hash_text(state, head, level);
  const TopicEdgeRecord* const edges = tables.topic_edges.from(map.entries);
  uint32_t place = share_of(static_cast<uint32_t>(hash), map.entry_count);
  for (uint32_t probe = 0; probe <= map.probe_max;
       ++probe, place = next_place(place, map.entry_count)) {
    const TopicEdgeRecord& edge = edges[place];
    if (edge.state == kNoRecord) break;
    if (edge.state != state || edge.head != head || edge.level_bytes != level.bytes) continue;
    if (level.bytes <= 8) return edge.next;
    if (level.bytes <= kEdgeBytes) {
      if (edge.tail == load_start(level.data + 8, level.bytes - 8)) return edge.next;
    } else if (std::memcmp(tables.bytes.from(edge.level), level.data, level.bytes) == 0) {
      return edge.next;
    }
  }
  return from.other;
}

inline uint32_t topic_answer(const ImageTables& tables, const TextMapRecord& map,
                             Text rest) noexcept {
  for (uint32_t state = kTopicStart;;) {
    const uint64_t start = load_start(rest.data, rest.bytes);
    const uint32_t level_bytes = level_bytes_of(rest, start, map.separator);
    const uint64_t head = level_bytes >= 8 ? start : start & ((1ull << (8 * level_bytes)) - 1);
    state = next_state(tables, map, state, head, {rest.data, level_bytes});
    const TopicStateRecord& record = tables.topic_states[map.first + state];
    if (record.is_final != 0 || level_bytes == rest.bytes) return record.answer;
    rest = {rest.data + level_bytes + 1, rest.bytes - level_bytes - 1};
  }
}

// Out of line: whoever reads no text has a short loop.
[[gnu::noinline]] inline uint32_t text_answer(const ImageTables& tables, const TextMapRecord& map,
                                              const StepMessage& message) noexcept {
  const Text text = text_of(map, message);
  if (map.kind == TextMapKind::kExact) return exact_answer(tables, map, text);
  if (map.kind == TextMapKind::kPrefix) return prefix_answer(tables, map, text);
  return topic_answer(tables, map, text);
}

}  // namespace hyperroute
