// The udp endpoint beyond the conformance suite: errors, buffers, kernel drops, its remote.
#include "io/udp/udp.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "conformance/udp_world.h"

namespace hyperroute {
namespace {

using World = UdpWorld<AF_INET>;
using Harness = World::Harness;

class UdpTest : public ::testing::Test {
 protected:
  void open(const UdpOptions& options) {
    const Status status = harness_.backend.open(options, harness_.counters.pointers(), 0);
    ASSERT_TRUE(status.ok()) << status.context;
  }
  void TearDown() override { harness_.backend.close(); }

  // A plain socket, and options of an endpoint whose remote it is.
  UniqueFd make_remote(UdpOptions& options) {
    UniqueFd remote = open_raw(SOCK_DGRAM, loopback(AF_INET));
    options.remote = SocketAddress::local_of(remote.get()).take();
    return remote;
  }
  Bytes receive(int fd) {
    uint8_t datagram[65536];
    if (!wait_readable(fd)) return {};
    const ssize_t bytes = ::recv(fd, datagram, sizeof datagram, 0);
    return Bytes(datagram, datagram + std::max<ssize_t>(bytes, 0));
  }

  World world_;
  Harness harness_;
};

TEST_F(UdpTest, NamesTheAddressThatIsInUse) {
  open(World::options());
  UdpOptions options = World::options();
  options.local = harness_.backend.local_address();
  Harness other;
  const Status status = other.backend.open(options, other.counters.pointers(), 0);
  EXPECT_EQ(status.code, StatusCode::kAddressInUse);
  char text[kAddressTextBytes];
  EXPECT_NE(std::string(status.context).find(options.local.print(text)), std::string::npos);
}

TEST_F(UdpTest, RefusesOptionsThatCannotBe) {
  const auto code = [](auto change) {
    UdpOptions options = World::options();
    change(options);
    Harness harness;
    return harness.backend.open(options, harness.counters.pointers(), 0).code;
  };
  EXPECT_EQ(code([](UdpOptions& o) { o.datagram_bytes_max = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](UdpOptions& o) { o.datagram_bytes_max = 65'508; }), StatusCode::kConfig);
  EXPECT_EQ(code([](UdpOptions& o) { o.senders_max = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](UdpOptions& o) { o.remote = loopback(AF_INET6, 9); }), StatusCode::kConfig);
  EXPECT_EQ(code([](UdpOptions& o) { o.remote = loopback(AF_INET, 0); }), StatusCode::kConfig);
  EXPECT_EQ(code([](UdpOptions& o) { o.local = SocketAddress::parse("0.0.0.0", 0).take(); }),
            StatusCode::kConfig);
  EXPECT_EQ(code([](UdpOptions& o) {
              o.local = SocketAddress::parse("192.0.2.1", 0).take();
              o.exposed = true;
            }),
            StatusCode::kAddressInvalid);
}

TEST_F(UdpTest, ReportsTheBufferSizesItWasGranted) {
  UdpOptions options = World::options();
  options.receive_buffer_bytes = 300'000;
  options.send_buffer_bytes = 200'000;
  open(options);
  EXPECT_GE(harness_.backend.receive_buffer_bytes(), 200'000u);
  EXPECT_GE(harness_.backend.send_buffer_bytes(), 200'000u);
  const uint32_t before = harness_.backend.receive_buffer_bytes();
  options.receive_buffer_bytes = 100'000;
  ASSERT_TRUE(can_reconfigure(World::options(), options));
  harness_.backend.reconfigure(options);
  EXPECT_LT(harness_.backend.receive_buffer_bytes(), before);
  options.senders_max = 9;
  EXPECT_FALSE(can_reconfigure(World::options(), options));
}

TEST_F(UdpTest, CountsWhatTheKernelDroppedExactly) {
  UdpOptions options = World::options();
  options.receive_buffer_bytes = 4096;
  open(options);
  auto peer = world_.join(harness_);
  constexpr uint32_t kSent = 500;
  for (uint32_t i = 0; i < kSent; ++i) ASSERT_TRUE(peer->send(World::message(i, 100)));
  ASSERT_TRUE(harness_.run_until(
      [&] { return harness_.counters.rx_messages + harness_.counters.kernel_drops == kSent; }));
  EXPECT_GT(harness_.counters.kernel_drops, 0u);
  EXPECT_EQ(harness_.received.size(), harness_.counters.rx_messages);
  EXPECT_EQ(harness_.received[0].message, World::message(0, 100));
}

TEST_F(UdpTest, KeepsDatagramsApartWhenOneOfThemIsCut) {
  open(World::options());
  auto peer = world_.join(harness_);
  for (uint32_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(peer->send(i % 4 == 3 ? Bytes(5000, 'x') : World::message(i, 2048)));
  }
  ASSERT_TRUE(harness_.run_until_received(30));
  ASSERT_TRUE(harness_.run_until([&] { return harness_.counters.rx_truncated == 10; }));
  for (uint32_t i = 0; i < 30; ++i) {
    EXPECT_EQ(harness_.received[i].message, World::message(i / 3 * 4 + i % 3, 2048));
  }
}

TEST_F(UdpTest, SendsToItsRemoteAndHearsAnybody) {
  UdpOptions options = World::options();
  UniqueFd remote = make_remote(options);
  open(options);
  EXPECT_TRUE(harness_.backend.is_live(kDefaultPeer));
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 1u);
  EXPECT_EQ(harness_.send(kDefaultPeer, World::message(1, 30)), TxVerdict::kSent);
  EXPECT_EQ(receive(remote.get()), World::message(1, 30));
  auto stranger = world_.join(harness_);
  ASSERT_TRUE(stranger->send(World::message(2, 30)));
  ASSERT_TRUE(harness_.run_until_received(1));
  // What the remote sends comes from the peer that messages to it are numbered for.
  World::Peer as_peer{std::move(remote), harness_.backend.local_address()};
  ASSERT_TRUE(as_peer.send(World::message(3, 30)));
  ASSERT_TRUE(harness_.run_until_received(2));
  EXPECT_EQ(harness_.backend.take_sequence(harness_.received[1].peer), 2u);
  EXPECT_EQ(harness_.backend.take_sequence(harness_.received[0].peer), 1u);
}

TEST_F(UdpTest, HasNoDefaultPeerWithoutARemote) {
  open(World::options());
  EXPECT_FALSE(harness_.backend.is_live(kDefaultPeer));
  EXPECT_EQ(harness_.offer(kDefaultPeer, World::message(1, 30)), TxVerdict::kFailed);
  EXPECT_EQ(harness_.backend.take_sequence(kDefaultPeer), 0u);
}

TEST_F(UdpTest, GivesEachFrameOfABurstItsOwnVerdict) {
  UdpOptions options = World::options();
  options.datagram_bytes_max = kUdpDatagramBytesMax;
  UniqueFd remote = make_remote(options);
  options.exposed = true;
  open(options);
  auto peer = world_.join(harness_);
  ASSERT_TRUE(peer->send(World::message(1, 30)));
  ASSERT_TRUE(harness_.run_until_received(1));
  const PeerRef known = harness_.received[0].peer;
  std::vector<Bytes> bytes(70, World::message(5, 50));
  bytes[3] = Bytes(kUdpDatagramBytesMax + 1, 'x');
  std::vector<TxFrame> frames;
  for (uint32_t i = 0; i < bytes.size(); ++i) {
    PeerRef to = i % 2 == 0 ? kDefaultPeer : known;
    if (i == 10 || i == 11) to = PeerRef{known.index, static_cast<uint16_t>(known.generation + 1)};
    frames.push_back(
        {bytes[i].data(), static_cast<uint32_t>(bytes[i].size()), to, TxVerdict::kPending, 0});
  }
  EXPECT_EQ(harness_.backend.tx_burst(std::span(frames)), 70u);
  for (uint32_t i = 0; i < frames.size(); ++i) {
    const TxVerdict expected = i == 3               ? TxVerdict::kTooLarge
                               : i == 10 || i == 11 ? TxVerdict::kPeerGone
                                                    : TxVerdict::kSent;
    EXPECT_EQ(frames[i].verdict, expected) << i;
  }
  EXPECT_EQ(harness_.counters.tx_messages, 67u);
  std::vector<Bytes> messages;
  peer->receive(messages);
  EXPECT_EQ(messages.size(), 33u);
}

TEST_F(UdpTest, SaysWhenAnAddressCannotBeReached) {
  UdpOptions options = World::options();
  // Off the host from a loopback address: the kernel refuses, whatever the routes are.
  options.remote = SocketAddress::parse("192.0.2.1", 9).take();
  open(options);
  EXPECT_EQ(harness_.offer(kDefaultPeer, World::message(1, 30)), TxVerdict::kFailed);
  EXPECT_EQ(harness_.counters.tx_messages, 0u);
}

}  // namespace
}  // namespace hyperroute
