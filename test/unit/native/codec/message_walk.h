// Reading everything of a message through handles: what a sanitizer then has seen is all of it.
#pragma once

#include <cstdint>

#include "codec/layout_verify.h"
#include "include/hyperroute/message.h"

namespace hyperroute {

inline uint64_t sum_of(std::span<const uint8_t> bytes) {
  uint64_t sum = bytes.size();
  for (const uint8_t byte : bytes) sum = sum * 31 + byte;
  return sum;
}

// A number that depends on every byte that any field of the message has.
inline uint64_t walk_block(const MessageLayout& layout, uint32_t index, const Block& block) {
  const LayoutBlock& record = layout.block(index);
  uint64_t sum = 0;
  for (uint32_t count = 0; count < record.field_count; ++count) {
    const LayoutField& field = layout.fields(record)[count];
    if ((field.flags & kFieldRemoved) != 0) break;
    if (is_slot_type(field.type)) {
      const LayoutSlot& slot = layout.slots(record)[field.slot];
      sum += block.has(layout.slot_of<SlotField>(slot));
      if (field.type == FieldType::kGroup) {
        for (const Block entry : block.get(layout.slot_of<GroupField>(slot))) {
          sum = sum * 31 + walk_block(layout, slot.block, entry);
        }
      } else {
        sum = sum * 31 + sum_of(block.get(layout.slot_of<BlobField>(slot)));
      }
      continue;
    }
    const auto bytes = layout.bytes_of<BytesField>(field, index);
    sum = sum * 31 + sum_of(block.get(bytes)) + block.has(bytes);
    if (field.type == FieldType::kAscii && field.count == 0) {
      sum += block.get(layout.bytes_of<AsciiField>(field, index)).size();
    }
    if (field.base == FieldBase::kU64 && field.count == 0) {
      sum += block.get(layout.number_of<uint64_t>(field, index));
    }
  }
  return sum;
}

inline uint64_t walk_message(const MessageLayout& layout, const Message& message) {
  return walk_block(layout, 0, message);
}

}  // namespace hyperroute
