// Finds the first rule of a route that holds for a message.
//
// Thread: any (pure functions). Data path: between the checks and the pick of a destination.
// Every condition on a single field was compiled into class maps: a field's value selects a row
// of bits, one for each term (a conjunction of a rule's conditions, in the order of the rules);
// the rows of all fields are ANDed and the first bit that is left decides. No rule is ever
// interpreted, except that a term with arithmetic asks its program as well.
#pragma once

#include <bit>
#include <cstdint>

#include "route/class_map_datapath.h"
#include "route/image.h"
#include "route/program_datapath.h"

namespace hyperroute {

enum class TermResult : uint8_t { kNo, kYes, kOverflow };

// Asks the terms whose bits are set in `word`, in order. `first_term` is the term of bit 0.
inline TermResult first_term(const ImageTables& tables, const RouteRecord& route, uint64_t word,
                             uint32_t word_start, const uint8_t* message, uint32_t& rule) noexcept {
  for (; word != 0; word &= word - 1) {
    const uint32_t bit = static_cast<uint32_t>(std::countr_zero(word));
    const TermRecord& term = tables.terms[route.terms + word_start + bit];
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

// At most 64 terms: one AND a field.
inline TermResult match_word(const ImageTables& tables, const RouteRecord& route,
                             const uint8_t* message, uint32_t& rule) noexcept {
  const uint32_t term_count = route.term_count;
  uint64_t word = term_count == 0 ? 0 : ~0ull >> (64 - term_count);
  const MatchFieldRecord* const fields = tables.match_fields.from(route.fields);
  for (uint32_t index = 0; index < route.field_count; ++index) {
    word &= tables.words[fields[index].rows + class_of(tables, fields[index], message)];
  }
  return first_term(tables, route, word, 0, message, rule);
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
inline TermResult match_aggregated(const ImageTables& tables, const RouteRecord& route,
                                   const uint8_t* message, uint32_t& rule) noexcept {
  const GroupRecord* rows[kMatchFieldsMax];
  const MatchFieldRecord* const fields = tables.match_fields.from(route.fields);
  const uint32_t field_count = route.field_count;
  for (uint32_t index = 0; index < field_count; ++index) {
    const uint32_t row = class_of(tables, fields[index], message);
    rows[index] = tables.groups.from(fields[index].rows + row * route.group_count);
  }
  for (uint32_t group = 0; group < route.group_count; ++group) {
    uint64_t summary = ~0ull;
    for (uint32_t index = 0; index < field_count; ++index) summary &= rows[index][group].summary;
    for (; summary != 0; summary &= summary - 1) {
      const uint32_t bit = static_cast<uint32_t>(std::countr_zero(summary));
      const uint64_t word = and_packed(tables, rows, field_count, group, bit);
      const uint32_t word_start = (group * kGroupBits + bit) * 64;
      const TermResult result = first_term(tables, route, word, word_start, message, rule);
      if (result != TermResult::kNo) return result;
    }
  }
  return TermResult::kNo;
}

// Returns 0 and the rule, or the reject code.
inline uint32_t match_rule(const ImageTables& tables, const RouteRecord& route,
                           const uint8_t* message, uint32_t& rule) noexcept {
  TermResult result;
  if (route.matcher == MatcherKind::kAlways) {
    rule = 0;
    return 0;
  } else if (route.matcher == MatcherKind::kWord) {
    result = match_word(tables, route, message, rule);
  } else {
    result = match_aggregated(tables, route, message, rule);
  }
  if (result == TermResult::kYes) return 0;
  return static_cast<uint32_t>(result == TermResult::kNo ? RejectCode::kNoRoute
                                                         : RejectCode::kOutOfRange);
}

}  // namespace hyperroute
