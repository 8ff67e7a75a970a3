// Checks of values. Thread: any; nothing is allocated.
#include "codec/value_check.h"

#include "base/bits.h"
#include "codec/layout_verify.h"

namespace hyperroute {
namespace {

constexpr uint64_t kSafeMax = (1ull << 53) - 1;

uint64_t load_value(const LayoutField& field, const uint8_t* from) noexcept {
  const uint32_t width_bytes = base_bytes(field.base);
  const uint64_t bits = load_uint(from, width_bytes, (field.flags & kFieldIsBigEndian) != 0);
  if (!is_signed_base(field.base)) return bits;
  const uint32_t shift = 64 - 8 * width_bytes;
  return static_cast<uint64_t>(static_cast<int64_t>(bits << shift) >> shift);
}

bool is_ascii(const LayoutField& field, const uint8_t* from, uint32_t text_bytes) noexcept {
  const bool is_spaced = (field.flags & kFieldSpacePadded) != 0;
  bool is_padding = false;
  for (uint32_t index = 0; index < text_bytes; ++index) {
    const uint8_t byte = from[index];
    if (byte > 127 || (is_padding && byte != 0)) return false;
    is_padding = byte == 0;
    if (is_padding && is_spaced) return false;
  }
  return true;
}

bool is_element(const LayoutField& field, const LayoutSymbol* symbols, const uint8_t* from,
                uint32_t element_bytes) noexcept {
  switch (field.type) {
    case FieldType::kBool:
      return *from <= 1;
    case FieldType::kInteger:
      return (field.flags & kFieldSafe) == 0 || load_value(field, from) <= kSafeMax;
    case FieldType::kEnum:
      return field.unknown != UnknownPolicy::kReject ||
             find_value(field, symbols, load_value(field, from)) != nullptr;
    case FieldType::kAscii:
      return is_ascii(field, from, element_bytes);
    default:
      return true;
  }
}

// How many bytes the character at the front has, or 0 when it is none.
uint32_t character_bytes(const uint8_t* text, size_t text_bytes) noexcept {
  const uint8_t first = text[0];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const uint32_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text_bytes < bytes) return 0;
  // What the second byte may be depends on the first: overlong forms, surrogates, the last plane.
  const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (text[1] < low || text[1] > high) return 0;
  for (uint32_t index = 2; index < bytes; ++index) {
    if ((text[index] & 0xc0) != 0x80) return 0;
  }
  return bytes;
}

bool check_block(const MessageLayout& layout, uint32_t index, const Block& block) noexcept;

bool check_field(const MessageLayout& layout, uint32_t index, const LayoutField& field,
                 const Block& block) noexcept {
  if (field.offset >= block.block_bytes()) return true;
  if (!is_slot_type(field.type)) {
    const auto bytes = layout.bytes_of<BytesField>(field, index);
    return !block.has(bytes) ||
           is_field_value(field, layout.symbols(field), block.get(bytes).data());
  }
  const LayoutSlot& slot = layout.slots(layout.block(index))[field.slot];
  if (field.type == FieldType::kString) {
    const std::string_view text = block.get(layout.slot_of<StringField>(slot));
    return is_utf8(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  if (field.type == FieldType::kBlob) return true;
  for (const Block entry : block.get(layout.slot_of<GroupField>(slot))) {
    if (!check_block(layout, slot.block, entry)) return false;
  }
  return true;
}

// Recursion ends at kGroupDepthMax.
bool check_block(const MessageLayout& layout, uint32_t index, const Block& block) noexcept {
  const LayoutBlock& record = layout.block(index);
  for (uint32_t count = 0; count < record.field_count; ++count) {
    const LayoutField& field = layout.fields(record)[count];
    if ((field.flags & kFieldRemoved) != 0) break;
    if (!check_field(layout, index, field, block)) return false;
  }
  return true;
}

}  // namespace

const LayoutSymbol* find_value(const LayoutField& field, const LayoutSymbol* symbols,
                               uint64_t value) noexcept {
  // Sorted by value, of signed bases as signed numbers.
  const uint64_t flip = is_signed_base(field.base) ? 1ull << 63 : 0;
  uint32_t low = 0;
  uint32_t high = field.symbol_count;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if ((symbols[middle].value ^ flip) < (value ^ flip)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < field.symbol_count && symbols[low].value == value ? symbols + low : nullptr;
}

bool is_field_value(const LayoutField& field, const LayoutSymbol* symbols,
                    const uint8_t* from) noexcept {
  const uint32_t count = field.count == 0 ? 1 : field.count;
  const uint32_t element_bytes = field.bytes / count;
  for (uint32_t index = 0; index < count; ++index) {
    if (!is_element(field, symbols, from + index * element_bytes, element_bytes)) return false;
  }
  return true;
}

bool is_utf8(const uint8_t* text, size_t text_bytes) noexcept {
  size_t position = 0;
  while (position < text_bytes) {
    // Eight ASCII characters at once: most text is nothing else.
    if (text_bytes - position >= 8 && (load_u64_le(text + position) & 0x8080808080808080) == 0) {
      position += 8;
      continue;
    }
    const uint32_t bytes = character_bytes(text + position, text_bytes - position);
    if (bytes == 0) return false;
    position += bytes;
  }
  return true;
}

MessageFault check_values(const MessageLayout& layout, const Message& message) noexcept {
  return check_block(layout, 0, message) ? MessageFault::kNone : MessageFault::kBadValue;
}

}  // namespace hyperroute
