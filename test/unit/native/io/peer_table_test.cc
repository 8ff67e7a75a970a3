// Peers: indexes, generations, liveness; the senders of a datagram socket.
#include "io/peer_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"
#include "io/udp/udp_senders.h"

namespace hyperroute {
namespace {

SocketAddress address(uint32_t number) {
  char host[32];
  std::snprintf(host, sizeof host, "10.%u.%u.%u", number >> 16 & 255, number >> 8 & 255,
                number & 255);
  return SocketAddress::parse(host, static_cast<uint16_t>(1000 + number % 3)).take();
}

TEST(PeerTable, GivesAnIndexAnotherGenerationEachTime) {
  PeerTable peers;
  ASSERT_TRUE(peers.create(1, 7).ok());
  PeerRef first;
  PeerRef second;
  ASSERT_TRUE(peers.take(first));
  EXPECT_TRUE(peers.is_live(first));
  EXPECT_FALSE(peers.take(second));
  peers.retire(first.index);
  EXPECT_FALSE(peers.is_live(first));
  EXPECT_FALSE(peers.take(second));
  peers.free(first.index);
  ASSERT_TRUE(peers.take(second));
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_FALSE(peers.is_live(first));
  EXPECT_TRUE(peers.is_live(second));
}

TEST(PeerTable, TakesTheIndexThatHasBeenFreeForLongest) {
  PeerTable peers;
  ASSERT_TRUE(peers.create(3, 0).ok());
  PeerRef peer;
  ASSERT_TRUE(peers.take(peer));
  peers.retire(peer.index);
  peers.free(peer.index);
  for (const uint32_t expected : {1u, 2u, 0u}) {
    ASSERT_TRUE(peers.take(peer));
    EXPECT_EQ(peer.index, expected);
  }
}

TEST(PeerTable, NeverRepeatsAGenerationOfTheTableBeforeIt) {
  std::set<std::pair<uint16_t, uint16_t>> given;
  uint16_t seed = 65'000;
  for (int reopened = 0; reopened < 20; ++reopened) {
    PeerTable peers;
    ASSERT_TRUE(peers.create(4, seed).ok());
    for (int i = 0; i < 50; ++i) {
      PeerRef peer;
      ASSERT_TRUE(peers.take(peer));
      EXPECT_TRUE(given.insert({peer.index, peer.generation}).second);
      peers.retire(peer.index);
      peers.free(peer.index);
    }
    seed = peers.generation_after();
  }
}

TEST(PeerTable, KnowsNobodyBeyondItsCapacity) {
  PeerTable peers;
  ASSERT_TRUE(peers.create(2, 0).ok());
  EXPECT_FALSE(peers.is_live(PeerRef{2, 0}));
  EXPECT_FALSE(peers.is_live(PeerRef{0, 0}));
  EXPECT_FALSE(peers.is_live(kDefaultPeer));
  EXPECT_EQ(PeerTable().create(0, 0).code, StatusCode::kLimit);
  EXPECT_EQ(PeerTable().create(65'536, 0).code, StatusCode::kLimit);
}

TEST(UdpSenders, KeepTheMostRecentlyUsedAndForgetTheOthers) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  constexpr uint32_t kSenders = 16;
  UdpSenders senders;
  ASSERT_TRUE(senders.create(kSenders, SocketAddress(), 0).ok());
  std::vector<uint32_t> recent;  // Oldest first.
  std::map<uint32_t, PeerRef> known;
  for (uint32_t step = 0; step < 50'000; ++step) {
    const uint32_t number = prng.below(prng.one_in(3) ? 100 : 20);
    const UdpSenders::Interned interned = senders.intern(address(number));
    const auto at = std::find(recent.begin(), recent.end(), number);
    ASSERT_EQ(interned.added, at == recent.end()) << step;
    if (at != recent.end()) {
      ASSERT_EQ(interned.peer, known[number]);
      recent.erase(at);
    } else if (recent.size() == kSenders) {
      ASSERT_TRUE(interned.evicted);
      ASSERT_FALSE(senders.is_live(known[recent.front()]));
      known.erase(recent.front());
      recent.erase(recent.begin());
    }
    recent.push_back(number);
    known[number] = interned.peer;
    ASSERT_TRUE(senders.is_live(interned.peer));
    ASSERT_EQ(senders.address_of(interned.peer.index), address(number));
  }
  EXPECT_EQ(senders.count(), kSenders);
}

TEST(UdpSenders, NeverForgetTheRemoteOfTheEndpoint) {
  UdpSenders senders;
  ASSERT_TRUE(senders.create(2, address(1), 0).ok());
  const PeerRef remote = senders.pinned();
  for (uint32_t number = 2; number < 50; ++number) {
    static_cast<void>(senders.intern(address(number)));
    if (number % 7 == 0) {
      EXPECT_EQ(senders.intern(address(1)).peer, remote);
    }
    EXPECT_TRUE(senders.is_live(remote));
  }
  EXPECT_EQ(senders.count(), 3u);
}

}  // namespace
}  // namespace hyperroute
