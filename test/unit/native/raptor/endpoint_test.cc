// How sessions come to be between two endpoints, and what each end is told.
#include "raptor/endpoint.h"

#include <gtest/gtest.h>

#include <string>

#include "endpoint_pair.h"

namespace hyperroute::raptor {
namespace {

using Kind = SessionEventKind;

TEST(Endpoint, EstablishesASessionAtBothEndsInOneRoundTrip) {
  TestNetwork network(1);
  network.start(kListener);
  network.start(kClient);
  const SessionRef ref = network.establish();
  ASSERT_EQ(network.established(kClient).size(), 1u);
  EXPECT_EQ(network.established(kClient)[0].session, ref);
  EXPECT_TRUE(network.established(kClient)[0].is_initiator);
  ASSERT_EQ(network.established(kListener).size(), 1u);
  const SessionRef theirs = network.established(kListener)[0].session;
  EXPECT_FALSE(network.established(kListener)[0].is_initiator);
  ASSERT_NE(network.at(kListener).peer_key_of(theirs), nullptr);
  EXPECT_EQ(*network.at(kListener).peer_key_of(theirs), keys_of(kClient).public_key);
  EXPECT_EQ(*network.at(kListener).path_of(theirs), address_of(kClient));
  EXPECT_EQ(*network.at(kClient).path_of(ref), address_of(kListener));
  EXPECT_EQ(network.at(kListener).counters().half_open, 0u);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 1u);
  EXPECT_EQ(network.at(kListener).counters().handshakes_completed, 1u);
}

TEST(Endpoint, IsNotEstablishedAtTheResponderBeforeTheKeyIsConfirmed) {
  TestNetwork network(2);
  network.start(kListener);
  network.start(kClient);
  network.filter = [](Datagram& datagram) { return datagram.kind() != PacketKind::kData; };
  network.connect(kClient);
  network.run();
  EXPECT_TRUE(network.established(kListener).empty());
  EXPECT_EQ(network.at(kListener).counters().half_open, 1u);
  network.advance(2 * kHalfOpenNs);
  EXPECT_EQ(network.at(kListener).counters().half_open, 0u);
  EXPECT_EQ(network.at(kListener).counters().handshakes_expired, 1u);
  EXPECT_TRUE(network.at(kListener).is_idle());
}

TEST(Endpoint, AsksAgainEverMoreRarelyAndGivesUpInTime) {
  TestNetwork network(3);
  network.start(kClient);
  network.is_recording = true;
  std::vector<uint64_t> sent_ns;
  network.filter = [&](Datagram&) {
    sent_ns.push_back(network.now_ns);
    return false;
  };
  const uint64_t begin_ns = network.now_ns;
  const SessionRef ref = network.connect(kClient);
  network.advance(10'000 * kMs);
  const std::vector<uint64_t> expected_ms = {0, 50, 150, 350, 750, 1550, 2550};
  ASSERT_EQ(sent_ns.size(), expected_ms.size());
  for (size_t at = 0; at < sent_ns.size(); ++at) {
    EXPECT_EQ(sent_ns[at] - begin_ns, expected_ms[at] * kMs);
  }
  const auto ended = network.ended(kClient);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].session, ref);
  EXPECT_EQ(ended[0].reason, CloseReason::kHandshakeTimeout);
  EXPECT_TRUE(network.at(kClient).is_idle());
  EXPECT_EQ(network.at(kClient).next_deadline_ns(), kNeverNs);
}

TEST(Endpoint, EstablishesOneSessionThoughEveryFirstPacketIsLost) {
  for (const PacketKind lost : {PacketKind::kInitiate, PacketKind::kRespond, PacketKind::kData}) {
    TestNetwork network(4);
    network.start(kListener);
    network.start(kClient);
    bool is_lost = false;
    network.filter = [&](Datagram& datagram) {
      if (datagram.kind() != lost || is_lost) return true;
      is_lost = true;
      return false;
    };
    network.connect(kClient);
    network.advance(90 * kMs);
    EXPECT_EQ(network.established(kListener).size(), 1u) << static_cast<int>(lost);
    EXPECT_EQ(network.established(kClient).size(), 1u) << static_cast<int>(lost);
  }
}

TEST(Endpoint, RefusesAKeyThatIsNotAllowedAndSaysSo) {
  TestNetwork network(5);
  EndpointOptions options = network.options(kListener);
  options.allow_list = {keys_of(50).public_key, keys_of(51).public_key};
  network.start(kListener, options);
  network.start(kClient);
  network.connect(kClient);
  network.run();
  const auto ended = network.ended(kClient);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].reason, CloseReason::kRefused);
  EXPECT_EQ(ended[0].refusal, HandshakeStatus::kKeyNotAllowed);
  EXPECT_TRUE(network.node(kListener).events.empty());
  EXPECT_TRUE(network.at(kListener).is_idle());
  for (const uint32_t end : {kListener, kClient}) {
    EXPECT_EQ(network.at(end).counters().handshakes_refused, 1u) << end;
    EXPECT_EQ(network.at(end).counters().refused_key, 1u) << end;
  }
}

TEST(Endpoint, TakesAKeyOfItsList) {
  TestNetwork network(6);
  EndpointOptions options = network.options(kListener);
  options.allow_list = {keys_of(50).public_key, keys_of(kClient).public_key};
  network.start(kListener, options);
  network.start(kClient);
  network.establish();
  EXPECT_EQ(network.established(kListener).size(), 1u);
}

TEST(Endpoint, IsSilentTowardsWhoeverDoesNotKnowItsKey) {
  TestNetwork network(7);
  network.start(kListener);
  network.start(kClient);
  network.connect(kClient, kListener, 99);
  network.advance(5'000 * kMs);
  const auto ended = network.ended(kClient);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].reason, CloseReason::kHandshakeTimeout);
  EXPECT_EQ(network.at(kListener).counters().datagrams_out, 0u);
  EXPECT_EQ(network.at(kListener).counters().bad_mac, 7u);
}

TEST(Endpoint, NeverMixesInsecureAndSecureEnds) {
  for (const bool is_listener_insecure : {false, true}) {
    TestNetwork network(8);
    EndpointOptions listener = network.options(kListener);
    listener.insecure = is_listener_insecure;
    EndpointOptions client = network.options(kClient);
    client.insecure = !is_listener_insecure;
    network.start(kListener, listener);
    network.start(kClient, client);
    network.connect(kClient);
    network.advance(5'000 * kMs);
    ASSERT_EQ(network.ended(kClient).size(), 1u);
    EXPECT_EQ(network.ended(kClient)[0].reason, CloseReason::kHandshakeTimeout);
    EXPECT_EQ(network.at(kListener).counters().mode_mismatch, 7u);
    EXPECT_EQ(network.at(kListener).counters().datagrams_out, 0u);
  }
}

TEST(Endpoint, ConnectsInsecureEndsWithoutKeys) {
  TestNetwork network(9);
  EndpointOptions listener;
  listener.is_listener = true;
  listener.insecure = true;
  EndpointOptions client;
  client.insecure = true;
  network.start(kListener, listener);
  network.start(kClient, client);
  network.establish();
  EXPECT_EQ(network.established(kListener).size(), 1u);
}

TEST(Endpoint, PromisesNoWindowThatItsStreamsCannotHave) {
  EndpointOptions options;
  options.insecure = true;
  options.stream_window_bytes = kStreamRingBytesMax + 1;
  EXPECT_EQ(Endpoint::create(0, options).status().code, StatusCode::kConfig);
  options.stream_window_bytes = kStreamRingBytesMax;
  EXPECT_TRUE(Endpoint::create(0, options).ok());
}

TEST(Endpoint, WaitsForASilentPeerForAnHourIfAskedTo) {
  EndpointOptions options;
  options.insecure = true;
  options.liveness_us = kLivenessUsMax + 1;
  EXPECT_EQ(Endpoint::create(0, options).status().code, StatusCode::kConfig);
  options.liveness_us = kLivenessUsMax;
  TestNetwork network(17);
  network.start(kClient, options);
  options.is_listener = true;
  network.start(kListener, options);
  network.establish();
  network.filter = [](Datagram&) { return false; };
  network.advance(uint64_t{3'000} * 1'000'000'000);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 1u);
  network.advance(uint64_t{700} * 1'000'000'000);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 0u);
}

TEST(Endpoint, TellsAnEndOfAnotherVersionThatItIsOne) {
  TestNetwork network(10);
  network.start(kListener);
  network.start(kClient);
  // An initiator of version 9 with the handshake of version 1, as its own code would write it.
  Parameters parameters;
  parameters.session = 0x1234560003;
  parameters.liveness_us = 1;
  parameters.in_flight_bytes_max = parameters.datagram_bytes_max = kDatagramBytesMin;
  std::string prologue = "hyperroute raptor 1";
  HandshakeHeader header{.kind = PacketKind::kInitiate,
                         .noise_bytes = crypto::kNoiseFirstOverheadBytes + kParametersBytes,
                         .session = parameters.session};
  std::vector<uint8_t> datagram(kInitiateBytes);
  write_initiate(datagram.data(), header, nullptr);
  datagram[1] = 9;
  prologue.append(reinterpret_cast<const char*>(datagram.data()), kHandshakeHeaderBytes);
  auto noise = crypto::NoiseIk::initiator(
      crypto::AeadKind::kAes256Gcm, keys_of(kClient), keys_of(1).public_key, keys_of(70),
      {reinterpret_cast<const uint8_t*>(prologue.data()), prologue.size()});
  uint8_t payload[kParametersBytes];
  write_parameters(payload, parameters);
  ASSERT_TRUE(noise.write_message(payload, std::span(datagram).subspan(16, 1000)).ok());
  write_initiate_mac(initiate_mac_key(keys_of(1).public_key), datagram.data());
  network.is_recording = true;
  network.deliver({kClient, kListener, datagram});
  network.run();
  const auto answers = network.recorded_of(PacketKind::kRespond);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].bytes[1], 9);
  ASSERT_TRUE(noise.read_message(std::span(answers[0].bytes).subspan(16), payload).ok());
  Parameters answer;
  std::memcpy(&answer, payload, sizeof answer);
  EXPECT_EQ(answer.status, HandshakeStatus::kVersion);
  EXPECT_EQ(network.at(kListener).counters().version_mismatch, 1u);
  EXPECT_EQ(network.at(kListener).counters().refused_version, 1u);
  EXPECT_TRUE(network.at(kListener).is_idle());
}

TEST(Endpoint, AnswersBusyWhenItHasAllItsSessions) {
  TestNetwork network(11);
  EndpointOptions options = network.options(kListener);
  options.sessions_max = 2;
  network.start(kListener, options);
  for (uint32_t client = 2; client <= 4; ++client) network.start(client);
  network.establish(2);
  network.establish(3);
  network.connect(4);
  network.run();
  ASSERT_EQ(network.ended(4).size(), 1u);
  EXPECT_EQ(network.ended(4)[0].reason, CloseReason::kRefused);
  EXPECT_EQ(network.ended(4)[0].refusal, HandshakeStatus::kBusy);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 2u);
  EXPECT_EQ(network.at(kListener).counters().refused_busy, 1u);
  EXPECT_EQ(network.at(4).counters().refused_busy, 1u);
}

TEST(Endpoint, LetsAPeerReplaceItsOwnSessionThoughAllAreTaken) {
  TestNetwork network(12);
  EndpointOptions options = network.options(kListener);
  options.sessions_max = 1;
  network.start(kListener, options);
  network.start(kClient);
  network.establish();
  network.start(kClient);
  network.establish();
  EXPECT_EQ(network.established(kListener).size(), 2u);
  ASSERT_EQ(network.ended(kListener).size(), 1u);
  EXPECT_EQ(network.ended(kListener)[0].reason, CloseReason::kReplaced);
}

TEST(Endpoint, TellsAPeerWhoseConfirmationFindsAllSessionsTaken) {
  TestNetwork network(18);
  EndpointOptions options = network.options(kListener);
  options.sessions_max = 1;
  network.start(kListener, options);
  Datagram held;
  network.filter = [&](Datagram& datagram) {
    if (datagram.kind() != PacketKind::kData) return true;
    held = datagram;
    return false;
  };
  network.start(3);
  network.connect(3);
  network.run();
  ASSERT_EQ(network.established(3).size(), 1u);
  network.filter = nullptr;
  network.start(kClient);
  network.establish();
  network.deliver(held);
  network.run();
  ASSERT_EQ(network.ended(3).size(), 1u);
  EXPECT_EQ(network.ended(3)[0].reason, CloseReason::kPeerClosed);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 1u);
  EXPECT_EQ(network.at(kListener).counters().half_open, 0u);
  EXPECT_TRUE(network.ended(kClient).empty());
  EXPECT_EQ(network.established(kListener).size(), 1u);
}

TEST(Endpoint, ConnectsNoMoreThanItsSessionsAllow) {
  TestNetwork network(13);
  EndpointOptions options = network.options(kClient);
  options.sessions_max = 1;
  network.start(kClient, options);
  network.connect(kClient);
  const auto second =
      network.at(kClient).connect(network.now_ns, address_of(kListener), keys_of(1).public_key);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code, StatusCode::kLimit);
}

TEST(Endpoint, RefusesNewSessionsWhileItShutsDown) {
  TestNetwork network(14);
  network.start(kListener);
  network.start(kClient);
  network.start(3);
  network.establish();
  network.at(kListener).reject_new(true);
  network.connect(3);
  network.run();
  ASSERT_EQ(network.ended(3).size(), 1u);
  EXPECT_EQ(network.ended(3)[0].refusal, HandshakeStatus::kShuttingDown);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 1u);
  network.at(kListener).reject_new(false);
  network.establish(3);
}

TEST(Endpoint, DoesNotAnswerUnlessItListens) {
  TestNetwork network(15);
  EndpointOptions options = network.options(kListener);
  options.is_listener = false;
  network.start(kListener, options);
  network.start(kClient);
  network.connect(kClient);
  network.run();
  EXPECT_EQ(network.at(kListener).counters().not_listening, 1u);
  EXPECT_EQ(network.at(kListener).counters().datagrams_out, 0u);
}

TEST(Endpoint, ForgetsACancelledAttemptWithoutAnEvent) {
  TestNetwork network(16);
  network.start(kListener);
  network.start(kClient);
  const SessionRef ref = network.connect(kClient);
  network.at(kClient).cancel(ref);
  network.advance(5'000 * kMs);
  EXPECT_TRUE(network.node(kClient).events.empty());
  EXPECT_TRUE(network.at(kClient).is_idle());
  EXPECT_EQ(network.at(kListener).counters().datagrams_in, 0u);
}

TEST(Endpoint, HasNothingToSendOnceTheOnlyDatagramIsWritten) {
  TestNetwork network(17);
  network.start(kListener);
  network.start(kClient);
  const SessionRef ref = network.connect(kClient);
  network.advance(100 * kMs);
  Endpoint& client = network.at(kClient);
  Session* const session = client.session(ref);
  ASSERT_NE(session, nullptr);
  const Result<uint16_t> stream = session->open_stream(StreamOptions{});
  const uint8_t message[8] = {};
  ASSERT_GE(session->offer(network.now_ns, stream.value(), message), 0);
  client.touch(ref);
  EXPECT_TRUE(client.has_transmit());
  std::vector<uint8_t> to(kDatagramBytesMax);
  EXPECT_GT(client.next_transmit(network.now_ns, to).bytes, 0u);
  EXPECT_FALSE(client.has_transmit());
  EXPECT_EQ(client.next_transmit(network.now_ns, to).bytes, 0u);
  // What is in flight has its timer: the probe comes long before the next PING.
  EXPECT_LT(client.next_deadline_ns(), network.now_ns + 10 * kMs);
}

TEST(Endpoint, RefusesOptionsOutOfTheirBounds) {
  const auto is_refused = [](auto change) {
    EndpointOptions options;
    options.insecure = true;
    change(options);
    const auto created = Endpoint::create(1, options);
    return !created.ok() && created.status().code == StatusCode::kConfig;
  };
  EXPECT_FALSE(is_refused([](EndpointOptions&) {}));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) { options.sessions_max = 0; }));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) { options.sessions_max = 32'769; }));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) { options.half_open_max = 0; }));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) { options.datagram_bytes_max = 1'199; }));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) { options.datagram_bytes_max = 8'953; }));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) { options.message_bytes_max = 1u << 25; }));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) { options.allow_list.emplace_back(); }));
  EXPECT_TRUE(is_refused([](EndpointOptions& options) {
    options.insecure = false;
    options.static_keys = keys_of(3);
    options.static_keys.public_key[0] ^= 1;
  }));
}

}  // namespace
}  // namespace hyperroute::raptor
