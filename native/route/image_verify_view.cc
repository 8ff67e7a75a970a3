// Verification of a route image: views. A verified view is filled from its start to its end, from
// places of the message that are checked when it is built, and from places of its own that have
// been filled before.
// Thread: control thread, before the image is installed. Not on the data path.
#include "codec/layout_verify.h"
#include "route/image_verify.h"

namespace hyperroute {

static constexpr uint64_t kLayoutByteWork = 16;

Status ImageVerifier::verify_views() {
  layouts_.assign(tables_.views.count, MessageLayout());
  for (uint32_t index = 0; index < tables_.views.count; ++index) {
    const ViewRecord& view = tables_.views[index];
    HR_IMAGE_REQUIRE(view.kind <= ViewKind::kForeign, "view %u: unknown kind", index);
    HR_IMAGE_REQUIRE(view.view_bytes >= 1 && view.view_bytes <= kViewBytesMax,
                     "view %u has %u bytes", index, view.view_bytes);
    HR_TRY(view.kind == ViewKind::kNative ? verify_native_view(view, index)
                                          : verify_foreign_view(view, index));
  }
  return Status::success();
}

Status ImageVerifier::verify_native_view(const ViewRecord& view, uint32_t index) {
  const uint64_t section_bytes = uint64_t{tables_.layout_words.count} * sizeof(uint64_t);
  HR_IMAGE_REQUIRE(view.layout % 8 == 0 && view.layout <= section_bytes &&
                       view.layout_bytes <= section_bytes - view.layout,
                   "view %u: the layout lies outside its section", index);
  // Views may share a layout, which is verified for each of them, and takes longer than its bytes
  // would elsewhere.
  HR_TRY(charge(kLayoutByteWork * view.layout_bytes));
  const auto* const image = reinterpret_cast<const uint8_t*>(tables_.layout_words.records);
  HR_TRY(verify_layout({image + view.layout, view.layout_bytes}));
  const MessageLayout layout(image + view.layout);
  HR_IMAGE_REQUIRE(layout.kind() == LayoutKind::kNative, "view %u: a layout that is not native",
                   index);
  HR_IMAGE_REQUIRE(view.view_bytes == kMessageHeaderBytes + layout.block_bytes() &&
                       view.message_bytes_min == kMessageHeaderBytes && view.message_bytes_max == 0,
                   "view %u is not as large as its layout says", index);
  HR_IMAGE_REQUIRE(view.op_count == 0, "view %u is native and has ops", index);
  layouts_[index] = layout;
  return Status::success();
}

// How many bytes an op of a view fills, of a view that is filled up to `filled_bytes`; 0: its
// source lies elsewhere, or it makes no sense.
static uint32_t filled_by(const ViewOpRecord& op, uint32_t filled_bytes) {
  const bool is_unsigned = is_store_kind(op.load) && (op.load & kFieldSigned) == 0;
  if (!is_unsigned || !field_fits(op.load, op.source, filled_bytes)) return 0;
  if (op.kind == ViewOpKind::kSection) return op.bytes;
  const bool is_bits = op.kind == ViewOpKind::kBits && op.bytes == sizeof(uint32_t) &&
                       op.width >= 1 && op.width <= 32 &&
                       uint32_t{op.shift} + op.width <= 8 * field_bytes(op.load);
  return is_bits ? op.bytes : 0;
}

Status ImageVerifier::verify_foreign_view(const ViewRecord& view, uint32_t index) {
  HR_IMAGE_REQUIRE(view.layout == kNoRecord && view.layout_bytes == 0,
                   "view %u is foreign and has a layout", index);
  HR_IMAGE_REQUIRE(
      view.message_bytes_min <= view.view_bytes &&
          (view.message_bytes_max == 0 || view.message_bytes_max >= view.message_bytes_min),
      "view %u: messages of %u to %u bytes", index, view.message_bytes_min, view.message_bytes_max);
  HR_TRY(verify_run(view.ops, view.op_count, tables_.view_ops.count, "view ops"));
  uint32_t filled_bytes = view.message_bytes_min;
  for (uint32_t position = 0; position < view.op_count; ++position) {
    const ViewOpRecord& op = tables_.view_ops[view.ops + position];
    const uint32_t bytes = filled_by(op, filled_bytes);
    HR_IMAGE_REQUIRE(bytes >= 1, "view %u: op %u reads astray", index, position);
    HR_IMAGE_REQUIRE(op.target == filled_bytes && bytes <= view.view_bytes - filled_bytes,
                     "view %u: op %u does not go on where the one before ended", index, position);
    filled_bytes += bytes;
  }
  HR_IMAGE_REQUIRE(filled_bytes == view.view_bytes, "view %u: %u of %u bytes are filled", index,
                   filled_bytes, view.view_bytes);
  return Status::success();
}

}  // namespace hyperroute
