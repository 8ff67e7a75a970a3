// Rows about sessions in the counters file: taken, written, freed, and never read half written.
#include "ring/session_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <thread>

#include "ring/counters.h"
#include "unit/native/ring/counters_reader.h"

namespace hyperroute {
namespace {

constexpr uint32_t kStateWord = 1;
constexpr uint32_t kCountersWord = sizeof(SessionRowHead) / sizeof(uint64_t);

struct SessionRowsTest : ::testing::Test {
  void SetUp() override { ASSERT_TRUE(counters.open(CountersOptions{}).ok()); }
  Result<Counters::Value> add(std::string_view names = "rttNs,forged,") {
    return counters.add(
        {CounterType::kSessions, CounterUnit::kCount, 0, "endpoint/a/sessions", names});
  }
  const uint8_t* table() {
    CountersReader reader;
    EXPECT_TRUE(reader.attach(counters.data(), counters.bytes()).ok());
    const CountersSample sample = reader.sample().take();
    return sample.counters.empty() ? nullptr : sample.counters.back().sessions;
  }

  Counters counters;
};

const uint8_t* row_at(const uint8_t* table, uint32_t index) {
  return table + kSessionRowsOffset + size_t{index} * kSessionRowBytes;
}

// S1 and S2 acquire: pair with the writer's. False: it was being written.
bool read_row(const uint8_t* table, uint32_t index, SessionRow& out) {
  const auto* words = reinterpret_cast<const std::atomic<uint64_t>*>(row_at(table, index));
  // S2 acquire: the words below are those of this sequence, or newer.
  const uint64_t sequence = words[0].load(std::memory_order_acquire);
  out[0] = sequence;
  for (uint32_t word = 1; word < out.size(); ++word) {
    // S1 acquire: whoever sees a word of a later writing sees its odd sequence too.
    out[word] = words[word].load(std::memory_order_acquire);
  }
  // Relaxed: the loads above are acquires, so this one stays behind them.
  return sequence % 2 == 0 && words[0].load(std::memory_order_relaxed) == sequence;
}

SessionRow row_of(uint64_t value) {
  SessionRow row{};
  std::fill(row.begin() + kStateWord, row.end(), value);
  return row;
}

TEST_F(SessionRowsTest, AreFoundWithTheNamesOfTheirCounters) {
  const Counters::Value value = add().take();
  ASSERT_FALSE(value.sessions.empty());
  SessionTableHead head;
  std::memcpy(&head, table(), sizeof head);
  EXPECT_EQ(head.row_count, kSessionRowCount);
  EXPECT_EQ(head.row_bytes, kSessionRowBytes);
  EXPECT_EQ(head.rows_offset, kSessionRowsOffset);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(table()) + sizeof head, head.names_bytes),
            "rttNs,forged,");
}

TEST_F(SessionRowsTest, ARowHasWhatWasWrittenLastAndIsThereUntilItIsFreed) {
  SessionRows rows = add().take().sessions;
  const uint32_t index = rows.take(row_of(1));
  ASSERT_EQ(index, 0u);
  SessionRow row = row_of(1);
  row[kCountersWord + 1] = 77;
  rows.write(index, row);
  SessionRow read;
  ASSERT_TRUE(read_row(table(), index, read));
  EXPECT_TRUE(std::equal(row.begin() + 1, row.end(), read.begin() + 1));
  rows.free(index);
  ASSERT_TRUE(read_row(table(), index, read));
  EXPECT_TRUE(std::all_of(read.begin() + 1, read.end(), [](uint64_t word) { return word == 0; }));
}

TEST_F(SessionRowsTest, ARowThatDoesNotChangeIsNotWritten) {
  SessionRows rows = add().take().sessions;
  const uint32_t index = rows.take(row_of(1));
  SessionRow before;
  SessionRow after;
  ASSERT_TRUE(read_row(table(), index, before));
  rows.write(index, row_of(1));
  ASSERT_TRUE(read_row(table(), index, after));
  EXPECT_EQ(after[0], before[0]);
  rows.write(index, row_of(2));
  ASSERT_TRUE(read_row(table(), index, after));
  EXPECT_EQ(after[0], before[0] + 2);
}

TEST_F(SessionRowsTest, AreLimitedAndAFreedOneIsTakenAgain) {
  SessionRows rows = add().take().sessions;
  std::set<uint32_t> taken;
  for (uint32_t count = 0; count < kSessionRowCount; ++count) taken.insert(rows.take(row_of(1)));
  EXPECT_EQ(taken.size(), kSessionRowCount);
  EXPECT_EQ(*taken.rbegin(), kSessionRowCount - 1);
  EXPECT_EQ(rows.take(row_of(1)), kNoSessionRow);
  // What never got a row is written nowhere.
  rows.write(kNoSessionRow, row_of(9));
  rows.free(17);
  EXPECT_EQ(rows.take(row_of(3)), 17u);
  SessionRow read;
  ASSERT_TRUE(read_row(table(), 17, read));
  EXPECT_EQ(read[kStateWord], 3u);
}

TEST_F(SessionRowsTest, WhereThereAreNoneNothingIsTakenOrWritten) {
  SessionRows rows;
  EXPECT_TRUE(rows.empty());
  EXPECT_EQ(rows.take(row_of(1)), kNoSessionRow);
  rows.write(0, row_of(1));
  rows.free(0);
}

TEST_F(SessionRowsTest, AreZeroWhereATableOfAnEndpointThatIsGoneIsUsedAgain) {
  const Counters::Value first = add().take();
  SessionRows rows = first.sessions;
  ASSERT_EQ(rows.take(row_of(5)), 0u);
  const uint8_t* const place = table();
  ASSERT_TRUE(counters.remove(first.id));
  counters.next_generation();
  ASSERT_TRUE(add("other,").ok());
  EXPECT_EQ(table(), place);
  SessionRow read;
  ASSERT_TRUE(read_row(table(), 0, read));
  EXPECT_EQ(read, SessionRow{});
}

TEST_F(SessionRowsTest, NamesThatAreTooLongAreRefused) {
  EXPECT_TRUE(add(std::string(kSessionNamesBytesMax, 'x')).ok());
  EXPECT_EQ(add(std::string(kSessionNamesBytesMax + 1, 'x')).status().code, StatusCode::kConfig);
}

TEST_F(SessionRowsTest, AreNeverTakenForWholeWhileTheyAreWritten) {
  SessionRows rows = add().take().sessions;
  const uint32_t index = rows.take(row_of(1));
  const uint8_t* const read_from = table();
  constexpr uint64_t kWritings = 200'000;
  std::atomic<bool> has_ended{false};
  std::thread writer([&] {
    for (uint64_t value = 2; value < kWritings; ++value) rows.write(index, row_of(value));
    // Relaxed: the row is what is looked at.
    has_ended.store(true, std::memory_order_relaxed);
  });
  uint64_t newest = 0;
  bool is_last = false;
  while (!is_last) {
    // Relaxed: as above; one more look follows.
    is_last = has_ended.load(std::memory_order_relaxed);
    SessionRow read;
    if (!read_row(read_from, index, read)) continue;
    ASSERT_TRUE(std::all_of(read.begin() + 1, read.end(),
                            [&](uint64_t word) { return word == read[kStateWord]; }));
    ASSERT_GE(read[kStateWord], newest);
    newest = read[kStateWord];
  }
  writer.join();
  SessionRow read;
  ASSERT_TRUE(read_row(read_from, index, read));
  EXPECT_EQ(read[kStateWord], kWritings - 1);
}

}  // namespace
}  // namespace hyperroute
