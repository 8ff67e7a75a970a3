// A message type as C++ sees it: a verified layout image, and the search for its fields by name.
//
// Thread: any; immutable. Searching is for set-up; bind and begin read the members that are kept
// ready for them.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "fields.h"
#include "layout_format.h"
#include "octets_datapath.h"

namespace hyperroute {

// Why there is no handle.
enum class FieldFault : uint8_t {
  kNone,
  kMissing,    // No field of that name.
  kWrongType,  // The field is of another type than the handle.
};

class MessageLayout {
 public:
  MessageLayout() noexcept = default;
  // `image` has been verified, is 8-aligned, and outlives this, every handle and what is read as
  // a fallback.
  explicit MessageLayout(const uint8_t* image) noexcept;

  // Finds a field: "price", or "fills.price" in the entries of a group. T is the exact type of
  // the number: uint8_t to uint64_t, int8_t to int64_t, float, double, bool. Of native layouts.
  template <typename T>
  [[nodiscard]] FieldFault find(std::string_view path, Field<T>& field) const noexcept;
  template <typename T>
  [[nodiscard]] FieldFault find(std::string_view path, ArrayField<T>& field) const noexcept;
  // Bytes fields, and arrays of bytes or ascii as a whole.
  [[nodiscard]] FieldFault find(std::string_view path, BytesField& field) const noexcept;
  [[nodiscard]] FieldFault find(std::string_view path, AsciiField& field) const noexcept;
  [[nodiscard]] FieldFault find(std::string_view path, StringField& field) const noexcept;
  [[nodiscard]] FieldFault find(std::string_view path, BlobField& field) const noexcept;
  [[nodiscard]] FieldFault find(std::string_view path, GroupField& field) const noexcept;
  // The value that a name of an enumeration stands for, or the bit number of a flag's.
  template <typename Integer>
  [[nodiscard]] FieldFault find_symbol(std::string_view path, std::string_view symbol,
                                       Integer& value) const noexcept;

  std::string_view name() const noexcept { return text(header_->name, header_->name_bytes); }
  uint64_t template_id() const noexcept { return header_->template_id; }
  uint8_t version() const noexcept { return header_->version; }
  LayoutKind kind() const noexcept { return static_cast<LayoutKind>(header_->kind); }

  // The header of native messages in the newest version, as it lies in memory.
  uint64_t header_word() const noexcept { return header_word_; }
  uint32_t block_bytes() const noexcept { return block_bytes_; }
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

  // The field of a path and the block that it lies in; nullptr when there is none.
  const LayoutField* find_record(std::string_view path, uint32_t& block_index) const noexcept;

  // Handles of a record whose type is known to fit; of a fixed field in the block.
  template <typename T>
  Field<T> number_of(const LayoutField& record, uint32_t block_index) const noexcept;
  template <typename Handle>
  Handle bytes_of(const LayoutField& record, uint32_t block_index) const noexcept;
  // A slot of any block; its type is the handle's.
  template <typename Handle>
  Handle slot_of(const LayoutSlot& slot) const noexcept;

 private:
  template <typename T>
  static constexpr FieldBase base_of() noexcept;
  template <typename T>
  static bool holds(const LayoutField& record) noexcept;
  const LayoutField* find_in(uint32_t block_index, std::string_view name) const noexcept;
  template <typename Handle>
  FieldFault find_slot(std::string_view path, FieldType type, Handle& field) const noexcept;
  template <typename Record>
  const Record* section(LayoutSection section) const noexcept {
    return reinterpret_cast<const Record*>(image_ + header_->sections[section].offset);
  }
  static uint32_t presence_mask(const LayoutField& record) noexcept {
    return record.presence_offset == kLayoutNone ? 0 : 1u << record.presence_bit;
  }
  static uint16_t presence_offset(const LayoutField& record) noexcept {
    return record.presence_offset == kLayoutNone ? uint16_t{0} : record.presence_offset;
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
  // Of foreign layouts a header that no message of theirs is bound by.
  uint64_t header_word_ = UINT64_MAX;
  uint32_t block_bytes_ = 0;
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

inline const LayoutField* MessageLayout::find_record(std::string_view path,
                                                     uint32_t& block_index) const noexcept {
  block_index = 0;
  for (uint32_t depth = 0; depth <= kGroupDepthMax; ++depth) {
    const size_t dot = path.find('.');
    const LayoutField* const record = find_in(block_index, path.substr(0, dot));
    if (record == nullptr || dot == std::string_view::npos) return record;
    if (record->type != FieldType::kGroup) return nullptr;
    block_index = slots(blocks_[block_index])[record->slot].block;
    path.remove_prefix(dot + 1);
  }
  return nullptr;
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
Field<T> MessageLayout::number_of(const LayoutField& record, uint32_t block_index) const noexcept {
  const auto offset = static_cast<uint16_t>(record.offset);
  Field<T> field{offset, presence_offset(record), presence_mask(record)};
  if constexpr (std::is_same_v<T, bool>) {
    field.fallback = initial_block(block_index)[offset] != 0;
  } else {
    field.fallback = octets::load<T>(initial_block(block_index) + offset);
  }
  return field;
}

template <typename Handle>
Handle MessageLayout::bytes_of(const LayoutField& record, uint32_t block_index) const noexcept {
  Handle field;
  field.offset = static_cast<uint16_t>(record.offset);
  field.presence_offset = presence_offset(record);
  field.presence_mask = presence_mask(record);
  field.field_bytes = record.bytes;
  field.fallback = initial_block(block_index) + record.offset;
  return field;
}

template <typename Handle>
Handle MessageLayout::slot_of(const LayoutSlot& slot) const noexcept {
  Handle field;
  field.offset = slot.offset;
  field.presence_offset = slot.presence_mask == 0 ? uint16_t{0} : slot.presence_offset;
  field.presence_mask = slot.presence_mask;
  field.max = slot.max;
  if constexpr (std::is_same_v<Handle, GroupField>) {
    field.entry_bytes = blocks_[slot.block].block_bytes;
    field.initial_entry = initial(blocks_[slot.block]);
  }
  return field;
}

template <typename T>
FieldFault MessageLayout::find(std::string_view path, Field<T>& field) const noexcept {
  uint32_t block_index = 0;
  const LayoutField* const record = find_record(path, block_index);
  if (record == nullptr) return FieldFault::kMissing;
  if (kind() != LayoutKind::kNative || record->count != 0 || !holds<T>(*record)) {
    return FieldFault::kWrongType;
  }
  field = number_of<T>(*record, block_index);
  return FieldFault::kNone;
}

template <typename T>
FieldFault MessageLayout::find(std::string_view path, ArrayField<T>& field) const noexcept {
  uint32_t block_index = 0;
  const LayoutField* const record = find_record(path, block_index);
  if (record == nullptr) return FieldFault::kMissing;
  if (kind() != LayoutKind::kNative || record->count == 0 || !holds<T>(*record)) {
    return FieldFault::kWrongType;
  }
  field = bytes_of<ArrayField<T>>(*record, block_index);
  field.count = record->count;
  return FieldFault::kNone;
}

inline FieldFault MessageLayout::find(std::string_view path, BytesField& field) const noexcept {
  uint32_t block_index = 0;
  const LayoutField* const record = find_record(path, block_index);
  if (record == nullptr) return FieldFault::kMissing;
  const bool is_array = record->type == FieldType::kAscii && record->count != 0;
  if (kind() != LayoutKind::kNative || (record->type != FieldType::kBytes && !is_array)) {
    return FieldFault::kWrongType;
  }
  field = bytes_of<BytesField>(*record, block_index);
  return FieldFault::kNone;
}

inline FieldFault MessageLayout::find(std::string_view path, AsciiField& field) const noexcept {
  uint32_t block_index = 0;
  const LayoutField* const record = find_record(path, block_index);
  if (record == nullptr) return FieldFault::kMissing;
  if (kind() != LayoutKind::kNative || record->type != FieldType::kAscii || record->count != 0) {
    return FieldFault::kWrongType;
  }
  field = bytes_of<AsciiField>(*record, block_index);
  return FieldFault::kNone;
}

template <typename Handle>
FieldFault MessageLayout::find_slot(std::string_view path, FieldType type,
                                    Handle& field) const noexcept {
  uint32_t block_index = 0;
  const LayoutField* const record = find_record(path, block_index);
  if (record == nullptr) return FieldFault::kMissing;
  if (record->type != type) return FieldFault::kWrongType;
  field = slot_of<Handle>(slots(blocks_[block_index])[record->slot]);
  return FieldFault::kNone;
}

inline FieldFault MessageLayout::find(std::string_view path, StringField& field) const noexcept {
  return find_slot(path, FieldType::kString, field);
}
inline FieldFault MessageLayout::find(std::string_view path, BlobField& field) const noexcept {
  return find_slot(path, FieldType::kBlob, field);
}
inline FieldFault MessageLayout::find(std::string_view path, GroupField& field) const noexcept {
  return find_slot(path, FieldType::kGroup, field);
}

template <typename Integer>
FieldFault MessageLayout::find_symbol(std::string_view path, std::string_view symbol,
                                      Integer& value) const noexcept {
  uint32_t block_index = 0;
  const LayoutField* const record = find_record(path, block_index);
  if (record == nullptr) return FieldFault::kMissing;
  if (record->type != FieldType::kEnum && record->type != FieldType::kFlags) {
    return FieldFault::kWrongType;
  }
  for (uint32_t index = 0; index < record->symbol_count; ++index) {
    const LayoutSymbol& candidate = symbols(*record)[index];
    if (text(candidate.name, candidate.name_bytes) != symbol) continue;
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
