// Holding a frame against its layout: after it, reading needs no check.
//
// The rules and their order are those of docs/wire-format.md; lib/schema/codec/ has the same, and
// both give the same fault for the same bytes. Every read here is inside the frame by the checks
// before it, and the work is bounded by the slots that the frame has room for.
//
// Thread: any, as long as nobody writes the frame. Data path: yes; nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codes.h"
#include "layout.h"
#include "layout_format.h"
#include "octets_datapath.h"
#include "read_datapath.h"

namespace hyperroute {

namespace binding {

// Where the variable data of a message has been followed to.
struct Cursor {
  const MessageLayout& layout;
  const uint8_t* body;
  uint32_t body_bytes;
  uint32_t position;  // Nothing may lie before it any more.
  uint8_t version;    // Of the message.
};

// The header of a message that is not of the newest version, or of no version at all.
[[gnu::noinline]] inline MessageFault check_header(const MessageLayout& layout,
                                                   uint64_t header) noexcept {
  if (layout.kind() != LayoutKind::kNative) return MessageFault::kWrongTemplate;
  if ((header & 0xffff) != layout.template_id()) return MessageFault::kWrongTemplate;
  const auto version = static_cast<uint8_t>(header >> 16);
  const auto block_bytes = static_cast<uint16_t>(header >> 32);
  if (version == 0) return MessageFault::kBadVersion;
  if ((header >> 24 & 0xff) != 0) return MessageFault::kBadFlags;
  if (version > layout.version()) {
    const bool is_sound = block_bytes % 8 == 0 && block_bytes >= layout.block_bytes();
    return is_sound ? MessageFault::kNone : MessageFault::kBadBlock;
  }
  if (block_bytes != layout.version_bytes(0, version)) return MessageFault::kBadBlock;
  if (header >> 48 != layout.fingerprint(version)) return MessageFault::kWrongSchema;
  return MessageFault::kNone;
}

inline bool is_stride(const Cursor& cursor, const LayoutSlot& slot, uint32_t stride) noexcept {
  const MessageLayout& layout = cursor.layout;
  if (cursor.version <= layout.version()) {
    return stride == layout.version_bytes(slot.block, cursor.version);
  }
  return stride % 8 == 0 && stride >= layout.block(slot.block).block_bytes;
}

MessageFault check_slots(Cursor& cursor, const LayoutBlock& record, const uint8_t* block,
                         uint32_t block_bytes) noexcept;

// The slots of every entry.
[[gnu::noinline]] inline MessageFault check_entries(Cursor& cursor, const LayoutBlock& record,
                                                    const uint8_t* entries, uint32_t stride,
                                                    uint32_t count) noexcept {
  for (uint32_t index = 0; index < count; ++index) {
    const uint8_t* const entry = entries + static_cast<size_t>(index) * stride;
    const MessageFault fault = check_slots(cursor, record, entry, stride);
    if (fault != MessageFault::kNone) return fault;
  }
  return MessageFault::kNone;
}

// `offset` is at or behind the cursor and inside the body.
inline MessageFault check_group(Cursor& cursor, const LayoutSlot& slot, uint32_t offset,
                                uint32_t count) noexcept {
  const uint32_t room = cursor.body_bytes - offset;
  if (offset % 8 != 0 || room < kGroupHeaderBytes) return MessageFault::kBadSlot;
  if (count > slot.max) return MessageFault::kTooLong;
  const uint64_t header = octets::load<uint64_t>(cursor.body + offset);
  const uint32_t stride = header & 0xffff;
  if (!is_stride(cursor, slot, stride)) return MessageFault::kBadStride;
  if (header >> 16 != 0) return MessageFault::kBadSlot;
  const uint64_t data_bytes = kGroupHeaderBytes + static_cast<uint64_t>(stride) * count;
  if (data_bytes > room) return MessageFault::kBadSlot;
  cursor.position = offset + static_cast<uint32_t>(data_bytes);
  const LayoutBlock& record = cursor.layout.block(slot.block);
  if (record.slot_count == 0) return MessageFault::kNone;
  const uint8_t* const entries = cursor.body + offset + kGroupHeaderBytes;
  return check_entries(cursor, record, entries, stride, count);
}

// Recursion ends at kGroupDepthMax: the layout is a tree of that depth.
inline MessageFault check_slots(Cursor& cursor, const LayoutBlock& record, const uint8_t* block,
                                uint32_t block_bytes) noexcept {
  const LayoutSlot* const slots = cursor.layout.slots(record);
  for (uint32_t index = 0; index < record.slot_count; ++index) {
    const LayoutSlot& slot = slots[index];
    // A slot that a later version added lies behind the block of this one, as do all that follow.
    if (slot.offset >= block_bytes) break;
    const uint64_t word = octets::load<uint64_t>(block + slot.offset);
    if (word == 0) continue;
    if (slot.presence_mask != 0 &&
        (octets::load<uint32_t>(block + slot.presence_offset) & slot.presence_mask) == 0) {
      return MessageFault::kBadSlot;
    }
    const auto offset = static_cast<uint32_t>(word);
    const auto count = static_cast<uint32_t>(word >> 32);
    if (count == 0 || offset < cursor.position || offset > cursor.body_bytes) {
      return MessageFault::kBadSlot;
    }
    if (slot.type == FieldType::kGroup) {
      const MessageFault fault = check_group(cursor, slot, offset, count);
      if (fault != MessageFault::kNone) return fault;
      continue;
    }
    if (count > cursor.body_bytes - offset) return MessageFault::kBadSlot;
    if (count > slot.max) return MessageFault::kTooLong;
    cursor.position = offset + count;
  }
  return MessageFault::kNone;
}

}  // namespace binding

// Checks the structure of a frame and points `message` at it. What is behind the message's own
// data (a newer writer's) is left alone. On a fault `message` must not be read. Values are not
// looked at: a bool can hold 7, a string can be no UTF-8.
[[nodiscard]] inline MessageFault bind(const MessageLayout& layout, const uint8_t* frame,
                                       size_t frame_bytes, Message& message) noexcept {
  if (frame_bytes < kMessageHeaderBytes) return MessageFault::kTruncated;
  if (frame_bytes > kNativeMessageBytesMax) return MessageFault::kTooLarge;
  const uint64_t header = octets::load<uint64_t>(frame);
  if (header != layout.header_word()) [[unlikely]] {
    const MessageFault fault = binding::check_header(layout, header);
    if (fault != MessageFault::kNone) return fault;
  }
  const uint32_t block_bytes = header >> 32 & 0xffff;
  const uint8_t* const body = frame + kMessageHeaderBytes;
  const uint32_t body_bytes = static_cast<uint32_t>(frame_bytes) - kMessageHeaderBytes;
  if (block_bytes > body_bytes) return MessageFault::kTruncated;
  const auto version = static_cast<uint8_t>(header >> 16);
  message = Message(body, body_bytes, block_bytes, version);
  const LayoutBlock& record = layout.block(0);
  if (record.slot_count == 0) return MessageFault::kNone;
  binding::Cursor cursor{layout, body, body_bytes, block_bytes, version};
  return binding::check_slots(cursor, record, body, block_bytes);
}

}  // namespace hyperroute
