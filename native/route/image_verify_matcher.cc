// Verification of a route image: matchers and class maps.
// Thread: control thread, before the image is installed. Not on the data path.
#include <bit>

#include "route/class_map_datapath.h"
#include "route/image_verify.h"

namespace hyperroute {
namespace {

// The bits of word `word` that stand for a term.
uint64_t term_mask(uint32_t term_count, uint32_t word) {
  const uint32_t first = word * 64;
  if (first >= term_count) return 0;
  const uint32_t bits = term_count - first;
  return bits >= 64 ? ~0ull : (1ull << bits) - 1;
}

}  // namespace

Status ImageVerifier::verify_matcher(const MatcherRecord& matcher, const RouteRecord& route) {
  HR_IMAGE_REQUIRE(matcher.field_count <= kMatchFieldsMax, "a matcher over %u fields",
                   matcher.field_count);
  HR_TRY(
      verify_run(matcher.fields, matcher.field_count, tables_.match_fields.count, "match fields"));
  switch (matcher.kind) {
    case MatcherKind::kWord:
    case MatcherKind::kAggregated:
      HR_TRY(verify_terms(matcher, route));
      break;
    case MatcherKind::kTable:
      HR_TRY(verify_cells(matcher, route));
      break;
    case MatcherKind::kExact:
      return verify_exact(matcher, route);
    case MatcherKind::kText:
      return verify_text_rules(matcher, route);
    default:
      HR_IMAGE_REQUIRE(false, "an unknown matcher");
  }
  for (uint32_t index = 0; index < matcher.field_count; ++index) {
    const MatchFieldRecord& field = tables_.match_fields[matcher.fields + index];
    HR_TRY(verify_class_map(field, route));
    HR_TRY(verify_rows(field, matcher));
  }
  return Status::success();
}

// Whether a matcher may name the rule: step compares it with others' and then uses it.
Status ImageVerifier::verify_rule(uint32_t rule, const MatcherRecord& matcher,
                                  const RouteRecord& route) const {
  HR_IMAGE_REQUIRE(rule >= matcher.rule_first && rule < route.rule_count,
                   "a matcher of rules from %u names rule %u of %u", matcher.rule_first, rule,
                   route.rule_count);
  return Status::success();
}

Status ImageVerifier::verify_terms(const MatcherRecord& matcher, const RouteRecord& route) {
  const bool aggregated = matcher.kind == MatcherKind::kAggregated;
  HR_IMAGE_REQUIRE(matcher.count <= (aggregated ? kTermsMax : 64u), "%u terms", matcher.count);
  // Each group holds 64 words of 64 terms; the step walks exactly this many.
  const uint32_t group_terms = kGroupBits * 64;
  const uint32_t group_count = (matcher.count + group_terms - 1) / group_terms;
  HR_IMAGE_REQUIRE(matcher.group_count == (aggregated ? group_count : 0u), "%u groups",
                   matcher.group_count);
  HR_IMAGE_REQUIRE(!aggregated || matcher.field_count >= 1, "a matcher over %u fields",
                   matcher.field_count);
  HR_TRY(verify_run(matcher.table, matcher.count, tables_.terms.count, "terms"));
  uint32_t rule_before = 0;
  for (uint32_t index = 0; index < matcher.count; ++index) {
    const TermRecord& term = tables_.terms[matcher.table + index];
    HR_TRY(verify_rule(term.rule, matcher, route));
    HR_IMAGE_REQUIRE(term.rule >= rule_before, "terms are not in the order of their rules");
    rule_before = term.rule;
    if (term.instruction_count == 0) continue;
    HR_TRY(verify_program(term.instructions, term.instruction_count, route));
  }
  return Status::success();
}

// The classes of all fields together number the cells.
Status ImageVerifier::verify_cells(const MatcherRecord& matcher, const RouteRecord& route) {
  HR_TRY(verify_run(matcher.table, matcher.count, tables_.cells.count, "cells"));
  uint64_t last = 0;
  for (uint32_t index = 0; index < matcher.field_count; ++index) {
    const MatchFieldRecord& field = tables_.match_fields[matcher.fields + index];
    last += static_cast<uint64_t>(field.bound_count) * field.rows;
    HR_IMAGE_REQUIRE(last < matcher.count, "classes beyond %u cells", matcher.count);
  }
  HR_IMAGE_REQUIRE(matcher.count >= 1, "a table without cells");
  for (uint32_t index = 0; index < matcher.count; ++index) {
    const uint32_t rule = tables_.cells[matcher.table + index];
    if (rule != kNoRule) HR_TRY(verify_rule(rule, matcher, route));
  }
  return Status::success();
}

Status ImageVerifier::verify_exact(const MatcherRecord& matcher, const RouteRecord& route) {
  HR_IMAGE_REQUIRE(matcher.key_words >= 1 && matcher.key_words <= kKeyWordsMax, "a key of %u words",
                   matcher.key_words);
  for (uint32_t index = 0; index < matcher.field_count; ++index) {
    const MatchFieldRecord& part = tables_.match_fields[matcher.fields + index];
    HR_IMAGE_REQUIRE(part.kind == ClassMapKind::kKeyPart, "a key with a class map");
    HR_IMAGE_REQUIRE(field_fits(part.load, part.offset, route.message_bytes),
                     "a match field lies outside its message");
    HR_IMAGE_REQUIRE(part.table < matcher.key_words && part.rows < 64,
                     "part of a key in word %u, bit %u", part.table, part.rows);
  }
  HR_IMAGE_REQUIRE(matcher.count >= 1 && matcher.pilot_count >= 1, "an empty table of keys");
  HR_TRY(verify_run(matcher.pilots, matcher.pilot_count, tables_.slots.count, "pilots"));
  const uint32_t entry_words = matcher.key_words + 1u;
  const uint64_t word_count = static_cast<uint64_t>(matcher.count) * entry_words;
  HR_TRY(verify_run(matcher.table, word_count, tables_.words.count, "keys"));
  for (uint64_t entry = 0; entry < word_count; entry += entry_words) {
    const uint64_t place = matcher.table + entry + matcher.key_words;
    const uint64_t rule = tables_.words[static_cast<uint32_t>(place)];
    HR_IMAGE_REQUIRE(rule <= kNoRule, "a key of rule %llu", static_cast<unsigned long long>(rule));
    if (rule == kNoRule) continue;
    HR_TRY(verify_rule(static_cast<uint32_t>(rule), matcher, route));
  }
  return Status::success();
}

// Answers are rules: which of them there are, the text map's own verification has held to.
Status ImageVerifier::verify_text_rules(const MatcherRecord& matcher, const RouteRecord& route) {
  HR_IMAGE_REQUIRE(matcher.count >= 1 && matcher.count <= kTextMapsMax, "a matcher of %u texts",
                   matcher.count);
  HR_IMAGE_REQUIRE(matcher.field_count == 0 && matcher.fields == 0, "texts with fields");
  HR_TRY(verify_run(matcher.table, matcher.count, tables_.text_maps.count, "text maps"));
  for (uint32_t map = matcher.table; map < matcher.table + matcher.count; ++map) {
    HR_TRY(verify_text_of(map, route));
    const uint32_t answer_count = tables_.text_maps[map].answer_count;
    HR_IMAGE_REQUIRE(answer_count - 1 <= route.rule_count, "a text with %u rules of %u",
                     answer_count - 1, route.rule_count);
  }
  return Status::success();
}

Status ImageVerifier::verify_class_map(const MatchFieldRecord& field, const RouteRecord& route) {
  if (field.kind == ClassMapKind::kText) {
    HR_TRY(verify_text_of(field.table, route));
    HR_IMAGE_REQUIRE(tables_.text_maps[field.table].answer_count == field.bound_count + 1ull,
                     "text map %u of %u answers for %u bounds", field.table,
                     tables_.text_maps[field.table].answer_count, field.bound_count);
    return Status::success();
  }
  HR_IMAGE_REQUIRE(field_fits(field.load, field.offset, route.message_bytes),
                   "a match field lies outside its message");
  switch (field.kind) {
    case ClassMapKind::kDirect:
      return verify_classes(field, 256);
    case ClassMapKind::kDirectWide:
      HR_IMAGE_REQUIRE(load_bytes(field.load) <= 2, "a direct class map of a wide field");
      return verify_classes(field, 65536);
    case ClassMapKind::kSearch:
      return verify_keys(field.table, field.bound_count, field.steps);
    case ClassMapKind::kBuckets:
      return verify_buckets(field);
    case ClassMapKind::kTree:
      return verify_tree(field.table, field.bound_count, field.steps);
    default:
      HR_IMAGE_REQUIRE(false, "an unknown kind of class map");
  }
}

Status ImageVerifier::verify_classes(const MatchFieldRecord& field, uint32_t value_count) {
  const uint64_t class_count = static_cast<uint64_t>(field.bound_count) + 1;
  HR_TRY(verify_run(field.table, value_count, tables_.slots.count, "class slots"));
  for (uint32_t value = 0; value < value_count; ++value) {
    const uint16_t slot = tables_.slots[field.table + value];
    HR_IMAGE_REQUIRE(slot < class_count, "a value of class %u of %llu", slot,
                     static_cast<unsigned long long>(class_count));
  }
  return Status::success();
}

// Every bucket starts with the number of bounds below it and has few enough of them.
Status ImageVerifier::verify_buckets(const MatchFieldRecord& field) {
  HR_IMAGE_REQUIRE(field.steps < 32 && field.shift < 64, "buckets of %u steps, shift %u",
                   field.steps, field.shift);
  const uint64_t span = (1ull << field.steps) - 1;
  HR_IMAGE_REQUIRE(field.bound_count >= 1, "buckets without bounds");
  HR_TRY(verify_run(field.table, field.bound_count + span, tables_.bounds.count, "bounds"));
  HR_IMAGE_REQUIRE(field.bucket_count >= 1, "no buckets");
  HR_TRY(verify_run(field.buckets, field.bucket_count, tables_.cells.count, "buckets"));
  const uint64_t* const bounds = tables_.bounds.from(field.table);
  for (uint32_t index = 1; index < field.bound_count; ++index) {
    HR_IMAGE_REQUIRE(bounds[index - 1] < bounds[index], "search keys are not ascending");
  }
  for (uint64_t index = 0; index < span; ++index) {
    HR_IMAGE_REQUIRE(bounds[field.bound_count + index] == UINT64_MAX, "search keys are not padded");
  }
  uint32_t next = 0;
  for (uint32_t bucket = 0; bucket < field.bucket_count; ++bucket) {
    HR_IMAGE_REQUIRE(tables_.cells[field.buckets + bucket] == next,
                     "bucket %u starts at the wrong bound", bucket);
    const uint32_t start = next;
    while (next < field.bound_count && bucket_of(field, bounds[0], bounds[next]) == bucket) ++next;
    HR_IMAGE_REQUIRE(next - start <= span, "bucket %u has too many bounds", bucket);
  }
  HR_IMAGE_REQUIRE(next == field.bound_count, "bounds without a bucket");
  return Status::success();
}

Status ImageVerifier::verify_rows(const MatchFieldRecord& field, const MatcherRecord& matcher) {
  const uint64_t class_count = static_cast<uint64_t>(field.bound_count) + 1;
  if (matcher.kind == MatcherKind::kTable) return Status::success();
  if (matcher.kind == MatcherKind::kWord) {
    HR_TRY(verify_run(field.rows, class_count, tables_.words.count, "rows"));
    return verify_word_rows(field, matcher);
  }
  HR_TRY(verify_run(field.rows, class_count * matcher.group_count, tables_.groups.count, "groups"));
  return verify_group_rows(field, matcher);
}

Status ImageVerifier::verify_word_rows(const MatchFieldRecord& field,
                                       const MatcherRecord& matcher) const {
  const uint64_t mask = term_mask(matcher.count, 0);
  for (uint64_t row = 0; row <= field.bound_count; ++row) {
    const uint64_t word = tables_.words[field.rows + static_cast<uint32_t>(row)];
    HR_IMAGE_REQUIRE((word & ~mask) == 0, "a row names a term that does not exist");
  }
  return Status::success();
}

Status ImageVerifier::verify_group_rows(const MatchFieldRecord& field,
                                        const MatcherRecord& matcher) {
  for (uint64_t row = 0; row <= field.bound_count; ++row) {
    for (uint32_t index = 0; index < matcher.group_count; ++index) {
      const uint64_t position = field.rows + row * matcher.group_count + index;
      const GroupRecord& group = tables_.groups[static_cast<uint32_t>(position)];
      HR_TRY(verify_run(group.words, static_cast<uint64_t>(std::popcount(group.summary)),
                        tables_.words.count, "packed words"));
      uint32_t packed = group.words;
      for (uint64_t rest = group.summary; rest != 0; rest &= rest - 1) {
        const uint32_t bit = static_cast<uint32_t>(std::countr_zero(rest));
        const uint64_t mask = term_mask(matcher.count, index * kGroupBits + bit);
        HR_IMAGE_REQUIRE((tables_.words[packed++] & ~mask) == 0,
                         "a packed row names a term that does not exist");
      }
    }
  }
  return Status::success();
}

}  // namespace hyperroute
