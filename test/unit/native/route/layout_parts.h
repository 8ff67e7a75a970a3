// A layout image by hand: native message types of several versions, as
// lib/schema/layout-image.ts writes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "include/hyperroute/layout_format.h"

namespace hyperroute {

struct FieldPart {
  std::string name;
  FieldType type = FieldType::kInteger;
  FieldBase base = FieldBase::kNone;
  uint32_t offset = 0;
  uint8_t since = 1;
  std::vector<uint8_t> fallback = {};
  uint16_t presence_offset = kLayoutNone;
  uint8_t presence_bit = 0;
  uint32_t max = 0;    // Of slots.
  uint16_t child = 0;  // Of groups.

  bool is_slot() const { return type >= FieldType::kString && type <= FieldType::kGroup; }
  uint32_t bytes() const {
    switch (base) {
      case FieldBase::kNone:
        return kSlotBytes;
      case FieldBase::kU8:
        return 1;
      case FieldBase::kU16:
        return 2;
      case FieldBase::kU32:
      case FieldBase::kI32:
      case FieldBase::kF32:
        return 4;
      default:
        return 8;
    }
  }
};

struct BlockPart {
  std::vector<uint16_t> version_bytes;
  std::vector<FieldPart> fields;
  uint16_t parent = kLayoutNone;
  uint16_t depth = 0;
};

struct LayoutSource {
  uint16_t template_id = 0;
  std::vector<uint16_t> fingerprints;  // One for each version.
  std::vector<BlockPart> blocks;

  uint8_t version() const { return static_cast<uint8_t>(fingerprints.size()); }

  // The schema as it was in an older version: without what came later.
  LayoutSource as_of(uint8_t older) const {
    LayoutSource result = *this;
    result.fingerprints.resize(older);
    for (BlockPart& block : result.blocks) {
      block.version_bytes.resize(older);
      std::erase_if(block.fields, [&](const FieldPart& field) { return field.since > older; });
    }
    while (result.blocks.back().version_bytes.back() == 0) result.blocks.pop_back();
    return result;
  }

  std::vector<uint8_t> image() const;
};

namespace layout_parts {

struct Sections {
  std::vector<LayoutBlock> blocks;
  std::vector<LayoutSlot> slots;
  std::vector<LayoutField> fields;
  std::vector<uint16_t> versions;
  std::vector<uint8_t> bytes;

  uint32_t add(const void* data, size_t count) {
    const auto start = static_cast<uint32_t>(bytes.size());
    const auto* const from = static_cast<const uint8_t*>(data);
    bytes.insert(bytes.end(), from, from + count);
    return start;
  }
};

inline void add_slots(Sections& sections, const BlockPart& block) {
  std::vector<FieldPart> slots = block.fields;
  std::erase_if(slots, [](const FieldPart& field) { return !field.is_slot(); });
  std::sort(slots.begin(), slots.end(),
            [](const FieldPart& a, const FieldPart& b) { return a.offset < b.offset; });
  for (const FieldPart& field : slots) {
    LayoutSlot slot{};
    slot.offset = static_cast<uint16_t>(field.offset);
    slot.presence_offset = field.presence_offset;
    slot.presence_mask = field.presence_offset == kLayoutNone ? 0 : 1u << field.presence_bit;
    slot.max = field.max;
    slot.type = field.type;
    slot.block = field.type == FieldType::kGroup ? field.child : kLayoutNone;
    sections.slots.push_back(slot);
  }
}

inline void add_fields(Sections& sections, const BlockPart& block, uint32_t slots) {
  std::vector<FieldPart> parts = block.fields;
  std::sort(parts.begin(), parts.end(),
            [](const FieldPart& a, const FieldPart& b) { return a.name < b.name; });
  for (const FieldPart& part : parts) {
    LayoutField field{};
    field.name = sections.add(part.name.data(), part.name.size());
    field.name_bytes = static_cast<uint8_t>(part.name.size());
    field.id = static_cast<uint32_t>(sections.fields.size());
    field.offset = part.offset;
    field.bytes = part.bytes();
    field.unknown_symbol = kLayoutNone;
    field.presence_offset = part.presence_offset;
    field.presence_bit = part.presence_bit;
    field.since = part.since;
    field.type = part.type;
    field.base = part.base;
    field.flags = part.fallback.empty() ? uint8_t{0} : uint8_t{kFieldHasFallback};
    field.slot = kLayoutNone;
    field.base_field = kLayoutNone;
    for (uint32_t slot = slots; part.is_slot() && slot < sections.slots.size(); ++slot) {
      if (sections.slots[slot].offset == part.offset) {
        field.slot = static_cast<uint16_t>(slot - slots);
      }
    }
    sections.fields.push_back(field);
  }
}

inline uint32_t add_initial(Sections& sections, const LayoutSource& source, size_t index) {
  const BlockPart& block = source.blocks[index];
  const auto start = static_cast<uint32_t>(sections.bytes.size());
  if (index == 0) {
    const uint16_t header[] = {source.template_id, source.version(), block.version_bytes.back(),
                               source.fingerprints.back()};
    sections.add(header, sizeof header);
  }
  const auto block_start = sections.bytes.size();
  sections.bytes.resize(block_start + block.version_bytes.back(), 0);
  for (const FieldPart& field : block.fields) {
    std::copy(field.fallback.begin(), field.fallback.end(),
              sections.bytes.begin() + static_cast<ptrdiff_t>(block_start + field.offset));
  }
  return start;
}

template <typename Record>
LayoutSectionEntry append(std::vector<uint8_t>& image, const std::vector<Record>& records) {
  const LayoutSectionEntry entry{static_cast<uint32_t>(image.size()),
                                 static_cast<uint32_t>(records.size())};
  const size_t bytes = records.size() * sizeof(Record);
  image.resize((image.size() + bytes + 7) / 8 * 8, 0);
  if (bytes != 0) std::memcpy(image.data() + entry.offset, records.data(), bytes);
  return entry;
}

}  // namespace layout_parts

inline std::vector<uint8_t> LayoutSource::image() const {
  layout_parts::Sections sections;
  for (const BlockPart& block : blocks) {
    LayoutBlock record{};
    record.block_bytes = block.version_bytes.back();
    record.slots = static_cast<uint32_t>(sections.slots.size());
    record.fields = static_cast<uint32_t>(sections.fields.size());
    record.parent = block.parent;
    record.depth = block.depth;
    layout_parts::add_slots(sections, block);
    layout_parts::add_fields(sections, block, record.slots);
    record.slot_count = static_cast<uint16_t>(sections.slots.size() - record.slots);
    record.field_count = static_cast<uint16_t>(block.fields.size());
    sections.blocks.push_back(record);
    sections.versions.insert(sections.versions.end(), block.version_bytes.begin(),
                             block.version_bytes.end());
  }
  for (size_t index = 0; index < blocks.size(); ++index) {
    sections.blocks[index].initial = layout_parts::add_initial(sections, *this, index);
  }
  LayoutHeader header{};
  std::vector<uint8_t> image(sizeof header, 0);
  header.magic = kLayoutMagic;
  header.format_version = kLayoutFormatVersion;
  header.section_count = kLayoutSectionCount;
  header.template_id = template_id;
  header.kind = static_cast<uint8_t>(LayoutKind::kNative);
  header.version = version();
  header.sections[kLayoutBlocks] = layout_parts::append(image, sections.blocks);
  header.sections[kLayoutSlots] = layout_parts::append(image, sections.slots);
  header.sections[kLayoutFields] = layout_parts::append(image, sections.fields);
  header.sections[kLayoutSymbols] = layout_parts::append(image, std::vector<LayoutSymbol>());
  header.sections[kLayoutVersions] = layout_parts::append(image, sections.versions);
  header.sections[kLayoutFingerprints] = layout_parts::append(image, fingerprints);
  header.sections[kLayoutBytes] = layout_parts::append(image, sections.bytes);
  header.image_bytes = static_cast<uint32_t>(image.size());
  std::memcpy(image.data(), &header, sizeof header);
  header.crc = crc32c(image.data() + kLayoutCrcStart, image.size() - kLayoutCrcStart);
  std::memcpy(image.data(), &header, sizeof header);
  return image;
}

}  // namespace hyperroute
