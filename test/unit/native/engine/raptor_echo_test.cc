// A router that sends back what comes over Raptor: what it reads in a turn it also sends, so that a
// queue that refuses what it has no room for refuses nothing.
//
// One thread drives the router and its peer in turn, over a loopback socket. Between two turns of
// the router the peer takes and acknowledges what has come and sends all that its window lets out;
// windows are static.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "conformance/raptor_world.h"
#include "relay_fixture.h"
#include "unit/native/ring/counters_reader.h"

namespace hyperroute {
namespace {

constexpr uint32_t kTurnsMax = 100'000;
constexpr uint32_t kSentBytes = 16u << 20;
constexpr uint32_t kMessageBytesMax = 64'000;
// The router may have more under way than its peer, whose acknowledgements come behind all that the
// peer has sent: so it is never the window that keeps it from sending.
constexpr uint32_t kPeerWindowBytes = 256 * 1024;
constexpr uint32_t kWindowBytes = 1024 * 1024;

class EchoRouter {
 public:
  EchoRouter() {
    RouterOptions options;
    options.inline_model = true;
    options.workers.emplace_back();
    options.workers[0].name = "worker";
    auto made = Router::create(options);
    EXPECT_TRUE(made.ok()) << made.status().context;
    router_ = made.take();
    open<MemoryBackend>(Relay::kLeft, left_.options());
    open<MemoryBackend>(Relay::kRight, right_.options());
    open<RaptorBackend>(Relay::kEcho, raptor_options());
    install();
    EXPECT_TRUE(router_->start().ok());
  }

  void connect(RaptorEnd& peer) {
    RaptorSocketOptions options;
    options.endpoint.static_keys = raptor_keys();
    options.endpoint.uses_static_window = true;
    options.endpoint.message_bytes_max = kMessageBytesMax;
    options.endpoint.stream_window_bytes = kWindowBytes;
    ASSERT_TRUE(peer.open(options).ok());
    peer.connect(router_->backend<RaptorBackend>(slots_[Relay::kEcho]).local_address(),
                 keys_.public_key);
    for (uint32_t turns = 0; turns < kTurnsMax && !peer.is_open(); ++turns) turn(peer);
    ASSERT_TRUE(peer.is_open());
  }
  void turn(RaptorEnd& peer) {
    static_cast<void>(router_->poll());
    peer.drive();
  }
  uint64_t rejected_count() const {
    CountersReader reader;
    const Counters& counters = router_->counters();
    EXPECT_TRUE(reader.attach(counters.data(), counters.bytes()).ok());
    for (const CounterSample& counter : reader.sample().take().counters) {
      if (counter.label == "route/echo/rejected") return counter.value;
    }
    ADD_FAILURE() << "nothing is counted of the route";
    return 0;
  }

 private:
  RaptorOptions raptor_options() const {
    RaptorOptions options;
    options.address = loopback(AF_INET);
    options.private_key = keys_.private_key;
    options.has_private_key = true;
    options.liveness_us = 60'000'000;
    options.uses_static_window = true;
    options.message_bytes_max = kMessageBytesMax;
    options.window_bytes = kPeerWindowBytes;
    options.stream.ring_bytes = kWindowBytes;
    return options;
  }
  template <class Backend>
  void open(Relay::Endpoint endpoint, const typename Backend::Options& options) {
    PortSpec spec;
    spec.name = "endpoint" + std::to_string(endpoint);
    auto slot = router_->open_endpoint<Backend>(spec, options);
    ASSERT_TRUE(slot.ok()) << slot.status().context;
    slots_[endpoint] = slot.value();
    ASSERT_TRUE(router_->attach(slot.value()).ok());
  }
  void install() {
    const std::vector<uint8_t> image = read_image_vector("relay.image");
    const std::vector<std::string> route_names{"left", "right", "echo"};
    InstallSpec spec;
    spec.image = image;
    spec.slot_of_endpoint = slots_;
    spec.route_names = route_names;
    const Status status = router_->prepare(spec);
    ASSERT_TRUE(status.ok()) << status.context;
    router_->commit();
  }

  crypto::KeyPair keys_ = raptor_keys();
  Application left_;
  Application right_;
  uint8_t slots_[3] = {};
  // Destroyed before the memory its endpoints use.
  std::unique_ptr<Router> router_;
};

class RaptorEcho : public ::testing::TestWithParam<uint32_t> {};

TEST_P(RaptorEcho, SendsWhatItReadsSoThatNothingIsRefused) {
  EchoRouter router;
  RaptorEnd peer;
  router.connect(peer);
  const uint32_t message_bytes = GetParam();
  const uint32_t message_count = kSentBytes / message_bytes;
  uint32_t offered_count = 0;
  uint32_t answered_count = 0;
  std::vector<Bytes> answers;
  for (uint32_t turns = 0; turns < kTurnsMax && answered_count < message_count; ++turns) {
    while (offered_count < message_count && peer.offer(text_of(offered_count, message_bytes))) {
      ++offered_count;
    }
    router.turn(peer);
    peer.receive(answers);
    for (const Bytes& answer : answers) ASSERT_EQ(answer, text_of(answered_count++, message_bytes));
    answers.clear();
    ASSERT_EQ(router.rejected_count(), 0u);
  }
  EXPECT_EQ(answered_count, message_count);
  EXPECT_EQ(router.rejected_count(), 0u);
}

INSTANTIATE_TEST_SUITE_P(MessageBytes, RaptorEcho, ::testing::Values(4000, 60'000));

}  // namespace
}  // namespace hyperroute
