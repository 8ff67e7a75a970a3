// Each rule of the verifier about correlations, broken by itself.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "unit/native/route/correlated_image.h"

namespace hyperroute {
namespace {

struct Damage {
  const char* reason;  // Part of the context that the refusal must carry.
  std::function<void(ImageParts&)> make;
};

void expect_refused(const std::vector<Damage>& damages) {
  const ImageParts whole = correlated_parts();
  for (size_t index = 0; index < damages.size(); ++index) {
    ImageParts parts = whole;
    damages[index].make(parts);
    RouteImage image;
    const Status status = RouteImage::load(parts.image(), image);
    EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << index << ": " << damages[index].reason;
    EXPECT_NE(std::string(status.context).find(damages[index].reason), std::string::npos)
        << index << ": expected \"" << damages[index].reason << "\", got \"" << status.context
        << '"';
  }
}

TEST(ImageVerifierCorrelation, TakesTheImageAsItIs) {
  RouteImage image;
  const Status status = RouteImage::load(correlated_parts().image(), image);
  EXPECT_TRUE(status.ok()) << status.context;
  EXPECT_EQ(image.summary().correlation_count, 1u);
}

TEST(ImageVerifierCorrelation, RefusesTablesThatCannotBe) {
  expect_refused({
      {"a capacity of 0", [](ImageParts& p) { p.correlations[0].capacity = 0; }},
      {"a capacity of", [](ImageParts& p) { p.correlations[0].capacity = (1u << 24) + 1; }},
      {"a time-out of 0", [](ImageParts& p) { p.correlations[0].timeout_ms = 0; }},
      {"a time-out of", [](ImageParts& p) { p.correlations[0].timeout_ms = 86'400'001; }},
      {"entries of 17", [](ImageParts& p) { p.correlations[0].key_words = 17; }},
      {"and 33 words", [](ImageParts& p) { p.correlations[0].saved_words = 33; }},
      {"unknown policy", [](ImageParts& p) { p.correlations[0].evicts = 2; }},
      {"unknown policy", [](ImageParts& p) { p.correlations[0].reserved[0] = 1; }},
      {"unknown policy", [](ImageParts& p) { p.correlations[0].reserved[1] = 1; }},
      {"unknown policy", [](ImageParts& p) { p.correlations[0].reserved[2] = 1; }},
      {"65535 correlations",
       [](ImageParts& p) { p.correlations.resize(65535, p.correlations[0]); }},
  });
}

TEST(ImageVerifierCorrelation, RefusesLookupsThatFindNothing) {
  expect_refused({
      {"no lookup 9", [](ImageParts& p) { p.checks[0].table = 9; }},
      {"a lookup in correlation 1", [](ImageParts& p) { p.lookups[0].correlation = 1; }},
      {"unknown kind of lookup", [](ImageParts& p) { p.lookups[0].by = static_cast<LookupBy>(2); }},
      {"unknown kind of lookup", [](ImageParts& p) { p.lookups[0].reserved = 1; }},
      {"unknown kind of lookup", [](ImageParts& p) { p.lookups[0].reserved_end = 1; }},
      {"kept fields: ", [](ImageParts& p) { p.lookups[0].fields = 9; }},
      {"kept fields of 1 words", [](ImageParts& p) { p.lookups[0].field_count = 1; }},
      {"more than 2 words",
       [](ImageParts& p) {
         p.lookups[0].fields = 0;
         p.lookups[0].field_count = 3;
       }},
      {"an id of 2 fields", [](ImageParts& p) { p.lookups[1].field_count = 2; }},
      {"no u64", [](ImageParts& p) { p.lookups[1].fields = 8; }},
      {"no u64", [](ImageParts& p) { p.kept_fields[9].load = kU64 | kFieldSigned; }},
      {"no u64",
       [](ImageParts& p) {
         p.kept_fields[9] = {KeptKind::kBytes, 0, 8, 8, 0};
       }},
      {"a key that there is not",
       [](ImageParts& p) {
         p.correlations[0].key_words = 0;
         for (OpeningRecord& opening : p.openings) opening.key_count = 0;
         p.openings[0].fields = 2;
         p.openings[1].fields = 6;
       }},
      {"before a check",
       [](ImageParts& p) {
         p.routes[kReplaces].check_count = 2;
         p.checks[1] = p.checks[0];
       }},
  });
}

TEST(ImageVerifierCorrelation, RefusesFieldsOutsideTheirMessage) {
  expect_refused({
      {"unknown kind of kept field",
       [](ImageParts& p) { p.kept_fields[0].kind = static_cast<KeptKind>(2); }},
      {"unknown kind of kept field", [](ImageParts& p) { p.kept_fields[0].reserved = 1; }},
      {"lies outside", [](ImageParts& p) { p.kept_fields[0].offset = 21; }},
      {"lies outside", [](ImageParts& p) { p.kept_fields[0].load = 0xE7; }},
      {"lies outside",
       [](ImageParts& p) {
         p.kept_fields[0] = {KeptKind::kBytes, 0, 17, 8, 0};
       }},
      {"lies outside",
       [](ImageParts& p) {
         p.kept_fields[0] = {KeptKind::kBytes, 0, 65535, 8, 0};
       }},
      {"of 0 bytes",
       [](ImageParts& p) {
         p.kept_fields[0] = {KeptKind::kBytes, 0, 0, 0, 0};
       }},
      {"of 257 bytes",
       [](ImageParts& p) {
         p.kept_fields[0] = {KeptKind::kBytes, 0, 0, 257, 0};
       }},
  });
}

TEST(ImageVerifierCorrelation, RefusesRulesThatOpenOrCloseWhatTheyCannot) {
  expect_refused({
      {"no opening 2", [](ImageParts& p) { p.extras[0].opening = 2; }},
      {"an opening in correlation 1", [](ImageParts& p) { p.openings[0].correlation = 1; }},
      {"unknown kind of opening", [](ImageParts& p) { p.openings[0].reserved = 1; }},
      {"kept fields: ", [](ImageParts& p) { p.openings[0].fields = 11; }},
      {"not 2", [](ImageParts& p) { p.openings[0].key_count = 1; }},
      {"not 2", [](ImageParts& p) { p.openings[0].saved_count = 1; }},
      {"no single message", [](ImageParts& p) { p.actions[0].kind = ActionKind::kDiscard; }},
      {"no single message", [](ImageParts& p) { p.actions[0].flags = kActionBestEffort; }},
      {"no single message",
       [](ImageParts& p) {
         p.pools.push_back(pool_of(1));
         p.pools[0].kind = PoolKind::kBroadcast;
         p.pool_members.push_back({kVenue, 1});
         p.actions[0].kind = ActionKind::kBroadcast;
         p.actions[0].target = 0;
       }},
      {"closes what no lookup", [](ImageParts& p) { p.extras[0].closes = 1; }},
      {"closes what no lookup", [](ImageParts& p) { p.extras[2].closes = 2; }},
      {"closes what no lookup", [](ImageParts& p) { p.extras[2].reserved[0] = 1; }},
      {"closes what no lookup", [](ImageParts& p) { p.extras[2].reserved[1] = 1; }},
      {"closes what no lookup", [](ImageParts& p) { p.extras[2].reserved[2] = 1; }},
      {"2 openings",
       [](ImageParts& p) {
         RouteRecord& route = p.routes[kOrders];
         route.mode = RouteMode::kAll;
         route.otherwise = kNoRule;
         route.actions = static_cast<uint32_t>(p.slots.size());
         route.rule_count = 2;
         p.slots.insert(p.slots.end(), 2, 0);
       }},
      {"an entry that is not opened", [](ImageParts& p) { p.routes[kOrders].reject = 0; }},
      {"no single message",
       [](ImageParts& p) {
         p.routes[kFinals].reject = static_cast<uint32_t>(p.actions.size());
         ActionRecord notice = correlated_action(ActionKind::kReturnSource, kNoIndex, kNoIndex);
         notice.output_bytes = 0;
         notice.extra = 2;
         p.actions.push_back(notice);
       }},
      {"the id of an entry that is not opened",
       [](ImageParts& p) { p.extras[0].opening = kNoIndex; }},
  });
}

TEST(ImageVerifierCorrelation, RefusesTargetsAndValuesThatNoLookupFound) {
  expect_refused({
      {"a target that no lookup", [](ImageParts& p) { p.routes[kFinals].check_count = 0; }},
      {"no carriers 2", [](ImageParts& p) { p.actions[2].carriers = 2; }},
      {"another message type", [](ImageParts& p) { p.actions[2].carriers = 0; }},
      {"with a field", [](ImageParts& p) { p.actions[2].target = 1; }},
      {"with a field", [](ImageParts& p) { p.actions[2].load = 1; }},
      {"unknown kind of action",
       [](ImageParts& p) { p.actions[2].kind = static_cast<ActionKind>(8); }},
      {"writes what no lookup",
       [](ImageParts& p) {
         p.routes[kFinals].check_count = 0;
         p.actions[2].kind = ActionKind::kEndpoint;
         p.actions[2].carriers = kNoIndex;
       }},
      {"a target that no lookup",
       [](ImageParts& p) {
         p.routes[kFinals].reject = static_cast<uint32_t>(p.actions.size());
         p.actions.push_back(p.actions[2]);
         p.actions.back().extra = kNoIndex;
       }},
  });
}

TEST(ImageVerifierCorrelation, RefusesOpsThatReadOrWriteAstray) {
  // The ops: head, id, qty; head, id, saved, saved qty; head, saved, saved number, qty.
  expect_refused({
      {"an op of correlation 1", [](ImageParts& p) { p.ops[1].argument = 1; }},
      {"an op of correlation 1", [](ImageParts& p) { p.ops[8].argument = 1; }},
      {"an id that is no u64", [](ImageParts& p) { p.ops[1].store = kU32; }},
      {"an id that is no u64", [](ImageParts& p) { p.ops[1].store = kU64 | kFieldSigned; }},
      {"an unknown entry", [](ImageParts& p) { p.ops[1].steps = 2; }},
      {"what no lookup has found", [](ImageParts& p) { p.ops[1].steps = 1; }},
      {"writes outside", [](ImageParts& p) { p.ops[1].target = 17; }},
      {"reads outside", [](ImageParts& p) { p.ops[9].source = 9; }},
      {"reads outside", [](ImageParts& p) { p.ops[6].source = 9; }},
      {"a kept value for no op", [](ImageParts& p) { p.ops[9].kind = OpKind::kConst8; }},
      {"a kept value for no op", [](ImageParts& p) { p.ops[9].kind = OpKind::kFromSaved; }},
      {"a kept value for no op", [](ImageParts& p) { p.ops[9].kind = OpKind::kCorrelationId; }},
      {"a kept value for no op", [](ImageParts& p) { p.ops[9].kind = OpKind::kRequire; }},
      {"a kept value for no op", [](ImageParts& p) { p.ops[10].kind = OpKind::kFromSaved; }},
      {"a guard of a kept value",
       [](ImageParts& p) {
         p.ops[7].kind = OpKind::kGuard;
         p.ops[7].load = bit_kind(0);
       }},
      {"two correlations",
       [](ImageParts& p) {
         p.correlations.push_back(p.correlations[0]);
         p.ops[7] = p.ops[8];
         p.ops[8] = {OpKind::kCopy8, 0, 0, 0, 0, 0, 0, 0};
         p.ops[10] = p.ops[9];
         p.ops[9] = {OpKind::kFromSaved, 0, 0, 0, 0, 0, 1, 0};
       }},
  });
}

}  // namespace
}  // namespace hyperroute
