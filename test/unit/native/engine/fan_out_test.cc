// Several copies of one message through the engine: all or none, best effort, taps, and what is
// left where one of the destinations has no room.
#include <gtest/gtest.h>

#include "relay_fixture.h"
#include "unit/native/ring/counters_reader.h"
#include "unit/native/route/image_parts.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPollsMax = 10'000;
constexpr uint32_t kMessages = 2000;

void settle(Relay& relay) {
  uint32_t polls = 0;
  while (relay.router->poll() > 0 && polls < kPollsMax) ++polls;
  ASSERT_LT(polls, kPollsMax);
}

uint64_t counter_of(const Relay& relay, const std::string& label) {
  CountersReader reader;
  const Counters& counters = relay.router->counters();
  EXPECT_TRUE(reader.attach(counters.data(), counters.bytes()).ok());
  uint64_t sum = 0;
  for (const CounterSample& counter : reader.sample().take().counters) {
    if (counter.label == label) sum += counter.value;
  }
  return sum;
}

// What a rule of the left endpoint's route does.
struct Rule {
  Relay::Endpoint to;
  uint8_t flags = 0;
  uint32_t tap_every = 0;  // A tap to the echo endpoint; 0: none.
};

// The relay, in which every one of these rules sends what comes from the left.
std::vector<uint8_t> image_of(const std::vector<Rule>& rules) {
  ImageParts parts = ImageParts::of(read_vector("relay"));
  RouteRecord& route = parts.routes[parts.endpoint_routes[parts.endpoints[Relay::kLeft].routes]];
  route.mode = RouteMode::kAll;
  route.otherwise = kNoRule;
  route.matchers = static_cast<uint32_t>(parts.matchers.size());
  route.matcher_count = 1;
  route.actions = static_cast<uint32_t>(parts.slots.size());
  route.rule_count = static_cast<uint32_t>(rules.size());
  MatcherRecord matcher{};
  matcher.kind = MatcherKind::kWord;
  matcher.table = static_cast<uint32_t>(parts.terms.size());
  matcher.count = route.rule_count;
  parts.matchers.push_back(matcher);
  for (uint32_t rule = 0; rule < rules.size(); ++rule) {
    parts.terms.push_back(TermRecord{rule, 0, 0, 0});
    ActionRecord action = action_to(rules[rule].to);
    action.flags = rules[rule].flags;
    if (rules[rule].tap_every != 0) {
      action.extra = static_cast<uint16_t>(parts.extras.size());
      parts.extras.push_back({static_cast<uint32_t>(parts.taps.size()), 1, kNoIndex, 0, {}});
      parts.taps.push_back({0, rules[rule].tap_every});
    }
    parts.slots.push_back(static_cast<uint16_t>(parts.actions.size()));
    parts.actions.push_back(action);
  }
  for (TapRecord& tap : parts.taps) {
    tap.action = static_cast<uint32_t>(parts.actions.size());
    parts.actions.push_back(action_to(Relay::kEcho));
  }
  return parts.image();
}

RelayOptions options_of(const std::vector<Rule>& rules, FullPolicy full) {
  RelayOptions options;
  options.image = image_of(rules);
  options.queue.queue_bytes = 1024;
  options.queue.full = full;
  return options;
}

TEST(EngineFanOut, EveryRuleSendsACopyInOrder) {
  Relay relay(options_of({{Relay::kRight}, {Relay::kEcho}}, FullPolicy::kReject));
  for (uint64_t value = 0; value < 10; ++value) ASSERT_TRUE(relay.send(Relay::kLeft, value));
  settle(relay);
  for (const Relay::Endpoint endpoint : {Relay::kRight, Relay::kEcho}) {
    uint64_t received = 0;
    for (uint64_t value = 0; value < 10; ++value) {
      ASSERT_TRUE(relay.receive(endpoint, received));
      EXPECT_EQ(received, value);
    }
    EXPECT_FALSE(relay.receive(endpoint, received));
  }
  // A message counts once, however many copies of it leave.
  EXPECT_EQ(counter_of(relay, "route/left/delivered"), 10u);
}

TEST(EngineFanOut, OneDestinationMayGetSeveralCopies) {
  Relay relay(options_of({{Relay::kRight}, {Relay::kEcho}, {Relay::kRight}}, FullPolicy::kReject));
  for (uint64_t value = 0; value < 3; ++value) ASSERT_TRUE(relay.send(Relay::kLeft, value));
  settle(relay);
  uint64_t received = 0;
  for (uint64_t copy = 0; copy < 6; ++copy) {
    ASSERT_TRUE(relay.receive(Relay::kRight, received));
    EXPECT_EQ(received, copy / 2);
  }
  EXPECT_FALSE(relay.receive(Relay::kRight, received));
}

// Nobody reads the echo endpoint until `drained`; the other one is read all the time.
struct Stalled {
  std::vector<uint64_t> right;
  std::vector<uint64_t> echo;
  uint64_t sent = 0;
};

Stalled run_stalled(Relay& relay) {
  Stalled result;
  uint64_t value = 0;
  for (uint32_t round = 0; round < kMessages / 10; ++round) {
    for (int i = 0; i < 10 && relay.send(Relay::kLeft, result.sent); ++i) ++result.sent;
    settle(relay);
    while (relay.receive(Relay::kRight, value)) result.right.push_back(value);
  }
  for (uint32_t round = 0; round < kMessages; ++round) {
    while (relay.receive(Relay::kEcho, value)) result.echo.push_back(value);
    settle(relay);
    while (relay.receive(Relay::kRight, value)) result.right.push_back(value);
  }
  return result;
}

TEST(EngineFanOut, AllOrNoneOfTheCopiesLeaveWhenOneDestinationRejects) {
  Relay relay(options_of({{Relay::kRight}, {Relay::kEcho}}, FullPolicy::kReject));
  const Stalled result = run_stalled(relay);
  ASSERT_LT(result.echo.size(), result.sent);
  ASSERT_GT(result.echo.size(), 10u);
  EXPECT_EQ(result.right, result.echo);
  EXPECT_EQ(counter_of(relay, "route/left/delivered"), result.right.size());
  EXPECT_EQ(counter_of(relay, "route/left/rejected"), result.sent - result.right.size());
  EXPECT_EQ(counter_of(relay, "route/left/skipped"), 0u);
}

TEST(EngineFanOut, ABlockedDestinationHoldsTheSourceAndNoCopyIsLostOrSentTwice) {
  Relay relay(options_of({{Relay::kRight}, {Relay::kEcho}}, FullPolicy::kBlock));
  const Stalled result = run_stalled(relay);
  ASSERT_GT(result.sent, 100u);
  ASSERT_EQ(result.right.size(), result.sent);
  for (uint64_t value = 0; value < result.sent; ++value) ASSERT_EQ(result.right[value], value);
  EXPECT_EQ(result.right, result.echo);
  EXPECT_EQ(counter_of(relay, "route/left/rejected"), 0u);
}

TEST(EngineFanOut, WhatIsOnBestEffortIsLeftOutAndCounted) {
  for (const FullPolicy full : {FullPolicy::kReject, FullPolicy::kBlock}) {
    Relay relay(options_of({{Relay::kRight}, {Relay::kEcho, kActionBestEffort}}, full));
    const Stalled result = run_stalled(relay);
    ASSERT_EQ(result.sent, kMessages);
    ASSERT_EQ(result.right.size(), result.sent);
    ASSERT_LT(result.echo.size(), result.sent);
    for (size_t index = 1; index < result.echo.size(); ++index) {
      ASSERT_LT(result.echo[index - 1], result.echo[index]);
    }
    EXPECT_EQ(counter_of(relay, "route/left/delivered"), result.sent);
    EXPECT_EQ(counter_of(relay, "route/left/skipped"), result.sent - result.echo.size());
  }
}

TEST(EngineFanOut, AMessageThatOnlyBestEffortTakesAndThatIsLeftOutIsDiscarded) {
  Relay relay(options_of({{Relay::kEcho, kActionBestEffort}}, FullPolicy::kReject));
  const Stalled result = run_stalled(relay);
  ASSERT_LT(result.echo.size(), result.sent);
  EXPECT_EQ(counter_of(relay, "route/left/delivered"), result.echo.size());
  EXPECT_EQ(counter_of(relay, "route/left/discarded"), result.sent - result.echo.size());
}

TEST(EngineFanOut, CopiesThatCanNeverFitOneQueueRejectInsteadOfHoldingForEver) {
  std::vector<Rule> rules(40, Rule{Relay::kRight});
  Relay relay(options_of(rules, FullPolicy::kBlock));
  ASSERT_TRUE(relay.send(Relay::kLeft, 1));
  ASSERT_TRUE(relay.send(Relay::kLeft, 2));
  settle(relay);
  uint64_t value = 0;
  EXPECT_FALSE(relay.receive(Relay::kRight, value));
  EXPECT_EQ(counter_of(relay, "route/left/rejected"), 2u);
  EXPECT_EQ(counter_of(relay, "reject/OTHER/messages"), 2u);
}

TEST(EngineFanOut, ATapTakesOneMessageInSoManyFromTheFirstOn) {
  Relay relay(options_of({{Relay::kRight, 0, 3}}, FullPolicy::kReject));
  for (uint64_t value = 0; value < 10; ++value) ASSERT_TRUE(relay.send(Relay::kLeft, value));
  settle(relay);
  uint64_t value = 0;
  for (const uint64_t expected : {0u, 3u, 6u, 9u}) {
    ASSERT_TRUE(relay.receive(Relay::kEcho, value));
    EXPECT_EQ(value, expected);
  }
  EXPECT_FALSE(relay.receive(Relay::kEcho, value));
  for (uint64_t expected = 0; expected < 10; ++expected) {
    ASSERT_TRUE(relay.receive(Relay::kRight, value));
    EXPECT_EQ(value, expected);
  }
}

TEST(EngineFanOut, ATapThatIsStalledHoldsNothingUp) {
  Relay relay(options_of({{Relay::kRight, 0, 1}}, FullPolicy::kBlock));
  const Stalled result = run_stalled(relay);
  ASSERT_EQ(result.sent, kMessages);
  EXPECT_EQ(result.right.size(), result.sent);
  EXPECT_EQ(counter_of(relay, "route/left/skipped"), result.sent - result.echo.size());
}

}  // namespace
}  // namespace hyperroute
