// The raptor endpoint beyond the conformance suite: connecting again, back-pressure both ways,
// refusals, losses, large messages, stopping. Conformance of both modes is in test/conformance.
#include "io/raptor/raptor.h"

#include <gtest/gtest.h>

#include "conformance/raptor_world.h"

namespace hyperroute {
namespace {

using Listen = RaptorWorld<RaptorMode::kListen>;
using Connect = RaptorWorld<RaptorMode::kConnect>;

Bytes large(uint32_t tag, uint32_t bytes) { return text_of(tag, bytes); }

template <class World>
class RaptorTest : public ::testing::Test {
 protected:
  void open(const RaptorOptions& options) {
    harness_.drive_peers = [this] { world_.drive(); };
    const Status status = harness_.backend.open(options, harness_.counters.pointers(), 0);
    ASSERT_TRUE(status.ok()) << status.context;
  }
  void TearDown() override { harness_.backend.close(); }
  // Everything that a peer offers, as it finds room; the harness takes it.
  void send_all(RaptorEnd& end, const std::vector<Bytes>& messages) {
    size_t sent_count = 0;
    ASSERT_TRUE(harness_.run_until([&] {
      while (sent_count < messages.size() && end.offer(messages[sent_count])) ++sent_count;
      return sent_count == messages.size();
    }));
  }
  std::vector<Bytes> received() const {
    std::vector<Bytes> messages;
    for (const Received& one : harness_.received) messages.push_back(one.message);
    return messages;
  }

  World world_;
  BackendHarness<RaptorBackend> harness_;
};

using RaptorListen = RaptorTest<Listen>;
using RaptorConnect = RaptorTest<Connect>;

TEST_F(RaptorListen, CarriesMessagesOfEverySizeBothWays) {
  RaptorOptions options = world_.options();
  options.message_bytes_max = 1 << 20;
  open(options);
  auto peer = world_.join(harness_, 1 << 20);
  std::vector<Bytes> messages;
  for (const uint32_t bytes : {8u, 1119u, 1120u, 1121u, 9000u, 100'000u, 1u << 20}) {
    messages.push_back(large(bytes, bytes));
  }
  send_all(*peer->end, messages);
  ASSERT_TRUE(harness_.run_until_received(messages.size()));
  EXPECT_EQ(received(), messages);
  const PeerRef ref = harness_.received[0].peer;
  for (const Bytes& message : messages) ASSERT_EQ(harness_.send(ref, message), TxVerdict::kSent);
  std::vector<Bytes> back;
  ASSERT_TRUE(harness_.run_until([&] {
    peer->receive(back);
    return back.size() == messages.size();
  }));
  EXPECT_EQ(back, messages);
}

TEST_F(RaptorListen, LosesNothingOverALossyLinkAndKeepsTheOrder) {
  RaptorOptions options = world_.options();
  options.lossy.loss_share = 50'000;
  options.lossy.reorder_share = 100'000;
  options.lossy.duplicate_share = 50'000;
  options.lossy.seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << options.lossy.seed);
  open(options);
  auto peer = world_.join(harness_);
  std::vector<Bytes> messages;
  Prng prng(options.lossy.seed);
  for (uint32_t tag = 0; tag < 2000; ++tag) messages.push_back(large(tag, prng.between(8, 3000)));
  send_all(*peer->end, messages);
  ASSERT_TRUE(harness_.run_until_received(messages.size()));
  EXPECT_EQ(received(), messages);
  EXPECT_EQ(harness_.counters.rx_messages, messages.size());
}

TEST_F(RaptorListen, SlowsThePeerDownWhileTheRouterHolds) {
  open(world_.options());
  auto peer = world_.join(harness_);
  const Bytes message = large(1, 1000);
  uint32_t offered_count = 0;
  uint32_t idle_rounds = 0;
  // The router holds whatever it is given, and the peer offers until nothing moves any more.
  while (idle_rounds < 200 && offered_count < 100'000) {
    const uint32_t before = offered_count;
    while (peer->end->offer(message)) ++offered_count;
    RxView views[32];
    const uint32_t count = harness_.backend.rx_burst(std::span(views), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) harness_.backend.hold(views[i]);
    static_cast<void>(harness_.backend.progress(monotonic_ns()));
    peer->end->drive();
    idle_rounds = offered_count == before ? idle_rounds + 1 : 0;
    if (idle_rounds > 0) ::usleep(100);
  }
  // A window, its own ring (1 MiB each), and what was opened before the first was held.
  EXPECT_LT(uint64_t{offered_count} * message.size(), 3'000'000u);
  EXPECT_GT(offered_count, 100u);
  EXPECT_FALSE(harness_.backend.rx_idle());
  ASSERT_TRUE(harness_.run_until_received(offered_count));
  EXPECT_EQ(harness_.counters.rx_messages, offered_count);
  EXPECT_TRUE(peer->end->is_open());
}

TEST_F(RaptorListen, KeepsWhatAPeerIsTooSlowForWithinTheBoundAndDeliversItLater) {
  RaptorOptions options = world_.options();
  options.backlog_bytes = 100'000;
  open(options);
  auto slow = world_.join(harness_);
  ASSERT_TRUE(slow->send(text_of(1, 8)));
  ASSERT_TRUE(harness_.run_until_received(1));
  const PeerRef ref = harness_.received[0].peer;
  slow->end->take_max = 0;
  std::vector<Bytes> sent;
  TxVerdict verdict = TxVerdict::kSent;
  for (uint32_t tag = 0; tag < 10'000 && verdict == TxVerdict::kSent; ++tag) {
    const Bytes message = large(tag, 1000);
    verdict = harness_.offer(ref, message);
    if (verdict == TxVerdict::kSent) sent.push_back(message);
    slow->end->drive();
    harness_.cycle();
  }
  EXPECT_EQ(verdict, TxVerdict::kPending);
  EXPECT_FALSE(harness_.backend.tx_idle());
  EXPECT_LT(sent.size() * 1000, 3'000'000u);
  // Others are not concerned.
  auto fast = world_.join(harness_);
  ASSERT_TRUE(fast->send(text_of(2, 8)));
  ASSERT_TRUE(harness_.run_until_received(2));
  EXPECT_EQ(harness_.send(harness_.received[1].peer, text_of(3, 8)), TxVerdict::kSent);
  slow->end->take_max = UINT32_MAX;
  slow->end->poll();
  std::vector<Bytes> got;
  ASSERT_TRUE(harness_.run_until([&] {
    slow->receive(got);
    slow->end->poll();
    return got.size() >= sent.size();
  }));
  EXPECT_EQ(got, sent);
  ASSERT_TRUE(harness_.run_until([&] { return harness_.backend.tx_idle(); }));
}

TEST_F(RaptorListen, RefusesAKeyThatIsNotInItsListAndSaysSo) {
  RaptorOptions options = world_.options();
  options.allow_list.push_back(raptor_keys().public_key);
  open(options);
  auto stranger = std::make_shared<RaptorEnd>();
  RaptorSocketOptions socket;
  socket.endpoint.static_keys = raptor_keys();
  ASSERT_TRUE(stranger->open(socket).ok());
  stranger->connect(harness_.backend.local_address(), world_.keys().public_key);
  ASSERT_TRUE(harness_.run_until([&] {
    stranger->drive();
    return stranger->ended_count == 1;
  }));
  EXPECT_EQ(stranger->last_event.reason, raptor::CloseReason::kRefused);
  EXPECT_EQ(stranger->last_event.refusal, raptor::HandshakeStatus::kKeyNotAllowed);
  EXPECT_EQ(harness_.counters.connections_opened, 0u);
  // A list that changes applies to whoever comes next.
  options.allow_list.push_back(socket.endpoint.static_keys.public_key);
  ASSERT_TRUE(can_reconfigure(world_.options(), options));
  harness_.backend.reconfigure(options);
  stranger->connect(harness_.backend.local_address(), world_.keys().public_key);
  ASSERT_TRUE(harness_.run_until([&] {
    stranger->drive();
    return harness_.backend.peer_count() == 1;
  }));
}

TEST_F(RaptorListen, TellsItsPeersWhenItCloses) {
  open(world_.options());
  auto peer = world_.join(harness_);
  EXPECT_EQ(harness_.backend.close(), 0u);
  for (int i = 0; i < 100 && peer->end->ended_count == 0; ++i) peer->end->drive();
  EXPECT_EQ(peer->end->ended_count, 1u);
  EXPECT_EQ(peer->end->last_event.reason, raptor::CloseReason::kPeerClosed);
}

TEST_F(RaptorListen, HandsOutWhatAPeerHadSentBeforeItClosed) {
  open(world_.options());
  auto peer = world_.join(harness_);
  std::vector<Bytes> messages;
  for (uint32_t tag = 0; tag < 50; ++tag) messages.push_back(large(tag, 2000));
  for (const Bytes& message : messages) ASSERT_TRUE(peer->send(message));
  RxView views[4];
  ASSERT_TRUE(harness_.run_until([&] {
    const uint32_t count = harness_.backend.rx_burst(std::span(views), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) harness_.backend.hold(views[i]);
    return peer->end->is_acknowledged();
  }));
  peer->end->close();
  ASSERT_TRUE(harness_.run_until_received(messages.size()));
  EXPECT_EQ(received(), messages);
  ASSERT_TRUE(harness_.run_until([&] { return harness_.counters.connections_closed == 1; }));
  EXPECT_FALSE(harness_.backend.is_live(harness_.received[0].peer));
  EXPECT_TRUE(harness_.backend.rx_idle());
}

TEST_F(RaptorListen, IsIdleAfterTheStopOnceEverythingIsAcknowledged) {
  open(world_.options());
  auto peer = world_.join(harness_);
  ASSERT_TRUE(peer->send(text_of(1, 8)));
  ASSERT_TRUE(harness_.run_until_received(1));
  harness_.backend.stop_reading();
  EXPECT_TRUE(harness_.backend.tx_idle());
  EXPECT_EQ(harness_.offer(harness_.received[0].peer, text_of(2, 100)), TxVerdict::kSent);
  EXPECT_FALSE(harness_.backend.tx_idle());
  ASSERT_TRUE(harness_.run_until([&] { return harness_.backend.tx_idle(); }));
  std::vector<Bytes> got;
  peer->receive(got);
  EXPECT_EQ(got, (std::vector<Bytes>{text_of(2, 100)}));
}

TEST_F(RaptorListen, ServesTheProtocolWhileNobodyAsksForMessages) {
  open(world_.options());
  auto peer = world_.join(harness_);
  for (uint32_t tag = 0; tag < 20; ++tag) ASSERT_TRUE(peer->send(text_of(tag, 100)));
  const uint64_t give_up_ns = monotonic_ns() + uint64_t{kTestWaitMs} * 1'000'000;
  while (!peer->end->is_acknowledged() && monotonic_ns() < give_up_ns) {
    peer->end->drive();
    static_cast<void>(harness_.backend.progress(monotonic_ns()));
    ::usleep(1000);
  }
  EXPECT_TRUE(peer->end->is_acknowledged());
  EXPECT_EQ(harness_.counters.rx_messages, 0u);
  ASSERT_TRUE(harness_.run_until_received(20));
}

TEST_F(RaptorConnect, ConnectsAgainAndKeepsWhatWaitsForIt) {
  open(world_.options());
  EXPECT_FALSE(harness_.backend.is_live(kDefaultPeer));
  EXPECT_EQ(harness_.offer(kDefaultPeer, text_of(1, 50)), TxVerdict::kPending);
  auto server = world_.join(harness_);
  EXPECT_EQ(harness_.backend.link().state, RaptorLinkState::kConnected);
  EXPECT_EQ(harness_.send(kDefaultPeer, text_of(1, 50)), TxVerdict::kSent);
  std::vector<Bytes> got;
  ASSERT_TRUE(harness_.run_until([&] {
    server->receive(got);
    return got.size() == 1;
  }));
  server->end->close();
  ASSERT_TRUE(harness_.run_until([&] { return harness_.counters.connections_closed == 1; }));
  EXPECT_EQ(harness_.backend.link().reason, raptor::CloseReason::kPeerClosed);
  EXPECT_EQ(harness_.send(kDefaultPeer, text_of(2, 50)), TxVerdict::kSent);
  ASSERT_TRUE(harness_.run_until([&] {
    server->receive(got);
    return got.size() == 2;
  }));
  EXPECT_EQ(got[1], text_of(2, 50));
  EXPECT_EQ(harness_.counters.connections_opened, 2u);
}

TEST_F(RaptorConnect, SaysThatNobodyAnswersWithAnotherKey) {
  RaptorOptions options = world_.options();
  options.server_key = raptor_keys().public_key;
  options.connect_timeout_ns = 100'000'000;
  open(options);
  ASSERT_TRUE(harness_.run_until([&] { return harness_.counters.connect_failures >= 2; }));
  const RaptorLink link = harness_.backend.link();
  EXPECT_EQ(link.state, RaptorLinkState::kConnecting);
  EXPECT_EQ(link.reason, raptor::CloseReason::kHandshakeTimeout);
  EXPECT_GE(harness_.counters.unanswered, 1u);
  EXPECT_FALSE(harness_.backend.is_live(kDefaultPeer));
}

TEST_F(RaptorConnect, GoesOnAskingWhereNobodyListensAndFindsNoFaultWithItsSocket) {
  RaptorOptions options = world_.options();
  {
    // A port that nobody has any more.
    const UniqueFd gone = open_raw(SOCK_DGRAM, loopback(AF_INET));
    options.address = SocketAddress::local_of(gone.get()).take();
  }
  options.connect_timeout_ns = 50'000'000;
  open(options);
  ASSERT_TRUE(harness_.run_until([&] { return harness_.counters.connect_failures >= 3; }));
  EXPECT_EQ(harness_.backend.link().reason, raptor::CloseReason::kHandshakeTimeout);
  EXPECT_EQ(harness_.counters.io_errors, 0u);
  EXPECT_EQ(harness_.counters.connections_opened, 0u);
}

TEST_F(RaptorConnect, NumbersThatASessionGaveDieWithIt) {
  open(world_.options());
  auto server = world_.join(harness_);
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 1u);
  // The session is full, so that a frame with its number waits.
  server->end->take_max = 0;
  TxVerdict verdict = TxVerdict::kSent;
  for (uint32_t i = 0; i < 10'000 && verdict == TxVerdict::kSent; ++i) {
    verdict = harness_.offer(kDefaultPeer, large(i, 1000));
    server->end->drive();
    harness_.cycle();
  }
  ASSERT_EQ(verdict, TxVerdict::kPending);
  server->end->close();
  ASSERT_TRUE(harness_.run_until([&] { return harness_.counters.connections_closed == 1; }));
  EXPECT_EQ(harness_.offer(kDefaultPeer, large(1, 1000)), TxVerdict::kPeerGone);
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 1u);
}

TEST(RaptorOptionsCheck, NamesTheOptionThatCannotBe) {
  RaptorOptions good;
  good.address = loopback(AF_INET);
  good.has_private_key = true;
  EXPECT_TRUE(check_raptor_options(good).ok());
  const auto refused = [&](auto change, const char* option) {
    RaptorOptions options = good;
    change(options);
    const Status status = check_raptor_options(options);
    EXPECT_EQ(status.code, StatusCode::kConfig);
    EXPECT_NE(std::string(status.context).find(option), std::string::npos) << status.context;
  };
  const SocketAddress elsewhere = SocketAddress::parse("192.0.2.1", 9).take();
  refused([](auto& o) { o.has_private_key = false; }, "keys");
  refused([](auto& o) { o.message_bytes_max = 0; }, "maxMessageBytes");
  refused([](auto& o) { o.message_bytes_max = (16u << 20) + 1; }, "maxMessageBytes");
  refused([](auto& o) { o.window_bytes = 1; }, "windowBytes");
  refused([](auto& o) { o.liveness_us = 1; }, "liveness");
  refused([](auto& o) { o.sessions_max = 0; }, "maxSessions");
  refused([](auto& o) { o.reuses_port = true; }, "reusePort");
  refused([](auto& o) { o.stream.mode = raptor::StreamMode::kDeadline; }, "mode");
  refused([&](auto& o) { o.address = elsewhere; }, "exposed");
  refused(
      [&](auto& o) {
        o.address = elsewhere;
        o.exposed = true;
        o.insecure = true;
      },
      "insecure");
  refused([](auto& o) { o.mode = RaptorMode::kConnect; }, "remote");
  refused(
      [&](auto& o) {
        o.mode = RaptorMode::kConnect;
        o.address = elsewhere;
      },
      "serverKey");
}

TEST(RaptorOptionsCheck, TellsWhatARunningEndpointCanTakeOver) {
  RaptorOptions opened;
  opened.address = SocketAddress::parse("127.0.0.1", 9).take();
  opened.has_private_key = true;
  using Change = void (*)(RaptorOptions&);
  const auto takes = [&](Change change) {
    RaptorOptions wanted = opened;
    change(wanted);
    return can_reconfigure(opened, wanted);
  };
  for (const Change change : std::initializer_list<Change>{
           [](auto& o) { o.allow_list.resize(1); }, [](auto& o) { o.read_budget = 7; },
           [](auto& o) { o.reconnect_min_ns *= 2; }, [](auto& o) { o.reconnect_max_ns *= 2; },
           [](auto& o) { o.backlog_bytes /= 2; }, [](auto& o) { o.drop_oldest = true; }}) {
    EXPECT_TRUE(takes(change));
  }
  const std::initializer_list<Change> others = {
      [](auto& o) { o.mode = RaptorMode::kConnect; },
      [](auto& o) { o.address = SocketAddress::parse("127.0.0.1", 10).take(); },
      [](auto& o) { o.insecure = true; },
      [](auto& o) { o.private_key[0] ^= 1; },
      [](auto& o) { o.server_key[0] ^= 1; },
      [](auto& o) { o.stream.mode = raptor::StreamMode::kLatest; },
      [](auto& o) { o.stream.deadline_us = 1; },
      [](auto& o) { o.message_bytes_max /= 2; },
      [](auto& o) { o.window_bytes *= 2; },
      [](auto& o) { o.liveness_us *= 2; },
      [](auto& o) { o.sessions_max /= 2; },
      [](auto& o) { o.receive_buffer_bytes /= 2; },
      [](auto& o) { o.send_buffer_bytes /= 2; },
      [](auto& o) { o.backlog_bytes *= 2; },
      [](auto& o) { o.reuses_port = true; },
      [](auto& o) { o.uses_static_window = true; },
      [](auto& o) { o.static_window_bytes = 4096; },
      [](auto& o) { o.key_log_path = "keys.log"; },
  };
  for (const Change& change : others) {
    EXPECT_FALSE(takes(change)) << "change " << &change - others.begin();
  }
}

}  // namespace
}  // namespace hyperroute
