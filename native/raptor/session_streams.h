// The streams of a session: which ids exist, which streams want something.
//
// Ids: a stream takes a slot for its life, and slot s gives the ids s, s + slots, s + 2 · slots …
// in turn. So an id is found without a search, is never used twice in a session, and one number a
// slot tells a stream that has ended (a late packet, ignored) from one that never was. Each
// direction has its own ids; the slots are those the receiver allows, rounded down to a power of
// two. The receiver says when it has taken all of a stream (a WINDOW of kTakenWhole); only then
// does the sender use the slot again, so that a receiver never has to turn a stream away.
// Owner: the session. Data path: look-ups and sets for every frame.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "raptor/stream_mode.h"
#include "raptor/stream_rx.h"
#include "raptor/stream_tx.h"

namespace hyperroute::raptor {

// Streams open at a time, in one direction, whatever the ends allow.
inline constexpr uint32_t kStreamSlotsMax = 256;
inline constexpr uint32_t kStreamIdsMax = 65'536;

// The limit of a stream that its receiver has taken to the end.
inline constexpr uint64_t kTakenWhole = kPositionMax;

// A set of slots: members are found in turn, in constant time.
class SlotSet {
 public:
  void add(uint32_t slot) { words_[slot / 64] |= bit(slot); }
  void remove(uint32_t slot) { words_[slot / 64] &= ~bit(slot); }
  void put(uint32_t slot, bool is_member) { is_member ? add(slot) : remove(slot); }
  bool has(uint32_t slot) const { return (words_[slot / 64] & bit(slot)) != 0; }
  bool any() const {
    uint64_t all = 0;
    for (const uint64_t word : words_) all |= word;
    return all != 0;
  }
  // The first member from `slot` on, going around; kStreamSlotsMax where there is none.
  uint32_t next_from(uint32_t slot) const {
    for (uint32_t step = 0; step <= kWords; ++step) {
      const uint32_t index = (slot / 64 + step) % kWords;
      uint64_t word = words_[index];
      if (step == 0) word &= ~uint64_t{0} << slot % 64;
      if (word != 0) return index * 64 + static_cast<uint32_t>(std::countr_zero(word));
    }
    return kStreamSlotsMax;
  }

 private:
  static constexpr uint32_t kWords = kStreamSlotsMax / 64;
  static uint64_t bit(uint32_t slot) { return uint64_t{1} << slot % 64; }

  uint64_t words_[kWords] = {};
};

// A stream from this end. Its OPEN goes in front of whatever is sent about it until one of them
// is acknowledged.
struct TxStream {
  StreamTx stream;
  uint16_t id;
  bool is_open_acked = false;
  bool is_open_due = true;
  bool is_taken = false;              // by the receiver, to its end
  uint64_t open_number = UINT64_MAX;  // the packet that the last OPEN went with
};

// A stream to this end.
struct RxStream {
  StreamRx stream;
  uint16_t id;
  uint64_t window_limit = 0;  // due or told last
};

template <typename Stream>
class StreamSlots {
 public:
  explicit StreamSlots(uint32_t streams_max)
      : count_(std::bit_floor(streams_max < kStreamSlotsMax ? streams_max : kStreamSlotsMax)),
        slots_(std::make_unique<Slot[]>(count_)) {
    for (uint32_t slot = 0; slot < count_; ++slot) slots_[slot].next_id = slot;
  }

  uint32_t count() const { return count_; }
  uint32_t live_count() const { return live_count_; }
  // Valid where count() is above 0.
  uint32_t slot_of(uint16_t id) const { return id & (count_ - 1); }
  Stream* at(uint32_t slot) const { return slots_[slot].stream.get(); }
  Stream* find(uint16_t id) const {
    if (count_ == 0) return nullptr;
    Stream* stream = at(slot_of(id));
    return stream != nullptr && stream->id == id ? stream : nullptr;
  }
  // Whether a stream of this id was there and has ended.
  bool has_ended(uint16_t id) const {
    return count_ != 0 && find(id) == nullptr && id < slots_[slot_of(id)].next_id;
  }
  // A free slot, of those the one least used; count() where none is free or ids are used up.
  uint32_t free_slot() const {
    uint32_t best = count_;
    uint32_t best_id = kStreamIdsMax;
    for (uint32_t slot = 0; slot < count_; ++slot) {
      if (slots_[slot].stream != nullptr || slots_[slot].next_id >= best_id) continue;
      best = slot;
      best_id = slots_[slot].next_id;
    }
    return best;
  }
  // Of the stream that had the slot last; the slot had one.
  uint16_t last_id(uint32_t slot) const {
    HR_DASSERT(slots_[slot].next_id >= count_);
    return static_cast<uint16_t>(slots_[slot].next_id - count_);
  }
  uint16_t next_id(uint32_t slot) const { return static_cast<uint16_t>(slots_[slot].next_id); }
  // The slot of stream->id is free.
  void put(std::unique_ptr<Stream> stream) {
    Slot& slot = slots_[slot_of(stream->id)];
    HR_DASSERT(slot.stream == nullptr && stream->id >= slot.next_id);
    slot.next_id = stream->id + count_;
    slot.stream = std::move(stream);
    live_count_ += 1;
  }
  void release(uint32_t slot) {
    HR_DASSERT(slots_[slot].stream != nullptr);
    slots_[slot].stream.reset();
    live_count_ -= 1;
  }

 private:
  struct Slot {
    std::unique_ptr<Stream> stream;
    uint32_t next_id = 0;
  };

  uint32_t count_;
  uint32_t live_count_ = 0;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace hyperroute::raptor
