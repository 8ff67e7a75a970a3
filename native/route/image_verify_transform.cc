// Verification of a route image: transforms. A verified transform reads within its source,
// writes each byte of its output once, before it is changed, and nothing else. A shuffle may set
// bytes to zero that are written later.
// Thread: control thread, before the image is installed. Not on the data path.
#include <algorithm>
#include <bit>
#include <vector>

#include "base/bits.h"
#include "base/shuffle.h"
#include "route/image_verify.h"

namespace hyperroute {

Status ImageVerifier::verify_limits(uint64_t first) const {
  HR_IMAGE_REQUIRE(first < tables_.bounds.count && tables_.bounds.count - first >= 2,
                   "limits outside the bounds");
  const uint64_t low = tables_.bounds[static_cast<uint32_t>(first)];
  const uint64_t span = tables_.bounds[static_cast<uint32_t>(first) + 1];
  HR_IMAGE_REQUIRE(span <= UINT64_MAX - low, "limits that wrap around");
  return Status::success();
}

Status ImageVerifier::verify_map(const OpRecord& op) {
  HR_TRY(verify_run(op.argument, 1, tables_.bounds.count, "map"));
  const uint64_t count = tables_.bounds[op.argument];
  HR_IMAGE_REQUIRE(count <= UINT32_MAX && op.steps < 32, "a map of %llu entries",
                   static_cast<unsigned long long>(count));
  HR_TRY(verify_keys(op.argument + 1, static_cast<uint32_t>(count), op.steps));
  const uint64_t padded_count = (1ull << op.steps) - 1;
  // verify_keys has shown that the keys end within the section, so the sum does not wrap.
  const uint64_t value_count = op.code == 0 ? count + 1 : count;
  return verify_run(static_cast<uint32_t>(op.argument + 1 + padded_count), value_count,
                    tables_.bounds.count, "map values");
}

// Bytes copied by an op of the copy and constant kinds: 1, 2, 4, 8, 16, or many.
static uint32_t moved_bytes(const OpRecord& op) {
  if (op.kind == OpKind::kCopyMany) return op.argument;
  if (op.kind == OpKind::kConstMany) return op.source;
  const bool is_copy = op.kind < OpKind::kCopyMany;
  const OpKind smallest = is_copy ? OpKind::kCopy1 : OpKind::kConst1;
  return 1u << (static_cast<uint32_t>(op.kind) - static_cast<uint32_t>(smallest));
}

// The factor, then the limits of the result. A product with a factor below 2^63 fits 128 bits.
Status ImageVerifier::verify_scale(const OpRecord& op) const {
  HR_IMAGE_REQUIRE(op.argument < tables_.bounds.count, "a factor outside the bounds");
  const uint64_t factor = tables_.bounds[op.argument];
  HR_IMAGE_REQUIRE(factor >= 2 && factor < 1ull << 63 && op.steps <= 1, "a factor of %llu",
                   static_cast<unsigned long long>(factor));
  return verify_limits(op.argument + 1ull);
}

// The picks, then what is set in each byte: nothing in those that the shuffle leaves to others.
Status ImageVerifier::verify_shuffle(const OpRecord& op) {
  HR_TRY(verify_run(op.argument, 2 * kShuffleBytes, tables_.bytes.count, "shuffle"));
  for (uint32_t at = 0; at < kShuffleBytes; ++at) {
    const uint8_t pick = tables_.bytes[op.argument + at];
    const uint8_t fill = tables_.bytes[op.argument + kShuffleBytes + at];
    const bool is_known = pick < kShuffleBytes || pick == kPickNone || pick == kPickLeft;
    HR_IMAGE_REQUIRE(is_known, "a shuffle that picks byte %u", pick);
    HR_IMAGE_REQUIRE(fill == 0 || (pick == kPickNone && op.kind == OpKind::kShuffle),
                     "a shuffle that sets bits of another's byte");
    HR_IMAGE_REQUIRE(pick != kPickNone || op.kind == OpKind::kShuffle,
                     "constants that fill in bytes");
  }
  return Status::success();
}

// By the value of a byte; without a code there must be one for each.
Status ImageVerifier::verify_map_byte(const OpRecord& op) {
  HR_IMAGE_REQUIRE(load_bytes(op.load) == 1 && !is_bit_kind(op.load), "a map of more than a byte");
  HR_TRY(verify_run(op.argument, 256, tables_.slots.count, "map of bytes"));
  if (op.code != 0) return verify_code(op.code);
  for (uint32_t value = 0; value < 256; ++value) {
    HR_IMAGE_REQUIRE(tables_.slots[op.argument + value] != kNoIndex, "no value for byte %u", value);
  }
  return Status::success();
}

// Ops that store a value that they do not load, or load it from a field that has been checked.
Status ImageVerifier::verify_field_op(const OpRecord& op, OpTarget& target) {
  const bool has_bit = is_bit_kind(op.load);
  const uint32_t store_bytes = field_bytes(op.store);
  switch (op.kind) {
    case OpKind::kOrPresence:
      HR_IMAGE_REQUIRE(has_bit && op.store < 8, "presence that is no bit");
      target = {.bytes = 1, .is_update = true};
      return Status::success();
    case OpKind::kGuard:
    case OpKind::kRequire:
      HR_IMAGE_REQUIRE(has_bit, "presence that is no bit");
      target = {};
      return op.kind == OpKind::kGuard ? Status::success() : verify_code(op.code);
    default:
      break;
  }
  HR_IMAGE_REQUIRE(is_store_kind(op.store), "an unknown kind of field");
  target = {.bytes = store_bytes, .is_update = false};
  switch (op.kind) {
    case OpKind::kWiden:
      return Status::success();
    case OpKind::kFloatWiden:
      HR_IMAGE_REQUIRE(is_store_kind(op.load) && field_bytes(op.load) == 4 && store_bytes == 8,
                       "a float of %u bytes from one of %u", store_bytes, load_bytes(op.load));
      return Status::success();
    case OpKind::kOrBits:
      HR_IMAGE_REQUIRE(is_power_of_two(store_bytes), "a container of %u bytes", store_bytes);
      HR_IMAGE_REQUIRE(op.steps + std::bit_width(op.argument) <= 8 * store_bytes,
                       "bits that do not fit their container");
      target.is_update = true;
      return verify_code(op.code);
    case OpKind::kNarrowChecked:
      HR_TRY(verify_code(op.code));
      return verify_limits(op.argument);
    case OpKind::kMapByte:
      return verify_map_byte(op);
    case OpKind::kMap:
      if (op.code != 0) HR_TRY(verify_code(op.code));
      return verify_map(op);
    default:
      HR_TRY(verify_code(op.code));
      return verify_scale(op);
  }
}

// Checks one op and says what it writes.
Status ImageVerifier::verify_op(const OpRecord& op, const TransformRecord& transform,
                                uint32_t source_bytes, OpTarget& target) {
  HR_IMAGE_REQUIRE(op.kind < OpKind::kCount, "an unknown op");
  const char* const outside = "an op reads outside its message";
  if (op.kind <= OpKind::kConstMany) {
    target = {.bytes = moved_bytes(op), .is_update = false};
    HR_IMAGE_REQUIRE(target.bytes >= 1, "an op that moves no bytes");
  }
  if (op.kind <= OpKind::kCopyMany) {
    HR_IMAGE_REQUIRE(target.bytes <= source_bytes && op.source <= source_bytes - target.bytes, "%s",
                     outside);
    return Status::success();
  }
  if (op.kind <= OpKind::kConstMany) {
    return verify_run(op.argument, target.bytes, tables_.bytes.count, "constant bytes");
  }
  if (op.kind <= OpKind::kSwap8) {
    target = {2u << (static_cast<uint32_t>(op.kind) - static_cast<uint32_t>(OpKind::kSwap2)),
              false};
    HR_IMAGE_REQUIRE(op.source + target.bytes <= source_bytes, "%s", outside);
    return Status::success();
  }
  if (op.kind == OpKind::kReturnAddress || op.kind == OpKind::kRejectCode) {
    HR_IMAGE_REQUIRE(is_store_kind(op.store), "an unknown kind of field");
    target = {field_bytes(op.store), false};
    return op.kind == OpKind::kReturnAddress ? Status::success() : verify_code(op.code);
  }
  if (op.kind == OpKind::kFromSaved || op.kind == OpKind::kCorrelationId) {
    // verify_source has looked at the rest of it.
    target = {.bytes = op.kind == OpKind::kFromSaved ? 0 : field_bytes(op.store),
              .is_update = false};
    return Status::success();
  }
  if (op.kind == OpKind::kRestore) {
    target = {.bytes = op.source, .is_update = true};
    return verify_run(op.argument, target.bytes, tables_.bytes.count, "restored bytes");
  }
  if (op.kind == OpKind::kPlugin) {
    // It is shown the whole message, and may write all of the output.
    target = {.bytes = transform.output_bytes, .is_update = true};
    HR_TRY(verify_plugin_use(op.argument, PluginKind::kTransform, transform.source_bytes));
    HR_IMAGE_REQUIRE(
        op.source == 0 && tables_.plugins[op.argument].output_bytes == transform.output_bytes,
        "a plug-in that writes another message");
    return Status::success();
  }
  if (op.kind == OpKind::kShuffle || op.kind == OpKind::kShuffleMore) {
    HR_IMAGE_REQUIRE(op.source + kShuffleBytes <= transform.source_bytes, "%s", outside);
    target = {.bytes = kShuffleBytes, .is_update = false, .is_shuffle = true};
    return verify_shuffle(op);
  }
  if (op.kind == OpKind::kFitText) {
    const uint32_t text_bytes = op.load | static_cast<uint32_t>(op.store) << 8;
    HR_IMAGE_REQUIRE(text_bytes >= 1 && op.source + text_bytes <= source_bytes, "%s", outside);
    HR_IMAGE_REQUIRE(op.argument >= 1 && op.steps < 4, "text of %u bytes", op.argument);
    target = {.bytes = op.argument, .is_update = false};
    return verify_code(op.code);
  }
  HR_IMAGE_REQUIRE(field_fits(op.load, op.source, source_bytes), "%s", outside);
  return verify_field_op(op, target);
}

Status ImageVerifier::verify_patch(const TransformRecord& transform) const {
  if (transform.patch_offset == kNoIndex) return Status::success();
  const uint32_t patch_bytes = transform.patch_bytes;
  HR_IMAGE_REQUIRE(patch_bytes == 1 || patch_bytes == 2 || patch_bytes == 4 || patch_bytes == 8,
                   "a sequence field of %u bytes", patch_bytes);
  HR_IMAGE_REQUIRE(transform.patch_offset + patch_bytes <= transform.output_bytes &&
                       transform.patch_big_endian <= 1,
                   "a sequence field lies outside its message");
  return Status::success();
}

// Each byte is written once, then changed. Only shuffles set bytes to zero without writing them,
// and fill those in.
Status ImageVerifier::verify_written(const OpRecord& op, const OpTarget& target,
                                     std::vector<ByteState>& states) const {
  for (uint32_t at = 0; at < target.bytes; ++at) {
    ByteState& state = states[op.target + at];
    if (!target.is_shuffle) {
      HR_IMAGE_REQUIRE((state == ByteState::kWritten) == target.is_update, "a byte is %s",
                       target.is_update ? "changed before it is written" : "written twice");
      state = ByteState::kWritten;
      continue;
    }
    const bool is_left = tables_.bytes[op.argument + at] == kPickLeft;
    if (op.kind == OpKind::kShuffleMore) {
      if (is_left) continue;
      HR_IMAGE_REQUIRE(state == ByteState::kZeroed, "a byte is filled in that is not zero");
    }
    HR_IMAGE_REQUIRE(state != ByteState::kWritten, "a byte is written twice");
    state = is_left ? ByteState::kZeroed : ByteState::kWritten;
  }
  return Status::success();
}

// Whether an op takes its value from a field, so that it may take it from one that is kept.
static bool reads_field(OpKind kind) {
  switch (kind) {
    case OpKind::kWiden:
    case OpKind::kNarrowChecked:
    case OpKind::kMap:
    case OpKind::kOrBits:
    case OpKind::kScale:
    case OpKind::kFloatWiden:
    case OpKind::kFitText:
    case OpKind::kMapByte:
      return true;
    default:
      return kind <= OpKind::kCopyMany || (kind >= OpKind::kSwap2 && kind <= OpKind::kSwap8);
  }
}

// Says how many bytes an op has to read from, and notes what its transform needs for it.
Status ImageVerifier::verify_source(const OpRecord* op, const TransformRecord& transform,
                                    Correlated& needs, uint32_t& source_bytes) const {
  const OpRecord* const first = tables_.ops.from(transform.ops);
  source_bytes = transform.source_bytes;
  if (op->kind == OpKind::kFromSaved || op->kind == OpKind::kCorrelationId) {
    HR_TRY(verify_correlated_op(*op, transform, needs));
  }
  if (op->kind == OpKind::kFromSaved) {
    HR_IMAGE_REQUIRE(op + 1 < first + transform.op_count && reads_field(op[1].kind),
                     "a kept value for no op");
    HR_IMAGE_REQUIRE(op == first || op[-1].kind != OpKind::kGuard, "a guard of a kept value");
  }
  if (op != first && op[-1].kind == OpKind::kFromSaved) {
    source_bytes = 8u * tables_.correlations[op[-1].argument].saved_words;
  }
  return Status::success();
}

// The variables come later: they need the layout of the messages.
Status ImageVerifier::verify_transform(const TransformRecord& transform) {
  HR_IMAGE_REQUIRE(transform.source_bytes >= 1 && transform.source_bytes <= kViewBytesMax,
                   "a transform of %u bytes", transform.source_bytes);
  HR_IMAGE_REQUIRE(transform.output_bytes >= 1 && transform.output_bytes <= kViewBytesMax,
                   "a transform to %u bytes", transform.output_bytes);
  if (transform.output_schema == kNoIndex) {
    HR_IMAGE_REQUIRE(transform.source_view == kNoIndex && transform.patch_offset == kNoIndex,
                     "a transform of entries as if of messages");
    HR_IMAGE_REQUIRE(transform.output_bytes % 8 == 0 && transform.output_bytes <= UINT16_MAX,
                     "entries of %u bytes", transform.output_bytes);
  }
  HR_TRY(verify_run(transform.ops, transform.op_count, tables_.ops.count, "ops"));
  HR_TRY(charge(transform.output_bytes));
  HR_IMAGE_REQUIRE(transform.shuffle_count <= transform.op_count, "%u shuffles among %u ops",
                   transform.shuffle_count, transform.op_count);
  std::vector<ByteState> states(transform.output_bytes, ByteState::kUntouched);
  bool is_guarded = false;
  Correlated needs;
  for (uint32_t index = 0; index < transform.op_count; ++index) {
    const OpRecord& op = tables_.ops[transform.ops + index];
    OpTarget target;
    uint32_t source_bytes = 0;
    HR_TRY(verify_source(&op, transform, needs, source_bytes));
    HR_TRY(verify_op(op, transform, source_bytes, target));
    // What an op writes that may be skipped must have been written without it.
    if (is_guarded) target.is_update = true;
    HR_IMAGE_REQUIRE(op.kind != OpKind::kGuard || (!is_guarded && index + 1 < transform.op_count),
                     "a guard of no op");
    HR_IMAGE_REQUIRE((index < transform.shuffle_count) == target.is_shuffle,
                     "%u shuffles, which come first", transform.shuffle_count);
    is_guarded = op.kind == OpKind::kGuard;
    HR_IMAGE_REQUIRE(target.bytes <= transform.output_bytes &&
                         op.target <= transform.output_bytes - target.bytes,
                     "an op writes outside its message");
    HR_TRY(verify_written(op, target, states));
  }
  const auto written_bytes =
      static_cast<uint32_t>(std::count(states.begin(), states.end(), ByteState::kWritten));
  // A byte left out would carry what the slot held before: another message's content.
  HR_IMAGE_REQUIRE(written_bytes == transform.output_bytes, "%u of %u bytes are written",
                   written_bytes, transform.output_bytes);
  transform_needs_.push_back(needs);
  return verify_patch(transform);
}

}  // namespace hyperroute
