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
#include "base/memory.h"
#include "raptor/stream_mode.h"
#include "raptor/stream_rx.h"
#include "raptor/stream_tx.h"

namespace hyperroute::raptor {

// Streams open at a time, in one direction, whatever the ends allow.
inline constexpr uint32_t kStreamSlotsMax = 256;
inline constexpr uint32_t kStreamIdsMax = 65'536;

// The limit of a stream that its receiver has taken to the end.
inline constexpr uint64_t kTakenWhole = kPositionMax;

// A set of slots: members are found in turn, in constant time. An empty one, which most are nearly
// always, costs one load.
class SlotSet {
 public:
  void add(uint32_t slot) {
    words_[slot / 64] |= bit(slot);
    used_words_ |= 1u << slot / 64;
  }
  void remove(uint32_t slot) {
    if (used_words_ == 0) return;
    words_[slot / 64] &= ~bit(slot);
    if (words_[slot / 64] == 0) used_words_ &= ~(1u << slot / 64);
  }
  void put(uint32_t slot, bool is_member) { is_member ? add(slot) : remove(slot); }
  bool has(uint32_t slot) const { return (words_[slot / 64] & bit(slot)) != 0; }
  bool any() const { return used_words_ != 0; }
  // The first member from `slot` on, going around; kStreamSlotsMax where there is none.
  uint32_t next_from(uint32_t slot) const {
    if (used_words_ == 0) return kStreamSlotsMax;
    const uint32_t first = slot / 64;
    if (const uint64_t rest = words_[first] & ~uint64_t{0} << slot % 64; rest != 0) {
      return first * 64 + static_cast<uint32_t>(std::countr_zero(rest));
    }
    const uint32_t later = used_words_ & ~1u << first;
    const auto index = static_cast<uint32_t>(std::countr_zero(later != 0 ? later : used_words_));
    return index * 64 + static_cast<uint32_t>(std::countr_zero(words_[index]));
  }

 private:
  static constexpr uint32_t kWords = kStreamSlotsMax / 64;
  static uint64_t bit(uint32_t slot) { return uint64_t{1} << slot % 64; }

  uint32_t used_words_ = 0;  // Bit w: words_[w] has a member.
  uint64_t words_[kWords] = {};
};

// A stream from this end. Its OPEN goes in front of whatever is sent about it until one of them
// is acknowledged.
struct alignas(kCacheLineBytes) TxStream {
  uint16_t id;
  bool is_open_acked = false;
  bool is_open_due = true;
  bool is_taken = false;              // by the receiver, to its end
  uint64_t open_number = UINT64_MAX;  // the packet that the last OPEN went with
  StreamTx stream;
};

// A stream to this end.
struct alignas(kCacheLineBytes) RxStream {
  uint16_t id;
  uint64_t window_limit = 0;  // due or told last
  StreamRx stream;
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
