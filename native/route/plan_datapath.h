// Reads messages by the plan of an image: fields, checks, classes.
//
// Thread: any (pure functions). Data path: the usual case of all that the step does before it
// picks. Where a plan says `kOther` the records are asked, by the functions of the other headers.
#pragma once

#include <cstdint>

#include "base/bits.h"
#include "route/match_datapath.h"
#include "route/plan.h"
#include "route/set_datapath.h"

namespace hyperroute {

// Eight bytes of the view with the field's bits on top; what is below may be anything.
[[gnu::always_inline]] inline uint64_t load_top(const uint8_t* view, uint32_t offset,
                                                uint32_t swaps, uint32_t left) noexcept {
  const uint64_t loaded = load_u64_le(view + offset);
  return (swaps != 0 ? byte_swap(loaded) : loaded) << left;
}
[[gnu::always_inline]] inline uint64_t load_top(const uint8_t* view,
                                                const FieldPlan& field) noexcept {
  return load_top(view, field.offset, field.swaps, field.left) ^ field.flip;
}

// The field's value or key, whichever it was planned for.
[[gnu::always_inline]] inline uint64_t load_planned(const uint8_t* view,
                                                    const FieldPlan& field) noexcept {
  return (load_top(view, field) >> field.right) + field.bias;
}

// A message of the size that such messages have is at least as long as what is compared.
[[gnu::always_inline]] inline bool is_such(const HeaderPlan& header,
                                           const StepMessage& message) noexcept {
  if (message.bytes != header.message_bytes) return false;
  const uint64_t first = load_u64_le(message.data) & header.mask[0];
  const uint64_t second = load_u64_le(message.data + 8) & header.mask[1];
  return ((first ^ header.expected[0]) | (second ^ header.expected[1])) == 0;
}

// What messages like this one have in common, or nullptr: it is none of those that are planned and
// compared.
[[gnu::always_inline]] inline const HeaderPlan* find_header(const SourcePlan& source,
                                                            const StepMessage& message) noexcept {
  for (const HeaderPlan* header = source.headers; header != source.headers_end; ++header) {
    if (is_such(*header, message)) return header;
  }
  return nullptr;
}

// Those that find_header() does not compare.
inline const HeaderPlan* find_header_by_member(const SourcePlan& source,
                                               const StepMessage& message) noexcept {
  if (source.by_member == nullptr || message.bytes < sizeof(HeaderPlan::mask)) return nullptr;
  const uint64_t key = load_planned(message.data, source.discriminator);
  uint16_t member = kNoIndex;
  if (source.keys == nullptr) {
    if (key <= 255) member = source.members[key];
  } else {
    const uint32_t above = count_not_above(source.keys, source.key_count, source.key_steps, key);
    if (above != 0 && source.keys[above - 1] == key) member = source.members[above - 1];
  }
  if (member == kNoIndex || !is_such(source.by_member[member], message)) return nullptr;
  return source.by_member + member;
}

[[gnu::always_inline]] inline bool is_within(const PairPlan& pair, const uint8_t* view) noexcept {
  const uint64_t left = load_planned(view, pair.left);
  const uint64_t right = load_planned(view, pair.right);
  const uint64_t result = pair.operation == Opcode::kMul   ? left * right
                          : pair.operation == Opcode::kAdd ? left + right
                                                           : left - right;
  return result - pair.low <= pair.span;
}

[[gnu::always_inline]] inline bool is_in(const SetPlan& set, const uint8_t* view) noexcept {
  const uint64_t key = load_planned(view, set.field);
  // Most values that are in it stand where their hash says.
  if (set.words[1 + set_slot(key, set.hash_shift)] == key) [[likely]]
    return key != set.words[0];
  return is_in_set(set.words, set.bits, set.probe_max, key);
}

// Whether every check of the route holds that can be asked in any order.
[[gnu::always_inline]] inline bool passes(const RoutePlan& route, const uint8_t* view) noexcept {
  bool fails = false;
  const RangePlan* range = route.ranges;
  for (; range != route.plain_end; ++range) {
    fails |= load_u64_le(view + range->offset) - range->low > range->span;
  }
  for (; range != route.ranges_end; ++range) {
    const uint64_t top = load_top(view, range->offset, range->swaps, range->left);
    fails |= top - range->low > range->span;
  }
  for (const SetPlan* set = route.sets; set != route.sets_end; ++set) fails |= !is_in(*set, view);
  for (const PairPlan* pair = route.pairs; pair != route.pairs_end; ++pair) {
    fails |= !is_within(*pair, view);
  }
  return !fails;
}

[[gnu::always_inline]] inline uint32_t count_few(const FewPlan& plan,
                                                 const uint8_t* view) noexcept {
  const uint64_t top = load_top(view, plan.field);
  uint32_t count = 0;
  for (uint32_t at = 0; at < plan.bound_count; ++at) count += plan.bounds[at] <= top ? 1 : 0;
  return count;
}

// As match_table.
[[gnu::always_inline]] inline uint32_t match_planned_table(const ImageTables& tables,
                                                           const RoutePlan& route,
                                                           const StepMessage& message) noexcept {
  const uint8_t* const view = message.view;
  uint32_t cell = route.matcher->table;
  for (const DirectPlan* plan = route.direct; plan != route.direct_end; ++plan) {
    cell += plan->rows * plan->slots[view[plan->offset]];
  }
  for (const FewPlan* plan = route.few; plan != route.few_end; ++plan) {
    cell += plan->rows * count_few(*plan, view);
  }
  for (const MatchFieldRecord* const* other = route.others; other != route.others_end; ++other) {
    // The cells of the last field stand side by side; of the others the first is as good a guess.
    const Beside cells{tables.cells.from(cell), sizeof(uint32_t)};
    cell += (*other)->rows * find_class(tables, **other, message, cells);
  }
  return tables.cells[cell];
}

// As terms_of_word.
[[gnu::always_inline]] inline uint64_t planned_terms(const ImageTables& tables,
                                                     const RoutePlan& route,
                                                     const StepMessage& message) noexcept {
  const uint8_t* const view = message.view;
  const uint64_t* const words = tables.words.records;
  const uint32_t term_count = route.matcher->count;
  uint64_t word = term_count == 0 ? 0 : ~0ull >> (64 - term_count);
  for (const DirectPlan* plan = route.direct; plan != route.direct_end; ++plan) {
    word &= words[plan->rows + plan->slots[view[plan->offset]]];
  }
  for (const FewPlan* plan = route.few; plan != route.few_end; ++plan) {
    word &= words[plan->rows + count_few(*plan, view)];
  }
  for (const MatchFieldRecord* const* other = route.others; other != route.others_end; ++other) {
    const Beside rows{words + (*other)->rows, sizeof(uint64_t)};
    word &= words[(*other)->rows + find_class(tables, **other, message, rows)];
  }
  return word;
}

// As match_rule: returns 0 and the rule, or the reject code.
[[gnu::always_inline]] inline uint32_t match_planned(const ImageTables& tables,
                                                     const RoutePlan& route,
                                                     const StepMessage& message,
                                                     uint32_t& rule) noexcept {
  rule = route.otherwise;
  switch (route.match) {
    case MatchPlanKind::kNone:
      break;
    case MatchPlanKind::kTable:
      rule = std::min(rule, match_planned_table(tables, route, message));
      break;
    case MatchPlanKind::kWord: {
      const uint64_t word = planned_terms(tables, route, message);
      if (first_term(tables, *route.matcher, word, 0, message, rule) == TermResult::kOverflow) {
        rule = kNoRule;
        return static_cast<uint32_t>(RejectCode::kOutOfRange);
      }
      break;
    }
    case MatchPlanKind::kOther:
      return match_rule(tables, *route.record, message, rule);
  }
  return rule == kNoRule ? static_cast<uint32_t>(RejectCode::kNoRoute) : 0;
}

}  // namespace hyperroute
