// The records of a route image, as docs/route-image.md specifies them byte by byte.
//
// Thread: any (plain data). An image is a header, a table of sections and the sections; each
// section is an array of one kind of record, and records refer to each other by index. The
// structs below are laid over an image's bytes only after image_verify.cc has accepted them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/field_datapath.h"
#include "route/image_format_correlation.h"
#include "route/image_format_match.h"
#include "route/image_format_pool.h"
#include "route/image_format_view.h"

namespace hyperroute {

inline constexpr uint32_t kImageMagic = 0x4D495248;  // "HRIM" in memory.
inline constexpr uint16_t kImageFormatVersion = 4;
inline constexpr uint32_t kImageBytesMax = 64u << 20;
inline constexpr uint32_t kImageCrcStart = 16;  // The CRC covers everything from here on.

// Bounds that the step relies on; the emitter refuses configurations beyond them by name.
inline constexpr uint32_t kEndpointsMax = 256;  // As many as a return address can name.
inline constexpr uint32_t kProgramStackMax = 40;
inline constexpr uint32_t kPairFactorBytesMax = 15;  // Of both factors: the product fits 128 bits.

inline constexpr uint32_t kNoRecord = 0xFFFFFFFF;

enum Section : uint32_t {
  kSectionEndpoints,
  kSectionEndpointRoutes,
  kSectionFamilies,
  kSectionMembers,
  kSectionRoutes,
  kSectionChecks,
  kSectionMatchFields,
  kSectionTerms,
  kSectionActions,
  kSectionPools,
  kSectionPoolMembers,
  kSectionCarriers,
  kSectionTransforms,
  kSectionOps,
  kSectionInstructions,
  kSectionBounds,
  kSectionSlots,
  kSectionWords,
  kSectionGroups,
  kSectionWides,
  kSectionBytes,
  kSectionViews,
  kSectionViewOps,
  kSectionVariables,
  kSectionLayouts,  // Words of 8 bytes: layout images, one behind the other.
  kSectionMatchers,
  kSectionCells,
  kSectionKeyFields,
  kSectionPlugins,
  kSectionPluginFields,
  kSectionTextMaps,
  kSectionTopicStates,
  kSectionExtras,
  kSectionTaps,
  kSectionCorrelations,
  kSectionLookups,
  kSectionOpenings,
  kSectionKeptFields,
  kSectionCount,
};

struct ImageHeader {
  uint32_t magic;
  uint16_t format_version;
  uint16_t section_count;
  uint32_t image_bytes;
  uint32_t crc;
  uint32_t reject_code_max;
  uint32_t reserved[11];
};
static_assert(sizeof(ImageHeader) == 64 && offsetof(ImageHeader, reject_code_max) == 16);

struct SectionEntry {
  uint32_t offset;
  uint32_t count;
};
static_assert(sizeof(SectionEntry) == 8);

inline constexpr uint32_t kImageTableBytes =
    sizeof(ImageHeader) + kSectionCount * sizeof(SectionEntry);
static_assert(kImageTableBytes % 8 == 0);

struct EndpointRecord {
  uint16_t family;
  uint16_t reserved;
  uint32_t routes;  // First of the endpoint's routes, one for each member of its family.
};
static_assert(sizeof(EndpointRecord) == 8);

enum class FamilyKind : uint8_t {
  kRaw,     // Opaque bytes: nothing is checked, slot 0.
  kSingle,  // One message type without a discriminator: slot 0.
  kDirect,  // Discriminator values 0 to 255: a table of 256 slots.
  kSearch,  // Any discriminator values: sorted keys, the found one compared.
};

struct FamilyRecord {
  FamilyKind kind;
  FieldKind load;
  uint16_t offset;
  uint32_t message_bytes_min;  // Enough to read the discriminator.
  uint16_t member_count;
  uint8_t steps;
  uint8_t reserved;
  uint32_t members;
  uint32_t keys;   // kSearch: first of the padded keys, in bounds.
  uint32_t slots;  // kDirect: 256 slots; kSearch: a slot for each key.
};
static_assert(sizeof(FamilyRecord) == 24 && offsetof(FamilyRecord, members) == 12);

struct MemberRecord {
  uint16_t schema;
  uint8_t has_size;
  FieldKind size_load;
  uint16_t size_offset;
  uint16_t reserved;
  uint32_t message_bytes;  // Of the view, if there is one.
  uint32_t view;           // kNoRecord: the message is its own view.
};
static_assert(sizeof(MemberRecord) == 16 && offsetof(MemberRecord, message_bytes) == 8);

enum class RouteMode : uint8_t {
  kFirst,  // The first rule that holds sends the message.
  kAll,    // Every rule that holds sends it.
};

struct RouteRecord {
  uint16_t schema;         // kNoIndex: raw.
  uint16_t view;           // kNoIndex: messages are their own views.
  uint32_t message_bytes;  // Of the view; 0: raw, no field may be read.
  uint32_t checks;
  uint16_t check_count;
  uint16_t matcher_count;
  uint32_t matchers;
  uint32_t actions;  // In slots: for each rule the number of its action. Equal ones are one.
  uint32_t rule_count;
  uint32_t otherwise;  // The rule for messages that no matcher has one for, or kNoRecord.
  uint32_t reject;     // Action of rejected messages, or kNoRecord.
  RouteMode mode;
  uint8_t reserved;
  uint16_t reserved_end;
};
static_assert(sizeof(RouteRecord) == 40 && offsetof(RouteRecord, mode) == 36);

// A condition as a program: values on a small stack of 128-bit integers, the truth of the last
// test in a flag. Jumps go forward and only where the stack is empty.
enum class Opcode : uint8_t {
  kPushField,  // load, offset
  kPushConst,  // wides[argument]
  kAdd,
  kSub,
  kMul,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,  // `offset` intervals, pairs from wides[argument]
  kNot,
  kSetFlag,      // flag = argument != 0
  kJumpIfFalse,  // to instruction `argument` of this program
  kJumpIfTrue,
  kPlugin,    // flag = what function plugins[argument] says of the message
  kPushText,  // the answer of text_maps[argument]
  kCount,
};

enum class CheckKind : uint8_t {
  kRange,    // One interval: bounds[table] is low, bounds[table + 1] is high - low.
  kSearch,   // Many intervals: inside when an odd number of bounds lies at or below the key.
  kPair,     // Sum, difference or product of two fields, from wides[table] to wides[table + 1].
  kProgram,  // Anything else: `count` instructions from `table`.
  kSet,      // One of many values: words[table], 2^steps slots, at most `count` steps to the side.
  kPlugin,   // Function plugins[table], which names its codes itself.
  kLookup,   // What lookups[table] finds: the last check of a route whose rules need it.
};

struct CheckRecord {
  CheckKind kind;
  FieldKind load;
  uint16_t offset;
  uint32_t code;
  uint32_t table;
  uint32_t count;
  uint8_t steps;
  FieldKind second_load;  // kPair, as the two below.
  uint16_t second_offset;
  Opcode operation;
  uint8_t reserved[3];
};
static_assert(sizeof(CheckRecord) == 24 && offsetof(CheckRecord, operation) == 20);

enum class ActionKind : uint8_t {
  kEndpoint,
  kPool,
  kReturnSource,
  kReturnField,
  kDiscard,
  kBroadcast,  // A pool of which every member gets the message.
  // These two need what the lookup has found.
  kCorrelatedSource,       // Where the message came from that opened the entry.
  kCorrelatedDestination,  // Where that one went.
};

struct ActionRecord {
  ActionKind kind;
  FieldKind load;         // kReturnField.
  uint16_t target;        // Endpoint, pool, or offset of the field.
  uint16_t transform;     // kNoIndex: the message goes out as it came.
  uint16_t carriers;      // kReturnField, kCorrelated…: who may be reached; kNoIndex otherwise.
  uint32_t output_bytes;  // 0 without a transform: as many as came in.
  uint32_t key;           // kPool, by key: first of the key's fields; kNoRecord otherwise.
  uint8_t priority;       // 0 to 7.
  uint8_t flags;
  uint16_t extra;  // What else a rule does; kNoIndex: nothing.
};
static_assert(sizeof(ActionRecord) == 20 && offsetof(ActionRecord, key) == 12);

inline constexpr uint32_t kPriorityMax = 7;

// Flags of an action.
inline constexpr uint8_t kActionBestEffort = 1;  // kAll: left out where it cannot be sent.

// What few rules do besides sending the message.
struct ExtraRecord {
  uint32_t taps;
  uint16_t tap_count;
  uint16_t opening;  // What is remembered of the message; kNoIndex: nothing.
  uint8_t closes;    // 1: what the lookup has found is forgotten.
  uint8_t reserved[3];
};
static_assert(sizeof(ExtraRecord) == 12 && offsetof(ExtraRecord, closes) == 8);

// A copy for one message in `every`, on best effort.
struct TapRecord {
  uint32_t action;
  uint32_t every;
};
static_assert(sizeof(TapRecord) == 8);

// The endpoints that carry a message type: those of a family with it, and the raw ones. A return
// address comes from the network; it reaches none but these.
struct CarriersRecord {
  uint16_t schema;
  uint16_t reserved;
  uint32_t message_bytes;
  uint64_t endpoints[kEndpointsMax / 64];  // Endpoint n is bit n % 64 of word n / 64.
};
static_assert(sizeof(CarriersRecord) == 40 && offsetof(CarriersRecord, endpoints) == 8);

// Makes a message, or, with kNoIndex for output_schema, an entry of a group: those are reached
// from variables alone, and come behind the transform that has them.
struct TransformRecord {
  uint32_t source_bytes;  // Of the view, or of the newest entries.
  uint32_t output_bytes;  // The fixed part.
  uint32_t ops;
  uint16_t op_count;
  uint16_t patch_offset;  // kNoIndex: none.
  uint8_t patch_bytes;
  uint8_t patch_big_endian;
  uint16_t output_schema;
  uint32_t variables;
  uint16_t variable_count;
  uint16_t source_view;    // kNoIndex: plain messages, raw ones, and entries.
  uint16_t shuffle_count;  // So many of the ops, the first ones, are shuffles.
  uint16_t reserved_end;
};
static_assert(sizeof(TransformRecord) == 32 && offsetof(TransformRecord, variables) == 20);

enum class OpKind : uint8_t {
  kCopy1,
  kCopy2,
  kCopy4,
  kCopy8,
  kCopy16,
  kCopyMany,  // `argument` bytes.
  kConst1,    // From bytes[argument].
  kConst2,
  kConst4,
  kConst8,
  kConst16,
  kConstMany,  // `source` bytes.
  kSwap2,
  kSwap4,
  kSwap8,
  kWiden,          // Load, then store: every value fits.
  kNarrowChecked,  // As kWiden; bounds[argument] is low, bounds[argument + 1] is high - low.
  // bounds[argument]: count, then padded keys, then values, and with code 0 the value of all
  // others.
  kMap,
  kReturnAddress,
  kRejectCode,  // `argument` is the greatest code that fits.
  // These two change bytes that earlier ops have written, and so does an op behind kGuard.
  kOrPresence,  // From a single bit; `store` is the number of the bit in the target's byte.
  kOrBits,      // At most `argument`, shifted by `steps`, into a container of kind `store`.
  kGuard,       // The next op is for messages in which a single bit is 1; writes nothing.
  kRequire,     // A single bit is 1; writes nothing.
  kScale,       // bounds[argument]: factor, then limits as above; `steps` 1 divides, exactly.
  kFloatWiden,  // From 4 bytes to 8; every NaN becomes the same.
  // These two change what is written already.
  kPlugin,   // The whole output, by function plugins[argument].
  kRestore,  // `source` bytes from bytes[argument].
  // Text of `load` + 256 × `store` bytes into `argument` bytes. Bits of `steps`: the source, the
  // target is padded with spaces, else with zeros.
  kFitText,
  // 16 bytes at once. From bytes[argument]: which byte of the 16 at `source` each of them is, then
  // bits that are set in it. See ShufflePick.
  kShuffle,
  // Fills in bytes that an earlier kShuffle has left at zero.
  kShuffleMore,
  kMapByte,        // By the value of one byte: slots[argument + it]; kNoIndex: no entry.
  kCorrelationId,  // The id of the entry that the rule opens; with `steps` 1 of the one found.
  kFromSaved,      // The next op reads what is kept in the entry that the lookup has found.
  kCount,
};

// What a shuffle does with a byte, besides values below 16, which pick one of the source's.
enum ShufflePick : uint8_t {
  kPickNone = 0x80,  // It becomes the constant.
  kPickLeft = 0xFF,  // It becomes zero (kShuffleMore: stays as it is); others write it.
};

struct OpRecord {
  OpKind kind;
  FieldKind load;
  FieldKind store;
  uint8_t steps;  // kMap, kOrBits, kScale, kCorrelationId.
  uint16_t source;
  uint16_t target;
  uint32_t argument;
  uint32_t code;  // Reject code when the value does not fit or has no entry.
};
static_assert(sizeof(OpRecord) == 16 && offsetof(OpRecord, argument) == 8);

struct Instruction {
  Opcode code;
  FieldKind load;
  uint16_t offset;
  uint32_t argument;
};
static_assert(sizeof(Instruction) == 8);

// A 128-bit constant, low half first.
struct WideRecord {
  uint64_t low;
  uint64_t high;
};
static_assert(sizeof(WideRecord) == 16);

}  // namespace hyperroute
