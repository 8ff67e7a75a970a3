// The connecting tcp endpoint beyond the conformance suite: servers that come late, go and return.
#include <gtest/gtest.h>

#include "conformance/tcp_world.h"

namespace hyperroute {
namespace {

using World = TcpWorld<InnerPrefixCodec, TcpMode::kConnect>;
using Harness = World::Harness;
using Codec = InnerPrefixCodec;

class TcpConnectTest : public ::testing::Test {
 protected:
  void SetUp() override { options_ = world_.options(); }
  void TearDown() override { harness_.backend.close(); }
  void open() {
    const Status status = harness_.backend.open(options_, harness_.counters.pointers(), 0);
    ASSERT_TRUE(status.ok()) << status.context;
  }
  void stop_server() { world_.server_.reset(); }
  void start_server() {
    world_.server_ = open_raw(SOCK_STREAM, options_.address);
    ASSERT_TRUE(world_.server_.is_open());
  }
  bool is_connected() { return harness_.backend.is_live(kDefaultPeer); }
  const CounterBlock& counters() { return harness_.counters; }
  std::vector<Bytes> read(World::Peer& peer, size_t message_count) {
    std::vector<Bytes> messages;
    harness_.run_until([&] { return !peer.receive(messages) || messages.size() >= message_count; });
    return messages;
  }

  World world_;
  TcpOptions options_;
  Harness harness_;
};

TEST_F(TcpConnectTest, KeepsTryingUntilTheServerIsThere) {
  stop_server();
  open();
  EXPECT_FALSE(is_connected());
  ASSERT_TRUE(harness_.run_until([&] { return counters().connect_failures >= 5; }));
  EXPECT_EQ(counters().connections, 0u);
  start_server();
  auto peer = world_.join(harness_);
  EXPECT_TRUE(is_connected());
  EXPECT_EQ(harness_.send(kDefaultPeer, Codec::message(1, 20)), TxVerdict::kSent);
  EXPECT_EQ(read(*peer, 1), std::vector<Bytes>{Codec::message(1, 20)});
  EXPECT_EQ(counters().connections_opened, 1u);
}

TEST_F(TcpConnectTest, PausesLongerAfterEachFailureUpToTheMaximum) {
  stop_server();
  options_.reconnect_min_ns = 100 * kMillisecondNs;
  options_.reconnect_max_ns = 800 * kMillisecondNs;
  open();
  // Time is an argument, so a test of pauses needs none.
  uint64_t now_ns = monotonic_ns();
  uint64_t limit_ns = options_.reconnect_min_ns;
  for (uint32_t attempt = 1; attempt <= 8; ++attempt) {
    uint64_t deadline_ns = harness_.backend.progress(now_ns);
    // The refusal is an event that follows the attempt.
    for (int i = 0; i < 1000 && counters().connect_failures < attempt; ++i) {
      deadline_ns = harness_.backend.progress(now_ns);
    }
    ASSERT_EQ(counters().connect_failures, attempt);
    EXPECT_GE(deadline_ns - now_ns, limit_ns / 2);
    EXPECT_LE(deadline_ns - now_ns, limit_ns);
    static_cast<void>(harness_.backend.progress(deadline_ns - 1));
    EXPECT_EQ(counters().connect_failures, attempt);
    now_ns = deadline_ns;
    limit_ns = std::min(limit_ns * 2, options_.reconnect_max_ns);
  }
}

TEST_F(TcpConnectTest, ComesBackAfterTheServerHasRestarted) {
  open();
  auto peer = world_.join(harness_);
  for (uint32_t round = 0; round < 5; ++round) {
    ASSERT_TRUE(peer->send(Codec::message(round, 20)));
    ASSERT_TRUE(harness_.run_until_received(round + 1));
    stop_server();
    if (round % 2 == 0) {
      reset_connection(peer->fd);
    } else {
      peer->fd.reset();
    }
    ASSERT_TRUE(harness_.run_until([&] { return !is_connected(); }));
    start_server();
    peer = world_.join(harness_);
    EXPECT_EQ(harness_.send(kDefaultPeer, Codec::message(round, 30)), TxVerdict::kSent);
    EXPECT_EQ(read(*peer, 1), std::vector<Bytes>{Codec::message(round, 30)});
  }
  EXPECT_EQ(counters().connections_opened, 6u);
  EXPECT_EQ(counters().connections_closed, 5u);
  EXPECT_EQ(counters().connections_cut, 0u);
}

TEST_F(TcpConnectTest, LetsMessagesWaitForAConnectionAndNumbersThemFromOne) {
  stop_server();
  open();
  EXPECT_TRUE(harness_.backend.tx_blocked());
  EXPECT_EQ(harness_.offer(kDefaultPeer, Codec::message(1, 20)), TxVerdict::kPending);
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 1u);
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 2u);
  start_server();
  auto peer = world_.join(harness_);
  EXPECT_FALSE(harness_.backend.tx_blocked());
  // Those who waited have numbers 1 and 2 already; the next one follows them.
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 3u);
  peer.reset();
  ASSERT_TRUE(harness_.run_until([&] { return !is_connected(); }));
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 1u);
}

TEST_F(TcpConnectTest, NeverSendsTheNumbersOfOneConnectionOnTheNext) {
  options_.send_buffer_bytes = 8192;
  options_.backlog_bytes = 16 * 1024;
  open();
  auto peer = world_.join(harness_);
  std::vector<Bytes> bytes(64, Codec::message(1, 1900));
  std::vector<TxFrame> frames;
  for (Bytes& frame : bytes) {
    frames.push_back(
        {frame.data(), static_cast<uint32_t>(frame.size()), kDefaultPeer, TxVerdict::kPending, 5});
  }
  uint32_t final_count = 64;
  for (int i = 0; i < 10'000 && final_count == 64; ++i) {
    final_count = harness_.backend.tx_burst(std::span(frames));
  }
  ASSERT_LT(final_count, 64u);
  ASSERT_TRUE(harness_.backend.tx_blocked());
  reset_connection(peer->fd);
  ASSERT_TRUE(harness_.run_until([&] { return counters().connections_closed == 1; }));
  // Another producer's frames were never numbered, and wait.
  EXPECT_FALSE(harness_.backend.tx_blocked());
  peer = world_.join(harness_);
  EXPECT_EQ(harness_.offer(kDefaultPeer, Codec::message(2, 20), 6), TxVerdict::kSent);
  const std::span<TxFrame> waiting = std::span(frames).subspan(final_count);
  EXPECT_EQ(harness_.backend.tx_burst(waiting), waiting.size());
  for (const TxFrame& frame : waiting) EXPECT_EQ(frame.verdict, TxVerdict::kPeerGone);
  EXPECT_EQ(harness_.offer(kDefaultPeer, Codec::message(3, 20), 5), TxVerdict::kSent);
  const std::vector<Bytes> expected{Codec::message(2, 20), Codec::message(3, 20)};
  EXPECT_EQ(read(*peer, 2), expected);
}

TEST_F(TcpConnectTest, AnswersTheServerByReferenceOnlyOnTheSameConnection) {
  open();
  auto peer = world_.join(harness_);
  ASSERT_TRUE(peer->send(Codec::message(1, 20)));
  ASSERT_TRUE(harness_.run_until_received(1));
  const PeerRef ref = harness_.received[0].peer;
  EXPECT_EQ(harness_.send(ref, Codec::message(2, 20)), TxVerdict::kSent);
  EXPECT_EQ(read(*peer, 1), std::vector<Bytes>{Codec::message(2, 20)});
  reset_connection(peer->fd);
  ASSERT_TRUE(harness_.run_until([&] { return counters().connections_closed == 1; }));
  peer = world_.join(harness_);
  EXPECT_EQ(harness_.offer(ref, Codec::message(3, 20)), TxVerdict::kPeerGone);
}

TEST_F(TcpConnectTest, CutsAServerThatSendsGarbageAndTriesAgain) {
  open();
  auto peer = world_.join(harness_);
  ASSERT_TRUE(write_all(peer->fd.get(), Bytes(8, 0)));
  ASSERT_TRUE(harness_.run_until([&] { return counters().connections_cut == 1; }));
  EXPECT_EQ(counters().rx_bad_frames, 1u);
  peer = world_.join(harness_);
  EXPECT_TRUE(is_connected());
}

TEST_F(TcpConnectTest, GivesUpAnAttemptThatHangs) {
  // A full accept queue leaves further attempts unanswered.
  stop_server();
  options_.connect_timeout_ns = 50 * kMillisecondNs;
  UniqueFd full = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress any = loopback(AF_INET);
  ASSERT_EQ(::bind(full.get(), any.socket_address(), any.socket_bytes()), 0);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  options_.address = SocketAddress::local_of(full.get()).take();
  std::vector<UniqueFd> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(::connect(fillers.back().get(), options_.address.socket_address(),
                                options_.address.socket_bytes()));
  }
  open();
  const uint64_t now_ns = monotonic_ns();
  EXPECT_EQ(harness_.backend.progress(now_ns), now_ns + options_.connect_timeout_ns);
  EXPECT_EQ(counters().connect_failures, 0u);
  const uint64_t retry_ns = harness_.backend.progress(now_ns + options_.connect_timeout_ns);
  EXPECT_EQ(counters().connect_failures, 1u);
  EXPECT_GT(retry_ns, now_ns + options_.connect_timeout_ns);
}

TEST_F(TcpConnectTest, RefusesOptionsThatCannotBe) {
  const auto code = [&](auto change) {
    TcpOptions options = options_;
    change(options);
    return check_tcp_options(options).code;
  };
  EXPECT_EQ(code([](TcpOptions& o) { o.address = loopback(AF_INET, 0); }), StatusCode::kConfig);
  EXPECT_EQ(code([](TcpOptions& o) { o.reconnect_min_ns = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](TcpOptions& o) { o.reconnect_max_ns = 1; }), StatusCode::kConfig);
  EXPECT_EQ(code([](TcpOptions& o) { o.read_budget = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](TcpOptions& o) { o.backlog_bytes = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](TcpOptions& o) { o.frame_bytes_max = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](TcpOptions&) {}), StatusCode::kOk);
}

}  // namespace
}  // namespace hyperroute
