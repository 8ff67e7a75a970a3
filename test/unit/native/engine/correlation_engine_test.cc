// Correlations in the engine: entries are opened with the messages that leave and with no others,
// destinations know what waits for them, and tables outlive the images that have them.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "conformance/allocation_guard.h"
#include "relay_fixture.h"
#include "unit/native/ring/counters_reader.h"
#include "unit/native/route/correlated_image.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPollsMax = 10'000;

void settle(Relay& relay) {
  uint32_t polls = 0;
  while (relay.router->poll() > 0 && polls < kPollsMax) ++polls;
  ASSERT_LT(polls, kPollsMax);
}

uint64_t counter_of(const Relay& relay, const std::string& what) {
  CountersReader reader;
  const Counters& counters = relay.router->counters();
  EXPECT_TRUE(reader.attach(counters.data(), counters.bytes()).ok());
  uint64_t sum = 0;
  for (const CounterSample& counter : reader.sample().take().counters) {
    if (counter.label == what) sum += counter.value;
  }
  return sum;
}

RelayOptions options_of(const ImageParts& parts) {
  RelayOptions options;
  options.image = parts.image();
  options.route_names = {"orders", "replaces", "finals", "partials"};
  options.correlation_names = {"orders"};
  return options;
}

void send(Relay& relay, Relay::Endpoint from, const std::vector<uint8_t>& bytes) {
  ASSERT_TRUE(relay.applications[from].send_bytes(bytes));
  settle(relay);
}

// The next message that has arrived; all zeros: none has.
CorrelatedMessage received(Relay& relay, Relay::Endpoint at) {
  std::vector<uint8_t> bytes;
  if (!relay.applications[at].receive_bytes(bytes)) return {0, 0, 0, 0};
  return CorrelatedMessage::of(bytes);
}

uint32_t outstanding(Relay& relay, Relay::Endpoint endpoint) {
  return relay.router->read_control(relay.slots[endpoint]).outstanding;
}

TEST(EngineCorrelation, AReportFindsItsClientAndTheVenueWaitsForNothingMore) {
  Relay relay(options_of(correlated_parts()));
  send(relay, Relay::kLeft, order_bytes(1, 70, 100));
  send(relay, Relay::kEcho, order_bytes(2, 80, 200));
  EXPECT_EQ(outstanding(relay, Relay::kRight), 2u);
  const uint64_t first = received(relay, Relay::kRight).number;
  const uint64_t second = received(relay, Relay::kRight).number;
  EXPECT_NE(first, second);
  send(relay, Relay::kRight, final_bytes(second, 200));
  send(relay, Relay::kRight, partial_bytes(first, 60));
  EXPECT_EQ(received(relay, Relay::kEcho).number, 80u);
  EXPECT_EQ(received(relay, Relay::kLeft).number, 70u);
  EXPECT_EQ(outstanding(relay, Relay::kRight), 1u);
  send(relay, Relay::kRight, final_bytes(first, 40));
  send(relay, Relay::kRight, final_bytes(first, 40));
  EXPECT_EQ(received(relay, Relay::kLeft).qty, 40u);
  EXPECT_EQ(received(relay, Relay::kLeft).type, 0);
  EXPECT_EQ(outstanding(relay, Relay::kRight), 0u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/opened"), 2u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/closed"), 2u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/not_found"), 1u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/open"), 0u);
  EXPECT_EQ(counter_of(relay, "route/finals/rejected"), 1u);
}

TEST(EngineCorrelation, AReplaceGoesToWhereItsOrderWent) {
  Relay relay(options_of(correlated_parts()));
  send(relay, Relay::kLeft, order_bytes(1, 70, 100));
  const uint64_t first = received(relay, Relay::kRight).number;
  send(relay, Relay::kLeft, replace_bytes(1, 70, 71));
  const CorrelatedMessage replace = received(relay, Relay::kRight);
  EXPECT_EQ(replace.qty, 100u);
  EXPECT_EQ(outstanding(relay, Relay::kRight), 1u);
  send(relay, Relay::kRight, final_bytes(first, 1));
  EXPECT_EQ(received(relay, Relay::kLeft).type, 0);
  send(relay, Relay::kRight, final_bytes(replace.number, 1));
  EXPECT_EQ(received(relay, Relay::kLeft).number, 71u);
  EXPECT_EQ(outstanding(relay, Relay::kRight), 0u);
}

TEST(EngineCorrelation, WhatAFullQueueRefusesLeavesNothingOpen) {
  RelayOptions options = options_of(correlated_parts(1000));
  options.queue.queue_bytes = 1024;
  options.queue.full = FullPolicy::kReject;
  Relay relay(options);
  // Nobody reads the venue's ring, so its queue fills up behind it.
  for (uint64_t number = 0; number < 600; ++number) {
    send(relay, Relay::kLeft, order_bytes(1, number, 1));
  }
  const uint64_t delivered = counter_of(relay, "route/orders/delivered");
  EXPECT_LT(delivered, 600u);
  EXPECT_EQ(counter_of(relay, "route/orders/rejected"), 600 - delivered);
  EXPECT_EQ(counter_of(relay, "correlation/orders/open"), delivered);
  EXPECT_EQ(outstanding(relay, Relay::kRight), delivered);
}

TEST(EngineCorrelation, AMessageThatHasToWaitIsRememberedOnce) {
  RelayOptions options = options_of(correlated_parts(1000));
  options.queue.queue_bytes = 1024;
  options.queue.full = FullPolicy::kBlock;
  Relay relay(options);
  uint64_t sent = 0;
  uint64_t arrived = 0;
  for (uint32_t round = 0; round < 1000 && arrived < 600; ++round) {
    while (sent < 600 && relay.applications[Relay::kLeft].send_bytes(order_bytes(1, sent, 1))) {
      ++sent;
    }
    (void)relay.router->poll();
    if (round % 8 != 0) continue;
    while (received(relay, Relay::kRight).type != 0) ++arrived;
  }
  EXPECT_EQ(arrived, 600u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/opened"), 600u);
  EXPECT_EQ(outstanding(relay, Relay::kRight), 600u);
}

TEST(EngineCorrelation, TheNumberOfMessagesInFlightIsThatOfOpenEntries) {
  Relay relay(options_of(correlated_parts()));
  LimitOptions limits;
  limits.in_flight_max = 1;
  relay.router->set_limits(relay.slots[Relay::kRight], limits);
  send(relay, Relay::kLeft, order_bytes(1, 70, 1));
  send(relay, Relay::kLeft, order_bytes(1, 71, 1));
  EXPECT_EQ(counter_of(relay, "route/orders/rejected"), 1u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/open"), 1u);
  send(relay, Relay::kRight, final_bytes(received(relay, Relay::kRight).number, 1));
  send(relay, Relay::kLeft, order_bytes(1, 72, 1));
  EXPECT_EQ(counter_of(relay, "route/orders/delivered"), 2u);
}

// Polls, or waits for the worker's thread, until a counter has a value.
bool comes_true(Relay& relay, bool polls, const std::string& what, uint64_t value) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end) {
    if (polls) (void)relay.router->poll();
    if (counter_of(relay, what) == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

TEST(EngineCorrelation, AnEntryThatTimesOutIsAFailureOfItsDestination) {
  ImageParts parts = correlated_parts();
  parts.correlations[0].timeout_ms = 1;
  Relay relay(options_of(parts));
  send(relay, Relay::kLeft, order_bytes(1, 70, 1));
  EXPECT_TRUE(comes_true(relay, true, "correlation/orders/timed_out", 1));
  const SlotReport report = relay.router->read_control(relay.slots[Relay::kRight]);
  EXPECT_EQ(report.outstanding, 0u);
  EXPECT_EQ(report.unanswered, 1u);
  send(relay, Relay::kRight, final_bytes(received(relay, Relay::kRight).number, 1));
  EXPECT_EQ(counter_of(relay, "correlation/orders/not_found"), 1u);
}

TEST(EngineCorrelation, AWorkerThatSleepsWakesForATimeOut) {
  ImageParts parts = correlated_parts();
  parts.correlations[0].timeout_ms = 30;
  RelayOptions options = options_of(parts);
  options.inline_model = false;
  Relay relay(options);
  Application& client = relay.applications[Relay::kLeft];
  ASSERT_TRUE(client.send_bytes(order_bytes(1, 70, 1)));
  if (take_parked(client.writer.consumer_parked_word())) relay.backend(Relay::kLeft).wake_worker();
  EXPECT_TRUE(comes_true(relay, false, "correlation/orders/timed_out", 1));
  EXPECT_GT(counter_of(relay, "worker/worker0/sleeps"), 0u);
}

TEST(EngineCorrelation, EntriesOutliveAnImageIfTheNextOneHasTheSameTable) {
  Relay relay(options_of(correlated_parts()));
  send(relay, Relay::kLeft, order_bytes(1, 70, 1));
  const uint64_t id = received(relay, Relay::kRight).number;
  relay.install();
  ASSERT_TRUE(relay.router->grace_passed());
  EXPECT_EQ(outstanding(relay, Relay::kRight), 1u);
  send(relay, Relay::kRight, partial_bytes(id, 1));
  EXPECT_EQ(received(relay, Relay::kLeft).number, 70u);
  // Another capacity is another table.
  relay.image = correlated_parts(5).image();
  relay.install();
  ASSERT_TRUE(relay.router->grace_passed());
  EXPECT_EQ(outstanding(relay, Relay::kRight), 0u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/forgotten"), 1u);
  send(relay, Relay::kLeft, order_bytes(1, 71, 1));
  EXPECT_NE(received(relay, Relay::kRight).number, id);
  send(relay, Relay::kRight, final_bytes(id, 1));
  EXPECT_EQ(received(relay, Relay::kLeft).type, 0);
  EXPECT_EQ(counter_of(relay, "correlation/orders/opened"), 2u);
}

TEST(EngineCorrelation, EntriesOfOtherFieldsDoNotOutliveAnImage) {
  ImageParts parts = correlated_parts();
  Relay relay(options_of(parts));
  send(relay, Relay::kLeft, order_bytes(1, 70, 1));
  const uint64_t id = received(relay, Relay::kRight).number;
  // As many words as before, which mean something else.
  parts.correlations[0].fields_hash = 1;
  relay.image = parts.image();
  relay.install();
  ASSERT_TRUE(relay.router->grace_passed());
  EXPECT_EQ(outstanding(relay, Relay::kRight), 0u);
  EXPECT_EQ(counter_of(relay, "correlation/orders/forgotten"), 1u);
  send(relay, Relay::kRight, partial_bytes(id, 1));
  EXPECT_EQ(received(relay, Relay::kLeft).type, 0);
}

TEST(EngineCorrelation, AConnectionThatHasGoneGetsNothingWhoeverHasItsSlot) {
  Application again;
  Relay relay(options_of(correlated_parts()));
  send(relay, Relay::kLeft, order_bytes(1, 70, 1));
  const uint64_t id = received(relay, Relay::kRight).number;
  const uint8_t former = relay.slots[Relay::kLeft];
  relay.slots[Relay::kLeft] = relay.open(Relay::kLeft, again);
  relay.install();
  ASSERT_TRUE(relay.router->grace_passed());
  ASSERT_TRUE(relay.router->post(CommandKind::kDetach, former, nullptr).ok());
  relay.router->free_slot(former);
  send(relay, Relay::kRight, partial_bytes(id, 1));
  EXPECT_EQ(counter_of(relay, "route/partials/rejected"), 1u);
  // Slots are taken in the order they were freed, so all the others come first.
  uint8_t taken = 0;
  for (uint32_t count = 0; count < kSlotCountMax; ++count) {
    taken = relay.open(Relay::kLeft, relay.applications[Relay::kLeft]);
    if (taken == former) break;
    relay.router->free_slot(taken);
  }
  ASSERT_EQ(taken, former);
  relay.slots[Relay::kLeft] = taken;
  relay.install();
  ASSERT_TRUE(relay.router->attach(taken).ok());
  send(relay, Relay::kRight, partial_bytes(id, 1));
  EXPECT_EQ(counter_of(relay, "route/partials/rejected"), 2u);
  EXPECT_EQ(received(relay, Relay::kLeft).type, 0);
}

TEST(EngineCorrelation, NothingIsAllocatedOnTheWay) {
  Relay relay(options_of(correlated_parts(2, 1)));
  uint64_t allocated = 0;
  // The first rounds may set up what the thread needs once.
  for (uint64_t number = 0; number < 100; ++number) {
    ASSERT_TRUE(relay.applications[Relay::kLeft].send_bytes(order_bytes(1, number, 1)));
    ASSERT_TRUE(relay.applications[Relay::kEcho].send_bytes(replace_bytes(1, number / 2, number)));
    const uint64_t before = allocations_of_thread();
    (void)relay.router->poll();
    allocated += number < 10 ? 0 : allocations_of_thread() - before;
    for (CorrelatedMessage order = received(relay, Relay::kRight); order.type != 0;
         order = received(relay, Relay::kRight)) {
      if (order.number % 3 != 0) continue;
      ASSERT_TRUE(relay.applications[Relay::kRight].send_bytes(final_bytes(order.number, 1)));
    }
    while (received(relay, Relay::kLeft).type != 0) continue;
    while (received(relay, Relay::kEcho).type != 0) continue;
  }
  EXPECT_EQ(allocated, 0u);
  EXPECT_GT(counter_of(relay, "correlation/orders/evicted"), 0u);
  EXPECT_GT(counter_of(relay, "correlation/orders/closed"), 0u);
}

TEST(EngineCorrelation, TwoWorkersCannotShareATable) {
  Application other;
  RelayOptions options = options_of(correlated_parts());
  options.worker_count = 2;
  options.worker_of[Relay::kRight] = 0;
  options.worker_of[Relay::kEcho] = 0;
  options.inline_model = false;
  Relay same(options);
  const uint8_t kept = same.slots[Relay::kLeft];
  PortSpec spec;
  spec.name = "elsewhere";
  spec.worker = 1;
  auto slot = same.router->open_endpoint<MemoryBackend>(spec, other.options());
  ASSERT_TRUE(slot.ok());
  same.slots[Relay::kLeft] = slot.value();
  InstallSpec install;
  install.slot_of_endpoint = same.slots;
  const Status status = same.router->prepare(install);
  EXPECT_EQ(status.code, StatusCode::kConfig);
  EXPECT_NE(std::string(status.context).find("orders"), std::string::npos) << status.context;
  same.slots[Relay::kLeft] = kept;
}

TEST(EngineCorrelation, EveryCorrelationHasAName) {
  Relay relay(options_of(correlated_parts()));
  InstallSpec spec;
  spec.image = relay.image;
  spec.slot_of_endpoint = relay.slots;
  const std::vector<std::string> names{"orders", "replaces", "finals", "partials"};
  spec.route_names = names;
  EXPECT_EQ(relay.router->prepare(spec).code, StatusCode::kConfig);
}

}  // namespace
}  // namespace hyperroute
