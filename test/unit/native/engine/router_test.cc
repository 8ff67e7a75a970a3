// The engine on memory rings, polled by the test: what is delivered, rejected, held, counted.
#include "engine/router.h"

#include <gtest/gtest.h>

#include "relay_fixture.h"
#include "unit/native/ring/counters_reader.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPollsMax = 10'000;

// Polls until nothing moves any more.
void settle(Relay& relay) {
  uint32_t polls = 0;
  while (relay.router->poll() > 0 && polls < kPollsMax) ++polls;
  ASSERT_LT(polls, kPollsMax);
}

// The value of a counter of that label, of all workers together.
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

TEST(Router, AMessageGoesWhereItsRouteSays) {
  Relay relay;
  ASSERT_TRUE(relay.send(Relay::kLeft, 41));
  ASSERT_TRUE(relay.send(Relay::kRight, 42));
  ASSERT_TRUE(relay.send(Relay::kEcho, 43));
  settle(relay);
  uint64_t value = 0;
  ASSERT_TRUE(relay.applications[Relay::kRight].receive(value));
  EXPECT_EQ(value, 41u);
  ASSERT_TRUE(relay.applications[Relay::kLeft].receive(value));
  EXPECT_EQ(value, 42u);
  ASSERT_TRUE(relay.applications[Relay::kEcho].receive(value));
  EXPECT_EQ(value, 43u);
  for (Application& application : relay.applications) EXPECT_FALSE(application.receive(value));
}

TEST(Router, MessagesOfOneSourceKeepTheirOrder) {
  Relay relay;
  uint64_t sent = 0;
  uint64_t received = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(relay.send(Relay::kLeft, sent++));
    settle(relay);
    uint64_t value = 0;
    while (relay.applications[Relay::kRight].receive(value)) ASSERT_EQ(value, received++);
  }
  EXPECT_EQ(received, sent);
}

TEST(Router, ABlockedSourceIsHeldAndLosesNothing) {
  RelayOptions options;
  options.queue.queue_bytes = 4096;
  options.queue.full = FullPolicy::kBlock;
  Relay relay(options);
  uint64_t sent = 0;
  uint64_t received = 0;
  // Nobody reads: the inbound ring, the queue and then the outbound ring fill up.
  for (int round = 0; round < 10; ++round) {
    while (relay.send(Relay::kLeft, sent)) ++sent;
    settle(relay);
  }
  ASSERT_FALSE(relay.send(Relay::kLeft, sent));
  // Others are not held up.
  ASSERT_TRUE(relay.send(Relay::kEcho, 7));
  settle(relay);
  uint64_t value = 0;
  ASSERT_TRUE(relay.applications[Relay::kEcho].receive(value));
  for (int round = 0; round < 1000 && received < sent; ++round) {
    while (relay.applications[Relay::kRight].receive(value)) ASSERT_EQ(value, received++);
    settle(relay);
  }
  EXPECT_EQ(received, sent);
}

TEST(Router, ARejectingQueueDropsTheNewestAndCountsThem) {
  RelayOptions options;
  options.queue.queue_bytes = 4096;
  Relay relay(options);
  uint64_t sent = 0;
  for (int round = 0; round < 10; ++round) {
    while (relay.send(Relay::kLeft, sent)) ++sent;
    settle(relay);
  }
  uint64_t value = 0;
  uint64_t received = 0;
  uint64_t last = 0;
  for (int round = 0; round < 10; ++round) {
    while (relay.applications[Relay::kRight].receive(value)) {
      ASSERT_TRUE(received == 0 || value > last);
      last = value;
      ++received;
    }
    settle(relay);
  }
  EXPECT_GT(received, 0u);
  EXPECT_LT(received, sent);
  // The oldest came through: what was lost, was lost at the end.
  EXPECT_EQ(last, received - 1);
}

TEST(Router, DropOldestKeepsTheNewest) {
  RelayOptions options;
  options.queue.queue_bytes = 4096;
  options.queue.full = FullPolicy::kDropOldest;
  Relay relay(options);
  uint64_t sent = 0;
  // A hundred at a time, so that the owner can trim between them.
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i) {
      if (relay.send(Relay::kLeft, sent)) ++sent;
    }
    settle(relay);
  }
  uint64_t value = 0;
  uint64_t received = 0;
  uint64_t last = 0;
  for (int round = 0; round < 1000; ++round) {
    while (relay.applications[Relay::kRight].receive(value)) {
      ASSERT_TRUE(received == 0 || value > last);
      last = value;
      ++received;
    }
    if (relay.router->poll() == 0 && last == sent - 1) break;
  }
  EXPECT_LT(received, sent);
  EXPECT_EQ(last, sent - 1);
}

TEST(Router, AParkingQueueTakesMoreInOrder) {
  RelayOptions plain;
  plain.queue.queue_bytes = 4096;
  RelayOptions parking = plain;
  parking.queue.full = FullPolicy::kPark;
  parking.queue.park_bytes = 64 * 1024;
  uint64_t delivered[2] = {};
  for (int which = 0; which < 2; ++which) {
    Relay relay(which == 0 ? plain : parking);
    for (uint64_t value = 0; value < 4000; ++value) {
      ASSERT_TRUE(relay.send(Relay::kLeft, value));
      settle(relay);
    }
    uint64_t value = 0;
    for (int round = 0; round < 1000; ++round) {
      while (relay.applications[Relay::kRight].receive(value)) {
        ASSERT_EQ(value, delivered[which]++);
      }
      if (relay.router->poll() == 0) break;
    }
  }
  EXPECT_GT(delivered[1], delivered[0]);
}

TEST(Router, AQueueThatGrewIsSentFasterThanOneSourceFillsIt) {
  Relay relay;
  for (uint64_t value = 0; value < 1500; ++value) {
    ASSERT_TRUE(relay.send(Relay::kLeft, value));
    if (value % 64 == 0) settle(relay);
  }
  settle(relay);
  uint64_t value = 0;
  while (relay.applications[Relay::kRight].receive(value)) {
  }
  // Its ring is empty now, and more than a burst waits in the queue behind it.
  relay.router->poll();
  uint32_t received_count = 0;
  while (relay.applications[Relay::kRight].receive(value)) ++received_count;
  EXPECT_GT(received_count, kBurstCountMax);
}

TEST(Router, ASwapPassesWhileNobodyPolls) {
  Relay relay;
  ASSERT_TRUE(relay.send(Relay::kLeft, 1));
  settle(relay);
  for (int round = 0; round < 10; ++round) {
    relay.install();
    EXPECT_TRUE(relay.router->grace_passed());
  }
  ASSERT_TRUE(relay.send(Relay::kLeft, 2));
  settle(relay);
  uint64_t value = 0;
  ASSERT_TRUE(relay.applications[Relay::kRight].receive(value));
  ASSERT_TRUE(relay.applications[Relay::kRight].receive(value));
  EXPECT_EQ(value, 2u);
}

TEST(Router, ACorruptImageChangesNothing) {
  Relay relay;
  std::vector<uint8_t> image = read_image_vector("relay.image");
  image[image.size() / 2] ^= 1;
  InstallSpec spec;
  spec.image = image;
  spec.slot_of_endpoint = relay.slots;
  const Status status = relay.router->prepare(spec);
  EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << status.context;
  ASSERT_TRUE(relay.send(Relay::kEcho, 5));
  settle(relay);
  uint64_t value = 0;
  EXPECT_TRUE(relay.applications[Relay::kEcho].receive(value));
}

TEST(Router, AnEndpointMovesToAnotherSlotAndTheOldOneIsServedUntilItIsUnbound) {
  Application moved;
  Relay relay;
  const uint8_t old_slot = relay.slots[Relay::kLeft];
  relay.slots[Relay::kLeft] = relay.open(Relay::kLeft, moved);
  ASSERT_NE(relay.slots[Relay::kLeft], old_slot);
  const InstallSpec::Draining draining[] = {{old_slot, 0}};
  InstallSpec spec;
  spec.slot_of_endpoint = relay.slots;
  spec.draining = draining;
  ASSERT_TRUE(relay.router->prepare(spec).ok());
  relay.router->commit();
  ASSERT_TRUE(relay.router->attach(relay.slots[Relay::kLeft]).ok());
  ASSERT_TRUE(relay.applications[Relay::kLeft].send(1));
  ASSERT_TRUE(moved.send(2));
  ASSERT_TRUE(relay.send(Relay::kRight, 3));
  settle(relay);
  uint64_t value = 0;
  ASSERT_TRUE(relay.applications[Relay::kRight].receive(value));
  ASSERT_TRUE(relay.applications[Relay::kRight].receive(value));
  ASSERT_TRUE(moved.receive(value));
  EXPECT_EQ(value, 3u);
  spec.draining = {};
  ASSERT_TRUE(relay.router->prepare(spec).ok());
  relay.router->commit();
  ASSERT_TRUE(relay.router->grace_passed());
  ASSERT_TRUE(relay.router->post(CommandKind::kDetach, old_slot, nullptr).ok());
  relay.router->free_slot(old_slot);
  EXPECT_EQ(relay.router->port(old_slot), nullptr);
  ASSERT_TRUE(relay.applications[Relay::kLeft].send(4));
  settle(relay);
  EXPECT_FALSE(relay.applications[Relay::kRight].receive(value));
}

TEST(Router, AnEndpointDoesNotFollowOneThatIsClosed) {
  Application added;
  Relay relay;
  const uint8_t old_slot = relay.slots[Relay::kRight];
  ASSERT_TRUE(relay.router->post(CommandKind::kDetach, old_slot, nullptr).ok());
  const EndpointPort* const closed = relay.router->port(old_slot);
  relay.slots[Relay::kRight] = relay.open(Relay::kRight, added);
  ASSERT_TRUE(relay.router->attach(relay.slots[Relay::kRight], closed).ok());
  relay.install();
  ASSERT_TRUE(relay.router->grace_passed());
  relay.router->free_slot(old_slot);
  ASSERT_TRUE(relay.send(Relay::kLeft, 6));
  settle(relay);
  uint64_t value = 0;
  ASSERT_TRUE(added.receive(value));
  EXPECT_EQ(value, 6u);
}

TEST(Router, AnEndpointThatIsDetachedTakesNoMoreCommands) {
  Relay relay;
  const uint8_t slot = relay.slots[Relay::kRight];
  ASSERT_TRUE(relay.router->post(CommandKind::kReport, slot, nullptr).ok());
  ASSERT_TRUE(relay.router->post(CommandKind::kDetach, slot, nullptr).ok());
  for (const CommandKind kind : {CommandKind::kReport, CommandKind::kDetach}) {
    EXPECT_EQ(relay.router->post(kind, slot, nullptr).status().code, StatusCode::kNotFound);
  }
  // What was said of it last can still be read.
  EXPECT_NE(relay.router->port(slot), nullptr);
}

TEST(Router, AnEndpointThatCannotHaveItsQueuesLeavesNothingOpen) {
  Application application;
  Relay relay;
  PortSpec spec;
  spec.name = "huge";
  spec.queue.queue_bytes = kRingCapacityBytesMax;
  const auto slot = relay.router->open_endpoint<MemoryBackend>(spec, application.options());
  ASSERT_EQ(slot.status().code, StatusCode::kLimit);
  EXPECT_TRUE(application.writer.consumer_closed());
  EXPECT_EQ(counter_of(relay, "endpoint/huge/connections"), 0u);
}

TEST(Router, WhatWasReadAndNeverRoutedIsUndeliverable) {
  RelayOptions options;
  options.queue.queue_bytes = 4096;
  options.queue.full = FullPolicy::kBlock;
  Relay relay(options);
  uint64_t sent = 0;
  for (int round = 0; round < 10; ++round) {
    while (relay.send(Relay::kLeft, sent)) ++sent;
    settle(relay);
  }
  // The rest is held, and stays so: nobody reads at the other end.
  ASSERT_TRUE(relay.router->post(CommandKind::kStopReading, relay.slots[0], nullptr).ok());
  ASSERT_TRUE(relay.router->post(CommandKind::kDetach, relay.slots[0], nullptr).ok());
  const uint64_t delivered = counter_of(relay, "route/left/delivered");
  const uint64_t undeliverable = counter_of(relay, "endpoint/left/undeliverable");
  EXPECT_GT(undeliverable, 0u);
  EXPECT_EQ(delivered + undeliverable, sent);
}

TEST(Router, ReturnAddressesPackAndUnpack) {
  const PeerRef peer{0xABCD, 0x1234};
  const uint64_t address = pack_return_address(0x7F, peer, 0x01FFFFFF);
  EXPECT_EQ(address, 0x7FABCD1234FFFFFFu);
  EXPECT_EQ(return_address_slot(address), 0x7F);
  EXPECT_EQ(return_address_peer(address), peer);
}

TEST(Router, ACpuThatDoesNotExistStartsNothing) {
  RouterOptions options;
  options.workers.emplace_back();
  options.workers[0].name = "pinned";
  options.workers[0].cpu = 4000;
  EXPECT_EQ(Router::create(options).status().code, StatusCode::kCpuUnavailable);
}

}  // namespace
}  // namespace hyperroute
