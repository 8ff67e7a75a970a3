// What the ends of `ping` and `perf` read from each other, and keep: hostile messages included.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "base/prng.h"
#include "bench/native/raptor/probe_answers.h"
#include "bench/native/raptor/probe_latencies.h"
#include "bench/native/raptor/probe_message.h"

namespace hyperroute::probe {
namespace {

TEST(ProbeMessage, AHeadComesBackAsItWasWritten) {
  std::array<uint8_t, kHeadBytes> bytes;
  write_head(bytes.data(),
             {.kind = MessageKind::kDataAsked, .number = kNumberMask, .time_ns = UINT64_MAX});
  Head head;
  ASSERT_TRUE(read_head(bytes, head));
  EXPECT_EQ(head.kind, MessageKind::kDataAsked);
  EXPECT_EQ(head.number, kNumberMask);
  EXPECT_EQ(head.time_ns, UINT64_MAX);
  // Little-endian on the wire: the kind is the top byte of the first word.
  EXPECT_EQ(bytes[7], static_cast<uint8_t>(MessageKind::kDataAsked));
}

TEST(ProbeMessage, AShortMessageOrAnUnknownKindIsNone) {
  std::array<uint8_t, kHeadBytes> bytes;
  write_head(bytes.data(), {.kind = MessageKind::kEcho});
  Head head;
  for (size_t size = 0; size < kHeadBytes; ++size) {
    EXPECT_FALSE(read_head(std::span<const uint8_t>(bytes).first(size), head)) << size;
  }
  for (const uint8_t kind : {uint8_t{0}, uint8_t{6}, uint8_t{255}}) {
    bytes[7] = kind;
    EXPECT_FALSE(read_head(bytes, head)) << int{kind};
  }
}

TEST(ProbeMessage, AHelloIsNoneOfAnotherSizeOrWithoutItsMark) {
  std::array<uint8_t, kHelloBytes + 1> bytes{};
  write_hello(bytes.data(), 0x1122334455667788);
  const std::span<const uint8_t> hello = std::span<const uint8_t>(bytes).first(kHelloBytes);
  uint64_t host_id = 0;
  ASSERT_TRUE(read_hello(hello, host_id));
  EXPECT_EQ(host_id, 0x1122334455667788u);
  EXPECT_FALSE(read_hello(bytes, host_id));
  EXPECT_FALSE(read_hello(hello.first(kHeadBytes), host_id));
  bytes[kHeadBytes] ^= 1;
  EXPECT_FALSE(read_hello(hello, host_id));
}

TEST(ProbeMessage, AReportKeepsEveryFigure) {
  Report sent;
  sent.messages = 1;
  sent.one_way_p999_ns = 2;
  sent.kernel_drops = 3;
  std::array<uint8_t, kReportBytes> bytes;
  write_report(bytes.data(), {.kind = MessageKind::kReport, .number = 9}, sent);
  Report received;
  ASSERT_TRUE(read_report(bytes, received));
  EXPECT_EQ(received.messages, 1u);
  EXPECT_EQ(received.one_way_p999_ns, 2u);
  EXPECT_EQ(received.kernel_drops, 3u);
  EXPECT_FALSE(read_report(std::span<const uint8_t>(bytes).first(kReportBytes - 8), received));
}

TEST(AnswerQueue, GivesAnswersInTheirOrderAndIsEmptyAfterwards) {
  AnswerQueue queue;
  EXPECT_TRUE(queue.is_empty());
  const std::vector<uint8_t> first(17, 1);
  const std::vector<uint8_t> second(1, 2);
  ASSERT_TRUE(queue.push(first));
  ASSERT_TRUE(queue.push(second));
  EXPECT_EQ(queue.front().size(), first.size());
  EXPECT_EQ(queue.front().back(), 1);
  queue.pop();
  ASSERT_FALSE(queue.is_empty());
  EXPECT_EQ(queue.front().size(), second.size());
  EXPECT_EQ(queue.front().front(), 2);
  queue.pop();
  EXPECT_TRUE(queue.is_empty());
}

TEST(AnswerQueue, RefusesWhatHasNoRoomUntilItIsEmpty) {
  AnswerQueue queue;
  const std::vector<uint8_t> largest(kMessageBytesMax, 7);
  uint32_t count = 0;
  while (queue.push(largest)) ++count;
  EXPECT_EQ(count, 2u);
  for (uint32_t taken = 0; taken < count; ++taken) queue.pop();
  EXPECT_TRUE(queue.is_empty());
  EXPECT_TRUE(queue.push(largest));
}

TEST(AnswerQueue, KeepsEveryByteOfAnswersOfAnySize) {
  constexpr uint64_t kSeed = 0x5eed;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  Prng prng(kSeed);
  AnswerQueue queue;
  for (uint32_t round = 0; round < 200; ++round) {
    std::vector<std::vector<uint8_t>> pushed;
    for (uint32_t index = 0; index < 20; ++index) {
      std::vector<uint8_t> answer(prng.below(20'000));
      std::iota(answer.begin(), answer.end(), static_cast<uint8_t>(prng.below(256)));
      if (!queue.push(answer)) break;
      pushed.push_back(std::move(answer));
    }
    ASSERT_FALSE(pushed.empty());
    for (const std::vector<uint8_t>& answer : pushed) {
      ASSERT_FALSE(queue.is_empty());
      ASSERT_TRUE(std::ranges::equal(queue.front(), answer));
      queue.pop();
    }
    ASSERT_TRUE(queue.is_empty());
  }
}

TEST(ProbeLatencies, PercentilesLieWithinWhatWasMeasured) {
  Latencies latencies;
  EXPECT_EQ(latencies.summary().count, 0u);
  EXPECT_EQ(latencies.summary().min_ns, 0u);
  latencies.record(1'000'003);
  const LatencySummary one = latencies.summary();
  EXPECT_EQ(one.min_ns, 1'000'003u);
  EXPECT_EQ(one.p50_ns, 1'000'003u);
  EXPECT_EQ(one.max_ns, 1'000'003u);
  for (uint64_t value = 1; value <= 100; ++value) latencies.record(value * 1000);
  const LatencySummary many = latencies.summary();
  EXPECT_EQ(many.count, 101u);
  EXPECT_EQ(many.min_ns, 1000u);
  EXPECT_NEAR(static_cast<double>(many.p50_ns), 51'000, 51'000 / 60.0);
  EXPECT_EQ(many.max_ns, 1'000'003u);
  latencies.clear();
  EXPECT_EQ(latencies.summary().count, 0u);
}

}  // namespace
}  // namespace hyperroute::probe
