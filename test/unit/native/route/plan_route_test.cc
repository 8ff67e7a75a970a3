// Plans of routes, actions and transforms: what they take over from the records, and what not.
#include <gtest/gtest.h>

#include <algorithm>

#include "route/match_datapath.h"
#include "route/plan_fields.h"
#include "unit/native/route/native_image.h"
#include "unit/native/route/plan_parts.h"

namespace hyperroute {
namespace {

// A route with nothing but its messages' size.
RouteRecord route_of(uint32_t message_bytes) {
  RouteRecord route{};
  route.view = kNoIndex;
  route.message_bytes = message_bytes;
  route.otherwise = kNoRule;
  route.reject = kNoRecord;
  return route;
}

uint16_t offset_for(Random& random, FieldKind kind) {
  return static_cast<uint16_t>(random.next() % (kMessageBytes - load_bytes(kind) + 1));
}

CheckRecord range_of(Random& random, FieldKind kind, ImageParts& parts) {
  CheckRecord check{};
  check.kind = CheckKind::kRange;
  check.load = kind;
  check.offset = offset_for(random, kind);
  check.table = static_cast<uint32_t>(parts.bounds.size());
  // Most keys lie within: all checks of a route shall hold at times.
  const uint64_t low = random.number() >> 4;
  parts.bounds.insert(parts.bounds.end(), {low, UINT64_MAX - low - (random.number() >> 2)});
  return check;
}

bool range_holds(const ImageParts& parts, const CheckRecord& check, const MessageBytes& message) {
  const uint64_t key = load_field_key(message.data() + check.offset, check.load);
  return key - parts.bounds[check.table] <= parts.bounds[check.table + 1];
}

TEST(PlanOfRoute, HoldsWhereAllOfItsRangesDo) {
  Random random;
  const std::vector<FieldKind> kinds = load_kinds();
  uint32_t held_count = 0;
  uint32_t refused_count = 0;
  for (int round = 0; round < 4'000; ++round) {
    ImageParts parts;
    RouteRecord route = route_of(kMessageBytes);
    route.check_count = static_cast<uint16_t>(1 + random.next() % 4);
    for (uint16_t at = 0; at < route.check_count; ++at) {
      parts.checks.push_back(range_of(random, kinds[random.next() % kinds.size()], parts));
    }
    parts.routes.push_back(route);
    StepPlan plan;
    ASSERT_TRUE(StepPlan::make(tables_of(parts), plan).ok());
    const RoutePlan& planned = plan.route(0);
    for (int turn = 0; turn < 10; ++turn) {
      const MessageBytes message = random.message();
      const auto holds = [&](const CheckRecord& check) {
        return range_holds(parts, check, message);
      };
      const bool all = std::all_of(parts.checks.begin(), parts.checks.end(), holds);
      // Those that cannot be planned stay as they are.
      const bool rest = std::all_of(planned.rest.begin(), planned.rest.end(), holds);
      ASSERT_EQ(passes(planned, message.data()) && rest, all) << "round " << round;
      ++(all ? held_count : refused_count);
    }
  }
  EXPECT_GT(held_count, 2'000u);
  EXPECT_GT(refused_count, 2'000u);
}

// An open hash table as is_in_set() reads it; `empty` stands for no key.
void add_set(ImageParts& parts, const std::vector<uint64_t>& keys, uint32_t bits, uint64_t empty) {
  const uint32_t slot_count = 1u << bits;
  std::vector<uint64_t> slots(slot_count, empty);
  for (const uint64_t key : keys) {
    uint32_t slot = set_slot(key, 64 - bits);
    while (slots[slot] != empty) slot = (slot + 1) % slot_count;
    slots[slot] = key;
  }
  parts.words.push_back(empty);
  parts.words.insert(parts.words.end(), slots.begin(), slots.end());
}

TEST(PlanOfRoute, HasTheValuesOfASetAndNoOthers) {
  constexpr uint64_t kEmpty = 200;
  const std::vector<uint64_t> keys{0, 1, 2, 3, 7, 9, 64, 100, 101, 255};
  ImageParts parts;
  add_set(parts, keys, 4, kEmpty);
  CheckRecord check{};
  check.kind = CheckKind::kSet;
  check.offset = 9;
  check.steps = 4;
  check.count = 15;
  parts.checks.push_back(check);
  RouteRecord route = route_of(kMessageBytes);
  route.check_count = 1;
  parts.routes.push_back(route);
  StepPlan plan;
  ASSERT_TRUE(StepPlan::make(tables_of(parts), plan).ok());
  ASSERT_FALSE(plan.route(0).sets.empty());
  for (uint32_t value = 0; value < 256; ++value) {
    MessageBytes message{};
    message[9] = static_cast<uint8_t>(value);
    const bool is_known = std::find(keys.begin(), keys.end(), value) != keys.end();
    EXPECT_EQ(passes(plan.route(0), message.data()), is_known) << value;
  }
}

TEST(PlanOfRoute, FindsTheClassAmongFewBounds) {
  Random random;
  uint32_t classes_seen = 0;
  for (const FieldKind kind : load_kinds()) {
    for (int round = 0; round < 40; ++round) {
      ImageParts parts;
      const auto count = static_cast<uint32_t>(1 + random.next() % kFewMax);
      for (uint32_t at = 0; at < count; ++at) {
        // Some that no value of the field reaches, and some that all do.
        const uint64_t near = load_field_key(random.message().data(), kind) + random.number() % 3;
        parts.bounds.push_back(random.next() % 3 == 0 ? random.number() : near);
      }
      std::sort(parts.bounds.begin(), parts.bounds.end());
      const std::vector<uint64_t> bounds = parts.bounds;
      MatchFieldRecord field{};
      field.kind = ClassMapKind::kSearch;
      field.load = kind;
      field.offset = offset_for(random, kind);
      field.bound_count = count;
      parts.match_fields.push_back(field);
      MatcherRecord matcher{};
      matcher.kind = MatcherKind::kTable;
      matcher.field_count = 1;
      parts.matchers.push_back(matcher);
      RouteRecord route = route_of(kMessageBytes);
      route.matcher_count = 1;
      parts.routes.push_back(route);
      StepPlan plan;
      ASSERT_TRUE(StepPlan::make(tables_of(parts), plan).ok());
      const MatcherPlan& planned = *plan.route(0).matchers.begin();
      ASSERT_FALSE(planned.few.empty());
      for (int turn = 0; turn < 10; ++turn) {
        const MessageBytes message = random.message();
        const uint64_t key = load_field_key(message.data() + field.offset, kind);
        const auto expected = std::upper_bound(bounds.begin(), bounds.end(), key) - bounds.begin();
        ASSERT_EQ(count_few(*planned.few.begin(), message.data()), expected)
            << "kind " << int{kind} << ", key " << key;
        classes_seen |= 1u << expected;
      }
    }
  }
  EXPECT_EQ(classes_seen, (1u << (kFewMax + 1)) - 1);
}

// Some fields of one byte stand in the matcher's plan, the others among the other fields.
TEST(PlanOfRoute, FindsTheRuleByMoreBytesThanAMatcherHolds) {
  constexpr uint32_t kFields = kDirectMax + 2;
  Random random;
  ImageParts parts;
  MatcherRecord matcher{};
  matcher.kind = MatcherKind::kTable;
  matcher.field_count = kFields;
  parts.matchers.push_back(matcher);
  for (uint32_t index = 0; index < kFields; ++index) {
    MatchFieldRecord field{};
    field.kind = ClassMapKind::kDirect;
    field.offset = static_cast<uint16_t>(3 * index);
    field.table = 256 * index;
    field.rows = 1u << index;
    parts.match_fields.push_back(field);
    for (int value = 0; value < 256; ++value) {
      parts.slots.push_back(static_cast<uint16_t>(random.next() % 2));
    }
  }
  for (uint32_t cell = 0; cell < 1u << kFields; ++cell) parts.cells.push_back(cell);
  RouteRecord route = route_of(kMessageBytes);
  route.matcher_count = 1;
  route.otherwise = kNoRule;
  parts.routes.push_back(route);
  const ImageTables tables = tables_of(parts);
  StepPlan plan;
  ASSERT_TRUE(StepPlan::make(tables, plan).ok());
  for (int turn = 0; turn < 500; ++turn) {
    const MessageBytes bytes = random.message();
    const StepMessage message{bytes.data(), kMessageBytes, 0, bytes.data()};
    uint32_t expected = 0;
    for (uint32_t index = 0; index < kFields; ++index) {
      expected |= uint32_t{parts.slots[256 * index + bytes[3 * index]]} << index;
    }
    uint32_t rule = 0;
    ASSERT_EQ(match_rule(tables, plan.route(0), message, rule), 0u);
    ASSERT_EQ(rule, expected);
  }
}

// All of them have the same records, whose plans take so many bytes together.
void expect_bounded(ImageParts& parts, const RouteRecord& route, uint64_t plan_bytes) {
  parts.routes.assign((128u << 20) / plan_bytes, route);
  StepPlan plan;
  EXPECT_TRUE(StepPlan::make(tables_of(parts), plan).ok());
  parts.routes.push_back(route);
  EXPECT_EQ(StepPlan::make(tables_of(parts), plan).code, StatusCode::kImageCorrupt);
}

TEST(PlanOfRoute, IsRefusedWhereChecksAreSharedTooOften) {
  ImageParts parts;
  Random random;
  for (int at = 0; at < 64; ++at) parts.checks.push_back(range_of(random, 3, parts));
  RouteRecord route = route_of(kMessageBytes);
  route.check_count = 64;
  expect_bounded(parts, route, 64 * sizeof(PairPlan));
}

TEST(PlanOfRoute, IsRefusedWhereMatchersAreSharedTooOften) {
  ImageParts parts;
  parts.matchers.resize(64);
  RouteRecord route = route_of(kMessageBytes);
  route.matcher_count = 64;
  expect_bounded(parts, route, 64 * sizeof(MatcherPlan));
}

TEST(PlanOfRoute, IsRefusedWhereFieldsOfMatchersAreSharedTooOften) {
  ImageParts parts;
  parts.match_fields.resize(64);
  parts.matchers.resize(1);
  parts.matchers[0].field_count = 64;
  RouteRecord route = route_of(kMessageBytes);
  route.matcher_count = 1;
  const uint64_t field_bytes = sizeof(FewPlan) + kFewMax * sizeof(uint64_t);
  expect_bounded(parts, route, sizeof(MatcherPlan) + 64 * field_bytes);
}

TEST(PlanOfRoute, NumbersOfActionsHaveAnEnd) {
  ImageParts parts = plain_parts(32);
  parts.actions.resize(65'535, parts.actions.front());
  RouteImage image;
  const Status fits = RouteImage::load(parts.image(), image);
  EXPECT_TRUE(fits.ok()) << fits.context;
  parts.actions.push_back(parts.actions.front());
  const Status status = RouteImage::load(parts.image(), image);
  EXPECT_EQ(status.code, StatusCode::kImageCorrupt);
  EXPECT_NE(std::string(status.context).find("65536 actions"), std::string::npos);
}

// The plan of an action of messages of so many bytes.
ActionPlan planned(ImageParts& parts, const ActionRecord& action,
                   const std::vector<uint32_t>& message_bytes = {kMessageBytes}) {
  parts.actions.assign(1, action);
  parts.slots.assign(1, 0);
  parts.routes.clear();
  for (const uint32_t bytes : message_bytes) {
    RouteRecord route = route_of(bytes);
    route.rule_count = 1;
    parts.routes.push_back(route);
  }
  static StepPlan plan;
  EXPECT_TRUE(StepPlan::make(tables_of(parts), plan).ok());
  return plan.action(0);
}

TEST(PlanOfAction, HasTheDecisionOfAPlainOne) {
  ImageParts parts;
  const ActionPlan plan = planned(parts, action_to(7));
  EXPECT_EQ(plan.pick, PickPlanKind::kDone);
  EXPECT_TRUE(plan.decision.is_single);
  EXPECT_EQ(plan.decision.first.endpoint, 7);
  EXPECT_TRUE(plan.keeps_size);
  EXPECT_FALSE(plan.is_plain);
}

TEST(PlanOfAction, IsLeftToTheRecordsWhereItTakesMore) {
  ImageParts parts;
  parts.extras.push_back(
      {.taps = 0, .tap_count = 1, .opening = kNoIndex, .closes = 0, .reserved = {}});
  parts.extras.push_back(
      {.taps = 0, .tap_count = 0, .opening = kNoIndex, .closes = 1, .reserved = {}});
  ActionRecord action = action_to(7);
  action.extra = 0;
  EXPECT_EQ(planned(parts, action).pick, PickPlanKind::kOther) << "a tap";
  action.extra = 1;
  const ActionPlan closing = planned(parts, action);
  EXPECT_EQ(closing.pick, PickPlanKind::kDone);
  EXPECT_EQ(closing.decision.correlates, kClosesEntry);
  EXPECT_FALSE(closing.decision.is_single);
  action.flags = kActionBestEffort;
  EXPECT_EQ(planned(parts, action).pick, PickPlanKind::kOther) << "best effort";
  action.kind = ActionKind::kDiscard;
  action.flags = 0;
  EXPECT_EQ(planned(parts, action).pick, PickPlanKind::kOther) << "a discard that closes";
}

TEST(PlanOfAction, ReadsWithinTheSmallestOfItsMessages) {
  ImageParts parts;
  ActionRecord action = action_to(0);
  action.kind = ActionKind::kReturnField;
  action.load = 3;
  action.target = 1;
  EXPECT_EQ(planned(parts, action, {40, 8}).pick, PickPlanKind::kAddress);
  EXPECT_EQ(planned(parts, action, {40, 7, 64}).pick, PickPlanKind::kOther);
}

OpRecord op_of(OpKind kind, uint16_t source = 0, uint16_t target = 0, FieldKind store = 0) {
  OpRecord op{};
  op.kind = kind;
  op.store = store;
  op.source = source;
  op.target = target;
  return op;
}

TEST(PlanOfTransform, MapsBytesFirstButForThoseThatAnotherOpLeads) {
  ImageParts parts;
  const OpRecord map = op_of(OpKind::kMapByte);
  const OpRecord guard = op_of(OpKind::kGuard);
  const OpRecord saved = op_of(OpKind::kFromSaved);
  OpRecord wide = map;
  wide.store = 1;
  parts.ops = {map, guard, map, map, saved, map, wide};
  TransformRecord record{};
  record.op_count = static_cast<uint16_t>(parts.ops.size());
  parts.transforms.push_back(record);
  StepPlan plan;
  ASSERT_TRUE(StepPlan::make(tables_of(parts), plan).ok());
  const TransformPlan& transform = plan.transform(0);
  EXPECT_EQ(transform.maps.end() - transform.maps.begin(), 2);
  std::vector<OpKind> kinds;
  for (const OpRecord& op : transform.ops) kinds.push_back(op.kind);
  const std::vector<OpKind> expected{OpKind::kGuard, OpKind::kMapByte, OpKind::kFromSaved,
                                     OpKind::kMapByte, OpKind::kMapByte};
  EXPECT_EQ(kinds, expected);
}

TEST(PlanOfTransform, HasTheWordsOfEightBytesThatAreNotTheMessages) {
  const FieldKind word = 7;
  const FieldKind swapped = word | kFieldBigEndian;
  const OpRecord saved = op_of(OpKind::kFromSaved);
  const OpRecord guard = op_of(OpKind::kGuard);
  const OpRecord copied = op_of(OpKind::kCopy8, 24, 32);
  const OpRecord turned = op_of(OpKind::kSwap8, 16, 40);
  const OpRecord address = op_of(OpKind::kReturnAddress, 0, 8, swapped);
  const OpRecord opened = op_of(OpKind::kCorrelationId, 0, 16, word);
  OpRecord found = op_of(OpKind::kCorrelationId, 0, 24, word);
  found.steps = 1;
  const OpRecord half = op_of(OpKind::kReturnAddress, 0, 0, 3);
  ImageParts parts;
  parts.ops = {address, opened, found, saved, copied, saved, turned, half, guard, address};
  TransformRecord record{};
  record.op_count = static_cast<uint16_t>(parts.ops.size());
  parts.transforms.push_back(record);
  StepPlan plan;
  ASSERT_TRUE(StepPlan::make(tables_of(parts), plan).ok());
  const WordPlan expected[] = {
      {.source = WordSource::kReturnAddress, .swaps = true, .offset = 0, .target = 8},
      {.source = WordSource::kOpeningId, .swaps = false, .offset = 0, .target = 16},
      {.source = WordSource::kFoundId, .swaps = false, .offset = 0, .target = 24},
      {.source = WordSource::kSaved, .swaps = false, .offset = 24, .target = 32},
      {.source = WordSource::kSaved, .swaps = true, .offset = 16, .target = 40},
  };
  const auto& words = plan.transform(0).words;
  ASSERT_EQ(words.end() - words.begin(), std::ssize(expected));
  for (const WordPlan& each : expected) {
    const WordPlan& made = words.begin()[&each - expected];
    EXPECT_EQ(made.source, each.source);
    EXPECT_EQ(made.swaps, each.swaps);
    EXPECT_EQ(made.offset, each.offset);
    EXPECT_EQ(made.target, each.target);
  }
  std::vector<OpKind> kinds;
  for (const OpRecord& op : plan.transform(0).ops) kinds.push_back(op.kind);
  const std::vector<OpKind> left{OpKind::kReturnAddress, OpKind::kGuard, OpKind::kReturnAddress};
  EXPECT_EQ(kinds, left);
}

}  // namespace
}  // namespace hyperroute
