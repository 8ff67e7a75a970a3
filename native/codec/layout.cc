// Loading a layout image: header, check sum, sections; layout_verify*.cc does the rest.
// Thread: control thread. Not on the data path.
#include "codec/layout.h"

#include <cstring>

#include "base/crc32c.h"
#include "codec/layout_verify.h"

namespace hyperroute {
namespace {

Status verify_header(std::span<const uint8_t> image, LayoutHeader& header) {
  HR_LAYOUT_REQUIRE(image.size() >= sizeof header && image.size() <= kLayoutBytesMax,
                    "a layout of %zu bytes is shorter than its header or too large", image.size());
  std::memcpy(&header, image.data(), sizeof header);
  HR_LAYOUT_REQUIRE(header.magic == kLayoutMagic, "not a layout image");
  HR_LAYOUT_REQUIRE(header.format_version == kLayoutFormatVersion,
                    "layout format version %u, this engine reads %u", header.format_version,
                    kLayoutFormatVersion);
  HR_LAYOUT_REQUIRE(header.section_count == kLayoutSectionCount, "%u sections, expected %u",
                    header.section_count, kLayoutSectionCount);
  HR_LAYOUT_REQUIRE(header.image_bytes == image.size(), "the header says %u bytes, %zu given",
                    header.image_bytes, image.size());
  const auto covered = image.subspan(kLayoutCrcStart);
  HR_LAYOUT_REQUIRE(crc32c(covered.data(), covered.size()) == header.crc,
                    "the layout's check sum does not match");
  HR_LAYOUT_REQUIRE(header.kind <= static_cast<uint8_t>(LayoutKind::kC), "layout kind %u",
                    header.kind);
  HR_LAYOUT_REQUIRE(header.version != 0, "version 0 of a layout");
  const bool is_native = header.kind == static_cast<uint8_t>(LayoutKind::kNative);
  HR_LAYOUT_REQUIRE(!is_native || header.template_id <= UINT16_MAX,
                    "a template id that a header has no room for");
  HR_LAYOUT_REQUIRE(is_native || header.version == 1, "a foreign layout of several versions");
  return Status::success();
}

template <typename Record>
Status find_section(const uint8_t* base, const LayoutHeader& header, LayoutSection section,
                    std::span<const Record>& records) {
  const LayoutSectionEntry& entry = header.sections[section];
  HR_LAYOUT_REQUIRE(entry.offset % 8 == 0 && entry.offset >= sizeof header &&
                        entry.offset <= header.image_bytes &&
                        entry.count <= (header.image_bytes - entry.offset) / sizeof(Record),
                    "section %u lies outside the layout", section);
  records = {reinterpret_cast<const Record*>(base + entry.offset), entry.count};
  return Status::success();
}

Status verify_sections(const uint8_t* base, LayoutParts& parts) {
  const LayoutHeader& header = parts.header;
  HR_TRY(find_section(base, header, kLayoutBlocks, parts.blocks));
  HR_TRY(find_section(base, header, kLayoutSlots, parts.slots));
  HR_TRY(find_section(base, header, kLayoutFields, parts.fields));
  HR_TRY(find_section(base, header, kLayoutSymbols, parts.symbols));
  HR_TRY(find_section(base, header, kLayoutVersions, parts.versions));
  HR_TRY(find_section(base, header, kLayoutFingerprints, parts.fingerprints));
  HR_TRY(find_section(base, header, kLayoutBytes, parts.bytes));
  HR_LAYOUT_REQUIRE(parts.has_bytes(header.name, header.name_bytes),
                    "the layout's name lies outside");
  HR_LAYOUT_REQUIRE(parts.fingerprints.size() == (parts.is_native() ? header.version : 0u),
                    "%zu fingerprints for %u versions", parts.fingerprints.size(), header.version);
  return Status::success();
}

Status verify_parts(const uint8_t* base, LayoutParts& parts) {
  HR_TRY(verify_sections(base, parts));
  HR_TRY(verify_blocks(parts));
  HR_TRY(verify_fields(parts));
  return verify_initial(parts);
}

}  // namespace

Status verify_layout(std::span<const uint8_t> image) {
  LayoutParts parts;
  HR_TRY(verify_header(image, parts.header));
  return verify_parts(image.data(), parts);
}

Status LayoutImage::load(std::span<const uint8_t> image_bytes, LayoutImage& image) {
  LayoutParts parts;
  HR_TRY(verify_header(image_bytes, parts.header));
  Result<MemoryRegion> memory = MemoryRegion::anonymous(image_bytes.size(), Prefault::kYes);
  if (!memory.ok()) return memory.status();
  // Copied before it is verified: the caller's bytes may be shared with a thread that changes
  // them. The header that was verified goes in with the copy.
  LayoutImage loaded;
  loaded.memory_ = memory.take();
  uint8_t* const base = loaded.memory_.data();
  std::memcpy(base, image_bytes.data(), image_bytes.size());
  std::memcpy(base, &parts.header, sizeof parts.header);
  HR_TRY(verify_parts(base, parts));
  loaded.layout_ = MessageLayout(base);
  image = std::move(loaded);
  return Status::success();
}

Status LayoutImage::status_of(std::string_view path, FieldFault fault) noexcept {
  const auto path_bytes = static_cast<int>(path.size() < 100 ? path.size() : 100);
  if (fault == FieldFault::kNone) return Status::success();
  if (fault == FieldFault::kMissing) {
    return Status::error(StatusCode::kNotFound, "no field %.*s", path_bytes, path.data());
  }
  return Status::error(StatusCode::kSchema, "field %.*s is of another type", path_bytes,
                       path.data());
}

}  // namespace hyperroute
