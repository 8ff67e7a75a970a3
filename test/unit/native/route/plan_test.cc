// Planned fields, checks and headers against what the records say, over every kind of field.
#include "route/plan_fields.h"

#include <gtest/gtest.h>

#include <vector>

#include "route/image.h"
#include "route/plan_datapath.h"
#include "unit/native/route/plan_parts.h"

namespace hyperroute {
namespace {

TEST(Plan, FieldsHaveTheirValuesAndKeysWhereverTheyAre) {
  Random random;
  uint32_t planned_count = 0;
  for (const FieldKind kind : load_kinds()) {
    for (uint32_t offset = 0; offset + load_bytes(kind) <= kMessageBytes; ++offset) {
      FieldPlan value;
      FieldPlan key;
      ASSERT_TRUE(plan_field(kind, offset, kMessageBytes, Meaning::kValue, value));
      ASSERT_TRUE(plan_field(kind, offset, kMessageBytes, Meaning::kKey, key));
      ASSERT_LE(value.offset + 8u, kMessageBytes);
      for (int round = 0; round < 20; ++round, ++planned_count) {
        const MessageBytes message = random.message();
        ASSERT_EQ(load_planned(message.data(), value), load_field(message.data() + offset, kind))
            << "kind " << int{kind} << " at " << offset;
        ASSERT_EQ(load_planned(message.data(), key), load_field_key(message.data() + offset, kind))
            << "kind " << int{kind} << " at " << offset;
      }
    }
  }
  EXPECT_GT(planned_count, 10'000u);
}

TEST(Plan, AFieldIsNotPlannedWhereEightBytesAreMoreThanTheMessageHas) {
  FieldPlan plan;
  EXPECT_FALSE(plan_field(3, 0, 7, Meaning::kValue, plan));
  EXPECT_TRUE(plan_field(3, 0, 8, Meaning::kValue, plan));
  // Known to be as long as it has to be for the field itself.
  EXPECT_TRUE(plan_field(3, 4, 8, Meaning::kValue, plan));
  EXPECT_FALSE(plan_field(3, 3, 7, Meaning::kValue, plan));
}

TEST(Plan, RangesHoldForTheSameMessages) {
  Random random;
  uint32_t held_count = 0;
  uint32_t planned_count = 0;
  for (const FieldKind kind : load_kinds()) {
    for (int round = 0; round < 200; ++round) {
      const auto offset = static_cast<uint32_t>(random.next() % (kMessageBytes - 7));
      MessageBytes message = random.message();
      const uint64_t found = load_field_key(message.data() + offset, kind);
      const uint64_t low = round % 2 == 0 ? random.number() : found - random.number() % 3;
      const uint64_t span = std::min(random.number(), UINT64_MAX - low);
      const std::vector<uint64_t> limits{low, span};
      ImageTables tables;
      tables.bounds = table_of(limits);
      CheckRecord check{};
      check.kind = CheckKind::kRange;
      check.load = kind;
      check.offset = static_cast<uint16_t>(offset);
      RangePlan range;
      for (int turn = 0; turn < 5; ++turn, message = random.message()) {
        const uint64_t key = load_field_key(message.data() + offset, kind);
        const bool holds = key - low <= span;
        if (!plan_range(tables, check, kMessageBytes, range)) {
          ASSERT_FALSE(holds);
          continue;
        }
        const uint64_t top = load_top(message.data(), range.offset, range.swaps, range.left);
        ASSERT_EQ(top - range.low <= range.span, holds)
            << "kind " << int{kind} << " at " << offset << ": " << key << " in " << low << " + "
            << span;
        ++planned_count;
        held_count += holds ? 1 : 0;
      }
    }
  }
  EXPECT_GT(held_count, 1'000u);
  EXPECT_GT(planned_count - held_count, 1'000u);
}

Wide result_of(Opcode operation, Wide left, Wide right) {
  return operation == Opcode::kMul   ? left * right
         : operation == Opcode::kAdd ? left + right
                                     : left - right;
}

WideRecord record_of(Wide value) {
  return {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)};
}

TEST(Plan, PairsHoldForTheSameMessages) {
  Random random;
  const std::vector<FieldKind> kinds = load_kinds();
  uint32_t held_count = 0;
  uint32_t planned_count = 0;
  for (int round = 0; round < 60'000; ++round) {
    constexpr Opcode kOperations[] = {Opcode::kAdd, Opcode::kSub, Opcode::kMul};
    CheckRecord check{};
    check.kind = CheckKind::kPair;
    check.operation = kOperations[round % 3];
    check.load = kinds[random.next() % kinds.size()];
    check.second_load = kinds[random.next() % kinds.size()];
    check.offset = static_cast<uint16_t>(random.next() % (kMessageBytes - 7));
    check.second_offset = static_cast<uint16_t>(random.next() % (kMessageBytes - 7));
    if (check.operation == Opcode::kMul &&
        load_bytes(check.load) + load_bytes(check.second_load) > kPairFactorBytesMax) {
      continue;
    }
    const MessageBytes message = random.message();
    const Wide result =
        result_of(check.operation, load_wide(message.data() + check.offset, check.load),
                  load_wide(message.data() + check.second_offset, check.second_load));
    const Wide low = round % 2 == 0 ? result - static_cast<Wide>(random.number())
                                    : static_cast<Wide>(static_cast<int64_t>(random.number()));
    const Wide high = low + static_cast<Wide>(random.number());
    const std::vector<WideRecord> limits{record_of(low), record_of(high)};
    ImageTables tables;
    tables.wides = table_of(limits);
    const bool holds = result >= low && result <= high;
    PairPlan pair;
    if (!plan_pair(tables, check, kMessageBytes, pair)) continue;
    ASSERT_EQ(is_within(pair, message.data()), holds) << "round " << round;
    ++planned_count;
    held_count += holds ? 1 : 0;
  }
  EXPECT_GT(held_count, 5'000u);
  EXPECT_GT(planned_count - held_count, 5'000u);
}

// A family of types of 24 bytes: a size in bytes 0 to 3, a discriminator in byte 4.
struct Types {
  std::vector<MemberRecord> members;
  std::vector<uint16_t> slots{0, 1};
  std::vector<uint64_t> keys{7, 9};
  FamilyRecord family{};
  ImageTables tables;
  // Of one endpoint, whose messages they are: a route serves every second type.
  std::vector<uint16_t> routes;
  std::vector<RouteRecord> records;
  std::vector<EndpointRecord> endpoints{1};
  std::vector<FamilyRecord> families;
  StepPlan plan;

  explicit Types(uint16_t member_count = 2) : members(member_count) {
    for (MemberRecord& member : members) {
      member.has_size = 1;
      member.size_load = 3;
      member.message_bytes = kMessageBytes;
      member.view = kNoRecord;
    }
    family.kind = FamilyKind::kSearch;
    family.offset = 4;
    family.member_count = member_count;
    tables.members = table_of(members);
    tables.slots = table_of(slots);
    tables.bounds = table_of(keys);
  }

  void make_plan() {
    routes.assign(members.size(), kNoIndex);
    for (size_t number = 0; number < routes.size(); number += 2) {
      routes[number] = static_cast<uint16_t>(number / 2);
      records.push_back({});
    }
    tables.routes = table_of(records);
    families.assign(1, family);
    tables.slots = table_of(slots);
    tables.bounds = table_of(keys);
    tables.endpoints = table_of(endpoints);
    tables.families = table_of(families);
    tables.endpoint_routes = table_of(routes);
    ASSERT_TRUE(StepPlan::make(tables, plan).ok());
  }
};

TEST(Plan, AHeaderIsTheDiscriminatorAndTheSize) {
  Types types;
  HeaderPlan header;
  ASSERT_TRUE(plan_header(types.tables, types.family, 1, header));
  MessageBytes bytes{};
  bytes[0] = kMessageBytes;
  bytes[4] = 9;
  bytes[5] = 1;
  const StepMessage message{bytes.data(), kMessageBytes, 0};
  EXPECT_TRUE(is_such(header, message));
  for (const uint32_t changed : {0u, 1u, 3u, 4u}) {
    bytes[changed] ^= 0x80;
    EXPECT_FALSE(is_such(header, message)) << changed;
    bytes[changed] ^= 0x80;
  }
  EXPECT_FALSE(is_such(header, {bytes.data(), kMessageBytes - 1, 0}));
}

// Of 20 types: number n has the discriminator 3 n + 1.
void expect_found_by_member(FamilyKind kind) {
  constexpr uint16_t kCount = 20;
  Types types(kCount);
  types.family.kind = kind;
  types.family.steps = 5;
  types.slots.assign(kind == FamilyKind::kDirect ? 256 : kCount, kNoIndex);
  types.keys.assign(31, UINT64_MAX);
  for (uint16_t number = 0; number < kCount; ++number) {
    const uint32_t key = 3u * number + 1u;
    types.keys[number] = key;
    types.slots[kind == FamilyKind::kDirect ? key : number] = number;
  }
  types.make_plan();
  const SourcePlan& source = types.plan.source(0);
  EXPECT_TRUE(source.headers.empty());
  for (uint32_t key = 0; key < 256; ++key) {
    MessageBytes bytes{};
    bytes[0] = kMessageBytes;
    bytes[4] = static_cast<uint8_t>(key);
    const HeaderPlan* const found =
        find_header_by_member(types.tables, source, {bytes.data(), kMessageBytes, 0});
    const bool is_named = key % 3 == 1 && key / 3 < kCount;
    ASSERT_EQ(found != nullptr, is_named) << key;
    if (!is_named) continue;
    const uint32_t number = key / 3;
    ASSERT_EQ(found, source.by_member + number);
    const auto served = static_cast<uint16_t>(number / 2);
    ASSERT_EQ(found->route, number % 2 == 0 ? &types.plan.route(served) : nullptr);
  }
}

TEST(Plan, ManyTypesAreFoundByTheirMember) {
  expect_found_by_member(FamilyKind::kDirect);
  expect_found_by_member(FamilyKind::kSearch);
}

TEST(Plan, ATypeThatTakesMoreLeavesTheOthersPlanned) {
  Types types;
  types.members[0].message_bytes = 12;
  types.make_plan();
  MessageBytes bytes{};
  bytes[0] = 12;
  bytes[4] = 7;
  EXPECT_EQ(find_header(types.plan.source(0), {bytes.data(), 12, 0}), nullptr);
  bytes[0] = kMessageBytes;
  bytes[4] = 9;
  EXPECT_NE(find_header(types.plan.source(0), {bytes.data(), kMessageBytes, 0}), nullptr);
}

TEST(Plan, AHeaderIsNotPlannedWhereItTakesMore) {
  HeaderPlan header;
  Types far;
  far.family.offset = 16;
  EXPECT_FALSE(plan_header(far.tables, far.family, 0, header));
  Types with_view;
  with_view.members[0].view = 0;
  EXPECT_FALSE(plan_header(with_view.tables, with_view.family, 0, header));
  Types named_twice;
  named_twice.slots[1] = 0;
  EXPECT_FALSE(plan_header(named_twice.tables, named_twice.family, 0, header));
  Types too_great;
  too_great.keys[1] = 300;
  EXPECT_FALSE(plan_header(too_great.tables, too_great.family, 1, header));
  // A size where the discriminator is: no message has both.
  Types contradicting;
  contradicting.members[0].size_offset = 4;
  contradicting.members[0].size_load = 0;
  EXPECT_FALSE(plan_header(contradicting.tables, contradicting.family, 0, header));
}

}  // namespace
}  // namespace hyperroute
