// A layout image taken apart: tests make each kind of damage with a check sum that is right, so
// that only the verifier can notice.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/crc32c.h"
#include "new_order.h"

namespace hyperroute {

// Makes the check sum right after bytes were changed.
inline void fix_layout_crc(std::vector<uint8_t>& image) {
  if (image.size() < sizeof(LayoutHeader)) return;
  const uint32_t crc = crc32c(image.data() + kLayoutCrcStart, image.size() - kLayoutCrcStart);
  std::memcpy(image.data() + offsetof(LayoutHeader, crc), &crc, sizeof crc);
}

// Makes the first fields of the header right too: random bytes would never get past them.
inline void repair_layout(std::vector<uint8_t>& image) {
  if (image.size() < sizeof(LayoutHeader)) return;
  LayoutHeader header;
  std::memcpy(&header, image.data(), sizeof header);
  header.magic = kLayoutMagic;
  header.format_version = kLayoutFormatVersion;
  header.section_count = kLayoutSectionCount;
  header.image_bytes = static_cast<uint32_t>(image.size());
  std::memcpy(image.data(), &header, sizeof header);
  fix_layout_crc(image);
}

// The records of an image, to be changed in place.
struct LayoutDraft {
  explicit LayoutDraft(const std::string& name) : image(read_layout_vector(name)) {}

  LayoutHeader& header() { return *reinterpret_cast<LayoutHeader*>(image.data()); }
  template <typename Record>
  Record* section(LayoutSection which) {
    return reinterpret_cast<Record*>(image.data() + header().sections[which].offset);
  }
  LayoutBlock* blocks() { return section<LayoutBlock>(kLayoutBlocks); }
  LayoutSlot* slots() { return section<LayoutSlot>(kLayoutSlots); }
  LayoutField* fields() { return section<LayoutField>(kLayoutFields); }
  LayoutSymbol* symbols() { return section<LayoutSymbol>(kLayoutSymbols); }
  uint16_t* versions() { return section<uint16_t>(kLayoutVersions); }
  uint8_t* bytes() { return section<uint8_t>(kLayoutBytes); }

  // The field of block 0, or of the first block that has one of this name.
  LayoutField& field(std::string_view name) {
    for (uint32_t index = 0; index < header().sections[kLayoutFields].count; ++index) {
      LayoutField& record = fields()[index];
      const auto* const text = reinterpret_cast<const char*>(bytes() + record.name);
      if (std::string_view(text, record.name_bytes) == name) return record;
    }
    HR_ASSERT(false);
    return fields()[0];
  }

  Status load() {
    fix_layout_crc(image);
    LayoutImage loaded;
    return LayoutImage::load(image, loaded);
  }

  std::vector<uint8_t> image;
};

}  // namespace hyperroute
