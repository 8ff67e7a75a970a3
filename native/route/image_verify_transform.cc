// Verification of a route image: transforms. A verified transform reads within its source,
// writes each byte of its output exactly once and nothing else.
// Thread: control thread, before the image is installed. Not on the data path.
#include <vector>

#include "route/image_verify.h"

namespace hyperroute {

Status ImageVerifier::verify_limits(uint32_t first) const {
  HR_IMAGE_REQUIRE(first < tables_.bounds.count && tables_.bounds.count - first >= 2,
                   "limits outside the bounds");
  const uint64_t low = tables_.bounds[first];
  const uint64_t span = tables_.bounds[first + 1];
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
  return verify_run(static_cast<uint32_t>(op.argument + 1 + padded_count), count,
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

// Checks one op and says how many bytes from op.target it writes.
Status ImageVerifier::verify_op(const OpRecord& op, const TransformRecord& transform,
                                uint32_t& target_bytes) {
  HR_IMAGE_REQUIRE(op.kind < OpKind::kCount, "an unknown op");
  const char* const outside = "an op reads outside its message";
  if (op.kind <= OpKind::kCopyMany) {
    target_bytes = moved_bytes(op);
    HR_IMAGE_REQUIRE(target_bytes <= transform.source_bytes &&
                         op.source <= transform.source_bytes - target_bytes,
                     "%s", outside);
    return Status::success();
  }
  if (op.kind <= OpKind::kConstMany) {
    target_bytes = moved_bytes(op);
    return verify_run(op.argument, target_bytes, tables_.bytes.count, "constant bytes");
  }
  if (op.kind <= OpKind::kSwap8) {
    target_bytes = 2u << (static_cast<uint32_t>(op.kind) - static_cast<uint32_t>(OpKind::kSwap2));
    HR_IMAGE_REQUIRE(op.source + target_bytes <= transform.source_bytes, "%s", outside);
    return Status::success();
  }
  HR_IMAGE_REQUIRE(op.store < kFieldKindCount, "an unknown kind of field");
  target_bytes = field_bytes(op.store);
  if (op.kind == OpKind::kReturnAddress) return Status::success();
  if (op.kind == OpKind::kRejectCode) return verify_code(op.code);
  HR_IMAGE_REQUIRE(field_fits(op.load, op.source, transform.source_bytes), "%s", outside);
  if (op.kind == OpKind::kWiden) return Status::success();
  HR_TRY(verify_code(op.code));
  return op.kind == OpKind::kMap ? verify_map(op) : verify_limits(op.argument);
}

Status ImageVerifier::verify_transform(const TransformRecord& transform) {
  HR_IMAGE_REQUIRE(transform.source_bytes >= 1 && transform.source_bytes <= kMessageBytesMax,
                   "a transform of %u bytes", transform.source_bytes);
  HR_IMAGE_REQUIRE(transform.output_bytes >= 1 && transform.output_bytes <= kMessageBytesMax,
                   "a transform to %u bytes", transform.output_bytes);
  HR_IMAGE_REQUIRE(transform.output_schema != kNoIndex, "a transform to no message type");
  HR_TRY(verify_run(transform.ops, transform.op_count, tables_.ops.count, "ops"));
  HR_TRY(charge(transform.output_bytes));
  std::vector<bool> is_written(transform.output_bytes, false);
  uint32_t written_bytes = 0;
  for (uint32_t index = 0; index < transform.op_count; ++index) {
    const OpRecord& op = tables_.ops[transform.ops + index];
    uint32_t target_bytes = 0;
    HR_TRY(verify_op(op, transform, target_bytes));
    HR_IMAGE_REQUIRE(target_bytes >= 1 && target_bytes <= transform.output_bytes &&
                         op.target <= transform.output_bytes - target_bytes,
                     "an op writes outside its message");
    for (uint32_t byte = op.target; byte < op.target + target_bytes; ++byte) {
      HR_IMAGE_REQUIRE(!is_written[byte], "a byte is written twice");
      is_written[byte] = true;
    }
    written_bytes += target_bytes;
  }
  // A byte left out would carry what the slot held before: another message's content.
  HR_IMAGE_REQUIRE(written_bytes == transform.output_bytes, "%u of %u bytes are written",
                   written_bytes, transform.output_bytes);
  if (transform.patch_offset == kNoIndex) return Status::success();
  const uint32_t patch_bytes = transform.patch_bytes;
  HR_IMAGE_REQUIRE(patch_bytes == 1 || patch_bytes == 2 || patch_bytes == 4 || patch_bytes == 8,
                   "a sequence field of %u bytes", patch_bytes);
  HR_IMAGE_REQUIRE(transform.patch_offset + patch_bytes <= transform.output_bytes &&
                       transform.patch_big_endian <= 1,
                   "a sequence field lies outside its message");
  return Status::success();
}

}  // namespace hyperroute
