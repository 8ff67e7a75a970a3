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

inline MessageFault check_header(const MessageLayout& layout, uint64_t header) noexcept {
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
inline MessageFault check_entries(Cursor& cursor, const LayoutBlock& record, const uint8_t* entries,
                                  uint32_t stride, uint32_t count) noexcept {
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

// A message and what was found out about it. By value: a caller's own message, whose address
// nothing here takes, stays in registers.
struct Bound {
  Message message;
  MessageFault fault;
};

// Any message of any layout, rule by rule.
[[gnu::noinline]] inline Bound bind_any(const MessageLayout& layout, const uint8_t* frame,
                                        size_t frame_bytes) noexcept {
  if (frame_bytes < kMessageHeaderBytes) return {{}, MessageFault::kTruncated};
  if (frame_bytes > kNativeMessageBytesMax) return {{}, MessageFault::kTooLarge};
  const uint64_t header = octets::load<uint64_t>(frame);
  const MessageFault header_fault = check_header(layout, header);
  if (header_fault != MessageFault::kNone) return {{}, header_fault};
  const uint32_t block_bytes = header >> 32 & 0xffff;
  const uint8_t* const body = frame + kMessageHeaderBytes;
  const uint32_t body_bytes = static_cast<uint32_t>(frame_bytes) - kMessageHeaderBytes;
  if (block_bytes > body_bytes) return {{}, MessageFault::kTruncated};
  const auto version = static_cast<uint8_t>(header >> 16);
  Cursor cursor{layout, body, body_bytes, block_bytes, version};
  const MessageFault fault = check_slots(cursor, layout.block(0), body, block_bytes);
  return {Message(body, body_bytes, block_bytes, version), fault};
}

// The same for callers to whom it is the exception: it moves their call out of the way, and leaves
// bind_any as fast as it is.
[[gnu::noinline, gnu::cold]] inline Bound bind_others(const MessageLayout& layout,
                                                      const uint8_t* frame,
                                                      size_t frame_bytes) noexcept {
  return bind_any(layout, frame, frame_bytes);
}

// Whether the slots of a flat layout's message of the newest version are sound. These are the
// rules of check_slots, without a name for what breaks one; a group's header is one word.
[[gnu::always_inline]] inline bool is_flat_sound(const MessageLayout& layout, const uint8_t* body,
                                                 uint64_t body_bytes) noexcept {
  uint64_t position = layout.flat_block_bytes();
  const LayoutSlot* const slots_end = layout.message_slots_end();
  for (const LayoutSlot* slot = layout.message_slots(); slot != slots_end; ++slot) {
    const uint64_t word = octets::load<uint64_t>(body + slot->offset);
    const uint64_t offset = static_cast<uint32_t>(word);
    const auto count = static_cast<uint32_t>(word >> 32);
    // A count of 0 becomes the largest number, which is no count below max; so what is empty is
    // asked for only here, and full slots are not.
    if (offset < position || count - 1 >= slot->max) [[unlikely]] {
      if (word != 0) return false;
      continue;
    }
    if (slot->presence_mask != 0 &&
        (octets::load<uint32_t>(body + slot->presence_offset) & slot->presence_mask) == 0) {
      return false;
    }
    // 64 bits have room for all these sums.
    position = offset + count;
    if (slot->type == FieldType::kGroup) {
      if (offset % 8 != 0 || offset + kGroupHeaderBytes > body_bytes) return false;
      const uint64_t stride = layout.block(slot->block).block_bytes;
      if (octets::load<uint64_t>(body + offset) != stride) return false;
      position = offset + kGroupHeaderBytes + stride * count;
    }
    if (position > body_bytes) return false;
  }
  return true;
}

}  // namespace binding

// Checks the structure of a frame and points `message` at it. What is behind the message's own
// data (a newer writer's) is left alone. On a fault `message` must not be read. Values are not
// looked at: a bool can hold 7, a string can be no UTF-8.
//
// Almost all messages are sound, of the newest version and of a flat layout: those are accepted
// here. Whatever else there is takes the long way, which alone tells one fault from another.
[[nodiscard, gnu::always_inline]] inline MessageFault bind(const MessageLayout& layout,
                                                           const uint8_t* frame, size_t frame_bytes,
                                                           Message& message) noexcept {
  const size_t body_bytes = frame_bytes - kMessageHeaderBytes;
  // A frame shorter than a header wraps around to one that is too large.
  if (body_bytes > kNativeMessageBytesMax - kMessageHeaderBytes ||
      octets::load<uint64_t>(frame) != layout.header_word() ||
      layout.flat_block_bytes() > body_bytes ||
      !binding::is_flat_sound(layout, frame + kMessageHeaderBytes, body_bytes)) [[unlikely]] {
    const binding::Bound bound = binding::bind_others(layout, frame, frame_bytes);
    message = bound.message;
    return bound.fault;
  }
  message = Message(frame + kMessageHeaderBytes, static_cast<uint32_t>(body_bytes),
                    layout.flat_block_bytes(), static_cast<uint8_t>(layout.header_word() >> 16));
  return MessageFault::kNone;
}

}  // namespace hyperroute
