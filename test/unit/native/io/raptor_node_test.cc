// RaptorNode over loopback sockets: publications, subscriptions, sessions.
#include "io/raptor/raptor_node.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>

#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

// A publisher with two receivers, of which one takes nothing before resume_slow().
struct FanOut : NodeWorld {
  void subscribe() {
    quick.subscribe(1);
    paused = slow.subscribe(1);
    slow.node.pause_subscription(paused, true);
    run_until([&] { return server.node.session_count() == 2; });
  }
  void resume_slow() { slow.node.pause_subscription(paused, false); }

  TestNode& server = listen();
  TestNode& quick = connect(server);
  TestNode& slow = connect(server);
  uint32_t paused = 0;
};

TEST(RaptorNode, CarriesMessagesBothWaysUnderTheirLabels) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  const uint32_t to_server = client.publish(1);
  const uint32_t to_client = server.publish(2);
  server.subscribe(1);
  client.subscribe(2);
  world.run_until([&] { return client.is_connected() && server.is_connected(); });
  for (uint32_t i = 0; i < 100; ++i) {
    ASSERT_GT(client.offer(to_server, "to server " + std::to_string(i)), 0);
    ASSERT_GT(server.offer(to_client, "to client " + std::to_string(i)), 0);
  }
  world.run_until([&] { return server.got(1).size() == 100 && client.got(2).size() == 100; });
  EXPECT_EQ(server.got(1).back(), "to server 99");
  EXPECT_EQ(client.got(2).front(), "to client 0");
}

TEST(RaptorNode, DeliversEveryReliableMessageOverALossyPath) {
  for (const raptor::StreamMode mode :
       {raptor::StreamMode::kReliableOrdered, raptor::StreamMode::kReliableUnordered}) {
    NodeWorld world;
    world.lossy.loss_share = 50'000;
    world.lossy.duplicate_share = 20'000;
    world.lossy.reorder_share = 50'000;
    world.lossy.seed = 7;
    TestNode& server = world.listen();
    TestNode& client = world.connect(server);
    const uint32_t publication = client.publish(1, SlowReceivers::kWait, mode);
    server.subscribe(1);
    world.run_until([&] { return client.is_connected(); });
    constexpr uint32_t kCount = 2'000;
    uint32_t offered = 0;
    world.run_until([&] {
      while (offered < kCount && client.offer(publication, std::to_string(offered)) > 0) ++offered;
      return server.got(1).size() == kCount;
    });
    std::vector<std::string> got = server.got(1);
    if (mode == raptor::StreamMode::kReliableUnordered) {
      std::ranges::sort(got, {}, [](const std::string& text) { return std::stoul(text); });
    }
    for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(got[i], std::to_string(i)) << "seed 7";
  }
}

TEST(RaptorNode, AnswersWhatCannotBeTakenWithACode) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  RaptorPublicationOptions options;
  options.stream.message_bytes_max = 100;
  const uint32_t publication = client.publish(options);
  EXPECT_EQ(client.offer(publication, "x"), static_cast<int64_t>(OfferCode::kNotConnected));
  EXPECT_EQ(client.offer(publication, std::string(101, 'x')),
            static_cast<int64_t>(OfferCode::kTooLarge));
  EXPECT_EQ(client.offer(publication + 1, "x"), static_cast<int64_t>(OfferCode::kClosed));
  world.run_until([&] { return client.is_connected(); });
  EXPECT_GT(client.offer(publication, std::string(100, 'x')), 0);
  client.node.end_publication(publication);
  EXPECT_EQ(client.offer(publication, "x"), static_cast<int64_t>(OfferCode::kClosed));
}

TEST(RaptorNode, AFanOutThatWaitsTakesForAllOrForNone) {
  FanOut world;
  TestNode& server = world.server;
  TestNode& quick = world.quick;
  const uint32_t publication = server.publish(1, SlowReceivers::kWait);
  world.subscribe();
  uint32_t taken = 0;
  const std::string message(1'000, 'x');
  world.run_until([&] {
    const int64_t position = server.offer(publication, message + std::to_string(taken));
    if (position > 0) ++taken;
    return position == static_cast<int64_t>(OfferCode::kBackPressure) &&
           quick.got(1).size() == taken;
  });
  // No more than the slow one's window and the ring in front of it, and nothing beyond for others.
  EXPECT_GT(taken, 100u);
  EXPECT_LT(taken, 3'000u);
  world.run_for(20'000'000);
  EXPECT_EQ(quick.got(1).size(), taken);
  EXPECT_GT(server.node.publication_counters(publication).back_pressure, 0u);
  world.resume_slow();
  world.run_until([&] { return world.slow.got(1).size() == taken; });
  EXPECT_EQ(world.slow.got(1), quick.got(1));
}

TEST(RaptorNode, AFanOutThatDropsLeavesTheSlowReceiverOutAndEndsItsStream) {
  FanOut world;
  TestNode& server = world.server;
  TestNode& quick = world.quick;
  RaptorPublicationOptions options;
  options.stream.label = 1;
  options.slow_receivers = SlowReceivers::kDrop;
  options.misses_max = 50;
  const uint32_t publication = server.publish(options);
  world.subscribe();
  uint32_t taken = 0;
  const std::string message(1'000, 'x');
  // As fast as the quick one reads, so that it misses nothing.
  world.run_until([&] {
    if (server.count_of(RaptorNodeEventKind::kReceiverEnded) > 0) return true;
    if (quick.got(1).size() == taken && server.offer(publication, message) > 0) ++taken;
    return false;
  });
  const auto counters = server.node.publication_counters(publication);
  EXPECT_EQ(counters.missed, 50u);
  EXPECT_EQ(counters.receivers, 1u);
  EXPECT_EQ(counters.receivers_ended, 1u);
  world.run_until([&] { return quick.got(1).size() == taken; });
  // What it had been given still comes, once it takes something.
  world.resume_slow();
  world.run_until([&] { return world.slow.got(1).size() == taken - 50; });
  EXPECT_GT(server.offer(publication, message), 0) << "the others go on";
}

TEST(RaptorNode, MessagesWaitForTheirSubscription) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  const uint32_t publication = client.publish(9);
  world.run_until([&] { return client.is_connected() && server.is_connected(); });
  ASSERT_GT(client.offer(publication, "early"), 0);
  world.run_for(20'000'000);
  server.subscribe(9);
  world.run_until([&] { return server.got(9).size() == 1; });
  EXPECT_EQ(server.got(9)[0], "early");
}

TEST(RaptorNode, MessagesThatNobodyWantsAreDroppedAndCountedWhenAskedTo) {
  NodeWorld world;
  RaptorNodeOptions options = world.options(true);
  options.drops_unsubscribed = true;
  TestNode& server = world.listen(options);
  TestNode& client = world.connect(server);
  const uint32_t publication = client.publish(9);
  world.run_until([&] { return client.is_connected(); });
  for (uint32_t i = 0; i < 10; ++i) ASSERT_GT(client.offer(publication, "x"), 0);
  world.run_until([&] { return server.node.counters().unsubscribed == 10; });
}

TEST(RaptorNode, WhatAnEndedSessionHadSentIsStillDelivered) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  const uint32_t publication = client.publish(1);
  const uint32_t paused = server.subscribe(1);
  server.node.pause_subscription(paused, true);
  world.run_until([&] { return client.is_connected() && server.is_connected(); });
  for (uint32_t i = 0; i < 100; ++i) ASSERT_GT(client.offer(publication, std::to_string(i)), 0);
  world.run_for(50'000'000);
  client.node.drain();
  EXPECT_FALSE(client.node.is_drained()) << "nobody has taken anything";
  world.remove(client);
  world.run_until([&] { return server.count_of(RaptorNodeEventKind::kSessionEnded) == 1; });
  EXPECT_TRUE(server.got(1).empty());
  server.node.pause_subscription(paused, false);
  world.run_until([&] { return server.got(1).size() == 100; });
  EXPECT_EQ(server.got(1).back(), "99");
}

TEST(RaptorNode, ALinkIsMadeAgainWhenTheListenerComesBack) {
  NodeWorld world;
  TestNode* server = &world.listen();
  const uint16_t port = server->node.local_address().port();
  TestNode& client = world.connect(*server);
  const uint32_t publication = client.publish(1);
  world.run_until([&] { return client.is_connected(); });
  world.remove(*server);
  world.run_until([&] { return !client.is_connected(); });
  EXPECT_EQ(client.offer(publication, "x"), static_cast<int64_t>(OfferCode::kNotConnected));
  server = &world.listen(world.options(true, port));
  server->subscribe(1);
  world.run_until([&] { return client.is_connected(); });
  ASSERT_GT(client.offer(publication, "again"), 0);
  world.run_until([&] { return server->got(1).size() == 1; });
  ASSERT_GE(client.count_of(RaptorNodeEventKind::kSessionOpened), 2u);
}

TEST(RaptorNode, APublicationForOneSessionGoesToThatOneOnly) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& first = world.connect(server);
  world.run_until([&] { return server.node.session_count() == 1; });
  RaptorPublicationOptions options;
  options.stream.label = 1;
  options.session = server.events[0].session;
  TestNode& second = world.connect(server);
  first.subscribe(1);
  second.subscribe(1);
  world.run_until([&] { return server.node.session_count() == 2; });
  const uint32_t publication = server.publish(options);
  ASSERT_GT(server.offer(publication, "for the first"), 0);
  world.run_until([&] { return first.got(1).size() == 1; });
  world.run_for(10'000'000);
  EXPECT_TRUE(second.got(1).empty());
  options.session = 12'345;
  EXPECT_EQ(server.offer(server.publish(options), "for one that is gone"),
            static_cast<int64_t>(OfferCode::kNotConnected));
}

TEST(RaptorNode, AWrongServerKeyIsAFailedConnectAndNoSession) {
  NodeWorld world;
  TestNode& server = world.listen();
  RaptorNodeOptions options = world.options(false);
  options.socket.endpoint.connect_timeout_ns = 50'000'000;
  TestNode& client = world.connect(server, options, crypto::generate_key_pair().take().public_key);
  world.run_until([&] { return client.count_of(RaptorNodeEventKind::kConnectFailed) >= 2; });
  EXPECT_EQ(server.node.session_count(), 0u);
  EXPECT_GT(server.node.endpoint_counters().bad_mac, 0u);
}

TEST(RaptorNode, ASinkThatRefusesIsAskedAgainAndLosesNothing) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  const uint32_t publication = client.publish(1);
  server.subscribe(1);
  server.takes_max = 10;
  world.run_until([&] { return client.is_connected(); });
  for (uint32_t i = 0; i < 500; ++i) ASSERT_GT(client.offer(publication, std::to_string(i)), 0);
  world.run_until([&] { return server.got(1).size() == 10; });
  world.run_for(10'000'000);
  server.takes_max = UINT32_MAX;
  world.run_until([&] { return server.got(1).size() == 500; });
  for (uint32_t i = 0; i < 500; ++i) ASSERT_EQ(server.got(1)[i], std::to_string(i));
}

TEST(RaptorNode, SleepsUntilSomethingArrivesOrIsDue) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  const uint32_t publication = client.publish(1);
  server.subscribe(1);
  world.run_until([&] { return client.is_connected() && server.is_connected(); });
  ASSERT_GT(client.offer(publication, "x"), 0);
  const uint64_t begin_ns = monotonic_ns();
  uint32_t sleep_count = 0;
  while (server.got(1).empty() && monotonic_ns() - begin_ns < kNodeTestNsMax) {
    if (server.node.prepare_wait(monotonic_ns())) {
      pollfd waiting{server.node.wait_fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&waiting, 1, 5'000), 1) << "nothing woke it";
      ++sleep_count;
    }
    server.turn();
  }
  EXPECT_EQ(server.got(1).size(), 1u);
  // Nobody else runs: acknowledgements, probes and signs of life are timers' work from here on.
  while (sleep_count < 5) {
    if (server.node.prepare_wait(monotonic_ns())) {
      pollfd waiting{server.node.wait_fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&waiting, 1, 5'000), 1) << "no timer woke it";
      ++sleep_count;
    }
    server.turn();
  }
  server.node.wake_at_once();
  pollfd waiting{server.node.wait_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 5'000), 1);
}

// Acknowledgements go with the answers, timers are not due, and nothing is read a second time.
TEST(RaptorNode, ARoundTripCostsEachEndOneReadThatBringsSomethingAndOneSend) {
  constexpr uint32_t kRoundTrips = 200;
  constexpr uint64_t kHopNs = 10'000;
  // Of what is sent by time alone, such as a PING that was due.
  constexpr uint64_t kOthersMax = 8;
  NodeWorld world;
  const auto patient = [&](bool is_listener) {
    RaptorNodeOptions options = world.options(is_listener);
    options.socket.endpoint.liveness_us = raptor::kInlineLivenessUs;
    return options;
  };
  TestNode& server = world.listen(patient(true));
  TestNode& client = world.connect(server, patient(false));
  const uint32_t there = client.publish(1);
  const uint32_t back = server.publish(2);
  server.subscribe(1);
  client.subscribe(2);
  world.run_until([&] { return client.is_connected() && server.is_connected(); });
  // The path's MTU is found out first.
  world.run_for(100'000'000);
  // From here on time is what the test says.
  uint64_t now_ns = monotonic_ns();
  for (RaptorNode* node : {&client.node, &server.node}) {
    static_cast<void>(node->poll(now_ns));
    static_cast<void>(node->transmit(now_ns));
    ASSERT_TRUE(node->prepare_wait(now_ns));
  }
  const uint8_t message[32] = {};
  const auto hop = [&](TestNode& from, uint32_t publication, TestNode& to, uint64_t label) {
    ASSERT_GT(from.node.offer(now_ns, publication, message), 0);
    static_cast<void>(from.node.transmit(now_ns));
    EXPECT_TRUE(from.node.prepare_wait(now_ns));
    now_ns += kHopNs;
    pollfd waiting{to.node.wait_fd(), POLLIN, 0};
    for (const size_t count = to.got(label).size(); to.got(label).size() == count;) {
      ASSERT_EQ(::poll(&waiting, 1, 5'000), 1) << "nothing came";
      static_cast<void>(to.node.poll(now_ns));
    }
  };
  const RaptorSocketCounters before[] = {client.node.socket_counters(),
                                         server.node.socket_counters()};
  for (uint32_t count = 0; count < kRoundTrips && !HasFatalFailure(); ++count) {
    hop(client, there, server, 1);
    hop(server, back, client, 2);
  }
  const RaptorSocketCounters after[] = {client.node.socket_counters(),
                                        server.node.socket_counters()};
  for (const size_t end : {0u, 1u}) {
    EXPECT_GE(after[end].tx_calls - before[end].tx_calls, kRoundTrips);
    EXPECT_LE(after[end].tx_calls - before[end].tx_calls, kRoundTrips + kOthersMax);
    EXPECT_GE(after[end].rx_calls - before[end].rx_calls, kRoundTrips);
    EXPECT_LE(after[end].rx_calls - before[end].rx_calls, kRoundTrips + kOthersMax);
  }
}

TEST(RaptorNode, AnEndOfOnePeerHasOneLink) {
  NodeWorld world;
  TestNode& server = world.listen();
  RaptorNodeOptions options = world.options(false);
  options.socket.has_one_peer = true;
  TestNode& client = world.connect(server, options);
  const uint32_t publication = client.publish(1);
  server.subscribe(1);
  world.run_until([&] { return client.is_connected(); });
  ASSERT_GT(client.offer(publication, "x"), 0);
  world.run_until([&] { return server.got(1).size() == 1; });
  RaptorLinkOptions link;
  link.to = server.node.local_address();
  link.key = crypto::PublicKey{1};
  EXPECT_EQ(client.node.connect(monotonic_ns(), link).status().code, StatusCode::kState);
}

TEST(RaptorNode, AListenerIsConnectedToOnce) {
  NodeWorld world;
  TestNode& server = world.listen();
  RaptorNode node;
  ASSERT_TRUE(node.open(monotonic_ns(), world.options(false)).ok());
  RaptorLinkOptions link;
  link.to = server.node.local_address();
  link.key = crypto::generate_key_pair().take().public_key;
  const Result<uint32_t> first = node.connect(monotonic_ns(), link);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(node.connect(monotonic_ns(), link).status().code, StatusCode::kConfig);
  RaptorLinkOptions other = link;
  other.key = crypto::generate_key_pair().take().public_key;
  EXPECT_TRUE(node.connect(monotonic_ns(), other).ok());
  node.disconnect(monotonic_ns(), first.value());
  EXPECT_TRUE(node.connect(monotonic_ns(), link).ok());
}

TEST(RaptorNode, PlaintextBeyondLoopbackHasToBeSaidTwice) {
  NodeWorld world;
  RaptorNodeOptions options = world.options(false);
  options.socket.endpoint.insecure = true;
  RaptorNode node;
  ASSERT_TRUE(node.open(monotonic_ns(), options).ok());
  RaptorLinkOptions link;
  link.to = SocketAddress::parse("192.0.2.1", 9).value();
  EXPECT_EQ(node.connect(monotonic_ns(), link).status().code, StatusCode::kConfig);
}

}  // namespace
}  // namespace hyperroute
