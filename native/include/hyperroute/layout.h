// A message type as C++ sees it: a verified layout image, and the search for its fields by name.
//
// Thread: any; immutable. Searching is for set-up; bind and begin read the members that are kept
// ready for them.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "fields.h"
#include "layout_format.h"
#include "octets_datapath.h"

namespace hyperroute {

// Why there is no handle.
enum class FieldFault : uint8_t {
  kNone,
  kMissing,    // No field of that name.
  kWrongType,  // The field is of another type than the handle, or has to be Optional.
};

class MessageLayout {
 public:
  MessageLayout() noexcept = default;
  // `image` has been verified, is 8-aligned, and outlives this, every handle and what is read as
  // a fallback.
  explicit MessageLayout(const uint8_t* image) noexcept;

  // Finds a field: "price", or "fills.price" in the entries of a group. Of native layouts.
  // - Field<T>: T is the exact type of the number: uint8_t to uint64_t, int8_t to int64_t, float,
  //   double, bool. ArrayField<T>: the same for arrays of numbers.
  // - BytesField: bytes and ascii fields and arrays of them, with all their bytes. AsciiField.
  // - StringField, BlobField, GroupField.
  // - Optional of all these: any such field. Without it only those that every message has.
  template <typename Handle>
  [[nodiscard]] FieldFault find(std::string_view path, Optional<Handle>& field) const noexcept;
  template <typename Handle>
  [[nodiscard]] FieldFault find(std::string_view path, Handle& field) const noexcept;
  // The value that a name of an enumeration stands for, or the bit number of a flag's. A value
  // that `Integer` does not hold: kWrongType.
  template <typename Integer>
  [[nodiscard]] FieldFault find_symbol(std::string_view path, std::string_view symbol,
                                       Integer& value) const noexcept;

  std::string_view name() const noexcept { return text(header_->name, header_->name_bytes); }
  uint64_t template_id() const noexcept { return header_->template_id; }
  uint8_t version() const noexcept { return header_->version; }
  LayoutKind kind() const noexcept { return static_cast<LayoutKind>(header_->kind); }

  // The header of native messages in the newest version, as it lies in memory; 0 of others.
  uint64_t header_word() const noexcept { return header_word_; }
  uint32_t block_bytes() const noexcept { return block_bytes_; }
  // The same for flat layouts, which are native and have no slots in the entries of their groups.
  // Of all others more than any message has.
  uint32_t flat_block_bytes() const noexcept { return flat_block_bytes_; }
  // The slots of the message's own block.
  const LayoutSlot* message_slots() const noexcept { return message_slots_; }
  const LayoutSlot* message_slots_end() const noexcept { return message_slots_end_; }
  // A whole message of the newest version in which nothing was set: header and block.
  const uint8_t* initial_message() const noexcept { return initial_message_; }
  // `version` is 1 to version().
  uint16_t fingerprint(uint8_t version) const noexcept { return fingerprints_[version - 1u]; }
  uint16_t version_bytes(uint32_t block, uint8_t version) const noexcept {
    return versions_[block * header_->version + version - 1u];
  }
  const LayoutBlock& block(uint32_t index) const noexcept { return blocks_[index]; }
  const LayoutSlot* slots(const LayoutBlock& block) const noexcept { return slots_ + block.slots; }
  const LayoutField* fields(const LayoutBlock& block) const noexcept {
    return fields_ + block.fields;
  }
  const LayoutSymbol* symbols(const LayoutField& field) const noexcept {
    return symbols_ + field.symbols;
  }
  const uint8_t* initial(const LayoutBlock& block) const noexcept { return bytes_ + block.initial; }
  std::string_view text(uint32_t offset, uint32_t text_bytes) const noexcept {
    return {reinterpret_cast<const char*>(bytes_ + offset), text_bytes};
  }

  // A field's record, and where it lies.
  struct Place {
    const LayoutField* record = nullptr;  // nullptr: there is no such field.
    uint32_t block = 0;
    uint8_t block_since = 1;  // The version that the block's first messages are of.
  };
  Place find_place(std::string_view path) const noexcept;

  // Handles of a record whose type is known to fit; of a fixed field in the block.
  template <typename T>
  Optional<Field<T>> number_of(const LayoutField& record, uint32_t block_index) const noexcept;
  template <typename Handle>
  Optional<Handle> bytes_of(const LayoutField& record, uint32_t block_index) const noexcept;
  // A slot of any block; its type is the handle's.
  template <typename Handle>
  Optional<Handle> slot_of(const LayoutSlot& slot) const noexcept;

 private:
  bool is_flat() const noexcept;
  template <typename T>
  static constexpr FieldBase base_of() noexcept;
  template <typename T>
  static bool holds(const LayoutField& record) noexcept;
  const LayoutField* find_in(uint32_t block_index, std::string_view name) const noexcept;
  // Makes the handle of a record, if it is of the handle's type.
  template <typename T>
  bool take(const Place& place, Optional<Field<T>>& field) const noexcept;
  template <typename T>
  bool take(const Place& place, Optional<ArrayField<T>>& field) const noexcept;
  bool take(const Place& place, Optional<BytesField>& field) const noexcept;
  bool take(const Place& place, Optional<AsciiField>& field) const noexcept;
  bool take(const Place& place, Optional<StringField>& field) const noexcept {
    return take_slot(place, FieldType::kString, field);
  }
  bool take(const Place& place, Optional<BlobField>& field) const noexcept {
    return take_slot(place, FieldType::kBlob, field);
  }
  bool take(const Place& place, Optional<GroupField>& field) const noexcept {
    return take_slot(place, FieldType::kGroup, field);
  }
  template <typename Handle>
  bool take_slot(const Place& place, FieldType type, Optional<Handle>& field) const noexcept;
  template <typename Record>
  const Record* section(LayoutSection section) const noexcept {
    return reinterpret_cast<const Record*>(image_ + header_->sections[section].offset);
  }
  static Presence presence_of(const LayoutField& record) noexcept {
    if (record.presence_offset == kLayoutNone) return {};
    return {record.presence_offset, 1u << record.presence_bit};
  }
  // Where the initial block itself starts.
  const uint8_t* initial_block(uint32_t block_index) const noexcept {
    return initial(blocks_[block_index]) + (block_index == 0 ? kMessageHeaderBytes : 0);
  }

  const uint8_t* image_ = nullptr;
  const LayoutHeader* header_ = nullptr;
  const LayoutBlock* blocks_ = nullptr;
  const LayoutSlot* slots_ = nullptr;
  const LayoutField* fields_ = nullptr;
  const LayoutSymbol* symbols_ = nullptr;
  const uint16_t* versions_ = nullptr;
  const uint16_t* fingerprints_ = nullptr;
  const uint8_t* bytes_ = nullptr;
  const uint8_t* initial_message_ = nullptr;
  const LayoutSlot* message_slots_ = nullptr;
  const LayoutSlot* message_slots_end_ = nullptr;
  uint64_t header_word_ = 0;
  uint32_t block_bytes_ = 0;
  uint32_t flat_block_bytes_ = UINT32_MAX;
};

inline MessageLayout::MessageLayout(const uint8_t* image) noexcept
    : image_(image), header_(reinterpret_cast<const LayoutHeader*>(image)) {
  blocks_ = section<LayoutBlock>(kLayoutBlocks);
  slots_ = section<LayoutSlot>(kLayoutSlots);
  fields_ = section<LayoutField>(kLayoutFields);
  symbols_ = section<LayoutSymbol>(kLayoutSymbols);
  versions_ = section<uint16_t>(kLayoutVersions);
  fingerprints_ = section<uint16_t>(kLayoutFingerprints);
  bytes_ = section<uint8_t>(kLayoutBytes);
  if (kind() != LayoutKind::kNative) return;
  initial_message_ = initial(blocks_[0]);
  header_word_ = octets::load<uint64_t>(initial_message_);
  block_bytes_ = blocks_[0].block_bytes;
  message_slots_ = slots(blocks_[0]);
  message_slots_end_ = message_slots_ + blocks_[0].slot_count;
  if (is_flat()) flat_block_bytes_ = block_bytes_;
}

inline bool MessageLayout::is_flat() const noexcept {
  for (const LayoutSlot* slot = message_slots_; slot != message_slots_end_; ++slot) {
    if (slot->type == FieldType::kGroup && blocks_[slot->block].slot_count != 0) return false;
  }
  return true;
}

inline const LayoutField* MessageLayout::find_in(uint32_t block_index,
                                                 std::string_view name) const noexcept {
  const LayoutField* const records = fields(blocks_[block_index]);
  for (uint32_t index = 0; index < blocks_[block_index].field_count; ++index) {
    const LayoutField& record = records[index];
    if ((record.flags & kFieldRemoved) != 0) break;
    if (text(record.name, record.name_bytes) == name) return &record;
  }
  return nullptr;
}

inline MessageLayout::Place MessageLayout::find_place(std::string_view path) const noexcept {
  Place place;
  for (uint32_t depth = 0; depth <= kGroupDepthMax; ++depth) {
    const size_t dot = path.find('.');
    const LayoutField* const record = find_in(place.block, path.substr(0, dot));
    if (record == nullptr) return {};
    if (dot == std::string_view::npos) {
      place.record = record;
      return place;
    }
    if (record->type != FieldType::kGroup) return {};
    place.block_since = record->since;
    place.block = slots(blocks_[place.block])[record->slot].block;
    path.remove_prefix(dot + 1);
  }
  return {};
}

template <typename T>
constexpr FieldBase MessageLayout::base_of() noexcept {
  if constexpr (std::is_same_v<T, uint8_t> || std::is_same_v<T, bool>) return FieldBase::kU8;
  if constexpr (std::is_same_v<T, uint16_t>) return FieldBase::kU16;
  if constexpr (std::is_same_v<T, uint32_t>) return FieldBase::kU32;
  if constexpr (std::is_same_v<T, uint64_t>) return FieldBase::kU64;
  if constexpr (std::is_same_v<T, int8_t>) return FieldBase::kI8;
  if constexpr (std::is_same_v<T, int16_t>) return FieldBase::kI16;
  if constexpr (std::is_same_v<T, int32_t>) return FieldBase::kI32;
  if constexpr (std::is_same_v<T, int64_t>) return FieldBase::kI64;
  if constexpr (std::is_same_v<T, float>) return FieldBase::kF32;
  if constexpr (std::is_same_v<T, double>) return FieldBase::kF64;
  return FieldBase::kNone;
}

template <typename T>
bool MessageLayout::holds(const LayoutField& record) noexcept {
  static_assert(base_of<T>() != FieldBase::kNone, "no field is of this type");
  const bool is_bool = record.type == FieldType::kBool;
  return record.base == base_of<T>() && is_bool == std::is_same_v<T, bool>;
}

template <typename T>
Optional<Field<T>> MessageLayout::number_of(const LayoutField& record,
                                            uint32_t block_index) const noexcept {
  const uint8_t* const initial_value = initial_block(block_index) + record.offset;
  if constexpr (std::is_same_v<T, bool>) {
    return {{record.offset}, presence_of(record), *initial_value != 0};
  } else {
    return {{record.offset}, presence_of(record), octets::load<T>(initial_value)};
  }
}

template <typename Handle>
Optional<Handle> MessageLayout::bytes_of(const LayoutField& record,
                                         uint32_t block_index) const noexcept {
  Optional<Handle> field;
  field.offset = record.offset;
  field.field_bytes = record.bytes;
  field.presence = presence_of(record);
  field.fallback = initial_block(block_index) + record.offset;
  return field;
}

template <typename Handle>
Optional<Handle> MessageLayout::slot_of(const LayoutSlot& slot) const noexcept {
  Optional<Handle> field;
  field.offset = slot.offset;
  field.max = slot.max;
  if (slot.presence_mask != 0) field.presence = {slot.presence_offset, slot.presence_mask};
  if constexpr (std::is_same_v<Handle, GroupField>) {
    field.entry_bytes = blocks_[slot.block].block_bytes;
    field.initial_entry = initial(blocks_[slot.block]);
  }
  return field;
}

template <typename T>
bool MessageLayout::take(const Place& place, Optional<Field<T>>& field) const noexcept {
  if (place.record->count != 0 || !holds<T>(*place.record)) return false;
  field = number_of<T>(*place.record, place.block);
  return true;
}

template <typename T>
bool MessageLayout::take(const Place& place, Optional<ArrayField<T>>& field) const noexcept {
  if (place.record->count == 0 || !holds<T>(*place.record)) return false;
  field = bytes_of<ArrayField<T>>(*place.record, place.block);
  field.count = place.record->count;
  return true;
}

inline bool MessageLayout::take(const Place& place, Optional<BytesField>& field) const noexcept {
  const FieldType type = place.record->type;
  if (type != FieldType::kBytes && type != FieldType::kAscii) return false;
  field = bytes_of<BytesField>(*place.record, place.block);
  return true;
}

inline bool MessageLayout::take(const Place& place, Optional<AsciiField>& field) const noexcept {
  if (place.record->type != FieldType::kAscii || place.record->count != 0) return false;
  field = bytes_of<AsciiField>(*place.record, place.block);
  return true;
}

template <typename Handle>
bool MessageLayout::take_slot(const Place& place, FieldType type,
                              Optional<Handle>& field) const noexcept {
  if (place.record->type != type) return false;
  field = slot_of<Handle>(slots(blocks_[place.block])[place.record->slot]);
  return true;
}

template <typename Handle>
FieldFault MessageLayout::find(std::string_view path, Optional<Handle>& field) const noexcept {
  const Place place = find_place(path);
  if (place.record == nullptr) return FieldFault::kMissing;
  const bool fits = kind() == LayoutKind::kNative && take(place, field);
  return fits ? FieldFault::kNone : FieldFault::kWrongType;
}

template <typename Handle>
FieldFault MessageLayout::find(std::string_view path, Handle& field) const noexcept {
  const Place place = find_place(path);
  if (place.record == nullptr) return FieldFault::kMissing;
  const bool is_always_there =
      place.record->presence_offset == kLayoutNone && place.record->since <= place.block_since;
  Optional<Handle> any;
  if (kind() != LayoutKind::kNative || !is_always_there || !take(place, any)) {
    return FieldFault::kWrongType;
  }
  field = any;
  return FieldFault::kNone;
}

template <typename Integer>
FieldFault MessageLayout::find_symbol(std::string_view path, std::string_view symbol,
                                      Integer& value) const noexcept {
  const LayoutField* const record = find_place(path).record;
  if (record == nullptr) return FieldFault::kMissing;
  if (record->type != FieldType::kEnum && record->type != FieldType::kFlags) {
    return FieldFault::kWrongType;
  }
  for (uint32_t index = 0; index < record->symbol_count; ++index) {
    const LayoutSymbol& candidate = symbols(*record)[index];
    if (text(candidate.name, candidate.name_bytes) != symbol) continue;
    const auto as_signed = static_cast<int64_t>(candidate.value);
    const bool is_signed = record->base >= FieldBase::kI8 && record->base <= FieldBase::kI64;
    if (is_signed ? !std::in_range<Integer>(as_signed)
                  : !std::in_range<Integer>(uint64_t{candidate.value})) {
      return FieldFault::kWrongType;
    }
    value = static_cast<Integer>(candidate.value);
    return FieldFault::kNone;
  }
  return FieldFault::kMissing;
}

// Finds the fields of a struct of handles one after another and remembers the first that failed,
// so that a caller checks once.
class FieldFinder {
 public:
  explicit FieldFinder(const MessageLayout& layout) noexcept : layout_(layout) {}

  template <typename Handle>
  FieldFinder& operator()(std::string_view path, Handle& field) noexcept {
    const FieldFault fault = layout_.find(path, field);
    if (fault_ == FieldFault::kNone && fault != FieldFault::kNone) {
      fault_ = fault;
      path_ = path;
    }
    return *this;
  }

  FieldFault fault() const noexcept { return fault_; }
  // Of the first field that was not found; as long as the text given lives.
  std::string_view path() const noexcept { return path_; }

 private:
  const MessageLayout& layout_;
  FieldFault fault_ = FieldFault::kNone;
  std::string_view path_;
};

}  // namespace hyperroute
