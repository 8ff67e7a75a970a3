// The smoothed round trip, its least, and the probe timeout they give.
#include "raptor/rtt.h"

#include <gtest/gtest.h>

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kUs = 1'000;
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

TEST(Rtt, TheFirstSampleIsTheEstimate) {
  RttEstimator rtt;
  EXPECT_FALSE(rtt.has_sample());
  EXPECT_EQ(rtt.srtt_ns(), RttEstimator::kInitialRttNs);
  EXPECT_EQ(rtt.min_ns(), RttEstimator::kInitialRttNs);
  rtt.on_sample(0, 20 * kUs, 0);
  EXPECT_TRUE(rtt.has_sample());
  EXPECT_EQ(rtt.srtt_ns(), 20 * kUs);
  EXPECT_EQ(rtt.rttvar_ns(), 10 * kUs);
  EXPECT_EQ(rtt.min_ns(), 20 * kUs);
  EXPECT_EQ(rtt.latest_ns(), 20 * kUs);
}

TEST(Rtt, LaterSamplesAreSmoothedAsRfc6298Says) {
  RttEstimator rtt;
  rtt.on_sample(0, 80 * kUs, 0);
  rtt.on_sample(0, 160 * kUs, 0);
  EXPECT_EQ(rtt.srtt_ns(), 90 * kUs);
  EXPECT_EQ(rtt.rttvar_ns(), 50 * kUs);
}

TEST(Rtt, ThePeersDelayIsTakenOffAsFarAsItMayWait) {
  RttEstimator rtt;
  rtt.set_peer_ack_delay_ns(50 * kUs);
  rtt.on_sample(0, 20 * kUs, 0);
  rtt.on_sample(0, 70 * kUs, 40 * kUs);
  EXPECT_EQ(rtt.latest_ns(), 30 * kUs);
  rtt.on_sample(0, 200 * kUs, 190 * kUs);
  EXPECT_EQ(rtt.latest_ns(), 150 * kUs);
}

TEST(Rtt, ADelayThatWouldGoBelowTheLeastIsNotBelieved) {
  RttEstimator rtt;
  rtt.set_peer_ack_delay_ns(50 * kUs);
  rtt.on_sample(0, 20 * kUs, 50 * kUs);
  EXPECT_EQ(rtt.latest_ns(), 20 * kUs);
  rtt.on_sample(0, 30 * kUs, 40 * kUs);
  EXPECT_EQ(rtt.latest_ns(), 30 * kUs);
}

TEST(Rtt, APeerCannotPutProbesOffForEver) {
  RttEstimator rtt;
  rtt.set_peer_ack_delay_ns(UINT64_MAX);
  rtt.on_sample(0, 20 * kUs, 0);
  EXPECT_LT(rtt.probe_timeout_ns(), 101 * kMs);
}

TEST(Rtt, OneStallOfMillisecondsLeavesTheProbeTimeoutInMicroseconds) {
  RttEstimator rtt;
  rtt.set_peer_ack_delay_ns(50 * kUs);
  for (int sample = 0; sample < 50; ++sample) rtt.on_sample(0, 15 * kUs, 0);
  EXPECT_EQ(rtt.probe_timeout_ns(), RttEstimator::kProbeTimeoutNsMin);
  rtt.on_sample(0, 5 * kMs, 0);
  EXPECT_EQ(rtt.latest_ns(), 5 * kMs);
  EXPECT_LT(rtt.probe_timeout_ns(), 300 * kUs);
}

TEST(Rtt, APathThatBecameSlowIsLearnedInFewSamples) {
  RttEstimator rtt;
  for (int sample = 0; sample < 50; ++sample) rtt.on_sample(0, 15 * kUs, 0);
  for (int sample = 0; sample < 30; ++sample) rtt.on_sample(0, 20 * kMs, 0);
  EXPECT_GT(rtt.srtt_ns(), 15 * kMs);
  EXPECT_LE(rtt.srtt_ns(), 20 * kMs);
}

TEST(Rtt, TheLeastIsForgottenAfterFiveToTenSeconds) {
  RttEstimator rtt;
  rtt.on_sample(0, 10 * kUs, 0);
  uint64_t forgotten_ns = 0;
  for (uint64_t now_ns = kMs; now_ns < 20 * kSecond && forgotten_ns == 0; now_ns += kMs) {
    rtt.on_sample(now_ns, 30 * kUs, 0);
    if (rtt.min_ns() != 10 * kUs) forgotten_ns = now_ns;
  }
  EXPECT_GE(forgotten_ns, 5 * kSecond);
  EXPECT_LE(forgotten_ns, 10 * kSecond);
  EXPECT_EQ(rtt.min_ns(), 30 * kUs);
}

TEST(Rtt, AJumpOfTheClockOrAClockThatStandsLeavesAnEstimate) {
  RttEstimator rtt;
  rtt.on_sample(0, 0, 0);
  EXPECT_GE(rtt.srtt_ns(), 1u);
  EXPECT_GE(rtt.probe_timeout_ns(), RttEstimator::kProbeTimeoutNsMin);
  rtt.on_sample(UINT64_MAX, UINT64_MAX, UINT64_MAX);
  EXPECT_LE(rtt.latest_ns(), RttEstimator::kSampleNsMax);
  EXPECT_LT(rtt.probe_timeout_ns(), kSecond);
}

}  // namespace
}  // namespace hyperroute::raptor
