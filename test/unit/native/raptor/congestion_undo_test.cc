// Cuts of the window for losses that were none: given back, once, and no more than was taken.
#include <gtest/gtest.h>

#include <algorithm>

#include "fed_window.h"
#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

constexpr uint32_t kFloorBytes = CongestionWindow::kFarDatagramsMin * 1'200;

// A window of some size on a far path, where nothing was ever lost.
Fed grown() {
  Fed fed;
  for (int round = 0; round < 3; ++round) fed.round(40, 20 * kMs);
  return fed;
}

void come_late(Fed& fed, uint32_t packets, uint32_t probe_packets = 0) {
  AckSummary ack;
  ack.spurious_packets = packets + probe_packets;
  ack.spurious_probe_packets = probe_packets;
  fed.window.on_ack(fed.now_ns, ack, {}, fed.rtt, fed.number);
}

// Of 100 packets that came and 33 that did not, 18 are tolerated: 12 % and three.
constexpr uint32_t kTolerated = 18;

TEST(CongestionUndo, ACutForLossesIsGivenBackWhenSoManyComeThatItWouldNotHaveBeenMade) {
  Fed fed = grown();
  fed.round(100, 20 * kMs, 0, 0);
  const uint32_t before = fed.window.window_bytes();
  const bool was_slow_start = fed.window.is_slow_start();
  fed.round(100, 20 * kMs, 33, 0);
  ASSERT_LT(fed.window.window_bytes(), before);
  ASSERT_FALSE(fed.window.is_slow_start());
  const uint32_t cut = fed.window.window_bytes();
  come_late(fed, 33 - kTolerated - 1);
  EXPECT_EQ(fed.window.window_bytes(), cut);
  EXPECT_EQ(fed.window.cuts_undone(), 0u);
  come_late(fed, 1);
  EXPECT_EQ(fed.window.window_bytes(), before);
  EXPECT_EQ(fed.window.is_slow_start(), was_slow_start);
  EXPECT_EQ(fed.window.cuts_undone(), 1u);
  // It is given back once.
  come_late(fed, 100);
  EXPECT_EQ(fed.window.window_bytes(), before);
  EXPECT_EQ(fed.window.cuts_undone(), 1u);
}

TEST(CongestionUndo, OnlyTheLastCutIsGivenBack) {
  Fed fed = grown();
  fed.round(99, 20 * kMs, 33, 0);
  const uint32_t between = fed.window.window_bytes();
  fed.round(99, 20 * kMs, 33, 0);
  ASSERT_LT(fed.window.window_bytes(), between);
  come_late(fed, 1'000);
  EXPECT_EQ(fed.window.window_bytes(), between);
}

TEST(CongestionUndo, ACutForDelayIsNotGivenBackForPacketsThatComeLate) {
  Fed fed = grown();
  fed.round(99, 20 * kMs, 33, 0);
  for (int round = 0; round < 2; ++round) fed.round(20, 90 * kMs, 0, 0);
  const uint32_t after = fed.window.window_bytes();
  come_late(fed, 1'000, 1'000);
  EXPECT_EQ(fed.window.window_bytes(), after);
  EXPECT_EQ(fed.window.cuts_undone(), 0u);
}

TEST(CongestionUndo, AWindowThatHasGrownBackIsNotSetBack) {
  Fed fed = grown();
  const uint32_t before = fed.window.window_bytes();
  fed.round(99, 20 * kMs, 33, 0);
  for (int round = 0; round < 60; ++round) fed.round(200, 20 * kMs);
  const uint32_t now = fed.window.window_bytes();
  ASSERT_GT(now, before);
  come_late(fed, 1'000);
  EXPECT_EQ(fed.window.window_bytes(), now);
  EXPECT_FALSE(fed.window.is_slow_start());
}

TEST(CongestionUndo, ALaterAckThanTheFirstGivesBackWhatProbesTook) {
  Fed fed = grown();
  const uint32_t before = fed.window.window_bytes();
  for (uint32_t probes = 1; probes <= 5; ++probes) fed.window.on_probe_timeout(probes);
  ASSERT_EQ(fed.window.window_bytes(), kFloorBytes);
  // The first news is of a probe, which overtook what was taken for lost.
  fed.round(1, 20 * kMs, 0, 0);
  EXPECT_EQ(fed.window.window_bytes(), kFloorBytes);
  come_late(fed, 0, 1);
  EXPECT_EQ(fed.window.window_bytes(), before);
  EXPECT_EQ(fed.window.cuts_undone(), 1u);
}

TEST(CongestionUndo, ASecondSilenceGivesBackWhatItTookAndNotWhatTheFirstDid) {
  Fed fed = grown();
  for (uint32_t probes = 1; probes <= 3; ++probes) fed.window.on_probe_timeout(probes);
  fed.round(4, 20 * kMs);
  const uint32_t between = fed.window.window_bytes();
  for (uint32_t probes = 1; probes <= 3; ++probes) fed.window.on_probe_timeout(probes);
  come_late(fed, 0, 6);
  EXPECT_EQ(fed.window.window_bytes(), between);
}

TEST(CongestionUndo, PacketsThatProbesGaveUpTakeNoLossesBack) {
  Fed fed = grown();
  fed.round(40, 20 * kMs, 0, 0);
  const uint32_t before = fed.window.window_bytes();
  LossSummary loss;
  loss.packets = 33;
  fed.window.on_loss(loss);
  come_late(fed, 0, 33);
  fed.round(66, 20 * kMs, 0, 0);
  EXPECT_LT(fed.window.window_bytes(), before);
}

// A publisher that always has more, and a peer that stands still from time to time: datagrams that
// come meanwhile wait in its socket.
class Stalled {
 public:
  Stalled() : pair_(options()) {
    pair_.keep_messages(false);
    pair_.checks_nonces = false;
    StreamOptions stream;
    stream.message_bytes_max = 1u << 20;
    stream_ = pair_.a().open_stream(stream).take();
    pair_.delays = [this](const SentDatagram& sent) -> uint64_t {
      const uint64_t comes_ns = pair_.now_ns + kOneWayNs;
      const bool waits = sent.from == 0 && comes_ns >= stands_from_ns_ && comes_ns < runs_from_ns_;
      return waits ? runs_from_ns_ - comes_ns : 0;
    };
  }
  void stand_still_for(uint64_t interval_ns) {
    stands_from_ns_ = pair_.now_ns;
    runs_from_ns_ = pair_.now_ns + interval_ns;
    run_for(interval_ns + 2 * kOneWayNs);
  }
  void run_for(uint64_t interval_ns) {
    const auto feeds = [this] {
      while (pair_.a().offer(pair_.now_ns, stream_, message_) >= 0) {
      }
      const uint64_t window_bytes = pair_.a().counters().cwnd_bytes;
      window_bytes_least_ = std::min(window_bytes_least_, window_bytes);
      return false;
    };
    pair_.run_until(feeds, interval_ns);
  }
  SessionCounters counters() { return pair_.a().counters(); }
  // Since it was asked last.
  uint64_t window_bytes_least() {
    return std::exchange(window_bytes_least_, pair_.a().counters().cwnd_bytes);
  }

 private:
  static constexpr uint64_t kOneWayNs = 50 * kUs;
  static SessionPair::Options options() {
    SessionPair::Options options;
    options.is_insecure = true;
    options.delay_ns = kOneWayNs;
    return options;
  }

  SessionPair pair_;
  uint16_t stream_ = 0;
  Message message_ = numbered(1, 8'000);
  uint64_t stands_from_ns_ = 0;
  uint64_t runs_from_ns_ = 0;
  uint64_t window_bytes_least_ = UINT64_MAX;
};

TEST(CongestionUndo, APeerThatStoodStillCostsNoWindow) {
  for (const uint64_t stall_ms : {2, 5, 10, 30}) {
    Stalled stalled;
    stalled.run_for(20 * kMs);
    const SessionCounters before = stalled.counters();
    ASSERT_EQ(before.cwnd_bytes, 1u << 20);
    stalled.window_bytes_least();
    stalled.stand_still_for(stall_ms * kMs);
    // While nothing was heard the path might have been dead.
    EXPECT_EQ(stalled.window_bytes_least(), CongestionWindow::kNearWindowBytesMin);
    stalled.run_for(5 * kMs);
    EXPECT_EQ(stalled.window_bytes_least(), before.cwnd_bytes) << stall_ms << " ms";
    const SessionCounters after = stalled.counters();
    EXPECT_EQ(after.cuts_undone, before.cuts_undone + 1);
    EXPECT_EQ(after.spurious, after.lost_by_probe);
    EXPECT_GT(after.spurious, 0u);
    EXPECT_EQ(after.lost_by_reorder, 0u);
  }
}

TEST(CongestionUndo, NeitherDoesOneThatStandsStillAgainAndAgain) {
  Stalled stalled;
  stalled.run_for(20 * kMs);
  for (int stall = 0; stall < 20; ++stall) {
    stalled.stand_still_for(4 * kMs);
    stalled.window_bytes_least();
    stalled.run_for(kMs);
    EXPECT_EQ(stalled.window_bytes_least(), 1u << 20) << "after stall " << stall;
  }
}

}  // namespace
}  // namespace hyperroute::raptor
