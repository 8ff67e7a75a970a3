// Flow between two sessions: windows, back-pressure, priorities, and how a session comes to its
// end when nothing went wrong.
#include <gtest/gtest.h>

#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

StreamOptions ordered(uint8_t priority = 0) {
  StreamOptions options;
  options.priority = priority;
  return options;
}

constexpr auto kBackPressure = static_cast<int64_t>(OfferCode::kBackPressure);
constexpr auto kClosed = static_cast<int64_t>(OfferCode::kClosed);
constexpr auto kTooLarge = static_cast<int64_t>(OfferCode::kTooLarge);

// Offers until the stream answers with a code; returns the count of messages it took.
uint32_t offer_until_full(SessionPair& pair, uint16_t stream, uint32_t bytes, int64_t& code) {
  uint32_t count = 0;
  while ((code = pair.a().offer(pair.now_ns, stream, numbered(count, bytes))) >= 0) ++count;
  return count;
}

TEST(SessionFlow, PushesBackOnThePublisherWhenTheReceiverTakesNothing) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(ordered()).take();
  pair.accept(1, 0);
  int64_t code = 0;
  uint32_t offered = 0;
  uint32_t offered_before = 0;
  for (int round = 0; round < 200; ++round) {
    if (round == 50) offered_before = offered;
    offered += offer_until_full(pair, stream, 1'000, code);
    ASSERT_EQ(code, kBackPressure);
    pair.run_for(kMs);
  }
  EXPECT_GE(pair.a().counters().back_pressure, 200u);
  EXPECT_GT(pair.b().counters().refused, 0u);
  // The rings of both ends are all the memory there is.
  EXPECT_EQ(offered, offered_before);
  EXPECT_EQ(pair.received_count(1), 0u);
  EXPECT_EQ(pair.a().state(), SessionState::kOpen);
}

TEST(SessionFlow, DeliversEverythingOnceTheReceiverTakesAgain) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(ordered()).take();
  pair.accept(1, 10);
  int64_t code = 0;
  uint32_t offered = offer_until_full(pair, stream, 1'000, code);
  pair.run_for(50 * kMs);
  EXPECT_EQ(pair.received_count(1), 10u);
  pair.accept(1, UINT64_MAX);
  EXPECT_GT(pair.b().poll(pair.sink(1)), 100u);
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == offered; }, kSecond));
  EXPECT_GE(pair.a().offer(pair.now_ns, stream, numbered(0, 1'000)), 0);
  for (uint32_t index = 0; index < offered; ++index) {
    ASSERT_EQ(pair.received(1)[index].second, numbered(index, 1'000));
  }
}

TEST(SessionFlow, OneStreamThatIsNotReadDoesNotHoldUpAnother) {
  SessionPair pair;
  const uint16_t stalled = pair.a().open_stream(ordered()).take();
  pair.accept(1, 0);
  int64_t code = 0;
  offer_until_full(pair, stalled, 1'000, code);
  pair.run_for(20 * kMs);
  const uint16_t other = pair.a().open_stream(ordered(7)).take();
  ASSERT_GT(pair.a().offer(pair.now_ns, other, numbered(5, 100)), 0);
  pair.accept(1, 1);
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 1; }, 10 * kMs));
  EXPECT_EQ(pair.received(1)[0].first, other);
}

TEST(SessionFlow, AnswersWhatIsTooLargeOrClosedWithACode) {
  SessionPair pair;
  StreamOptions options = ordered();
  options.message_bytes_max = 1'000;
  const uint16_t stream = pair.a().open_stream(options).take();
  EXPECT_EQ(pair.a().offer(pair.now_ns, stream, Message(1'001)), kTooLarge);
  EXPECT_EQ(pair.a().offer(pair.now_ns, static_cast<uint16_t>(stream + 1), Message(10)), kClosed);
  pair.a().end_stream(stream);
  EXPECT_EQ(pair.a().offer(pair.now_ns, stream, Message(10)), kClosed);
  options.message_bytes_max = (1u << 20) + 1;
  EXPECT_EQ(pair.a().open_stream(options).status().code, StatusCode::kConfig);
}

TEST(SessionFlow, SendsMessagesThatWereClaimedAndForgetsThoseAborted) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(ordered()).take();
  const Message message = numbered(3, 200);
  uint8_t* room = pair.a().claim(stream, 200);
  ASSERT_NE(room, nullptr);
  pair.a().abort(stream);
  room = pair.a().claim(stream, 200);
  ASSERT_NE(room, nullptr);
  std::memcpy(room, message.data(), message.size());
  ASSERT_GT(pair.a().commit(pair.now_ns, stream), 0);
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 1; }, kMs));
  EXPECT_EQ(pair.received(1)[0].second, message);
}

TEST(SessionFlow, SendsTheFirstPriorityFirst) {
  SessionPair::Options options;
  options.delay_ns = kMs;
  SessionPair pair(options);
  const uint16_t bulk = pair.a().open_stream(ordered(7)).take();
  const uint16_t urgent = pair.a().open_stream(ordered(0)).take();
  pair.run_for(10 * kMs);
  for (uint32_t number = 0; number < 200; ++number) {
    ASSERT_GT(pair.a().offer(pair.now_ns, bulk, numbered(number, 1'000)), 0);
  }
  for (uint32_t number = 0; number < 20; ++number) {
    ASSERT_GT(pair.a().offer(pair.now_ns, urgent, numbered(number, 1'000)), 0);
  }
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 220; }, kSecond));
  for (uint32_t index = 0; index < 20; ++index) EXPECT_EQ(pair.received(1)[index].first, urgent);
}

TEST(SessionFlow, GivesEqualPrioritiesTheirTurns) {
  SessionPair::Options options;
  options.delay_ns = kMs;
  SessionPair pair(options);
  uint16_t streams[3];
  for (uint16_t& stream : streams) stream = pair.a().open_stream(ordered()).take();
  pair.run_for(10 * kMs);
  for (const uint16_t stream : streams) {
    for (uint32_t number = 0; number < 150; ++number) {
      ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(number, 1'000)), 0);
    }
  }
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) >= 150; }, kSecond));
  std::map<uint16_t, int> counts;
  for (uint32_t index = 0; index < 150; ++index) counts[pair.received(1)[index].first] += 1;
  for (const uint16_t stream : streams) EXPECT_GE(counts[stream], 30);
}

TEST(SessionFlow, PutsSmallMessagesOfManyOffersIntoOneDatagram) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(ordered()).take();
  pair.run_for(10 * kMs);
  const uint64_t sent_before = pair.a().counters().packets_sent;
  for (uint32_t number = 0; number < 20; ++number) {
    ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(number, 32)), 0);
  }
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 20; }, kMs));
  EXPECT_EQ(pair.a().counters().packets_sent, sent_before + 1);
}

TEST(SessionFlow, OpensAsManyStreamsAsThePeerTakesAndAgainWhenTheyHaveEnded) {
  SessionPair::Options options;
  for (Parameters& parameters : options.parameters) parameters.streams_max = 4;
  SessionPair pair(options);
  std::vector<uint16_t> ids;
  for (int round = 0; round < 20; ++round) {
    std::vector<uint16_t> streams;
    for (int index = 0; index < 4; ++index) {
      streams.push_back(pair.a().open_stream(ordered()).take());
      ASSERT_GT(pair.a().offer(pair.now_ns, streams.back(), numbered(7, 10)), 0);
    }
    EXPECT_EQ(pair.a().open_stream(ordered()).status().code, StatusCode::kLimit);
    for (const uint16_t stream : streams) pair.a().end_stream(stream);
    ids.insert(ids.end(), streams.begin(), streams.end());
    pair.run_for(5 * kMs);
    for (const uint16_t stream : streams) EXPECT_TRUE(pair.a().is_stream_finished(stream));
  }
  EXPECT_EQ(pair.received_count(1), 80u);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST(SessionFlow, OpensNoStreamInASlotThatThePeerHasNotReadToItsEnd) {
  SessionPair::Options options;
  for (Parameters& parameters : options.parameters) parameters.streams_max = 1;
  SessionPair pair(options);
  pair.accept(1, 0);
  const uint16_t first = pair.a().open_stream(ordered()).take();
  ASSERT_GT(pair.a().offer(pair.now_ns, first, numbered(1, 10)), 0);
  pair.a().end_stream(first);
  pair.run_for(200 * kMs);
  EXPECT_FALSE(pair.a().is_stream_finished(first));
  EXPECT_EQ(pair.a().open_stream(ordered()).status().code, StatusCode::kLimit);
  pair.accept(1, UINT64_MAX);
  EXPECT_EQ(pair.b().poll(pair.sink(1)), 1u);
  // That it was read is told again when it gets lost.
  int left = 2;
  pair.drops = [&](const SentDatagram& sent) { return sent.from == 1 && left-- > 0; };
  ASSERT_TRUE(pair.run_until([&] { return pair.a().is_stream_finished(first); }, 20 * kMs));
  const uint16_t second = pair.a().open_stream(ordered()).take();
  ASSERT_GT(pair.a().offer(pair.now_ns, second, numbered(2, 10)), 0);
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 2; }, kSecond));
  EXPECT_EQ(pair.received(1)[1].first, second);
}

TEST(SessionFlow, DrainsWhatWasOfferedAndThenEndsOnBothSides) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SessionPair pair;
    Prng prng(seed);
    pair.drops = [&](const SentDatagram&) { return prng.below(100) < 20; };
    const uint16_t stream = pair.a().open_stream(ordered()).take();
    for (uint32_t number = 0; number < 100; ++number) {
      ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(number, 500)), 0);
    }
    pair.a().drain(pair.now_ns);
    EXPECT_EQ(pair.a().state(), SessionState::kDraining);
    EXPECT_EQ(pair.a().offer(pair.now_ns, stream, Message(10)), kClosed);
    EXPECT_EQ(pair.a().open_stream(ordered()).status().code, StatusCode::kState);
    ASSERT_TRUE(pair.run_until([&] { return pair.b().is_finished(); }, kSecond));
    pair.run_for(200 * kMs);
    EXPECT_EQ(pair.b().close_reason(), CloseReason::kDrained);
    EXPECT_EQ(pair.received_count(1), 100u);
    // All three CLOSEs can get lost; then the silence tells.
    EXPECT_TRUE(pair.a().is_finished());
    if (pair.a().close_reason() != CloseReason::kDrained) {
      EXPECT_EQ(pair.a().close_reason(), CloseReason::kPeerDead);
    }
  }
}

TEST(SessionFlow, DrainWaitsForWhatTheOtherEndStillHasToSay) {
  SessionPair pair;
  const uint16_t answers = pair.b().open_stream(ordered()).take();
  pair.run_for(kMs);
  pair.a().drain(pair.now_ns);
  pair.run_for(300 * kMs);
  EXPECT_EQ(pair.a().state(), SessionState::kDraining);
  ASSERT_GT(pair.b().offer(pair.now_ns, answers, numbered(1, 100)), 0);
  pair.b().drain(pair.now_ns);
  pair.run_for(10 * kMs);
  EXPECT_EQ(pair.received_count(0), 1u);
  EXPECT_EQ(pair.a().close_reason(), CloseReason::kDrained);
  EXPECT_EQ(pair.b().close_reason(), CloseReason::kDrained);
}

TEST(SessionFlow, DrainedMessagesThatWereRefusedCanStillBeHad) {
  SessionPair pair;
  pair.accept(1, 0);
  const uint16_t stream = pair.a().open_stream(ordered()).take();
  ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(1, 100)), 0);
  pair.a().drain(pair.now_ns);
  pair.b().drain(pair.now_ns);
  pair.run_for(300 * kMs);
  EXPECT_NE(pair.b().state(), SessionState::kClosed);
  pair.accept(1, UINT64_MAX);
  EXPECT_EQ(pair.b().poll(pair.sink(1)), 1u);
  pair.run_for(10 * kMs);
  EXPECT_EQ(pair.b().close_reason(), CloseReason::kDrained);
  EXPECT_EQ(pair.a().close_reason(), CloseReason::kDrained);
}

TEST(SessionFlow, CloseTellsWhatHasArrivedBeforeIt) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(ordered()).take();
  ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(1, 100)), 0);
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 1; }, 10 * kMs));
  // Too soon for an ACK of its own.
  ASSERT_GT(pair.a().unacked_messages(stream), 0u);
  pair.b().close(pair.now_ns, CloseReason::kClosed);
  ASSERT_TRUE(pair.run_until([&] { return pair.a().state() == SessionState::kClosed; }, kSecond));
  EXPECT_EQ(pair.a().unacked_messages(stream), 0u);
}

TEST(SessionFlow, CloseTellsTheOtherEndAtOnceAndNoMoreThanThreeTimes) {
  SessionPair pair;
  pair.run_for(10 * kMs);
  const uint64_t sent_before = pair.sent_count(0);
  pair.a().close(pair.now_ns, CloseReason::kClosed);
  EXPECT_EQ(pair.a().state(), SessionState::kClosed);
  EXPECT_FALSE(pair.a().is_finished());
  ASSERT_TRUE(pair.run_until([&] { return pair.b().state() == SessionState::kClosed; }, 100 * kUs));
  EXPECT_EQ(pair.b().close_reason(), CloseReason::kPeerClosed);
  pair.run_for(kSecond);
  EXPECT_EQ(pair.sent_count(0), sent_before + 3);
  EXPECT_TRUE(pair.a().is_finished());
  EXPECT_EQ(pair.a().next_deadline_ns(), kNeverNs);
  EXPECT_EQ(pair.b().next_deadline_ns(), kNeverNs);
}

TEST(SessionFlow, SaysThreeTimesThatItClosesAndTheLastIsHeardWhereTwoAreLost) {
  SessionPair pair;
  pair.run_for(20 * kMs);
  const uint64_t sent_before = pair.sent_count(0);
  pair.drops = [&](const SentDatagram& sent) {
    return sent.from == 0 && sent.index < sent_before + 2;
  };
  const uint64_t heard = pair.b().counters().packets_received;
  pair.a().close(pair.now_ns, CloseReason::kClosed);
  const auto b_is_closed = [&] { return pair.b().state() == SessionState::kClosed; };
  // Well before silence would tell.
  ASSERT_TRUE(pair.run_until(b_is_closed, 10 * kMs));
  EXPECT_EQ(pair.b().close_reason(), CloseReason::kPeerClosed);
  EXPECT_EQ(pair.b().counters().packets_received, heard + 1);
  pair.run_for(kSecond);
  EXPECT_TRUE(pair.a().is_finished());
  EXPECT_EQ(pair.sent_count(0), sent_before + 3);
}

}  // namespace
}  // namespace hyperroute::raptor
