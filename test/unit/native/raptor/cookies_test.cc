// Cookies prove an address, an attempt and a time; pressure says when they are asked for.
#include "raptor/cookies.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kNowNs = 7 * kCookieBucketNs + 5;
constexpr uint64_t kHostKey = 0x8877665544332211;
constexpr uint64_t kAttemptId = 0x1122334455667788;

PathAddress address(uint8_t last) {
  const uint8_t bytes[] = {2, 0, 127, 0, 0, last};
  return PathAddress::of(bytes);
}

CookieJar jar(uint8_t secret) {
  crypto::Secret<crypto::kKeyBytes> bytes;
  bytes.fill(secret);
  return CookieJar(bytes);
}

struct Cookie : std::array<uint8_t, kCookieBytes> {
  explicit Cookie(const CookieJar& from) { from.issue(kNowNs, address(1), kAttemptId, *this); }
};

TEST(Cookies, DoNotTellHowLongTheListenerRuns) {
  std::array<uint8_t, kCookieBytes> cookies[2];
  jar(1).issue(0, address(1), kAttemptId, cookies[0]);
  jar(2).issue(0, address(1), kAttemptId, cookies[1]);
  EXPECT_NE(load_u64_le(cookies[0].data()), 0u);
  EXPECT_NE(load_u64_le(cookies[0].data()), load_u64_le(cookies[1].data()));
}

TEST(Cookies, AreTakenFromTheAddressAndAttemptTheyWereMadeFor) {
  const CookieJar mine = jar(1);
  const Cookie cookie(mine);
  EXPECT_TRUE(mine.is_valid(kNowNs, address(1), kAttemptId, cookie));
  EXPECT_FALSE(mine.is_valid(kNowNs, address(2), kAttemptId, cookie));
  EXPECT_FALSE(mine.is_valid(kNowNs, address(1), kAttemptId + 1, cookie));
  EXPECT_FALSE(jar(2).is_valid(kNowNs, address(1), kAttemptId, cookie));
}

TEST(Cookies, TellAddressesOfEqualBytesAndOtherSizesApart) {
  const CookieJar mine = jar(1);
  const uint8_t bytes[] = {2, 0, 127, 0, 0, 1, 0};
  const Cookie cookie(mine);
  EXPECT_FALSE(mine.is_valid(kNowNs, PathAddress::of(bytes), kAttemptId, cookie));
}

TEST(Cookies, LapseAfterTheBucketThatFollowsTheirs) {
  const CookieJar mine = jar(1);
  const Cookie cookie(mine);
  EXPECT_TRUE(mine.is_valid(9 * kCookieBucketNs - 1, address(1), kAttemptId, cookie));
  EXPECT_FALSE(mine.is_valid(9 * kCookieBucketNs, address(1), kAttemptId, cookie));
}

TEST(Cookies, OfATimeToComeAreNotTaken) {
  const CookieJar mine = jar(1);
  const Cookie cookie(mine);
  EXPECT_FALSE(mine.is_valid(7 * kCookieBucketNs - 1, address(1), kAttemptId, cookie));
  EXPECT_FALSE(mine.is_valid(0, address(1), kAttemptId, cookie));
}

TEST(Cookies, WithAnyBitChangedAreNotTaken) {
  const CookieJar mine = jar(1);
  for (uint32_t bit = 0; bit < 8 * kCookieBytes; ++bit) {
    Cookie cookie(mine);
    cookie[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_FALSE(mine.is_valid(kNowNs, address(1), kAttemptId, cookie)) << "bit " << bit;
  }
}

TEST(Cookies, OfZerosAreNotTakenEvenInTheFirstBucket) {
  const std::array<uint8_t, kCookieBytes> zeros{};
  EXPECT_FALSE(jar(1).is_valid(0, address(1), kAttemptId, zeros));
}

TEST(Pressure, BeginsWithMoreThanABurstOfStrangersInAWindow) {
  Pressure pressure(kNowNs, kHostKey);
  for (uint32_t count = 0; count < kUnprovenPerWindowMax; ++count) pressure.add_unproven(kNowNs);
  EXPECT_FALSE(pressure.is_pressed(kNowNs));
  pressure.add_unproven(kNowNs);
  EXPECT_TRUE(pressure.is_pressed(kNowNs));
  EXPECT_TRUE(pressure.is_pressed(kNowNs + kPressedNs - 1));
  EXPECT_FALSE(pressure.is_pressed(kNowNs + kPressedNs));
}

TEST(Pressure, IsNotFeltFromTheSameCountOverTwoWindows) {
  Pressure pressure(kNowNs, kHostKey);
  for (uint32_t count = 0; count < kUnprovenPerWindowMax; ++count) pressure.add_unproven(kNowNs);
  for (uint32_t count = 0; count < kUnprovenPerWindowMax; ++count) {
    pressure.add_unproven(kNowNs + kUnprovenWindowNs);
  }
  EXPECT_FALSE(pressure.is_pressed(kNowNs + kUnprovenWindowNs));
}

// What the handshakes of a flood cost is what limits how many are seen.
TEST(Pressure, IsFeltByAListenerThatDoesNothingElseThanHandshakes) {
  for (const uint64_t cost_ns : {100'000u, 400'000u, 1'200'000u}) {
    Pressure pressure(kNowNs, kHostKey);
    uint64_t now_ns = kNowNs;
    uint32_t count = 0;
    for (; count < 1'000 && !pressure.is_pressed(now_ns); ++count) {
      pressure.add_unproven(now_ns);
      now_ns += cost_ns;
    }
    EXPECT_EQ(count, kUnprovenPerWindowMax + 1) << cost_ns;
  }
}

// How many of so many that a host asks for it gets.
uint32_t taken_by(Pressure& pressure, uint64_t now_ns, uint64_t host, uint32_t asked) {
  uint32_t taken = 0;
  for (uint32_t count = 0; count < asked; ++count) taken += pressure.take_proven(now_ns, host);
  return taken;
}

TEST(Pressure, LetsSoManyProvenAddressesThroughInAWindow) {
  Pressure pressure(kNowNs, kHostKey);
  uint32_t taken = 0;
  for (uint64_t host = 1; host <= 100; ++host) taken += pressure.take_proven(kNowNs, host);
  EXPECT_EQ(taken, kProvenPerWindowMax);
  EXPECT_FALSE(pressure.take_proven(kNowNs + kProvenWindowNs - 1, 1));
  EXPECT_TRUE(pressure.take_proven(kNowNs + kProvenWindowNs, 1));
}

TEST(Pressure, KeepsAPartForOthersThanTheHostThatIsAlone) {
  Pressure pressure(kNowNs, kHostKey);
  EXPECT_EQ(taken_by(pressure, kNowNs, 1, 100), kProvenAloneMax);
  EXPECT_TRUE(pressure.take_proven(kNowNs, 2));
}

TEST(Pressure, GivesEachHostAShareForAWhileAfterTwoHaveAsked) {
  Pressure pressure(kNowNs, kHostKey);
  EXPECT_TRUE(pressure.take_proven(kNowNs, 1));
  EXPECT_TRUE(pressure.take_proven(kNowNs, 2));
  const uint64_t next_ns = kNowNs + kProvenWindowNs;
  EXPECT_EQ(taken_by(pressure, next_ns, 1, 100), kProvenPerHostMax);
  EXPECT_EQ(taken_by(pressure, next_ns, 2, 100), kProvenPerHostMax);
  EXPECT_EQ(taken_by(pressure, next_ns + 2 * kProvenSharedNs, 1, 100), kProvenAloneMax);
}

}  // namespace
}  // namespace hyperroute::raptor
