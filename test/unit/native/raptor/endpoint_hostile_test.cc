// What strangers, replays and floods do to an endpoint: nothing but count.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "endpoint_pair.h"
#include "raptor/endpoint.h"

namespace hyperroute::raptor {
namespace {

// All that a packet could change of an endpoint with one session, but for what it counts.
struct Snapshot {
  explicit Snapshot(TestNetwork& network, uint32_t number, SessionRef ref)
      : deadline_ns(network.at(number).next_deadline_ns()),
        has_transmit(network.at(number).has_transmit()),
        events(network.node(number).events.size()),
        sessions(network.at(number).counters().sessions_open),
        half_open(network.at(number).counters().half_open),
        received(network.at(number).session(ref)->counters().packets_received),
        sent(network.at(number).session(ref)->counters().packets_sent) {}
  bool operator==(const Snapshot&) const = default;

  uint64_t deadline_ns;
  bool has_transmit;
  size_t events;
  uint64_t sessions, half_open, received, sent;
};

class EndpointUnderAttack : public testing::Test {
 protected:
  // A listener and a client with a session, every datagram between them recorded.
  void establish(uint64_t seed, bool is_insecure = false) {
    network = std::make_unique<TestNetwork>(seed);
    for (const uint32_t number : {kListener, kClient}) {
      EndpointOptions options = network->options(number);
      options.insecure = is_insecure;
      network->start(number, options);
    }
    network->is_recording = true;
    client_ref = network->establish();
    network->advance(10 * kMs);
    ASSERT_EQ(network->established(kListener).size(), 1u);
    listener_ref = network->established(kListener)[0].session;
  }
  SessionRef ref(uint32_t number) const { return number == kListener ? listener_ref : client_ref; }
  Endpoint& listener() { return network->at(kListener); }

  std::unique_ptr<TestNetwork> network;
  SessionRef client_ref;
  SessionRef listener_ref;
};

TEST_F(EndpointUnderAttack, DropsEveryDatagramThatComesAgain) {
  for (const bool is_insecure : {false, true}) {
    establish(20, is_insecure);
    const std::vector<Datagram> recorded = network->recorded;
    ASSERT_GE(recorded.size(), 4u);
    for (const Datagram& datagram : recorded) {
      const Snapshot before(*network, datagram.to, ref(datagram.to));
      network->deliver(datagram);
      EXPECT_TRUE(Snapshot(*network, datagram.to, ref(datagram.to)) == before)
          << "kind " << static_cast<int>(datagram.kind());
    }
    EXPECT_EQ(listener().counters().duplicate_handshakes, 1u);
    EXPECT_EQ(network->at(kClient).counters().unknown_session, 1u);
    EXPECT_GE(listener().session(listener_ref)->counters().replayed, 1u);
  }
}

TEST_F(EndpointUnderAttack, DropsDataFromAnotherAddress) {
  establish(21);
  network->filter = [](Datagram&) { return false; };
  network->recorded.clear();
  network->advance(30 * kMs);  // A PING, which is lost.
  ASSERT_FALSE(network->recorded.empty());
  for (Datagram datagram : network->recorded) {
    const Snapshot before(*network, datagram.to, ref(datagram.to));
    const uint32_t from = datagram.from;
    datagram.from = 77;
    network->deliver(datagram);
    EXPECT_TRUE(Snapshot(*network, datagram.to, ref(datagram.to)) == before);
    EXPECT_GE(network->at(datagram.to).counters().wrong_address, 1u);
    datagram.from = from;
    network->deliver(datagram);
    EXPECT_FALSE(Snapshot(*network, datagram.to, ref(datagram.to)) == before)
        << "the same from its own address should have been taken";
  }
}

TEST_F(EndpointUnderAttack, DropsDataWithAnyByteChanged) {
  establish(22);
  network->filter = [](Datagram&) { return false; };
  network->recorded.clear();
  network->advance(30 * kMs);
  ASSERT_FALSE(network->recorded.empty());
  const Datagram genuine = network->recorded[0];
  const Snapshot before(*network, genuine.to, ref(genuine.to));
  for (size_t at = 0; at < genuine.bytes.size(); ++at) {
    for (const uint8_t change : std::to_array<uint8_t>({0x01, 0x80, 0xFF})) {
      Datagram forged = genuine;
      forged.bytes[at] ^= change;
      network->deliver(forged);
    }
  }
  EXPECT_TRUE(Snapshot(*network, genuine.to, ref(genuine.to)) == before);
  EXPECT_GT(network->at(genuine.to).session(ref(genuine.to))->counters().forged, 0u);
}

TEST_F(EndpointUnderAttack, DropsBytesThatAreNoPacket) {
  establish(23);
  Prng prng(23);
  const Snapshot before(*network, kListener, listener_ref);
  const uint8_t kinds[] = {0xD1, 0xD2, 0xD3, 0xD4, 0x00, 0xFF};
  for (int round = 0; round < 20'000; ++round) {
    Datagram datagram{kClient, kListener, std::vector<uint8_t>(prng.below(1'300))};
    for (uint8_t& byte : datagram.bytes) byte = static_cast<uint8_t>(prng.next_u32());
    if (!datagram.bytes.empty()) datagram.bytes[0] = kinds[prng.below(6)];
    network->deliver(datagram);
  }
  EXPECT_TRUE(Snapshot(*network, kListener, listener_ref) == before);
  EXPECT_GT(listener().counters().malformed, 10'000u);
}

TEST_F(EndpointUnderAttack, AnswersAReplayedInitiateOfAnotherAddressAndForgetsIt) {
  establish(24);
  Datagram replay = network->recorded_of(PacketKind::kInitiate).at(0);
  replay.from = 88;
  network->deliver(replay);
  network->run();
  EXPECT_EQ(listener().counters().half_open, 1u);
  EXPECT_EQ(listener().counters().sessions_open, 1u);
  // What confirmed the first session does not confirm this one.
  for (Datagram data : network->recorded_of(PacketKind::kData)) {
    if (data.to != kListener) continue;
    data.from = 88;
    network->deliver(data);
  }
  EXPECT_EQ(network->established(kListener).size(), 1u);
  network->advance(kHalfOpenNs);
  EXPECT_EQ(listener().counters().half_open, 0u);
  EXPECT_EQ(listener().counters().sessions_open, 1u);
  EXPECT_TRUE(network->ended(kListener).empty());
}

TEST_F(EndpointUnderAttack, IgnoresAReplayedHandshakeAfterARestart) {
  establish(25);
  const std::vector<Datagram> recorded = network->recorded;
  network->start(kListener);
  network->node(kListener).events.clear();
  for (const Datagram& datagram : recorded) {
    if (datagram.to == kListener) network->deliver(datagram);
  }
  EXPECT_TRUE(network->node(kListener).events.empty());
  EXPECT_EQ(listener().counters().sessions_open, 0u);
  EXPECT_EQ(listener().counters().half_open, 1u);
  network->advance(kHalfOpenNs);
  EXPECT_TRUE(listener().is_idle());
}

TEST_F(EndpointUnderAttack, TakesTheTrueConfirmationAfterForgedOnes) {
  network = std::make_unique<TestNetwork>(26);
  network->start(kListener);
  network->start(kClient);
  Datagram held;
  network->filter = [&](Datagram& datagram) {
    if (datagram.kind() != PacketKind::kData) return true;
    held = datagram;
    return false;
  };
  network->connect(kClient);
  network->run();
  ASSERT_FALSE(held.bytes.empty());
  for (size_t at = 16; at < held.bytes.size(); ++at) {
    Datagram forged = held;
    forged.bytes[at] ^= 4;
    network->deliver(forged);
  }
  EXPECT_EQ(listener().counters().unconfirmed, held.bytes.size() - 16);
  EXPECT_TRUE(network->established(kListener).empty());
  network->deliver(held);
  EXPECT_EQ(network->established(kListener).size(), 1u);
}

TEST_F(EndpointUnderAttack, GoesOnConnectingAfterForgedAnswers) {
  network = std::make_unique<TestNetwork>(27);
  network->start(kListener);
  network->start(kClient);
  const auto forge = [&](const Datagram& genuine) {
    for (size_t at = 1; at < genuine.bytes.size(); at += 3) {
      Datagram forged = genuine;
      forged.bytes[at] ^= 0x40;
      network->deliver(forged);
    }
    Datagram elsewhere = genuine;
    elsewhere.from = 66;
    network->deliver(elsewhere);
  };
  network->filter = [&](Datagram& datagram) {
    if (datagram.kind() == PacketKind::kRespond) forge(datagram);
    return true;
  };
  network->establish();
  const RaptorCounters& counters = network->at(kClient).counters();
  EXPECT_GT(counters.bad_handshake, 10u);
  EXPECT_GT(counters.unknown_session, 0u);
  EXPECT_EQ(counters.wrong_address, 1u);
}

TEST_F(EndpointUnderAttack, WorksOnABoundedNumberOfAnswersAndStillTakesTheTrueOne) {
  network = std::make_unique<TestNetwork>(29);
  network->start(kListener);
  network->start(kClient);
  Datagram held;
  network->filter = [&](Datagram& datagram) {
    if (datagram.kind() == PacketKind::kRespond) held = datagram;
    return datagram.kind() != PacketKind::kRespond;
  };
  network->connect(kClient);
  network->run();
  ASSERT_FALSE(held.bytes.empty());
  Datagram forged = held;
  forged.bytes[20] ^= 1;
  for (uint32_t count = 0; count < 10 * kRespondsPerWindowMax; ++count) network->deliver(forged);
  const RaptorCounters& counters = network->at(kClient).counters();
  EXPECT_EQ(counters.bad_handshake, kRespondsPerWindowMax);
  EXPECT_EQ(counters.handshakes_deferred, 9 * kRespondsPerWindowMax);
  network->now_ns += kRespondWindowNs;
  network->deliver(held);
  EXPECT_EQ(network->established(kClient).size(), 1u);
}

TEST_F(EndpointUnderAttack, TakesNoRoundTripFromForgedConfirmations) {
  network = std::make_unique<TestNetwork>(30);
  network->start(kListener);
  network->start(kClient);
  Datagram held;
  network->filter = [&](Datagram& datagram) {
    if (datagram.kind() == PacketKind::kData && datagram.to == kListener) {
      held = datagram;
      return false;
    }
    return true;
  };
  network->connect(kClient);
  network->run();
  network->now_ns += kMs;
  Datagram forged = held;
  forged.bytes[30] ^= 1;
  network->deliver(forged);
  network->now_ns += 19 * kMs;
  network->deliver(held);
  ASSERT_EQ(network->established(kListener).size(), 1u);
  const Session* session = listener().session(network->established(kListener)[0].session);
  EXPECT_EQ(session->counters().rtt_ns, 20 * kMs);
}

TEST_F(EndpointUnderAttack, SendsNoMoreForForgedRetriesThanItsBound) {
  network = std::make_unique<TestNetwork>(28);
  network->start(kClient);
  network->is_recording = true;
  network->connect(kClient);
  network->run();
  RetryPacket retry;
  retry.session = load_u64_le(network->recorded.at(0).bytes.data() + 8);
  Datagram datagram{kListener, kClient, std::vector<uint8_t>(kRetryBytes)};
  for (uint8_t round = 1; round <= 100; ++round) {
    retry.cookie[0] = round;
    write_retry(datagram.bytes.data(), retry);
    network->deliver(datagram);
    network->run();
  }
  EXPECT_EQ(network->recorded_of(PacketKind::kInitiate).size(), 1 + kRetriesAtOnceMax);
  datagram.from = 66;
  network->deliver(datagram);
  EXPECT_EQ(network->at(kClient).counters().wrong_address, 1u);
}

TEST_F(EndpointUnderAttack, NeverSendsMoreThanThreeTimesWhatAnAddressSent) {
  for (const uint32_t cookie_threshold : {0u, 32u}) {
    network = std::make_unique<TestNetwork>(29);
    EndpointOptions options = network->options(kListener);
    options.cookie_threshold = cookie_threshold;
    network->start(kListener, options);
    network->start(kClient);
    network->is_recording = true;
    network->filter = [](Datagram&) { return false; };
    network->connect(kClient);
    network->run();
    Datagram initiate = network->recorded.at(0);
    network->recorded.clear();
    network->stop(kClient);
    uint64_t in_bytes = 0;
    for (int round = 0; round < 50; ++round) {
      network->deliver(initiate);
      in_bytes += initiate.bytes.size();
      network->advance(round * kMs);
      uint64_t out_bytes = 0;
      for (const Datagram& datagram : network->recorded) out_bytes += datagram.bytes.size();
      EXPECT_LE(out_bytes, 3 * in_bytes);
      EXPECT_GT(out_bytes, 0u);
      // In truth far less, and each answer is shorter than what it answers.
      EXPECT_LE(out_bytes, in_bytes / 9);
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
