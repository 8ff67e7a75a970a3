// Sessions that are replaced, die, restart and end, and what an endpoint keeps of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "endpoint_pair.h"
#include "raptor/endpoint.h"
#include "raptor/stream_mode.h"

namespace hyperroute::raptor {
namespace {

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void offer(TestNetwork& network, uint32_t from, SessionRef ref, const std::string& text) {
  Session* const session = network.at(from).session(ref);
  ASSERT_NE(session, nullptr);
  const Result<uint16_t> stream = session->open_stream(StreamOptions{});
  ASSERT_TRUE(stream.ok()) << stream.status().context;
  EXPECT_GE(session->offer(network.now_ns, stream.value(), bytes_of(text)), 0);
  network.at(from).touch(ref);
}

class EndpointLifecycle : public testing::Test {
 protected:
  EndpointLifecycle() : network(60) {
    network.start(kListener);
    network.start(kClient);
  }
  SessionRef last_of_listener() { return network.established(kListener).back().session; }

  TestNetwork network;
};

TEST_F(EndpointLifecycle, CarriesMessagesBothWays) {
  const SessionRef ref = network.establish();
  offer(network, kClient, ref, "there");
  offer(network, kListener, last_of_listener(), "and back");
  network.run();
  ASSERT_EQ(network.node(kListener).messages.size(), 1u);
  EXPECT_EQ(network.node(kListener).messages[0].text, "there");
  EXPECT_EQ(network.node(kListener).messages[0].session, last_of_listener().value);
  ASSERT_EQ(network.node(kClient).messages.size(), 1u);
  EXPECT_EQ(network.node(kClient).messages[0].text, "and back");
  EXPECT_EQ(network.node(kClient).messages[0].session, ref.value);
}

// The fixture fails a test that gets a message before its session.
TEST_F(EndpointLifecycle, TellsOfASessionBeforeTheMessageThatConfirmsIt) {
  const SessionRef ref = network.connect(kClient);
  // The client's first packet waits, so that the message goes with it.
  alignas(8) uint8_t buffer[kDatagramBytesMax];
  const auto pass = [&](uint32_t from, uint32_t to) {
    const auto sent = network.at(from).next_transmit(network.now_ns, buffer);
    ASSERT_GT(sent.bytes, 0u);
    network.deliver({from, to, {buffer, buffer + sent.bytes}});
  };
  pass(kClient, kListener);
  pass(kListener, kClient);
  offer(network, kClient, ref, "first");
  EXPECT_TRUE(network.established(kListener).empty());
  pass(kClient, kListener);
  ASSERT_EQ(network.node(kListener).messages.size(), 1u);
  EXPECT_EQ(network.node(kListener).messages[0].text, "first");
}

TEST_F(EndpointLifecycle, ReplacesTheSessionOfAPeerThatStartedAgainOnlyOnceItsKeyIsConfirmed) {
  network.establish();
  const SessionRef old = last_of_listener();
  network.start(kClient);
  network.filter = [](Datagram& datagram) { return datagram.kind() != PacketKind::kData; };
  network.connect(kClient);
  network.run();
  EXPECT_EQ(network.at(kListener).counters().half_open, 1u);
  EXPECT_NE(network.at(kListener).session(old), nullptr);
  EXPECT_TRUE(network.ended(kListener).empty());
  network.filter = nullptr;
  network.advance(50 * kMs);
  ASSERT_EQ(network.established(kListener).size(), 2u);
  ASSERT_EQ(network.ended(kListener).size(), 1u);
  EXPECT_EQ(network.ended(kListener)[0].session, old);
  EXPECT_EQ(network.ended(kListener)[0].reason, CloseReason::kReplaced);
  EXPECT_EQ(network.at(kListener).session(old), nullptr);
  EXPECT_NE(network.at(kListener).session(last_of_listener()), nullptr);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 1u);
}

TEST_F(EndpointLifecycle, KeepsSessionsOfOtherKeysAndOtherAddresses) {
  network.establish();
  EndpointOptions same_key = network.options(3);
  same_key.static_keys = keys_of(kClient);
  network.start(3, same_key);
  network.establish(3);
  // A packet of a client with another key, as if from the address of the first.
  network.start(4);
  network.filter = [](Datagram& datagram) {
    if (datagram.from == 4) datagram.from = kClient;
    if (datagram.from == kListener && datagram.to == kClient &&
        datagram.kind() != PacketKind::kData) {
      datagram.to = 4;
    }
    return true;
  };
  network.establish(4);
  EXPECT_EQ(network.established(kListener).size(), 3u);
  EXPECT_TRUE(network.ended(kListener).empty());
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 3u);
}

TEST_F(EndpointLifecycle, ReportsTheDeathOfItsPeerWithin100Milliseconds) {
  network.establish();
  network.advance(500 * kMs);
  EXPECT_TRUE(network.ended(kListener).empty());
  EXPECT_TRUE(network.ended(kClient).empty());
  network.stop(kClient);
  network.advance(100 * kMs);
  ASSERT_EQ(network.ended(kListener).size(), 1u);
  EXPECT_EQ(network.ended(kListener)[0].reason, CloseReason::kPeerDead);
  EXPECT_EQ(network.at(kListener).counters().sessions_open, 0u);
  EXPECT_TRUE(network.at(kListener).is_idle());
}

TEST_F(EndpointLifecycle, ConnectsAgainToAListenerThatStartedAgain) {
  const SessionRef old = network.establish();
  network.start(kListener);
  network.node(kListener).events.clear();
  network.advance(100 * kMs);
  ASSERT_EQ(network.ended(kClient).size(), 1u);
  EXPECT_EQ(network.ended(kClient)[0].reason, CloseReason::kPeerDead);
  EXPECT_GT(network.at(kListener).counters().unknown_session, 0u);
  const SessionRef ref = network.establish();
  EXPECT_NE(ref, old);
  EXPECT_EQ(network.at(kClient).session(old), nullptr);
  EXPECT_EQ(network.established(kListener).size(), 1u);
}

TEST_F(EndpointLifecycle, TellsThePeerWhenASessionIsClosed) {
  const SessionRef ref = network.establish();
  network.at(kClient).session(ref)->close(network.now_ns, CloseReason::kClosed);
  network.at(kClient).touch(ref);
  network.run();
  SessionEvent event;
  EXPECT_FALSE(network.at(kClient).next_event(event));
  ASSERT_EQ(network.ended(kClient).size(), 1u);
  EXPECT_EQ(network.ended(kClient)[0].reason, CloseReason::kClosed);
  ASSERT_EQ(network.ended(kListener).size(), 1u);
  EXPECT_EQ(network.ended(kListener)[0].reason, CloseReason::kPeerClosed);
  network.advance(500 * kMs);
  EXPECT_TRUE(network.at(kClient).is_idle());
  EXPECT_TRUE(network.at(kListener).is_idle());
}

TEST_F(EndpointLifecycle, EndsDrainedSessionsAtBothEnds) {
  const SessionRef ref = network.establish();
  offer(network, kClient, ref, "last");
  network.at(kClient).session(ref)->drain(network.now_ns);
  network.at(kClient).touch(ref);
  const SessionRef theirs = last_of_listener();
  network.at(kListener).session(theirs)->drain(network.now_ns);
  network.at(kListener).touch(theirs);
  network.advance(500 * kMs);
  ASSERT_EQ(network.ended(kClient).size(), 1u);
  EXPECT_EQ(network.ended(kClient)[0].reason, CloseReason::kDrained);
  ASSERT_EQ(network.ended(kListener).size(), 1u);
  EXPECT_EQ(network.ended(kListener)[0].reason, CloseReason::kDrained);
  ASSERT_EQ(network.node(kListener).messages.size(), 1u);
  EXPECT_TRUE(network.at(kClient).is_idle());
}

TEST_F(EndpointLifecycle, KeepsAnEndedSessionUntilTheEventAfterItsOwn) {
  const SessionRef ref = network.establish();
  network.at(kClient).close_all(network.now_ns, CloseReason::kClosed);
  SessionEvent event;
  ASSERT_TRUE(network.at(kClient).next_event(event));
  ASSERT_EQ(event.kind, SessionEventKind::kEnded);
  ASSERT_NE(network.at(kClient).session(ref), nullptr);
  EXPECT_GT(network.at(kClient).session(ref)->counters().packets_sent, 0u);
  EXPECT_FALSE(network.at(kClient).next_event(event));
  EXPECT_EQ(network.at(kClient).session(ref), nullptr);
}

TEST_F(EndpointLifecycle, ClosesEverythingWhenAskedTo) {
  for (uint32_t client = 3; client < 8; ++client) network.start(client);
  for (uint32_t client = 2; client < 8; ++client) network.establish(client);
  network.filter = [](Datagram& datagram) { return datagram.kind() != PacketKind::kData; };
  network.start(9);
  network.connect(9);
  network.run();
  network.filter = nullptr;
  EXPECT_EQ(network.at(kListener).counters().half_open, 1u);
  network.at(kListener).close_all(network.now_ns, CloseReason::kClosed);
  network.run();
  EXPECT_EQ(network.ended(kListener).size(), 6u);
  for (uint32_t client = 2; client < 8; ++client) {
    ASSERT_EQ(network.ended(client).size(), 1u);
    EXPECT_EQ(network.ended(client)[0].reason, CloseReason::kPeerClosed);
  }
  network.advance(500 * kMs);
  EXPECT_TRUE(network.at(kListener).is_idle());
}

TEST_F(EndpointLifecycle, NeverGivesTwoSessionsOneIdNorOneReference) {
  network.is_recording = true;
  std::set<uint64_t> ids;
  std::set<uint64_t> high_parts;
  std::set<uint32_t> refs;
  for (int round = 0; round < 100; ++round) {
    refs.insert(network.establish().value);
    network.at(kClient).close_all(network.now_ns, CloseReason::kClosed);
    network.advance(200 * kMs);
  }
  EXPECT_EQ(refs.size(), 100u);
  EXPECT_FALSE(refs.contains(0));
  for (const Datagram& datagram : network.recorded_of(PacketKind::kInitiate)) {
    const uint64_t id = load_u64_le(datagram.bytes.data() + 8);
    EXPECT_LT(id & 0xFFFF, 1'024u + 256u);
    ids.insert(id);
    high_parts.insert(id >> 16);
  }
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(high_parts.size(), 100u);
}

TEST_F(EndpointLifecycle, IsTheSameByteForByteForTheSameSeed) {
  const auto play = [](uint64_t seed) {
    TestNetwork played(seed);
    played.start(kListener);
    played.start(kClient);
    played.is_recording = true;
    const SessionRef ref = played.establish();
    offer(played, kClient, ref, "message");
    played.advance(200 * kMs);
    std::vector<std::vector<uint8_t>> datagrams;
    for (const Datagram& datagram : played.recorded) datagrams.push_back(datagram.bytes);
    return datagrams;
  };
  EXPECT_EQ(play(1), play(1));
  EXPECT_NE(play(1), play(2));
}

TEST_F(EndpointLifecycle, AsksOnlySessionsWithWork) {
  for (uint32_t client = 3; client < 40; ++client) network.start(client);
  for (uint32_t client = 2; client < 40; ++client) network.establish(client);
  EXPECT_FALSE(network.at(kListener).has_transmit());
  offer(network, kListener, last_of_listener(), "only this one");
  EXPECT_TRUE(network.at(kListener).has_transmit());
  uint8_t buffer[kDatagramBytesMax];
  const auto sent = network.at(kListener).next_transmit(network.now_ns, buffer);
  EXPECT_EQ(*sent.to, address_of(39));
  EXPECT_EQ(sent.session, last_of_listener());
  EXPECT_EQ(network.at(kListener).next_transmit(network.now_ns, buffer).bytes, 0u);
  EXPECT_FALSE(network.at(kListener).has_transmit());
}

TEST_F(EndpointLifecycle, TakesNoRoundTripOfAgesFromAClockThatWasSetBack) {
  for (const PacketKind kind : {PacketKind::kRespond, PacketKind::kData}) {
    TestNetwork jumping(62);
    jumping.start(kListener);
    jumping.start(kClient);
    bool has_jumped = false;
    jumping.filter = [&](Datagram& datagram) {
      if (datagram.kind() == kind && !has_jumped) jumping.now_ns -= 400 * kMs;
      has_jumped = has_jumped || datagram.kind() == kind;
      return true;
    };
    const SessionRef ref = jumping.establish();
    EXPECT_TRUE(has_jumped);
    EXPECT_LT(jumping.at(kClient).session(ref)->counters().rtt_ns, kMs);
    const SessionRef theirs = jumping.established(kListener).at(0).session;
    EXPECT_LT(jumping.at(kListener).session(theirs)->counters().rtt_ns, kMs);
  }
}

// A timer that is due until its probe is sent must not run for as often as there are sessions.
TEST_F(EndpointLifecycle, ProbesALostPeerAsOftenHoweverManyOthersThereAre) {
  const auto probes = [](uint32_t others) {
    TestNetwork crowd(61);
    crowd.start(kListener);
    for (uint32_t client = 2; client < 3 + others; ++client) crowd.start(client);
    for (uint32_t client = 3; client < 3 + others; ++client) crowd.establish(client);
    crowd.establish(kClient);
    offer(crowd, kListener, crowd.established(kListener).back().session, "lost");
    crowd.filter = [](Datagram& datagram) { return datagram.to != kClient; };
    crowd.is_recording = true;
    // In one call, as a driver does it: the timers run, and then what is due is sent.
    crowd.advance(80 * kMs);
    return std::count_if(crowd.recorded.begin(), crowd.recorded.end(),
                         [](const Datagram& datagram) { return datagram.to == kClient; });
  };
  EXPECT_GT(probes(0), 3);
  EXPECT_EQ(probes(0), probes(20));
}

TEST_F(EndpointLifecycle, SharesTheWireBetweenBusySessions) {
  network.start(3);
  const SessionRef first = network.establish(kClient);
  network.establish(3);
  const std::string large(100'000, 'x');
  for (const SessionEvent& event : network.established(kListener)) {
    offer(network, kListener, event.session, large);
  }
  uint8_t buffer[kDatagramBytesMax];
  std::vector<uint32_t> turns;
  for (int count = 0; count < 34; ++count) {
    const auto sent = network.at(kListener).next_transmit(network.now_ns, buffer);
    if (sent.bytes == 0) break;
    turns.push_back(number_of(*sent.to));
  }
  EXPECT_TRUE(std::count(turns.begin(), turns.end(), 2u) > 0);
  EXPECT_TRUE(std::count(turns.begin(), turns.end(), 3u) > 0);
  EXPECT_NE(network.at(kClient).session(first), nullptr);
}

TEST_F(EndpointLifecycle, ADatagramThatTheKernelRefusesIsNotWaitedFor) {
  const SessionRef ref = network.establish();
  network.advance(kMs);
  const Session* session = network.at(kClient).session(ref);
  const uint64_t mtu_bytes = session->counters().mtu_bytes;
  ASSERT_GT(mtu_bytes, kDatagramBytesMin);
  network.at(kClient).on_too_large(network.now_ns, ref, static_cast<uint32_t>(mtu_bytes));
  EXPECT_EQ(session->counters().mtu_bytes, kDatagramBytesMin);
  // Nothing but a handshake's, or that of a session that has ended meanwhile.
  network.at(kClient).on_too_large(network.now_ns, SessionRef{}, 1'400);
}

}  // namespace
}  // namespace hyperroute::raptor
