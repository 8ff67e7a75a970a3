// The deadlines of an endpoint's slots and the least of them, for thousands of idle sessions.
//
// A session's deadline moves with every packet, nearly always to later. So the heap is corrected at
// once only where a deadline moves to earlier; one that moved to later stays where it was until it
// comes to the top, and sinks then. Each correction at the top is paid for by one set().
// Owner: the endpoint. Data path: set() after every packet, next_ns() before every wait; neither
// allocates.
#pragma once

#include <cstdint>
#include <memory>

#include "base/assert.h"

namespace hyperroute::raptor {

class DeadlineHeap {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;

  // Slots have the numbers below `capacity`, 0xFFFF at most.
  explicit DeadlineHeap(uint32_t capacity)
      : due_ns_(std::make_unique<uint64_t[]>(capacity)),
        heap_(std::make_unique<Entry[]>(capacity)),
        places_(std::make_unique<uint16_t[]>(capacity)) {
    HR_ASSERT(capacity <= kNowhere);
    for (uint32_t slot = 0; slot < capacity; ++slot) {
      due_ns_[slot] = kNever;
      places_[slot] = kNowhere;
    }
  }

  void set(uint16_t slot, uint64_t due_ns) noexcept {
    due_ns_[slot] = due_ns;
    const uint16_t place = places_[slot];
    if (place == kNowhere) {
      if (due_ns == kNever) return;
      rise(count_++, Entry{due_ns, slot});
    } else if (due_ns < heap_[place].key_ns) {
      rise(place, Entry{due_ns, slot});
    }
  }

  // The least deadline; kNever where there is none.
  [[nodiscard]] uint64_t next_ns() noexcept {
    while (count_ > 0) {
      const Entry top = heap_[0];
      const uint64_t due_ns = due_ns_[top.slot];
      if (due_ns == top.key_ns) return due_ns;
      if (due_ns == kNever) {
        places_[top.slot] = kNowhere;
        count_ -= 1;
        if (count_ > 0) sink(heap_[count_]);
      } else {
        sink(Entry{due_ns, top.slot});
      }
    }
    return kNever;
  }

  // Whose it is; only right after next_ns() gave one.
  [[nodiscard]] uint16_t next_slot() const noexcept {
    HR_DASSERT(count_ > 0);
    return heap_[0].slot;
  }

 private:
  static constexpr uint16_t kNowhere = 0xFFFF;

  // key_ns is not above the slot's deadline.
  struct Entry {
    uint64_t key_ns;
    uint16_t slot;
  };

  void put(uint32_t place, const Entry& entry) noexcept {
    heap_[place] = entry;
    places_[entry.slot] = static_cast<uint16_t>(place);
  }

  void rise(uint32_t place, const Entry& entry) noexcept {
    while (place > 0) {
      const uint32_t parent = (place - 1) / 2;
      if (heap_[parent].key_ns <= entry.key_ns) break;
      put(place, heap_[parent]);
      place = parent;
    }
    put(place, entry);
  }

  // Puts the entry in the place of the top.
  void sink(const Entry entry) noexcept {
    uint32_t place = 0;
    for (uint32_t child = 1; child < count_; child = 2 * place + 1) {
      if (child + 1 < count_ && heap_[child + 1].key_ns < heap_[child].key_ns) child += 1;
      if (entry.key_ns <= heap_[child].key_ns) break;
      put(place, heap_[child]);
      place = child;
    }
    put(place, entry);
  }

  std::unique_ptr<uint64_t[]> due_ns_;
  std::unique_ptr<Entry[]> heap_;
  std::unique_ptr<uint16_t[]> places_;
  uint32_t count_ = 0;
};

}  // namespace hyperroute::raptor
