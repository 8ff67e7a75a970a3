// Sending over tcp: slow readers, bounded backlogs, what a quota is measured by.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "conformance/tcp_world.h"

namespace hyperroute {
namespace {

using World = TcpWorld<InnerPrefixCodec, TcpMode::kListen>;
using Harness = World::Harness;
using Codec = InnerPrefixCodec;

class TcpSendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_ = world_.options();
    // Small enough that a reader who stops is noticed after a few messages.
    options_.send_buffer_bytes = 8192;
    options_.receive_buffer_bytes = 8192;
  }
  void open() {
    const Status status = harness_.backend.open(options_, harness_.counters.pointers(), 0);
    ASSERT_TRUE(status.ok()) << status.context;
  }
  void TearDown() override { harness_.backend.close(); }

  struct Client {
    World::Peer peer;
    PeerRef ref;
  };
  Client join() {
    Client client{{UniqueFd(), {}}, {}};
    const SocketAddress to = harness_.backend.local_address();
    client.peer.fd = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int small = 4096;
    ::setsockopt(client.peer.fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    EXPECT_EQ(::connect(client.peer.fd.get(), to.socket_address(), to.socket_bytes()), 0);
    EXPECT_TRUE(client.peer.send(Codec::message(0xfeed, 8)));
    const size_t before = harness_.received.size();
    EXPECT_TRUE(harness_.run_until_received(before + 1));
    client.ref = harness_.received.back().peer;
    return client;
  }
  static Bytes message(uint32_t tag) { return Codec::message(tag, 1000 + tag % 500); }

  // Offers numbered messages until one is not taken. Returns how many were.
  uint32_t fill(PeerRef ref, uint8_t producer = 0) {
    for (uint32_t tag = 0; tag < 100'000; ++tag) {
      if (harness_.offer(ref, message(tag), producer) == TxVerdict::kPending) return tag;
      harness_.cycle();
    }
    ADD_FAILURE() << "the backlog has no bound";
    return 0;
  }
  std::vector<Bytes> read(Client& client, size_t message_count) {
    std::vector<Bytes> messages;
    harness_.run_until(
        [&] { return !client.peer.receive(messages) || messages.size() >= message_count; });
    return messages;
  }
  uint32_t finished(PeerRef ref, uint32_t producer) {
    return harness_.backend.finished_bytes(producer).by_peer_index[ref.index].load();
  }

  World world_;
  TcpOptions options_;
  Harness harness_;
};

TEST_F(TcpSendTest, TakesAsMuchAsTheBacklogHoldsAndDeliversAllOfItInOrder) {
  open();
  Client slow = join();
  const uint32_t taken = fill(slow.ref);
  EXPECT_FALSE(harness_.backend.tx_idle());
  EXPECT_TRUE(harness_.backend.tx_blocked());
  EXPECT_LT(harness_.counters.tx_messages, taken);
  const std::vector<Bytes> messages = read(slow, taken);
  ASSERT_EQ(messages.size(), taken);
  for (uint32_t tag = 0; tag < taken; ++tag) ASSERT_EQ(messages[tag], message(tag));
  EXPECT_EQ(harness_.counters.tx_messages, taken);
  EXPECT_TRUE(harness_.backend.tx_idle());
  EXPECT_FALSE(harness_.backend.tx_blocked());
  EXPECT_EQ(harness_.send(slow.ref, message(7)), TxVerdict::kSent);
}

TEST_F(TcpSendTest, WakesASleepingWorkerWhenAFullBacklogHasRoom) {
  open();
  Client slow = join();
  const uint32_t taken = fill(slow.ref);
  while (harness_.cycle() > 0 || !harness_.backend.prepare_wait()) {
  }
  ASSERT_FALSE(wait_readable(harness_.backend.wait_fd(), 5));
  // Reads until the kernel opens the window again and so tells the sender.
  std::vector<Bytes> messages;
  for (int i = 0; i < 1000 && !wait_readable(harness_.backend.wait_fd(), 1); ++i) {
    slow.peer.receive(messages);
  }
  ASSERT_TRUE(wait_readable(harness_.backend.wait_fd(), 0));
  ASSERT_TRUE(harness_.run_until([&] {
    slow.peer.receive(messages);
    return !harness_.backend.tx_blocked();
  }));
  EXPECT_EQ(harness_.offer(slow.ref, message(taken)), TxVerdict::kSent);
}

TEST_F(TcpSendTest, ServesOthersWhileOneReaderIsSlow) {
  open();
  Client slow = join();
  Client quick = join();
  for (uint32_t tag = 0; tag < 40; ++tag) {
    ASSERT_EQ(harness_.send(slow.ref, message(tag)), TxVerdict::kSent);
    ASSERT_EQ(harness_.send(quick.ref, message(tag)), TxVerdict::kSent);
    ASSERT_EQ(read(quick, 1), std::vector<Bytes>{message(tag)});
  }
  EXPECT_FALSE(harness_.backend.tx_idle());
  EXPECT_EQ(read(slow, 40).size(), 40u);
}

TEST_F(TcpSendTest, CountsWhatItIsDoneWithForEachProducer) {
  open();
  Client slow = join();
  uint32_t offered_bytes[2] = {0, 0};
  const uint32_t taken = fill(slow.ref, 3);
  for (uint32_t tag = 0; tag < taken; ++tag) {
    offered_bytes[0] += static_cast<uint32_t>(message(tag).size());
  }
  EXPECT_LT(finished(slow.ref, 3), offered_bytes[0]);
  EXPECT_GE(offered_bytes[0] - finished(slow.ref, 3), options_.backlog_bytes - 2048);
  EXPECT_EQ(read(slow, taken).size(), taken);
  EXPECT_EQ(finished(slow.ref, 3), offered_bytes[0]);
  EXPECT_EQ(harness_.offer(slow.ref, message(1), 9), TxVerdict::kSent);
  EXPECT_EQ(finished(slow.ref, 9), message(1).size());
  // A frame that nobody can have is done with as well.
  reset_connection(slow.peer.fd);
  ASSERT_TRUE(harness_.run_until([&] { return !harness_.backend.is_live(slow.ref); }));
  EXPECT_EQ(harness_.offer(slow.ref, message(2), 9), TxVerdict::kPeerGone);
  EXPECT_EQ(finished(slow.ref, 9), message(1).size() + message(2).size());
}

TEST_F(TcpSendTest, CountsTheBacklogOfALostConnectionAsUndeliverable) {
  open();
  Client slow = join();
  const uint32_t taken = fill(slow.ref, 1);
  uint32_t offered_bytes = 0;
  for (uint32_t tag = 0; tag < taken; ++tag) {
    offered_bytes += static_cast<uint32_t>(message(tag).size());
  }
  const uint64_t sent = harness_.counters.tx_messages;
  reset_connection(slow.peer.fd);
  ASSERT_TRUE(harness_.run_until([&] { return !harness_.backend.is_live(slow.ref); }));
  EXPECT_EQ(harness_.counters.undeliverable, taken - sent);
  EXPECT_EQ(finished(slow.ref, 1), offered_bytes);
  EXPECT_TRUE(harness_.backend.tx_idle());
  EXPECT_FALSE(harness_.backend.tx_blocked());
}

TEST_F(TcpSendTest, ReportsTheBacklogThatAnEarlyCloseGivesUp) {
  open();
  Client slow = join();
  const uint32_t taken = fill(slow.ref);
  const uint64_t sent = harness_.counters.tx_messages;
  EXPECT_EQ(harness_.backend.close(), taken - sent);
  EXPECT_EQ(harness_.counters.undeliverable, 0u);
}

TEST_F(TcpSendTest, IsNotIdleWhileACloseWouldResetWhatTheKernelStillHas) {
  open();
  Client slow = join();
  ASSERT_GT(fill(slow.ref), 0u);
  uint8_t sink[1024];
  const auto read_a_little = [&] {
    return ::recv(slow.peer.fd.get(), sink, sizeof sink, MSG_DONTWAIT);
  };
  // The backlog is empty first; then the kernel still has what the reader has no room for.
  ASSERT_TRUE(harness_.run_until([&] {
    if (harness_.backend.tx_idle()) return true;
    read_a_little();
    return false;
  }));
  harness_.backend.stop_reading();
  // Without unread input the kernel delivers the rest after the close.
  EXPECT_TRUE(harness_.backend.tx_idle());
  ASSERT_TRUE(slow.peer.send(Codec::message(1, 8)));
  EXPECT_FALSE(harness_.backend.tx_idle());
  EXPECT_TRUE(harness_.run_until([&] {
    read_a_little();
    return harness_.backend.tx_idle();
  }));
}

TEST_F(TcpSendTest, DropsTheOldestWholeMessagesAndKeepsTheStreamIntact) {
  options_.drop_oldest = true;
  options_.backlog_bytes = 10'000;
  open();
  Client slow = join();
  constexpr uint32_t kCount = 300;
  for (uint32_t tag = 0; tag < kCount; ++tag) {
    ASSERT_EQ(harness_.offer(slow.ref, message(tag)), TxVerdict::kSent);
  }
  const uint64_t dropped = harness_.counters.dropped_oldest;
  EXPECT_GT(dropped, 0u);
  const std::vector<Bytes> messages = read(slow, kCount - dropped);
  ASSERT_EQ(messages.size(), kCount - dropped);
  // A subsequence of what was offered, and its newest messages are all there.
  uint32_t tag = 0;
  for (const Bytes& got : messages) {
    while (tag < kCount && got != message(tag)) ++tag;
    ASSERT_LT(tag, kCount);
    ++tag;
  }
  for (uint32_t back = 1; back <= 5; ++back) {
    EXPECT_EQ(messages[messages.size() - back], message(kCount - back));
  }
  EXPECT_EQ(harness_.counters.tx_messages + dropped, kCount);
}

TEST_F(TcpSendTest, DeliversAnyMixOfBurstsToAnyMixOfReaders) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  options_.backlog_bytes = 20'000;
  open();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(join());
  std::vector<std::vector<Bytes>> sent(3);
  std::vector<std::vector<Bytes>> got(3);
  const uint64_t give_up_ns = monotonic_ns() + uint64_t{kTestWaitMs} * 1'000'000;
  uint32_t tag = 0;
  while (tag < 3000 && monotonic_ns() < give_up_ns) {
    std::vector<Bytes> bytes(prng.between(1, 80));
    std::vector<uint32_t> who(bytes.size());
    std::vector<TxFrame> frames;
    uint32_t client = prng.below(3);
    for (size_t i = 0; i < bytes.size(); ++i) {
      if (prng.one_in(4)) client = prng.below(3);
      who[i] = client;
      bytes[i] = Codec::message(tag + static_cast<uint32_t>(i), prng.between(8, 1900));
      frames.push_back({bytes[i].data(), static_cast<uint32_t>(bytes[i].size()),
                        clients[client].ref, TxVerdict::kPending, 0});
    }
    const uint32_t final_count = harness_.backend.tx_burst(std::span(frames));
    for (uint32_t i = 0; i < final_count; ++i) {
      ASSERT_EQ(frames[i].verdict, TxVerdict::kSent);
      sent[who[i]].push_back(bytes[i]);
    }
    tag += final_count;
    const uint32_t reader = prng.below(3);
    clients[reader].peer.receive(got[reader]);
    harness_.cycle();
  }
  ASSERT_GE(tag, 3000u);
  for (uint32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(harness_.run_until([&] {
      clients[i].peer.receive(got[i]);
      return got[i].size() >= sent[i].size();
    }));
    EXPECT_EQ(got[i], sent[i]);
  }
  EXPECT_TRUE(harness_.backend.tx_idle());
}

}  // namespace
}  // namespace hyperroute
