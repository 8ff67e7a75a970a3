// Taking, freeing and finding slots. Owner: the endpoint; not on the data path.
#include "raptor/session_table.h"

#include <algorithm>

namespace hyperroute::raptor {
namespace {

// 0 marks a free slot.
uint64_t mark_of(const PathAddress& address) {
  const uint64_t hash = hash_of(address);
  return hash == 0 ? 1 : hash;
}

}  // namespace

SessionTable::SessionTable(uint32_t capacity)
    : slots_(capacity),
      address_hashes_(capacity, 0),
      half_open_hosts_(capacity, 0),
      free_(capacity),
      free_count_(capacity) {
  HR_ASSERT(capacity > 0 && capacity < kNoSlot);
  for (uint32_t index = 0; index < capacity; ++index) free_[index] = static_cast<uint16_t>(index);
}

uint16_t SessionTable::take(uint64_t random, const PathAddress& address) noexcept {
  if (free_count_ == 0) return kNoSlot;
  const uint16_t index = free_[free_head_];
  free_head_ = (free_head_ + 1) % capacity();
  free_count_ -= 1;
  SessionSlot& slot = slots_[index];
  HR_ASSERT(slot.state == SlotState::kFree);
  // Never 0, so that no reference of a session has the value that names none.
  slot.generation = static_cast<uint16_t>(slot.generation == 0xFFFF ? 1 : slot.generation + 1);
  // Two slots never share an index, so no two ids are the same; the id 0 means no session.
  const uint64_t high = random & ~uint64_t{0xFFFF};
  slot.id = (high == 0 ? uint64_t{1} << 16 : high) | index;
  slot.address = address;
  address_hashes_[index] = mark_of(address);
  return index;
}

void SessionTable::free(uint16_t index) noexcept {
  SessionSlot& slot = slots_[index];
  HR_ASSERT(slot.state != SlotState::kFree);
  slot.state = SlotState::kFree;
  // The links and their flags stay: the slot leaves the lists when its turn comes there.
  slot.events = 0;
  slot.is_initiator = false;
  slot.is_end_told = false;
  slot.reason = CloseReason::kNone;
  slot.refusal = HandshakeStatus::kAccepted;
  slot.id = 0;
  slot.remote_id = 0;
  slot.peer_key = {};
  slot.session.reset();
  slot.attempt.reset();
  slot.half_open.reset();
  slot.key_trail.reset();
  address_hashes_[index] = 0;
  unhold(index);
  free_[(free_head_ + free_count_) % capacity()] = index;
  free_count_ += 1;
}

uint32_t SessionTable::held_by(uint64_t host) const noexcept {
  return static_cast<uint32_t>(std::count(half_open_hosts_.begin(), half_open_hosts_.end(), host));
}

uint16_t SessionTable::find_remote(const PathAddress& address, uint64_t remote_id) const noexcept {
  const uint64_t mark = mark_of(address);
  for (uint32_t index = 0; index < address_hashes_.size(); ++index) {
    if (address_hashes_[index] != mark) continue;
    const SessionSlot& slot = slots_[index];
    if (slot.is_initiator || slot.remote_id != remote_id) continue;
    if (slot.address == address) return static_cast<uint16_t>(index);
  }
  return kNoSlot;
}

uint16_t SessionTable::find_peer(const PathAddress& address,
                                 const crypto::PublicKey& peer_key) const noexcept {
  const uint64_t mark = mark_of(address);
  for (uint32_t index = 0; index < address_hashes_.size(); ++index) {
    if (address_hashes_[index] != mark) continue;
    const SessionSlot& slot = slots_[index];
    if (slot.state != SlotState::kOpen || slot.is_initiator) continue;
    if (slot.address == address && slot.peer_key == peer_key) return static_cast<uint16_t>(index);
  }
  return kNoSlot;
}

}  // namespace hyperroute::raptor
