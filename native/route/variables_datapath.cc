// Measures and writes variable data. Both follow the same slots in the same order: a block's
// variables in the order of their targets, of a group first all entries' fixed parts, then the
// variables of entry after entry. That order is the canonical one, so the output's data has no
// gaps but the padding before groups.
//
// bind() has checked every slot of the message, and the loader that every variable reads one. The
// slots are held against both messages once more where they are followed: a message can lie in
// memory that its writer still has, and what was true a moment ago must not decide about what is
// read and written now. Recursion ends at kGroupDepthMax, the depth of layouts.
//
// Thread: the worker that owns the source. Data path: yes; the work is bounded by the bytes of the
// output, as each slot that is followed or found empty lies in eight bytes of it.
#include "route/variables_datapath.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "include/hyperroute/layout_format.h"
#include "route/transform_datapath.h"

namespace hyperroute {
namespace {

constexpr uint64_t kBodyBytesMax = kNativeMessageBytesMax - kMessageHeaderBytes;
constexpr uint32_t kMalformed = static_cast<uint32_t>(RejectCode::kMalformed);

// The fixed part of a message or entry, as long as its writer's version had it.
struct SourceBlock {
  const uint8_t* data;
  uint32_t bytes;
};

// Where data lies in the source's body and how much it is; all zero: nothing.
struct Slot {
  uint32_t offset;
  uint32_t count;
};

// What the slots of a message count from.
struct Body {
  const uint8_t* data;
  uint32_t bytes;
};

bool is_inside(const Body& body, const Slot& slot, uint64_t data_bytes) noexcept {
  return slot.offset <= body.bytes && data_bytes <= body.bytes - slot.offset;
}

// A slot that the writer did not know lies behind its block, and one that it knew inside.
Slot slot_at(const SourceBlock& block, uint32_t offset) noexcept {
  if (offset + kSlotBytes > block.bytes) return {0, 0};
  return {load_u32_le(block.data + offset), load_u32_le(block.data + offset + 4)};
}

Body body_of(const StepMessage& message) noexcept {
  return {message.data + kMessageHeaderBytes, message.bytes - kMessageHeaderBytes};
}

SourceBlock block_of(const StepMessage& message) noexcept {
  const uint32_t block_bytes = kMessageHeaderBytes + load_u16_le(message.data + 4);
  return {message.data, std::min(block_bytes, message.bytes)};
}

// The entries of a group.
struct SourceEntries {
  const uint8_t* data;
  uint32_t stride;
};

// False: they are not where the slot says.
bool find_entries(const Body& body, const Slot& slot, SourceEntries& entries) noexcept {
  if (!is_inside(body, slot, kGroupHeaderBytes)) return false;
  const uint8_t* const header = body.data + slot.offset;
  entries = {header + kGroupHeaderBytes, load_u16_le(header)};
  return is_inside(body, slot, kGroupHeaderBytes + uint64_t{entries.stride} * slot.count);
}

struct Measure {
  const ImageTables& tables;
  const Body& body;  // Of the source.
  uint64_t cursor;   // In the output's body.
};

bool measure_block(Measure& measure, const TransformRecord& transform,
                   const SourceBlock& block) noexcept;

// False: it does not fit a message. Each step adds less than 2^48, so the cursor does not wrap.
bool measure_group(Measure& measure, const TransformRecord& entry, const Slot& slot) noexcept {
  const uint64_t fixed_bytes = uint64_t{entry.output_bytes} * slot.count;
  measure.cursor = align_up(measure.cursor, uint64_t{8}) + kGroupHeaderBytes + fixed_bytes;
  if (measure.cursor > kBodyBytesMax) return false;
  if (entry.variable_count == 0) return true;
  SourceEntries entries;
  if (!find_entries(measure.body, slot, entries)) return false;
  const uint8_t* source = entries.data;
  for (uint32_t index = 0; index < slot.count; ++index, source += entries.stride) {
    if (!measure_block(measure, entry, {source, entries.stride})) return false;
  }
  return true;
}

bool measure_block(Measure& measure, const TransformRecord& transform,
                   const SourceBlock& block) noexcept {
  const VariableRecord* const variables = measure.tables.variables.from(transform.variables);
  for (uint32_t index = 0; index < transform.variable_count; ++index) {
    const VariableRecord& variable = variables[index];
    const Slot slot = slot_at(block, variable.source);
    if (slot.count == 0) continue;
    if (variable.kind == VariableKind::kGroup) {
      const TransformRecord& entry = measure.tables.transforms[variable.entry];
      if (!measure_group(measure, entry, slot)) return false;
      continue;
    }
    measure.cursor += slot.count;
    if (measure.cursor > kBodyBytesMax) return false;
  }
  return true;
}

struct Writer {
  const ImageTables& tables;
  const StepPlan& plan;
  const TransformContext& context;
  const Body& body;     // Of the source.
  uint8_t* entry_view;  // For an entry while its ops run.
  uint8_t* output_body;
  uint32_t output_body_bytes;
  uint32_t cursor;  // In the output's body.

  bool has_room(uint64_t data_bytes) const noexcept {
    return data_bytes <= output_body_bytes - cursor;
  }
};

uint32_t write_block(Writer& writer, const TransformRecord& transform, const SourceBlock& block,
                     uint8_t* output) noexcept;

// Where the ops find the fields of an entry: in the entry, or, of an older version, in a copy
// that has what came later.
const uint8_t* view_of_entry(const Writer& writer, const VariableRecord& variable,
                             const TransformRecord& entry, const SourceBlock& block) noexcept {
  if (block.bytes >= entry.source_bytes) return block.data;
  const uint8_t* const initial = writer.tables.bytes.from(variable.initial);
  std::memcpy(writer.entry_view, block.data, block.bytes);
  std::memcpy(writer.entry_view + block.bytes, initial + block.bytes,
              entry.source_bytes - block.bytes);
  return writer.entry_view;
}

uint32_t write_group(Writer& writer, const VariableRecord& variable, const Slot& slot,
                     uint8_t* target) noexcept {
  const TransformRecord& entry = writer.tables.transforms[variable.entry];
  const TransformPlan& plan = writer.plan.transform(static_cast<uint16_t>(variable.entry));
  SourceEntries source;
  if (!find_entries(writer.body, slot, source)) return kMalformed;
  const uint32_t start = align_up(writer.cursor, 8u);
  const uint64_t entries_bytes = uint64_t{entry.output_bytes} * slot.count;
  if (!writer.has_room(start - writer.cursor + kGroupHeaderBytes + entries_bytes)) {
    return kMalformed;
  }
  std::memset(writer.output_body + writer.cursor, 0, start - writer.cursor);
  store_u32_le(target, start);
  store_u32_le(target + 4, slot.count);
  uint8_t* const output_header = writer.output_body + start;
  store_u64_le(output_header, entry.output_bytes);
  uint8_t* const entries = output_header + kGroupHeaderBytes;
  writer.cursor = start + kGroupHeaderBytes + static_cast<uint32_t>(entries_bytes);
  for (uint32_t index = 0; index < slot.count; ++index) {
    const SourceBlock block{source.data + size_t{index} * source.stride, source.stride};
    const uint8_t* const view = view_of_entry(writer, variable, entry, block);
    const uint32_t code = run_ops(writer.tables, plan, view, writer.context,
                                  entries + size_t{index} * entry.output_bytes);
    if (code != 0) return code;
  }
  if (entry.variable_count == 0) return 0;
  for (uint32_t index = 0; index < slot.count; ++index) {
    const SourceBlock block{source.data + size_t{index} * source.stride, source.stride};
    const uint32_t code =
        write_block(writer, entry, block, entries + size_t{index} * entry.output_bytes);
    if (code != 0) return code;
  }
  return 0;
}

uint32_t write_block(Writer& writer, const TransformRecord& transform, const SourceBlock& block,
                     uint8_t* output) noexcept {
  const VariableRecord* const variables = writer.tables.variables.from(transform.variables);
  for (uint32_t index = 0; index < transform.variable_count; ++index) {
    const VariableRecord& variable = variables[index];
    const Slot slot = slot_at(block, variable.source);
    uint8_t* const target = output + variable.target;
    if (slot.count > variable.limit) return variable.code;
    if (slot.count == 0) {
      store_u64_le(target, 0);
    } else if (variable.kind == VariableKind::kGroup) {
      const uint32_t code = write_group(writer, variable, slot, target);
      if (code != 0) return code;
    } else {
      if (!is_inside(writer.body, slot, slot.count) || !writer.has_room(slot.count)) {
        return kMalformed;
      }
      store_u32_le(target, writer.cursor);
      store_u32_le(target + 4, slot.count);
      std::memcpy(writer.output_body + writer.cursor, writer.body.data + slot.offset, slot.count);
      writer.cursor += slot.count;
    }
  }
  return 0;
}

}  // namespace

uint32_t measure_output(const ImageTables& tables, const TransformRecord& transform,
                        const StepMessage& message) noexcept {
  const uint64_t fixed_bytes = transform.output_bytes - kMessageHeaderBytes;
  const Body body = body_of(message);
  Measure measure{tables, body, fixed_bytes};
  if (!measure_block(measure, transform, block_of(message))) return 0;
  return kMessageHeaderBytes + static_cast<uint32_t>(measure.cursor);
}

uint32_t write_variables(const RouteImage& image, uint16_t number, const StepState& state,
                         const StepMessage& message, const TransformContext& context,
                         std::span<uint8_t> output) noexcept {
  const TransformRecord& transform = image.tables().transforms[number];
  const Body body = body_of(message);
  const auto output_bytes = static_cast<uint32_t>(output.size());
  if (output_bytes < transform.output_bytes) return kMalformed;
  Writer writer{image.tables(),
                image.plan(),
                context,
                body,
                state.scratch + kViewBytesMax,
                output.data() + kMessageHeaderBytes,
                output_bytes - kMessageHeaderBytes,
                transform.output_bytes - kMessageHeaderBytes};
  const uint32_t code = write_block(writer, transform, block_of(message), output.data());
  if (code != 0) return code;
  // Bytes left over would carry what the memory held before.
  return writer.cursor == writer.output_body_bytes ? 0 : kMalformed;
}

}  // namespace hyperroute
