// Verifies the blocks, versions, slots and initial bytes of a layout image.
// Thread: control thread. Not on the data path.
#include "codec/layout_verify.h"

#include <cstring>
#include <vector>

#include "base/bits.h"
#include "codec/value_check.h"

namespace hyperroute {
namespace {

constexpr uint32_t kBlocksMax = 4096;
constexpr uint32_t kBlockBytesMax = 65528;

// The block's runs of slots and fields follow those of the block before it; its initial bytes lie
// behind that one's, so that all blocks together are not larger than the image.
struct Ends {
  uint32_t slots = 0;
  uint32_t fields = 0;
  uint32_t bytes = 0;
};

Status verify_versions(const LayoutParts& parts, uint32_t index) {
  uint32_t before = 0;
  for (uint32_t version = 1; version <= parts.header.version; ++version) {
    const uint32_t now = parts.version_bytes(index, version);
    HR_LAYOUT_REQUIRE(now >= before && now <= kBlockBytesMax && now % 8 == 0,
                      "block %u has %u bytes in version %u", index, now, version);
    before = now;
  }
  HR_LAYOUT_REQUIRE(parts.blocks[index].block_bytes == before,
                    "block %u is not as large as in its newest version", index);
  return Status::success();
}

Status verify_presence(const LayoutSlot& slot) {
  if (slot.presence_mask == 0) return Status::success();
  HR_LAYOUT_REQUIRE(is_power_of_two(slot.presence_mask) && slot.presence_offset % 4 == 0 &&
                        slot.presence_offset + 4u <= slot.offset,
                    "a slot's presence bit is no bit before it");
  return Status::success();
}

// A group's block: a child of this one, which no other slot has, and there since the slot is.
Status verify_child(const LayoutParts& parts, uint32_t index, const LayoutSlot& slot,
                    std::vector<bool>& taken) {
  HR_LAYOUT_REQUIRE(slot.block > index && slot.block < parts.blocks.size() && !taken[slot.block],
                    "a group's block %u is none of its own", slot.block);
  taken[slot.block] = true;
  const LayoutBlock& child = parts.blocks[slot.block];
  HR_LAYOUT_REQUIRE(child.parent == index && child.depth == parts.blocks[index].depth + 1 &&
                        child.depth <= kGroupDepthMax,
                    "block %u is not where its group is", slot.block);
  for (uint32_t version = 1; version <= parts.header.version; ++version) {
    const bool has_slot = slot.offset < parts.version_bytes(index, version);
    HR_LAYOUT_REQUIRE(!has_slot || parts.version_bytes(slot.block, version) != 0,
                      "block %u has entries without bytes", slot.block);
  }
  return Status::success();
}

Status verify_slots(const LayoutParts& parts, uint32_t index, std::vector<bool>& taken) {
  const LayoutBlock& block = parts.blocks[index];
  uint32_t end = 0;
  for (uint32_t count = 0; count < block.slot_count; ++count) {
    const LayoutSlot& slot = parts.slots[block.slots + count];
    HR_LAYOUT_REQUIRE(
        slot.offset >= end && slot.offset % 4 == 0 && slot.offset + kSlotBytes <= block.block_bytes,
        "a slot at %u of block %u", slot.offset, index);
    end = slot.offset + kSlotBytes;
    HR_LAYOUT_REQUIRE(is_slot_type(slot.type) && slot.reserved == 0, "a slot of no type");
    HR_TRY(verify_presence(slot));
    if (slot.type == FieldType::kGroup) HR_TRY(verify_child(parts, index, slot, taken));
  }
  return Status::success();
}

Status verify_block(const LayoutParts& parts, uint32_t index, Ends& ends) {
  const LayoutBlock& block = parts.blocks[index];
  HR_LAYOUT_REQUIRE(block.slots == ends.slots && block.fields == ends.fields,
                    "block %u does not follow the one before", index);
  ends.slots += block.slot_count;
  ends.fields += block.field_count;
  HR_LAYOUT_REQUIRE(ends.slots <= parts.slots.size() && ends.fields <= parts.fields.size(),
                    "block %u has more fields than there are", index);
  if (parts.is_native()) {
    HR_TRY(verify_versions(parts, index));
    const uint32_t initial_bytes = block.block_bytes + (index == 0 ? kMessageHeaderBytes : 0);
    HR_LAYOUT_REQUIRE(block.initial >= ends.bytes && parts.has_bytes(block.initial, initial_bytes),
                      "block %u has no initial bytes of its own", index);
    ends.bytes = block.initial + initial_bytes;
    return Status::success();
  }
  HR_LAYOUT_REQUIRE(block.slot_count == 0 && block.block_bytes == parts.versions[0],
                    "a foreign layout with variable fields");
  return Status::success();
}

bool all_zero(std::span<const uint8_t> bytes) {
  for (const uint8_t byte : bytes) {
    if (byte != 0) return false;
  }
  return true;
}

// Fallbacks where fields have one, zeros everywhere else.
Status verify_initial_block(const LayoutParts& parts, uint32_t index,
                            std::span<const uint8_t> initial) {
  const LayoutBlock& block = parts.blocks[index];
  std::vector<uint8_t> rest(initial.begin(), initial.end());
  for (uint32_t count = 0; count < block.field_count; ++count) {
    const LayoutField& field = parts.fields[block.fields + count];
    if ((field.flags & kFieldHasFallback) == 0) continue;
    HR_LAYOUT_REQUIRE(
        is_field_value(field, parts.symbols.data() + field.symbols, initial.data() + field.offset),
        "a fallback of block %u is no value of its field", index);
    std::memset(rest.data() + field.offset, 0, field.bytes);
  }
  HR_LAYOUT_REQUIRE(all_zero(rest), "block %u does not start cleared", index);
  return Status::success();
}

}  // namespace

Status verify_blocks(const LayoutParts& parts) {
  HR_LAYOUT_REQUIRE(!parts.blocks.empty() && parts.blocks.size() <= kBlocksMax,
                    "a layout of %zu blocks", parts.blocks.size());
  HR_LAYOUT_REQUIRE(parts.is_native() || parts.blocks.size() == 1, "a foreign layout with groups");
  HR_LAYOUT_REQUIRE(parts.versions.size() == parts.blocks.size() * parts.header.version,
                    "%zu block sizes", parts.versions.size());
  HR_LAYOUT_REQUIRE(parts.blocks[0].parent == kLayoutNone && parts.blocks[0].depth == 0,
                    "the first block is not the message's");
  Ends ends;
  for (uint32_t index = 0; index < parts.blocks.size(); ++index) {
    HR_TRY(verify_block(parts, index, ends));
  }
  HR_LAYOUT_REQUIRE(ends.slots == parts.slots.size() && ends.fields == parts.fields.size(),
                    "fields that belong to no block");
  std::vector<bool> taken(parts.blocks.size());
  taken[0] = true;
  for (uint32_t index = 0; index < parts.blocks.size(); ++index) {
    HR_LAYOUT_REQUIRE(taken[index], "block %u belongs to no group", index);
    HR_TRY(verify_slots(parts, index, taken));
  }
  return Status::success();
}

Status verify_initial(const LayoutParts& parts) {
  if (!parts.is_native()) return Status::success();
  for (uint32_t index = 0; index < parts.blocks.size(); ++index) {
    const LayoutBlock& block = parts.blocks[index];
    const uint32_t start = index == 0 ? kMessageHeaderBytes : 0;
    const auto initial = parts.bytes.subspan(block.initial, start + block.block_bytes);
    HR_TRY(verify_initial_block(parts, index, initial.subspan(start)));
  }
  const LayoutHeader& header = parts.header;
  const uint64_t expected = header.template_id | static_cast<uint64_t>(header.version) << 16 |
                            static_cast<uint64_t>(parts.blocks[0].block_bytes) << 32 |
                            static_cast<uint64_t>(parts.fingerprints.back()) << 48;
  HR_LAYOUT_REQUIRE(load_u64_le(parts.bytes.data() + parts.blocks[0].initial) == expected,
                    "the header of new messages is not that of the layout");
  return Status::success();
}

}  // namespace hyperroute
