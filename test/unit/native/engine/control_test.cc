// What control and workers tell each other about endpoints, on routers that the test polls.
#include <gtest/gtest.h>

#include "io/udp/udp.h"
#include "relay_fixture.h"

namespace hyperroute {
namespace {

// As control does it: the word, then a report of the endpoint's worker.
void set_share(Relay& relay, Relay::Endpoint endpoint, uint8_t share) {
  Router::Standing standing;
  standing.share = share;
  relay.router->set_standing(relay.slots[endpoint], standing);
  ASSERT_TRUE(relay.router->post(CommandKind::kReport, relay.slots[endpoint], nullptr).ok());
}

TEST(EngineControl, AnEndpointStartsWithItsWholeShareAndKeepsWhatItIsGivenOverASwap) {
  Relay relay;
  EXPECT_EQ(relay.router->port(relay.slots[Relay::kLeft])->control().share.load(), kAlive);
  set_share(relay, Relay::kLeft, 40);
  relay.install();
  (void)relay.router->poll();
  EXPECT_EQ(relay.router->port(relay.slots[Relay::kLeft])->control().share.load(), 40);
}

TEST(EngineControl, ASlotThatIsTakenAgainKnowsNothingOfItsFormerEndpoint) {
  Relay relay;
  const uint8_t slot = relay.open(Relay::kLeft, relay.applications[Relay::kLeft]);
  Router::Standing standing;
  standing.share = kDead;
  relay.router->set_standing(slot, standing);
  relay.router->port(slot)->control().note_failure();
  relay.router->free_slot(slot);
  // Slots are taken in the order they were freed, so all the others come first.
  uint8_t again = 0;
  for (uint32_t taken = 0; taken < kSlotCountMax; ++taken) {
    again = relay.open(Relay::kLeft, relay.applications[Relay::kLeft]);
    if (again == slot) break;
    relay.router->free_slot(again);
  }
  ASSERT_EQ(again, slot);
  EXPECT_EQ(relay.router->port(slot)->control().share.load(), kAlive);
  EXPECT_EQ(relay.router->read_control(slot).failures, 0u);
}

TEST(EngineControl, WhatWaitsInAnApplicationsRingIsItsBacklog) {
  Relay relay;
  for (uint64_t value = 0; value < 10; ++value) ASSERT_TRUE(relay.send(Relay::kLeft, value));
  (void)relay.router->poll();
  const SlotControl& control = relay.router->port(relay.slots[Relay::kRight])->control();
  EXPECT_EQ(control.backlog_bytes.load(), 10u * 16);
  uint64_t value = 0;
  while (relay.receive(Relay::kRight, value)) continue;
  (void)relay.router->poll();
  EXPECT_EQ(control.backlog_bytes.load(), 0u);
}

TEST(EngineControl, SendsThatFailAreCountedInARowUntilOneSucceeds) {
  UdpOptions options;
  options.local = SocketAddress::parse("127.0.0.1", 0).take();
  // A broadcast address that the socket may not send to.
  options.remote = SocketAddress::parse("255.255.255.255", 9).take();
  std::atomic<uint64_t> cells[64] = {};
  EndpointCounters counters{};
  size_t next = 0;
#define HR_POINT(name) counters.name = &cells[next++];
  HR_ENDPOINT_COUNTERS(HR_POINT)
#undef HR_POINT
  auto backend = std::make_unique<UdpBackend>();
  ASSERT_TRUE(backend->open(options, counters, 0).ok());
  EndpointDriver<UdpBackend> driver("out", 0, 0, std::move(backend), counters);
  ASSERT_TRUE(driver.make_queues(QueueOptions{}, 1).ok());
  SlotControl control;
  driver.set_control(control);
  for (uint32_t sent = 1; sent <= 5; ++sent) {
    TxQueue& queue = *driver.queues()[0];
    uint8_t* frame = queue.claim(kDefaultPeer, 8);
    ASSERT_NE(frame, nullptr);
    queue.commit(frame, 8, QueueRecord{kDefaultPeer, {kNoIndex, 0, 0}, 0, Histogram()});
    queue.publish_to_self();
    driver.transmit();
    EXPECT_EQ(control.failures_in_row.load(), sent);
    EXPECT_EQ(control.failures.load(), sent);
  }
  control.note_success();
  EXPECT_EQ(control.failures_in_row.load(), 0u);
  EXPECT_EQ(control.failures.load(), 5u);
  driver.close();
}

TEST(EngineControl, AFailureContinuesTheRowThatIsKnownToHaveComeBeforeIt) {
  SlotControl control;
  control.note_failure();
  control.note_failure();
  control.note_success();
  control.note_failure(2);
  EXPECT_EQ(control.failures_in_row.load(), 3u);
  control.note_failure(1);
  EXPECT_EQ(control.failures_in_row.load(), 4u);
  EXPECT_EQ(control.failures.load(), 4u);
}

}  // namespace
}  // namespace hyperroute
