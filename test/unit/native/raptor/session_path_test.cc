// What the path does to a session: death of the peer, its silence, the size of datagrams.
#include <gtest/gtest.h>

#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

uint16_t open_ordered(Session& session) { return session.open_stream(StreamOptions{}).take(); }

bool is_closed(const Session& session) { return session.state() == SessionState::kClosed; }

TEST(SessionPath, ReportsADeadPeerWithinTheLivenessItPromised) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SessionPair pair;
    Prng prng(seed);
    const uint16_t stream = open_ordered(pair.a());
    pair.run_for(prng.below(200'000'000));
    if (prng.one_in(2)) {
      ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(1, 100)), 0);
    }
    pair.kill(1);
    const uint64_t died_ns = pair.now_ns;
    ASSERT_TRUE(pair.run_until([&] { return is_closed(pair.a()); }, kSecond));
    EXPECT_LE(pair.now_ns - died_ns, 100 * kMs);
    EXPECT_GE(pair.now_ns - died_ns, 60 * kMs);
    EXPECT_EQ(pair.a().close_reason(), CloseReason::kPeerDead);
    EXPECT_TRUE(pair.a().is_finished());
  }
}

TEST(SessionPath, KeepsAnIdleSessionOpenWithFewPackets) {
  SessionPair pair;
  pair.run_for(kSecond);
  const uint64_t sent_before = pair.sent_count(0) + pair.sent_count(1);
  pair.run_for(10 * kSecond);
  EXPECT_EQ(pair.a().state(), SessionState::kOpen);
  EXPECT_EQ(pair.b().state(), SessionState::kOpen);
  EXPECT_LE(pair.sent_count(0) + pair.sent_count(1) - sent_before, 1'000u);
}

TEST(SessionPath, RaisesNoFalseAlarmAtThirtyPercentLoss) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SessionPair pair;
    Prng prng(seed);
    pair.drops = [&](const SentDatagram&) { return prng.below(100) < 30; };
    pair.run_for(20 * kSecond);
    EXPECT_EQ(pair.a().state(), SessionState::kOpen);
    EXPECT_EQ(pair.b().state(), SessionState::kOpen);
  }
}

TEST(SessionPath, GivesAnInlinePeerTwoSeconds) {
  SessionPair::Options options;
  options.parameters[1].flags = kParameterInline;
  SessionPair pair(options);
  pair.run_for(kSecond);
  pair.kill(1);
  pair.run_for(kSecond);
  EXPECT_EQ(pair.a().state(), SessionState::kOpen);
  pair.run_for(kSecond);
  EXPECT_EQ(pair.a().close_reason(), CloseReason::kPeerDead);
}

TEST(SessionPath, DoesNotTakeItsOwnPauseForTheDeathOfThePeer) {
  SessionPair pair;
  pair.run_for(kSecond);
  // Nobody ran for 150 ms; what the peer sent meanwhile is read right after the late timer.
  pair.now_ns += 150 * kMs;
  pair.a().on_deadline(pair.now_ns);
  EXPECT_EQ(pair.a().state(), SessionState::kOpen);
  pair.b().on_deadline(pair.now_ns);
  pair.run_for(kSecond);
  EXPECT_EQ(pair.a().state(), SessionState::kOpen);
  EXPECT_EQ(pair.b().state(), SessionState::kOpen);
}

TEST(SessionPath, ASecondLateTimerWithoutAPacketIsADeadPeer) {
  SessionPair pair;
  pair.run_for(kSecond);
  pair.kill(1);
  pair.now_ns += 150 * kMs;
  pair.a().on_deadline(pair.now_ns);
  EXPECT_EQ(pair.a().state(), SessionState::kOpen);
  pair.now_ns += 150 * kMs;
  pair.a().on_deadline(pair.now_ns);
  EXPECT_EQ(pair.a().close_reason(), CloseReason::kPeerDead);
}

TEST(SessionPath, FindsTheLargestDatagramThatThePathCarries) {
  for (const uint32_t mtu_bytes : {1'200u, 1'452u, 4'096u, 8'952u}) {
    SCOPED_TRACE(mtu_bytes);
    SessionPair::Options options;
    options.mtu_bytes = mtu_bytes;
    SessionPair pair(options);
    pair.run_for(kSecond);
    EXPECT_EQ(pair.a().counters().mtu_bytes, mtu_bytes);
    EXPECT_EQ(pair.b().counters().mtu_bytes, mtu_bytes);
  }
}

TEST(SessionPath, NeverSendsMoreThanThePeerSaidItTakes) {
  SessionPair::Options options;
  options.parameters[1].datagram_bytes_max = 2'000;
  SessionPair pair(options);
  size_t largest = 0;
  pair.watches = [&](const SentDatagram& sent) { largest = std::max(largest, sent.bytes.size()); };
  pair.run_for(kSecond);
  EXPECT_LE(largest, 2'000u);
  EXPECT_GE(largest, 1'452u);
}

TEST(SessionPath, ASizeThatTheKernelRefusesIsProbedOnce) {
  for (const uint32_t mtu_bytes : {1'400u, 1'452u, 5'000u}) {
    SCOPED_TRACE(mtu_bytes);
    SessionPair pair;
    uint32_t refused_count = 0;
    pair.drops = [&](const SentDatagram& sent) {
      const auto bytes = static_cast<uint32_t>(sent.bytes.size());
      if (bytes <= mtu_bytes) return false;
      pair.end(sent.from).on_too_large(pair.now_ns, bytes);
      refused_count += sent.from == 0 ? 1 : 0;
      return true;
    };
    pair.run_for(10 * kSecond);
    EXPECT_EQ(refused_count, 1u);
    EXPECT_LE(pair.a().counters().mtu_bytes, mtu_bytes);
    EXPECT_EQ(pair.a().counters().mtu_black_holes, 0u);
  }
}

TEST(SessionPath, SurvivesAPathThatCarriesLessThanItDid) {
  SessionPair pair;
  pair.run_for(100 * kMs);
  ASSERT_EQ(pair.a().counters().mtu_bytes, 8'952u);
  pair.drops = [](const SentDatagram& sent) { return sent.bytes.size() > 1'300; };
  const uint16_t stream = open_ordered(pair.a());
  uint32_t offered = 0;
  while (offered < 200 && pair.a().offer(pair.now_ns, stream, numbered(offered, 1'000)) > 0) {
    ++offered;
  }
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == offered; }, 2 * kSecond));
  EXPECT_EQ(pair.a().counters().mtu_bytes, 1'200u);
  EXPECT_GE(pair.a().counters().mtu_black_holes, 1u);
  EXPECT_EQ(pair.a().state(), SessionState::kOpen);
}

TEST(SessionPath, GoesOnAfterAPartitionShorterThanTheLiveness) {
  SessionPair::Options options;
  for (Parameters& parameters : options.parameters) parameters.liveness_us = 60'000'000;
  SessionPair pair(options);
  const uint16_t stream = open_ordered(pair.a());
  pair.run_for(kSecond);
  pair.drops = [](const SentDatagram&) { return true; };
  uint32_t offered = 0;
  while (offered < 300 && pair.a().offer(pair.now_ns, stream, numbered(offered, 500)) > 0) {
    ++offered;
  }
  pair.run_for(30 * kSecond);
  EXPECT_EQ(pair.received_count(1), 0u);
  pair.drops = nullptr;
  const uint64_t healed_ns = pair.now_ns;
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == offered; }, kSecond));
  // A probe at least every 100 ms, whatever the partition lasted.
  EXPECT_LE(pair.now_ns - healed_ns, 200 * kMs);
}

TEST(SessionPath, KeepsMostOfItsRateAtFivePercentLoss) {
  uint64_t took_ns[2] = {};
  for (const uint32_t loss_percent : {0u, 5u}) {
    SessionPair::Options options;
    options.delay_ns = 100 * kUs;
    SessionPair pair(options);
    pair.keep_messages(false);
    Prng prng(3);
    pair.drops = [&](const SentDatagram&) { return prng.below(100) < loss_percent; };
    const uint16_t stream = open_ordered(pair.a());
    pair.run_for(50 * kMs);
    const uint64_t began_ns = pair.now_ns;
    uint32_t offered = 0;
    const auto done = [&] {
      const Message message = numbered(offered, 288);
      while (offered < 30'000 && pair.a().offer(pair.now_ns, stream, message) >= 0) ++offered;
      return pair.received_count(1) == 30'000;
    };
    ASSERT_TRUE(pair.run_until(done, 20 * kSecond));
    took_ns[loss_percent == 0 ? 0 : 1] = pair.now_ns - began_ns;
  }
  EXPECT_GE(took_ns[0] * 100, took_ns[1] * 80)
      << took_ns[0] << " ns without loss, " << took_ns[1] << " ns with it";
}

}  // namespace
}  // namespace hyperroute::raptor
