// Reading the fields of a bound message, where they lie.
//
// bind() has checked the structure; a read is one compare and one load. Whatever these give out
// (strings, bytes, entries) points into the message or the layout and lives as long as they do.
//
// Thread: any, as long as nobody writes the message's bytes. Data path: yes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "fields.h"
#include "layout_format.h"
#include "octets_datapath.h"

namespace hyperroute {

class Entries;

// The fields of a message, or of one entry of a group.
class Block {
 public:
  Block() noexcept = default;
  Block(const uint8_t* block, uint32_t block_bytes, const uint8_t* body) noexcept
      : block_(block), body_(body), block_bytes_(block_bytes) {}

  // The value; the field's fallback, or zero, where the message is older than the field.
  template <typename T>
  [[gnu::always_inline]] T get(const Field<T>& field) const noexcept {
    if (field.offset >= block_bytes_) return field.fallback;
    if constexpr (std::is_same_v<T, bool>) {
      return block_[field.offset] != 0;
    } else {
      return octets::load<T>(block_ + field.offset);
    }
  }

  // Whether an optional field is there; always true of others. What is not there reads as zero
  // or empty, unless whoever wrote the message did not clear it.
  template <typename AnyField>
  bool has(const AnyField& field) const noexcept {
    if (field.presence_mask == 0) return true;
    if (field.offset >= block_bytes_) return false;
    return (octets::load<uint32_t>(block_ + field.presence_offset) & field.presence_mask) != 0;
  }

  // All bytes of the field.
  std::span<const uint8_t> get(const BytesField& field) const noexcept {
    return {fixed_bytes(field), field.field_bytes};
  }
  // The characters before the first zero.
  std::string_view get(const AsciiField& field) const noexcept {
    const uint8_t* const from = fixed_bytes(field);
    return {reinterpret_cast<const char*>(from), octets::text_bytes(from, field.field_bytes)};
  }
  template <typename T>
  ArrayView<T> get(const ArrayField<T>& field) const noexcept {
    return {fixed_bytes(field), field.count};
  }

  // Empty where the message is older than the field, or has none.
  std::string_view get(const StringField& field) const noexcept {
    const std::span<const uint8_t> data = variable_bytes(field);
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
  std::span<const uint8_t> get(const BlobField& field) const noexcept {
    return variable_bytes(field);
  }
  Entries get(const GroupField& field) const noexcept;

  uint32_t block_bytes() const noexcept { return block_bytes_; }

 protected:
  const uint8_t* fixed_bytes(const BytesField& field) const noexcept {
    const bool is_there = field.offset + field.field_bytes <= block_bytes_;
    return is_there ? block_ + field.offset : field.fallback;
  }
  std::span<const uint8_t> variable_bytes(const SlotField& field) const noexcept {
    if (field.offset + kSlotBytes > block_bytes_) return {};
    const uint64_t slot = octets::load<uint64_t>(block_ + field.offset);
    return {body_ + static_cast<uint32_t>(slot), static_cast<uint32_t>(slot >> 32)};
  }

  const uint8_t* block_ = nullptr;
  const uint8_t* body_ = nullptr;
  uint32_t block_bytes_ = 0;
};

// The entries of a group.
class Entries {
 public:
  class Iterator {
   public:
    Iterator(const uint8_t* entry, uint32_t stride, const uint8_t* body) noexcept
        : entry_(entry), body_(body), stride_(stride) {}
    Block operator*() const noexcept { return Block(entry_, stride_, body_); }
    Iterator& operator++() noexcept {
      entry_ += stride_;
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return entry_ != other.entry_; }

   private:
    const uint8_t* entry_;
    const uint8_t* body_;
    uint32_t stride_;
  };

  Entries() noexcept = default;
  Entries(const uint8_t* entries, uint32_t count, uint32_t stride, const uint8_t* body) noexcept
      : entries_(entries), body_(body), count_(count), stride_(stride) {}

  uint32_t count() const noexcept { return count_; }
  // `index` is below count().
  Block operator[](uint32_t index) const noexcept {
    return Block(entries_ + static_cast<size_t>(index) * stride_, stride_, body_);
  }
  Iterator begin() const noexcept { return Iterator(entries_, stride_, body_); }
  Iterator end() const noexcept {
    return Iterator(entries_ + static_cast<size_t>(count_) * stride_, stride_, body_);
  }

 private:
  const uint8_t* entries_ = nullptr;
  const uint8_t* body_ = nullptr;
  uint32_t count_ = 0;
  uint32_t stride_ = 0;
};

inline Entries Block::get(const GroupField& field) const noexcept {
  if (field.offset + kSlotBytes > block_bytes_) return {};
  const uint64_t slot = octets::load<uint64_t>(block_ + field.offset);
  if (slot == 0) return {};
  const uint8_t* const header = body_ + static_cast<uint32_t>(slot);
  return {header + kGroupHeaderBytes, static_cast<uint32_t>(slot >> 32),
          octets::load<uint16_t>(header), body_};
}

// A message whose structure bind() has found sound.
class Message : public Block {
 public:
  Message() noexcept = default;
  Message(const uint8_t* body, uint32_t body_bytes, uint32_t block_bytes, uint8_t version) noexcept
      : Block(body, block_bytes, body), body_bytes_(body_bytes), version_(version) {}

  // Of the writer's schema; may be newer than the layout.
  uint8_t version() const noexcept { return version_; }
  // Everything behind the header, data of newer writers included.
  std::span<const uint8_t> body() const noexcept { return {body_, body_bytes_}; }

 private:
  uint32_t body_bytes_ = 0;
  uint8_t version_ = 0;
};

}  // namespace hyperroute
