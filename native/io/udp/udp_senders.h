// The senders a datagram socket knows: address ↔ peer, bounded, the least recently used goes.
//
// A sender is interned at its first datagram and keeps its index and generation until it is
// evicted, so a reply finds it without an address in the message. Owner: the endpoint's worker.
// Data path: intern() for each datagram; the same sender as last time costs one compare.
#pragma once

#include <cstdint>
#include <memory>

#include "io/address.h"
#include "io/endpoint.h"
#include "io/peer_table.h"

namespace hyperroute {

class UdpSenders {
 public:
  // `pinned`, if not empty, is interned at once as index 0 and never evicted: the remote of the
  // endpoint. `sender_count_max` counts the others.
  Status create(uint32_t sender_count_max, const SocketAddress& pinned, uint16_t generation_seed);

  // The peer of this address, taken from the least recently used one when all are in use.
  // `evicted` and `added` say what changed, for the counters.
  struct Interned {
    PeerRef peer;
    bool added;
    bool evicted;
  };
  Interned intern(const SocketAddress& address) noexcept;

  // The address and the message number of a peer that is_live().
  const SocketAddress& address_of(uint16_t index) const noexcept { return senders_[index].address; }
  uint64_t take_sequence(uint16_t index) noexcept { return senders_[index].next_sequence++; }

  // Any worker.
  bool is_live(PeerRef peer) const noexcept { return peers_.is_live(peer); }
  bool has_pinned() const noexcept { return has_pinned_; }
  PeerRef pinned() const noexcept { return PeerRef{kPinnedIndex, peers_.generation(kPinnedIndex)}; }
  uint32_t count() const noexcept { return peers_.taken_count(); }
  uint16_t generation_after() const noexcept { return peers_.generation_after(); }

 private:
  static constexpr uint16_t kNone = 0xFFFF;
  static constexpr uint16_t kPinnedIndex = 0;

  struct Sender {
    SocketAddress address;
    AddressKey key;
    uint64_t next_sequence;
    uint32_t hash;
    // Neighbours in order of use; kNone ends the list. The pinned one is not in it.
    uint16_t newer;
    uint16_t older;
  };

  uint32_t hash_of(const AddressKey& key) const noexcept;
  uint16_t find(const AddressKey& key, uint32_t hash) const noexcept;
  void insert_slot(uint16_t index) noexcept;
  void remove_slot(uint16_t index) noexcept;
  void link_newest(uint16_t index) noexcept;
  void unlink(uint16_t index) noexcept;
  PeerRef evict_oldest() noexcept;

  PeerTable peers_;
  std::unique_ptr<Sender[]> senders_;
  // Open addressing with linear probing over sender indexes, at most half full.
  std::unique_ptr<uint16_t[]> slots_;
  uint32_t slot_mask_ = 0;
  uint64_t hash_seed_ = 0;
  uint16_t newest_ = kNone;
  uint16_t oldest_ = kNone;
  uint16_t last_ = kNone;
  bool has_pinned_ = false;
};

}  // namespace hyperroute
