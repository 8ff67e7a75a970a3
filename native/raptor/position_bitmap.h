// A bit for every 8 bytes of a ring, addressed by stream positions: what has come, what has been
// acknowledged, what is lost.
// Thread: its owner's. Data path: only where packets are lost or overtake each other; what goes in
// order never looks here.
//
// Positions are multiples of 8; a range is never longer than the ring, and all positions in use at
// a time lie within one ring's length, so no two share a bit.
#pragma once

#include <bit>
#include <cstdint>

#include "base/assert.h"
#include "base/bits.h"

namespace hyperroute::raptor {

class PositionBitmap {
 public:
  static constexpr uint32_t kUnitBytes = 8;
  static constexpr uint32_t kWordSpanBytes = 64 * kUnitBytes;

  // The words that a ring of so many bytes needs; it is a power of two, of a word's span at least.
  static constexpr uint64_t words_bytes(uint64_t ring_bytes) noexcept {
    return ring_bytes / kWordSpanBytes * sizeof(uint64_t);
  }

  PositionBitmap() noexcept = default;
  // `words` are zero and outlive the object.
  PositionBitmap(uint64_t* words, uint64_t ring_bytes) noexcept
      : words_(words), word_mask_(ring_bytes / kWordSpanBytes - 1) {
    HR_DASSERT(is_power_of_two(ring_bytes) && ring_bytes >= kWordSpanBytes);
  }

  bool empty() const noexcept { return words_ == nullptr; }

  // Both return the bytes whose bits changed.
  uint64_t set(uint64_t position, uint64_t range_bytes) noexcept {
    uint64_t changed = 0;
    for_each_word(position, range_bytes, [&](uint64_t& word, uint64_t mask) {
      changed += static_cast<uint64_t>(std::popcount(mask & ~word));
      word |= mask;
      return true;
    });
    return changed * kUnitBytes;
  }
  uint64_t clear(uint64_t position, uint64_t range_bytes) noexcept {
    uint64_t changed = 0;
    for_each_word(position, range_bytes, [&](uint64_t& word, uint64_t mask) {
      changed += static_cast<uint64_t>(std::popcount(mask & word));
      word &= ~mask;
      return true;
    });
    return changed * kUnitBytes;
  }

  bool is_set(uint64_t position) const noexcept {
    return (words_[word_of(position)] >> bit_of(position) & 1) != 0;
  }
  bool has_any(uint64_t position, uint64_t range_bytes) const noexcept {
    return find_set(position, position + range_bytes) != position + range_bytes;
  }
  bool has_all(uint64_t position, uint64_t range_bytes) const noexcept {
    return find_clear(position, position + range_bytes) == position + range_bytes;
  }

  // The first position from `from` on whose bit is set (clear); `to` where none below it is.
  uint64_t find_set(uint64_t from, uint64_t to) const noexcept { return find(from, to, 0); }
  uint64_t find_clear(uint64_t from, uint64_t to) const noexcept {
    return find(from, to, ~uint64_t{0});
  }

 private:
  uint64_t word_of(uint64_t position) const noexcept {
    return (position / kWordSpanBytes) & word_mask_;
  }
  static uint32_t bit_of(uint64_t position) noexcept {
    return static_cast<uint32_t>(position / kUnitBytes) & 63;
  }

  template <typename Visit>
  void for_each_word(uint64_t position, uint64_t range_bytes, Visit&& visit) const noexcept {
    HR_DASSERT(position % kUnitBytes == 0 && range_bytes % kUnitBytes == 0);
    HR_DASSERT(range_bytes <= (word_mask_ + 1) * kWordSpanBytes);
    uint64_t left = range_bytes / kUnitBytes;
    uint64_t index = word_of(position);
    uint32_t bit = bit_of(position);
    while (left > 0) {
      const uint64_t count = left < 64 - bit ? left : 64 - bit;
      const uint64_t ones = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
      if (!visit(words_[index], ones << bit)) return;
      left -= count;
      bit = 0;
      index = (index + 1) & word_mask_;
    }
  }

  // `invert` makes a search for clear bits one for set bits.
  uint64_t find(uint64_t from, uint64_t to, uint64_t invert) const noexcept {
    HR_DASSERT(from <= to);
    uint64_t found = to;
    uint64_t base = align_down(from, uint64_t{kWordSpanBytes});
    for_each_word(from, to - from, [&](const uint64_t& word, uint64_t mask) {
      const uint64_t hits = (word ^ invert) & mask;
      if (hits != 0) found = base + static_cast<uint64_t>(std::countr_zero(hits)) * kUnitBytes;
      base += kWordSpanBytes;
      return hits == 0;
    });
    return found;
  }

  uint64_t* words_ = nullptr;
  uint64_t word_mask_ = 0;
};

}  // namespace hyperroute::raptor
