// What a raptor endpoint moves in one turn of a router: it hands out about as much as it can send
// in the same turn, and sends as much as it was offered, as a node does. The peers are on the
// test's own thread.
#include <gtest/gtest.h>

#include "conformance/raptor_world.h"
#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

constexpr uint32_t kTurnsMax = 10'000;
constexpr uint32_t kTriesMax = 100;
// Enough to read all that one turn of the endpoint can have sent.
constexpr uint32_t kPeerTurns = 20;

class RaptorTurns : public ::testing::Test {
 protected:
  void SetUp() override {
    RaptorOptions options = world_.options();
    options.uses_static_window = true;
    const Status status = harness_.backend.open(options, harness_.counters.pointers(), 0);
    ASSERT_TRUE(status.ok()) << status.context;
    harness_.drive_peers = [this] { world_.drive(); };
    peer_ = world_.join(harness_);
  }
  void TearDown() override { harness_.backend.close(); }

  // One burst, of which everything is held or taken. Returns the bytes that were handed out.
  uint32_t receive(bool is_held) {
    RxView views[32];
    const uint32_t count = harness_.backend.rx_burst(std::span(views), monotonic_ns());
    uint32_t bytes = 0;
    for (const RxView& view : std::span(views).first(count)) {
      bytes += view.bytes;
      if (is_held) {
        harness_.backend.hold(view);
        continue;
      }
      harness_.keep(view);
      harness_.backend.release(view);
    }
    peer_->end->drive();
    return bytes;
  }

  RaptorWorld<RaptorMode::kListen> world_;
  BackendHarness<RaptorBackend> harness_;
  std::unique_ptr<RaptorWorld<RaptorMode::kListen>::Peer> peer_;
};

TEST_F(RaptorTurns, HandOutARoundOfBatchesOfLargeMessages) {
  constexpr uint32_t kMessageBytes = 20'000;
  constexpr uint32_t kMessageCount = 25;
  for (uint32_t tag = 0; tag < kMessageCount; ++tag) {
    ASSERT_TRUE(peer_->send(text_of(tag, kMessageBytes)));
  }
  // All have come when the first is taken.
  for (uint32_t turn = 0; turn < kTurnsMax && !peer_->end->is_acknowledged(); ++turn) {
    receive(true);
  }
  ASSERT_TRUE(peer_->end->is_acknowledged());
  uint32_t bytes_max = 0;
  for (uint32_t turn = 0; turn < kTurnsMax && harness_.received.size() < kMessageCount; ++turn) {
    bytes_max = std::max(bytes_max, receive(false));
  }
  ASSERT_EQ(harness_.received.size(), kMessageCount);
  for (uint32_t tag = 0; tag < kMessageCount; ++tag) {
    EXPECT_EQ(harness_.received[tag].message, text_of(tag, kMessageBytes));
  }
  EXPECT_GE(bytes_max, kRaptorHandedBytesMax);
  EXPECT_LT(bytes_max, kRaptorHandedBytesMax + kMessageBytes);
}

// Of a round trip that took long because the host is busy the pace is slow; one try is enough that
// found it quick.
TEST_F(RaptorTurns, SendAsMuchAsWasOffered) {
  ASSERT_TRUE(peer_->send(text_of(1, 8)));
  ASSERT_TRUE(harness_.run_until_received(1));
  const PeerRef peer = harness_.received[0].peer;
  bool has_left_at_once = false;
  for (uint32_t tag = 0; tag < kTriesMax && !has_left_at_once; ++tag) {
    const Bytes message = text_of(tag, kRaptorTransmitBytes * 3 / 2);
    ASSERT_EQ(harness_.offer(peer, message), TxVerdict::kSent);
    std::vector<Bytes> got;
    // The endpoint has no further turn.
    for (uint32_t turn = 0; turn < kPeerTurns; ++turn) peer_->receive(got);
    has_left_at_once = !got.empty();
    ASSERT_TRUE(harness_.run_until([&] {
      peer_->receive(got);
      return !got.empty();
    }));
    EXPECT_EQ(got, std::vector<Bytes>{message});
  }
  EXPECT_TRUE(has_left_at_once);
}

// One try is enough, as above. A window that has still to grow would hold the message back.
TEST(RaptorNodeTurns, SendAsMuchAsWasOffered) {
  NodeWorld world;
  TestNode& server = world.listen();
  RaptorNodeOptions options = world.options(false);
  options.socket.endpoint.uses_static_window = true;
  TestNode& client = world.connect(server, options);
  const uint32_t publication = client.publish(1);
  server.subscribe(1);
  world.run_until([&] { return client.is_connected(); });
  const std::string message(kRaptorTransmitBytes * 3 / 2, 'x');
  bool has_left_at_once = false;
  for (uint32_t count = 1; count <= kTriesMax && !has_left_at_once; ++count) {
    ASSERT_GT(client.offer(publication, message), 0);
    // The client has no further turn.
    for (uint32_t turn = 0; turn < kPeerTurns; ++turn) server.turn();
    has_left_at_once = server.got(1).size() == count;
    world.run_until([&] { return server.got(1).size() == count; });
    ASSERT_EQ(server.got(1).back(), message);
  }
  EXPECT_TRUE(has_left_at_once);
}

}  // namespace
}  // namespace hyperroute
