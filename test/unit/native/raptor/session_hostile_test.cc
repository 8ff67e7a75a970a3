// What an attacker on the path, or a peer that breaks the protocol, can do to a session: nothing,
// or end it.
#include <gtest/gtest.h>

#include <set>

#include "raptor/protection.h"
#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

uint16_t open_ordered(Session& session) { return session.open_stream(StreamOptions{}).take(); }

// Packets of `from` as an honest cipher would make them, with any frames inside.
class Forger {
 public:
  explicit Forger(int from) : session_(static_cast<uint64_t>(2 - from)) {
    SessionKeys keys;
    keys.send_secret.fill(static_cast<uint8_t>(0x10 + from));
    keys.receive_secret.fill(static_cast<uint8_t>(0x11 - from));
    protection_.emplace(Protection::create(keys).take());
  }
  Message packet(uint64_t number, const Message& frames) {
    Message datagram(kDatagramBytesMax);
    DataHeader header;
    header.session = session_;
    header.number = number;
    const crypto::Bytes part(frames);
    datagram.resize(protection_->seal(header, {&part, 1}, datagram.data()));
    return datagram;
  }

 private:
  uint64_t session_;
  std::optional<Protection> protection_;
};

template <typename Write>
Message frames_of(Write&& write) {
  Message frames(2'000);
  frames.resize(write(frames.data()));
  return frames;
}

TEST(SessionHostile, CountsForgedPacketsAndDoesNothingElse) {
  SessionPair pair;
  const uint16_t stream = open_ordered(pair.a());
  Message genuine;
  pair.watches = [&](const SentDatagram& sent) {
    if (sent.from == 0 && sent.bytes.size() < 1'000) genuine = sent.bytes;
  };
  ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(1, 100)), 0);
  pair.run_for(10 * kMs);
  ASSERT_FALSE(genuine.empty());
  const SessionCounters before = pair.b().counters();
  const uint64_t deadline_ns = pair.b().next_deadline_ns();
  Prng prng(1);
  for (uint32_t round = 0; round < 2'000; ++round) {
    Message forged = genuine;
    forged[1 + prng.below(static_cast<uint32_t>(forged.size() - 1))] ^=
        static_cast<uint8_t>(1 + prng.below(255));
    EXPECT_FALSE(pair.inject(1, forged));
  }
  const SessionCounters after = pair.b().counters();
  EXPECT_GT(after.forged, 1'000u);
  EXPECT_EQ(after.packets_received, before.packets_received);
  EXPECT_EQ(after.messages_received, 1u);
  EXPECT_EQ(pair.b().next_deadline_ns(), deadline_ns);
  EXPECT_FALSE(pair.b().has_work());
  EXPECT_EQ(pair.b().state(), SessionState::kOpen);
}

TEST(SessionHostile, CountsReplayedPacketsAndDeliversNothingTwice) {
  SessionPair pair;
  const uint16_t stream = open_ordered(pair.a());
  std::vector<Message> sent_by_a;
  pair.watches = [&](const SentDatagram& sent) {
    if (sent.from == 0) sent_by_a.push_back(sent.bytes);
  };
  for (uint32_t number = 0; number < 100; ++number) {
    ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(number, 200)), 0);
    pair.run_for(100 * kUs);
  }
  pair.run_for(10 * kMs);
  pair.watches = nullptr;
  ASSERT_EQ(pair.received_count(1), 100u);
  for (const Message& packet : sent_by_a) EXPECT_FALSE(pair.inject(1, packet));
  EXPECT_EQ(pair.b().counters().replayed, sent_by_a.size());
  EXPECT_EQ(pair.received_count(1), 100u);
  EXPECT_EQ(pair.b().counters().forged, 0u);
}

TEST(SessionHostile, ForgedPacketsDoNotKeepADeadPeerAlive) {
  SessionPair pair;
  pair.run_for(kSecond);
  pair.kill(1);
  Message noise(200);
  noise[0] = static_cast<uint8_t>(PacketKind::kData);
  noise[8] = 1;
  for (int round = 0; round < 100; ++round) {
    noise[16] = static_cast<uint8_t>(round);
    pair.inject(0, noise);
    pair.run_for(kMs);
  }
  EXPECT_EQ(pair.a().close_reason(), CloseReason::kPeerDead);
}

TEST(SessionHostile, APacketThatCouldNotBeTakenIsNoNewsWhenItComesAgain) {
  SessionPair pair;
  pair.checks_nonces = false;
  Forger forger(0);
  // A record far beyond the window that the receiver gave.
  const Message beyond =
      forger.packet(1'000, frames_of([](uint8_t* to) {
                      uint32_t bytes = write_open(to, OpenFrame{});
                      bytes += write_stream_header(to + bytes, 0, 16, 1u << 30);
                      const Message record{8, 0, 3, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
                      std::memcpy(to + bytes, record.data(), record.size());
                      return bytes + 16;
                    }));
  EXPECT_TRUE(pair.inject(1, beyond));
  EXPECT_EQ(pair.b().counters().beyond_window, 1u);
  EXPECT_EQ(pair.b().state(), SessionState::kOpen);
  pair.kill(0);
  for (int round = 0; round < 100; ++round) {
    EXPECT_FALSE(pair.inject(1, beyond));
    pair.run_for(kMs);
    if (pair.b().state() == SessionState::kClosed) break;
  }
  EXPECT_EQ(pair.b().close_reason(), CloseReason::kPeerDead);
  EXPECT_GT(pair.b().counters().replayed, 40u);
}

struct Breach {
  const char* name;
  Message frames;
};

std::vector<Breach> breaches() {
  const AckRange future{0, 1};
  OpenFrame huge;
  huge.message_bytes_max = 8u << 20;
  OpenFrame endless;
  endless.mode = static_cast<uint8_t>(StreamMode::kDeadline);
  return {
      {"unknown frame", Message{0x77, 0, 0, 0, 0, 0, 0, 0}},
      {"cut frame", Message{0x02, 1, 0, 0, 0, 0, 0, 0}},
      {"a stream that was never opened",
       frames_of([](uint8_t* to) { return write_end(to, 3, 64); })},
      {"a window of a stream never opened",
       frames_of([](uint8_t* to) { return write_window(to, 9, 64); })},
      {"an ACK of what was never sent", frames_of([&](uint8_t* to) {
         return write_ack(to, 0, 1u << 30, {&future, 1});
       })},
      {"messages larger than allowed",
       frames_of([&](uint8_t* to) { return write_open(to, huge); })},
      {"a deadline of nothing", frames_of([&](uint8_t* to) { return write_open(to, endless); })},
      {"an end after another end", frames_of([](uint8_t* to) {
         uint32_t bytes = write_open(to, OpenFrame{});
         bytes += write_end(to + bytes, 0, 64);
         return bytes + write_end(to + bytes, 0, 128);
       })},
      {"a record that is none", frames_of([](uint8_t* to) {
         uint32_t bytes = write_open(to, OpenFrame{});
         bytes += write_stream_header(to + bytes, 0, 16, 0);
         std::memset(to + bytes, 0xFF, 16);
         return bytes + 16;
       })},
  };
}

TEST(SessionHostile, EndsTheSessionWhenThePeerBreaksTheProtocol) {
  for (const Breach& breach : breaches()) {
    SCOPED_TRACE(breach.name);
    SessionPair pair;
    pair.checks_nonces = false;
    Forger forger(0);
    EXPECT_TRUE(pair.inject(1, forger.packet(1'000, breach.frames)));
    EXPECT_EQ(pair.b().state(), SessionState::kClosed);
    EXPECT_EQ(pair.b().close_reason(), CloseReason::kProtocolError);
    EXPECT_EQ(pair.received_count(1), 0u);
    ASSERT_TRUE(
        pair.run_until([&] { return pair.a().state() == SessionState::kClosed; }, 100 * kMs));
    EXPECT_EQ(pair.a().close_reason(), CloseReason::kPeerClosed);
  }
}

TEST(SessionHostile, SurvivesAnyFramesOfAnAuthenticPeer) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SessionPair pair;
    Forger forger(0);
    Prng prng(seed);
    for (uint64_t number = 100; number < 160; ++number) {
      Message frames(8 * (1 + prng.below(40)));
      for (uint8_t& byte : frames) byte = prng.one_in(3) ? static_cast<uint8_t>(prng.below(12)) : 0;
      pair.inject(1, forger.packet(number, frames));
      Message out(kDatagramBytesMax);
      while (pair.b().has_work() && pair.b().next_datagram(pair.now_ns, out) != 0) continue;
      pair.now_ns += 50 * kUs;
      if (pair.b().next_deadline_ns() <= pair.now_ns) pair.b().on_deadline(pair.now_ns);
      pair.b().poll(pair.sink(1));
      pair.b().counters();
    }
  }
}

TEST(SessionHostile, StepsItsKeysWithoutLosingAMessage) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SessionPair pair;
    Prng prng(seed);
    pair.drops = [&](const SentDatagram&) { return prng.below(100) < 10; };
    pair.delays = [&](const SentDatagram&) { return prng.one_in(4) ? prng.below(50'000) : 0; };
    std::set<uint8_t> generations;
    pair.watches = [&](const SentDatagram& sent) {
      if (sent.from == 0) generations.insert(sent.bytes[1]);
    };
    const uint16_t stream = open_ordered(pair.a());
    for (uint32_t number = 0; number < 2'000; ++number) {
      if (number % 100 == 0) pair.a().update_key();
      while (pair.a().offer(pair.now_ns, stream, numbered(number, 100)) < 0) pair.run_for(kMs);
      pair.run_for(20 * kUs);
    }
    ASSERT_TRUE(pair.run_until([&] { return pair.received_count(1) == 2'000; }, kSecond));
    EXPECT_GE(generations.size(), 15u);
    EXPECT_GE(pair.a().counters().key_updates, 15u);
    EXPECT_GE(pair.b().counters().key_updates, 15u);
    // A packet that two steps overtook has no key any more: as good as lost, and none was.
    EXPECT_LE(pair.b().counters().forged, 2u);
  }
}

}  // namespace
}  // namespace hyperroute::raptor
