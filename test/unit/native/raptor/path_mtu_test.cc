// The search for the largest datagram of a path, and paths that swallow large ones.
#include "raptor/path_mtu.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

LossSummary loss_of(uint32_t bytes_min, uint32_t bytes_max) {
  LossSummary loss;
  loss.packets = 1;
  loss.bytes = bytes_max;
  loss.datagram_bytes_min = bytes_min;
  loss.datagram_bytes_max = bytes_max;
  return loss;
}

AckSummary ack_of(uint32_t bytes) {
  AckSummary ack;
  ack.packets = 1;
  ack.datagram_bytes_max = bytes;
  return ack;
}

// Probes on a path that carries `path_bytes` until nothing is to be probed at `now_ns`.
void search(PathMtu& mtu, uint64_t& now_ns, uint32_t path_bytes) {
  for (int probe = 0; probe < 20; ++probe) {
    if (mtu.probe_bytes(now_ns) == 0) {
      if (mtu.deadline_ns() > now_ns + kSecond) return;
      now_ns = mtu.deadline_ns();
    }
    const uint32_t bytes = mtu.probe_bytes(now_ns);
    mtu.on_probe_sent(bytes);
    EXPECT_EQ(mtu.probe_bytes(now_ns), 0u) << "one at a time";
    now_ns += kMs;
    bytes <= path_bytes ? mtu.on_probe_acked(now_ns, bytes) : mtu.on_probe_lost(now_ns, bytes);
  }
  ADD_FAILURE() << "the search does not end";
}

TEST(PathMtu, TheLadderIsClimbedToWhatBothEndsAllow) {
  for (const uint32_t most : {1'200u, 1'400u, 1'452u, 3'000u, 8'952u}) {
    PathMtu mtu(most);
    EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
    uint64_t now_ns = 0;
    search(mtu, now_ns, 9'000);
    EXPECT_EQ(mtu.datagram_bytes(), most);
    EXPECT_EQ(mtu.deadline_ns(), kNoDeadlineNs);
  }
}

TEST(PathMtu, ASizeThePathDoesNotCarryIsGivenUpAfterThreeTriesUntilTheRaiseTimer) {
  PathMtu mtu(8'952);
  uint64_t now_ns = 0;
  search(mtu, now_ns, 1'500);
  EXPECT_EQ(mtu.datagram_bytes(), 1'452u);
  EXPECT_EQ(mtu.probe_bytes(now_ns + PathMtu::kRaiseNs / 2), 0u);
  now_ns = mtu.deadline_ns();
  EXPECT_EQ(mtu.probe_bytes(now_ns), 4'096u);
  search(mtu, now_ns, 9'000);
  EXPECT_EQ(mtu.datagram_bytes(), 8'952u);
}

TEST(PathMtu, ALimitBelowTheBaseCountsAsTheBase) {
  PathMtu mtu(100);
  EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
  EXPECT_EQ(mtu.probe_bytes(kSecond), 0u);
}

TEST(PathMtu, ThreeLossesInARowOfLargePacketsWhileSmallOnesArriveAreABlackHole) {
  PathMtu mtu(1'452);
  uint64_t now_ns = 0;
  search(mtu, now_ns, 1'500);
  EXPECT_FALSE(mtu.on_lost(loss_of(1'452, 1'452), false));
  EXPECT_FALSE(mtu.on_lost(loss_of(1'300, 1'452), false));
  mtu.on_acked(now_ns, ack_of(200));
  EXPECT_TRUE(mtu.on_lost(loss_of(1'452, 1'452), false));
  EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
  EXPECT_EQ(mtu.black_holes(), 0u);
  mtu.on_acked(now_ns, ack_of(1'200));
  EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
  EXPECT_EQ(mtu.black_holes(), 1u);
  EXPECT_FALSE(mtu.on_lost(loss_of(1'452, 1'452), false));
}

TEST(PathMtu, PingsThatATimeOutGivesUpWithALargePacketDoNotHideABlackHole) {
  PathMtu mtu(1'452);
  uint64_t now_ns = 0;
  search(mtu, now_ns, 1'500);
  AckSummary ack = ack_of(40);
  ack.spurious_packets = 1;
  EXPECT_FALSE(mtu.on_lost(loss_of(40, 1'408), true));
  mtu.on_acked(now_ns, ack);
  EXPECT_FALSE(mtu.on_lost(loss_of(1'408, 1'408), false));
  mtu.on_acked(now_ns, ack);
  EXPECT_TRUE(mtu.on_lost(loss_of(40, 1'408), true));
  mtu.on_acked(now_ns, ack);
  EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
  EXPECT_EQ(mtu.black_holes(), 1u);
}

TEST(PathMtu, LargePacketsOfAPeerThatWasNotRunningAreNoBlackHole) {
  PathMtu mtu(1'452);
  uint64_t now_ns = 0;
  search(mtu, now_ns, 1'500);
  for (int stall = 0; stall < 10; ++stall) {
    for (int loss = 0; loss < 8; ++loss) (void)mtu.on_lost(loss_of(1'452, 1'452), false);
    EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
    EXPECT_EQ(mtu.probe_bytes(now_ns), 0u);
    // It reads what lay in its socket: the packets given up, and the small ones sent since.
    AckSummary ack = ack_of(1'452);
    ack.spurious_packets = 3;
    mtu.on_acked(now_ns, ack);
    EXPECT_EQ(mtu.datagram_bytes(), 1'452u);
  }
  EXPECT_EQ(mtu.black_holes(), 0u);
}

TEST(PathMtu, LargePacketsThatArriveOrSmallOnesThatDoNotAreNoBlackHole) {
  PathMtu mtu(1'452);
  uint64_t now_ns = 0;
  search(mtu, now_ns, 1'500);
  for (int round = 0; round < 100; ++round) {
    EXPECT_FALSE(mtu.on_lost(loss_of(100, 1'452), false));
    EXPECT_FALSE(mtu.on_lost(loss_of(1'452, 1'452), false));
    EXPECT_FALSE(mtu.on_lost(loss_of(1'452, 1'452), false));
    mtu.on_acked(now_ns, ack_of(1'452));
    EXPECT_FALSE(mtu.on_lost(LossSummary{}, false));
  }
  EXPECT_EQ(mtu.datagram_bytes(), 1'452u);
}

TEST(PathMtu, AfterABlackHoleTheSearchWaitsTenSecondsAndTwiceThatTheNextTime) {
  PathMtu mtu(1'452);
  uint64_t now_ns = 0;
  uint64_t wait_ns = PathMtu::kBlackHoleNs;
  for (int hole = 0; hole < 10; ++hole) {
    search(mtu, now_ns, 1'500);
    ASSERT_EQ(mtu.datagram_bytes(), 1'452u);
    for (int loss = 0; loss < 3; ++loss) (void)mtu.on_lost(loss_of(1'452, 1'452), false);
    mtu.on_acked(now_ns, ack_of(1'200));
    ASSERT_EQ(mtu.deadline_ns(), now_ns + wait_ns);
    now_ns = mtu.deadline_ns();
    wait_ns = std::min(2 * wait_ns, PathMtu::kRaiseNs);
  }
}

TEST(PathMtu, TheFateOfAProbeOfAnotherTimeChangesNothing) {
  PathMtu mtu(8'952);
  mtu.on_probe_sent(mtu.probe_bytes(0));
  mtu.on_probe_acked(0, 8'952);
  EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
  mtu.on_probe_lost(0, 4'096);
  EXPECT_EQ(mtu.probe_bytes(kSecond), 1'452u);
}

TEST(PathMtu, ASizeTheKernelRefusesIsNotTriedAgainSoon) {
  PathMtu mtu(8'952);
  mtu.on_probe_sent(mtu.probe_bytes(0));
  mtu.on_too_large(0, 1'452);
  EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
  EXPECT_EQ(mtu.deadline_ns(), PathMtu::kRaiseNs);
  // What was never sent is found to be lost a while later.
  mtu.on_probe_lost(kSecond, 1'452);
  EXPECT_EQ(mtu.deadline_ns(), PathMtu::kRaiseNs);
}

TEST(PathMtu, AnInterfaceThatBecameSmallerThanTheDatagramsFallsBackAtOnce) {
  PathMtu mtu(8'952);
  uint64_t now_ns = 0;
  search(mtu, now_ns, 9'000);
  mtu.on_too_large(now_ns, 4'000);
  EXPECT_EQ(mtu.datagram_bytes(), PathMtu::kBaseBytes);
}

}  // namespace
}  // namespace hyperroute::raptor
