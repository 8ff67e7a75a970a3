// Finding and evicting senders: constant time, no allocation, every probe bounded by the table.
#include "io/udp/udp_senders.h"

namespace hyperroute {

UdpSenders::Interned UdpSenders::intern(const SocketAddress& address) noexcept {
  const AddressKey key = address.key();
  if (last_ != kNone && senders_[last_].key == key) [[likely]] {
    return {PeerRef{last_, peers_.generation(last_)}, false, false};
  }
  const uint32_t hash = hash_of(key);
  const uint16_t found = find(key, hash);
  if (found != kNone) {
    last_ = found;
    // The pinned sender is never evicted, so its place in the order of use does not matter.
    if (!(has_pinned_ && found == kPinnedIndex) && newest_ != found) {
      unlink(found);
      link_newest(found);
    }
    return {PeerRef{found, peers_.generation(found)}, false, false};
  }
  PeerRef peer;
  bool evicted = false;
  if (!peers_.take(peer)) {
    peer = evict_oldest();
    evicted = true;
  }
  Sender& sender = senders_[peer.index];
  sender.address = address;
  sender.key = key;
  sender.next_sequence = 1;
  sender.hash = hash;
  insert_slot(peer.index);
  link_newest(peer.index);
  last_ = peer.index;
  return {peer, true, evicted};
}

PeerRef UdpSenders::evict_oldest() noexcept {
  const uint16_t index = oldest_;
  HR_DASSERT(index != kNone);
  unlink(index);
  remove_slot(index);
  peers_.retire(index);
  peers_.free(index);
  PeerRef peer;
  const bool taken = peers_.take(peer);
  HR_DASSERT(taken && peer.index == index);
  static_cast<void>(taken);
  return peer;
}

uint32_t UdpSenders::hash_of(const AddressKey& key) const noexcept {
  uint64_t mixed = hash_seed_;
  for (const uint64_t word : key.words) {
    mixed = (mixed ^ word) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 29;
  }
  return static_cast<uint32_t>(mixed >> 32);
}

uint16_t UdpSenders::find(const AddressKey& key, uint32_t hash) const noexcept {
  // At most half of the slots are in use, so an empty one ends every probe.
  for (uint32_t at = hash & slot_mask_;; at = (at + 1) & slot_mask_) {
    const uint16_t index = slots_[at];
    if (index == kNone || senders_[index].key == key) return index;
  }
}

void UdpSenders::insert_slot(uint16_t index) noexcept {
  uint32_t at = senders_[index].hash & slot_mask_;
  while (slots_[at] != kNone) at = (at + 1) & slot_mask_;
  slots_[at] = index;
}

// Moves later entries of the probe sequence back into the hole, so that no tombstones pile up.
void UdpSenders::remove_slot(uint16_t index) noexcept {
  uint32_t hole = senders_[index].hash & slot_mask_;
  while (slots_[hole] != index) hole = (hole + 1) & slot_mask_;
  for (uint32_t at = (hole + 1) & slot_mask_; slots_[at] != kNone; at = (at + 1) & slot_mask_) {
    const uint32_t home = senders_[slots_[at]].hash & slot_mask_;
    // An entry whose home lies cyclically in (hole, at] would not be found from the hole.
    if (((at - home) & slot_mask_) < ((at - hole) & slot_mask_)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = kNone;
}

void UdpSenders::link_newest(uint16_t index) noexcept {
  senders_[index].newer = kNone;
  senders_[index].older = newest_;
  if (newest_ != kNone) senders_[newest_].newer = index;
  newest_ = index;
  if (oldest_ == kNone) oldest_ = index;
}

void UdpSenders::unlink(uint16_t index) noexcept {
  const Sender& sender = senders_[index];
  (sender.newer == kNone ? newest_ : senders_[sender.newer].older) = sender.older;
  (sender.older == kNone ? oldest_ : senders_[sender.older].newer) = sender.newer;
}

}  // namespace hyperroute
