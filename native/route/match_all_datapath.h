// Finds every rule of a route that holds for a message, in order.
//
// Thread: any (pure functions). Data path: between the checks and the picks, for routes whose
// rules all count. The tables are those of match_datapath.h; instead of the first bit that is
// left, each one is taken.
#pragma once

#include <bit>
#include <cstdint>

#include "route/match_datapath.h"

namespace hyperroute {

// Calls `visit` for the terms whose bits are set in `word`, once for each rule. Returns 0 or the
// first code that is not.
template <typename Visitor>
uint32_t visit_terms(const ImageTables& tables, const MatcherRecord& matcher, uint64_t word,
                     uint32_t word_start, const StepMessage& message, uint32_t& last_rule,
                     Visitor visit) {
  for (; word != 0; word &= word - 1) {
    const uint32_t bit = static_cast<uint32_t>(std::countr_zero(word));
    const TermRecord& term = tables.terms[matcher.table + word_start + bit];
    // The terms of a rule stand side by side; one that holds is enough.
    if (term.rule == last_rule) continue;
    if (term.instruction_count != 0) [[unlikely]] {
      const Truth truth = run_program(tables, term.instructions, term.instruction_count, message);
      if (truth == Truth::kOverflow) return static_cast<uint32_t>(RejectCode::kOutOfRange);
      if (truth == Truth::kFalse) continue;
    }
    last_rule = term.rule;
    if (const uint32_t code = visit(term.rule); code != 0) return code;
  }
  return 0;
}

template <typename Visitor>
uint32_t visit_aggregated(const ImageTables& tables, const MatcherRecord& matcher,
                          const StepMessage& message, uint32_t& last_rule, Visitor visit) {
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
      const uint32_t start = (group * kGroupBits + bit) * 64;
      const uint32_t code = visit_terms(tables, matcher, word, start, message, last_rule, visit);
      if (code != 0) return code;
    }
  }
  return 0;
}

// Calls `visit(rule)` for each rule that holds, in order, as long as it returns 0. Returns 0 or
// the reject code: NO_ROUTE when none holds, what arithmetic or `visit` gave otherwise.
template <typename Visitor>
uint32_t match_every(const ImageTables& tables, const RoutePlan& route, const StepMessage& message,
                     Visitor visit) {
  uint32_t last_rule = kNoRule;
  uint32_t code = 0;
  if (!route.matchers.empty()) {
    const MatcherPlan& plan = *route.matchers.begin();
    const MatcherRecord& matcher = *plan.record;
    if (matcher.kind == MatcherKind::kWord) {
      const uint64_t word = terms_of_word(tables, plan, message);
      code = visit_terms(tables, matcher, word, 0, message, last_rule, visit);
    } else {
      code = visit_aggregated(tables, matcher, message, last_rule, visit);
    }
  }
  if (code != 0) return code;
  return last_rule == kNoRule ? static_cast<uint32_t>(RejectCode::kNoRoute) : 0;
}

}  // namespace hyperroute
