// A session end to end: every mode over a path that loses, reorders and repeats.
#include "raptor/session.h"

#include <gtest/gtest.h>

#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

StreamOptions stream_of(StreamMode mode) {
  StreamOptions options;
  options.mode = mode;
  options.label = 77;
  if (mode == StreamMode::kDeadline) options.deadline_us = 5'000;
  return options;
}

uint32_t number_of(const Message& message) {
  uint32_t number = 0;
  std::memcpy(&number, message.data(), sizeof number);
  return number;
}

// Offers messages as the stream takes them, until all are offered or time is out.
bool offer_all(SessionPair& pair, uint16_t stream, uint32_t count, uint32_t bytes) {
  uint32_t next = 0;
  const auto offer_some = [&] {
    while (next < count && pair.a().offer(pair.now_ns, stream, numbered(next, bytes)) >= 0) ++next;
    return next == count;
  };
  for (int round = 0; round < 20'000 && !offer_some(); ++round) pair.run_for(100 * kUs);
  return next == count;
}

TEST(Session, DeliversAMessageInOneTrip) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(stream_of(StreamMode::kReliableOrdered)).take();
  const Message message = numbered(7, 32);
  ASSERT_GT(pair.a().offer(pair.now_ns, stream, message), 0);
  const uint64_t began_ns = pair.now_ns;
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 1; }, kMs));
  EXPECT_EQ(pair.now_ns - began_ns, 10 * kUs);
  EXPECT_EQ(pair.received(1)[0].first, stream);
  EXPECT_EQ(pair.received(1)[0].second, message);
  ASSERT_NE(pair.b().remote_stream(stream), nullptr);
  EXPECT_EQ(pair.b().remote_stream(stream)->label, 77u);
}

TEST(Session, DeliversOnALosslessPathWithoutSendingAnythingTwice) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(stream_of(StreamMode::kReliableOrdered)).take();
  ASSERT_TRUE(offer_all(pair, stream, 5'000, 288));
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 5'000; }, kSecond));
  for (uint32_t index = 0; index < 5'000; ++index) {
    ASSERT_EQ(pair.received(1)[index].second, numbered(index, 288));
  }
  EXPECT_EQ(pair.a().counters().retransmitted_runs, 0u);
  EXPECT_EQ(pair.a().counters().messages_sent, 5'000u);
  EXPECT_EQ(pair.b().counters().messages_received, 5'000u);
}

// One mode over a bad path; what arrived is in the pair.
struct BadPath {
  BadPath(SessionPair& pair, uint64_t seed) : prng(seed) {
    pair.drops = [this](const SentDatagram&) { return prng.below(100) < 10; };
    pair.delays = [this](const SentDatagram&) { return prng.one_in(5) ? prng.below(60'000) : 0; };
  }
  Prng prng;
};

class SessionModes : public testing::TestWithParam<StreamMode> {};

TEST_P(SessionModes, KeepItsPromiseOverAPathThatLosesAndReorders) {
  constexpr uint32_t kMessages = 1'500;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SessionPair pair;
    BadPath path(pair, seed);
    const uint16_t stream = pair.a().open_stream(stream_of(GetParam())).take();
    for (uint32_t next = 0; next < kMessages;) {
      const uint32_t bytes = next % 50 == 0 ? 5'000 : 200;
      if (pair.a().offer(pair.now_ns, stream, numbered(next, bytes)) >= 0) ++next;
      pair.run_for(2 * kUs);
    }
    pair.a().end_stream(stream);
    ASSERT_TRUE(pair.run_until([&] { return pair.a().is_stream_finished(stream); }, kSecond));
    ASSERT_TRUE(pair.run_until([&] { return pair.b().remote_stream(stream) == nullptr; }, kSecond));
    const auto& received = pair.received(1);
    std::vector<uint32_t> numbers;
    for (const auto& [id, message] : received) {
      numbers.push_back(number_of(message));
      const uint32_t bytes = numbers.back() % 50 == 0 ? 5'000 : 200;
      ASSERT_EQ(message, numbered(numbers.back(), bytes));
    }
    const bool is_reliable =
        GetParam() == StreamMode::kReliableOrdered || GetParam() == StreamMode::kReliableUnordered;
    if (is_reliable) {
      EXPECT_EQ(numbers.size(), kMessages);
    }
    const bool is_ordered =
        GetParam() != StreamMode::kReliableUnordered && GetParam() != StreamMode::kUnreliable;
    if (is_ordered) {
      EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    }
    if (GetParam() == StreamMode::kLatest) {
      EXPECT_EQ(numbers.back(), kMessages - 1);
    }
    if (GetParam() == StreamMode::kUnreliable) {
      EXPECT_EQ(pair.a().counters().retransmitted_runs, 0u);
      EXPECT_LT(numbers.size(), kMessages);
    }
    EXPECT_GT(numbers.size(), kMessages / 20);
    std::sort(numbers.begin(), numbers.end());
    EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end());
  }
}

std::string mode_name(const testing::TestParamInfo<StreamMode>& mode) {
  static constexpr const char* kNames[] = {"ReliableOrdered", "ReliableUnordered", "Latest",
                                           "Deadline", "Unreliable"};
  return kNames[static_cast<uint32_t>(mode.param)];
}

INSTANTIATE_TEST_SUITE_P(All, SessionModes,
                         testing::Values(StreamMode::kReliableOrdered,
                                         StreamMode::kReliableUnordered, StreamMode::kLatest,
                                         StreamMode::kDeadline, StreamMode::kUnreliable),
                         mode_name);

TEST(Session, DeliversInsecurelyAndWithEitherCipher) {
  for (int variant = 0; variant < 3; ++variant) {
    SessionPair::Options options;
    options.is_insecure = variant == 0;
    options.kind =
        variant == 1 ? crypto::AeadKind::kAes256Gcm : crypto::AeadKind::kChaCha20Poly1305;
    SessionPair pair(options);
    BadPath path(pair, 9);
    const uint16_t stream = pair.a().open_stream(stream_of(StreamMode::kReliableOrdered)).take();
    ASSERT_TRUE(offer_all(pair, stream, 500, 300));
    ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 500; }, kSecond));
    EXPECT_EQ(pair.received(1)[499].second, numbered(499, 300));
  }
}

TEST(Session, SendsALostTailAgainWithinAFewRoundTrips) {
  SessionPair pair;
  const uint16_t stream = pair.a().open_stream(stream_of(StreamMode::kReliableOrdered)).take();
  ASSERT_TRUE(offer_all(pair, stream, 20, 100));
  pair.run_for(5 * kMs);
  ASSERT_EQ(pair.received_count(1), 20u);
  int left = 1;
  pair.drops = [&](const SentDatagram& sent) { return sent.from == 0 && left-- > 0; };
  const uint64_t began_ns = pair.now_ns;
  ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(20, 100)), 0);
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 21; }, kSecond));
  EXPECT_LE(pair.now_ns - began_ns, 500 * kUs);
  EXPECT_EQ(pair.a().counters().lost_by_probe, 1u);
  EXPECT_EQ(pair.a().counters().lost_by_reorder, 0u);
}

TEST(Session, CarriesMessagesOfManyFragments) {
  SessionPair pair;
  BadPath path(pair, 4);
  StreamOptions options = stream_of(StreamMode::kReliableOrdered);
  options.message_bytes_max = 1u << 20;
  const uint16_t stream = pair.a().open_stream(options).take();
  ASSERT_TRUE(offer_all(pair, stream, 4, 1u << 20));
  ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 4; }, 5 * kSecond));
  for (uint32_t index = 0; index < 4; ++index) {
    ASSERT_TRUE(pair.received(1)[index].second == numbered(index, 1u << 20)) << index;
  }
}

TEST(Session, DeliversBothWaysOnManyStreamsAtOnce) {
  SessionPair pair;
  BadPath path(pair, 11);
  std::vector<uint16_t> streams[2];
  for (int end = 0; end < 2; ++end) {
    for (int index = 0; index < 10; ++index) {
      StreamOptions options = stream_of(StreamMode::kReliableOrdered);
      options.priority = static_cast<uint8_t>(index % 8);
      streams[end].push_back(pair.end(end).open_stream(options).take());
    }
  }
  for (uint32_t number = 0; number < 200; ++number) {
    for (int end = 0; end < 2; ++end) {
      for (const uint16_t stream : streams[end]) {
        ASSERT_GT(pair.end(end).offer(pair.now_ns, stream, numbered(number, 64)), 0);
      }
    }
    pair.run_for(20 * kUs);
  }
  ASSERT_TRUE(pair.run_until(
      [&] { return pair.received_count(0) == 2'000 && pair.received_count(1) == 2'000; }, kSecond));
  for (int end = 0; end < 2; ++end) {
    std::map<uint16_t, uint32_t> next;
    for (const auto& [stream, message] : pair.received(end)) {
      ASSERT_EQ(number_of(message), next[stream]++);
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
