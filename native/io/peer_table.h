// Which connections or senders of an endpoint exist: index, generation, liveness.
//
// Owner: the endpoint's worker takes, retires and frees; any worker asks is_live(), which the
// router step and return addresses rely on. Data path: is_live() for every addressed message.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/status.h"
#include "io/endpoint.h"

namespace hyperroute {

// Index 0xFFFF is kDefaultPeer.
inline constexpr uint32_t kPeersMax = 0xFFFF;

// The index of an entry goes free → live → retired → free. A retired one answers no to is_live()
// but is not yet handed out again: its owner may still hold received messages of it.
class PeerTable {
 public:
  // `generation_seed` is generation_after() of the table that used the same endpoint slot before,
  // so that a return address issued by that one is stale here, whatever index it names.
  Status create(uint32_t capacity, uint16_t generation_seed);

  uint32_t capacity() const noexcept { return capacity_; }
  uint32_t taken_count() const noexcept { return capacity_ - free_count_; }

  // Worker. Takes the index that has been free for longest, so that a generation lives as long
  // as possible. False: every index is taken.
  [[nodiscard]] bool take(PeerRef& peer) noexcept;
  // Worker. From now on is_live() is false for the present holder of the index.
  void retire(uint16_t index) noexcept;
  // Worker. A retired index may be taken again.
  void free(uint16_t index) noexcept;

  // Any worker. A true answer can be outdated by the time it is used; the owner checks again.
  bool is_live(PeerRef peer) const noexcept {
    if (peer.index >= capacity_) return false;
    // P1 acquire: pairs with P2 in take(); what the owner set up for the peer is visible.
    const uint32_t word = words_[peer.index].load(std::memory_order_acquire);
    return word == live_word(peer.generation);
  }

  // Worker. The generation the index has now, live or not.
  uint16_t generation(uint16_t index) const noexcept {
    // Relaxed: only the owner, the one thread that calls this, stores it.
    return static_cast<uint16_t>(words_[index].load(std::memory_order_relaxed) >> 1);
  }

  // The seed for the next table on the same endpoint slot.
  uint16_t generation_after() const noexcept {
    return static_cast<uint16_t>(generation_seed_ + generations_used_);
  }

 private:
  static constexpr uint32_t live_word(uint16_t generation) noexcept {
    return uint32_t{generation} << 1 | 1;
  }

  // Read by any worker; each word is generation × 2 + live.
  std::unique_ptr<std::atomic<uint32_t>[]> words_;
  uint32_t capacity_ = 0;

  // Owner only. A ring of free indexes, oldest first.
  std::unique_ptr<uint16_t[]> free_;
  uint32_t free_head_ = 0;
  uint32_t free_count_ = 0;
  uint16_t generation_seed_ = 0;
  uint16_t generations_used_ = 0;
};

}  // namespace hyperroute
