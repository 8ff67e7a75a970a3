// The pace of sending: its rate, its burst, and clocks that misbehave.
#include "raptor/pacer.h"

#include <gtest/gtest.h>

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kMs = 1'000'000;

// Bytes sent from `from_ns` until `until_ns` by a sender that always has more.
uint64_t send_greedily(Pacer& pacer, uint64_t from_ns, uint64_t until_ns, uint32_t bytes) {
  uint64_t sent_bytes = 0;
  for (uint64_t now_ns = from_ns; now_ns < until_ns;) {
    if (pacer.allows(now_ns, 1)) {
      pacer.on_sent(now_ns, bytes);
      sent_bytes += bytes;
    } else {
      EXPECT_GT(pacer.next_send_ns(), now_ns);
      now_ns = pacer.next_send_ns();
    }
  }
  return sent_bytes;
}

// The bytes of a second, once the burst that it begins with is over.
double rate_of(Pacer& pacer) {
  send_greedily(pacer, 0, 100 * kMs, 1'000);
  return static_cast<double>(send_greedily(pacer, 100 * kMs, 1'100 * kMs, 1'000));
}

TEST(Pacer, BeforeAnyEstimateNothingWaits) {
  Pacer pacer;
  for (int packet = 0; packet < 1'000; ++packet) {
    ASSERT_TRUE(pacer.allows(0, 1));
    pacer.on_sent(0, 1'200);
  }
}

TEST(Pacer, TheRateIsAQuarterAboveAWindowARoundTrip) {
  Pacer pacer;
  pacer.update(100'000, 20 * kMs, false, 1'000);
  // 100,000 bytes each 20 ms are 5 MB a second.
  EXPECT_NEAR(rate_of(pacer), 6'250'000.0, 62'500.0);
}

TEST(Pacer, InSlowStartTheRateIsTwoWindowsARoundTrip) {
  Pacer pacer;
  pacer.update(100'000, 20 * kMs, true, 1'000);
  EXPECT_NEAR(rate_of(pacer), 10'000'000.0, 100'000.0);
}

TEST(Pacer, ABurstIsSixteenDatagramsOnASlowPathAndAMillisecondOnAFastOne) {
  Pacer slow;
  slow.update(20'000, 100 * kMs, false, 1'000);
  EXPECT_NEAR(static_cast<double>(send_greedily(slow, 0, 1, 1'000)), 16'000.0, 1'000.0);
  Pacer fast;
  fast.update(1'000'000, kMs, false, 1'000);
  EXPECT_NEAR(static_cast<double>(send_greedily(fast, 0, 1, 1'000)), 1'250'000.0, 2'000.0);
}

TEST(Pacer, TheRateFollowsAnEstimateThatCreepsUpInSmallSteps) {
  Pacer pacer;
  for (uint64_t srtt_ns = 10 * kMs; srtt_ns <= 20 * kMs; srtt_ns += kMs / 20) {
    pacer.update(100'000, srtt_ns, false, 1'000);
  }
  // As if it had been 20 ms at once, but for the part by which an old pace may be off.
  EXPECT_NEAR(rate_of(pacer), 6'250'000.0, 6'250'000.0 / Pacer::kSlackDivisor + 62'500.0);
}

TEST(Pacer, ANewWindowSetsTheRateHoweverSmallTheChange) {
  Pacer pacer;
  pacer.update(100'000, 20 * kMs, false, 1'000);
  pacer.update(104'000, 20 * kMs, false, 1'000);
  EXPECT_NEAR(rate_of(pacer), 6'500'000.0, 62'500.0);
}

TEST(Pacer, ALonePacketNeverWaits) {
  Pacer pacer;
  pacer.update(20'000, 100 * kMs, false, 1'000);
  send_greedily(pacer, 0, 1, 1'000);
  EXPECT_FALSE(pacer.allows(0, 1));
  for (int packet = 0; packet < 100; ++packet) {
    EXPECT_TRUE(pacer.allows(0, 0));
    pacer.on_sent(0, 1'000);
  }
  // What was sent past the pace is not a debt without end.
  EXPECT_LT(pacer.next_send_ns(), 10 * kMs);
}

TEST(Pacer, AnIdleTimeOrAJumpOfTheClockGivesOneBurstAndNoMore) {
  Pacer pacer;
  pacer.update(20'000, 100 * kMs, false, 1'000);
  send_greedily(pacer, 0, 1, 1'000);
  const uint64_t later_ns = 36'000'000'000'000;
  EXPECT_NEAR(static_cast<double>(send_greedily(pacer, later_ns, later_ns + 1, 1'000)), 16'000.0,
              1'000.0);
}

TEST(Pacer, ExtremeEstimatesNeitherOverflowNorStopIt) {
  Pacer pacer;
  pacer.update(0, UINT64_MAX, false, UINT32_MAX);
  pacer.on_sent(0, UINT32_MAX);
  EXPECT_TRUE(pacer.allows(0, 0));
  pacer.update(UINT32_MAX, 1, true, 1);
  EXPECT_TRUE(pacer.allows(UINT64_MAX, 1));
  pacer.on_sent(UINT64_MAX, 1'200);
  EXPECT_TRUE(pacer.allows(UINT64_MAX, 1));
}

}  // namespace
}  // namespace hyperroute::raptor
