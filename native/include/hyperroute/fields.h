// Handles of fields: found once by name, then used for every message.
//
// A handle belongs to the layout it was found in, and to its block: a group's field is read from
// that group's entries, and a message that was bound with another layout must not be read with it.
// A handle that was not found must not be used.
//
// Thread: any (plain values). Data path: reading and writing take them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hyperroute {

// No block reaches it: the offset of a handle that was never found.
inline constexpr uint32_t kFieldOffsetNone = 0xfff8;

// A number: an integer of T's size and sign, float, double or bool. Flags, enumerations, decimals
// and timestamps are integers of their base.
template <typename T>
struct Field {
  using Fallback = T;
  // A multiple of the value's size, so that where it starts inside a block it ends there too.
  uint32_t offset = kFieldOffsetNone;
};

// Fixed bytes of the block: bytes fields, ascii fields, arrays.
struct BytesField {
  using Fallback = const uint8_t*;  // In the layout.
  uint32_t offset = kFieldOffsetNone;
  uint32_t field_bytes = 0;
};

struct AsciiField : BytesField {};

template <typename T>
struct ArrayField : BytesField {
  uint32_t count = 0;
};

// Strings, blobs and groups: eight bytes in the block that say where the data is.
struct SlotField {
  struct Fallback {};  // Nothing: what is not there is empty.
  uint32_t offset = kFieldOffsetNone;
  uint32_t max = 0;  // Bytes, or entries.
};

struct StringField : SlotField {};
struct BlobField : SlotField {};

struct GroupField : SlotField {
  uint32_t entry_bytes = 0;
  const uint8_t* initial_entry = nullptr;  // In the layout.
};

// The bit that says whether a field is there.
struct Presence {
  uint32_t offset = 0;
  uint32_t mask = 0;  // 0: the field has none.
};

// A field of any of these kinds that a message can lack: it is optional, or of a later version
// than its block. All others are in every message, and reading them tests nothing.
template <typename Handle>
struct Optional : Handle {
  Presence presence;  // Before the field, in the same block.
  [[no_unique_address]] typename Handle::Fallback fallback{};
};

// Elements of an array, where they lie: unaligned, so they are loaded one by one.
template <typename T>
class ArrayView {
 public:
  ArrayView(const uint8_t* elements, uint32_t count) noexcept
      : elements_(elements), count_(count) {}

  uint32_t count() const noexcept { return count_; }
  // `index` is below count().
  T operator[](uint32_t index) const noexcept {
    T value;
    __builtin_memcpy(&value, elements_ + index * sizeof value, sizeof value);
    return value;
  }

 private:
  const uint8_t* elements_;
  uint32_t count_;
};

}  // namespace hyperroute
