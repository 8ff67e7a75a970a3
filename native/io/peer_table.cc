// The peer table: constant-time and free of allocation after create(). Owner: endpoint's worker.
#include "io/peer_table.h"

namespace hyperroute {

Status PeerTable::create(uint32_t capacity, uint16_t generation_seed) {
  if (capacity == 0 || capacity > kPeersMax) {
    return Status::error(StatusCode::kLimit, "peers of an endpoint: expected 1 to %u, got %u",
                         kPeersMax, capacity);
  }
  words_ = std::make_unique<std::atomic<uint32_t>[]>(capacity);
  free_ = std::make_unique<uint16_t[]>(capacity);
  capacity_ = capacity;
  for (uint32_t index = 0; index < capacity; ++index) {
    // Relaxed: no other thread has seen the table yet.
    words_[index].store(uint32_t{generation_seed} << 1, std::memory_order_relaxed);
    free_[index] = static_cast<uint16_t>(index);
  }
  free_head_ = 0;
  free_count_ = capacity;
  generation_seed_ = generation_seed;
  generations_used_ = 0;
  return Status::success();
}

bool PeerTable::take(PeerRef& peer) noexcept {
  if (free_count_ == 0) return false;
  const uint16_t index = free_[free_head_];
  free_head_ = free_head_ + 1 == capacity_ ? 0 : free_head_ + 1;
  --free_count_;
  const uint16_t taken = static_cast<uint16_t>(generation(index) + 1);
  const uint16_t used = static_cast<uint16_t>(taken - generation_seed_);
  if (used > generations_used_) generations_used_ = used;
  peer = PeerRef{index, taken};
  // P2 release: publishes the new holder; pairs with P1 in is_live().
  words_[index].store(live_word(taken), std::memory_order_release);
  return true;
}

void PeerTable::retire(uint16_t index) noexcept {
  HR_DASSERT(index < capacity_);
  // Relaxed: nothing is published by a peer's end, a late reader only finds it gone later.
  words_[index].store(uint32_t{generation(index)} << 1, std::memory_order_relaxed);
}

void PeerTable::free(uint16_t index) noexcept {
  HR_DASSERT(index < capacity_ && free_count_ < capacity_);
  HR_DASSERT(!is_live(PeerRef{index, generation(index)}));
  const uint32_t tail = free_head_ + free_count_;
  free_[tail >= capacity_ ? tail - capacity_ : tail] = index;
  ++free_count_;
}

}  // namespace hyperroute
