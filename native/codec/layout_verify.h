// The parts of a layout image while it is verified, and what verifies them.
// Thread: control thread, before anything reads the image. Not on the data path.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "include/hyperroute/layout_format.h"

#define HR_LAYOUT_REQUIRE(condition, ...)                                           \
  do {                                                                              \
    if (!(condition)) return Status::error(StatusCode::kImageCorrupt, __VA_ARGS__); \
  } while (false)

namespace hyperroute {

struct LayoutParts {
  LayoutHeader header;
  std::span<const LayoutBlock> blocks;
  std::span<const LayoutSlot> slots;
  std::span<const LayoutField> fields;
  std::span<const LayoutSymbol> symbols;
  std::span<const uint16_t> versions;
  std::span<const uint16_t> fingerprints;
  std::span<const uint8_t> bytes;

  bool is_native() const noexcept {
    return header.kind == static_cast<uint8_t>(LayoutKind::kNative);
  }
  uint32_t version_bytes(uint32_t block, uint32_t version) const noexcept {
    return versions[block * header.version + version - 1];
  }
  // Whether a range lies inside the bytes section.
  bool has_bytes(uint32_t offset, uint32_t count) const noexcept {
    return offset <= bytes.size() && count <= bytes.size() - offset;
  }
};

// A whole image, where it lies: in 8-aligned memory that nobody writes any more.
[[nodiscard]] Status verify_layout(std::span<const uint8_t> image);

// The tree of blocks, their versions, their slots and their places in the other sections.
Status verify_blocks(const LayoutParts& parts);
// Every field: its name, type and place. The blocks have been verified.
Status verify_fields(const LayoutParts& parts);
// Names and values of an enumeration or of flags.
Status verify_symbols(const LayoutParts& parts, const LayoutField& field, const char* name);
// The blocks that writers start from hold the fallbacks of their fields and zeros.
Status verify_initial(const LayoutParts& parts);

// The bytes of one value of a base; 0 for none.
constexpr uint32_t base_bytes(FieldBase base) noexcept {
  switch (base) {
    case FieldBase::kNone:
      return 0;
    case FieldBase::kU8:
    case FieldBase::kI8:
      return 1;
    case FieldBase::kU16:
    case FieldBase::kI16:
      return 2;
    case FieldBase::kU24:
      return 3;
    case FieldBase::kU32:
    case FieldBase::kI32:
    case FieldBase::kF32:
      return 4;
    case FieldBase::kU40:
      return 5;
    case FieldBase::kU48:
      return 6;
    case FieldBase::kU64:
    case FieldBase::kI64:
    case FieldBase::kF64:
      return 8;
  }
  return 0;
}

constexpr bool is_signed_base(FieldBase base) noexcept {
  return base == FieldBase::kI8 || base == FieldBase::kI16 || base == FieldBase::kI32 ||
         base == FieldBase::kI64;
}

constexpr bool is_slot_type(FieldType type) noexcept {
  return type == FieldType::kString || type == FieldType::kBlob || type == FieldType::kGroup;
}

}  // namespace hyperroute
