// Reading the fields of a bound message, where they lie.
//
// bind() has checked the structure; a read is one load, of what a message can lack after one
// compare. Whatever these give out
// (strings, bytes, entries) points into the message or the layout and lives as long as they do.
//
// Thread: any, as long as nobody writes the message's bytes. Data path: yes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "fields.h"
#include "layout_format.h"
#include "octets_datapath.h"

// Mistakes of the caller, looked for in debug builds.
#ifdef HR_DEBUG_ASSERTS
#define HR_MESSAGE_ASSERT(condition) ((condition) ? void() : __builtin_trap())
#else
#define HR_MESSAGE_ASSERT(condition) void()
#endif

namespace hyperroute {

class Entries;

// The fields of a message, or of one entry of a group.
class Block {
 public:
  Block() noexcept = default;
  Block(const uint8_t* block, uint32_t block_bytes, const uint8_t* body) noexcept
      : block_(block), body_(body), block_bytes_(block_bytes) {}

  template <typename T>
  [[gnu::always_inline]] T get(const Field<T>& field) const noexcept {
    const uint8_t* const from = at(field);
    if constexpr (std::is_same_v<T, bool>) {
      return *from != 0;
    } else {
      return octets::load<T>(from);
    }
  }
  // All bytes of the field.
  std::span<const uint8_t> get(const BytesField& field) const noexcept {
    return {at(field), field.field_bytes};
  }
  // The characters before the first zero.
  [[gnu::always_inline]] std::string_view get(const AsciiField& field) const noexcept {
    return text_of(field, at(field));
  }
  template <typename T>
  ArrayView<T> get(const ArrayField<T>& field) const noexcept {
    return {at(field), field.count};
  }
  std::string_view get(const StringField& field) const noexcept {
    const std::span<const uint8_t> data = get(static_cast<const SlotField&>(field));
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
  std::span<const uint8_t> get(const BlobField& field) const noexcept {
    return get(static_cast<const SlotField&>(field));
  }
  Entries get(const GroupField& field) const noexcept;

  // The field's fallback, zero or empty where the message is older than the field. What is absent
  // is zero or empty, unless whoever wrote the message did not clear it.
  template <typename T>
  [[gnu::always_inline]] T get(const Optional<Field<T>>& field) const noexcept {
    return reaches(field) ? get(static_cast<const Field<T>&>(field)) : field.fallback;
  }
  std::span<const uint8_t> get(const Optional<BytesField>& field) const noexcept {
    return {reaches(field) ? at(field) : field.fallback, field.field_bytes};
  }
  std::string_view get(const Optional<AsciiField>& field) const noexcept {
    return text_of(field, reaches(field) ? at(field) : field.fallback);
  }
  template <typename T>
  ArrayView<T> get(const Optional<ArrayField<T>>& field) const noexcept {
    return {reaches(field) ? at(field) : field.fallback, field.count};
  }
  std::string_view get(const Optional<StringField>& field) const noexcept {
    return reaches(field) ? get(static_cast<const StringField&>(field)) : std::string_view();
  }
  std::span<const uint8_t> get(const Optional<BlobField>& field) const noexcept {
    if (!reaches(field)) return {};
    return get(static_cast<const BlobField&>(field));
  }
  Entries get(const Optional<GroupField>& field) const noexcept;

  // Whether the message has the field: it is of the field's version or newer, and if the field is
  // optional, it was set.
  template <typename Handle>
  bool has(const Optional<Handle>& field) const noexcept {
    if (!reaches(field)) return false;
    if (field.presence.mask == 0) return true;
    return (octets::load<uint32_t>(block_ + field.presence.offset) & field.presence.mask) != 0;
  }

  uint32_t block_bytes() const noexcept { return block_bytes_; }

 protected:
  template <typename Handle>
  [[gnu::always_inline]] bool reaches(const Handle& field) const noexcept {
    return field.offset < block_bytes_;
  }
  template <typename Handle>
  [[gnu::always_inline]] const uint8_t* at(const Handle& field) const noexcept {
    HR_MESSAGE_ASSERT(reaches(field));
    return block_ + field.offset;
  }
  [[gnu::always_inline]] static std::string_view text_of(const AsciiField& field,
                                                         const uint8_t* from) noexcept {
    return {reinterpret_cast<const char*>(from), octets::text_bytes(from, field.field_bytes)};
  }
  std::span<const uint8_t> get(const SlotField& field) const noexcept {
    const uint64_t slot = octets::load<uint64_t>(at(field));
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
  // Of an empty group the slot is zero: what then is read as its header are bytes of the block.
  const uint64_t slot = octets::load<uint64_t>(at(field));
  const uint8_t* const header = body_ + static_cast<uint32_t>(slot);
  return {header + kGroupHeaderBytes, static_cast<uint32_t>(slot >> 32),
          octets::load<uint16_t>(header), body_};
}
inline Entries Block::get(const Optional<GroupField>& field) const noexcept {
  return reaches(field) ? get(static_cast<const GroupField&>(field)) : Entries();
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
