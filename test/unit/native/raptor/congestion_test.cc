// The congestion window by itself, and with the pacer against a bottleneck in virtual time.
#include "raptor/congestion.h"

#include <gtest/gtest.h>

#include "bottleneck_model.h"
#include "fed_window.h"

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kUs = 1'000;
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

TEST(CongestionWindow, ALoneDatagramIsAlwaysAllowed) {
  const CongestionWindow window({CongestionKind::kStatic, 1'000, 1'200});
  EXPECT_TRUE(window.allows(0, 8'952));
  EXPECT_TRUE(window.allows(600, 600));
  EXPECT_FALSE(window.allows(601, 600));
}

TEST(CongestionWindow, ProbesWithoutAnyAnswerLeaveRoomForSomeDatagrams) {
  CongestionWindow window;
  window.on_probe_timeout(CongestionWindow::kPersistentProbes);
  EXPECT_EQ(window.window_bytes(), CongestionWindow::kFarDatagramsMin * 1'200);
}

TEST(CongestionWindow, TheStaticKindKeepsItsWindowWhateverHappens) {
  Fed fed({CongestionKind::kStatic, 100'000, 1'200});
  EXPECT_EQ(fed.window.window_bytes(), 100'000u);
  fed.round(100, 20 * kMs);
  fed.round(100, 500 * kMs, 60);
  fed.window.on_probe_timeout(5);
  EXPECT_EQ(fed.window.window_bytes(), 100'000u);
}

TEST(CongestionWindow, SlowStartDoublesARoundUpToTheCeiling) {
  Fed fed;
  const uint32_t before = fed.window.window_bytes();
  fed.round(20, 20 * kMs);
  EXPECT_EQ(fed.window.window_bytes(), 2 * before);
  for (int round = 0; round < 20; ++round) fed.round(100, 20 * kMs);
  EXPECT_EQ(fed.window.window_bytes(), 1u << 20);
}

TEST(CongestionWindow, AWindowThatIsNotFilledDoesNotGrow) {
  Fed fed;
  const uint32_t before = fed.window.window_bytes();
  for (int round = 0; round < 20; ++round) fed.round(5, 20 * kMs, 0, 3'000);
  EXPECT_EQ(fed.window.window_bytes(), before);
}

TEST(CongestionWindow, OnANearPathTheFloorIs64KiB) {
  Fed fed;
  fed.round(1, 20 * kUs, 0, 0);
  EXPECT_EQ(fed.window.window_bytes(), CongestionWindow::kNearWindowBytesMin);
  // Neither a third of loss, for however long, nor a peer that does not run for a while.
  for (int round = 0; round < 200; ++round) fed.round(60, 30 * kUs, 20);
  EXPECT_GE(fed.window.window_bytes(), CongestionWindow::kNearWindowBytesMin);
  for (int round = 0; round < 5; ++round) fed.round(40, 30 * kMs);
  EXPECT_GE(fed.window.window_bytes(), CongestionWindow::kNearWindowBytesMin);
}

TEST(CongestionWindow, AFloorThatIsTooHighForLongGivesWayAndComesBack) {
  Fed fed;
  fed.round(1, 20 * kUs, 0, 0);
  for (int round = 0; round < 200; ++round) fed.round(40, 30 * kMs);
  EXPECT_EQ(fed.window.window_bytes(), CongestionWindow::kFarDatagramsMin * 1'200);
  for (int round = 0; round < 400; ++round) fed.round(100, 20 * kUs);
  EXPECT_GT(fed.window.window_bytes(), CongestionWindow::kNearWindowBytesMin);
  for (int round = 0; round < 6; ++round) fed.round(100, 20 * kMs);
  EXPECT_GE(fed.window.window_bytes(), CongestionWindow::kNearWindowBytesMin);
  Fed lossy;
  lossy.round(1, 20 * kUs, 0, 0);
  for (int round = 0; round < 200; ++round) lossy.round(40, 20 * kUs, 20);
  EXPECT_LT(lossy.window.window_bytes(), CongestionWindow::kNearWindowBytesMin / 2);
}

TEST(CongestionWindow, AQueueBeyondTheTargetEndsSlowStartAndShrinksTheWindowOnceInTwoRounds) {
  Fed fed;
  for (int round = 0; round < 3; ++round) fed.round(40, 20 * kMs);
  const uint32_t before = fed.window.window_bytes();
  fed.round(10, 60 * kMs);
  EXPECT_FALSE(fed.window.is_slow_start());
  const uint32_t after = fed.window.window_bytes();
  EXPECT_LT(after, before + 10 * 1'200);
  EXPECT_GE(after, before / 2);
  fed.round(10, 60 * kMs);
  EXPECT_EQ(fed.window.window_bytes(), after);
  fed.round(10, 60 * kMs);
  EXPECT_LT(fed.window.window_bytes(), after);
}

TEST(CongestionWindow, OneLatePacketInARoundIsNoQueue) {
  Fed fed;
  for (int round = 0; round < 3; ++round) fed.round(40, 20 * kMs);
  const uint32_t before = fed.window.window_bytes();
  for (int round = 0; round < 5; ++round) {
    fed.round(1, 200 * kMs);
    fed.round(20, 20 * kMs);
  }
  EXPECT_GE(fed.window.window_bytes(), before / 2);
}

TEST(CongestionWindow, FivePercentOfLossShrinksNothingAndAThirdDoes) {
  Fed fed;
  for (int round = 0; round < 3; ++round) fed.round(40, 20 * kMs);
  const uint32_t before = fed.window.window_bytes();
  for (int round = 0; round < 50; ++round) fed.round(100, 20 * kMs, 5);
  EXPECT_GE(fed.window.window_bytes(), before);
  const uint32_t grown = fed.window.window_bytes();
  fed.round(99, 20 * kMs, 33);
  EXPECT_LT(fed.window.window_bytes(), grown);
  EXPECT_GE(fed.window.window_bytes(), grown / 100 * 80);
}

TEST(CongestionWindow, TwoProbesWithoutAnAnswerTakeItToTheFloorAndASpuriousOneGivesItBack) {
  Fed fed;
  for (int round = 0; round < 3; ++round) fed.round(40, 20 * kMs);
  const uint32_t before = fed.window.window_bytes();
  fed.window.on_probe_timeout(1);
  EXPECT_EQ(fed.window.window_bytes(), before);
  fed.window.on_probe_timeout(2);
  EXPECT_EQ(fed.window.window_bytes(), CongestionWindow::kFarDatagramsMin * 1'200);
  AckSummary ack;
  ack.spurious_packets = 2;
  ack.spurious_probe_packets = 2;
  fed.window.on_ack(fed.now_ns, ack, {}, fed.rtt, fed.number);
  EXPECT_EQ(fed.window.window_bytes(), before);
}

TEST(CongestionWindow, ACollapseThatWasNotSpuriousStays) {
  Fed fed;
  for (int round = 0; round < 3; ++round) fed.round(40, 20 * kMs);
  fed.window.on_probe_timeout(2);
  fed.round(1, 20 * kMs);
  EXPECT_LE(fed.window.window_bytes(), 6u * 1'200);
  EXPECT_TRUE(fed.window.is_slow_start());
}

// 10 Mbit/s, 20 ms: the path holds 25 KB; the target is 10 ms of queue.
constexpr Bottleneck kFar{10e6, 20 * kMs, 250'000};
// 10 Gbit/s, 20 us: the path holds 25 KB; the floor of 64 KiB makes 33 us of queue.
constexpr Bottleneck kNear{10e9, 20 * kUs, 2'000'000, 0, 1'452};

TEST(CongestionLoop, AFarPathIsFilledWithAQueueBelowTwiceTheTarget) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    BottleneckModel model(seed, kFar);
    model.run(2 * kSecond);
    model.run(60 * kSecond);
    EXPECT_GE(model.utilisation(), 0.95) << "seed " << seed;
    EXPECT_LE(model.queue_ns_mean(), 15 * kMs) << "seed " << seed;
    EXPECT_LE(model.queue_ns_max(), 45 * kMs) << "seed " << seed;
    EXPECT_EQ(model.dropped(), 0u) << "seed " << seed;
    // The queue never hid the path's own round trip for long.
    EXPECT_LE(model.rtt().min_ns(), 23 * kMs) << "seed " << seed;
  }
}

TEST(CongestionLoop, ANearPathIsFilledWithAQueueBelowTheTarget) {
  BottleneckModel model(1, kNear);
  model.run(20 * kMs);
  model.run(120 * kMs);
  EXPECT_GE(model.utilisation(), 0.95);
  EXPECT_LE(model.queue_ns_mean(), CongestionWindow::kTargetNsMin);
}

TEST(CongestionLoop, ASlowShortPathIsNotOverrunForGood) {
  // The path holds 600 bytes and its queue half of the floor of a near path.
  BottleneckModel model(1, {10e6, 500 * kUs, 32'000});
  model.run(5 * kSecond);
  model.run(30 * kSecond);
  EXPECT_GE(model.utilisation(), 0.95);
  EXPECT_LE(static_cast<double>(model.dropped()), 0.02 * 25e6 / 8 * 10 / 1'200);
  EXPECT_LE(model.queue_ns_mean(), 10 * kMs);
}

TEST(CongestionLoop, FivePercentOfRandomLossKeepsTheRateOfBothPaths) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Bottleneck far = kFar;
    far.loss_percent = 5;
    BottleneckModel far_model(seed, far);
    far_model.run(2 * kSecond);
    far_model.run(30 * kSecond);
    EXPECT_GE(far_model.utilisation(), 0.9) << "seed " << seed;
    EXPECT_LE(far_model.queue_ns_mean(), 15 * kMs) << "seed " << seed;
    Bottleneck near = kNear;
    near.loss_percent = 5;
    BottleneckModel near_model(seed, near);
    near_model.run(20 * kMs);
    near_model.run(60 * kMs);
    EXPECT_GE(near_model.utilisation(), 0.8) << "seed " << seed;
  }
}

TEST(CongestionLoop, AShallowQueueIsNotFloodedForGood) {
  // The queue holds less than the target: only its drops tell of congestion.
  Bottleneck shallow = kFar;
  shallow.queue_bytes_max = 6'000;
  BottleneckModel model(1, shallow);
  model.run(5 * kSecond);
  model.run(30 * kSecond);
  EXPECT_GE(model.utilisation(), 0.8);
  const double sent = 30e6 / 8 * 10 / 1'200 * 0.83;
  EXPECT_LE(static_cast<double>(model.dropped()), 0.25 * sent);
}

TEST(CongestionLoop, AWindowFindsItsRateAgainAfterALossOfEverything) {
  BottleneckModel model(1, kFar);
  model.run(5 * kSecond);
  model.set_loss_percent(100);
  model.run(6 * kSecond);
  EXPECT_EQ(model.window().window_bytes(), CongestionWindow::kFarDatagramsMin * 1'200);
  model.set_loss_percent(0);
  model.run(7 * kSecond);
  model.run(10 * kSecond);
  EXPECT_GE(model.utilisation(), 0.95);
}

}  // namespace
}  // namespace hyperroute::raptor
