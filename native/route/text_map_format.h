// The records of text maps in a route image, as docs/route-image.md specifies them byte by byte.
//
// Thread: any (plain data). As those of image_format.h, they are laid over an image's bytes only
// after image_verify_text.cc has accepted them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperroute {

// Which of a route's patterns a text of the message meets. An answer stands for a set of them; 0
// is none.
enum class TextMapKind : uint8_t {
  kExact,   // Whole texts: a hash table of entries.
  kPrefix,  // The longest prefix: nodes of sorted keys of eight bytes.
  kTopic,   // Levels between separators: an automaton.
};

enum class TextSource : uint8_t {
  kFixed,  // All bytes of the field.
  kPaddedWithZeros,
  kPaddedWithSpaces,
  kSlot,  // What the slot says, of native messages.
};

struct TextMapRecord {
  TextMapKind kind;
  TextSource source;
  uint8_t separator;  // kTopic.
  uint8_t reserved;
  uint16_t offset;  // In the view.
  uint16_t bytes;   // Of the field.
  uint32_t answer_count;
  uint32_t message_bytes;  // Of the view.
  uint16_t view;           // kNoIndex: messages are their own views.
  uint16_t probe_max;      // kExact, kTopic.
  uint32_t first;          // kExact: in words; kPrefix: in prefix_nodes; kTopic: in topic_states.
  uint32_t count;          // Of those.
  uint32_t entries;        // kExact: in text_entries; kTopic: in topic_edges.
  uint32_t entry_count;
  uint32_t reserved_end;
};
static_assert(sizeof(TextMapRecord) == 40 && offsetof(TextMapRecord, first) == 20);

// The text itself takes as many of the records that follow as it needs.
struct TextEntryRecord {
  uint32_t text_bytes;
  uint32_t answer;
  uint32_t reserved[2];
};
static_assert(sizeof(TextEntryRecord) == 16);

// What begins alike up to here, eight bytes at a time; the keys are big-endian. The word at a place
// is the answer, and above it the node in which longer prefixes go on, 0: there are none.
struct PrefixNodeRecord {
  uint32_t keys;  // In bounds.
  uint32_t key_count;
  uint32_t results;  // In words: one more than keys.
  uint8_t steps;     // Of the search, or levels of the tree above the keys.
  uint8_t is_tree;
  uint8_t reserved[2];
};
static_assert(sizeof(PrefixNodeRecord) == 16);

inline constexpr uint32_t kTopicStart = 1;  // State 0 meets nothing any more.

struct TopicStateRecord {
  uint32_t other;     // Where levels lead that no edge names.
  uint32_t answer;    // Of topics that end here.
  uint32_t is_final;  // The answer stands whatever follows.
  uint32_t has_edges;
};
static_assert(sizeof(TopicStateRecord) == 16);

// A hash table by state and level, in place; kNoRecord for the state: a free place.
struct TopicEdgeRecord {
  uint64_t head;  // The level's first bytes, lowest first, zeros behind them.
  uint64_t tail;  // Of levels of up to kEdgeBytes their last ones, likewise.
  uint32_t state;
  uint32_t next;
  uint32_t level;  // In bytes; only of levels with more.
  uint32_t level_bytes;
};
static_assert(sizeof(TopicEdgeRecord) == 32);

// Levels of so many bytes are compared with the edge alone.
inline constexpr uint32_t kEdgeBytes = 16;

}  // namespace hyperroute
