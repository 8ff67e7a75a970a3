// Recordings of routers that remember messages: what their tables hold is the same when the
// messages are decided again.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "recording_fixture.h"
#include "unit/native/route/correlated_image.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPollsMax = 10'000;

class RecordedCorrelation : public RecordingTest {};

RelayOptions options_of(const ImageParts& parts) {
  RelayOptions options;
  options.image = parts.image();
  options.route_names = {"orders", "replaces", "finals", "partials"};
  options.correlation_names = {"orders"};
  return options;
}

void settle(Relay& relay) {
  uint32_t polls = 0;
  while (relay.router->poll() > 0 && polls < kPollsMax) ++polls;
  ASSERT_LT(polls, kPollsMax);
}

void send(Relay& relay, Relay::Endpoint from, const std::vector<uint8_t>& bytes) {
  ASSERT_TRUE(relay.applications[from].send_bytes(bytes));
  settle(relay);
}

// Orders, replaces and reports of which some find nothing; returns how many messages.
uint64_t trade(Relay& relay, Prng& random, uint32_t rounds) {
  std::vector<uint64_t> ids{77};
  std::vector<uint8_t> bytes;
  for (uint32_t round = 0; round < rounds; ++round) {
    const auto client = static_cast<uint32_t>(random.next_u64() % 3);
    const Relay::Endpoint from = client == 0 ? Relay::kEcho : Relay::kLeft;
    const uint64_t id = ids[random.next_u64() % ids.size()];
    switch (random.next_u64() % 4) {
      case 0:
        send(relay, from, replace_bytes(client, random.next_u64() % 40, 40 + round));
        break;
      case 1:
        send(relay, Relay::kRight, final_bytes(id, 1));
        break;
      case 2:
        send(relay, Relay::kRight, partial_bytes(id, 1));
        break;
      default:
        send(relay, from, order_bytes(client, random.next_u64() % 40, 1));
    }
    while (relay.applications[Relay::kRight].receive_bytes(bytes)) {
      ids.push_back(CorrelatedMessage::of(bytes).number);
    }
    for (const auto endpoint : {Relay::kLeft, Relay::kEcho}) {
      while (relay.applications[endpoint].receive_bytes(bytes)) continue;
    }
  }
  return rounds;
}

TEST_F(RecordedCorrelation, IsDecidedAgainInTheSameWay) {
  constexpr uint64_t kSeed = 11;
  Prng random(kSeed);
  for (const bool evicts : {false, true}) {
    ImageParts parts = correlated_parts(12);
    parts.correlations[0].evicts = evicts ? 1 : 0;
    parts.correlations[0].timeout_ms = 20;
    Relay relay(options_of(parts));
    ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
    uint64_t message_count = trade(relay, random, 300);
    // Everything times out, while nothing is received.
    ::usleep(40'000);
    settle(relay);
    message_count += trade(relay, random, 300);
    // The table outlives the image; then there is another one.
    relay.install();
    message_count += trade(relay, random, 100);
    parts.correlations[0].capacity = 9;
    relay.image = parts.image();
    relay.install();
    message_count += trade(relay, random, 300);
    ASSERT_TRUE(relay.router->end_recording().ok());
    EXPECT_EQ(wait_for_end(*relay.router).reason, RecordingEnd::kStopped);
    Replay replay;
    ASSERT_EQ(play(bytes(), replay), Ending::kWhole);
    EXPECT_EQ(replay.report().message_count, message_count);
    EXPECT_EQ(replay.report().different_count, 0u) << "seed " << kSeed;
    EXPECT_EQ(replay.images().size(), 3u);
    uint64_t correlated_count = 0;
    uint64_t missing_count = 0;
    for (const auto& [key, count] : replay.tallies()) {
      if (key[1] == static_cast<uint32_t>(TallyKind::kCorrelated)) correlated_count += count;
      const bool is_reject = key[1] == static_cast<uint32_t>(TallyKind::kReject);
      if (is_reject && key[2] == static_cast<uint32_t>(RejectCode::kNotCorrelated)) {
        missing_count += count;
      }
    }
    EXPECT_GT(correlated_count, 50u);
    EXPECT_GT(missing_count, 50u);
    std::filesystem::remove(path_);
  }
}

TEST_F(RecordedCorrelation, EndsAtOnceWhereATableHasBeenUsedBefore) {
  Prng random(3);
  Relay relay(options_of(correlated_parts()));
  (void)trade(relay, random, 20);
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  (void)trade(relay, random, 20);
  const Recording::Report report = wait_for_end(*relay.router);
  EXPECT_EQ(report.reason, RecordingEnd::kOpenEntries);
  EXPECT_EQ(report.message_count, 0u);
  EXPECT_EQ(report.missed_count, 20u);
  Replay replay;
  EXPECT_EQ(play(bytes(), replay), Ending::kWhole);
  EXPECT_EQ(replay.report().end.reason, RecordingEnd::kOpenEntries);
}

TEST_F(RecordedCorrelation, NotesNothingOfATableBeforeItsWorkerHasBegun) {
  Prng random(4);
  ImageParts parts = correlated_parts();
  parts.correlations[0].timeout_ms = 20;
  Relay relay(options_of(parts));
  (void)trade(relay, random, 20);
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  // What was open times out before a message comes.
  ::usleep(40'000);
  settle(relay);
  (void)trade(relay, random, 20);
  EXPECT_EQ(wait_for_end(*relay.router).reason, RecordingEnd::kOpenEntries);
  Replay replay;
  EXPECT_EQ(play(bytes(), replay), Ending::kWhole);
}

TEST_F(RecordedCorrelation, DamageWithRightCheckSumsIsRefusedOrPlayed) {
  constexpr uint64_t kSeed = 5;
  Prng random(kSeed);
  ImageParts parts = correlated_parts(12);
  parts.correlations[0].timeout_ms = 20;
  Relay relay(options_of(parts));
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  (void)trade(relay, random, 60);
  ::usleep(40'000);
  settle(relay);
  (void)trade(relay, random, 60);
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
  SCOPED_TRACE(kSeed);
  EXPECT_GT(count_refused(bytes(), random, 2000), 50u);
}

}  // namespace
}  // namespace hyperroute
