// Runs a verified transform: builds the outgoing message in the destination's claimed slot.
//
// Thread: the worker that owns the source. Data path: once for each transformed message, the
// only place where message bytes are written. Ops are in the order of the output's bytes, each
// byte is written exactly once, and the loader has shown that no op leaves its message.
#include <cstring>

#include "codec/field_datapath.h"
#include "route/image.h"
#include "route/search_datapath.h"
#include "route/step.h"

namespace hyperroute {
namespace {

// A copy of constant size is one or two moves. The ends never overlap: one is a received
// message or the image, the other a claim.
template <uint32_t kBytes>
void move_bytes(uint8_t* to, const uint8_t* from) {
  std::memcpy(to, from, kBytes);
}

// Returns 0, or the op's reject code when the value does not fit its target.
uint32_t narrow(const ImageTables& tables, const OpRecord& op, const uint8_t* source,
                uint8_t* output) {
  const uint64_t key = load_field_key(source + op.source, op.load);
  const uint64_t* const limits = tables.bounds.from(op.argument);
  if (key - limits[0] > limits[1]) return op.code;
  store_field(output + op.target, op.store, load_field(source + op.source, op.load));
  return 0;
}

// Returns 0, or the op's reject code when the value has no entry.
uint32_t map_value(const ImageTables& tables, const OpRecord& op, const uint8_t* source,
                   uint8_t* output) {
  const uint64_t key = load_field_key(source + op.source, op.load);
  const uint64_t* const map = tables.bounds.from(op.argument);
  const auto count = static_cast<uint32_t>(map[0]);
  const uint64_t* const keys = map + 1;
  const uint32_t above = count_not_above(keys, count, op.steps, key);
  if (above == 0 || keys[above - 1] != key) return op.code;
  const uint64_t* const values = keys + ((1ull << op.steps) - 1);
  store_field(output + op.target, op.store, values[above - 1]);
  return 0;
}

// Runs one op. Returns 0 or a reject code.
uint32_t run_op(const ImageTables& tables, const OpRecord& op, const uint8_t* message,
                const TransformContext& context, uint8_t* output) {
  uint8_t* const to = output + op.target;
  const uint8_t* const from = message + op.source;
  switch (op.kind) {
    case OpKind::kCopy1:
      move_bytes<1>(to, from);
      return 0;
    case OpKind::kCopy2:
      move_bytes<2>(to, from);
      return 0;
    case OpKind::kCopy4:
      move_bytes<4>(to, from);
      return 0;
    case OpKind::kCopy8:
      move_bytes<8>(to, from);
      return 0;
    case OpKind::kCopy16:
      move_bytes<16>(to, from);
      return 0;
    case OpKind::kCopyMany:
      std::memcpy(to, from, op.argument);
      return 0;
    case OpKind::kConst1:
      move_bytes<1>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst2:
      move_bytes<2>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst4:
      move_bytes<4>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst8:
      move_bytes<8>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst16:
      move_bytes<16>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConstMany:
      std::memcpy(to, tables.bytes.from(op.argument), op.source);
      return 0;
    case OpKind::kSwap2:
      store_u16_le(to, load_u16_be(from));
      return 0;
    case OpKind::kSwap4:
      store_u32_le(to, load_u32_be(from));
      return 0;
    case OpKind::kSwap8:
      store_u64_le(to, load_u64_be(from));
      return 0;
    case OpKind::kWiden:
      store_field(to, op.store, load_field(from, op.load));
      return 0;
    case OpKind::kNarrowChecked:
      return narrow(tables, op, message, output);
    case OpKind::kMap:
      return map_value(tables, op, message, output);
    case OpKind::kReturnAddress:
      store_field(to, op.store, context.return_address);
      return 0;
    default:
      if (context.reject_code > op.argument) return op.code;
      store_field(to, op.store, context.reject_code);
      return 0;
  }
}

}  // namespace

TransformResult run_transform(const RouteImage& image, uint16_t transform,
                              const StepMessage& message, const TransformContext& context,
                              uint8_t* output) {
  const ImageTables& tables = image.tables();
  const TransformRecord& record = tables.transforms[transform];
  const OpRecord* const ops = tables.ops.from(record.ops);
  TransformResult result{
      .reject_code = 0,
      .patch = {.offset = record.patch_offset,
                .bytes = record.patch_bytes,
                .big_endian = record.patch_big_endian},
  };
  for (uint32_t index = 0; index < record.op_count && result.reject_code == 0; ++index) {
    result.reject_code = run_op(tables, ops[index], message.data, context, output);
  }
  return result;
}

}  // namespace hyperroute
