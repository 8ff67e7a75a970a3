// The branch-free search and the condition programs, against the obvious way of doing it.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"
#include "route/program_datapath.h"
#include "route/search_datapath.h"
#include "unit/native/route/tree_parts.h"

namespace hyperroute {
namespace {

constexpr uint64_t kSeed = 4711;

TEST(CountNotAbove, CountsAsAScanDoesForEveryNumberOfKeys) {
  Prng random(kSeed);
  for (uint32_t count = 0; count < 70; ++count) {
    std::vector<uint64_t> keys(count);
    for (uint64_t& key : keys) key = random.next_u64() % 200;
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    // Sometimes the greatest key there is, which also pads the table.
    if (count % 3 == 0 && count > 0) keys.push_back(UINT64_MAX);
    const auto real_count = static_cast<uint32_t>(keys.size());
    uint32_t steps = 0;
    while ((1u << steps) - 1 < real_count) ++steps;
    keys.resize((1u << steps) - 1, UINT64_MAX);
    for (uint64_t key = 0; key < 202; ++key) {
      const auto end = keys.begin() + real_count;
      const auto expected = std::upper_bound(keys.begin(), end, key) - keys.begin();
      EXPECT_EQ(count_not_above(keys.data(), real_count, steps, key), expected)
          << "count " << real_count << ", key " << key << ", seed " << kSeed;
    }
    EXPECT_EQ(count_not_above(keys.data(), real_count, steps, UINT64_MAX), real_count);
  }
}

TEST(CountInTree, CountsAsAScanDoesForEveryNumberOfKeys) {
  Prng random(kSeed);
  std::vector<uint32_t> counts(700);
  for (uint32_t at = 0; at < counts.size(); ++at) counts[at] = at + 1;
  counts.insert(counts.end(), {5832, 5833, 6000, 52488, 52489, 60000});
  for (const uint32_t count : counts) {
    std::vector<uint64_t> keys(count);
    for (uint64_t& key : keys) key = random.next_u64() >> (count % 40);
    // The least and the greatest key there are, at times.
    if (count % 3 == 0) keys[0] = UINT64_MAX;
    if (count % 4 == 0) keys[count / 2] = 0;
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    const TreeParts tree = tree_of(keys);
    const uint64_t* const leaves = tree.words.data() + tree.first;
    const auto real_count = static_cast<uint32_t>(keys.size());
    const auto expect_as_scan = [&](uint64_t key) {
      const auto expected = std::upper_bound(keys.begin(), keys.end(), key) - keys.begin();
      EXPECT_EQ(count_in_tree(leaves, real_count, tree.levels, key, {leaves, 8}), expected)
          << "count " << real_count << ", key " << key << ", seed " << kSeed;
    };
    for (size_t at = 0; at < keys.size(); at += 1 + keys.size() / 300) {
      expect_as_scan(keys[at]);
      expect_as_scan(keys[at] - 1);
      expect_as_scan(keys[at] + 1);
    }
    for (const uint64_t key : {uint64_t{0}, UINT64_MAX, UINT64_MAX - 1, keys.back()})
      expect_as_scan(key);
  }
}

// Runs a program over a message of one u64.
Truth run(const std::vector<Instruction>& program, const std::vector<Wide>& constants,
          uint64_t field) {
  std::vector<WideRecord> wides;
  for (const Wide value : constants) {
    wides.push_back({static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)});
  }
  ImageTables tables;
  tables.instructions = {program.data(), static_cast<uint32_t>(program.size())};
  tables.wides = {wides.data(), static_cast<uint32_t>(wides.size())};
  uint8_t bytes[8];
  store_u64_le(bytes, field);
  const StepMessage message{.data = bytes, .bytes = sizeof bytes, .source = 0, .view = bytes};
  return run_program(tables, 0, tables.instructions.count, message);
}

constexpr FieldKind kU64 = 7;
constexpr Instruction kField{Opcode::kPushField, kU64, 0, 0};

constexpr Instruction constant(uint32_t index) { return {Opcode::kPushConst, 0, 0, index}; }

constexpr Instruction plain(Opcode code) { return {code, 0, 0, 0}; }

TEST(Program, ComparesBeyondSixtyFourBits) {
  const std::vector<Instruction> square_is_less = {kField, kField, plain(Opcode::kMul), constant(0),
                                                   plain(Opcode::kLess)};
  const Wide limit = static_cast<Wide>(1) << 80;
  EXPECT_EQ(run(square_is_less, {limit}, (1ull << 40) - 1), Truth::kTrue);
  EXPECT_EQ(run(square_is_less, {limit}, 1ull << 40), Truth::kFalse);
}

TEST(Program, SaysWhenArithmeticLeaves128Bits) {
  const std::vector<Instruction> square_is_less = {kField, kField, plain(Opcode::kMul), constant(0),
                                                   plain(Opcode::kLess)};
  EXPECT_EQ(run(square_is_less, {1}, UINT64_MAX), Truth::kOverflow);
  const Wide greatest = ~(static_cast<Wide>(1) << 127);
  const std::vector<Instruction> sum = {kField, constant(0), plain(Opcode::kAdd), constant(0),
                                        plain(Opcode::kEqual)};
  EXPECT_EQ(run(sum, {greatest}, 0), Truth::kTrue);
  EXPECT_EQ(run(sum, {greatest}, 1), Truth::kOverflow);
  const std::vector<Instruction> difference = {constant(0), kField, plain(Opcode::kSub),
                                               constant(0), plain(Opcode::kLess)};
  EXPECT_EQ(run(difference, {-greatest}, 1), Truth::kTrue);
  EXPECT_EQ(run(difference, {-greatest}, 2), Truth::kOverflow);
}

TEST(Program, JumpsPastTermsThatNoLongerMatter) {
  // field == 0 and field * field * field >= 0: the second would overflow for large values.
  const std::vector<Instruction> both = {
      kField, constant(0),         plain(Opcode::kEqual), {Opcode::kJumpIfFalse, 0, 0, 9}, kField,
      kField, plain(Opcode::kMul), constant(0),           plain(Opcode::kGreaterEqual)};
  EXPECT_EQ(run(both, {0}, 0), Truth::kTrue);
  EXPECT_EQ(run(both, {0}, UINT64_MAX), Truth::kFalse);
}

TEST(Program, FindsTheIntervalAValueLiesIn) {
  const std::vector<Instruction> within = {kField, {Opcode::kIn, 0, 3, 0}};
  const std::vector<Wide> intervals = {2, 4, 10, 10, 20, 22};
  const std::vector<uint64_t> inside = {2, 3, 4, 10, 20, 21, 22};
  for (uint64_t value = 0; value < 40; ++value) {
    const bool is_inside = std::find(inside.begin(), inside.end(), value) != inside.end();
    EXPECT_EQ(run(within, intervals, value), is_inside ? Truth::kTrue : Truth::kFalse) << value;
  }
  const std::vector<Instruction> nowhere = {kField, {Opcode::kIn, 0, 0, 0}};
  EXPECT_EQ(run(nowhere, {}, 5), Truth::kFalse);
}

}  // namespace
}  // namespace hyperroute
