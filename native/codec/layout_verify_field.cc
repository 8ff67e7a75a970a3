// Verifies the fields of a layout image: names, types, places, symbols.
// Thread: control thread. Not on the data path.
#include <string_view>
#include <vector>

#include "base/bits.h"
#include "codec/layout_verify.h"

namespace hyperroute {
namespace {

constexpr uint32_t kNameBytesMax = 64;
constexpr uint32_t kForeignBytesMax = 65535;
// A field that is moved by one that is moved itself, and so on.
constexpr uint32_t kBaseChainMax = 64;

// The places of one block that are taken, byte by byte and, in presence words, bit by bit.
struct Places {
  explicit Places(uint32_t block_bytes) : owners(block_bytes), bits(block_bytes) {}

  enum Owner : uint8_t { kFree, kField, kPresence };
  std::vector<uint8_t> owners;
  std::vector<uint8_t> bits;

  bool take_field(uint32_t offset, uint32_t field_bytes) {
    for (uint32_t index = offset; index < offset + field_bytes; ++index) {
      if (owners[index] != kFree) return false;
      owners[index] = kField;
    }
    return true;
  }
  bool take_presence(uint32_t offset, uint32_t bit) {
    for (uint32_t index = offset; index < offset + 4; ++index) {
      if (owners[index] == kField) return false;
      owners[index] = kPresence;
    }
    uint8_t& byte = bits[offset + bit / 8];
    const auto mask = static_cast<uint8_t>(1u << bit % 8);
    if ((byte & mask) != 0) return false;
    byte = static_cast<uint8_t>(byte | mask);
    return true;
  }
};

std::string_view name_of(const LayoutParts& parts, const LayoutField& field) {
  return {reinterpret_cast<const char*>(parts.bytes.data()) + field.name, field.name_bytes};
}

bool is_letter(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

Status verify_name(const LayoutParts& parts, const LayoutField& field) {
  HR_LAYOUT_REQUIRE(field.name_bytes != 0 && field.name_bytes <= kNameBytesMax &&
                        parts.has_bytes(field.name, field.name_bytes),
                    "a field without a name");
  const std::string_view name = name_of(parts, field);
  HR_LAYOUT_REQUIRE(is_letter(name[0]), "a field's name starts with no letter");
  for (const char character : name) {
    const bool is_digit = character >= '0' && character <= '9';
    HR_LAYOUT_REQUIRE(is_letter(character) || is_digit || character == '_',
                      "a field's name has a character that names do not have");
  }
  return Status::success();
}

bool is_unsigned(FieldBase base) { return base >= FieldBase::kU8 && base <= FieldBase::kU64; }

bool is_odd(FieldBase base) {
  return base == FieldBase::kU24 || base == FieldBase::kU40 || base == FieldBase::kU48;
}

bool is_scalar(FieldBase base) {
  return base >= FieldBase::kU8 && base <= FieldBase::kI64 && !is_odd(base);
}

// Whether the base is one that the type can have.
bool fits_base(FieldType type, FieldBase base) {
  switch (type) {
    case FieldType::kInteger:
      return base >= FieldBase::kU8 && base <= FieldBase::kI64;
    case FieldType::kFloat:
      return base == FieldBase::kF32 || base == FieldBase::kF64;
    case FieldType::kBool:
      return base == FieldBase::kU8;
    case FieldType::kFlags:
      return is_scalar(base) && is_unsigned(base);
    case FieldType::kEnum:
    case FieldType::kDecimal:
      return is_scalar(base);
    case FieldType::kTimestamp:
      return base == FieldBase::kU64;
    default:
      return base == FieldBase::kNone;
  }
}

Status verify_type(const LayoutParts& parts, const LayoutField& field, const char* name) {
  HR_LAYOUT_REQUIRE(field.type <= FieldType::kRest && field.base <= FieldBase::kF64 &&
                        field.unknown <= UnknownPolicy::kDefault && field.reserved == 0,
                    "%s is of no type", name);
  HR_LAYOUT_REQUIRE(fits_base(field.type, field.base), "%s has a base of another type", name);
  HR_LAYOUT_REQUIRE((field.flags & kFieldSafe) == 0 ||
                        (field.type == FieldType::kInteger && field.base == FieldBase::kU64),
                    "%s is safe and no u64", name);
  const bool is_fixed = field.type < FieldType::kBits;
  HR_LAYOUT_REQUIRE(field.count == 0 || is_fixed, "%s is an array of what has no size", name);
  if (is_fixed) {
    const uint32_t count = field.count == 0 ? 1 : field.count;
    const uint32_t value_bytes = base_bytes(field.base);
    const bool fits = value_bytes == 0 ? field.bytes != 0 && field.bytes % count == 0
                                       : field.bytes == static_cast<uint64_t>(value_bytes) * count;
    HR_LAYOUT_REQUIRE(fits, "%s has %u bytes", name, field.bytes);
  } else if (is_slot_type(field.type)) {
    HR_LAYOUT_REQUIRE(field.bytes == kSlotBytes, "%s is no slot", name);
  } else if (field.type == FieldType::kBits) {
    const bool is_container =
        field.bytes == 1 || field.bytes == 2 || field.bytes == 4 || field.bytes == 8;
    HR_LAYOUT_REQUIRE(is_container && field.bits != 0 && field.bits <= 32 &&
                          field.shift + field.bits <= field.bytes * 8,
                      "%s has bits outside its container", name);
  } else {
    HR_LAYOUT_REQUIRE(field.bytes == 0, "%s has a size of its own", name);
  }
  return verify_symbols(parts, field, name);
}

// Native: inside the tranche of its version, aligned; its presence bit in that tranche before it.
Status verify_native_place(const LayoutParts& parts, uint32_t index, const LayoutField& field,
                           const char* name, Places& places) {
  const uint32_t start = field.since == 1 ? 0 : parts.version_bytes(index, field.since - 1u);
  const uint32_t end = parts.version_bytes(index, field.since);
  HR_LAYOUT_REQUIRE(
      field.offset >= start && field.offset <= end && field.bytes <= end - field.offset,
      "%s lies outside its version", name);
  HR_LAYOUT_REQUIRE(field.type <= FieldType::kGroup && field.type != FieldType::kBits &&
                        !is_odd(field.base) && field.base_field == kLayoutNone &&
                        (field.flags & (kFieldIsBigEndian | kFieldSpacePadded)) == 0,
                    "%s is of a type of foreign layouts", name);
  const uint32_t alignment = is_slot_type(field.type) ? 4 : base_bytes(field.base);
  HR_LAYOUT_REQUIRE(alignment == 0 || field.offset % alignment == 0, "%s is not aligned", name);
  HR_LAYOUT_REQUIRE(places.take_field(field.offset, field.bytes), "%s overlaps another field",
                    name);
  if (field.presence_offset == kLayoutNone) return Status::success();
  HR_LAYOUT_REQUIRE(field.presence_bit < 32 && field.presence_offset % 4 == 0 &&
                        field.presence_offset >= start &&
                        field.presence_offset + 4u <= field.offset &&
                        (field.flags & (kFieldHasFallback | kFieldRemoved)) == 0 &&
                        places.take_presence(field.presence_offset, field.presence_bit),
                    "%s has no presence bit of its own", name);
  return Status::success();
}

Status verify_foreign_place(const LayoutParts& parts, const LayoutField& field, const char* name) {
  const LayoutBlock& block = parts.blocks[0];
  const bool is_moved = field.base_field != kLayoutNone;
  const uint32_t end = is_moved ? kForeignBytesMax : block.block_bytes;
  HR_LAYOUT_REQUIRE(!is_slot_type(field.type) && field.presence_offset == kLayoutNone &&
                        field.flags < 32 &&
                        (field.flags & (kFieldHasFallback | kFieldRemoved)) == 0,
                    "%s is of a type of native layouts", name);
  HR_LAYOUT_REQUIRE(field.offset <= end && field.bytes <= end - field.offset,
                    "%s lies outside the message", name);
  const LayoutField* mover = &field;
  for (uint32_t step = 0; mover->base_field != kLayoutNone; ++step) {
    HR_LAYOUT_REQUIRE(step < kBaseChainMax && mover->base_field < block.field_count,
                      "%s depends on itself or on too many fields", name);
    HR_LAYOUT_REQUIRE(mover->base_scale <= kForeignBytesMax && mover->base_plus <= kForeignBytesMax,
                      "%s is moved out of every message", name);
    mover = &parts.fields[block.fields + mover->base_field];
    HR_LAYOUT_REQUIRE(
        mover->count == 0 && (mover->type == FieldType::kBits ||
                              (mover->type == FieldType::kInteger && is_unsigned(mover->base))),
        "%s depends on a field that is no unsigned number", name);
  }
  return Status::success();
}

// Live fields by name, then removed ones by place.
Status verify_order(const LayoutParts& parts, const LayoutField& before, const LayoutField& field) {
  const bool was_removed = (before.flags & kFieldRemoved) != 0;
  const bool is_removed = (field.flags & kFieldRemoved) != 0;
  const bool is_sound = was_removed ? is_removed && before.offset < field.offset
                                    : is_removed || name_of(parts, before) < name_of(parts, field);
  HR_LAYOUT_REQUIRE(is_sound, "the fields of a block are not in order");
  return Status::success();
}

// Each slot has one live field, and the other way round.
Status verify_slot(const LayoutParts& parts, const LayoutBlock& block, const LayoutField& field,
                   const char* name, std::vector<bool>& taken) {
  if (!is_slot_type(field.type)) {
    HR_LAYOUT_REQUIRE(field.slot == kLayoutNone, "%s has a slot", name);
    return Status::success();
  }
  HR_LAYOUT_REQUIRE(field.slot < block.slot_count && !taken[field.slot], "%s has no slot", name);
  taken[field.slot] = true;
  const LayoutSlot& slot = parts.slots[block.slots + field.slot];
  const bool is_optional = field.presence_offset != kLayoutNone;
  HR_LAYOUT_REQUIRE(slot.offset == field.offset && slot.type == field.type &&
                        slot.presence_offset == field.presence_offset &&
                        slot.presence_mask == (is_optional ? 1u << field.presence_bit : 0u),
                    "%s is not where its slot is", name);
  HR_LAYOUT_REQUIRE((field.flags & (kFieldHasFallback | kFieldRemoved)) == 0,
                    "%s is variable and has a fallback", name);
  return Status::success();
}

Status verify_field(const LayoutParts& parts, uint32_t index, const LayoutField& field,
                    Places& places, std::vector<bool>& taken) {
  HR_TRY(verify_name(parts, field));
  char name[kNameBytesMax + 1] = {};
  name_of(parts, field).copy(name, kNameBytesMax);
  HR_LAYOUT_REQUIRE(field.since != 0 && field.since <= parts.header.version, "%s is of version %u",
                    name, field.since);
  HR_LAYOUT_REQUIRE((field.flags & kFieldRemoved) == 0 || (field.flags & kFieldHasFallback) != 0,
                    "%s is gone and has no fallback", name);
  HR_TRY(verify_type(parts, field, name));
  HR_TRY(parts.is_native() ? verify_native_place(parts, index, field, name, places)
                           : verify_foreign_place(parts, field, name));
  return verify_slot(parts, parts.blocks[index], field, name, taken);
}

}  // namespace

Status verify_symbols(const LayoutParts& parts, const LayoutField& field, const char* name) {
  HR_LAYOUT_REQUIRE(field.symbols <= parts.symbols.size() &&
                        field.symbol_count <= parts.symbols.size() - field.symbols,
                    "%s has symbols outside the layout", name);
  const bool is_named = field.type == FieldType::kEnum || field.type == FieldType::kFlags;
  HR_LAYOUT_REQUIRE(is_named || field.symbol_count == 0, "%s has symbols", name);
  const bool has_default = field.unknown == UnknownPolicy::kDefault;
  HR_LAYOUT_REQUIRE(field.unknown == UnknownPolicy::kReject || field.type == FieldType::kEnum,
                    "%s has unknown symbols", name);
  HR_LAYOUT_REQUIRE(
      has_default ? field.unknown_symbol < field.symbol_count : field.unknown_symbol == kLayoutNone,
      "%s has no symbol for unknown numbers", name);
  const uint64_t flip = is_signed_base(field.base) ? 1ull << 63 : 0;
  const uint32_t shift = 64 - 8 * base_bytes(field.base);
  for (uint32_t index = 0; index < field.symbol_count; ++index) {
    const LayoutSymbol& symbol = parts.symbols[field.symbols + index];
    HR_LAYOUT_REQUIRE(symbol.name_bytes != 0 && parts.has_bytes(symbol.name, symbol.name_bytes),
                      "%s has a symbol without a name", name);
    const uint64_t kept =
        flip != 0 ? static_cast<uint64_t>(static_cast<int64_t>(symbol.value << shift) >> shift)
                  : symbol.value << shift >> shift;
    const bool fits =
        field.type == FieldType::kFlags ? symbol.value < 64 - shift : kept == symbol.value;
    HR_LAYOUT_REQUIRE(fits, "%s has a symbol of a number that does not fit", name);
    if (index == 0) continue;
    const uint64_t before = parts.symbols[field.symbols + index - 1].value;
    HR_LAYOUT_REQUIRE((before ^ flip) < (symbol.value ^ flip), "%s has symbols out of order", name);
  }
  return Status::success();
}

Status verify_fields(const LayoutParts& parts) {
  // Fields have their symbols one behind the other, so that no symbol is looked at twice.
  uint32_t symbols_end = 0;
  for (uint32_t index = 0; index < parts.blocks.size(); ++index) {
    const LayoutBlock& block = parts.blocks[index];
    Places places(parts.is_native() ? block.block_bytes : 0);
    std::vector<bool> taken(block.slot_count);
    for (uint32_t count = 0; count < block.field_count; ++count) {
      const LayoutField& field = parts.fields[block.fields + count];
      HR_LAYOUT_REQUIRE(field.symbols == symbols_end, "symbols of no field");
      HR_TRY(verify_field(parts, index, field, places, taken));
      symbols_end += field.symbol_count;
      if (count != 0) HR_TRY(verify_order(parts, parts.fields[block.fields + count - 1], field));
    }
    for (const bool is_taken : taken) HR_LAYOUT_REQUIRE(is_taken, "a slot without a field");
  }
  return Status::success();
}

}  // namespace hyperroute
