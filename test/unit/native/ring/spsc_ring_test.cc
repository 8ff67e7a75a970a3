// The SPSC record ring, one behaviour at a time; both ends on one thread.
#include "ring/spsc_ring.h"

#include "unit/native/ring/ring_fixture.h"

namespace hyperroute {
namespace {

constexpr uint32_t kCapacityBytes = 4096;

class SpscRing : public testing::TestWithParam<RingVisibility> {};

TEST_P(SpscRing, RecordsComeOutInOrderWithTheirBytes) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  EXPECT_EQ(get(consumer), "<none>");
  ASSERT_TRUE(put(producer, "first"));
  ASSERT_TRUE(put(producer, ""));
  ASSERT_TRUE(put(producer, "12345678"));
  producer.publish();
  EXPECT_EQ(get(consumer), "first");
  EXPECT_EQ(get(consumer), "");
  EXPECT_EQ(get(consumer), "12345678");
  EXPECT_EQ(get(consumer), "<none>");
  EXPECT_FALSE(consumer.corrupt());
}

TEST_P(SpscRing, PayloadsAreAlignedForTheFieldsInThem) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  for (uint32_t payload_bytes = 0; payload_bytes < 20; ++payload_bytes) {
    uint8_t* const to = producer.claim(payload_bytes);
    ASSERT_NE(to, nullptr);
    EXPECT_TRUE(is_aligned(to, 8));
    producer.commit();
  }
}

TEST_P(SpscRing, ARecordThatDoesNotFitBeforeTheEndStartsAtTheBeginning) {
  // 24 bytes before the end: too few for 20 bytes of payload and their header.
  TestRing ring(kCapacityBytes, kCapacityBytes - 24);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  ASSERT_TRUE(put(producer, "twenty bytes of text"));
  producer.publish();
  RingRecord record;
  ASSERT_TRUE(consumer.next(record));
  EXPECT_EQ(text_of(record), "twenty bytes of text");
  EXPECT_EQ(record.data, ring.view.data + kRecordHeaderBytes);
  EXPECT_EQ(producer.occupied_bytes(), 24u + 32u);
  consumer.release(record.end_position);
  EXPECT_EQ(producer.occupied_bytes(), 0u);
}

TEST_P(SpscRing, ARecordThatFitsExactlyBeforeTheEndIsNotPadded) {
  TestRing ring(kCapacityBytes, kCapacityBytes - 24);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  ASSERT_TRUE(put(producer, "sixteen bytes...")) << "ends at the wrap";
  ASSERT_TRUE(put(producer, "next"));
  producer.publish();
  EXPECT_EQ(get(consumer), "sixteen bytes...");
  EXPECT_EQ(get(consumer), "next");
  EXPECT_EQ(producer.occupied_bytes(), 24u + 16u);
}

TEST_P(SpscRing, PaddingMayBeABareHeader) {
  TestRing ring(kCapacityBytes, kCapacityBytes - 8);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  ASSERT_TRUE(put(producer, "x"));
  producer.publish();
  EXPECT_EQ(get(consumer), "x");
  EXPECT_EQ(producer.occupied_bytes(), 8u + 16u);
}

TEST_P(SpscRing, AFullRingRefusesUntilRecordsAreReleased) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  const std::string payload(56, 'p');  // A span of 64 bytes.
  uint32_t count = 0;
  while (put(producer, payload)) ++count;
  // The last 64 bytes lack the 8 of the header after them.
  EXPECT_EQ(count, kCapacityBytes / 64 - 1);
  producer.publish();
  EXPECT_EQ(get(consumer), payload);
  EXPECT_EQ(producer.claim(56), nullptr) << "reading alone frees nothing";
  consumer.release_all();
  EXPECT_TRUE(put(producer, payload));
  EXPECT_FALSE(put(producer, payload));
}

TEST_P(SpscRing, TheRingFillsToItsLastEightBytes) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  const std::string quarter(producer.record_bytes_max(), 'q');
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(put(producer, quarter));
  ASSERT_FALSE(put(producer, quarter));
  const std::string rest(producer.record_bytes_max() - 8, 'r');
  ASSERT_TRUE(put(producer, rest));
  EXPECT_EQ(producer.occupied_bytes(), kCapacityBytes - 8);
  EXPECT_FALSE(put(producer, ""));
  producer.publish();
  for (int round = 0; round < 3; ++round) EXPECT_EQ(get(consumer), quarter);
  EXPECT_EQ(get(consumer), rest);
  EXPECT_EQ(get(consumer), "<none>");
}

TEST_P(SpscRing, TheLargestRecordFitsAnEmptyRingAtAnyPosition) {
  for (uint32_t start = 0; start < kCapacityBytes; start += 8) {
    TestRing ring(kCapacityBytes, start);
    SpscProducer producer(ring.view);
    SpscConsumer consumer(ring.view, GetParam());
    const std::string largest(producer.record_bytes_max(), 'm');
    ASSERT_TRUE(put(producer, largest)) << start;
    producer.publish();
    ASSERT_EQ(get(consumer), largest) << start;
  }
}

TEST_P(SpscRing, ARecordBeyondTheMaximumIsNeverGranted) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  EXPECT_EQ(producer.record_bytes_max(), kCapacityBytes / 4 - 8);
  EXPECT_EQ(producer.claim(producer.record_bytes_max() + 1), nullptr);
  EXPECT_EQ(producer.claim(UINT32_MAX), nullptr);
  EXPECT_NE(producer.claim(producer.record_bytes_max()), nullptr);
}

TEST_P(SpscRing, AnAbortedClaimLeavesNoRecord) {
  TestRing ring(kCapacityBytes, kCapacityBytes - 16);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  uint8_t* const to = producer.claim(100);
  ASSERT_NE(to, nullptr);
  std::memset(to, 0x02, 100);
  producer.abort();
  producer.publish();
  EXPECT_EQ(get(consumer), "<none>");
  ASSERT_TRUE(put(producer, "after"));
  producer.publish();
  EXPECT_EQ(get(consumer), "after");
}

TEST_P(SpscRing, ACommitMayKeepOnlyTheBeginningOfItsClaim) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  uint8_t* const to = producer.claim(1000);
  ASSERT_NE(to, nullptr);
  std::memset(to, 0x02, 1000);
  std::memcpy(to, "short", 5);
  producer.commit(5);
  EXPECT_EQ(producer.occupied_bytes(), 16u);
  ASSERT_TRUE(put(producer, "next"));
  ASSERT_NE(producer.claim(8), nullptr);
  producer.commit(0);
  producer.publish();
  EXPECT_EQ(get(consumer), "short");
  EXPECT_EQ(get(consumer), "next");
  EXPECT_EQ(get(consumer), "");
  EXPECT_EQ(get(consumer), "<none>");
}

TEST_P(SpscRing, RecordsPeekedAtComeAgainAfterARewind) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(put(producer, text));
  producer.publish();
  RingRecord first;
  ASSERT_TRUE(consumer.next(first));
  EXPECT_EQ(get(consumer), "b");
  consumer.release(first.end_position);
  consumer.rewind();
  EXPECT_EQ(get(consumer), "b");
  EXPECT_EQ(get(consumer), "c");
  EXPECT_EQ(consumer.occupied_bytes(), 32u);
  EXPECT_EQ(text_of(first), "a") << "nothing was written over it yet";
  consumer.release_all();
  EXPECT_EQ(consumer.occupied_bytes(), 0u);
  consumer.rewind();
  EXPECT_EQ(get(consumer), "<none>");
}

TEST_P(SpscRing, TheCursorsWrapAroundThirtyTwoBits) {
  TestRing ring(kCapacityBytes, 0u - 1024);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  for (int round = 0; round < 1000; ++round) {
    const std::string text = "record " + std::to_string(round);
    ASSERT_TRUE(put(producer, text));
    producer.publish();
    ASSERT_EQ(get(consumer), text);
    ASSERT_TRUE(consumer.occupied_bytes() > 0 && consumer.occupied_bytes() <= 48);
    consumer.release_all();
  }
  EXPECT_LT(producer.position(), 1u << 20);
}

TEST_P(SpscRing, AFullRingAcrossTheCursorsWrapIsStillFull) {
  TestRing ring(kCapacityBytes, 0u - 64);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  uint32_t count = 0;
  while (put(producer, std::string(24, 'w'))) ++count;
  EXPECT_EQ(count, (kCapacityBytes - 8) / 32);
  producer.publish();
  for (uint32_t index = 0; index < count; ++index) ASSERT_NE(get(consumer), "<none>");
  EXPECT_EQ(get(consumer), "<none>");
}

TEST_P(SpscRing, DropOldestDiscardsWholeRecordsDownToTheBound) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  for (int index = 0; index < 10; ++index) ASSERT_TRUE(put(producer, std::to_string(index)));
  producer.publish();
  EXPECT_EQ(consumer.drop_oldest(160), 0u);
  EXPECT_EQ(get(consumer), "0");
  EXPECT_EQ(consumer.drop_oldest(50), 7u) << "a record peeked at is still unread";
  EXPECT_EQ(consumer.occupied_bytes(), 48u);
  EXPECT_EQ(producer.occupied_bytes(), 48u) << "the producer gets the room";
  EXPECT_EQ(get(consumer), "7");
  EXPECT_EQ(consumer.drop_oldest(0), 3u);
  EXPECT_EQ(get(consumer), "<none>");
  EXPECT_EQ(consumer.drop_oldest(0), 0u);
}

TEST_P(SpscRing, ClosingIsSeenByTheOtherSideAfterTheLastRecord) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  ASSERT_TRUE(put(producer, "last"));
  EXPECT_FALSE(consumer.producer_closed());
  producer.close();
  EXPECT_TRUE(consumer.producer_closed());
  EXPECT_EQ(get(consumer), "last");
  EXPECT_FALSE(producer.consumer_closed());
  consumer.close();
  EXPECT_TRUE(producer.consumer_closed());
}

TEST_P(SpscRing, NewEndsGoOnWhereTheFormerOnesStopped) {
  TestRing ring(kCapacityBytes);
  {
    SpscProducer producer(ring.view);
    for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(put(producer, text));
    producer.publish();
    SpscConsumer consumer(ring.view, GetParam());
    EXPECT_EQ(get(consumer), "a");
    consumer.release_all();
    EXPECT_EQ(get(consumer), "b");
  }
  const RingView again = ring_attach(ring.region.data(), ring.region.bytes()).take();
  SpscProducer producer(again);
  SpscConsumer consumer(again, GetParam());
  ASSERT_TRUE(put(producer, "d"));
  producer.publish();
  for (const char* text : {"b", "c", "d"}) EXPECT_EQ(get(consumer), text);
}

TEST_P(SpscRing, AParkedSideSeesWhatTheOtherDidMeanwhile) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, GetParam());
  EXPECT_FALSE(consumer.has_records_after_park());
  while (put(producer, std::string(56, 'p'))) continue;
  EXPECT_FALSE(producer.has_space_after_park(56));
  producer.publish();
  EXPECT_TRUE(consumer.has_records_after_park());
  RingRecord record;
  ASSERT_TRUE(consumer.next(record));
  consumer.release_to_parkable(record.end_position);
  EXPECT_TRUE(producer.has_space_after_park(56));
  EXPECT_FALSE(producer.has_space_after_park(56 + 64));
}

INSTANTIATE_TEST_SUITE_P(BothModes, SpscRing,
                         testing::Values(RingVisibility::kCommitWord, RingVisibility::kTail),
                         [](const testing::TestParamInfo<RingVisibility>& info) {
                           return info.param == RingVisibility::kTail ? "Tail" : "CommitWord";
                         });

}  // namespace
}  // namespace hyperroute
