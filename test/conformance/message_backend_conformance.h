// What every message backend owes the engine (io/endpoint.h), as one suite for all of them.
//
// A world says how a backend is opened and how plain peers reach it: udp_world.h, tcp_world.h,
// memory_world.h.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "conformance/allocation_guard.h"
#include "conformance/conformance_fixture.h"

namespace hyperroute {

TYPED_TEST_SUITE_P(MessageBackendConformance);

TYPED_TEST_P(MessageBackendConformance, HandsOutMessagesWholeAndInOrderOfEachPeer) {
  std::vector<std::unique_ptr<typename TypeParam::Peer>> peers;
  for (uint32_t i = 0; i < TypeParam::kPeersAtOnce; ++i) {
    peers.push_back(this->world_.join(this->harness_));
  }
  Prng prng(1);
  std::vector<std::vector<Bytes>> sent(peers.size());
  size_t sent_count = 0;
  for (uint32_t round = 0; round < 60; ++round) {
    for (uint32_t i = 0; i < 10; ++i) {
      const uint32_t who = prng.below(static_cast<uint32_t>(peers.size()));
      sent[who].push_back(TypeParam::message(who << 24 | round << 8 | i, prng.between(8, 1500)));
      ASSERT_TRUE(peers[who]->send(sent[who].back()));
      ++sent_count;
    }
    ASSERT_TRUE(this->harness_.run_until_received(sent_count));
  }
  std::map<uint16_t, std::vector<Bytes>> by_peer;
  for (const Received& received : this->harness_.received) {
    by_peer[received.peer.index].push_back(received.message);
  }
  std::vector<std::vector<Bytes>> got;
  for (auto& [index, messages] : by_peer) got.push_back(messages);
  // Indexes are given in order of first contact, which the test does not know: compare as sets.
  std::sort(got.begin(), got.end());
  std::sort(sent.begin(), sent.end());
  EXPECT_EQ(got, sent);
}

TYPED_TEST_P(MessageBackendConformance, GivesAHeldMessageAgainInOrderAndReadsNothingAfterIt) {
  auto known = this->join_known();
  for (uint32_t tag = 0; tag < 5; ++tag) {
    ASSERT_TRUE(known.peer->send(TypeParam::message(tag, 20)));
  }
  std::vector<Bytes> taken;
  bool is_holding = true;
  for (int turn = 0; turn < 200 && taken.size() < 5; ++turn) {
    if (turn == 30) is_holding = false;
    if (turn > 30) {
      static_cast<void>(this->harness_.backend.prepare_wait());
      ::usleep(1000);
    }
    RxView views[8];
    const uint32_t count = this->harness_.backend.rx_burst(std::span(views), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) {
      if (this->harness_.backend.is_held(views[i]) || (is_holding && taken.size() == 2)) {
        this->harness_.backend.hold(views[i]);
        EXPECT_TRUE(this->harness_.backend.is_held(views[i]));
        EXPECT_FALSE(this->harness_.backend.rx_idle());
        continue;
      }
      taken.emplace_back(views[i].data, views[i].data + views[i].bytes);
      this->harness_.backend.release(views[i]);
    }
    EXPECT_TRUE(!is_holding || taken.size() <= 2);
  }
  ASSERT_EQ(taken.size(), 5u);
  for (uint32_t tag = 0; tag < 5; ++tag) EXPECT_EQ(taken[tag], TypeParam::message(tag, 20));
  // A message counts once, however often it was held.
  EXPECT_EQ(this->harness_.counters.rx_messages, 6u);
}

TYPED_TEST_P(MessageBackendConformance, KeepsEveryPeersOrderUnderAnyPatternOfHolds) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  std::vector<std::unique_ptr<typename TypeParam::Peer>> peers;
  for (uint32_t i = 0; i < TypeParam::kPeersAtOnce; ++i) {
    peers.push_back(this->world_.join(this->harness_));
  }
  std::vector<uint32_t> next_tag(peers.size(), 0);
  std::map<uint16_t, std::vector<Bytes>> taken;
  uint32_t sent_count = 0;
  uint32_t taken_count = 0;
  const uint64_t give_up_ns = monotonic_ns() + uint64_t{kTestWaitMs} * 1'000'000;
  while (taken_count < 600 && monotonic_ns() < give_up_ns) {
    while (sent_count < 600 && sent_count < taken_count + 100) {
      const uint32_t who = sent_count % static_cast<uint32_t>(peers.size());
      ASSERT_TRUE(peers[who]->send(TypeParam::message(who << 24 | next_tag[who]++, 30)));
      ++sent_count;
    }
    RxView views[16];
    auto& backend = this->harness_.backend;
    const uint32_t count = backend.rx_burst(std::span(views, prng.between(1, 16)), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) {
      if (backend.is_held(views[i]) || prng.one_in(5)) {
        backend.hold(views[i]);
      } else {
        taken[views[i].peer.index].emplace_back(views[i].data, views[i].data + views[i].bytes);
        backend.release(views[i]);
        ++taken_count;
      }
    }
  }
  ASSERT_EQ(taken_count, 600u);
  std::vector<bool> seen(peers.size(), false);
  for (auto& [index, messages] : taken) {
    for (uint32_t who = 0; who < peers.size(); ++who) {
      if (messages[0] != TypeParam::message(who << 24, 30)) continue;
      seen[who] = true;
      for (uint32_t tag = 0; tag < messages.size(); ++tag) {
        ASSERT_EQ(messages[tag], TypeParam::message(who << 24 | tag, 30));
      }
    }
  }
  for (uint32_t who = 0; who < peers.size(); ++who) EXPECT_TRUE(seen[who]);
  EXPECT_EQ(this->harness_.counters.rx_messages, 600u);
}

TYPED_TEST_P(MessageBackendConformance, SendsToThePeerThatIsNamedAndNoOther) {
  std::vector<typename TestFixture::Known> known;
  for (uint32_t i = 0; i < TypeParam::kPeersAtOnce; ++i) known.push_back(this->join_known());
  std::vector<Bytes> frames;
  std::vector<TxFrame> offered;
  for (uint32_t i = 0; i < 60; ++i) {
    frames.push_back(this->harness_.sealed(TypeParam::message(i, 100 + i)));
  }
  for (uint32_t i = 0; i < 60; ++i) {
    offered.push_back({frames[i].data(), static_cast<uint32_t>(frames[i].size()),
                       known[i / 3 % known.size()].ref, TxVerdict::kPending, 0});
  }
  uint32_t done = 0;
  ASSERT_TRUE(this->harness_.run_until([&] {
    done += this->harness_.backend.tx_burst(std::span(offered).subspan(done));
    return done == offered.size();
  }));
  for (const TxFrame& frame : offered) EXPECT_EQ(frame.verdict, TxVerdict::kSent);
  for (uint32_t who = 0; who < known.size(); ++who) {
    std::vector<Bytes> expected;
    for (uint32_t i = 0; i < 60; ++i) {
      if (i / 3 % known.size() == who) expected.push_back(TypeParam::message(i, 100 + i));
    }
    EXPECT_EQ(this->receive(*known[who].peer, expected.size()), expected);
  }
  EXPECT_EQ(this->harness_.counters.tx_messages, 60u);
  EXPECT_TRUE(this->harness_.backend.tx_idle());
}

TYPED_TEST_P(MessageBackendConformance, NeverReachesANewPeerByAStaleReference) {
  auto old = this->join_known();
  ASSERT_TRUE(this->harness_.backend.is_live(old.ref));
  // Where peers stay as long as the backend, it is its successor that must not take them in:
  // StartsItsGenerationsWhereTheLastOneEnded.
  if constexpr (!TypeParam::kPeersCanGo) return;
  this->world_.forget(this->harness_, old.peer);
  EXPECT_FALSE(this->harness_.backend.is_live(old.ref));
  auto fresh = this->join_known();
  EXPECT_NE(fresh.ref, old.ref);
  const Bytes message = TypeParam::message(1, 50);
  EXPECT_EQ(this->harness_.offer(old.ref, this->harness_.sealed(message)), TxVerdict::kPeerGone);
  EXPECT_EQ(this->harness_.send(fresh.ref, TypeParam::message(2, 50)), TxVerdict::kSent);
  const std::vector<Bytes> expected{TypeParam::message(2, 50)};
  EXPECT_EQ(this->receive(*fresh.peer, 1), expected);
  EXPECT_EQ(this->harness_.backend.take_sequence(old.ref), 0u);
}

TYPED_TEST_P(MessageBackendConformance, RecognisesReferencesThatItNeverGaveOut) {
  const auto known = this->join_known();
  for (uint32_t i = 0; i < 1000; ++i) {
    const PeerRef made_up{static_cast<uint16_t>(i * 65), static_cast<uint16_t>(i * 7 + 2)};
    if (made_up == known.ref) continue;
    EXPECT_FALSE(this->harness_.backend.is_live(made_up));
    ASSERT_EQ(this->harness_.offer(made_up, this->harness_.sealed(TypeParam::message(1, 9))),
              TxVerdict::kPeerGone);
  }
}

TYPED_TEST_P(MessageBackendConformance, StartsItsGenerationsWhereTheLastOneEnded) {
  const auto known = this->join_known();
  const uint16_t seed = this->harness_.backend.generation_after();
  typename TypeParam::Harness reopened;
  TypeParam world;
  ASSERT_TRUE(world.open(reopened, seed).ok());
  auto peer = world.join(reopened);
  ASSERT_TRUE(peer->send(TypeParam::message(1, 9)));
  ASSERT_TRUE(reopened.run_until_received(1));
  EXPECT_FALSE(reopened.backend.is_live(known.ref));
  EXPECT_TRUE(reopened.backend.is_live(reopened.received[0].peer));
  reopened.backend.close();
}

TYPED_TEST_P(MessageBackendConformance, CountsEachPeersNumbersFromOne) {
  std::vector<typename TestFixture::Known> known;
  for (uint32_t i = 0; i < TypeParam::kPeersAtOnce; ++i) known.push_back(this->join_known());
  for (uint64_t number = 1; number <= 5; ++number) {
    for (auto& peer : known) {
      EXPECT_EQ(this->harness_.backend.take_sequence(peer.ref), number);
    }
  }
}

TYPED_TEST_P(MessageBackendConformance, RefusesAFrameOverTheLimitAndGoesOn) {
  auto known = this->join_known();
  Bytes frame(TypeParam::kMessageBytesMax + 100, 'x');
  EXPECT_EQ(this->harness_.offer(known.ref, frame), TxVerdict::kTooLarge);
  const uint32_t over = this->harness_.backend.frame_room().message_bytes_max + 1;
  Bytes room(over + 64);
  EXPECT_EQ(this->harness_.backend.seal(room.data(), over), 0u);
  EXPECT_EQ(this->harness_.send(known.ref, TypeParam::message(7, 50)), TxVerdict::kSent);
  const std::vector<Bytes> expected{TypeParam::message(7, 50)};
  EXPECT_EQ(this->receive(*known.peer, 1), expected);
}

TYPED_TEST_P(MessageBackendConformance, DropsWhatIsOverTheLimitAndCountsIt) {
  if constexpr (TypeParam::kHasOversize) {
    auto known = this->join_known();
    TypeParam::send_oversize(*known.peer);
    ASSERT_TRUE(this->harness_.run_until(
        [&] { return TypeParam::oversize_count(this->harness_.counters) == 1; }));
    EXPECT_TRUE(this->harness_.received.empty());
    // Whoever sent it may be gone; others are not concerned.
    known.peer.reset();
    auto other = this->join_known();
    EXPECT_EQ(this->harness_.send(other.ref, TypeParam::message(7, 50)), TxVerdict::kSent);
  } else {
    // Every message of a fixed size is within the limit, or the options are refused.
    EXPECT_LE(this->harness_.backend.frame_room().message_bytes_max, TypeParam::kMessageBytesMax);
  }
}

TYPED_TEST_P(MessageBackendConformance, CarriesAnEmptyMessageWhereTheFormatHasOne) {
  auto known = this->join_known();
  const Bytes nothing;
  if constexpr (TypeParam::kHasEmptyMessage) {
    ASSERT_TRUE(known.peer->send(nothing));
    ASSERT_TRUE(this->harness_.run_until_received(1));
    EXPECT_EQ(this->harness_.received[0].message, nothing);
    EXPECT_EQ(this->harness_.counters.rx_messages, 2u);
  } else {
    Bytes room(64);
    EXPECT_EQ(this->harness_.backend.seal(room.data(), 0), 0u);
  }
}

TYPED_TEST_P(MessageBackendConformance, StopsReadingButStillSendsAndHandsOutWhatItHas) {
  auto known = this->join_known();
  ASSERT_TRUE(known.peer->send(TypeParam::message(1, 20)));
  RxView view;
  ASSERT_TRUE(this->harness_.run_until(
      [&] { return this->harness_.backend.rx_burst(std::span(&view, 1), monotonic_ns()) == 1; }));
  this->harness_.backend.hold(view);
  this->harness_.backend.stop_reading();
  ASSERT_TRUE(known.peer->send(TypeParam::message(2, 20)));
  ASSERT_TRUE(this->harness_.run_until_received(1));
  EXPECT_EQ(this->harness_.received[0].message, TypeParam::message(1, 20));
  this->harness_.run_a_while();
  EXPECT_EQ(this->harness_.received.size(), 1u);
  EXPECT_TRUE(this->harness_.backend.rx_idle());
  EXPECT_TRUE(this->harness_.backend.prepare_wait());
  EXPECT_EQ(this->harness_.send(known.ref, TypeParam::message(3, 20)), TxVerdict::kSent);
  const std::vector<Bytes> expected{TypeParam::message(3, 20)};
  EXPECT_EQ(this->receive(*known.peer, 1), expected);
}

TYPED_TEST_P(MessageBackendConformance, WakesASleepingWorkerForAMessageAndStaysQuietWithout) {
  auto known = this->join_known();
  while (this->harness_.cycle() > 0 || !this->harness_.backend.prepare_wait()) {
  }
  for (uint32_t round = 0; round < 20; ++round) {
    ASSERT_FALSE(wait_readable(this->harness_.backend.wait_fd(), 1));
    ASSERT_TRUE(known.peer->send(TypeParam::message(round, 20)));
    ASSERT_TRUE(wait_readable(this->harness_.backend.wait_fd()));
    ASSERT_TRUE(this->harness_.run_until_received(round + 1));
    while (this->harness_.cycle() > 0 || !this->harness_.backend.prepare_wait()) {
    }
  }
}

TYPED_TEST_P(MessageBackendConformance, CountsExactly) {
  auto known = this->join_known();
  uint64_t rx_bytes = TypeParam::message(0xfeed, 8).size();
  uint64_t tx_bytes = 0;
  for (uint32_t i = 0; i < 50; ++i) {
    const Bytes message = TypeParam::message(i, 10 + i * 7);
    rx_bytes += message.size();
    ASSERT_TRUE(known.peer->send(message));
  }
  ASSERT_TRUE(this->harness_.run_until_received(50));
  for (uint32_t i = 0; i < 30; ++i) {
    const Bytes message = TypeParam::message(i, 10 + i * 3);
    tx_bytes += this->harness_.sealed(message).size();
    ASSERT_EQ(this->harness_.send(known.ref, message), TxVerdict::kSent);
  }
  EXPECT_EQ(this->receive(*known.peer, 30).size(), 30u);
  const CounterBlock& counters = this->harness_.counters;
  EXPECT_EQ(counters.rx_messages, 51u);
  EXPECT_EQ(counters.rx_bytes, rx_bytes);
  EXPECT_EQ(counters.tx_messages, 30u);
  EXPECT_EQ(counters.tx_bytes, tx_bytes);
  EXPECT_EQ(counters.connections, 1u);
  EXPECT_EQ(this->harness_.backend.peer_count(), 1u);
  EXPECT_EQ(counters.connections_opened, 1u);
  EXPECT_EQ(counters.connections_closed, 0u);
  EXPECT_EQ(counters.rx_oversize + counters.rx_truncated + counters.rx_bad_frames, 0u);
  EXPECT_EQ(counters.undeliverable + counters.io_errors + counters.kernel_drops, 0u);
}

TYPED_TEST_P(MessageBackendConformance, AllocatesNothingInItsBursts) {
  auto known = this->join_known();
  std::vector<Bytes> frames;
  for (uint32_t i = 0; i < 32; ++i) {
    frames.push_back(this->harness_.sealed(TypeParam::message(i, 100)));
  }
  std::vector<TxFrame> offered(frames.size());
  std::vector<RxView> views(64);
  uint64_t allocated = 0;
  uint32_t received_count = 0;
  auto& backend = this->harness_.backend;
  for (uint32_t round = 0; round < 50; ++round) {
    for (uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(known.peer->send(TypeParam::message(i, 60)));
    for (uint32_t i = 0; i < frames.size(); ++i) {
      offered[i] = {frames[i].data(), static_cast<uint32_t>(frames[i].size()), known.ref,
                    TxVerdict::kPending, 0};
    }
    const uint64_t before = allocations_of_thread();
    const uint32_t count = backend.rx_burst(std::span(views), monotonic_ns());
    for (uint32_t i = 0; i < count; ++i) backend.release(views[i]);
    static_cast<void>(backend.tx_burst(std::span(offered)));
    static_cast<void>(backend.progress(monotonic_ns()));
    static_cast<void>(backend.prepare_wait());
    allocated += allocations_of_thread() - before;
    received_count += count;
    std::vector<Bytes> drained;
    known.peer->receive(drained);
  }
  EXPECT_EQ(allocated, 0u);
  EXPECT_GT(received_count, 0u);
}

TYPED_TEST_P(MessageBackendConformance, IsSilentAfterClose) {
  auto known = this->join_known();
  EXPECT_EQ(this->harness_.backend.close(), 0u);
  EXPECT_EQ(this->harness_.counters.connections, 0u);
  EXPECT_EQ(this->harness_.backend.close(), 0u);
}

REGISTER_TYPED_TEST_SUITE_P(MessageBackendConformance, HandsOutMessagesWholeAndInOrderOfEachPeer,
                            GivesAHeldMessageAgainInOrderAndReadsNothingAfterIt,
                            KeepsEveryPeersOrderUnderAnyPatternOfHolds,
                            SendsToThePeerThatIsNamedAndNoOther,
                            NeverReachesANewPeerByAStaleReference,
                            RecognisesReferencesThatItNeverGaveOut,
                            StartsItsGenerationsWhereTheLastOneEnded, CountsEachPeersNumbersFromOne,
                            RefusesAFrameOverTheLimitAndGoesOn, DropsWhatIsOverTheLimitAndCountsIt,
                            CarriesAnEmptyMessageWhereTheFormatHasOne,
                            StopsReadingButStillSendsAndHandsOutWhatItHas,
                            WakesASleepingWorkerForAMessageAndStaysQuietWithout, CountsExactly,
                            AllocatesNothingInItsBursts, IsSilentAfterClose);

}  // namespace hyperroute
