// The socket that drives the protocol: many datagrams a call, buffers, hostile datagrams, waiting.
#include "io/raptor/raptor_socket.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "conformance/raptor_world.h"

namespace hyperroute {
namespace {

class RaptorSocketTest : public ::testing::Test {
 protected:
  void open(bool uses_offload, const LossyOptions& lossy = {}) {
    RaptorSocketOptions options;
    options.uses_offload = uses_offload;
    options.lossy = lossy;
    options.endpoint.is_listener = true;
    options.endpoint.uses_static_window = uses_static_window_;
    options.endpoint.static_keys = keys_;
    ASSERT_TRUE(server_.open(options).ok());
    options.endpoint.is_listener = false;
    options.endpoint.static_keys = raptor_keys();
    options.lossy = {};
    ASSERT_TRUE(client_.open(options).ok());
    client_.connect(server_.socket().local_address(), keys_.public_key);
    ASSERT_TRUE(both_until([&] { return server_.is_open() && client_.is_open(); }));
  }
  bool both_until(const std::function<bool()>& is_so) {
    const uint64_t give_up_ns = monotonic_ns() + uint64_t{kTestWaitMs} * 1'000'000;
    while (!is_so()) {
      if (monotonic_ns() > give_up_ns) return false;
      client_.drive();
      server_.drive();
    }
    return true;
  }
  // As many messages as it says, and whether all of them arrived as they were.
  void exchange(uint32_t message_count) {
    std::vector<Bytes> got;
    uint32_t sent_count = 0;
    ASSERT_TRUE(both_until([&] {
      while (sent_count < message_count && client_.offer(text_of(sent_count, 1000))) ++sent_count;
      server_.receive(got);
      return got.size() == message_count;
    }));
    for (uint32_t i = 0; i < message_count; ++i) ASSERT_EQ(got[i], text_of(i, 1000));
  }

  bool uses_static_window_ = false;
  crypto::KeyPair keys_ = raptor_keys();
  RaptorEnd server_;
  RaptorEnd client_;
};

TEST_F(RaptorSocketTest, SendsAndReceivesManyDatagramsACall) {
  open(true);
  exchange(3000);
  const RaptorSocketCounters& sent = client_.socket().counters();
  const RaptorSocketCounters& received = server_.socket().counters();
  if (client_.socket().sends_segments()) {
    EXPECT_LT(sent.tx_calls * 2, sent.tx_datagrams);
  }
  if (server_.socket().joins_segments()) {
    EXPECT_LT(received.rx_calls * 2, received.rx_datagrams);
  }
  EXPECT_EQ(sent.io_errors + received.io_errors + received.rx_cut, 0u);
}

// Else the ACKs of a whole window would wait for the next one to be sealed and sent.
TEST_F(RaptorSocketTest, SendsOneRoundOfBatchesAndThenLetsItsOwnerRead) {
  uses_static_window_ = true;
  open(true);
  raptor::Session* const session = client_.session();
  const auto stream = session->open_stream(raptor::StreamOptions{});
  ASSERT_TRUE(stream.ok());
  const Bytes message = text_of(1, 1000);
  while (session->offer(monotonic_ns(), stream.value(), message) >= 0) {
  }
  client_.socket().endpoint().touch(client_.ref());
  const uint64_t bytes_before = client_.socket().counters().tx_bytes;
  static_cast<void>(client_.socket().transmit(monotonic_ns()));
  const uint64_t sent_bytes = client_.socket().counters().tx_bytes - bytes_before;
  EXPECT_GT(sent_bytes, 0u);
  EXPECT_LE(sent_bytes, kRaptorTransmitBytes);
}

TEST_F(RaptorSocketTest, SaysThreeTimesThatItIsGone) {
  open(true);
  const uint64_t sent_before = client_.socket().counters().tx_datagrams;
  client_.socket().close();
  EXPECT_EQ(client_.socket().counters().tx_datagrams, sent_before + raptor::kCloseTries);
  std::vector<Bytes> got;
  const uint64_t give_up_ns = monotonic_ns() + uint64_t{kTestWaitMs} * 1'000'000;
  while (server_.is_open() && monotonic_ns() < give_up_ns) server_.receive(got);
  EXPECT_FALSE(server_.is_open());
}

TEST_F(RaptorSocketTest, DoesWithoutTheKernelsHelp) {
  open(false);
  EXPECT_FALSE(client_.socket().sends_segments());
  EXPECT_FALSE(server_.socket().joins_segments());
  exchange(3000);
}

TEST_F(RaptorSocketTest, LosesNothingBehindALossyDecorator) {
  LossyOptions lossy;
  lossy.seed = monotonic_ns();
  lossy.loss_share = 100'000;
  lossy.duplicate_share = 50'000;
  lossy.reorder_share = 100'000;
  SCOPED_TRACE(testing::Message() << "seed " << lossy.seed);
  open(true, lossy);
  exchange(2000);
}

TEST_F(RaptorSocketTest, TellsThePeerNoMoreThanItsBufferTakes) {
  RaptorSocketOptions options;
  options.receive_buffer_bytes = 64 * 1024;
  options.endpoint.static_keys = keys_;
  ASSERT_TRUE(client_.open(options).ok());
  const uint32_t granted = client_.socket().receive_buffer_bytes();
  EXPECT_GE(granted, 64u * 1024);
  EXPECT_LE(client_.socket().endpoint().options().in_flight_bytes_max, granted);
  options.endpoint.is_listener = true;
  ASSERT_TRUE(server_.open(options).ok());
  // Its buffer is shared by its peers.
  EXPECT_LT(server_.socket().endpoint().options().in_flight_bytes_max,
            client_.socket().endpoint().options().in_flight_bytes_max);
}

TEST_F(RaptorSocketTest, DropsWhateverIsNoneOfTheProtocolAndGoesOn) {
  open(true);
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  const SocketAddress to = server_.socket().local_address();
  const UniqueFd stranger = open_raw(SOCK_DGRAM, loopback(AF_INET));
  uint32_t sent_count = 0;
  for (uint32_t i = 0; i < 500; ++i) {
    Bytes datagram(prng.below(3000));
    for (uint8_t& byte : datagram) byte = static_cast<uint8_t>(prng.next_u32());
    if (!datagram.empty() && prng.one_in(2)) {
      datagram[0] = static_cast<uint8_t>(prng.between(0xD1, 0xD4));
    }
    if (::sendto(stranger.get(), datagram.data(), datagram.size(), 0, to.socket_address(),
                 to.socket_bytes()) >= 0) {
      ++sent_count;
    }
    server_.drive();
  }
  EXPECT_GT(sent_count, 400u);
  // Joined ones too, of a size that leaves the second unaligned.
  const int segment_bytes = 1001;
  if (::setsockopt(stranger.get(), IPPROTO_UDP, 103, &segment_bytes, sizeof segment_bytes) == 0) {
    const Bytes joined(5 * segment_bytes, 0xD4);
    EXPECT_EQ(::sendto(stranger.get(), joined.data(), joined.size(), 0, to.socket_address(),
                       to.socket_bytes()),
              static_cast<ssize_t>(joined.size()));
    server_.drive();
  }
  exchange(200);
  EXPECT_EQ(server_.ended_count, 0u);
}

TEST_F(RaptorSocketTest, WakesForADatagramAndIsQuietWithout) {
  open(true);
  ASSERT_TRUE(client_.socket().prepare_wait(true));
  const int fd = server_.socket().wait_fd();
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(both_until([&] {
      client_.drive();
      server_.drive();
      EXPECT_TRUE(server_.socket().prepare_wait(true));
      return client_.is_acknowledged() && !wait_readable(fd, 1);
    }));
    ASSERT_TRUE(client_.offer(text_of(1, 100)));
    ASSERT_TRUE(wait_readable(fd));
  }
  // Not reading, it does not wake for what comes.
  ASSERT_TRUE(server_.socket().prepare_wait(false));
  ASSERT_TRUE(client_.offer(text_of(1, 100)));
  EXPECT_FALSE(wait_readable(fd, 1));
}

TEST_F(RaptorSocketTest, RefusesAnAddressThatOthersReachUnlessExposed) {
  RaptorSocketOptions options;
  options.local = SocketAddress::parse("0.0.0.0", 0).take();
  options.endpoint.static_keys = keys_;
  RaptorSocket socket;
  EXPECT_EQ(socket.open(monotonic_ns(), options).code, StatusCode::kConfig);
  EXPECT_FALSE(socket.is_open());
  options.exposed = true;
  EXPECT_TRUE(socket.open(monotonic_ns(), options).ok());
  socket.close();
  EXPECT_FALSE(socket.is_open());
}

TEST_F(RaptorSocketTest, TakesAnIpv4AddressOrAnIpv6NetworkForAHost) {
  const auto host_of = [](const char* host, uint16_t port) {
    return raptor_host_of(path_address_of(SocketAddress::parse(host, port).take()));
  };
  EXPECT_EQ(host_of("192.0.2.1", 1), host_of("192.0.2.1", 2));
  EXPECT_NE(host_of("192.0.2.1", 1), host_of("192.0.2.2", 1));
  EXPECT_EQ(host_of("2001:db8:0:1::1", 1), host_of("2001:db8:0:1:ffff::2", 9));
  EXPECT_NE(host_of("2001:db8:0:1::1", 1), host_of("2001:db8:0:2::1", 1));
  EXPECT_NE(host_of("::1", 1), 0u);
}

TEST_F(RaptorSocketTest, PutsAddressesIntoTheProtocolsFormAndBack) {
  for (const char* host : {"127.0.0.1", "::1", "fe80::1", "255.255.255.255"}) {
    const SocketAddress address = SocketAddress::parse(host, 4711).take();
    EXPECT_EQ(socket_address_of(path_address_of(address)), address);
  }
  const auto one = path_address_of(SocketAddress::parse("127.0.0.1", 1).take());
  EXPECT_NE(one, path_address_of(SocketAddress::parse("127.0.0.1", 2).take()));
  EXPECT_NE(one, path_address_of(SocketAddress::parse("127.0.0.2", 1).take()));
}

}  // namespace
}  // namespace hyperroute
