// The records of a route image that say where the fields of messages are found: views, and the
// variables behind the fixed part of a message. The others are in image_format.h.
//
// Thread: any (plain data).
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/field_datapath.h"

namespace hyperroute {

enum class ViewKind : uint8_t {
  kNative,   // By a layout: a message of the newest version or a later one is its own view.
  kForeign,  // By ops, from the message's fixed part on.
};

// The bytes in which the router finds every field of a message type at a fixed place.
struct ViewRecord {
  ViewKind kind;
  uint8_t reserved[3];
  uint32_t view_bytes;
  uint32_t message_bytes_min;
  uint32_t layout;  // kNative: first byte in the layouts; kForeign: kNoRecord.
  uint32_t layout_bytes;
  uint32_t ops;
  uint32_t op_count;
  uint32_t message_bytes_max;  // kForeign: 0: no bound.
};
static_assert(sizeof(ViewRecord) == 32 && offsetof(ViewRecord, ops) == 20);

enum class ViewOpKind : uint8_t {
  kSection,  // `bytes` bytes of the message, from the place that a field of the view says.
  kBits,     // Bits of an integer of the view, as a u32.
};

struct ViewOpRecord {
  ViewOpKind kind;
  FieldKind load;
  uint8_t shift;  // kBits, as `width`.
  uint8_t width;
  uint16_t source;  // In the view so far.
  uint16_t target;  // The end of the view so far.
  uint16_t bytes;
  uint16_t reserved;
  uint16_t plus;  // kSection: the place is value × scale + plus.
  uint16_t scale;
};
static_assert(sizeof(ViewOpRecord) == 16 && offsetof(ViewOpRecord, plus) == 12);

enum class VariableKind : uint8_t {
  kBytes,  // A string or blob.
  kGroup,
};

// What a slot of the output refers to, from a slot of the source.
struct VariableRecord {
  VariableKind kind;
  uint8_t reserved;
  uint16_t source;  // In the view, or in the entry.
  uint16_t target;  // In the output, or in its entry.
  uint16_t reserved_two;
  uint32_t limit;  // Bytes or entries; more reject with the code.
  uint32_t code;
  uint32_t entry;    // kGroup: the transform of an entry.
  uint32_t initial;  // kGroup: in bytes, a source entry before any field of it was set.
  uint32_t reserved_end[2];
};
static_assert(sizeof(VariableRecord) == 32 && offsetof(VariableRecord, entry) == 16);

}  // namespace hyperroute
