// Verification of a route image: checks, matchers and actions of each route.
// Thread: control thread, before the image is installed. Not on the data path.
#include <bit>

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

Status ImageVerifier::verify_route(const RouteRecord& route, uint32_t index) {
  HR_IMAGE_REQUIRE((route.schema == kNoIndex) == (route.message_bytes == 0) &&
                       route.message_bytes <= kViewBytesMax,
                   "route %u: schema and message size disagree", index);
  if (route.view != kNoIndex) {
    HR_IMAGE_REQUIRE(route.view < tables_.views.count &&
                         tables_.views[route.view].view_bytes == route.message_bytes,
                     "route %u: view %u is for another message type", index, route.view);
  }
  HR_TRY(verify_run(route.checks, route.check_count, tables_.checks.count, "checks"));
  for (uint32_t check = 0; check < route.check_count; ++check) {
    HR_TRY(verify_check(tables_.checks[route.checks + check], route));
  }
  HR_IMAGE_REQUIRE(route.rule_count <= kRulesMax, "route %u: %u rules", index, route.rule_count);
  HR_TRY(verify_run(route.actions, route.rule_count, tables_.actions.count, "rules"));
  for (uint32_t rule = 0; rule < route.rule_count; ++rule) {
    HR_TRY(verify_action(tables_.actions[route.actions + rule], route));
  }
  if (route.reject != kNoRecord) {
    HR_TRY(verify_run(route.reject, 1, tables_.actions.count, "reject action"));
    HR_TRY(verify_action(tables_.actions[route.reject], route));
  }
  return verify_terms(route);
}

// The address lies within the message, and who may be named is asked about the message that leaves.
Status ImageVerifier::verify_return(const ActionRecord& action, const RouteRecord& route) const {
  HR_IMAGE_REQUIRE(field_fits(action.load, action.target, route.message_bytes),
                   "a return address lies outside its message");
  HR_IMAGE_REQUIRE(action.carriers < tables_.carriers.count, "no carriers %u", action.carriers);
  const CarriersRecord& carriers = tables_.carriers[action.carriers];
  // A transform knows the bytes of its message, which may be others than those of the view by
  // which endpoints with the message type read it.
  const bool is_same =
      action.transform < tables_.transforms.count
          ? carriers.schema == tables_.transforms[action.transform].output_schema
          : carriers.schema == route.schema && carriers.message_bytes == route.message_bytes;
  HR_IMAGE_REQUIRE(is_same, "carriers %u are those of another message type", action.carriers);
  return Status::success();
}

Status ImageVerifier::verify_action(const ActionRecord& action, const RouteRecord& route) const {
  switch (action.kind) {
    case ActionKind::kEndpoint:
      HR_IMAGE_REQUIRE(action.target < tables_.endpoints.count, "no endpoint %u", action.target);
      break;
    case ActionKind::kPool:
      HR_IMAGE_REQUIRE(action.target < tables_.pools.count, "no pool %u", action.target);
      break;
    case ActionKind::kReturnField:
      HR_TRY(verify_return(action, route));
      break;
    case ActionKind::kReturnSource:
    case ActionKind::kDiscard:
      break;
    default:
      HR_IMAGE_REQUIRE(false, "an unknown kind of action");
  }
  HR_IMAGE_REQUIRE(action.kind == ActionKind::kReturnField || action.carriers == kNoIndex,
                   "carriers without a return address");
  if (action.transform == kNoIndex) {
    HR_IMAGE_REQUIRE(action.output_bytes == 0, "an output size without a transform");
    return Status::success();
  }
  HR_IMAGE_REQUIRE(action.transform < tables_.transforms.count, "no transform %u",
                   action.transform);
  const TransformRecord& transform = tables_.transforms[action.transform];
  HR_IMAGE_REQUIRE(transform.output_schema != kNoIndex, "an action with an entry's transform");
  HR_IMAGE_REQUIRE(transform.source_bytes == route.message_bytes &&
                       transform.source_view == route.view &&
                       transform.output_bytes == action.output_bytes,
                   "transform %u is for another message type", action.transform);
  return Status::success();
}

Status ImageVerifier::verify_check(const CheckRecord& check, const RouteRecord& route) {
  HR_TRY(verify_code(check.code));
  if (check.kind == CheckKind::kProgram) {
    return verify_program(check.table, check.count, route.message_bytes);
  }
  HR_IMAGE_REQUIRE(field_fits(check.load, check.offset, route.message_bytes),
                   "a check reads outside its message");
  if (check.kind == CheckKind::kPair) {
    HR_IMAGE_REQUIRE(field_fits(check.second_load, check.second_offset, route.message_bytes),
                     "a check reads outside its message");
    const bool is_product = check.operation == Opcode::kMul;
    HR_IMAGE_REQUIRE(
        is_product || check.operation == Opcode::kAdd || check.operation == Opcode::kSub,
        "an unknown operation of a check");
    const uint32_t factor_bytes = load_bytes(check.load) + load_bytes(check.second_load);
    HR_IMAGE_REQUIRE(!is_product || factor_bytes <= kPairFactorBytesMax, "a product too wide");
    return verify_run(check.table, 2, tables_.wides.count, "limits of a check");
  }
  if (check.kind == CheckKind::kSearch) {
    return verify_keys(check.table, check.count, check.steps);
  }
  HR_IMAGE_REQUIRE(check.kind == CheckKind::kRange, "an unknown kind of check");
  return verify_limits(check.table);
}

Status ImageVerifier::verify_terms(const RouteRecord& route) {
  if (route.matcher == MatcherKind::kAlways) {
    HR_IMAGE_REQUIRE(route.rule_count >= 1, "a route that always matches has no rule");
    return Status::success();
  }
  const bool aggregated = route.matcher == MatcherKind::kAggregated;
  HR_IMAGE_REQUIRE(aggregated || route.matcher == MatcherKind::kWord, "an unknown matcher");
  HR_IMAGE_REQUIRE(route.term_count <= (aggregated ? kTermsMax : 64u), "%u terms",
                   route.term_count);
  // Each group holds 64 words of 64 terms; the step walks exactly this many.
  const uint32_t group_terms = kGroupBits * 64;
  const uint32_t group_count = (route.term_count + group_terms - 1) / group_terms;
  HR_IMAGE_REQUIRE(route.group_count == (aggregated ? group_count : 0u), "%u groups",
                   route.group_count);
  HR_IMAGE_REQUIRE(route.field_count <= kMatchFieldsMax && (!aggregated || route.field_count >= 1),
                   "a matcher over %u fields", route.field_count);
  HR_TRY(verify_run(route.terms, route.term_count, tables_.terms.count, "terms"));
  for (uint32_t index = 0; index < route.term_count; ++index) {
    const TermRecord& term = tables_.terms[route.terms + index];
    HR_IMAGE_REQUIRE(term.rule < route.rule_count, "a term of rule %u of %u", term.rule,
                     route.rule_count);
    if (term.instruction_count == 0) continue;
    HR_TRY(verify_program(term.instructions, term.instruction_count, route.message_bytes));
  }
  HR_TRY(verify_run(route.fields, route.field_count, tables_.match_fields.count, "match fields"));
  for (uint32_t index = 0; index < route.field_count; ++index) {
    HR_TRY(verify_match_field(tables_.match_fields[route.fields + index], route));
  }
  return Status::success();
}

Status ImageVerifier::verify_match_field(const MatchFieldRecord& field, const RouteRecord& route) {
  HR_IMAGE_REQUIRE(field_fits(field.load, field.offset, route.message_bytes),
                   "a match field lies outside its message");
  const uint64_t class_count = static_cast<uint64_t>(field.bound_count) + 1;
  if (field.kind == ClassMapKind::kDirect) {
    HR_TRY(verify_run(field.table, 256, tables_.slots.count, "class slots"));
    for (uint32_t value = 0; value < 256; ++value) {
      HR_IMAGE_REQUIRE(tables_.slots[field.table + value] < class_count,
                       "a value of class %u of %llu", tables_.slots[field.table + value],
                       static_cast<unsigned long long>(class_count));
    }
  } else {
    HR_IMAGE_REQUIRE(field.kind == ClassMapKind::kSearch, "an unknown kind of class map");
    HR_TRY(verify_keys(field.table, field.bound_count, field.steps));
  }
  if (route.matcher == MatcherKind::kWord) {
    HR_TRY(verify_run(field.rows, class_count, tables_.words.count, "rows"));
    return verify_word_rows(field, route);
  }
  HR_TRY(verify_run(field.rows, class_count * route.group_count, tables_.groups.count, "groups"));
  return verify_group_rows(field, route);
}

Status ImageVerifier::verify_word_rows(const MatchFieldRecord& field,
                                       const RouteRecord& route) const {
  const uint64_t mask = term_mask(route.term_count, 0);
  for (uint64_t row = 0; row <= field.bound_count; ++row) {
    const uint64_t word = tables_.words[field.rows + static_cast<uint32_t>(row)];
    HR_IMAGE_REQUIRE((word & ~mask) == 0, "a row names a term that does not exist");
  }
  return Status::success();
}

Status ImageVerifier::verify_group_rows(const MatchFieldRecord& field, const RouteRecord& route) {
  for (uint64_t row = 0; row <= field.bound_count; ++row) {
    for (uint32_t index = 0; index < route.group_count; ++index) {
      const uint64_t position = field.rows + row * route.group_count + index;
      const GroupRecord& group = tables_.groups[static_cast<uint32_t>(position)];
      HR_TRY(verify_run(group.words, static_cast<uint64_t>(std::popcount(group.summary)),
                        tables_.words.count, "packed words"));
      uint32_t packed = group.words;
      for (uint64_t rest = group.summary; rest != 0; rest &= rest - 1) {
        const uint32_t bit = static_cast<uint32_t>(std::countr_zero(rest));
        const uint64_t mask = term_mask(route.term_count, index * kGroupBits + bit);
        HR_IMAGE_REQUIRE((tables_.words[packed++] & ~mask) == 0,
                         "a packed row names a term that does not exist");
      }
    }
  }
  return Status::success();
}

}  // namespace hyperroute
