// The records of a route image that say what is remembered of messages, and how it is found. The
// others are in image_format.h.
//
// Thread: any (plain data).
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/field_datapath.h"

namespace hyperroute {

inline constexpr uint32_t kCorrelationCapacityMax = 1u << 24;
inline constexpr uint32_t kCorrelationTimeoutMsMax = 86'400'000;
// Words of 8 bytes in a key, and of what is kept beside it.
inline constexpr uint32_t kCorrelationKeyWordsMax = 16;
inline constexpr uint32_t kCorrelationSavedWordsMax = 32;
inline constexpr uint32_t kKeptBytesMax = 256;

struct CorrelationRecord {
  uint32_t capacity;
  uint32_t timeout_ms;
  uint16_t key_words;
  uint16_t saved_words;
  uint8_t evicts;  // When full the oldest entry goes; 0: the message is rejected.
  uint8_t reserved[3];
  // Of what the words mean: two tables of one record hold the same.
  uint32_t fields_hash;

  bool operator==(const CorrelationRecord&) const = default;
};
static_assert(sizeof(CorrelationRecord) == 20 && offsetof(CorrelationRecord, fields_hash) == 16);

enum class LookupBy : uint8_t { kId, kKey };

// How a route finds the entry that a message belongs to.
struct LookupRecord {
  uint16_t correlation;
  LookupBy by;
  uint8_t reserved;
  uint32_t fields;
  uint16_t field_count;
  uint16_t reserved_end;
};
static_assert(sizeof(LookupRecord) == 12 && offsetof(LookupRecord, fields) == 4);

// What a rule remembers of its message: fields of the key, then those that are kept beside it.
struct OpeningRecord {
  uint16_t correlation;
  uint16_t key_count;
  uint16_t saved_count;
  uint16_t reserved;
  uint32_t fields;
};
static_assert(sizeof(OpeningRecord) == 12 && offsetof(OpeningRecord, fields) == 8);

enum class KeptKind : uint8_t {
  kNumber,  // One word.
  kBytes,   // `bytes` of them, zeros up to a multiple of 8.
};

// A field of a message as words of 8 bytes.
struct KeptFieldRecord {
  KeptKind kind;
  FieldKind load;  // kNumber.
  uint16_t offset;
  uint16_t bytes;  // kBytes.
  uint16_t reserved;
};
static_assert(sizeof(KeptFieldRecord) == 8 && offsetof(KeptFieldRecord, bytes) == 4);

constexpr uint32_t kept_words(const KeptFieldRecord& field) noexcept {
  return field.kind == KeptKind::kNumber ? 1 : (field.bytes + 7u) / 8;
}

}  // namespace hyperroute
