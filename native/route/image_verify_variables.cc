// Verification of a route image: variables. A verified variable reads a slot that bind() has
// checked in every message that comes this far, and writes one of its output's own.
// Thread: control thread, before the image is installed. Not on the data path.
#include <algorithm>

#include "route/image_verify.h"

namespace hyperroute {
namespace {

constexpr uint32_t kMessageBlock = 0;
// Besides its record: the search for its slot.
constexpr uint64_t kVariableWork = 32;

// Where offsets count from: before a message's block lies its header.
uint32_t block_start(uint32_t block) { return block == kMessageBlock ? kMessageHeaderBytes : 0; }

// The slot at an offset of a block, or nullptr.
const LayoutSlot* find_slot(const MessageLayout& layout, uint32_t block, uint32_t offset) {
  const LayoutBlock& record = layout.block(block);
  const LayoutSlot* const first = layout.slots(record);
  const LayoutSlot* const end = first + record.slot_count;
  const LayoutSlot* const found = std::lower_bound(
      first, end, offset, [](const LayoutSlot& slot, uint32_t at) { return slot.offset < at; });
  return found != end && found->offset == offset ? found : nullptr;
}

}  // namespace

bool is_text_slot(const MessageLayout& layout, uint32_t offset) {
  if (offset < kMessageHeaderBytes) return false;
  const LayoutSlot* const slot = find_slot(layout, kMessageBlock, offset - kMessageHeaderBytes);
  return slot != nullptr && slot->type != FieldType::kGroup;
}

// Those of a transform of messages, and of the transforms of entries that it reaches.
Status ImageVerifier::verify_message_variables(uint32_t index) {
  const TransformRecord& transform = tables_.transforms[index];
  if (transform.output_schema == kNoIndex) return Status::success();
  if (transform.source_view != kNoIndex) {
    HR_IMAGE_REQUIRE(transform.source_view < tables_.views.count &&
                         tables_.views[transform.source_view].view_bytes == transform.source_bytes,
                     "transform %u: view %u is for another message type", index,
                     transform.source_view);
  }
  if (transform.variable_count == 0) return Status::success();
  HR_IMAGE_REQUIRE(transform.source_view != kNoIndex &&
                       tables_.views[transform.source_view].kind == ViewKind::kNative,
                   "transform %u: variables of messages that have none", index);
  return verify_variables(index, layouts_[transform.source_view], kMessageBlock);
}

// The layout is a tree of at most kGroupDepthMax levels, and so is this recursion.
Status ImageVerifier::verify_variables(uint32_t index, const MessageLayout& layout,
                                       uint32_t block) {
  const TransformRecord& transform = tables_.transforms[index];
  HR_TRY(verify_run(transform.variables, transform.variable_count, tables_.variables.count,
                    "variables"));
  HR_TRY(charge(kVariableWork * transform.variable_count));
  HR_IMAGE_REQUIRE(transform.variable_count == 0 || transform.output_bytes % 8 == 0,
                   "transform %u: variables behind %u bytes", index, transform.output_bytes);
  const uint32_t start = block_start(block);
  uint32_t end = start;
  for (uint32_t count = 0; count < transform.variable_count; ++count) {
    const VariableRecord& variable = tables_.variables[transform.variables + count];
    HR_IMAGE_REQUIRE(variable.target >= end && variable.target % 4 == 0 &&
                         variable.target + kSlotBytes <= transform.output_bytes,
                     "transform %u: no slot at %u", index, variable.target);
    end = variable.target + kSlotBytes;
    HR_IMAGE_REQUIRE(variable.kind <= VariableKind::kGroup, "an unknown kind of variable");
    HR_TRY(verify_code(variable.code));
    const LayoutSlot* const slot =
        variable.source < start ? nullptr : find_slot(layout, block, variable.source - start);
    const bool is_group = variable.kind == VariableKind::kGroup;
    HR_IMAGE_REQUIRE(slot != nullptr && (slot->type == FieldType::kGroup) == is_group,
                     "transform %u: no such slot of its source at %u", index, variable.source);
    if (is_group) HR_TRY(verify_entry(variable, index, layout, slot->block));
  }
  return Status::success();
}

Status ImageVerifier::verify_entry(const VariableRecord& variable, uint32_t parent,
                                   const MessageLayout& layout, uint32_t block) {
  HR_IMAGE_REQUIRE(variable.entry > parent && variable.entry < tables_.transforms.count,
                   "transform %u: no transform %u of its entries", parent, variable.entry);
  const TransformRecord& entry = tables_.transforms[variable.entry];
  HR_IMAGE_REQUIRE(entry.output_schema == kNoIndex, "transform %u is none of entries",
                   variable.entry);
  HR_IMAGE_REQUIRE(entry.source_bytes == layout.block(block).block_bytes,
                   "transform %u is for other entries", variable.entry);
  HR_TRY(verify_run(variable.initial, entry.source_bytes, tables_.bytes.count, "initial entry"));
  return verify_variables(variable.entry, layout, block);
}

}  // namespace hyperroute
