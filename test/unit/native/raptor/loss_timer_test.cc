// When overtaken packets are looked at again: few timers for many packets, and no late one.
#include <gtest/gtest.h>

#include <algorithm>

#include "recovery_fixture.h"

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kUs = 1'000;

// A sender that has seen a packet come late, and so has a reordering window. Every sample is of
// `rtt_ns`; numbers from 2 on are free from `begin_ns` on.
struct PatientSender : Sender {
  explicit PatientSender(uint64_t path_rtt_ns) : rtt_ns(path_rtt_ns), begin_ns(4 * path_rtt_ns) {
    send(0, 0);
    send(1, 0);
    ack({{1, 1}}, rtt_ns);
    detect(rtt_ns);
    ack({{0, 1}}, rtt_ns + 1);
    detect(rtt_ns + 1);
    EXPECT_EQ(sent->reorder_window_ns(rtt), rtt_ns / 4);
    verdicts.lost.clear();
  }
  // Packets 2 to 1 + `packets`, so far apart, of which only the last arrives; its ACK comes now.
  uint64_t lose_all_but_the_last_of(uint32_t packets, uint64_t apart_ns) {
    for (uint32_t index = 0; index < packets; ++index) {
      send(2 + index, begin_ns + index * apart_ns);
    }
    const uint64_t now_ns = begin_ns + (packets - 1) * apart_ns + rtt_ns;
    ack({{packets + 1, packets + 1}}, now_ns);
    detect(now_ns);
    return now_ns;
  }
  uint64_t due_ns(uint32_t index, uint64_t apart_ns) const {
    return begin_ns + index * apart_ns + rtt_ns + rtt_ns / 4;
  }

  uint64_t rtt_ns;
  uint64_t begin_ns;
};

TEST(LossTimer, ManyPacketsMicrosecondsApartShareAFewTimers) {
  constexpr uint64_t kRttNs = 8'000 * kUs;
  constexpr uint64_t kApartNs = 2 * kUs;
  constexpr uint32_t kPackets = 1'000;
  PatientSender sender(kRttNs);
  sender.lose_all_but_the_last_of(kPackets, kApartNs);
  uint32_t timers = 0;
  while (sender.sent->loss_deadline_ns() != kNoDeadlineNs && timers < kPackets) {
    ++timers;
    EXPECT_GT(sender.detect(sender.sent->loss_deadline_ns()).packets, 0u);
  }
  EXPECT_EQ(sender.verdicts.lost.size(), kPackets - 1u);
  // They were sent within a quarter of a round trip, and a timer serves an eighth.
  EXPECT_LE(timers, 3u);
}

TEST(LossTimer, NoPacketIsFoundLostMoreThanAnEighthOfARoundTripAfterItIsDue) {
  // Round trips of loopback, of a LAN and of a continent.
  for (const uint64_t rtt_ns : {10 * kUs, 100 * kUs, 50'000 * kUs}) {
    for (const uint64_t apart_ns : {rtt_ns / 1'000, rtt_ns / 90, rtt_ns / 20}) {
      PatientSender sender(rtt_ns);
      uint64_t now_ns = sender.lose_all_but_the_last_of(200, apart_ns);
      const uint64_t span_ns = rtt_ns / SentPackets::kLossTimerRttDivisor;
      uint32_t found = static_cast<uint32_t>(sender.verdicts.lost.size());
      while (sender.sent->loss_deadline_ns() != kNoDeadlineNs) {
        EXPECT_GT(sender.sent->loss_deadline_ns(), now_ns);
        now_ns = sender.sent->loss_deadline_ns();
        sender.detect(now_ns);
        ASSERT_GT(sender.verdicts.lost.size(), found);
        EXPECT_LE(now_ns, sender.due_ns(found, apart_ns) + span_ns);
        found = static_cast<uint32_t>(sender.verdicts.lost.size());
        EXPECT_GE(now_ns, sender.due_ns(found - 1, apart_ns));
      }
      EXPECT_EQ(found, 199u);
    }
  }
}

TEST(LossTimer, PacketsThatAreDueTogetherWaitForNoOther) {
  PatientSender sender(800 * kUs);
  // Two lost ones 10 us apart, then one that arrives, and one behind it that nothing overtook.
  const uint64_t begin_ns = sender.begin_ns;
  sender.send(2, begin_ns);
  sender.send(3, begin_ns + 10 * kUs);
  sender.send(4, begin_ns + 20 * kUs);
  sender.send(5, begin_ns + 30 * kUs);
  sender.ack({{4, 4}}, begin_ns + 820 * kUs);
  EXPECT_EQ(sender.detect(begin_ns + 820 * kUs).packets, 0u);
  EXPECT_EQ(sender.sent->loss_deadline_ns(), begin_ns + 10 * kUs + 1'000 * kUs);
  EXPECT_EQ(sender.detect(sender.sent->loss_deadline_ns()).packets, 2u);
  EXPECT_EQ(sender.sent->loss_deadline_ns(), kNoDeadlineNs);
  EXPECT_EQ(sender.sent->in_flight_packets(), 1u);
}

TEST(LossTimer, AnAckFindsWhatIsDueWithoutWaitingForTheTimer) {
  PatientSender sender(800 * kUs);
  const uint64_t begin_ns = sender.begin_ns;
  for (uint64_t number = 2; number < 6; ++number) sender.send(number, begin_ns + number * 30 * kUs);
  sender.ack({{5, 5}}, begin_ns + 950 * kUs);
  EXPECT_EQ(sender.detect(begin_ns + 950 * kUs).packets, 0u);
  const uint64_t first_due_ns = begin_ns + 60 * kUs + 1'000 * kUs;
  ASSERT_GT(sender.sent->loss_deadline_ns(), first_due_ns);
  EXPECT_EQ(sender.detect(first_due_ns).packets, 1u);
  EXPECT_EQ(sender.sent->in_flight_packets(), 2u);
}

}  // namespace
}  // namespace hyperroute::raptor
