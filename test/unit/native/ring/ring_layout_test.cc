// What the two visibility modes promise, damaged rings, and the checks of a ring's memory.
#include "unit/native/ring/ring_fixture.h"

namespace hyperroute {
namespace {

constexpr uint32_t kCapacityBytes = 4096;

TEST(SpscRingModes, ACommittedRecordShowsAtOnceByItsCommitWordAndByTheTailOnPublish) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer by_word(ring.view, RingVisibility::kCommitWord);
  SpscConsumer by_tail(ring.view, RingVisibility::kTail);
  ASSERT_TRUE(put(producer, "early"));
  EXPECT_EQ(get(by_word), "early");
  EXPECT_EQ(get(by_tail), "<none>");
  EXPECT_EQ(by_word.occupied_bytes(), 0u) << "ahead of the tail counts as empty";
  producer.publish();
  EXPECT_EQ(get(by_tail), "early");
}

TEST(SpscRingModes, OldBytesOfAnEarlierLapNeverLookLikeARecord) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  SpscConsumer consumer(ring.view, RingVisibility::kCommitWord);
  // Payloads that are valid headers at every multiple of 8.
  std::string forged(120, '\0');
  for (size_t offset = 0; offset < forged.size(); offset += 8) {
    store_u64_le(forged.data() + offset, record_header(0, kCommitRecord));
  }
  for (int round = 0; round < 500; ++round) {
    const std::string text = forged.substr(0, static_cast<size_t>(round * 8) % 121);
    ASSERT_TRUE(put(producer, text));
    ASSERT_EQ(get(consumer), text);
    ASSERT_EQ(get(consumer), "<none>") << round;
    consumer.release_all();
  }
}

// Records as JavaScript writes them: plain stores, no zero after a record, then the tail.
TEST(SpscRingModes, RecordsOfAPlainStoringProducerAreReadByTheTail) {
  TestRing ring(kCapacityBytes);
  SpscConsumer consumer(ring.view, RingVisibility::kTail);
  store_u64_le(ring.view.data, record_header(3, kCommitRecord));
  std::memcpy(ring.view.data + 8, "one", 3);
  store_u64_le(ring.view.data + 16, record_header(5, kCommitRecord));
  std::memcpy(ring.view.data + 24, "three", 5);
  EXPECT_EQ(get(consumer), "<none>");
  ring.view.header->tail = 32;
  EXPECT_EQ(get(consumer), "one");
  EXPECT_EQ(get(consumer), "three");
  EXPECT_EQ(get(consumer), "<none>");
  EXPECT_FALSE(consumer.corrupt());
}

struct Forgery {
  const char* what;
  uint32_t tail;
  uint64_t header;
};

TEST(SpscRingModes, ACorruptHeaderOrTailStopsTheConsumerInsideItsMemory) {
  const Forgery forgeries[] = {
      {"a length beyond the tail", 16, record_header(16, kCommitRecord)},
      {"a length beyond the ring", 16, record_header(UINT32_MAX, kCommitRecord)},
      {"a length that wraps to 0", 16, record_header(UINT32_MAX - 7, kCommitRecord)},
      {"a record above the maximum", 4088, record_header(4000, kCommitRecord)},
      {"padding that ends before the end", 64, record_header(24, kCommitPadding)},
      {"nothing before the tail", 16, record_header(0, kCommitNone)},
      {"an unknown commit word", 16, record_header(0, 7)},
      {"a tail more than a lap ahead", kCapacityBytes + 8, record_header(0, kCommitRecord)},
      {"a tail inside a record's header", 12, record_header(0, kCommitRecord)},
  };
  for (const Forgery& forgery : forgeries) {
    TestRing ring(kCapacityBytes);
    SpscConsumer consumer(ring.view, RingVisibility::kTail);
    store_u64_le(ring.view.data, forgery.header);
    ring.view.header->tail = forgery.tail;
    RingRecord record;
    EXPECT_FALSE(consumer.next(record)) << forgery.what;
    EXPECT_TRUE(consumer.corrupt()) << forgery.what;
    EXPECT_EQ(consumer.drop_oldest(0), 0u) << forgery.what;
  }
}

TEST(SpscRingModes, ACorruptHeaderStopsAConsumerOfCommitWordsToo) {
  for (const uint64_t header : {record_header(kCapacityBytes, kCommitRecord), record_header(0, 9),
                                record_header(16, kCommitPadding)}) {
    TestRing ring(kCapacityBytes);
    SpscConsumer consumer(ring.view, RingVisibility::kCommitWord);
    store_u64_le(ring.view.data, header);
    EXPECT_EQ(get(consumer), "<none>");
    EXPECT_TRUE(consumer.corrupt());
  }
}

TEST(SpscRingModes, AnImpossibleHeadLeavesTheRingFullInsteadOfOverwritten) {
  TestRing ring(kCapacityBytes);
  SpscProducer producer(ring.view);
  while (put(producer, "record")) continue;
  ring.view.header->head = producer.position() + 64;
  EXPECT_EQ(producer.claim(6), nullptr);
  EXPECT_FALSE(producer.has_space_after_park(6));
}

TEST(RingLayout, UnusableMemoryIsRefusedWithTheReason) {
  MemoryRegion region = MemoryRegion::anonymous(ring_bytes(8192), Prefault::kNo).take();
  const auto init = [&](size_t offset, size_t bytes, uint32_t capacity, uint32_t position) {
    return ring_init(region.data() + offset, bytes, capacity, position).status().code;
  };
  EXPECT_EQ(init(8, ring_bytes(4096), 4096, 0), StatusCode::kConfig) << "not 64-byte aligned";
  EXPECT_EQ(init(0, ring_bytes(4096) - 1, 4096, 0), StatusCode::kConfig) << "a byte short";
  EXPECT_EQ(init(0, ring_bytes(8192), 2048, 0), StatusCode::kConfig) << "below the least";
  EXPECT_EQ(init(0, ring_bytes(8192), 6144, 0), StatusCode::kConfig) << "no power of two";
  EXPECT_EQ(init(0, ring_bytes(8192), 1u << 31, 0), StatusCode::kConfig) << "above the most";
  EXPECT_EQ(init(0, ring_bytes(8192), 4096, 4), StatusCode::kConfig) << "position inside a header";
  EXPECT_EQ(init(0, ring_bytes(8192), 4096, 8), StatusCode::kOk);
  EXPECT_EQ(ring_init(nullptr, 1 << 20, 4096).status().code, StatusCode::kConfig);
}

TEST(RingLayout, AttachingChecksWhatSomeoneElseFormatted) {
  TestRing ring(kCapacityBytes);
  RingHeader* const header = ring.view.header;
  const auto attach = [&] { return ring_attach(ring.region.data(), ring.region.bytes()); };
  ASSERT_TRUE(attach().ok());
  EXPECT_EQ(attach().value().capacity_bytes, kCapacityBytes);
  header->capacity_bytes = 2 * kCapacityBytes;
  EXPECT_FALSE(attach().ok());
  header->capacity_bytes = kCapacityBytes;
  header->version = 2;
  EXPECT_FALSE(attach().ok());
  header->version = kRingVersion;
  header->data_offset = 512;
  EXPECT_FALSE(attach().ok());
  header->data_offset = kRingDataOffset;
  header->magic ^= 1;
  EXPECT_FALSE(attach().ok());
}

}  // namespace
}  // namespace hyperroute
