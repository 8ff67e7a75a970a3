// The sending end of a stream: what goes out, what comes back, what is given up.
#include "raptor/stream_tx.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

StreamTx make(StreamMode mode, uint32_t message_bytes_max = 4000, uint32_t ring_bytes = 16384) {
  StreamOptions options;
  options.mode = mode;
  options.message_bytes_max = message_bytes_max;
  options.ring_bytes = ring_bytes;
  options.deadline_us = mode == StreamMode::kDeadline ? 16'000 : 0;
  Result<StreamTx> created = StreamTx::create(options);
  HR_ASSERT(created.ok());
  StreamTx stream = created.take();
  stream.on_window(1u << 30);
  return stream;
}

int64_t offer(StreamTx& stream, uint32_t bytes, uint64_t now_ns = 0) {
  const std::vector<uint8_t> message(bytes, 'x');
  return stream.offer(now_ns, message);
}

StreamTx::Run next(StreamTx& stream, uint32_t room_bytes = 9000, uint64_t now_ns = 0) {
  StreamTx::Run run;
  if (!stream.next_run(now_ns, room_bytes, run)) run.bytes = 0;
  return run;
}

constexpr int64_t code(OfferCode value) { return static_cast<int64_t>(value); }

TEST(StreamTx, RefusesOptionsThatCannotBe) {
  StreamOptions options;
  options.message_bytes_max = kStreamMessageBytesMax + 1;
  EXPECT_EQ(StreamTx::create(options).status().code, StatusCode::kConfig);
  options = StreamOptions{};
  options.mode = StreamMode::kDeadline;
  EXPECT_FALSE(StreamTx::create(options).ok());
  options = StreamOptions{};
  options.ring_bytes = 3 << 20;
  EXPECT_FALSE(StreamTx::create(options).ok());
  options.ring_bytes = 256 << 10;  // Not twice a message of 256 KiB.
  EXPECT_FALSE(StreamTx::create(options).ok());
}

TEST(StreamTx, WritesRecordsAsTheyGoOnTheWire) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  const uint8_t text[] = {'a', 'b', 'c'};
  EXPECT_EQ(stream.offer(0, text), 16);
  EXPECT_EQ(stream.offer(0, {}), 24);
  const StreamTx::Run run = next(stream);
  ASSERT_EQ(run.bytes, 24u);
  const std::string wanted("\3\0\3\0\0\0\0\0abc\0\0\0\0\0\0\0\3\0\0\0\0\0", 24);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(run.data), 24), wanted);
}

TEST(StreamTx, CutsALargeMessageIntoFullRecordsAndARest) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  const int64_t end = offer(stream, 2 * kRecordPayloadBytesMax + 5);
  EXPECT_EQ(end, 2 * int64_t{kRecordBytesMax} + 16);
  const uint8_t flags[] = {kRecordBegin, 0, kRecordEnd};
  for (uint32_t index = 0; index < 3; ++index) {
    const StreamTx::Run run = next(stream, kRecordBytesMax);
    const RecordHeader header = load_record_header(run.data);
    EXPECT_EQ(header.invalid(), nullptr);
    EXPECT_EQ(header.flags, flags[index]);
    EXPECT_EQ(header.fragment_offset, index * kRecordPayloadBytesMax);
  }
  EXPECT_FALSE(stream.has_work());
}

TEST(StreamTx, GivesAsManyWholeRecordsAsThereIsRoomFor) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  for (const uint32_t bytes : {8u, 24u, 8u, 56u, 56u, 56u}) offer(stream, bytes);
  EXPECT_EQ(next(stream, 15).bytes, 0u);
  EXPECT_EQ(next(stream, 50).bytes, 48u);
  EXPECT_EQ(next(stream, 100).bytes, 80u);  // A mixed part, and the first of those alike.
  EXPECT_EQ(next(stream, 127).bytes, 64u);  // Only those alike.
  EXPECT_EQ(next(stream, 127).bytes, 64u);
  EXPECT_EQ(next(stream).bytes, 0u);
}

TEST(StreamTx, SendsNothingBeyondThePeersWindow) {
  StreamOptions options;
  StreamTx stream = StreamTx::create(options).take();
  offer(stream, 24);
  offer(stream, 24);
  EXPECT_TRUE(stream.is_blocked());
  EXPECT_FALSE(stream.has_work());
  EXPECT_EQ(next(stream).bytes, 0u);
  stream.on_window(40);  // One record and a part of the next.
  EXPECT_EQ(next(stream).bytes, 32u);
  EXPECT_TRUE(stream.is_blocked());
  stream.on_window(30);  // An old one that comes late takes nothing back.
  stream.on_window(64);
  EXPECT_EQ(next(stream).bytes, 32u);
  EXPECT_FALSE(stream.is_blocked());
}

TEST(StreamTx, PushesBackWhenTheRingIsFullAndGoesOnWhenItIsAcknowledged) {
  StreamTx stream = make(StreamMode::kReliableOrdered, 1000, 4096);
  for (uint32_t index = 0; index < 4; ++index) EXPECT_GT(offer(stream, 1000), 0);
  EXPECT_EQ(offer(stream, 1000), code(OfferCode::kBackPressure));
  EXPECT_EQ(stream.claim(1000), nullptr);
  EXPECT_EQ(stream.counters().back_pressure, 2u);
  const StreamTx::Run run = next(stream);
  EXPECT_EQ(offer(stream, 1000), code(OfferCode::kBackPressure));
  stream.on_run_acked(run.position, run.bytes);
  EXPECT_GT(offer(stream, 1000), 0);
  EXPECT_EQ(offer(stream, 1001), code(OfferCode::kTooLarge));
  stream.end();
  EXPECT_EQ(offer(stream, 1), code(OfferCode::kClosed));
}

TEST(StreamTx, AnAbortedClaimLeavesNothing) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  ASSERT_NE(stream.claim(100), nullptr);
  stream.abort();
  EXPECT_FALSE(stream.has_work());
  uint8_t* const to = stream.claim(1);
  *to = 'z';
  EXPECT_EQ(stream.commit(0), 16);
  EXPECT_EQ(next(stream).data[8], 'z');
  EXPECT_EQ(stream.claim(kRecordPayloadBytesMax + 1), nullptr);
}

TEST(StreamTx, AnOfferDropsAClaimThatWasNotCommitted) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  ASSERT_NE(stream.claim(100), nullptr);
  EXPECT_EQ(offer(stream, 8), 16);
  EXPECT_EQ(stream.commit(0), code(OfferCode::kClosed));
  EXPECT_EQ(next(stream).bytes, 16u);
  EXPECT_FALSE(stream.has_work());
}

TEST(StreamTx, SendsWhatWasLostFirstAndMayCutItSmaller) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  for (uint32_t index = 0; index < 6; ++index) offer(stream, 24);
  const StreamTx::Run first = next(stream, 96);
  const StreamTx::Run second = next(stream, 64);
  stream.on_run_acked(second.position, second.bytes);
  stream.on_run_lost(first.position, first.bytes);
  const StreamTx::Run again = next(stream, 64);
  EXPECT_TRUE(again.is_retransmit);
  EXPECT_EQ(again.position, 0u);
  EXPECT_EQ(again.bytes, 64u);
  const StreamTx::Run rest = next(stream, 64);
  EXPECT_EQ(rest.position, 64u);
  EXPECT_EQ(rest.bytes, 32u);
  const StreamTx::Run fresh = next(stream, 64);
  EXPECT_FALSE(fresh.is_retransmit);
  EXPECT_EQ(fresh.position, 160u);
  stream.on_run_acked(rest.position, rest.bytes);
  EXPECT_EQ(stream.unacked_bytes(), 64u + 32u);
  stream.on_run_acked(again.position, again.bytes);
  EXPECT_EQ(stream.unacked_bytes(), 32u);
  EXPECT_EQ(stream.counters().retransmit_bytes, 96u);
}

TEST(StreamTx, ForgetsALossThatTurnsOutToHaveArrived) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  offer(stream, 24);
  offer(stream, 24);
  const StreamTx::Run first = next(stream, 32);
  const StreamTx::Run second = next(stream, 32);
  stream.on_run_lost(first.position, first.bytes);
  stream.on_run_acked(second.position, second.bytes);
  EXPECT_TRUE(stream.has_run());
  stream.on_run_acked(first.position, first.bytes);
  EXPECT_FALSE(stream.has_run());
  EXPECT_EQ(stream.unacked_bytes(), 0u);
  stream.on_run_lost(first.position, first.bytes);  // Of the copy: what is done stays done.
  EXPECT_FALSE(stream.has_run());
}

TEST(StreamTx, ALatestValueOverwritesTheUnsentOneAndAbandonsTheSentOne) {
  StreamTx stream = make(StreamMode::kLatest);
  EXPECT_EQ(offer(stream, 24), 32);
  EXPECT_EQ(offer(stream, 56), 64);  // In the place of the first.
  const StreamTx::Run run = next(stream);
  EXPECT_EQ(run.bytes, 64u);
  EXPECT_EQ(offer(stream, 8), 80);
  stream.on_run_lost(run.position, run.bytes);
  const StreamTx::Run newest = next(stream);
  EXPECT_EQ(newest.position, 64u);
  EXPECT_FALSE(newest.is_retransmit);
  EXPECT_EQ(next(stream).bytes, 0u);
  EXPECT_EQ(stream.counters().abandoned, 2u);
  stream.on_run_lost(newest.position, newest.bytes);
  EXPECT_TRUE(next(stream).is_retransmit);  // The newest is as good as reliable.
}

TEST(StreamTx, ALatestValueNeverPushesBack) {
  StreamTx stream = make(StreamMode::kLatest, 2000, 4096 * 2);
  for (uint32_t index = 0; index < 100; ++index) {
    ASSERT_GT(offer(stream, index % 2 == 0 ? 2000 : 10), 0) << index;
    if (index % 3 == 0) next(stream, kRecordBytesMax);
    ASSERT_NE(stream.claim(1000), nullptr) << index;
    if (index % 2 == 0) {
      ASSERT_GT(stream.commit(0), 0);
    } else {
      stream.abort();
    }
  }
}

TEST(StreamTx, GivesUpMessagesPastTheirDeadlineAndTellsThePeer) {
  StreamTx stream = make(StreamMode::kDeadline);
  offer(stream, 24, 10 * kMillisecond);
  offer(stream, 24, 20 * kMillisecond);
  const StreamTx::Run run = next(stream, 32, 20 * kMillisecond);
  stream.on_run_lost(run.position, run.bytes);
  EXPECT_EQ(stream.next_deadline(), 26 * kMillisecond);
  stream.expire(26 * kMillisecond - 1);
  EXPECT_EQ(stream.skip_position(), kNoPosition);
  stream.expire(26 * kMillisecond);
  EXPECT_EQ(stream.skip_position(), 32u);
  EXPECT_EQ(stream.counters().abandoned, 1u);
  EXPECT_EQ(stream.next_deadline(), 36 * kMillisecond);
  const StreamTx::Run second = next(stream, 64, 26 * kMillisecond);
  EXPECT_EQ(second.position, 32u);
  EXPECT_FALSE(second.is_retransmit);
  stream.on_run_acked(second.position, second.bytes);
  EXPECT_EQ(stream.next_deadline(), UINT64_MAX);
  stream.on_skip_sent(32);
  EXPECT_EQ(stream.skip_position(), kNoPosition);
  stream.on_skip_lost(32);
  EXPECT_EQ(stream.skip_position(), 32u);
  stream.on_skip_sent(32);
  stream.on_skip_acked(32);
  EXPECT_FALSE(stream.has_work());
}

TEST(StreamTx, AnUnreliableStreamNeverSendsTwice) {
  StreamTx stream = make(StreamMode::kUnreliable);
  offer(stream, 24);
  offer(stream, 24);
  const StreamTx::Run run = next(stream);
  stream.on_run_lost(run.position, run.bytes);
  EXPECT_EQ(next(stream).bytes, 0u);
  EXPECT_EQ(stream.counters().abandoned, 2u);
  EXPECT_EQ(stream.unacked_bytes(), 0u);
  EXPECT_EQ(stream.skip_position(), kNoPosition);  // What comes later tells as much.
  stream.end();
  EXPECT_EQ(stream.skip_position(), 64u);  // Nothing comes later.
}

TEST(StreamTx, IsFinishedWhenItsEndAndAllBeforeItAreAcknowledged) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  offer(stream, 24);
  EXPECT_EQ(stream.end_position(), kNoPosition);
  stream.end();
  EXPECT_EQ(stream.end_position(), 32u);
  stream.on_end_sent();
  EXPECT_EQ(stream.end_position(), kNoPosition);
  stream.on_end_lost();
  EXPECT_EQ(stream.end_position(), 32u);
  stream.on_end_sent();
  stream.on_end_acked();
  EXPECT_FALSE(stream.is_finished());
  const StreamTx::Run run = next(stream);
  stream.on_run_acked(run.position, run.bytes);
  EXPECT_TRUE(stream.is_finished());
}

TEST(StreamTx, CountsTheMessagesThatAreNotAcknowledged) {
  StreamTx stream = make(StreamMode::kReliableOrdered);
  EXPECT_EQ(stream.unacked_messages(), 0u);
  offer(stream, 24);
  offer(stream, 2 * kRecordPayloadBytesMax + 5);
  offer(stream, 0);
  EXPECT_EQ(stream.unacked_messages(), 3u);
  const StreamTx::Run first = next(stream, 32);
  stream.on_run_acked(first.position, first.bytes);
  EXPECT_EQ(stream.unacked_messages(), 2u);
  // A message in pieces is open until the last of them is acknowledged, in whatever order.
  const StreamTx::Run pieces[] = {next(stream, kRecordBytesMax), next(stream, kRecordBytesMax),
                                  next(stream, 16)};
  stream.on_run_acked(pieces[2].position, pieces[2].bytes);
  stream.on_run_acked(pieces[0].position, pieces[0].bytes);
  EXPECT_EQ(stream.unacked_messages(), 2u);
  stream.on_run_acked(pieces[1].position, pieces[1].bytes);
  EXPECT_EQ(stream.unacked_messages(), 1u);
}

TEST(StreamTx, TakesUnacknowledgedMessagesBeyondABoundToBeLikeTheFirst) {
  constexpr uint32_t kMessages = 3 * kCountedRecordsMax / 2;
  StreamTx stream = make(StreamMode::kReliableOrdered, 4000, 2 << 20);
  for (uint32_t index = 0; index < kMessages; ++index) ASSERT_GT(offer(stream, 8), 0);
  EXPECT_EQ(stream.unacked_messages(), kMessages);
  // Larger than those that are read: the figure is of as many bytes.
  offer(stream, 3 * 16 - kRecordHeaderBytes);
  EXPECT_EQ(stream.unacked_messages(), kMessages + 3);
}

}  // namespace
}  // namespace hyperroute::raptor
