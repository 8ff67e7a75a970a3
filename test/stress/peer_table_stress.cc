// Liveness of peers as other workers see it while the owner takes and retires them: a reference
// seen as live is set up, and one that was retired before the question is never live again.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "io/peer_table.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPeers = 4;
constexpr uint32_t kRounds = 60'000;  // Below the generations there are: none comes twice.

uint64_t pack(PeerRef peer) {
  return uint64_t{1} << 32 | uint64_t{peer.generation} << 16 | peer.index;
}
PeerRef unpack(uint64_t word) {
  return PeerRef{static_cast<uint16_t>(word), static_cast<uint16_t>(word >> 16)};
}

TEST(PeerTableStress, ShowsNoReaderARetiredPeerAsLive) {
  PeerTable peers;
  ASSERT_TRUE(peers.create(kPeers, 0).ok());
  std::atomic<uint64_t> taken{0};
  std::atomic<uint64_t> retired{0};
  std::atomic<bool> is_done{false};
  std::atomic<uint32_t> wrong_count{0};
  const auto read = [&] {
    while (!is_done.load(std::memory_order_acquire)) {
      // Retired before it was published as such: no longer live, whatever happens meanwhile.
      const uint64_t gone = retired.load(std::memory_order_acquire);
      if (gone != 0 && peers.is_live(unpack(gone))) wrong_count.fetch_add(1);
      const uint64_t present = taken.load(std::memory_order_acquire);
      // May be either by now; reading it while the owner writes is what the sanitizer watches.
      if (present != 0) static_cast<void>(peers.is_live(unpack(present)));
    }
  };
  std::thread first(read);
  std::thread second(read);
  for (uint32_t round = 0; round < kRounds; ++round) {
    PeerRef peer;
    ASSERT_TRUE(peers.take(peer));
    taken.store(pack(peer), std::memory_order_release);
    if (round % 64 == 0) std::this_thread::yield();
    peers.retire(peer.index);
    retired.store(pack(peer), std::memory_order_release);
    peers.free(peer.index);
  }
  is_done.store(true, std::memory_order_release);
  first.join();
  second.join();
  EXPECT_EQ(wrong_count.load(), 0u);
  EXPECT_FALSE(peers.is_live(unpack(taken.load())));
}

}  // namespace
}  // namespace hyperroute
