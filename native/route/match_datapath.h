// Finds the first rule of a route that holds for a message.
//
// Thread: any (pure functions). Data path: between the checks and the pick of a destination.
// The compiler has distributed a route's rules over matchers, by the form that finds them fastest;
// the least rule that any of them names decides. No rule is ever interpreted, except that a term
// with arithmetic asks its program as well.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "route/class_map_datapath.h"
#include "route/exact_datapath.h"
#include "route/image.h"
#include "route/plan_datapath.h"
#include "route/program_datapath.h"
#include "route/text_rules_datapath.h"

namespace hyperroute {

enum class TermResult : uint8_t { kNo, kYes, kOverflow };

// Asks the terms whose bits are set in `word`, in order, as long as they are of rules before
// `rule`, which becomes that of the first that holds. `first_term` is the term of bit 0.
inline TermResult first_term(const ImageTables& tables, const MatcherRecord& matcher, uint64_t word,
                             uint32_t word_start, const StepMessage& message,
                             uint32_t& rule) noexcept {
  for (; word != 0; word &= word - 1) {
    const uint32_t bit = static_cast<uint32_t>(std::countr_zero(word));
    const TermRecord& term = tables.terms[matcher.table + word_start + bit];
    if (term.rule >= rule) return TermResult::kYes;
    if (term.instruction_count != 0) [[unlikely]] {
      const Truth truth = run_program(tables, term.instructions, term.instruction_count, message);
      if (truth == Truth::kOverflow) return TermResult::kOverflow;
      if (truth == Truth::kFalse) continue;
    }
    rule = term.rule;
    return TermResult::kYes;
  }
  return TermResult::kNo;
}

[[gnu::always_inline]] inline uint32_t count_few(const FewPlan& plan,
                                                 const uint8_t* view) noexcept {
  const uint64_t top = load_top(view, plan.field);
  uint32_t count = 0;
  for (uint32_t at = 0; at < plan.bound_count; ++at) count += plan.bounds[at] <= top ? 1 : 0;
  return count;
}

// The terms that the class maps admit: at most 64, one AND a field.
[[gnu::always_inline]] inline uint64_t terms_of_word(const ImageTables& tables,
                                                     const MatcherPlan& matcher,
                                                     const StepMessage& message) noexcept {
  const uint8_t* const view = message.view;
  const uint64_t* const words = tables.words.records;
  const uint32_t term_count = matcher.record->count;
  uint64_t word = term_count == 0 ? 0 : ~0ull >> (64 - term_count);
  for (uint32_t at = 0; at < matcher.direct_count; ++at) {
    const DirectPlan& plan = matcher.direct[at];
    word &= words[plan.rows + plan.slots[view[plan.offset]]];
  }
  for (const FewPlan& plan : matcher.few) word &= words[plan.rows + count_few(plan, view)];
  for (const MatchFieldRecord* const field : matcher.others) {
    const Beside rows{words + field->rows, sizeof(uint64_t)};
    word &= words[field->rows + class_of(tables, *field, message, rows)];
  }
  return word;
}

// The AND of one word of all fields. Only words that are not zero are stored, so a word's place
// is the number of summary bits below its own.
inline uint64_t and_packed(const ImageTables& tables, const GroupRecord* const* rows,
                           uint32_t field_count, uint32_t group, uint32_t bit) noexcept {
  const uint64_t below = (1ull << bit) - 1;
  uint64_t word = ~0ull;
  for (uint32_t index = 0; index < field_count; ++index) {
    const GroupRecord& entry = rows[index][group];
    const auto rank = static_cast<uint32_t>(std::popcount(entry.summary & below));
    word &= tables.words[entry.words + rank];
  }
  return word;
}

// Thousands of terms: the summaries say which words of a group can hold a common bit at all.
[[gnu::noinline]] inline TermResult match_aggregated(const ImageTables& tables,
                                                     const MatcherRecord& matcher,
                                                     const StepMessage& message,
                                                     uint32_t& rule) noexcept {
  const GroupRecord* rows[kMatchFieldsMax];
  const MatchFieldRecord* const fields = tables.match_fields.from(matcher.fields);
  const uint32_t field_count = matcher.field_count;
  for (uint32_t index = 0; index < field_count; ++index) {
    const Beside groups{tables.groups.from(fields[index].rows),
                        matcher.group_count * uint32_t{sizeof(GroupRecord)}};
    const uint32_t row = class_of(tables, fields[index], message, groups);
    rows[index] = tables.groups.from(fields[index].rows + row * matcher.group_count);
  }
  for (uint32_t group = 0; group < matcher.group_count; ++group) {
    uint64_t summary = ~0ull;
    for (uint32_t index = 0; index < field_count; ++index) summary &= rows[index][group].summary;
    for (; summary != 0; summary &= summary - 1) {
      const uint32_t bit = static_cast<uint32_t>(std::countr_zero(summary));
      const uint64_t word = and_packed(tables, rows, field_count, group, bit);
      const uint32_t word_start = (group * kGroupBits + bit) * 64;
      const TermResult result = first_term(tables, matcher, word, word_start, message, rule);
      if (result != TermResult::kNo) return result;
    }
  }
  return TermResult::kNo;
}

// The rule of the combination of classes that the message has, or kNoRule.
[[gnu::always_inline]] inline uint32_t match_table(const ImageTables& tables,
                                                   const MatcherPlan& matcher,
                                                   const StepMessage& message) noexcept {
  const uint8_t* const view = message.view;
  uint32_t cell = matcher.table;
  for (uint32_t at = 0; at < matcher.direct_count; ++at) {
    const DirectPlan& plan = matcher.direct[at];
    cell += plan.rows * plan.slots[view[plan.offset]];
  }
  for (const FewPlan& plan : matcher.few) cell += plan.rows * count_few(plan, view);
  for (const MatchFieldRecord* const field : matcher.others) {
    // The cells of the last field stand side by side; of the others the first is as good a guess.
    const Beside cells{tables.cells.from(cell), sizeof(uint32_t)};
    cell += field->rows * class_of(tables, *field, message, cells);
  }
  return tables.cells[cell];
}

// As match_by, of the kinds that take more than a message's classes.
[[gnu::noinline]] inline bool match_terms(const ImageTables& tables, const MatcherPlan& matcher,
                                          const StepMessage& message, uint32_t& rule) noexcept {
  const MatcherRecord& record = *matcher.record;
  switch (matcher.kind) {
    case MatcherKind::kExact:
      rule = std::min(rule, match_exact(tables, record, message));
      return true;
    case MatcherKind::kText:
      rule = std::min(rule, match_text(tables, record, message));
      return true;
    case MatcherKind::kWord: {
      const uint64_t word = terms_of_word(tables, matcher, message);
      return first_term(tables, record, word, 0, message, rule) != TermResult::kOverflow;
    }
    default:
      return match_aggregated(tables, record, message, rule) != TermResult::kOverflow;
  }
}

// Lowers `rule` to the first that the matcher names. False: arithmetic has overflowed.
[[gnu::always_inline]] inline bool match_by(const ImageTables& tables, const MatcherPlan& matcher,
                                            const StepMessage& message, uint32_t& rule) noexcept {
  if (matcher.kind != MatcherKind::kTable) return match_terms(tables, matcher, message, rule);
  rule = std::min(rule, match_table(tables, matcher, message));
  return true;
}

// Returns 0 and the rule, or the reject code.
[[gnu::always_inline]] inline uint32_t match_rule(const ImageTables& tables, const RoutePlan& route,
                                                  const StepMessage& message,
                                                  uint32_t& rule) noexcept {
  rule = route.otherwise;
  for (const MatcherPlan& matcher : route.matchers) {
    if (matcher.rule_first >= rule) continue;
    if (match_by(tables, matcher, message, rule)) continue;
    rule = kNoRule;
    return static_cast<uint32_t>(RejectCode::kOutOfRange);
  }
  return rule == kNoRule ? static_cast<uint32_t>(RejectCode::kNoRoute) : 0;
}

}  // namespace hyperroute
