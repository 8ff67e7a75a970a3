// The bytes of a recording: what a router decided, and all that its decisions depended on.
// docs/recording.md describes them for people. Written by recording.cc and recording_datapath.h,
// read by replay.cc; thread: any (plain values).
//
//   file    RecordingHeader, chunks
//   chunk   ChunkHeader, payload: an image | notes of one worker | the end
//   note    NoteHeader, body, padding to 8 bytes
//
// Everything is little-endian, as the machines are that this package is for.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/crc32c.h"
#include "route/step.h"

namespace hyperroute {

static_assert(std::endian::native == std::endian::little, "recordings are copied as they are");

inline constexpr uint64_t kRecordingMagic = 0x0043455252505948;  // "HYPRREC" and a zero.
inline constexpr uint32_t kRecordingVersion = 1;
inline constexpr uint32_t kChunkMagic = 0x4B484352;  // "RCHK"

// A chunk is read whole: no writer makes a longer one, and no reader takes one.
inline constexpr uint32_t kChunkBytesMax = 256u << 20;
inline constexpr uint32_t kNoteAlignment = 8;

struct RecordingHeader {
  uint64_t magic = kRecordingMagic;
  uint32_t version = kRecordingVersion;
  uint32_t worker_count = 0;
  // When it was begun, in milliseconds since 1970; for people.
  uint64_t begun_ms = 0;
  uint32_t reserved = 0;
  uint32_t crc = 0;  // CRC-32C of the bytes before it.
};
static_assert(sizeof(RecordingHeader) == 32 && offsetof(RecordingHeader, crc) == 28);

enum class ChunkKind : uint16_t { kImage = 1, kNotes = 2, kEnd = 3 };

struct ChunkHeader {
  uint32_t magic = kChunkMagic;
  ChunkKind kind{};
  uint16_t worker = 0;    // Of notes; else 0.
  uint32_t sequence = 0;  // From 0, one more each: a chunk that is missing shows.
  uint32_t payload_bytes = 0;
  uint32_t reserved = 0;
  uint32_t crc = 0;  // CRC-32C of the bytes before it and of the payload.
};
static_assert(sizeof(ChunkHeader) == 24 && offsetof(ChunkHeader, crc) == 20);

inline uint32_t crc_of_chunk(const ChunkHeader& header, const uint8_t* payload) noexcept {
  const uint32_t crc = crc32c(&header, offsetof(ChunkHeader, crc));
  return crc32c_extend(crc, payload, header.payload_bytes);
}

// Payload of kImage: this, the image, the description, then for each library its path: a u32 with
// the bytes of it, and these.
struct ImageChunk {
  uint32_t number;  // Notes refer to it.
  uint32_t image_bytes;
  // JSON with the names of endpoints, routes, rules and reject codes; or nothing.
  uint32_t description_bytes;
  uint32_t library_count;
};
static_assert(sizeof(ImageChunk) == 16);

// Why a recording has no more notes.
enum class RecordingEnd : uint32_t {
  kNone = 0,     // It goes on.
  kStopped,      // It was asked to stop, or the router was closed.
  kFull,         // The file has the bytes it may have.
  kOverrun,      // A worker was faster than the file was written.
  kTooLarge,     // A note is longer than a quarter of the ring between the worker and the file.
  kFailed,       // The file could not be written.
  kOpenEntries,  // A correlation had entries before it was recorded.
};
inline constexpr uint32_t kRecordingEndCount = 7;

struct EndChunk {
  RecordingEnd reason;
  int32_t system_errno;   // For kFailed.
  uint64_t missed_count;  // Messages that were routed and not recorded, about.
};
static_assert(sizeof(EndChunk) == 16);

enum class NoteKind : uint32_t { kBegin = 1, kChange = 2, kBurst = 3, kMessage = 4, kSweep = 5 };

struct NoteHeader {
  uint32_t note_bytes;  // With this header, without padding.
  NoteKind kind;
};
static_assert(sizeof(NoteHeader) == 8);

constexpr uint32_t padded_note_bytes(uint32_t bytes) noexcept {
  return (bytes + kNoteAlignment - 1) / kNoteAlignment * kNoteAlignment;
}

// The worker decides by an image from here on, from this state. Behind it, each padded to 8 bytes:
// alive bytes and EndpointLoads by endpoint, positions by pool, counts by tap, CorrelationNotes by
// correlation.
struct BeginNote {
  NoteHeader header;
  uint32_t image;
  uint32_t endpoint_count;
  uint32_t pool_count;
  uint32_t tap_count;
  uint64_t random;
};
static_assert(sizeof(BeginNote) == 32);

// A table that the worker has for a correlation. One whose number is new is empty.
struct CorrelationNote {
  uint32_t number;            // 0: it is another worker's.
  uint32_t first_generation;  // Of a new one: what its first ids are made from.
};
static_assert(sizeof(CorrelationNote) == 8);

constexpr uint64_t begin_note_bytes(uint64_t endpoint_count, uint64_t pool_count,
                                    uint64_t tap_count, uint64_t correlation_count) noexcept {
  const auto padded = [](uint64_t bytes) { return (bytes + 7) / 8 * 8; };
  return sizeof(BeginNote) + padded(endpoint_count) + endpoint_count * sizeof(EndpointLoad) +
         padded(pool_count * sizeof(uint32_t)) + padded(tap_count * sizeof(uint32_t)) +
         correlation_count * sizeof(CorrelationNote);
}

// Endpoints whose alive byte or load is another one now. Behind it: that many EndpointChanges.
struct ChangeNote {
  NoteHeader header;
  uint32_t change_count;
  uint32_t reserved;
};
static_assert(sizeof(ChangeNote) == 16);

struct EndpointChange {
  uint16_t endpoint;
  uint8_t alive;
  uint8_t reserved;
  EndpointLoad load;
};
static_assert(sizeof(EndpointChange) == 12);

// The messages that follow were received together, at this time of the worker's clock.
struct BurstNote {
  NoteHeader header;
  uint64_t now_ns;
};
static_assert(sizeof(BurstNote) == 16);

// Entries of a table were closed, since they had waited too long.
struct SweepNote {
  NoteHeader header;
  uint32_t table;  // Its number.
  uint32_t entry_count;
  uint64_t now_ns;
};
static_assert(sizeof(SweepNote) == 24);

// A message and what was decided of it: by the rules, and, where it was rejected, about the notice.
// Behind it: the message, padded to 8 bytes, and the decisions.
struct MessageNote {
  NoteHeader header;
  uint32_t message_bytes;
  uint16_t source;
  uint8_t flags;
  uint8_t decision_count;
};
static_assert(sizeof(MessageNote) == 16);

// The message waits for room in a queue: it is decided anew, as another note.
inline constexpr uint8_t kMessageHeld = 1;
// Entries were opened or closed when it was sent: a SettledNote follows the decisions.
inline constexpr uint8_t kMessageSettled = 2;
inline constexpr uint32_t kDecisionsMax = 2;

// What entries remember of where a message came from and where it went. The time is the burst's.
struct SettledNote {
  uint64_t source;
  uint64_t destination;
};
static_assert(sizeof(SettledNote) == 16);

struct DecisionNote {
  Outcome outcome;
  uint8_t delivery_count;
  uint8_t skipped_count;
  uint8_t tap_count;
  uint16_t route;
  uint8_t correlates;
  uint8_t reserved;
  uint32_t rule;
  uint32_t reject_code;
};
static_assert(sizeof(DecisionNote) == 16);

struct DeliveryNote {
  TargetKind target;
  uint8_t best_effort;
  uint8_t priority;
  uint8_t is_picked;
  uint16_t endpoint;
  uint16_t transform;
  uint16_t carriers;
  uint16_t reserved;
  uint32_t rule;
  uint32_t output_bytes;
  uint32_t reserved_too;
  uint64_t return_address;
};
static_assert(sizeof(DeliveryNote) == 32);

inline constexpr uint32_t kDecisionBytesMax =
    sizeof(DecisionNote) + kDeliveriesMax * sizeof(DeliveryNote);

// Writes what a decision says; equal decisions give equal bytes. Returns how many.
inline uint32_t write_decision(const Decision& decision, const StepState& state,
                               uint8_t* out) noexcept {
  const DecisionNote note{decision.outcome,
                          decision.delivery_count,
                          decision.skipped_count,
                          decision.tap_count,
                          decision.route,
                          decision.correlates,
                          0,
                          decision.rule,
                          decision.reject_code};
  std::memcpy(out, &note, sizeof note);
  uint8_t* at = out + sizeof note;
  for (uint32_t index = 0; index < decision.delivery_count; ++index) {
    const Delivery& from = delivery_at(decision, state, index);
    const DeliveryNote copy{from.target,
                            static_cast<uint8_t>(from.best_effort ? 1 : 0),
                            from.priority,
                            static_cast<uint8_t>(from.is_picked ? 1 : 0),
                            from.endpoint,
                            from.transform,
                            from.carriers,
                            0,
                            from.rule,
                            from.output_bytes,
                            0,
                            from.return_address};
    std::memcpy(at, &copy, sizeof copy);
    at += sizeof copy;
  }
  return static_cast<uint32_t>(at - out);
}

}  // namespace hyperroute
