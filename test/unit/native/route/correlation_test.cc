// The table alone: what it finds, closes, lets time out and forgets, held against a plain model.
#include "route/correlation.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <vector>

#include "base/bits.h"
#include "base/prng.h"

namespace hyperroute {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

using Key = std::array<uint64_t, 2>;

CorrelationRecord record_of(uint32_t capacity, uint8_t evicts, uint16_t key_words = 2,
                            uint16_t saved_words = 1) {
  CorrelationRecord record{};
  record.capacity = capacity;
  record.timeout_ms = 10;
  record.key_words = key_words;
  record.saved_words = saved_words;
  record.evicts = evicts;
  return record;
}

std::unique_ptr<CorrelationTable> make(const CorrelationRecord& record,
                                       uint32_t first_generation = 0) {
  auto table = CorrelationTable::create(record, first_generation);
  EXPECT_TRUE(table.ok());
  return table.take();
}

// Opens an entry; returns its id, or 0 where the table is full.
uint64_t open(CorrelationTable& table, const Key& key, uint64_t saved, uint64_t now_ns) {
  const uint32_t index = table.reserve();
  if (index == kNoEntry) return 0;
  uint64_t* const words = table.entry(index).words();
  words[0] = key[0];
  words[1] = key[1];
  words[2] = saved;
  table.prepare(index);
  const uint64_t id = table.reserved_id(index);
  table.open(saved + 1, saved + 2, now_ns);
  return id;
}

TEST(CorrelationTable, FindsAnEntryByItsIdAndByItsKeyUntilItIsClosed) {
  const auto table = make(record_of(4, 0));
  const uint64_t id = open(*table, {7, 8}, 40, 100);
  EXPECT_EQ(id, uint64_t{1} << 32);
  const uint32_t found = table->find_id(id);
  ASSERT_NE(found, kNoEntry);
  const Key key = {7, 8};
  EXPECT_EQ(table->find_key(key.data()), found);
  const Key stranger = {8, 7};
  EXPECT_EQ(table->find_key(stranger.data()), kNoEntry);
  EXPECT_EQ(table->id_of(found), id);
  EXPECT_EQ(table->entry(found).source, 41u);
  EXPECT_EQ(table->entry(found).destination, 42u);
  EXPECT_EQ(table->saved_of(found)[0], 40);
  table->close(id);
  EXPECT_EQ(table->find_id(id), kNoEntry);
  EXPECT_EQ(table->find_key(key.data()), kNoEntry);
  table->close(id);
  EXPECT_EQ(table->counts().closed, 1u);
  EXPECT_EQ(table->open_count(), 0u);
}

TEST(CorrelationTable, WhatIsReservedIsNotThereBeforeItIsOpen) {
  const auto table = make(record_of(1, 0));
  const uint32_t index = table->reserve();
  ASSERT_NE(index, kNoEntry);
  const uint64_t id = table->reserved_id(index);
  EXPECT_EQ(table->find_id(id), kNoEntry);
  EXPECT_EQ(table->reserve(), index);
  EXPECT_EQ(table->open_count(), 0u);
  table->prepare(index);
  table->open(1, 2, 3);
  EXPECT_EQ(table->find_id(id), index);
  EXPECT_EQ(table->reserve(), kNoEntry);
  EXPECT_EQ(table->counts().refused, 1u);
}

TEST(CorrelationTable, AnIdIsNotThatOfTheNextEntryInItsPlace) {
  const auto table = make(record_of(1, 0));
  const uint64_t first = open(*table, {1, 1}, 0, 0);
  table->close(first);
  const uint64_t second = open(*table, {2, 2}, 0, 0);
  EXPECT_EQ(static_cast<uint32_t>(second), static_cast<uint32_t>(first));
  EXPECT_EQ(table->find_id(first), kNoEntry);
  EXPECT_NE(table->find_id(second), kNoEntry);
  // An id that names a free place, or none.
  EXPECT_EQ(table->find_id(uint64_t{0} << 32 | 1), kNoEntry);
  EXPECT_EQ(table->find_id(UINT64_MAX), kNoEntry);
}

TEST(CorrelationTable, GenerationsGoOnFromZeroWhenTheyAreUsedUp) {
  const auto table = make(record_of(1, 0), UINT32_MAX);
  const uint64_t last = open(*table, {1, 1}, 0, 0);
  EXPECT_EQ(last >> 32, UINT32_MAX);
  EXPECT_NE(table->find_id(last), kNoEntry);
  table->close(last);
  EXPECT_EQ(table->find_id(last), kNoEntry);
  EXPECT_EQ(table->find_id(0), kNoEntry);
  EXPECT_EQ(open(*table, {1, 1}, 0, 0) >> 32, 1u);
}

TEST(CorrelationTable, TheNewestEntryHasTheKey) {
  const auto table = make(record_of(4, 0));
  const uint64_t first = open(*table, {5, 5}, 1, 0);
  const uint64_t second = open(*table, {5, 5}, 2, 0);
  const Key key = {5, 5};
  EXPECT_EQ(table->id_of(table->find_key(key.data())), second);
  EXPECT_NE(table->find_id(first), kNoEntry);
  table->close(first);
  EXPECT_EQ(table->id_of(table->find_key(key.data())), second);
  table->close(second);
  EXPECT_EQ(table->find_key(key.data()), kNoEntry);
}

// Hashes have 32 bits: among so many keys some meet, and a tenth of a percent of strangers do.
TEST(CorrelationTable, AnotherKeyWithTheSameHashIsAnotherKey) {
  constexpr uint32_t kCapacity = (1u << 18) - 1;
  const auto table = make(record_of(kCapacity, 0));
  for (uint64_t number = 0; number < kCapacity; ++number) {
    ASSERT_NE(open(*table, {number, ~number}, number, 0), 0u);
  }
  for (uint64_t number = 0; number < kCapacity; ++number) {
    const Key key = {number, ~number};
    const uint32_t found = table->find_key(key.data());
    ASSERT_NE(found, kNoEntry);
    ASSERT_EQ(load_u64_le(table->saved_of(found)), number);
  }
  for (uint64_t number = kCapacity; number < 4 * uint64_t{kCapacity}; ++number) {
    const Key key = {number, ~number};
    ASSERT_EQ(table->find_key(key.data()), kNoEntry);
  }
}

TEST(CorrelationTable, TheOldestGoesWhereATableEvicts) {
  const auto table = make(record_of(2, 1));
  const uint64_t first = open(*table, {1, 0}, 0, 0);
  const uint64_t second = open(*table, {2, 0}, 0, 0);
  const uint64_t third = open(*table, {3, 0}, 0, 0);
  EXPECT_EQ(table->find_id(first), kNoEntry);
  EXPECT_NE(table->find_id(second), kNoEntry);
  EXPECT_NE(table->find_id(third), kNoEntry);
  EXPECT_EQ(table->open_count(), 2u);
  EXPECT_EQ(table->counts().evicted, 1u);
}

TEST(CorrelationTable, EntriesTimeOutInTheOrderOfOpeningAndNoMoreThanAsked) {
  const auto table = make(record_of(8, 0));
  EXPECT_EQ(table->deadline_ns(), UINT64_MAX);
  for (uint64_t number = 0; number < 5; ++number) (void)open(*table, {number, 0}, 0, number);
  EXPECT_EQ(table->deadline_ns(), 10 * kNsPerMs);
  EXPECT_EQ(table->sweep(10 * kNsPerMs - 1, 64), 0u);
  EXPECT_EQ(table->sweep(10 * kNsPerMs + 1, 64), 2u);
  EXPECT_EQ(table->sweep(UINT64_MAX, 1), 1u);
  EXPECT_EQ(table->sweep(UINT64_MAX, 64), 2u);
  EXPECT_EQ(table->sweep(UINT64_MAX, 64), 0u);
  EXPECT_EQ(table->counts().timed_out, 5u);
  EXPECT_EQ(table->open_count(), 0u);
}

TEST(CorrelationTable, TellsWhyAnEntryGoes) {
  struct Told {
    std::vector<std::pair<uint64_t, Removal>> all;
  } told;
  const auto table = make(record_of(1, 1));
  table->listen(
      [](void* context, uint64_t destination, Removal removal) {
        static_cast<Told*>(context)->all.emplace_back(destination, removal);
      },
      &told);
  (void)open(*table, {1, 0}, 10, 0);
  table->close(open(*table, {2, 0}, 20, 0));
  (void)open(*table, {3, 0}, 30, 0);
  (void)table->sweep(UINT64_MAX, 1);
  const std::vector<std::pair<uint64_t, Removal>> expected = {
      {12, Removal::kEvicted}, {22, Removal::kClosed}, {32, Removal::kTimedOut}};
  EXPECT_EQ(told.all, expected);
}

TEST(CorrelationTable, ATableWithoutAKeyIsFoundByIds) {
  const auto table = make(record_of(2, 0, 0, 0));
  ASSERT_NE(table->reserve(), kNoEntry);
  const uint64_t id = table->reserved_id(table->reserve());
  table->open(1, 2, 3);
  EXPECT_NE(table->find_id(id), kNoEntry);
  table->close(id);
  EXPECT_EQ(table->find_id(id), kNoEntry);
}

// What a table is, without its structures.
class Model {
 public:
  explicit Model(const CorrelationRecord& record) : record_(record) {}

  struct Entry {
    Key key;
    uint64_t saved;
    uint64_t opened_at_ns;
  };

  [[nodiscard]] bool is_full() const {
    return order_.size() == record_.capacity && record_.evicts == 0;
  }
  void open(uint64_t id, const Entry& entry) {
    entries_[id] = entry;
    newest_[entry.key] = id;
    order_.push_back(id);
    if (order_.size() > record_.capacity) close(order_.front());
  }
  void close(uint64_t id) {
    const auto at = entries_.find(id);
    if (at == entries_.end()) return;
    if (newest_[at->second.key] == id) newest_.erase(at->second.key);
    std::erase(order_, id);
    entries_.erase(at);
  }
  void sweep(uint64_t now_ns) {
    while (!order_.empty() &&
           entries_[order_.front()].opened_at_ns + record_.timeout_ms * kNsPerMs <= now_ns) {
      close(order_.front());
    }
  }
  [[nodiscard]] uint64_t find_key(const Key& key) const {
    const auto at = newest_.find(key);
    return at == newest_.end() ? 0 : at->second;
  }
  [[nodiscard]] const Entry* find_id(uint64_t id) const {
    const auto at = entries_.find(id);
    return at == entries_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] size_t open_count() const { return order_.size(); }

 private:
  const CorrelationRecord record_;
  std::map<uint64_t, Entry> entries_;
  std::map<Key, uint64_t> newest_;
  std::deque<uint64_t> order_;
};

void expect_same(const CorrelationTable& table, const Model& model, uint64_t id, const Key& key) {
  ASSERT_EQ(table.open_count(), model.open_count());
  const uint32_t by_key = table.find_key(key.data());
  ASSERT_EQ(by_key == kNoEntry ? 0 : table.id_of(by_key), model.find_key(key));
  const uint32_t by_id = table.find_id(id);
  const Model::Entry* const entry = model.find_id(id);
  ASSERT_EQ(by_id != kNoEntry, entry != nullptr);
  if (entry == nullptr) return;
  ASSERT_EQ(table.entry(by_id).words()[0], entry->key[0]);
  ASSERT_EQ(table.entry(by_id).words()[1], entry->key[1]);
  ASSERT_EQ(table.entry(by_id).words()[2], entry->saved);
}

void run_against_model(uint64_t seed, const CorrelationRecord& record, uint32_t first_generation) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", capacity " << record.capacity);
  Prng random(seed);
  const auto table = make(record, first_generation);
  Model model(record);
  std::vector<uint64_t> ids = {0};
  uint64_t now_ns = 0;
  for (uint32_t step = 0; step < 20'000; ++step) {
    const Key key = {random.below(record.capacity * 2), random.below(2)};
    const uint64_t id = ids[random.below(static_cast<uint32_t>(ids.size()))];
    const uint64_t choice = random.below(100);
    if (choice < 50) {
      const bool is_full = model.is_full();
      const uint64_t opened = open(*table, key, step, now_ns);
      ASSERT_EQ(opened == 0, is_full);
      if (!is_full) {
        model.open(opened, {key, step, now_ns});
        if (ids.size() < 64) ids.push_back(opened);
        ids[random.below(static_cast<uint32_t>(ids.size()))] = opened;
      }
    } else if (choice < 85) {
      table->close(id);
      model.close(id);
    } else {
      now_ns += random.below(3 * kNsPerMs);
      (void)table->sweep(now_ns, UINT32_MAX);
      model.sweep(now_ns);
    }
    ASSERT_NO_FATAL_FAILURE(expect_same(*table, model, id, key)) << "step " << step;
  }
  EXPECT_GT(table->counts().opened, 0u);
  EXPECT_GT(table->counts().closed, 0u);
  EXPECT_GT(table->counts().timed_out, 0u);
}

TEST(CorrelationTable, DoesWhatAMapDoes) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    for (const uint32_t capacity : {1u, 2u, 7u, 64u}) {
      const auto evicts = static_cast<uint8_t>(seed % 2);
      // Near the end of the generations, so that they wrap.
      run_against_model(seed, record_of(capacity, evicts), UINT32_MAX - 200);
    }
  }
}

}  // namespace
}  // namespace hyperroute
