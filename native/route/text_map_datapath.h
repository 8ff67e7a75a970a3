// Text maps: which of a route's patterns a text of the message meets, as one number.
//
// Thread: any (pure functions). Data path: class maps of text fields, matchers of texts, programs.
// Texts are read eight bytes at a time and never beyond their end. What is found is compared with
// what the image has stored, so a hash that collides decides nothing. Slots were checked when the
// message was bound; they are held against it again, for its writer may still have the memory.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bits.h"
#include "include/hyperroute/layout_format.h"
#include "route/exact_datapath.h"
#include "route/image.h"

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
  for (; bytes >= 8; bytes -= 8) {
    const uint64_t others = load_u64_le(data + bytes - 8) ^ paddings;
    if (others != 0) return bytes - static_cast<uint32_t>(std::countl_zero(others)) / 8;
  }
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

// The eight bytes from `at` on, or those that the text still has; at least one.
inline uint64_t load_word(const Text& text, uint32_t at) noexcept {
  const uint32_t left = text.bytes - at;
  if (left >= 8) return load_u64_le(text.data + at);
  if (text.bytes < 8) return load_start(text.data, text.bytes) >> (8 * at);
  return load_u64_le(text.data + text.bytes - 8) >> (8 * (8 - left));
}

// As lib/compiler/emit-text-entries.ts. `words` has zeros, and receives the text's first bytes.
inline uint64_t hash_text(const TextMapRecord& map, uint32_t state, const Text& text,
                          uint64_t (&words)[kTextWordsMax]) noexcept {
  uint64_t hash = map.seed ^ (uint64_t{state} << 32 | text.bytes) * 0x9E3779B97F4A7C15ull;
  uint32_t at = 0;
  for (uint64_t& word : words) {
    if (at >= text.bytes) break;
    word = load_word(text, at);
    hash = mix_word(hash, word);
    at += 8;
  }
  for (; at < text.bytes; at += 8) hash = mix_word(hash, load_word(text, at));
  return finish_hash(hash);
}

inline uint32_t text_slot(const ImageTables& tables, const TextMapRecord& map,
                          uint64_t hash) noexcept {
  const uint32_t bucket = share_of(static_cast<uint32_t>(hash >> 32), map.pilot_count);
  const uint32_t pilot = tables.slots[map.pilots + bucket];
  return slot_of(static_cast<uint32_t>(hash), pilot, map.entry_count);
}

// Where a text would stand, whether it does or not: all of it is there to be read.
template <TextMapKind kKind>
const uint64_t* entry_of(const ImageTables& tables, const TextMapRecord& map,
                         uint64_t hash) noexcept {
  const uint32_t entry_words = header_words_of(kKind) + map.text_words;
  return tables.words.from(map.entries + text_slot(tables, map, hash) * entry_words);
}

// Whether the entry is that of the text, of which `words` are the first bytes.
template <TextMapKind kKind>
bool is_entry_of(const ImageTables& tables, const TextMapRecord& map, const uint64_t* entry,
                 uint32_t state, const Text& text,
                 const uint64_t (&words)[kTextWordsMax]) noexcept {
  constexpr uint32_t kHeaderWords = header_words_of(kKind);
  const uint32_t text_words = map.text_words;
  const uint32_t key = text_key(state, text.bytes, text_words);
  if (text.bytes > text_words * 8) [[unlikely]] {
    if (static_cast<uint32_t>(*entry) != key) return false;
    const auto bytes = static_cast<uint32_t>(entry[kHeaderWords]);
    const uint8_t* const stored =
        tables.bytes.from(static_cast<uint32_t>(entry[kHeaderWords] >> 32));
    return bytes == text.bytes && std::memcmp(stored, text.data, bytes) == 0;
  }
  // No branch: whatever comes next need not wait until the entry has arrived.
  uint64_t difference = static_cast<uint32_t>(*entry) ^ key;
  for (uint32_t index = 0; index < text_words; ++index) {
    difference |= entry[kHeaderWords + index] ^ words[index];
  }
  return difference == 0;
}

// The first word of a text's entry, or nullptr.
template <TextMapKind kKind>
const uint64_t* find_entry(const ImageTables& tables, const TextMapRecord& map, uint32_t state,
                           const Text& text) noexcept {
  uint64_t words[kTextWordsMax] = {};
  const uint64_t* const entry = entry_of<kKind>(tables, map, hash_text(map, state, text, words));
  return is_entry_of<kKind>(tables, map, entry, state, text, words) ? entry : nullptr;
}

inline uint32_t exact_answer(const ImageTables& tables, const TextMapRecord& map,
                             const Text& text) noexcept {
  const uint64_t* const entry = find_entry<TextMapKind::kExact>(tables, map, 0, text);
  return entry == nullptr ? 0 : static_cast<uint32_t>(*entry >> 32);
}

// A search by halves among the lengths of the prefixes. What begins with a prefix also begins with
// what the image has of it in the lesser lengths that the search meets before: so what `has` denies
// is not sought among longer ones. `has` gets a length's bytes, and ends the search with kLast.
enum class Found : uint8_t { kNo, kYes, kLast };

template <typename Has>
void search_lengths(const ImageTables& tables, const TextMapRecord& map, uint32_t bytes_max,
                    Has has) noexcept {
  const uint32_t* const lengths = tables.cells.from(map.first);
  for (uint32_t low = 0, high = map.count; low < high;) {
    const uint32_t middle = (low + high) / 2;
    const uint32_t bytes = lengths[middle];
    const Found found = bytes <= bytes_max ? has(bytes) : Found::kNo;
    if (found == Found::kLast) return;
    if (found == Found::kYes) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
}

// As prefix_answer, by comparing with each text that is found.
[[gnu::noinline]] inline uint32_t compared_prefix_answer(const ImageTables& tables,
                                                         const TextMapRecord& map,
                                                         const Text& text) noexcept {
  uint32_t answer = 0;
  search_lengths(tables, map, text.bytes, [&](uint32_t bytes) {
    const uint64_t* const entry =
        find_entry<TextMapKind::kPrefix>(tables, map, 0, {text.data, bytes});
    if (entry == nullptr) return Found::kNo;
    answer = static_cast<uint32_t>(*entry >> 32);
    return Found::kYes;
  });
  return answer;
}

// Prints lead to the longest text, and that one alone is compared: if the image has it, it also has
// those that led there. If it does not, two texts have the same print. Each entry that may be the
// last one is on its way while the search goes on.
inline uint32_t prefix_answer(const ImageTables& tables, const TextMapRecord& map,
                              const Text& text) noexcept {
  if (map.count == 1) return compared_prefix_answer(tables, map, text);
  const uint16_t* const prints = tables.slots.from(map.pilots + map.pilot_count);
  const uint32_t entry_words = header_words_of(TextMapKind::kPrefix) + map.text_words;
  Text longest{text.data, 0};
  const uint64_t* entry = nullptr;
  uint64_t longest_words[kTextWordsMax];
  search_lengths(tables, map, text.bytes, [&](uint32_t bytes) {
    uint64_t words[kTextWordsMax] = {};
    const uint64_t hash = hash_text(map, 0, {text.data, bytes}, words);
    const uint32_t slot = text_slot(tables, map, hash);
    const uint32_t print = prints[slot];
    if ((print & ~kPrintIsFinal) != print_of(hash)) return Found::kNo;
    entry = tables.words.from(map.entries + slot * entry_words);
    __builtin_prefetch(entry);
    longest.bytes = bytes;
    std::memcpy(longest_words, words, sizeof words);
    return (print & kPrintIsFinal) != 0 ? Found::kLast : Found::kYes;
  });
  if (entry == nullptr) return 0;
  if (!is_entry_of<TextMapKind::kPrefix>(tables, map, entry, 0, longest, longest_words))
      [[unlikely]]
    return compared_prefix_answer(tables, map, text);
  return static_cast<uint32_t>(*entry >> 32);
}

}  // namespace hyperroute
