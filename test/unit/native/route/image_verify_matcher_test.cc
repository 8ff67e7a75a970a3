// Each rule of the verifier about matchers, broken by itself in an image that is right otherwise.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "route/image_verify.h"
#include "unit/native/route/image_parts.h"
#include "unit/native/route/tree_parts.h"

namespace hyperroute {
namespace {

using Damage = std::function<void(ImageParts&)>;

// Refused, and for the reason that is expected.
void expect_refused(const char* reason, const Damage& damage) {
  ImageParts parts = ImageParts::of(read_vector("matchers"));
  damage(parts);
  RouteImage image;
  const Status status = RouteImage::load(parts.image(), image);
  EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << reason;
  EXPECT_NE(std::string(status.context).find(reason), std::string::npos)
      << "expected \"" << reason << "\", got \"" << status.context << '"';
}

MatcherRecord& matcher_of(ImageParts& parts, MatcherKind kind) {
  for (MatcherRecord& matcher : parts.matchers) {
    if (matcher.kind == kind && matcher.field_count != 0) return matcher;
  }
  ADD_FAILURE() << "the image has no matcher of kind " << static_cast<int>(kind);
  return parts.matchers.at(0);
}

MatchFieldRecord& field_of(ImageParts& parts, ClassMapKind kind) {
  for (MatchFieldRecord& field : parts.match_fields) {
    if (field.kind == kind && (field.bound_count > 1 || kind == ClassMapKind::kKeyPart))
      return field;
  }
  ADD_FAILURE() << "the image has no class map of kind " << static_cast<int>(kind);
  return parts.match_fields.at(0);
}

MatchFieldRecord& first_field(ImageParts& parts, MatcherKind kind) {
  return parts.match_fields.at(matcher_of(parts, kind).fields);
}

TEST(ImageVerifier, LoadsAnImageWithEveryKindOfMatcherAndClassMap) {
  ImageParts parts = ImageParts::of(read_vector("matchers"));
  RouteImage image;
  EXPECT_TRUE(RouteImage::load(parts.image(), image).ok());
  for (const auto kind :
       {MatcherKind::kWord, MatcherKind::kAggregated, MatcherKind::kTable, MatcherKind::kExact}) {
    (void)matcher_of(parts, kind);
  }
  for (const auto kind : {ClassMapKind::kDirect, ClassMapKind::kSearch, ClassMapKind::kDirectWide,
                          ClassMapKind::kBuckets, ClassMapKind::kKeyPart}) {
    (void)field_of(parts, kind);
  }
}

TEST(ImageVerifier, RefusesRoutesWhoseMatchersLieAstray) {
  expect_refused("9 matchers", [](ImageParts& p) { p.routes[0].matcher_count = 9; });
  expect_refused("matchers:", [](ImageParts& p) { p.routes[0].matchers = 60000; });
  expect_refused("otherwise rule", [](ImageParts& p) { p.routes[2].otherwise = 4; });
  expect_refused("131073 rules", [](ImageParts& p) { p.routes[0].rule_count = 131073; });
  expect_refused("unknown matcher", [](ImageParts& p) { p.matchers[0].kind = MatcherKind{5}; });
  expect_refused("over 65 fields", [](ImageParts& p) { p.matchers[0].field_count = 65; });
  expect_refused("match fields", [](ImageParts& p) { p.matchers[0].fields = 60000; });
}

TEST(ImageVerifier, RefusesTermsThatAreMissingOrOutOfOrder) {
  expect_refused("terms", [](ImageParts& p) { matcher_of(p, MatcherKind::kWord).count = 65; });
  expect_refused("terms:", [](ImageParts& p) { matcher_of(p, MatcherKind::kWord).table = 60000; });
  expect_refused("2 groups",
                 [](ImageParts& p) { matcher_of(p, MatcherKind::kAggregated).group_count = 2; });
  expect_refused("over 0 fields",
                 [](ImageParts& p) { matcher_of(p, MatcherKind::kAggregated).field_count = 0; });
  expect_refused("names rule 5000", [](ImageParts& p) { p.terms[0].rule = 5000; });
  expect_refused("rules from 1", [](ImageParts& p) { p.matchers[0].rule_first = 1; });
  expect_refused("order of their rules", [](ImageParts& p) {
    p.terms[matcher_of(p, MatcherKind::kAggregated).table + 1].rule = 99;
  });
  expect_refused("a row names a term", [](ImageParts& p) {
    p.words[first_field(p, MatcherKind::kWord).rows] |= 1ull << 63;
  });
  expect_refused("packed words", [](ImageParts& p) {
    p.groups[first_field(p, MatcherKind::kAggregated).rows].words = 0xFFFFFF;
  });
  expect_refused("a packed row names a term", [](ImageParts& p) {
    p.groups[first_field(p, MatcherKind::kAggregated).rows] = {1ull << 63, 0, 0};
    p.words[0] = 1;
  });
}

TEST(ImageVerifier, RefusesTablesWithClassesOrRulesBeyondThem) {
  const auto table = [](ImageParts& p) -> MatcherRecord& {
    return matcher_of(p, MatcherKind::kTable);
  };
  expect_refused("cells:", [&](ImageParts& p) { table(p).table = 0xFFFFFFFF; });
  expect_refused("cells:", [&](ImageParts& p) { table(p).count = 0xFFFFFFFF; });
  expect_refused("classes beyond", [&](ImageParts& p) { table(p).count -= 1; });
  expect_refused("classes beyond",
                 [](ImageParts& p) { first_field(p, MatcherKind::kTable).rows = 0xFFFFFFFF; });
  expect_refused("names rule 77", [&](ImageParts& p) { p.cells[table(p).table] = 77; });
  expect_refused("without cells", [&](ImageParts& p) {
    MatcherRecord& matcher = table(p);
    matcher.field_count = 0;
    matcher.count = 0;
  });
}

TEST(ImageVerifier, RefusesKeysThatReadOrNameAstray) {
  const auto exact = [](ImageParts& p) -> MatcherRecord& {
    return matcher_of(p, MatcherKind::kExact);
  };
  const auto part = [](ImageParts& p) -> MatchFieldRecord& {
    return field_of(p, ClassMapKind::kKeyPart);
  };
  expect_refused("a key of 0 words", [&](ImageParts& p) { exact(p).key_words = 0; });
  expect_refused("a key of 5 words", [&](ImageParts& p) { exact(p).key_words = 5; });
  expect_refused("class map", [&](ImageParts& p) { part(p).kind = ClassMapKind::kSearch; });
  expect_refused("lies outside", [&](ImageParts& p) { part(p).offset = 60000; });
  expect_refused("lies outside", [&](ImageParts& p) { part(p).load = 0x27; });
  expect_refused("part of a key", [&](ImageParts& p) { part(p).table = 4; });
  expect_refused("part of a key", [&](ImageParts& p) { part(p).rows = 64; });
  expect_refused("empty table", [&](ImageParts& p) { exact(p).pilot_count = 0; });
  expect_refused("empty table", [&](ImageParts& p) { exact(p).count = 0; });
  expect_refused("pilots", [&](ImageParts& p) { exact(p).pilots = 0xFFFFFFFF; });
  expect_refused("pilots", [&](ImageParts& p) { exact(p).pilot_count = 0xFFFFFF; });
  expect_refused("keys:", [&](ImageParts& p) { exact(p).count = 0xFFFFFF; });
  expect_refused("a key of rule",
                 [&](ImageParts& p) { p.words[exact(p).table + exact(p).key_words] = 1ull << 32; });
  expect_refused("names rule 60",
                 [&](ImageParts& p) { p.words[exact(p).table + exact(p).key_words] = 60; });
}

// The field with buckets gets a tree over the same bounds. Returns it, and where its keys start.
MatchFieldRecord& with_tree(ImageParts& parts) {
  MatchFieldRecord& field = field_of(parts, ClassMapKind::kBuckets);
  const auto from = parts.bounds.begin() + field.table;
  const TreeParts tree = tree_of({from, from + field.bound_count});
  field.kind = ClassMapKind::kTree;
  field.table = static_cast<uint32_t>(parts.bounds.size()) + tree.first;
  field.steps = static_cast<uint8_t>(tree.levels);
  parts.bounds.insert(parts.bounds.end(), tree.words.begin(), tree.words.end());
  return field;
}

TEST(ImageVerifier, TakesTreesAndRefusesThoseThatLeadAstray) {
  ImageParts whole = ImageParts::of(read_vector("matchers"));
  ASSERT_GE(with_tree(whole).steps, 2);
  RouteImage image;
  const Status status = RouteImage::load(whole.image(), image);
  EXPECT_TRUE(status.ok()) << status.context;
  const auto bound = [](ImageParts& p, int64_t place) -> uint64_t& {
    return p.bounds.at(static_cast<size_t>(with_tree(p).table + place));
  };
  expect_refused("a tree of 0 keys", [](ImageParts& p) { with_tree(p).bound_count = 0; });
  expect_refused("9 levels", [](ImageParts& p) { with_tree(p).steps = 9; });
  expect_refused("a tree of", [](ImageParts& p) { with_tree(p).table = 1; });
  expect_refused("search keys:", [](ImageParts& p) { with_tree(p).table = 0xFFFFFFFF; });
  expect_refused("search keys:", [](ImageParts& p) { with_tree(p).bound_count = 0xFFFFFFFF; });
  expect_refused("roots", [](ImageParts& p) { with_tree(p).steps -= 1; });
  expect_refused("not ascending", [&](ImageParts& p) { bound(p, 1) = 0; });
  expect_refused("not padded", [](ImageParts& p) { with_tree(p).bound_count -= 1; });
  expect_refused("outside the bounds", [&](ImageParts& p) { bound(p, -1) = UINT64_MAX; });
  expect_refused("a level of a tree", [](ImageParts& p) {
    MatchFieldRecord& field = with_tree(p);
    p.bounds.at(field.table - 1) = p.bounds.size() - field.table;
  });
  expect_refused("wrong node", [&](ImageParts& p) { bound(p, -1) = 0; });
  expect_refused("wrong node", [](ImageParts& p) {
    (void)with_tree(p);
    p.bounds.back() -= 1;
  });
}

TEST(ImageVerifier, RefusesClassMapsWithClassesOrBoundsBeyondThem) {
  expect_refused("lies outside",
                 [](ImageParts& p) { field_of(p, ClassMapKind::kBuckets).offset = 5000; });
  expect_refused("lies outside",
                 [](ImageParts& p) { field_of(p, ClassMapKind::kSearch).load = 0x20; });
  expect_refused("unknown kind of class map", [](ImageParts& p) {
    field_of(p, ClassMapKind::kSearch).kind = ClassMapKind::kKeyPart;
  });
  expect_refused("unknown kind of class map",
                 [](ImageParts& p) { field_of(p, ClassMapKind::kSearch).kind = ClassMapKind{9}; });
  expect_refused("keys in a search",
                 [](ImageParts& p) { field_of(p, ClassMapKind::kSearch).steps = 0; });
  expect_refused("steps", [](ImageParts& p) { field_of(p, ClassMapKind::kSearch).steps = 60; });
  expect_refused("not ascending",
                 [](ImageParts& p) { p.bounds[field_of(p, ClassMapKind::kSearch).table] = ~0ull; });
  for (const auto kind : {ClassMapKind::kDirect, ClassMapKind::kDirectWide}) {
    expect_refused("class slots", [&](ImageParts& p) { field_of(p, kind).table = 0xFFFFFF00; });
    expect_refused("a value of class",
                   [&](ImageParts& p) { p.slots[field_of(p, kind).table + 9] = 999; });
  }
  expect_refused("of a wide field", [](ImageParts& p) {
    field_of(p, ClassMapKind::kDirectWide).offset = 0;
    field_of(p, ClassMapKind::kDirectWide).load = 3;
  });
}

TEST(ImageVerifier, RefusesBucketsThatStartOrEndElsewhere) {
  const auto map = [](ImageParts& p) -> MatchFieldRecord& {
    return field_of(p, ClassMapKind::kBuckets);
  };
  expect_refused("buckets of 32 steps", [&](ImageParts& p) { map(p).steps = 32; });
  expect_refused("shift 64", [&](ImageParts& p) { map(p).shift = 64; });
  expect_refused("too many bounds", [&](ImageParts& p) { map(p).steps = 0; });
  expect_refused("not padded", [&](ImageParts& p) { map(p).steps += 1; });
  expect_refused("without bounds", [&](ImageParts& p) { map(p).bound_count = 0; });
  expect_refused("no buckets", [&](ImageParts& p) { map(p).bucket_count = 0; });
  expect_refused("buckets:", [&](ImageParts& p) { map(p).buckets = 0xFFFFFF; });
  expect_refused("bounds:", [&](ImageParts& p) { map(p).table = 0xFFFFFF; });
  expect_refused("the wrong bound", [&](ImageParts& p) { p.cells[map(p).buckets + 1] += 1; });
  expect_refused("the wrong bound", [&](ImageParts& p) { map(p).shift -= 1; });
  expect_refused("not ascending",
                 [&](ImageParts& p) { p.bounds[map(p).table + 1] = p.bounds[map(p).table]; });
}

}  // namespace
}  // namespace hyperroute
