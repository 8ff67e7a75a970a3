// The listening tcp endpoint beyond the conformance suite: broken streams, slow and greedy
// clients, clients that go half or whole.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "conformance/tcp_world.h"

namespace hyperroute {
namespace {

using World = TcpWorld<InnerPrefixCodec, TcpMode::kListen>;
using Harness = World::Harness;
using Codec = InnerPrefixCodec;

class TcpListenTest : public ::testing::Test {
 protected:
  void open(const TcpOptions& options) {
    const Status status = harness_.backend.open(options, harness_.counters.pointers(), 0);
    ASSERT_TRUE(status.ok()) << status.context;
  }
  void SetUp() override { options_ = world_.options(); }
  void TearDown() override { harness_.backend.close(); }

  UniqueFd connect() { return connect_raw(harness_.backend.local_address()); }
  PeerRef hello(int fd) {
    const size_t before = harness_.received.size();
    EXPECT_TRUE(write_all(fd, Codec::message(0xfeed, 8)));
    EXPECT_TRUE(harness_.run_until_received(before + 1));
    return harness_.received.back().peer;
  }
  // Messages read from `fd` until there are that many or the connection ends.
  std::vector<Bytes> read_messages(int fd, size_t message_count) {
    World::Peer peer{UniqueFd(::dup(fd)), {}};
    std::vector<Bytes> messages;
    harness_.run_until([&] { return !peer.receive(messages) || messages.size() >= message_count; });
    return messages;
  }
  const CounterBlock& counters() { return harness_.counters; }

  World world_;
  TcpOptions options_;
  Harness harness_;
};

TEST_F(TcpListenTest, JoinsFramesThatArriveByteByByte) {
  open(options_);
  UniqueFd client = connect();
  for (uint32_t tag = 0; tag < 3; ++tag) {
    for (const uint8_t byte : Codec::message(tag, 20)) {
      ASSERT_TRUE(write_all(client.get(), {byte}));
      harness_.cycle();
    }
  }
  ASSERT_TRUE(harness_.run_until_received(3));
  for (uint32_t tag = 0; tag < 3; ++tag) {
    EXPECT_EQ(harness_.received[tag].message, Codec::message(tag, 20));
  }
}

TEST_F(TcpListenTest, JoinsTwoFramesSplitAtAnyPlace) {
  open(options_);
  UniqueFd client = connect();
  Bytes both = Codec::message(1, 12);
  const Bytes second = Codec::message(2, 15);
  both.insert(both.end(), second.begin(), second.end());
  for (size_t cut = 0; cut <= both.size(); ++cut) {
    harness_.received.clear();
    ASSERT_TRUE(
        write_all(client.get(), Bytes(both.begin(), both.begin() + static_cast<ptrdiff_t>(cut))));
    harness_.run_until([&] { return harness_.cycle() == 0; });
    ASSERT_TRUE(
        write_all(client.get(), Bytes(both.begin() + static_cast<ptrdiff_t>(cut), both.end())));
    ASSERT_TRUE(harness_.run_until_received(2));
    EXPECT_EQ(harness_.received[0].message, Codec::message(1, 12));
    EXPECT_EQ(harness_.received[1].message, second);
  }
}

TEST_F(TcpListenTest, HandsOutManyFramesOfOneSegmentOverSeveralBursts) {
  options_.read_budget = 10;
  open(options_);
  UniqueFd client = connect();
  Bytes stream;
  for (uint32_t tag = 0; tag < 1000; ++tag) {
    const Bytes message = Codec::message(tag, 8 + tag % 100);
    stream.insert(stream.end(), message.begin(), message.end());
  }
  ASSERT_TRUE(write_all(client.get(), stream));
  ASSERT_TRUE(harness_.run_until_received(1000));
  for (uint32_t tag = 0; tag < 1000; ++tag) {
    ASSERT_EQ(harness_.received[tag].message, Codec::message(tag, 8 + tag % 100));
  }
}

TEST_F(TcpListenTest, ServesAQuietClientInEveryBurstBesideAGreedyOne) {
  options_.read_budget = 8;
  open(options_);
  UniqueFd greedy = connect();
  UniqueFd quiet = connect();
  const PeerRef greedy_ref = hello(greedy.get());
  const PeerRef quiet_ref = hello(quiet.get());
  Bytes flood;
  for (uint32_t tag = 0; tag < 2000; ++tag) {
    const Bytes message = Codec::message(tag, 8);
    flood.insert(flood.end(), message.begin(), message.end());
  }
  ASSERT_TRUE(write_all(greedy.get(), flood));
  ASSERT_TRUE(harness_.run_until([&] { return harness_.cycle() > 0; }));
  for (uint32_t round = 0; round < 20; ++round) {
    ASSERT_TRUE(write_all(quiet.get(), Codec::message(round, 8)));
    harness_.received.clear();
    // The kernel delivers on loopback before send() returns, so one turn each is enough.
    harness_.cycle();
    uint32_t from_greedy = 0;
    uint32_t from_quiet = 0;
    for (const Received& received : harness_.received) {
      from_greedy += received.peer == greedy_ref;
      from_quiet += received.peer == quiet_ref;
    }
    EXPECT_EQ(from_greedy, 8u);
    EXPECT_EQ(from_quiet, 1u);
  }
}

TEST_F(TcpListenTest, GoesOnWithOthersWhileOneClientsMessageIsHeld) {
  open(options_);
  UniqueFd held = connect();
  UniqueFd free = connect();
  const PeerRef held_ref = hello(held.get());
  static_cast<void>(hello(free.get()));
  harness_.received.clear();
  for (uint32_t tag = 0; tag < 200; ++tag)
    ASSERT_TRUE(write_all(held.get(), Codec::message(tag, 8)));
  uint32_t free_count = 0;
  uint32_t sent_count = 0;
  for (uint32_t turn = 0; turn < 2000 && free_count < 200; ++turn) {
    if (sent_count < 200) {
      ASSERT_TRUE(write_all(free.get(), Codec::message(sent_count++, 8)));
    }
    RxView views[4];
    const uint32_t count = harness_.backend.rx_burst(std::span(views), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) {
      if (views[i].peer == held_ref) {
        harness_.backend.hold(views[i]);
      } else {
        ++free_count;
        harness_.backend.release(views[i]);
      }
    }
  }
  EXPECT_EQ(free_count, 200u);
  ASSERT_TRUE(harness_.run_until_received(200));
  for (uint32_t tag = 0; tag < 200; ++tag) {
    EXPECT_EQ(harness_.received[tag].message, Codec::message(tag, 8));
  }
}

TEST_F(TcpListenTest, CutsAClientThatSendsGarbageAfterItsGoodMessages) {
  open(options_);
  UniqueFd bad = connect();
  UniqueFd good = connect();
  const PeerRef good_ref = hello(good.get());
  Bytes stream = Codec::message(1, 20);
  const Bytes garbage{3, 0, 0, 0, 'x', 'x', 'x', 'x'};
  stream.insert(stream.end(), garbage.begin(), garbage.end());
  ASSERT_TRUE(write_all(bad.get(), stream));
  ASSERT_TRUE(harness_.run_until([&] { return counters().connections_cut == 1; }));
  ASSERT_EQ(harness_.received.size(), 2u);
  EXPECT_EQ(harness_.received[1].message, Codec::message(1, 20));
  EXPECT_EQ(counters().rx_bad_frames, 1u);
  EXPECT_EQ(counters().rx_oversize + counters().rx_truncated, 0u);
  EXPECT_FALSE(harness_.backend.is_live(harness_.received[1].peer));
  std::vector<Bytes> none = read_messages(bad.get(), 1);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(harness_.send(good_ref, Codec::message(2, 20)), TxVerdict::kSent);
  EXPECT_EQ(read_messages(good.get(), 1).size(), 1u);
}

TEST_F(TcpListenTest, HandsOutHeldMessagesThatCameBeforeGarbage) {
  open(options_);
  UniqueFd client = connect();
  Bytes stream = Codec::message(1, 20);
  const Bytes second = Codec::message(2, 20);
  stream.insert(stream.end(), second.begin(), second.end());
  stream.insert(stream.end(), 8, 0xFF);
  ASSERT_TRUE(write_all(client.get(), stream));
  for (uint32_t held = 0; held < 3; ++held) {
    RxView views[8];
    uint32_t count = 0;
    ASSERT_TRUE(harness_.run_until([&] {
      count = harness_.backend.rx_burst(std::span(views), monotonic_ns());
      return count > 0;
    }));
    for (uint32_t i = 0; i < count; ++i) harness_.backend.hold(views[i]);
  }
  ASSERT_TRUE(harness_.run_until([&] { return counters().connections_cut == 1; }));
  ASSERT_EQ(harness_.received.size(), 2u);
  EXPECT_EQ(harness_.received[1].message, second);
  EXPECT_EQ(counters().rx_oversize, 1u);
}

TEST_F(TcpListenTest, KeepsMessagesOfAClientThatVanishedAndCountsItsPartialFrame) {
  open(options_);
  UniqueFd client = connect();
  static_cast<void>(hello(client.get()));
  Bytes stream = Codec::message(1, 20);
  const Bytes half = Codec::message(2, 200);
  stream.insert(stream.end(), half.begin(), half.begin() + 50);
  ASSERT_TRUE(write_all(client.get(), stream));
  // Read but held while the client goes.
  RxView view;
  ASSERT_TRUE(harness_.run_until(
      [&] { return harness_.backend.rx_burst(std::span(&view, 1), monotonic_ns()) == 1; }));
  harness_.backend.hold(view);
  reset_connection(client);
  Bytes frame = Codec::message(3, 20);
  ASSERT_TRUE(harness_.run_until([&] { return harness_.received.size() == 2; }));
  EXPECT_EQ(harness_.received[1].message, Codec::message(1, 20));
  ASSERT_TRUE(harness_.run_until([&] { return counters().connections == 0; }));
  EXPECT_EQ(counters().rx_truncated, 1u);
  EXPECT_EQ(harness_.offer(harness_.received[1].peer, frame), TxVerdict::kPeerGone);
}

TEST_F(TcpListenTest, AnswersAClientThatHasEndedItsInput) {
  open(options_);
  UniqueFd client = connect();
  const PeerRef ref = hello(client.get());
  ASSERT_TRUE(write_all(client.get(), Codec::message(1, 20)));
  ::shutdown(client.get(), SHUT_WR);
  ASSERT_TRUE(harness_.run_until_received(2));
  harness_.run_a_while();
  EXPECT_TRUE(harness_.backend.is_live(ref));
  EXPECT_EQ(harness_.send(ref, Codec::message(2, 30)), TxVerdict::kSent);
  EXPECT_EQ(read_messages(client.get(), 1), std::vector<Bytes>{Codec::message(2, 30)});
  EXPECT_EQ(counters().rx_truncated, 0u);
}

TEST_F(TcpListenTest, ClosesAHalfOpenConnectionAfterItsTimeOut) {
  options_.half_open_timeout_ns = 5 * kMillisecondNs;
  open(options_);
  UniqueFd client = connect();
  const PeerRef ref = hello(client.get());
  const Bytes half = Codec::message(2, 200);
  ASSERT_TRUE(write_all(client.get(), Bytes(half.begin(), half.begin() + 50)));
  ::shutdown(client.get(), SHUT_WR);
  ASSERT_TRUE(harness_.run_until([&] { return counters().connections_closed == 1; }));
  EXPECT_FALSE(harness_.backend.is_live(ref));
  EXPECT_EQ(counters().rx_truncated, 1u);
  EXPECT_EQ(counters().connections_cut, 0u);
  EXPECT_EQ(harness_.backend.progress(monotonic_ns()), UINT64_MAX);
}

TEST_F(TcpListenTest, RefusesConnectionsOverTheLimitAndTakesNewOnesLater) {
  options_.connections_max = 2;
  open(options_);
  UniqueFd first = connect();
  UniqueFd second = connect();
  static_cast<void>(hello(first.get()));
  static_cast<void>(hello(second.get()));
  UniqueFd third = connect();
  EXPECT_TRUE(read_messages(third.get(), 1).empty());
  EXPECT_EQ(counters().connections_refused, 1u);
  first.reset();
  options_.connections_max = 3;
  ASSERT_TRUE(can_reconfigure(options_, options_));
  harness_.backend.reconfigure(options_);
  UniqueFd fourth = connect();
  static_cast<void>(hello(fourth.get()));
  EXPECT_EQ(counters().connections_opened, 3u);
}

TEST_F(TcpListenTest, RestsWhenTheProcessHasNoDescriptorsLeft) {
  open(options_);
  UniqueFd client = connect_raw(harness_.backend.local_address());
  rlimit saved{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &saved), 0);
  rlimit none = saved;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int i = 0; i < 50; ++i) harness_.cycle();
  const uint64_t errors = counters().io_errors;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &saved), 0);
  EXPECT_EQ(errors, 1u);
  EXPECT_TRUE(harness_.backend.prepare_wait());
  EXPECT_NE(harness_.backend.progress(monotonic_ns()), UINT64_MAX);
  static_cast<void>(hello(client.get()));
}

TEST_F(TcpListenTest, NamesTheAddressThatIsInUse) {
  open(options_);
  TcpOptions options = options_;
  options.address = harness_.backend.local_address();
  Harness other;
  const Status status = other.backend.open(options, other.counters.pointers(), 0);
  EXPECT_EQ(status.code, StatusCode::kAddressInUse);
  char text[kAddressTextBytes];
  EXPECT_NE(std::string(status.context).find(options.address.print(text)), std::string::npos);
}

TEST_F(TcpListenTest, StopsAcceptingWithoutDisturbingItsConnections) {
  open(options_);
  UniqueFd client = connect();
  const PeerRef ref = hello(client.get());
  harness_.backend.stop_accepting();
  EXPECT_FALSE(connect().is_open());
  EXPECT_EQ(hello(client.get()), ref);
  EXPECT_EQ(harness_.send(ref, Codec::message(2, 30)), TxVerdict::kSent);
}

TEST_F(TcpListenTest, AppliesANewFrameLimitToNewConnectionsOnly) {
  open(options_);
  UniqueFd old = connect();
  static_cast<void>(hello(old.get()));
  TcpOptions smaller = options_;
  smaller.frame_bytes_max = 100;
  ASSERT_TRUE(can_reconfigure(options_, smaller));
  harness_.backend.reconfigure(smaller);
  UniqueFd fresh = connect();
  static_cast<void>(hello(fresh.get()));
  ASSERT_TRUE(write_all(old.get(), Codec::message(1, 500)));
  ASSERT_TRUE(harness_.run_until_received(3));
  ASSERT_TRUE(write_all(fresh.get(), Codec::message(2, 500)));
  ASSERT_TRUE(harness_.run_until([&] { return counters().rx_oversize == 1; }));
  EXPECT_EQ(counters().connections, 1u);
  TcpOptions other = options_;
  other.frame_bytes_max = 4096;
  EXPECT_FALSE(can_reconfigure(options_, other));
  other = options_;
  other.framing.prefix_bytes = 2;
  EXPECT_FALSE(can_reconfigure(options_, other));
}

}  // namespace
}  // namespace hyperroute
