// Handles of the layouts `everything-1` to `everything-3`, and a message with data at every depth.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "unit/native/codec/new_order.h"

namespace hyperroute {

template <typename Handle>
Handle find_or_die(const MessageLayout& layout, std::string_view path) {
  Handle handle;
  HR_ASSERT(layout.find(path, handle) == FieldFault::kNone);
  return handle;
}

struct EverythingFields {
  Field<uint32_t> n32;
  Field<bool> yes;
  Field<uint32_t> venue;
  BlobField data;
  GroupField legs;
  Field<uint32_t> leg_qty;
  StringField leg_name;
  Optional<GroupField> parts;
  Field<uint64_t> part_id;
  Optional<BlobField> memo;
  GroupField deep;
  Field<uint8_t> x;

  explicit EverythingFields(const MessageLayout& layout) {
    FieldFinder find(layout);
    find("n32", n32)("yes", yes)("venue", venue)("data", data)("legs", legs);
    find("legs.qty", leg_qty)("legs.name", leg_name)("legs.parts", parts);
    find("legs.parts.id", part_id)("legs.parts.memo", memo)("legs.parts.deep", deep);
    find("legs.parts.deep.x", x);
    HR_ASSERT(find.fault() == FieldFault::kNone);
  }
};

// Three blob bytes, two legs; the first has a name and two parts, the second part a memo and a
// deep entry.
inline std::vector<uint8_t> write_everything(const MessageLayout& layout,
                                             const EverythingFields& fields) {
  static constexpr uint8_t kData[3] = {1, 2, 3};
  std::vector<uint8_t> memory(4096, 0xA5);
  MessageWriter writer;
  writer.begin(layout, memory);
  writer.set(fields.n32, 32);
  writer.set(fields.yes, true);
  writer.set(fields.venue, 7);
  writer.set(fields.data, kData);
  EntryWriter leg = writer.group(fields.legs, 2);
  leg.set(fields.leg_qty, 7);
  leg.set(fields.leg_name, "first");
  EntryWriter part = leg.group(fields.parts, 2);
  part.set(fields.part_id, 70);
  part.next();
  part.set(fields.part_id, 71);
  part.set(fields.memo, kData);
  part.group(fields.deep, 1).set(fields.x, 9);
  leg.next();
  leg.set(fields.leg_qty, 8);
  const uint32_t bytes = writer.finish();
  HR_ASSERT(bytes != 0);
  memory.resize(bytes);
  memory.shrink_to_fit();
  return memory;
}

// What bind says of a frame that lies in memory of exactly its size.
inline MessageFault bind_exact(const MessageLayout& layout, std::span<const uint8_t> frame) {
  const std::vector<uint8_t> exact(frame.begin(), frame.end());
  Message message;
  return bind(layout, exact.data(), exact.size(), message);
}

inline uint32_t u32_at(const std::vector<uint8_t>& frame, size_t position) {
  return octets::load<uint32_t>(frame.data() + position);
}
inline void put_u32(std::vector<uint8_t>& frame, size_t position, uint32_t value) {
  octets::store(frame.data() + position, value);
}
inline void put_u16(std::vector<uint8_t>& frame, size_t position, uint16_t value) {
  octets::store(frame.data() + position, value);
}

}  // namespace hyperroute
