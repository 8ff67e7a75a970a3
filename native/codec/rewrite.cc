// Rewriting messages. Thread: any; nothing is allocated.
#include "codec/rewrite.h"

#include <type_traits>

#include "codec/layout_verify.h"
#include "codec/value_check.h"

namespace hyperroute {
namespace {

// A number as its type knows it: bits without a name are dropped, and numbers without a symbol
// become the symbol that stands for them.
template <typename T>
T known_value(const MessageLayout& layout, const LayoutField& field, T value) noexcept {
  if constexpr (std::is_integral_v<T>) {
    const LayoutSymbol* const symbols = layout.symbols(field);
    if (field.type == FieldType::kFlags) {
      uint64_t mask = 0;
      for (uint32_t index = 0; index < field.symbol_count; ++index) {
        mask |= 1ull << symbols[index].value;
      }
      return static_cast<T>(value & static_cast<T>(mask));
    }
    if (field.type == FieldType::kEnum && field.unknown == UnknownPolicy::kDefault &&
        find_value(field, symbols, static_cast<uint64_t>(static_cast<int64_t>(value))) == nullptr) {
      return static_cast<T>(symbols[field.unknown_symbol].value);
    }
  }
  return value;
}

// One field from one block to the same block of another message.
template <typename Writer>
class FieldCopy {
 public:
  FieldCopy(const MessageLayout& layout, uint32_t block_index, const Block& from,
            Writer& to) noexcept
      : layout_(layout), block_index_(block_index), from_(from), to_(to) {}

  void copy(const LayoutField& field) noexcept {
    switch (field.type == FieldType::kBool ? FieldBase::kNone : field.base) {
      case FieldBase::kU8:
        return copy_numbers<uint8_t>(field);
      case FieldBase::kU16:
        return copy_numbers<uint16_t>(field);
      case FieldBase::kU32:
        return copy_numbers<uint32_t>(field);
      case FieldBase::kU64:
        return copy_numbers<uint64_t>(field);
      case FieldBase::kI8:
        return copy_numbers<int8_t>(field);
      case FieldBase::kI16:
        return copy_numbers<int16_t>(field);
      case FieldBase::kI32:
        return copy_numbers<int32_t>(field);
      case FieldBase::kI64:
        return copy_numbers<int64_t>(field);
      case FieldBase::kF32:
        return copy_numbers<float>(field);
      case FieldBase::kF64:
        return copy_numbers<double>(field);
      default:
        return copy_others(field);
    }
  }

 private:
  template <typename T>
  void copy_numbers(const LayoutField& field) noexcept {
    if (field.count == 0) {
      const auto handle = layout_.number_of<T>(field, block_index_);
      if (from_.has(handle)) to_.set(handle, known_value(layout_, field, from_.get(handle)));
      return;
    }
    auto handle = layout_.bytes_of<ArrayField<T>>(field, block_index_);
    handle.count = field.count;
    if (!from_.has(handle)) return;
    const ArrayView<T> values = from_.get(handle);
    for (uint32_t index = 0; index < values.count(); ++index) {
      to_.set_at(handle, index, known_value(layout_, field, values[index]));
    }
  }

  void copy_others(const LayoutField& field) noexcept {
    if (field.type == FieldType::kBool) return copy_numbers<bool>(field);
    if (field.type == FieldType::kAscii && field.count == 0) {
      return copy_bytes<AsciiField>(field);
    }
    return copy_bytes<BytesField>(field);
  }

  template <typename Handle>
  void copy_bytes(const LayoutField& field) noexcept {
    const auto handle = layout_.bytes_of<Handle>(field, block_index_);
    if (from_.has(handle)) to_.set(handle, from_.get(handle));
  }

  const MessageLayout& layout_;
  const uint32_t block_index_;
  const Block& from_;
  Writer& to_;
};

// Recursion ends at kGroupDepthMax.
template <typename Writer>
void copy_block(const MessageLayout& layout, uint32_t index, const Block& from,
                Writer& to) noexcept {
  const LayoutBlock& record = layout.block(index);
  FieldCopy<Writer> fixed(layout, index, from, to);
  for (uint32_t count = 0; count < record.field_count; ++count) {
    const LayoutField& field = layout.fields(record)[count];
    if ((field.flags & kFieldRemoved) != 0) break;
    if (!is_slot_type(field.type)) fixed.copy(field);
  }
  for (uint32_t count = 0; count < record.slot_count; ++count) {
    const LayoutSlot& slot = layout.slots(record)[count];
    if (!from.has(layout.slot_of<SlotField>(slot))) continue;
    if (slot.type == FieldType::kString) {
      const auto text = layout.slot_of<StringField>(slot);
      to.set(text, from.get(text));
    } else if (slot.type == FieldType::kBlob) {
      const auto blob = layout.slot_of<BlobField>(slot);
      to.set(blob, from.get(blob));
    } else {
      const auto group = layout.slot_of<GroupField>(slot);
      const Entries entries = from.get(group);
      EntryWriter entry = to.group(group, entries.count());
      for (const Block source : entries) {
        if (to.fault() != WriteFault::kNone) return;
        copy_block(layout, slot.block, source, entry);
        entry.next();
      }
    }
  }
}

}  // namespace

uint32_t rewrite(const MessageLayout& layout, const Message& message, std::span<uint8_t> memory,
                 WriteFault& fault) noexcept {
  MessageWriter writer;
  writer.begin(layout, memory);
  copy_block(layout, 0, message, writer);
  fault = writer.fault();
  return writer.finish();
}

}  // namespace hyperroute
