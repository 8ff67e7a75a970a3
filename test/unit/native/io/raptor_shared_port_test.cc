// Several nodes on one port: the kernel spreads peers over them, and each peer stays with one.
#include <gtest/gtest.h>

#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

// The kernel's hash is another one with each start of the machine: that so many peers all come to
// one of two sockets happens once in two thousand million starts.
constexpr uint32_t kClientCount = 32;
// All nodes take turns on one thread.
constexpr uint32_t kPatientUs = 60'000'000;

class RaptorSharedPort : public ::testing::Test {
 protected:
  RaptorSharedPort() {
    NodeWorld other;
    port_ = other.listen().node.local_address().port();
  }
  RaptorNodeOptions shared() {
    RaptorNodeOptions options = world_.options(true, port_);
    options.socket.reuses_port = true;
    options.socket.endpoint.liveness_us = kPatientUs;
    return options;
  }
  TestNode& listen() {
    TestNode& node = world_.listen(shared());
    node.subscribe(1);
    return node;
  }
  void connect_clients(TestNode& listener) {
    for (uint32_t i = 0; i < kClientCount; ++i) {
      RaptorNodeOptions options = world_.options(false);
      options.socket.endpoint.liveness_us = kPatientUs;
      clients_.push_back(&world_.connect(listener, options));
      publications_.push_back(clients_.back()->publish(1));
    }
  }
  void wait_for_sessions(const std::vector<TestNode*>& listeners) {
    world_.run_until([&] {
      uint32_t count = 0;
      for (const TestNode* listener : listeners) count += listener->node.session_count();
      return count == kClientCount &&
             std::ranges::all_of(clients_, [](const auto* each) { return each->is_connected(); });
    });
  }

  NodeWorld world_;
  uint16_t port_ = 0;
  std::vector<TestNode*> clients_;
  std::vector<uint32_t> publications_;
};

TEST_F(RaptorSharedPort, SpreadsPeersOverItsSocketsAndKeepsEachWithOne) {
  TestNode& first = listen();
  TestNode& second = listen();
  connect_clients(first);
  wait_for_sessions({&first, &second});
  EXPECT_GT(first.node.session_count(), 0u);
  EXPECT_GT(second.node.session_count(), 0u);
  constexpr uint32_t kRounds = 100;
  for (uint32_t round = 0; round < kRounds; ++round) {
    for (uint32_t i = 0; i < kClientCount; ++i) {
      ASSERT_GE(clients_[i]->offer(publications_[i], std::to_string(i)), 0);
    }
    world_.turn();
  }
  world_.run_until(
      [&] { return first.got(1).size() + second.got(1).size() == kRounds * kClientCount; });
  for (uint32_t i = 0; i < kClientCount; ++i) {
    const auto at_first = std::ranges::count(first.got(1), std::to_string(i));
    const auto at_second = std::ranges::count(second.got(1), std::to_string(i));
    EXPECT_TRUE((at_first == kRounds && at_second == 0) || (at_first == 0 && at_second == kRounds))
        << i << ": " << at_first << " and " << at_second;
  }
  EXPECT_EQ(first.node.endpoint_counters().unknown_session, 0u);
  EXPECT_EQ(second.node.endpoint_counters().unknown_session, 0u);
}

TEST_F(RaptorSharedPort, ServesPeersThatHaveToProveTheirAddress) {
  RaptorNodeOptions options = shared();
  options.socket.endpoint.cookie_threshold = 0;
  TestNode& first = world_.listen(options);
  TestNode& second = world_.listen(options);
  connect_clients(first);
  wait_for_sessions({&first, &second});
  for (const TestNode* listener : {&first, &second}) {
    const raptor::RaptorCounters& counters = listener->node.endpoint_counters();
    EXPECT_EQ(counters.bad_cookie, 0u);
    EXPECT_GE(counters.retries_sent, listener->node.session_count());
  }
}

TEST_F(RaptorSharedPort, OfTwoTheOtherTakesOverThePeersOfOneThatCloses) {
  TestNode& first = listen();
  TestNode& second = listen();
  connect_clients(first);
  wait_for_sessions({&first, &second});
  const uint32_t kept_count = first.node.session_count();
  world_.remove(second);
  wait_for_sessions({&first});
  EXPECT_EQ(first.count_of(RaptorNodeEventKind::kSessionEnded), 0u);
  EXPECT_EQ(first.count_of(RaptorNodeEventKind::kSessionOpened), kClientCount);
  EXPECT_LT(kept_count, kClientCount);
}

TEST_F(RaptorSharedPort, IsSharedOnlyWhereAllAskForIt) {
  listen();
  RaptorNode other;
  EXPECT_EQ(other.open(monotonic_ns(), world_.options(true, port_)).code,
            StatusCode::kAddressInUse);
  TestNode& alone = world_.listen();
  port_ = alone.node.local_address().port();
  EXPECT_EQ(other.open(monotonic_ns(), shared()).code, StatusCode::kAddressInUse);
}

TEST_F(RaptorSharedPort, HasANumberAndIsNotConnectedFrom) {
  RaptorNodeOptions options = shared();
  options.socket.local = SocketAddress::parse("127.0.0.1", 0).value();
  RaptorNode none;
  EXPECT_EQ(none.open(monotonic_ns(), options).code, StatusCode::kConfig);
  TestNode& listener = listen();
  const RaptorLinkOptions link{world_.listen().node.local_address(), world_.server_key()};
  const auto connected = listener.node.connect(monotonic_ns(), link);
  ASSERT_FALSE(connected.ok());
  EXPECT_EQ(connected.status().code, StatusCode::kConfig);
}

}  // namespace
}  // namespace hyperroute
