// The records of a layout image: everything that C++ knows of a message type, as one flat block.
//
// An image is a header, a table of sections and the sections, all little-endian and 8-aligned.
// lib/schema/layout-image.ts writes it; the engine verifies every number in it once, before
// anything here reads it. Both sides raise the format version with any change.
//
// Thread: any (plain data, never written after it was verified). Data path: bind reads the slots.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperroute {

inline constexpr uint32_t kLayoutMagic = 0x4c4d5248;  // "HRML" in memory.
inline constexpr uint16_t kLayoutFormatVersion = 1;
inline constexpr uint32_t kLayoutBytesMax = 16u * 1024 * 1024;
// The check sum covers everything from here.
inline constexpr uint32_t kLayoutCrcStart = 16;

// Of native messages.
inline constexpr uint32_t kMessageHeaderBytes = 8;
inline constexpr uint32_t kNativeMessageBytesMax = 16u * 1024 * 1024;
inline constexpr uint32_t kGroupHeaderBytes = 8;
inline constexpr uint32_t kGroupDepthMax = 4;
inline constexpr uint32_t kSlotBytes = 8;

// "None" in fields of 16 bits: no presence bit, no slot, no base, no parent.
inline constexpr uint16_t kLayoutNone = 0xffff;

enum class LayoutKind : uint8_t { kNative, kPacked, kC };

enum class FieldType : uint8_t {
  kInteger,
  kFloat,
  kBool,
  kFlags,
  kEnum,
  kDecimal,
  kTimestamp,
  kAscii,
  kBytes,
  kBits,
  kString,
  kBlob,
  kGroup,
  kRest,
};

enum class FieldBase : uint8_t {
  kNone,
  kU8,
  kU16,
  kU24,
  kU32,
  kU40,
  kU48,
  kU64,
  kI8,
  kI16,
  kI32,
  kI64,
  kF32,
  kF64,
};

// What a number becomes that an enumeration does not name.
enum class UnknownPolicy : uint8_t { kReject, kRaw, kDefault };

enum FieldFlags : uint8_t {
  // Not readable any more; its fallback is still written.
  kFieldRemoved = 1,
  // Written by whoever leaves the field out, and what messages before it have.
  kFieldHasFallback = 2,
  kFieldIsBigEndian = 4,
  // A u64 of at most 2^53 - 1.
  kFieldSafe = 8,
  // Ascii that is padded with spaces instead of zeros.
  kFieldSpacePadded = 16,
};

enum LayoutSection : uint32_t {
  kLayoutBlocks,
  kLayoutSlots,
  kLayoutFields,
  kLayoutSymbols,
  // u16 for each version of each block: its bytes then.
  kLayoutVersions,
  // u16 for each version of the message.
  kLayoutFingerprints,
  // Names and blocks as they are before a field is set.
  kLayoutBytes,
  kLayoutSectionCount,
};

struct LayoutSectionEntry {
  uint32_t offset;  // From the image's start, a multiple of 8.
  uint32_t count;   // Records, not bytes.
};

struct LayoutHeader {
  uint32_t magic;
  uint16_t format_version;
  uint16_t section_count;
  uint32_t image_bytes;
  uint32_t crc;  // CRC-32C.
  uint64_t template_id;
  uint32_t name;  // In the bytes section.
  uint16_t name_bytes;
  uint8_t kind;
  uint8_t version;  // The newest, the one that is written.
  LayoutSectionEntry sections[kLayoutSectionCount];
};

// The fixed part of a message (block 0) or of a group's entries; a group's comes after the block
// that holds its slot.
struct LayoutBlock {
  uint32_t block_bytes;  // In the newest version.
  // In the bytes section: the block with every fallback and nothing else, for block 0 of native
  // layouts behind a message's header.
  uint32_t initial;
  uint32_t slots;
  uint32_t fields;
  uint16_t slot_count;
  uint16_t field_count;
  uint16_t parent;
  uint16_t depth;  // 0 for the message.
};

// What bind needs of a string, a blob or a group; in order of offset.
struct LayoutSlot {
  uint16_t offset;
  uint16_t presence_offset;
  uint32_t presence_mask;  // 0: not optional.
  uint32_t max;            // Bytes, or entries.
  FieldType type;
  uint8_t reserved;
  uint16_t block;  // Of a group.
};

// What looking up a field needs. The live fields of a block are sorted by name; the removed ones
// that have a fallback follow, in order of offset.
struct LayoutField {
  uint32_t name;  // In the bytes section.
  uint32_t id;
  uint32_t offset;
  uint32_t bytes;  // In the block.
  uint32_t count;  // Elements of an array, whose type and base are the element's; 0: no array.
  uint32_t symbols;
  uint16_t symbol_count;
  uint16_t unknown_symbol;  // Of the policy kDefault: which of its symbols.
  uint16_t presence_offset;
  uint8_t presence_bit;
  uint8_t since;
  FieldType type;
  FieldBase base;
  uint8_t flags;
  UnknownPolicy unknown;
  uint8_t name_bytes;
  uint8_t scale;  // Of a decimal.
  uint8_t bits;   // Of a bits field, and where it lies in its container.
  uint8_t shift;
  uint16_t slot;        // Among the slots of its block.
  uint16_t base_field;  // Foreign: the field, among those of its block, that moves this one.
  uint32_t base_scale;
  uint32_t base_plus;
  uint32_t reserved;
};

// A name of an enumeration's value, or of a bit; sorted by value.
struct LayoutSymbol {
  uint64_t value;  // Sign-extended.
  uint32_t name;
  uint32_t name_bytes;
};

static_assert(sizeof(LayoutHeader) == 88);
static_assert(offsetof(LayoutHeader, template_id) == kLayoutCrcStart);
static_assert(sizeof(LayoutBlock) == 24 && sizeof(LayoutSlot) == 16);
static_assert(sizeof(LayoutField) == 56 && sizeof(LayoutSymbol) == 16);

}  // namespace hyperroute
