// Verification of a route image: uses of plug-ins. What the functions themselves are is found out
// when the image is bound to libraries.
// Thread: control thread, before the image is installed. Not on the data path.
#include "route/image_verify.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPluginNameBytesMax = 64;
constexpr uint32_t kPluginConfigurationBytesMax = 65535;
constexpr uint32_t kPluginFieldNameBytesMax = 255;
constexpr uint32_t kPluginUsesMax = 65535;

}  // namespace

Status ImageVerifier::verify_plugins() {
  HR_IMAGE_REQUIRE(tables_.plugins.count <= kPluginUsesMax, "%u uses of plug-ins",
                   tables_.plugins.count);
  for (uint32_t index = 0; index < tables_.plugins.count; ++index) {
    HR_TRY(verify_plugin(tables_.plugins[index]));
  }
  return Status::success();
}

Status ImageVerifier::verify_plugin(const PluginRecord& use) {
  HR_IMAGE_REQUIRE(use.kind <= static_cast<uint32_t>(PluginKind::kTransform),
                   "a plug-in of kind %u", use.kind);
  const auto kind = static_cast<PluginKind>(use.kind);
  HR_IMAGE_REQUIRE(use.name_bytes >= 1, "a plug-in's function without a name");
  HR_TRY(verify_plugin_text(use.name, use.name_bytes, kPluginNameBytesMax));
  HR_TRY(
      verify_plugin_text(use.configuration, use.configuration_bytes, kPluginConfigurationBytesMax));
  HR_IMAGE_REQUIRE(use.view_bytes <= kViewBytesMax, "a plug-in for %u bytes", use.view_bytes);
  HR_TRY(verify_plugin_fields(use.fields, use.field_count, use.view_bytes));
  const bool is_transform = kind == PluginKind::kTransform;
  HR_IMAGE_REQUIRE(use.output_bytes <= kViewBytesMax && is_transform == (use.output_bytes != 0),
                   "a plug-in that writes %u bytes", use.output_bytes);
  HR_TRY(verify_plugin_fields(use.output_fields, use.output_field_count, use.output_bytes));
  HR_IMAGE_REQUIRE(use.code_count == 0 || is_transform || kind == PluginKind::kValidate,
                   "a plug-in with codes that it cannot give");
  HR_TRY(verify_run(use.codes, use.code_count, tables_.bounds.count, "codes of a plug-in"));
  for (uint32_t index = 0; index < use.code_count; ++index) {
    const uint64_t code = tables_.bounds[use.codes + index];
    HR_IMAGE_REQUIRE(code <= UINT32_MAX, "a code of a plug-in is too large");
    HR_TRY(verify_code(static_cast<uint32_t>(code)));
  }
  HR_IMAGE_REQUIRE((kind == PluginKind::kPick) == (use.member_count != 0),
                   "a plug-in for %u members", use.member_count);
  return Status::success();
}

Status ImageVerifier::verify_plugin_fields(uint32_t first, uint32_t count, uint32_t message_bytes) {
  HR_TRY(verify_run(first, count, tables_.plugin_fields.count, "fields of a plug-in"));
  for (uint32_t index = 0; index < count; ++index) {
    const PluginFieldRecord& field = tables_.plugin_fields[first + index];
    HR_TRY(verify_plugin_text(field.name, field.name_bytes, kPluginFieldNameBytesMax));
    HR_IMAGE_REQUIRE(field.bytes <= message_bytes && field.offset <= message_bytes - field.bytes,
                     "a plug-in's field lies outside its message");
    const auto type = static_cast<PluginFieldType>(field.type);
    HR_IMAGE_REQUIRE(type <= PluginFieldType::kBytes && field.is_big_endian <= 1,
                     "a plug-in's field of no known type");
    HR_IMAGE_REQUIRE(type == PluginFieldType::kBytes || (field.bytes >= 1 && field.bytes <= 8),
                     "a plug-in's integer of %u bytes", field.bytes);
  }
  return Status::success();
}

// Handed on as text that ends with a zero, so it holds none.
Status ImageVerifier::verify_plugin_text(uint32_t first, uint32_t bytes, uint32_t bytes_max) {
  HR_IMAGE_REQUIRE(bytes <= bytes_max, "a plug-in's text of %u bytes", bytes);
  HR_TRY(verify_run(first, bytes, tables_.bytes.count, "text of a plug-in"));
  for (uint32_t index = 0; index < bytes; ++index) {
    HR_IMAGE_REQUIRE(tables_.bytes[first + index] != 0, "a zero in a plug-in's text");
  }
  return Status::success();
}

Status ImageVerifier::verify_plugin_use(uint32_t index, PluginKind kind,
                                        uint32_t view_bytes) const {
  HR_IMAGE_REQUIRE(index < tables_.plugins.count, "no plug-in %u", index);
  const PluginRecord& use = tables_.plugins[index];
  HR_IMAGE_REQUIRE(static_cast<PluginKind>(use.kind) == kind && use.view_bytes == view_bytes,
                   "plug-in %u is for something else", index);
  return Status::success();
}

}  // namespace hyperroute
