// What is in flight: acknowledgement, loss by order, probes, and peers that lie.
#include "raptor/sent_packets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "recovery_fixture.h"

namespace hyperroute::raptor {
namespace {

using Positions = std::vector<uint64_t>;
constexpr uint64_t kUs = 1'000;
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kHour = 3'600'000'000'000;

// Packet 1 is acknowledged before packet 0, which counts as lost.
void lose_overtaken(Sender& sender) {
  sender.send(0, 0);
  sender.send(1, 0);
  sender.ack({{1, 1}}, 20 * kUs);
  sender.detect(20 * kUs);
}

TEST(SentPackets, PacketsInFlightCountUntilTheyAreAcknowledged) {
  Sender sender;
  sender.send(0, 0, 100);
  sender.send(1, 0, 200);
  EXPECT_EQ(sender.sent->in_flight_bytes(), 300u);
  EXPECT_EQ(sender.sent->in_flight_packets(), 2u);
  const AckSummary summary = sender.ack({{0, 1}}, 15 * kUs);
  EXPECT_EQ(summary.verdict, AckVerdict::kOk);
  EXPECT_EQ(summary.packets, 2u);
  EXPECT_EQ(summary.bytes, 300u);
  EXPECT_EQ(summary.datagram_bytes_max, 200u);
  EXPECT_EQ(summary.in_flight_bytes_before, 300u);
  EXPECT_EQ(summary.newest_number, 1u);
  EXPECT_EQ(sender.sent->in_flight_bytes(), 0u);
  EXPECT_EQ(sender.sent->in_flight_packets(), 0u);
  EXPECT_EQ(sender.verdicts.acked, (Positions{0, 1}));
}

TEST(SentPackets, TheSampleIsThatOfTheNewestPacketAcknowledged) {
  Sender sender;
  sender.send(0, 10 * kUs);
  sender.send(1, 20 * kUs);
  const AckSummary summary = sender.ack({{0, 1}}, 50 * kUs);
  EXPECT_TRUE(summary.has_rtt);
  EXPECT_EQ(summary.rtt_ns, 30 * kUs);
}

TEST(SentPackets, AnAckThatBringsNothingNewGivesNoSample) {
  Sender sender;
  sender.send(0, 0);
  sender.send(1, 0);
  sender.ack({{0, 1}}, 10 * kUs);
  const AckSummary again = sender.ack({{0, 1}}, 90 * kUs);
  EXPECT_EQ(again.verdict, AckVerdict::kOk);
  EXPECT_FALSE(again.has_rtt);
  EXPECT_EQ(again.packets, 0u);
  EXPECT_EQ(sender.verdicts.acked.size(), 2u);
}

TEST(SentPackets, AnOldAckThatComesLateGivesNoSampleForTheNewestKnown) {
  Sender sender;
  for (uint64_t number = 0; number < 4; ++number) sender.send(number, number * kUs);
  sender.ack({{3, 3}}, 20 * kUs);
  const AckSummary late = sender.ack({{0, 1}}, 500 * kUs);
  EXPECT_EQ(late.packets, 2u);
  EXPECT_FALSE(late.has_rtt);
}

TEST(SentPackets, ItemsAreToldOldestFirstWhateverTheOrderOfTheRanges) {
  Sender sender;
  for (uint64_t number = 0; number < 200; ++number) sender.send(number, 0);
  sender.ack({{150, 199}, {60, 130}, {3, 3}}, 10 * kUs);
  ASSERT_EQ(sender.verdicts.acked.size(), 122u);
  EXPECT_TRUE(std::is_sorted(sender.verdicts.acked.begin(), sender.verdicts.acked.end()));
}

TEST(SentPackets, WhatALaterPacketOvertookIsLostAtOnceWhileNoReorderingWasSeen) {
  Sender sender;
  for (uint64_t number = 0; number < 5; ++number) sender.send(number, 0);
  sender.ack({{4, 4}, {1, 2}}, 15 * kUs);
  const LossSummary loss = sender.detect(15 * kUs);
  EXPECT_EQ(loss.packets, 2u);
  EXPECT_EQ(loss.bytes, 200u);
  EXPECT_EQ(sender.verdicts.acked, (Positions{1, 2, 4}));
  EXPECT_EQ(sender.verdicts.lost, (Positions{0, 3}));
  EXPECT_EQ(sender.sent->in_flight_bytes(), 0u);
  EXPECT_EQ(sender.sent->loss_deadline_ns(), kNoDeadlineNs);
  EXPECT_EQ(sender.sent->counters().lost_by_reorder, 2u);
}

TEST(SentPackets, APacketAboveTheLargestAcknowledgedIsNotLost) {
  Sender sender;
  for (uint64_t number = 0; number < 3; ++number) sender.send(number, 0);
  sender.ack({{0, 1}}, 15 * kUs);
  EXPECT_EQ(sender.detect(kHour).packets, 0u);
  EXPECT_EQ(sender.sent->in_flight_packets(), 1u);
}

TEST(SentPackets, AnAckOfAPacketThatElicitsNoneShowsAGapToo) {
  Sender sender;
  sender.send(0, 0);
  sender.send_silent(1, 5 * kUs);
  const AckSummary summary = sender.ack({{1, 1}}, 20 * kUs);
  EXPECT_EQ(summary.verdict, AckVerdict::kOk);
  EXPECT_FALSE(summary.has_rtt);
  EXPECT_EQ(sender.detect(20 * kUs).packets, 1u);
  EXPECT_EQ(sender.verdicts.lost, (Positions{0}));
}

TEST(SentPackets, ASpuriousLossOpensTheReorderingWindowAndTellsNobodyTwice) {
  Sender sender;
  lose_overtaken(sender);
  ASSERT_EQ(sender.verdicts.lost, (Positions{0}));
  EXPECT_EQ(sender.sent->reorder_window_ns(sender.rtt), 0u);
  const AckSummary late = sender.ack({{0, 1}}, 24 * kUs);
  sender.detect(24 * kUs);
  EXPECT_EQ(late.spurious_packets, 1u);
  EXPECT_EQ(late.packets, 0u);
  EXPECT_EQ(sender.sent->counters().spurious, 1u);
  EXPECT_TRUE(sender.verdicts.acked == Positions{1});
  EXPECT_EQ(sender.sent->reorder_window_ns(sender.rtt), 5 * kUs);
  EXPECT_EQ(sender.ack({{0, 1}}, 30 * kUs).spurious_packets, 0u);
}

TEST(SentPackets, WithAReorderingWindowALatePacketIsWaitedForAndThenLost) {
  Sender sender;
  lose_overtaken(sender);
  sender.ack({{0, 1}}, 24 * kUs);
  sender.send(2, 100 * kUs);
  sender.send(3, 100 * kUs);
  sender.ack({{3, 3}}, 120 * kUs);
  EXPECT_EQ(sender.detect(120 * kUs).packets, 0u);
  EXPECT_EQ(sender.sent->loss_deadline_ns(), 125 * kUs);
  EXPECT_EQ(sender.detect(124 * kUs).packets, 0u);
  EXPECT_EQ(sender.detect(125 * kUs).packets, 1u);
  EXPECT_EQ(sender.verdicts.lost, (Positions{0, 2}));
  EXPECT_EQ(sender.sent->loss_deadline_ns(), kNoDeadlineNs);
}

TEST(SentPackets, TheReorderingWindowGrowsToTheSmoothedRttAndNoFurther) {
  Sender sender;
  uint64_t number = 0;
  uint64_t now_ns = 0;
  for (int round = 0; round < 100; ++round) {
    const uint64_t first = number;
    sender.send(number++, now_ns);
    sender.send(number++, now_ns);
    sender.ack({{first + 1, first + 1}}, now_ns + 20 * kUs);
    sender.detect(now_ns + kMs);
    sender.ack({{first, first + 1}}, now_ns + kMs);
    sender.detect(now_ns + kMs);
    now_ns += 2 * kMs;
  }
  EXPECT_EQ(sender.sent->counters().spurious, 100u);
  EXPECT_EQ(sender.sent->reorder_window_ns(sender.rtt), sender.rtt.srtt_ns());
}

TEST(SentPackets, TheReorderingWindowFadesInRoundsWithoutNeedOfIt) {
  Sender sender;
  lose_overtaken(sender);
  sender.ack({{0, 1}}, 24 * kUs);
  sender.detect(24 * kUs);
  uint64_t rounds = 0;
  while (sender.sent->reorder_window_ns(sender.rtt) != 0 && rounds < 100) {
    const uint64_t number = 2 + rounds++;
    sender.send(number, number * kMs);
    sender.ack({{number, number}}, number * kMs + 20 * kUs);
  }
  EXPECT_GE(rounds, SentPackets::kReorderRounds - 1u);
  EXPECT_LE(rounds, SentPackets::kReorderRounds + 1u);
}

TEST(SentPackets, ALonePacketIsGivenUpAfterTheProbeTimeout) {
  Sender sender;
  sender.rtt.set_peer_ack_delay_ns(50 * kUs);
  EXPECT_EQ(sender.probe_deadline(), kNoDeadlineNs);
  for (uint64_t number = 0; number < 50; ++number) {
    sender.send(number, number * 20 * kUs);
    sender.ack({{number, number}}, number * 20 * kUs + 15 * kUs);
  }
  sender.send(50, kMs);
  EXPECT_EQ(sender.probe_deadline(), kMs + RttEstimator::kProbeTimeoutNsMin);
  const LossSummary loss = sender.probe(kMs + 100 * kUs);
  EXPECT_EQ(loss.packets, 1u);
  EXPECT_EQ(sender.verdicts.lost, (Positions{50}));
  EXPECT_EQ(sender.sent->counters().lost_by_probe, 1u);
  EXPECT_EQ(sender.probe_deadline(), kNoDeadlineNs);
}

TEST(SentPackets, ProbesOfASilentPeerBackOffAndAnAckEndsThat) {
  Sender sender;
  for (uint64_t number = 0; number < 50; ++number) {
    sender.send(number, number * 20 * kUs);
    sender.ack({{number, number}}, number * 20 * kUs + 15 * kUs);
  }
  uint64_t now_ns = 10 * kMs;
  uint64_t number = 50;
  sender.send(number, now_ns);
  uint32_t probes_in_10_ms = 0;
  uint64_t interval_ns = 0;
  for (int count = 0; count < 30; ++count) {
    interval_ns = sender.probe_deadline() - now_ns;
    now_ns = sender.probe_deadline();
    probes_in_10_ms += now_ns <= 20 * kMs;
    sender.probe(now_ns);
    sender.send(++number, now_ns);
  }
  EXPECT_EQ(sender.sent->unanswered_probes(), 30u);
  EXPECT_EQ(interval_ns, SentPackets::kProbeBackoffNsMax);
  EXPECT_LE(probes_in_10_ms, 7u);
  sender.ack({{number, number}}, now_ns + 15 * kUs);
  EXPECT_EQ(sender.sent->unanswered_probes(), 0u);
  sender.send(number + 1, now_ns + kMs);
  EXPECT_LE(sender.probe_deadline(), now_ns + kMs + 200 * kUs);
}

TEST(SentPackets, AProbeGivesUpNoMoreThanTheOldestTwo) {
  Sender sender;
  for (uint64_t number = 0; number < 10; ++number) sender.send(number, 0);
  EXPECT_EQ(sender.probe(kMs).packets, SentPackets::kProbePacketsMax);
  EXPECT_EQ(sender.verdicts.lost, (Positions{0, 1}));
  EXPECT_EQ(sender.sent->in_flight_packets(), 8u);
}

TEST(SentPackets, WhatAProbeGaveUpInVainIsNoSignOfReordering) {
  Sender sender;
  sender.send(0, 0);
  sender.probe(20 * kMs);
  sender.send(1, 20 * kMs);
  const AckSummary summary = sender.ack({{0, 1}}, 21 * kMs);
  sender.detect(21 * kMs);
  EXPECT_EQ(summary.spurious_packets, 1u);
  EXPECT_EQ(summary.spurious_probe_packets, 1u);
  EXPECT_EQ(sender.sent->reorder_window_ns(sender.rtt), 0u);
}

TEST(SentPackets, AProbeWithNothingInFlightDoesNothing) {
  Sender sender;
  EXPECT_EQ(sender.probe(kMs).packets, 0u);
  EXPECT_EQ(sender.sent->unanswered_probes(), 0u);
}

TEST(SentPackets, ALostMtuProbeIsNoLossOfData) {
  Sender sender;
  const SentItem probe{SentItemKind::kMtuProbe, 0, 0, 1452, 7};
  sender.sent->record(0, 0, 1452, true, {&probe, 1});
  sender.send(1, 0);
  sender.ack({{1, 1}}, 15 * kUs);
  const LossSummary loss = sender.detect(15 * kUs);
  EXPECT_EQ(loss.packets, 0u);
  EXPECT_EQ(loss.bytes, 0u);
  EXPECT_EQ(loss.mtu_probes, 1u);
  EXPECT_EQ(sender.verdicts.lost, (Positions{7}));
}

TEST(SentPackets, AnAckOfWhatWasNeverSentIsSeenAndChangesNothing) {
  Sender sender;
  EXPECT_EQ(sender.ack({{0, 0}}, 0).verdict, AckVerdict::kNeverSent);
  sender.send(0, 0);
  sender.send(1, 0);
  EXPECT_EQ(sender.ack({{0, 2}}, kUs).verdict, AckVerdict::kNeverSent);
  EXPECT_EQ(sender.ack({{UINT64_MAX, UINT64_MAX}}, kUs).verdict, AckVerdict::kNeverSent);
  EXPECT_TRUE(sender.verdicts.acked.empty());
  EXPECT_EQ(sender.sent->in_flight_packets(), 2u);
  EXPECT_EQ(sender.detect(kUs).packets, 0u);
}

TEST(SentPackets, RangesThatMakeNoSenseAreMalformedAndChangeNothing) {
  Sender sender;
  for (uint64_t number = 0; number < 10; ++number) sender.send(number, 0);
  const auto verdict_of = [&](AckOf ack) { return sender.ack(std::move(ack), kUs).verdict; };
  EXPECT_EQ(verdict_of(AckOf(9, {})), AckVerdict::kMalformed);
  EXPECT_EQ(verdict_of(AckOf(9, {{0, 0}})), AckVerdict::kMalformed);
  EXPECT_EQ(verdict_of(AckOf(9, {{1, 1}})), AckVerdict::kMalformed);
  EXPECT_EQ(verdict_of(AckOf(9, {{0, 1}, {0, 1}})), AckVerdict::kMalformed);
  EXPECT_EQ(verdict_of(AckOf(9, {{0, 11}})), AckVerdict::kMalformed);
  EXPECT_EQ(verdict_of(AckOf(9, {{0, 1}, {9, 1}})), AckVerdict::kMalformed);
  EXPECT_EQ(verdict_of(AckOf(9, {{0, 1}, {UINT32_MAX, UINT32_MAX}})), AckVerdict::kMalformed);
  EXPECT_TRUE(sender.verdicts.acked.empty());
  EXPECT_EQ(verdict_of(AckOf(9, {{0, 1}, {8, 1}})), AckVerdict::kOk);
  EXPECT_EQ(sender.verdicts.acked, (Positions{0, 9}));
}

TEST(SentPackets, MoreThan1024PacketsWait) {
  Sender sender;
  for (uint64_t number = 0; number < SentPackets::kPacketsMax; ++number) {
    ASSERT_FALSE(sender.sent->full());
    sender.send(number, 0);
  }
  EXPECT_TRUE(sender.sent->full());
  sender.ack({{500, 500}}, kUs);
  EXPECT_FALSE(sender.sent->full());
  sender.send(SentPackets::kPacketsMax, kUs);
  EXPECT_TRUE(sender.sent->full());
}

TEST(SentPackets, OnePacketNeverAcknowledgedHoldsNoMoreThanTheSlots) {
  Sender sender;
  sender.send(0, 0);
  uint64_t number = 1;
  while (!sender.sent->full()) {
    sender.send(number, number);
    sender.ack({{number, number}}, number);
    ++number;
  }
  EXPECT_EQ(number, SentPackets::kSlots);
  sender.detect(number);
  EXPECT_FALSE(sender.sent->full());
  EXPECT_EQ(sender.verdicts.lost, (Positions{0}));
}

TEST(SentPackets, PacketsThatElicitNoAckTakeNoSlot) {
  Sender sender;
  sender.send(0, 0);
  for (uint64_t number = 1; number < 5'000; ++number) sender.send_silent(number, 0);
  EXPECT_FALSE(sender.sent->full());
  EXPECT_EQ(sender.sent->in_flight_packets(), 1u);
  EXPECT_EQ(sender.ack({{0, 4'999}}, kUs).packets, 1u);
}

TEST(SentPackets, ALossIsRememberedForAWholeWindowOfLaterPackets) {
  Sender sender;
  sender.send(0, 0);
  uint64_t number = 1;
  for (; number < SentPackets::kPacketsMax; ++number) sender.send(number, 0);
  sender.ack({{1, number - 1}}, kUs);
  sender.detect(kUs);
  ASSERT_EQ(sender.verdicts.lost, (Positions{0}));
  for (; number < SentPackets::kSlots; ++number) sender.send(number, kUs);
  EXPECT_EQ(sender.ack({{0, number - 1}}, 2 * kUs).spurious_packets, 1u);
}

TEST(SentPackets, AClockThatJumpsHoursOrStandsStillDoesNoHarm) {
  Sender sender;
  for (uint64_t number = 0; number < 8; ++number) sender.send(number, 0);
  sender.ack({{1, 1}}, 0);
  sender.detect(0);
  EXPECT_EQ(sender.verdicts.lost, (Positions{0}));
  EXPECT_GT(sender.probe_deadline(), 0u);
  EXPECT_LT(sender.probe_deadline(), kHour);
  sender.ack({{3, 3}}, 24 * kHour);
  sender.detect(24 * kHour);
  EXPECT_EQ(sender.verdicts.lost, (Positions{0, 2}));
  EXPECT_GT(sender.probe_deadline(), 24 * kHour);
  sender.probe(UINT64_MAX - 1);
  EXPECT_EQ(sender.probe_deadline(), kNoDeadlineNs);
}

}  // namespace
}  // namespace hyperroute::raptor
