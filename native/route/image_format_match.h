// The records of a route image that find a message's rule: matchers, class maps, terms and rows.
//
// Thread: any (plain data). Part of image_format.h, which says how an image is put together;
// docs/route-image.md specifies each record byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/field_datapath.h"

namespace hyperroute {

// Bounds that the step relies on; the emitter refuses configurations beyond them by name.
inline constexpr uint32_t kRulesMax = 131072;  // Of one route.
inline constexpr uint32_t kMatchersMax = 8;    // Of one route.
inline constexpr uint32_t kKeyWordsMax = 4;
inline constexpr uint32_t kTextMapsMax = 8;  // Of one matcher.
inline constexpr uint32_t kMatchFieldsMax = 64;
inline constexpr uint32_t kTermsMax = 16384;
inline constexpr uint32_t kGroupBits = 64;  // Words a group of the aggregated matcher spans.

enum class MatcherKind : uint8_t {
  kWord,        // At most 64 terms: one word a class.
  kAggregated,  // Up to kTermsMax terms: a summary and packed words a class.
  kTable,       // A rule for every combination of classes.
  kExact,       // A perfect hash table of the values of its fields.
  kText,        // `count` of text_maps, whose answers are rules, counted from 1.
};

// Some of a route's rules in the form that finds them fastest. The least rule that any of a
// route's matchers names decides.
struct MatcherRecord {
  MatcherKind kind;
  uint8_t key_words;  // kExact.
  uint16_t field_count;
  uint32_t fields;
  uint32_t rule_first;  // It names no rule before this one.
  // kWord, kAggregated: terms; kTable: in cells, a rule each; kExact: in words, slots of key_words
  // words and the rule; kText: text maps.
  uint32_t table;
  uint32_t count;        // Terms, cells, slots or text maps.
  uint16_t group_count;  // kAggregated: groups a class.
  uint16_t reserved;
  uint32_t pilots;  // kExact, as the two below: in slots, one for each bucket of keys.
  uint32_t pilot_count;
  uint64_t seed;
};
static_assert(sizeof(MatcherRecord) == 40 && offsetof(MatcherRecord, seed) == 32);

enum class ClassMapKind : uint8_t {
  kDirect,      // One-byte field: 256 slots give the class.
  kSearch,      // The class is the number of bounds at or below the key.
  kDirectWide,  // Two-byte field: 65,536 slots.
  kBuckets,     // As kSearch, among the bounds that share the key's top bits.
  kKeyPart,     // No classes: part of the key of kExact.
  kText,        // The class is the answer of text_maps[table].
  kTree,        // As kSearch, in a tree of `steps` levels above its bounds.
};

struct MatchFieldRecord {
  ClassMapKind kind;
  FieldKind load;
  uint16_t offset;
  uint32_t table;  // Direct: in slots; others: in bounds, padded; kKeyPart: the word of the key.
  // kWord: in words, one a class; kAggregated: in groups, group_count a class; kTable: the cells
  // from one class to the next; kExact: bits by which the value is shifted.
  uint32_t rows;
  uint32_t bound_count;  // Classes less one.
  uint8_t steps;
  uint8_t shift;  // kBuckets, as the two below: from the distance to the first bound.
  uint16_t reserved;
  uint32_t buckets;  // In cells: the bounds below each bucket.
  uint32_t bucket_count;
  uint32_t reserved_end;
};
static_assert(sizeof(MatchFieldRecord) == 32 && offsetof(MatchFieldRecord, buckets) == 20);

// One conjunction of conditions of a rule. The class maps decide it exactly, or, where the rule
// has a program, say which messages the program must be asked about.
struct TermRecord {
  uint32_t rule;
  uint32_t instructions;
  uint16_t instruction_count;  // 0: no program.
  uint16_t reserved;
};
static_assert(sizeof(TermRecord) == 12);

// Classes 64 terms wide: which words of the group are not zero, and where the packed ones start.
struct GroupRecord {
  uint64_t summary;
  uint32_t words;
  uint32_t reserved;
};
static_assert(sizeof(GroupRecord) == 16);

}  // namespace hyperroute
