// What the counters file shows of a raptor endpoint's sessions, and what is counted when one ends.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "conformance/raptor_world.h"
#include "ring/counters.h"

namespace hyperroute {
namespace {

constexpr uint64_t kMs = 1'000'000;
// Ahead of the clock, which no test then overtakes, and well within the liveness of sessions.
constexpr uint64_t kAheadNs = 10'000 * kMs;

struct ShownSession {
  SessionRowHead head{};
  std::map<std::string, uint64_t> counters;
};

class RaptorRows : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(file_.open(CountersOptions{}).ok());
    const Counters::Spec spec{CounterType::kSessions, CounterUnit::kConnections, 0,
                              "endpoint/a/sessions", RaptorBackend::kSessionCounterNames};
    value_ = file_.add(spec).take();
    harness_.drive_peers = [this] { world_.drive(); };
    EndpointCounters counters = harness_.counters.pointers();
    counters.sessions = value_.sessions;
    const Status status = harness_.backend.open(world_.options(), counters, 0);
    ASSERT_TRUE(status.ok()) << status.context;
  }
  void TearDown() override { harness_.backend.close(); }

  const uint8_t* row_bytes(uint32_t index) const {
    return reinterpret_cast<const uint8_t*>(value_.value) + kSessionRowsOffset +
           size_t{index} * kSessionRowBytes;
  }
  // The test's own thread is the writer: every row is at rest.
  ShownSession row(uint32_t index) const {
    ShownSession shown;
    std::memcpy(&shown.head, row_bytes(index), sizeof shown.head);
    const uint8_t* counter = row_bytes(index) + sizeof shown.head;
    std::string_view names = RaptorBackend::kSessionCounterNames;
    for (; !names.empty(); counter += sizeof(uint64_t)) {
      const size_t end = names.find(',');
      std::memcpy(&shown.counters[std::string(names.substr(0, end))], counter, sizeof(uint64_t));
      names.remove_prefix(end + 1);
    }
    return shown;
  }
  uint64_t sequence(uint32_t index) const { return row(index).head.sequence; }
  uint32_t shown_count() const {
    uint32_t count = 0;
    for (uint32_t index = 0; index < kSessionRowCount; ++index) {
      count += row(index).head.state != 0 ? 1 : 0;
    }
    return count;
  }
  // One that has said something, so that it can be answered.
  PeerRef speak(RaptorWorld<RaptorMode::kListen>::Peer& peer) {
    EXPECT_TRUE(peer.send(text_of(1, 100)));
    EXPECT_TRUE(harness_.run_until_received(harness_.received.size() + 1));
    return harness_.received.back().peer;
  }

  RaptorWorld<RaptorMode::kListen> world_;
  Counters file_;
  Counters::Value value_;
  BackendHarness<RaptorBackend> harness_;
};

TEST_F(RaptorRows, ASessionIsShownWithItsPeerAndWhatItCounts) {
  auto peer = world_.join(harness_);
  const PeerRef ref = speak(*peer);
  ASSERT_EQ(harness_.send(ref, text_of(2, 100)), TxVerdict::kSent);
  ASSERT_TRUE(harness_.run_until([&] { return row(0).counters["messagesSent"] == 1; }));
  const ShownSession shown = row(0);
  EXPECT_EQ(shown.head.state, static_cast<uint64_t>(SessionRowState::kOpen));
  EXPECT_EQ(shown.head.family, 4u);
  EXPECT_EQ(shown.head.port, peer->end->socket().local_address().port());
  EXPECT_EQ(shown.head.address[0], 127);
  EXPECT_GT(shown.head.opened_ns, uint64_t{1'600'000'000'000'000'000});
  const crypto::PublicKey key = peer->end->socket().endpoint().options().static_keys.public_key;
  EXPECT_EQ(std::memcmp(shown.head.key, key.data(), key.size()), 0);
  EXPECT_EQ(shown.counters.at("messagesReceived"), 1u);
  EXPECT_GT(shown.counters.at("rttNs"), 0u);
  EXPECT_GT(shown.counters.at("windowBytes"), 0u);
  EXPECT_GT(shown.counters.at("packetsReceived"), 0u);
  EXPECT_EQ(shown.counters.at("forged"), 0u);
}

TEST_F(RaptorRows, ARowGoesWithItsSessionAndIsTheNextOnes) {
  auto first = world_.join(harness_);
  const uint64_t session = row(0).head.session;
  EXPECT_EQ(shown_count(), 1u);
  world_.forget(harness_, first);
  EXPECT_EQ(shown_count(), 0u);
  auto second = world_.join(harness_);
  EXPECT_EQ(shown_count(), 1u);
  EXPECT_NE(row(0).head.session, session);
  EXPECT_EQ(row(0).counters["messagesReceived"], 0u);
}

TEST_F(RaptorRows, ASessionWithoutARowGetsTheOneThatAnotherLeaves) {
  // All but one are another endpoint's of the same name: the one that drains after an update.
  SessionRow other{};
  other[1] = 1;
  for (uint32_t count = 1; count < kSessionRowCount; ++count) {
    ASSERT_NE(value_.sessions.take(other), kNoSessionRow);
  }
  auto first = world_.join(harness_);
  auto second = world_.join(harness_);
  EXPECT_EQ(harness_.backend.peer_count(), 2u);
  const uint64_t session = row(kSessionRowCount - 1).head.session;
  EXPECT_NE(session, 0u);
  world_.forget(harness_, first);
  ASSERT_TRUE(harness_.run_until([&] {
    const uint64_t now = row(kSessionRowCount - 1).head.session;
    return now != 0 && now != session && second->send(text_of(1, 8));
  }));
}

TEST_F(RaptorRows, AreWrittenAtMostTenTimesASecond) {
  auto peer = world_.join(harness_);
  const PeerRef ref = speak(*peer);
  const uint64_t begin_ns = monotonic_ns() + kAheadNs;
  harness_.offer(ref, text_of(1, 8));
  static_cast<void>(harness_.backend.progress(begin_ns + 200 * kMs));
  const uint64_t before = sequence(0);
  for (uint64_t ms = 201; ms < 300; ++ms) {
    harness_.offer(ref, text_of(1, 8));
    const uint64_t due_ns = harness_.backend.progress(begin_ns + ms * kMs);
    // Whoever sleeps now is awake when the rows are due.
    EXPECT_LE(due_ns, begin_ns + 300 * kMs);
  }
  EXPECT_EQ(sequence(0), before);
  static_cast<void>(harness_.backend.progress(begin_ns + 300 * kMs));
  EXPECT_EQ(sequence(0), before + 2);
  EXPECT_EQ(row(0).counters["messagesSent"], 100u);
}

TEST_F(RaptorRows, ShowWhatWaitsForAPeerThatTakesNothing) {
  auto peer = world_.join(harness_);
  const PeerRef ref = speak(*peer);
  peer->end->take_max = 0;
  TxVerdict verdict = TxVerdict::kSent;
  for (uint32_t count = 0; count < 10'000 && verdict == TxVerdict::kSent; ++count) {
    verdict = harness_.offer(ref, text_of(count, 1000));
    peer->end->drive();
    harness_.cycle();
  }
  EXPECT_EQ(verdict, TxVerdict::kPending);
  ASSERT_TRUE(harness_.run_until([&] { return row(0).counters["backPressure"] > 0; }));
  // Its ring and the backlog behind it are full, and both are bounded.
  EXPECT_GT(row(0).counters["waitingBytes"], RaptorOptions{}.backlog_bytes / 2);
  EXPECT_LT(row(0).counters["waitingBytes"], 4u << 20);
  EXPECT_GT(row(0).counters["unackedBytes"], 0u);
}

TEST_F(RaptorRows, ShowWhatTheRouterDoesNotTake) {
  auto peer = world_.join(harness_);
  for (uint32_t count = 0; count < 100; ++count) ASSERT_TRUE(peer->send(text_of(count, 1000)));
  RxView views[32];
  for (uint32_t round = 0; round < 5'000 && row(0).counters["heldBytes"] < 1000; ++round) {
    const uint32_t count = harness_.backend.rx_burst(std::span(views), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) harness_.backend.hold(views[i]);
    static_cast<void>(harness_.backend.progress(monotonic_ns()));
    peer->end->drive();
    ::usleep(1'000);
  }
  EXPECT_GE(row(0).counters["heldBytes"], 1000u);
  ASSERT_TRUE(harness_.run_until_received(100));
  ASSERT_TRUE(harness_.run_until([&] { return row(0).counters["heldBytes"] == 0; }));
}

TEST_F(RaptorRows, WhatAPeerDidNotAcknowledgeIsUndeliverableWhenItsSessionEnds) {
  auto peer = world_.join(harness_);
  const PeerRef ref = speak(*peer);
  // It reads nothing more before it closes.
  for (uint32_t count = 0; count < 10; ++count) {
    ASSERT_EQ(harness_.offer(ref, text_of(count, 100)), TxVerdict::kSent);
  }
  peer->end->close();
  ASSERT_TRUE(harness_.run_until([&] { return harness_.counters.connections_closed == 1; }));
  EXPECT_EQ(harness_.counters.undeliverable, 10u);
  EXPECT_EQ(harness_.counters.tx_messages, 10u);
}

TEST_F(RaptorRows, WhatAPeerAcknowledgedIsNot) {
  auto peer = world_.join(harness_);
  const PeerRef ref = speak(*peer);
  for (uint32_t count = 0; count < 10; ++count) {
    ASSERT_EQ(harness_.send(ref, text_of(count, 100)), TxVerdict::kSent);
  }
  std::vector<Bytes> received;
  ASSERT_TRUE(harness_.run_until([&] {
    peer->receive(received);
    return received.size() == 10;
  }));
  world_.forget(harness_, peer);
  EXPECT_EQ(harness_.counters.undeliverable, 0u);
}

TEST_F(RaptorRows, AnEndpointThatClosesCountsWhatNobodyAcknowledged) {
  auto peer = world_.join(harness_);
  const PeerRef ref = speak(*peer);
  for (uint32_t count = 0; count < 7; ++count) {
    ASSERT_EQ(harness_.offer(ref, text_of(count, 100)), TxVerdict::kSent);
  }
  EXPECT_EQ(harness_.backend.close(), 7u);
  EXPECT_EQ(shown_count(), 0u);
}

}  // namespace
}  // namespace hyperroute
