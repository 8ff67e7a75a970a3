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
  kExact,   // Whole texts.
  kPrefix,  // The longest prefix: a search by halves among their lengths.
  kTopic,   // Levels between separators: an automaton.
  kLevels,  // As whole texts, those levels that all patterns name.
};

enum class TextSource : uint8_t {
  kFixed,  // All bytes of the field.
  kPaddedWithZeros,
  kPaddedWithSpaces,
  kSlot,  // What the slot says, of native messages.
};

// What a map knows of texts stands in a perfect hash table. An entry is as small as can be, for a
// large table is as fast as its share of it that the cache holds: some words of header, then the
// text in words, the first byte lowest, zeros behind the last.
struct TextMapRecord {
  TextMapKind kind;
  TextSource source;
  uint8_t separator;   // kTopic, kLevels.
  uint8_t text_words;  // Of an entry, behind its header: at most kTextWordsMax.
  uint16_t offset;     // In the view.
  uint16_t bytes;      // Of the field.
  uint32_t answer_count;
  uint32_t message_bytes;  // Of the view.
  uint16_t view;           // kNoIndex: messages are their own views.
  uint8_t goes_on;         // kLevels: 1: a topic may have more levels than `count`.
  uint8_t reserved;
  // kPrefix: of the lengths, in cells; kTopic: in topic_states; kLevels: a bit for each that is
  // named, the lowest for the first.
  uint32_t first;
  uint32_t count;    // Of those, but of kLevels all that a topic has; kExact: 0.
  uint32_t entries;  // In words.
  uint32_t entry_count;
  uint32_t pilots;  // In slots; of kPrefix the prints of all entries follow.
  uint64_t seed;
  uint32_t pilot_count;
  uint32_t reserved_end;
};
static_assert(sizeof(TextMapRecord) == 56 && offsetof(TextMapRecord, seed) == 40);

inline constexpr uint32_t kTextWordsMax = 4;
inline constexpr uint32_t kTopicLevelsMax = 32;  // Of kLevels.
inline constexpr uint32_t kApartWordsMax = 32;   // Of named levels between which there are others.
inline constexpr uint32_t kAnswersMax = 1u << 30;

// The low half of an entry's first word: bits 0 to 23 the state, 0 but of topics, above them the
// bytes of the text. Of a long one, which has no room in the entry, the word behind the header has
// the bytes in its low half, and in its high half where they start in the constant bytes.
inline constexpr uint32_t kTextStatesMax = 0xFFFFFF;
inline constexpr uint32_t kLongText = 0xFF;
inline constexpr uint32_t kFreeEntry = 0xFFFFFFFF;

constexpr uint32_t text_key(uint32_t state, uint32_t bytes, uint32_t text_words) noexcept {
  return state | (bytes <= text_words * 8 ? bytes : kLongText) << 24;
}

// The high half of it: the answer, of all but kTopic, whose header this word is; of kTopic the
// state that the edge leads to and, above 24 bits, its levels: what else is known of it follows.
constexpr uint32_t header_words_of(TextMapKind kind) noexcept {
  return kind == TextMapKind::kTopic ? 2 : 1;
}

// A print says of an entry what few others have in common with it: bits 1 to 15 are those of its
// hash, bit 0 says that no prefix is longer and begins so.
constexpr uint32_t kPrintIsFinal = 1;
constexpr uint32_t print_of(uint64_t hash) noexcept {
  return static_cast<uint32_t>(hash >> 16 & 0xFFFE);
}

inline constexpr uint32_t kTopicStart = 1;  // State 0 meets nothing any more.

// Enough to leave a state where no edge does, unless the topic goes on behind its `other`. As a
// word of an entry, `answer` is in its low half.
struct TopicFound {
  uint32_t answer;  // Of topics that end here, and flags.
  uint32_t other;   // Of those that end where levels lead that no edge names, and a flag.

  bool has_edges() const noexcept { return (answer >> 30 & 1) != 0; }
  bool is_final() const noexcept { return answer >> 31 != 0; }  // It stands whatever follows.
  uint32_t own_answer() const noexcept { return answer & (kAnswersMax - 1); }
  bool is_other_final() const noexcept { return other >> 31 != 0; }
  uint32_t other_answer() const noexcept { return other & (kAnswersMax - 1); }
};
static_assert(sizeof(TopicFound) == 8);

struct TopicStateRecord {
  TopicFound found;
  uint32_t other;   // The state where levels lead that no edge names.
  uint32_t levels;  // That each edge from here spans.
};
static_assert(sizeof(TopicStateRecord) == 16);

}  // namespace hyperroute
