// Writing a message into memory of the caller's, in canonical form: same values, same bytes.
//
// begin() clears the fixed block and puts every fallback there; fixed fields are then set in any
// order, strings, blobs and groups in the order of the schema's slots (as layout.slots() has
// them, and as a writer in TypeScript wants them). A mistake or a full buffer is remembered;
// finish() tells. Every byte of the message is written, whatever the memory held before.
//
// Thread: the one that owns the memory. Data path: yes; nothing is allocated.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "fields.h"
#include "layout.h"
#include "layout_format.h"
#include "octets_datapath.h"

namespace hyperroute {

// What stopped a writer. The first fault stays, until the writer begins another message.
enum class WriteFault : uint8_t {
  kNone,
  kNoRoom,      // The memory, or a message's largest size, is used up.
  kTooLong,     // More bytes or entries than the schema allows.
  kWrongSize,   // Not exactly the bytes of a bytes field, the elements or an index of an array.
  kOutOfOrder,  // A string, blob or group before one that was written already, or of another block.
};

class EntryWriter;

namespace writing {

// What the writers of a message and of its entries share.
struct State {
  uint8_t* body = nullptr;
  uint32_t position = 0;                   // Where variable data goes on, from the body's start.
  uint32_t body_bytes = 0;                 // That there is memory for.
  WriteFault fault = WriteFault::kNoRoom;  // Until a message begins there is no memory.
  // Entries may be written to until their parent goes on: the group that is open at each depth,
  // counted over the writer's life.
  uint32_t depth = 0;
  uint32_t group_count = 0;
  uint32_t open_groups[kGroupDepthMax + 1] = {};

  // The first fault stays. There is no room any more: no data of a string, blob or group is
  // written, and what its slot or presence bit becomes is of no message.
  void fail(WriteFault first_fault) noexcept {
    if (fault == WriteFault::kNone) fault = first_fault;
    body_bytes = position;
  }
};

template <typename T>
T canonical(T value) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    return value == value ? value : std::bit_cast<float>(0x7fc00000u);
  } else if constexpr (std::is_same_v<T, double>) {
    return value == value ? value : std::bit_cast<double>(0x7ff8000000000000ull);
  } else {
    return value;
  }
}

// The setters of a message and of an entry. `Self` has state().
template <typename Self>
class BlockWriter {
 public:
  // Numbers. A field that the handle's layout does not place inside this block is not written.
  template <typename T>
  [[gnu::always_inline]] void set(const Field<T>& field, std::type_identity_t<T> value) noexcept {
    if (field.offset >= block_bytes_) [[unlikely]]
      return;
    if constexpr (std::is_same_v<T, bool>) {
      block_[field.offset] = value ? 1 : 0;
    } else {
      octets::store(block_ + field.offset, canonical(value));
    }
  }

  // Up to the field's bytes; zeros follow.
  [[gnu::always_inline]] void set(const AsciiField& field, std::string_view text) noexcept {
    const auto* const from = reinterpret_cast<const uint8_t*>(text.data());
    if (!starts_fixed(field, text.size() <= field.field_bytes, WriteFault::kTooLong)) return;
    const auto text_bytes = static_cast<uint32_t>(text.size());
    if (field.field_bytes == 8) {
      octets::store(block_ + field.offset, octets::load_text_8(from, text_bytes));
    } else {
      octets::fill_text(block_ + field.offset, field.field_bytes, from, text_bytes);
    }
  }
  // Exactly the field's bytes.
  void set(const BytesField& field, std::span<const uint8_t> bytes) noexcept {
    if (!starts_fixed(field, bytes.size() == field.field_bytes, WriteFault::kWrongSize)) return;
    octets::copy(block_ + field.offset, bytes.data(), field.field_bytes);
  }
  // Exactly as many elements as the array has.
  template <typename T>
  void set(const ArrayField<T>& field, std::span<const std::type_identity_t<T>> values) noexcept {
    if (!starts_fixed(field, values.size() == field.count, WriteFault::kWrongSize)) return;
    for (uint32_t index = 0; index < field.count; ++index) set_element(field, index, values[index]);
  }
  // One element; `index` is below the array's count.
  template <typename T>
  void set_at(const ArrayField<T>& field, uint32_t index, std::type_identity_t<T> value) noexcept {
    if (!starts_fixed(field, index < field.count, WriteFault::kWrongSize)) return;
    set_element(field, index, value);
  }

  // Text as it is: whether it is UTF-8 is for whoever has it.
  [[gnu::always_inline]] void set(const StringField& field, std::string_view text) noexcept {
    put(field, reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  [[gnu::always_inline]] void set(const BlobField& field, std::span<const uint8_t> bytes) noexcept {
    put(field, bytes.data(), bytes.size());
  }

  // Fields that a message can lack, as above. Of an optional one it says that the field is there.
  template <typename T>
  [[gnu::always_inline]] void set(const Optional<Field<T>>& field,
                                  std::type_identity_t<T> value) noexcept {
    mark(field);
    set(static_cast<const Field<T>&>(field), value);
  }
  template <typename Handle, typename Value>
  [[gnu::always_inline]] void set(const Optional<Handle>& field, const Value& value) noexcept {
    mark(field);
    set(static_cast<const Handle&>(field), value);
  }
  template <typename T>
  void set_at(const Optional<ArrayField<T>>& field, uint32_t index,
              std::type_identity_t<T> value) noexcept {
    mark(field);
    set_at(static_cast<const ArrayField<T>&>(field), index, value);
  }

  // Makes `count` entries, all as they are before a field is set, and gives the first. With 0
  // entries, or after a fault, what is set in what it gives is ignored, whatever the field.
  [[nodiscard, gnu::always_inline]] EntryWriter group(const GroupField& field,
                                                      uint32_t count) noexcept;
  [[nodiscard]] EntryWriter group(const Optional<GroupField>& field, uint32_t count) noexcept;

  WriteFault fault() const noexcept { return self().state().fault; }

 protected:
  BlockWriter() noexcept = default;

  void use_block(uint8_t* block, uint32_t block_bytes) noexcept {
    block_ = block;
    block_bytes_ = block_bytes;
    next_offset_ = 0;
  }

  uint8_t* block_ = nullptr;
  uint32_t block_bytes_ = 0;
  uint32_t next_offset_ = 0;  // Slots before it have been written or passed over.

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }
  const Self& self() const noexcept { return static_cast<const Self&>(*this); }

  template <typename Handle>
  [[gnu::always_inline]] void mark(const Optional<Handle>& field) noexcept {
    if (field.presence.mask == 0 || field.offset >= block_bytes_) return;
    uint8_t* const word = block_ + field.presence.offset;
    octets::store(word, octets::load<uint32_t>(word) | field.presence.mask);
  }

  [[gnu::always_inline]] bool starts_fixed(const BytesField& field, bool fits,
                                           WriteFault otherwise) noexcept {
    if (field.offset >= block_bytes_) [[unlikely]]
      return false;
    if (!fits) [[unlikely]] {
      self().fail(otherwise);
      return false;
    }
    return true;
  }

  template <typename T>
  void set_element(const ArrayField<T>& field, uint32_t index, T value) noexcept {
    uint8_t* const to = block_ + field.offset + index * (field.field_bytes / field.count);
    if constexpr (std::is_same_v<T, bool>) {
      *to = value ? 1 : 0;
    } else {
      octets::store(to, canonical(value));
    }
  }

  // Whether a slot may be written now: it is this block's turn, and the slot's in it.
  [[gnu::always_inline]] bool starts_slot(const SlotField& field, size_t count) noexcept {
    // A field of another block is a fault. Without a block there is nothing to set, as with the
    // setters of fixed fields: after a fault, of no entries, and behind the last.
    if (field.offset + kSlotBytes > block_bytes_ || field.offset < next_offset_ ||
        !self().takes_turn()) [[unlikely]] {
      if (block_bytes_ != 0) self().fail(WriteFault::kOutOfOrder);
      return false;
    }
    if (count > field.max) [[unlikely]] {
      self().fail(WriteFault::kTooLong);
      return false;
    }
    next_offset_ = field.offset + kSlotBytes;
    return true;
  }

  [[gnu::always_inline]] void put(const SlotField& field, const uint8_t* data,
                                  size_t data_bytes) noexcept {
    if (!starts_slot(field, data_bytes) || data_bytes == 0) return;
    State& state = self().state();
    if (data_bytes > state.body_bytes - state.position) [[unlikely]] {
      self().fail(WriteFault::kNoRoom);
      return;
    }
    const auto bytes = static_cast<uint32_t>(data_bytes);
    octets::store(block_ + field.offset, state.position | static_cast<uint64_t>(bytes) << 32);
    octets::copy(state.body + state.position, data, bytes);
    state.position += bytes;
  }
};

}  // namespace writing

// The entries of a group, one after another. Used until its parent writes its next string, blob
// or group, or is finished, and while the MessageWriter lives.
class EntryWriter : public writing::BlockWriter<EntryWriter> {
 public:
  // Moves to the next entry; false behind the last, where what is set is ignored.
  bool next() noexcept {
    if (entries_left_ <= 1) {
      entries_left_ = 0;
      use_block(block_, 0);
      return false;
    }
    --entries_left_;
    use_block(block_ + block_bytes_, block_bytes_);
    return true;
  }

 private:
  template <typename Self>
  friend class writing::BlockWriter;

  EntryWriter(writing::State& state, uint32_t depth, uint32_t serial) noexcept
      : state_(&state), depth_(depth), serial_(serial) {}

  writing::State& state() noexcept { return *state_; }
  const writing::State& state() const noexcept { return *state_; }
  void fail(WriteFault fault) noexcept { state_->fail(fault); }
  bool takes_turn() noexcept {
    if (state_->depth < depth_ || state_->open_groups[depth_] != serial_) return false;
    state_->depth = depth_;
    return true;
  }
  uint32_t depth() const noexcept { return depth_; }

  writing::State* state_;
  uint32_t depth_;
  uint32_t serial_;
  uint32_t entries_left_ = 0;
};

class MessageWriter : public writing::BlockWriter<MessageWriter> {
 public:
  MessageWriter() noexcept = default;
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  // Starts a message of the layout's newest version at the front of `memory`, which is not read.
  // What was begun before is forgotten. Without room for the fixed block: kNoRoom.
  [[gnu::always_inline]] void begin(const MessageLayout& layout,
                                    std::span<uint8_t> memory) noexcept {
    const uint32_t fixed_bytes = kMessageHeaderBytes + layout.block_bytes();
    const size_t memory_bytes =
        memory.size() < kNativeMessageBytesMax ? memory.size() : kNativeMessageBytesMax;
    state_.fault = WriteFault::kNone;
    state_.depth = 0;
    if (memory_bytes < fixed_bytes) [[unlikely]] {
      fail(WriteFault::kNoRoom);
      return;
    }
    state_.body = memory.data() + kMessageHeaderBytes;
    state_.body_bytes = static_cast<uint32_t>(memory_bytes) - kMessageHeaderBytes;
    state_.position = layout.block_bytes();
    octets::copy_words(memory.data(), layout.initial_message(), fixed_bytes);
    use_block(state_.body, layout.block_bytes());
  }

  // The message's bytes, header included; 0 after a fault, when the memory holds no message.
  [[nodiscard]] uint32_t finish() noexcept {
    if (state_.fault != WriteFault::kNone) return 0;
    return kMessageHeaderBytes + state_.position;
  }

 private:
  template <typename Self>
  friend class writing::BlockWriter;

  writing::State& state() noexcept { return state_; }
  const writing::State& state() const noexcept { return state_; }
  void fail(WriteFault fault) noexcept {
    state_.fail(fault);
    use_block(nullptr, 0);
  }
  bool takes_turn() noexcept {
    state_.depth = 0;
    return true;
  }
  static constexpr uint32_t depth() noexcept { return 0; }

  writing::State state_;
};

template <typename Self>
[[gnu::always_inline]] inline EntryWriter writing::BlockWriter<Self>::group(
    const GroupField& field, uint32_t count) noexcept {
  State& state = self().state();
  const uint32_t depth = self().depth() + 1;
  if (depth > kGroupDepthMax) [[unlikely]]
    self().fail(WriteFault::kOutOfOrder);
  if (!starts_slot(field, count) || count == 0) return EntryWriter(state, depth, 0);
  const uint32_t padding_bytes = -state.position & 7u;
  const uint64_t entries_bytes = static_cast<uint64_t>(field.entry_bytes) * count;
  if (padding_bytes + kGroupHeaderBytes + entries_bytes > state.body_bytes - state.position)
      [[unlikely]] {
    self().fail(WriteFault::kNoRoom);
    return EntryWriter(state, depth, 0);
  }
  // The padding, and whatever of the group's header it reaches into.
  octets::store<uint64_t>(state.body + state.position, 0);
  const uint32_t position = state.position + padding_bytes;
  octets::store(block_ + field.offset, position | static_cast<uint64_t>(count) << 32);
  octets::store<uint64_t>(state.body + position, field.entry_bytes);
  uint8_t* const entries = state.body + position + kGroupHeaderBytes;
  octets::repeat_words(entries, field.initial_entry, field.entry_bytes, count);
  state.position = position + kGroupHeaderBytes + static_cast<uint32_t>(entries_bytes);
  const uint32_t serial = ++state.group_count;
  state.open_groups[depth] = serial;
  state.depth = depth;
  EntryWriter writer(state, depth, serial);
  writer.entries_left_ = count;
  writer.use_block(entries, field.entry_bytes);
  return writer;
}

template <typename Self>
EntryWriter writing::BlockWriter<Self>::group(const Optional<GroupField>& field,
                                              uint32_t count) noexcept {
  mark(field);
  return group(static_cast<const GroupField&>(field), count);
}

}  // namespace hyperroute
