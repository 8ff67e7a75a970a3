// Which packets came: replay, the ranges of ACKs, and when one is due.
#include "raptor/received_packets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "base/prng.h"

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kUs = 1'000;

// The ranges as "first-last first-last …", newest first.
std::string said(const ReceivedPackets& received, uint32_t ranges_max = kAckRangesMax) {
  AckContents contents;
  if (!received.contents(0, ranges_max, contents)) return "nothing";
  std::string text;
  uint64_t below = contents.largest + 1;
  for (const AckRange& range : contents.span()) {
    const uint64_t last = below - range.gap - 1;
    const uint64_t first = last - (range.run - 1);
    text += (text.empty() ? "" : " ") + std::to_string(first) + "-" + std::to_string(last);
    below = first;
  }
  return text;
}

TEST(ReceivedPackets, BeforeTheFirstPacketThereIsNothingToSay) {
  ReceivedPackets received;
  EXPECT_EQ(said(received), "nothing");
  EXPECT_FALSE(received.has_news());
  EXPECT_FALSE(received.should_ack(1'000'000'000));
  EXPECT_EQ(received.ack_deadline_ns(), kNoDeadlineNs);
  EXPECT_TRUE(received.is_new(0));
}

TEST(ReceivedPackets, PacketsInOrderAreOneRangeAndTheirAckWaitsForItsDelay) {
  ReceivedPackets received;
  received.add(0, 10 * kUs, true);
  received.add(1, 20 * kUs, true);
  EXPECT_EQ(said(received), "0-1");
  EXPECT_TRUE(received.has_news());
  EXPECT_FALSE(received.should_ack(59 * kUs));
  EXPECT_EQ(received.ack_deadline_ns(), 60 * kUs);
  EXPECT_TRUE(received.should_ack(60 * kUs));
  received.on_ack_sent(1);
  EXPECT_FALSE(received.has_news());
  EXPECT_FALSE(received.should_ack(600 * kUs));
}

TEST(ReceivedPackets, ARefusedPacketIsNotNewAgainAndNoAckNamesIt) {
  ReceivedPackets received;
  received.refuse(0);
  EXPECT_FALSE(received.is_new(0));
  EXPECT_EQ(said(received), "nothing");
  received.add(1, 0, true);
  received.refuse(2);
  received.refuse(5);
  EXPECT_EQ(said(received), "1-1");
  EXPECT_FALSE(received.is_new(5));
  for (const uint64_t number : {3u, 4u, 6u}) EXPECT_TRUE(received.is_new(number)) << number;
  received.add(4, 30 * kUs, true);
  EXPECT_EQ(said(received), "4-4 1-1");
  received.add(3, 40 * kUs, true);
  EXPECT_EQ(said(received), "3-4 1-1");
  received.add(6, 50 * kUs, true);
  EXPECT_EQ(said(received), "6-6 3-4 1-1");
  received.add(7, 60 * kUs, true);
  EXPECT_EQ(said(received), "6-7 3-4 1-1");
}

TEST(ReceivedPackets, RefusedPacketsAmongOthersAreRememberedAsAModelDoes) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    ReceivedPackets received;
    std::set<uint64_t> seen;
    std::set<uint64_t> taken;
    for (uint32_t step = 0; step < 400; ++step) {
      const uint64_t number = step / 2 + prng.below(24);
      ASSERT_EQ(received.is_new(number), !seen.contains(number)) << number;
      if (seen.contains(number)) continue;
      seen.insert(number);
      if (prng.one_in(8)) {
        received.refuse(number);
      } else {
        received.add(number, step, true);
        taken.insert(number);
      }
      AckContents contents;
      ASSERT_EQ(received.contents(step, kAckRangesMax, contents), !taken.empty());
      if (taken.empty()) continue;
      ASSERT_EQ(contents.largest, *taken.rbegin());
      uint64_t below = contents.largest + 1;
      for (const AckRange& range : contents.span()) {
        const uint64_t last = below - range.gap - 1;
        for (uint64_t each = last - (range.run - 1); each <= last; ++each) {
          ASSERT_TRUE(taken.contains(each)) << each;
        }
        below = last - (range.run - 1);
      }
    }
  }
}

TEST(ReceivedPackets, TheSixteenthElicitingPacketIsAcknowledgedAtOnce) {
  ReceivedPackets received;
  for (uint64_t number = 0; number < 15; ++number) received.add(number, 0, true);
  EXPECT_FALSE(received.should_ack(0));
  received.add(15, 0, true);
  EXPECT_TRUE(received.should_ack(0));
}

TEST(ReceivedPackets, WhatElicitsNoAckGetsNone) {
  ReceivedPackets received;
  for (uint64_t number = 0; number < 1'000; ++number) received.add(number, 0, false);
  EXPECT_FALSE(received.has_news());
  EXPECT_EQ(received.ack_deadline_ns(), kNoDeadlineNs);
  EXPECT_EQ(said(received), "0-999");
}

TEST(ReceivedPackets, AGapIsToldAtOnce) {
  ReceivedPackets received;
  received.add(0, 0, true);
  received.on_ack_sent(1);
  received.add(2, 0, true);
  EXPECT_TRUE(received.should_ack(0));
  EXPECT_EQ(received.ack_deadline_ns(), 0u);
  EXPECT_EQ(said(received), "2-2 0-0");
}

TEST(ReceivedPackets, AGapBehindAPacketThatElicitsNoAckIsToldOnce) {
  ReceivedPackets received;
  received.add(0, 0, false);
  received.add(2, 0, false);
  EXPECT_TRUE(received.should_ack(0));
  received.on_ack_sent(2);
  received.add(3, 0, false);
  EXPECT_FALSE(received.has_news());
}

TEST(ReceivedPackets, ALatePacketFillsItsGapAndIsToldAtOnce) {
  ReceivedPackets received;
  for (const uint64_t number : {0, 1, 3, 5}) received.add(number, 0, true);
  received.on_ack_sent(3);
  received.add(4, 0, true);
  EXPECT_TRUE(received.should_ack(0));
  EXPECT_EQ(said(received), "3-5 0-1");
  received.add(2, 0, true);
  EXPECT_EQ(said(received), "0-5");
  EXPECT_EQ(received.reorder_depth_max(), 3u);
}

TEST(ReceivedPackets, LatePacketsGrowTheRangeAboveOrBelowOrMakeTheirOwn) {
  ReceivedPackets received;
  for (const uint64_t number : {10, 20, 30}) received.add(number, 0, true);
  received.add(21, 0, true);
  received.add(29, 0, true);
  received.add(15, 0, true);
  received.add(5, 0, true);
  received.add(6, 0, true);
  EXPECT_EQ(said(received), "29-30 20-21 15-15 10-10 5-6");
}

TEST(ReceivedPackets, ADuplicateIsNotNewAndNeitherIsWhatTheWindowLeftBehind) {
  ReceivedPackets received;
  received.add(0, 0, true);
  EXPECT_FALSE(received.is_new(0));
  const uint64_t ahead = ReceivedPackets::kReplayWindow + 100;
  received.add(ahead, 0, true);
  EXPECT_FALSE(received.is_new(ahead));
  EXPECT_FALSE(received.is_new(100));
  EXPECT_TRUE(received.is_new(101));
  EXPECT_TRUE(received.is_new(ahead - 1));
  EXPECT_TRUE(received.is_new(ahead + 1));
}

TEST(ReceivedPackets, ANumberNoSenderReachesIsNotNew) {
  ReceivedPackets received;
  EXPECT_FALSE(received.is_new(UINT64_MAX));
  received.add(ReceivedPackets::kNumberMax, 0, true);
  EXPECT_FALSE(received.is_new(ReceivedPackets::kNumberMax));
  EXPECT_FALSE(received.is_new(0));
  EXPECT_TRUE(received.is_new(ReceivedPackets::kNumberMax - 1));
  received.add(ReceivedPackets::kNumberMax - 1, 0, true);
  EXPECT_FALSE(received.is_new(ReceivedPackets::kNumberMax - 1));
}

TEST(ReceivedPackets, AJumpTooWideForAnAckEndsItsRangesThere) {
  ReceivedPackets received;
  received.add(0, 0, true);
  received.add(uint64_t{1} << 40, 0, true);
  EXPECT_EQ(said(received), "1099511627776-1099511627776");
}

TEST(ReceivedPackets, TheOldestOfTooManyRangesAreForgotten) {
  ReceivedPackets received;
  for (uint64_t number = 0; number < 100; number += 2) received.add(number, 0, true);
  AckContents contents;
  ASSERT_TRUE(received.contents(0, kAckRangesMax, contents));
  EXPECT_EQ(contents.range_count, kAckRangesMax);
  EXPECT_EQ(contents.largest, 98u);
  received.add(1, 0, true);
  ASSERT_TRUE(received.contents(0, kAckRangesMax, contents));
  EXPECT_EQ(contents.largest, 98u);
  received.add(97, 0, true);
  EXPECT_EQ(said(received, 2), "96-98 94-94");
}

TEST(ReceivedPackets, AFrameWithLittleRoomSaysTheNewestRanges) {
  ReceivedPackets received;
  for (const uint64_t number : {0, 2, 4, 6}) received.add(number, 0, true);
  EXPECT_EQ(said(received, 1), "6-6");
  EXPECT_EQ(said(received, 3), "6-6 4-4 2-2");
}

TEST(ReceivedPackets, ARangeSaidOftenEnoughIsSaidNoMoreUnlessItChanges) {
  ReceivedPackets received;
  received.add(0, 0, true);
  received.add(4, 0, true);
  for (uint32_t report = 0; report < ReceivedPackets::kReportsMax; ++report) {
    EXPECT_EQ(said(received), "4-4 0-0") << report;
    received.on_ack_sent(2);
  }
  EXPECT_EQ(said(received), "4-4");
  received.add(2, 0, true);
  EXPECT_EQ(said(received), "4-4 2-2");
  for (uint32_t report = 1; report < ReceivedPackets::kReportsMax; ++report) {
    received.on_ack_sent(2);
  }
  received.add(1, 0, true);
  received.on_ack_sent(2);
  EXPECT_EQ(said(received), "4-4 1-2");
}

TEST(ReceivedPackets, TheDelayIsThatOfTheLargest) {
  ReceivedPackets received;
  received.add(5, 100, true);
  received.add(3, 400, true);
  AckContents contents;
  ASSERT_TRUE(received.contents(1'000, 1, contents));
  EXPECT_EQ(contents.delay_ns, 900u);
  ASSERT_TRUE(received.contents(UINT64_MAX, 1, contents));
  EXPECT_EQ(contents.delay_ns, UINT32_MAX);
  ASSERT_TRUE(received.contents(0, 1, contents));
  EXPECT_EQ(contents.delay_ns, 0u);
}

TEST(ReceivedPackets, AgreesWithASetOfNumbersWhateverComes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Prng prng(seed);
    ReceivedPackets received;
    std::set<uint64_t> came;
    uint64_t next = 0;
    for (int step = 0; step < 20'000; ++step) {
      const uint32_t kind = prng.below(100);
      uint64_t number = next;
      if (kind < 20 && next > 0) number = next - 1 - prng.below(kind < 2 ? 6'000 : 40) % next;
      if (kind >= 90) number = next + prng.below(kind == 99 ? 5'000 : 5);
      const bool in_window = number + ReceivedPackets::kReplayWindow >= next;
      ASSERT_EQ(received.is_new(number), in_window && !came.contains(number))
          << "seed " << seed << " step " << step;
      if (!received.is_new(number)) continue;
      received.add(number, 0, true);
      came.insert(number);
      next = std::max(next, number + 1);
      if (prng.one_in(8)) {
        AckContents contents;
        ASSERT_TRUE(received.contents(0, kAckRangesMax, contents));
        ASSERT_EQ(contents.largest, next - 1) << "seed " << seed << " step " << step;
        uint64_t below = contents.largest + 1;
        for (const AckRange& range : contents.span()) {
          const uint64_t last = below - range.gap - 1;
          below = last - (range.run - 1);
          ASSERT_EQ(std::distance(came.lower_bound(below), came.upper_bound(last)), range.run)
              << "seed " << seed << " step " << step;
          if (range.run > 100) break;
        }
        received.on_ack_sent(contents.range_count);
      }
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
