// Verification of a route image: checks and actions of each route.
// Thread: control thread, before the image is installed. Not on the data path.
#include <algorithm>

#include "route/image_verify.h"
#include "route/set_datapath.h"

namespace hyperroute {
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
    const CheckRecord& record = tables_.checks[route.checks + check];
    HR_IMAGE_REQUIRE(record.kind != CheckKind::kLookup || check + 1u == route.check_count,
                     "route %u: a lookup before a check", index);
    HR_TRY(verify_check(record, route));
  }
  HR_IMAGE_REQUIRE(route.rule_count <= kRulesMax, "route %u: %u rules", index, route.rule_count);
  HR_TRY(verify_run(route.actions, route.rule_count, tables_.slots.count, "rules"));
  uint64_t delivery_count = 0;
  uint32_t opening_count = 0;
  for (uint32_t rule = 0; rule < route.rule_count; ++rule) {
    const uint16_t number = tables_.slots[route.actions + rule];
    HR_IMAGE_REQUIRE(number < tables_.actions.count, "no action %u", number);
    const ActionRecord& action = tables_.actions[number];
    HR_TRY(verify_rule_action(action, route));
    if (opens(action)) ++opening_count;
    const uint64_t copies = deliveries_of(action);
    delivery_count =
        route.mode == RouteMode::kAll ? delivery_count + copies : std::max(delivery_count, copies);
  }
  HR_IMAGE_REQUIRE(delivery_count <= kDeliveriesMax, "route %u: up to %llu copies of a message",
                   index, static_cast<unsigned long long>(delivery_count));
  HR_IMAGE_REQUIRE(route.mode == RouteMode::kFirst || opening_count <= 1,
                   "route %u: %u openings for a message", index, opening_count);
  HR_TRY(verify_reject(route, index));
  HR_IMAGE_REQUIRE(route.otherwise == kNoRule || route.otherwise < route.rule_count,
                   "route %u: otherwise rule %u", index, route.otherwise);
  HR_IMAGE_REQUIRE(route.matcher_count <= kMatchersMax, "route %u: %u matchers", index,
                   route.matcher_count);
  HR_TRY(verify_run(route.matchers, route.matcher_count, tables_.matchers.count, "matchers"));
  HR_TRY(verify_mode(route, index));
  for (uint32_t matcher = 0; matcher < route.matcher_count; ++matcher) {
    HR_TRY(verify_matcher(tables_.matchers[route.matchers + matcher], route));
  }
  return Status::success();
}

Status ImageVerifier::verify_reject(const RouteRecord& route, uint32_t index) {
  if (route.reject == kNoRecord) return Status::success();
  HR_TRY(verify_run(route.reject, 1, tables_.actions.count, "reject action"));
  const ActionRecord& action = tables_.actions[route.reject];
  // The lookup may be what failed.
  HR_TRY(verify_action(action, route, {}));
  HR_IMAGE_REQUIRE(action.extra == kNoIndex && deliveries_of(action) <= kDeliveriesMax,
                   "route %u: a notice that is no single message", index);
  return Status::success();
}

// Rows alone can name more than the first rule that holds, and only where all are in one place.
Status ImageVerifier::verify_mode(const RouteRecord& route, uint32_t index) const {
  HR_IMAGE_REQUIRE(route.mode <= RouteMode::kAll && route.reserved == 0 && route.reserved_end == 0,
                   "route %u: an unknown mode", index);
  if (route.mode == RouteMode::kFirst) return Status::success();
  HR_IMAGE_REQUIRE(route.otherwise == kNoRule && route.matcher_count <= 1,
                   "route %u: %u matchers of all rules", index, route.matcher_count);
  if (route.matcher_count == 0) return Status::success();
  const MatcherKind kind = tables_.matchers[route.matchers].kind;
  HR_IMAGE_REQUIRE(kind == MatcherKind::kWord || kind == MatcherKind::kAggregated,
                   "route %u: a matcher that names one rule", index);
  return Status::success();
}

// What a rule does, all of it.
Status ImageVerifier::verify_rule_action(const ActionRecord& action, const RouteRecord& route) {
  Correlated known{.found = found_by(route)};
  if (action.extra == kNoIndex) return verify_action(action, route, known);
  HR_IMAGE_REQUIRE(action.extra < tables_.extras.count, "no extra %u", action.extra);
  const ExtraRecord& extra = tables_.extras[action.extra];
  if (extra.opening != kNoIndex) {
    HR_TRY(verify_opening(action, extra, route));
    known.opened = tables_.openings[extra.opening].correlation;
  }
  HR_TRY(verify_action(action, route, known));
  return verify_extra(extra, route, known);
}

// What a rule does besides sending the message.
Status ImageVerifier::verify_extra(const ExtraRecord& extra, const RouteRecord& route,
                                   const Correlated& known) {
  HR_IMAGE_REQUIRE(extra.closes <= (known.found == kNoIndex ? 0 : 1) && extra.reserved[0] == 0 &&
                       extra.reserved[1] == 0 && extra.reserved[2] == 0,
                   "a rule that closes what no lookup has found");
  HR_TRY(verify_run(extra.taps, extra.tap_count, tables_.taps.count, "taps"));
  for (uint32_t index = 0; index < extra.tap_count; ++index) {
    const TapRecord& tap = tables_.taps[extra.taps + index];
    HR_IMAGE_REQUIRE(tap.every >= 1, "a tap of no message");
    HR_TRY(verify_run(tap.action, 1, tables_.actions.count, "the action of a tap"));
    const ActionRecord& copy = tables_.actions[tap.action];
    HR_IMAGE_REQUIRE(copy.extra == kNoIndex, "a tap with taps");
    HR_TRY(verify_action(copy, route, known));
  }
  return Status::success();
}

// The most copies of a message that an action sends, its taps included.
uint64_t ImageVerifier::deliveries_of(const ActionRecord& action) const {
  uint64_t count =
      action.kind == ActionKind::kBroadcast ? tables_.pools[action.target].member_count : 1;
  if (action.extra == kNoIndex) return count;
  const ExtraRecord& extra = tables_.extras[action.extra];
  for (uint32_t index = 0; index < extra.tap_count; ++index) {
    count += deliveries_of(tables_.actions[tables_.taps[extra.taps + index].action]);
  }
  return count;
}

// Who may be reached is asked about the message that leaves.
Status ImageVerifier::verify_carriers_of(const ActionRecord& action,
                                         const RouteRecord& route) const {
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

Status ImageVerifier::verify_action(const ActionRecord& action, const RouteRecord& route,
                                    const Correlated& known) {
  switch (action.kind) {
    case ActionKind::kEndpoint:
      HR_IMAGE_REQUIRE(action.target < tables_.endpoints.count, "no endpoint %u", action.target);
      break;
    case ActionKind::kPool:
    case ActionKind::kBroadcast:
      HR_IMAGE_REQUIRE(action.target < tables_.pools.count, "no pool %u", action.target);
      HR_IMAGE_REQUIRE((action.kind == ActionKind::kBroadcast) ==
                           (tables_.pools[action.target].kind == PoolKind::kBroadcast),
                       "pool %u is picked from as if it were of another kind", action.target);
      break;
    case ActionKind::kReturnField:
      HR_IMAGE_REQUIRE(field_fits(action.load, action.target, route.message_bytes),
                       "a return address lies outside its message");
      HR_TRY(verify_carriers_of(action, route));
      break;
    case ActionKind::kCorrelatedSource:
    case ActionKind::kCorrelatedDestination:
      HR_TRY(verify_carriers_of(action, route));
      break;
    case ActionKind::kReturnSource:
    case ActionKind::kDiscard:
      break;
    default:
      HR_IMAGE_REQUIRE(false, "an unknown kind of action");
  }
  HR_IMAGE_REQUIRE(action.priority <= kPriorityMax && action.flags <= kActionBestEffort,
                   "an action of priority %u with flags %u", action.priority, action.flags);
  const bool is_addressed =
      action.kind == ActionKind::kReturnField || action.kind > ActionKind::kBroadcast;
  HR_IMAGE_REQUIRE(is_addressed || action.carriers == kNoIndex,
                   "carriers without a return address");
  HR_TRY(verify_key(action, route));
  if (action.transform == kNoIndex) {
    HR_IMAGE_REQUIRE(action.output_bytes == 0, "an output size without a transform");
    return verify_needs(action, known);
  }
  HR_IMAGE_REQUIRE(action.transform < tables_.transforms.count, "no transform %u",
                   action.transform);
  const TransformRecord& transform = tables_.transforms[action.transform];
  HR_IMAGE_REQUIRE(transform.output_schema != kNoIndex, "an action with an entry's transform");
  HR_IMAGE_REQUIRE(transform.source_bytes == route.message_bytes &&
                       transform.source_view == route.view &&
                       transform.output_bytes == action.output_bytes,
                   "transform %u is for another message type", action.transform);
  return verify_needs(action, known);
}

Status ImageVerifier::verify_check(const CheckRecord& check, const RouteRecord& route) {
  if (check.kind == CheckKind::kPlugin) {
    return verify_plugin_use(check.table, PluginKind::kValidate, route.message_bytes);
  }
  if (check.kind == CheckKind::kLookup) return verify_lookup(check.table, route);
  HR_TRY(verify_code(check.code));
  if (check.kind == CheckKind::kProgram) {
    return verify_program(check.table, check.count, route);
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
  if (check.kind == CheckKind::kSet) {
    HR_IMAGE_REQUIRE(check.steps >= 1 && check.steps <= kSetBitsMax, "a set of 2^%u slots",
                     check.steps);
    HR_IMAGE_REQUIRE(check.count < 1u << check.steps, "%u slots to the side", check.count);
    return verify_run(check.table, 1 + (1ull << check.steps), tables_.words.count, "set");
  }
  HR_IMAGE_REQUIRE(check.kind == CheckKind::kRange, "an unknown kind of check");
  return verify_limits(check.table);
}

}  // namespace hyperroute
