// The router step: frame check → schema → validate → lookup → match → pick.
//
// Thread: the worker that owns the source. Data path: once for each message. Reads the image and
// the message, writes nothing but the worker's own state and scratch. The functions stand in the
// order in which a message meets them; decide() at the end joins them.
#include "route/correlate_datapath.h"
#include "route/fan_out_datapath.h"
#include "route/match_datapath.h"
#include "route/pick_datapath.h"
#include "route/plan_datapath.h"
#include "route/set_datapath.h"
#include "route/step.h"
#include "route/view_datapath.h"

namespace hyperroute {
namespace {

// Which member of the family the message is. Returns 0 and the slot, or the reject code.
uint32_t recognise(const ImageTables& tables, const FamilyRecord& family,
                   const StepMessage& message, uint32_t& slot) {
  slot = 0;
  if (family.kind <= FamilyKind::kSingle) return 0;
  if (message.bytes < family.message_bytes_min) return code_of(RejectCode::kMalformed);
  const uint64_t key = load_field_key(message.data + family.offset, family.load);
  slot = member_of(tables, family, key);
  return slot == kNoIndex ? code_of(RejectCode::kUnknownType) : 0;
}

// After this returned 0, every field of the schema lies within the message's view.
uint32_t check_frame(const ImageTables& tables, const MemberRecord& member, StepState& state,
                     StepMessage& message) {
  if (member.view != kNoRecord) [[unlikely]]
    return make_view(tables, member, state, message);
  if (message.bytes != member.message_bytes) return code_of(RejectCode::kMalformed);
  if (member.has_size != 0 &&
      load_field(message.data + member.size_offset, member.size_load) != message.bytes) {
    return code_of(RejectCode::kMalformed);
  }
  return 0;
}

// As find_route, for messages that no plan tells.
[[gnu::noinline]] uint32_t find_route_by_records(const RouteImage& image, StepState& state,
                                                 StepMessage& message, const RoutePlan*& route) {
  const SourcePlan& source = image.plan().source(message.source);
  if (const HeaderPlan* const header = find_header_by_member(image.tables(), source, message);
      header != nullptr) {
    route = header->route;
    return route == nullptr ? code_of(RejectCode::kNoRoute) : 0;
  }
  const ImageTables& tables = image.tables();
  const FamilyRecord& family = *source.family;
  uint32_t slot;
  if (const uint32_t code = recognise(tables, family, message, slot); code != 0) return code;
  if (family.kind != FamilyKind::kRaw) {
    const MemberRecord& member = tables.members[family.members + slot];
    const uint32_t code = check_frame(tables, member, state, message);
    if (code != 0) return code;
  }
  if (source.routes[slot] == kNoIndex) return code_of(RejectCode::kNoRoute);
  route = &image.plan().route(source.routes[slot]);
  return 0;
}

// Returns 0 and the route that serves the message, or the reject code.
[[gnu::always_inline]] inline uint32_t find_route(const RouteImage& image, StepState& state,
                                                  StepMessage& message, const RoutePlan*& route) {
  message.view = message.data;
  const HeaderPlan* const header = find_header(image.plan().source(message.source), message);
  if (header == nullptr) [[unlikely]]
    return find_route_by_records(image, state, message, route);
  route = header->route;
  return route == nullptr ? code_of(RejectCode::kNoRoute) : 0;
}

// The loader has shown that the result fits 128 bits, so no step looks for an overflow.
bool pair_holds(const ImageTables& tables, const CheckRecord& check, const uint8_t* message) {
  const Wide left = load_wide(message + check.offset, check.load);
  const Wide right = load_wide(message + check.second_offset, check.second_load);
  Wide value;
  if (check.operation == Opcode::kMul) {
    value = left * right;
  } else {
    value = check.operation == Opcode::kAdd ? left + right : left - right;
  }
  return value >= wide_of(tables.wides[check.table]) &&
         value <= wide_of(tables.wides[check.table + 1]);
}

// Of one field, but for ranges, or of a pair of them.
bool holds(const ImageTables& tables, const CheckRecord& check, const uint8_t* message) {
  if (check.kind == CheckKind::kPair) return pair_holds(tables, check, message);
  const uint64_t key = load_field_key(message + check.offset, check.load);
  if (check.kind == CheckKind::kSet) {
    return is_in_set(tables.words.from(check.table), check.steps, check.count, key);
  }
  // Bounds open and close intervals in turn: inside one, an odd number has been passed.
  return (count_not_above(tables.bounds.from(check.table), check.count, check.steps, key) & 1) != 0;
}

// Returns 0 when every check holds, else the code of the first that does not. The lookup, if the
// route has one, is the last of them, and not made here.
[[gnu::noinline]] uint32_t run_checks(const ImageTables& tables, const Run<CheckRecord>& checks,
                                      const StepMessage& message) {
  for (const CheckRecord& check : checks) {
    if (check.kind == CheckKind::kRange) {
      const uint64_t* const limits = tables.bounds.from(check.table);
      const uint64_t key = load_field_key(message.view + check.offset, check.load);
      if (key - limits[0] > limits[1]) return check.code;
      continue;
    }
    if (check.kind == CheckKind::kPlugin) {
      const uint32_t code = plugin_check(tables, check.table, message.view);
      if (code != 0) return code;
      continue;
    }
    if (check.kind == CheckKind::kLookup) return 0;
    if (check.kind != CheckKind::kProgram) {
      if (!holds(tables, check, message.view)) return check.code;
      continue;
    }
    const Truth truth = run_program(tables, check.table, check.count, message);
    if (truth == Truth::kOverflow) return code_of(RejectCode::kOutOfRange);
    if (truth == Truth::kFalse) return check.code;
  }
  return 0;
}

// The decision for one action.
Decision follow(const RouteImage& image, StepState& state, const StepMessage& message,
                const ActionRecord& action, uint16_t route, uint32_t rule) {
  if (action.extra != kNoIndex || action.kind >= ActionKind::kBroadcast) [[unlikely]]
    return follow_extra(image, state, message, action, route, rule);
  Decision decision;
  decision.outcome = Outcome::kDeliver;
  decision.delivery_count = 1;
  decision.skipped_count = 0;
  decision.tap_count = 0;
  decision.is_single = true;
  decision.correlates = 0;
  decision.route = route;
  decision.rule = rule;
  decision.reject_code = 0;
  if (action.kind == ActionKind::kDiscard) [[unlikely]] {
    decision.outcome = Outcome::kDiscard;
    decision.delivery_count = 0;
    return decision;
  }
  const uint32_t code = pick(image.tables(), state, message, action, rule, decision.first);
  return code == 0 ? decision : rejection(code, route, rule);
}

// What few messages come to.
[[gnu::noinline, gnu::cold]] void reject_into(uint32_t code, uint16_t route, uint32_t rule,
                                              Decision& decision) {
  decision = rejection(code, route, rule);
}

[[gnu::noinline]] void decide_all_into(const RouteImage& image, StepState& state,
                                       const StepMessage& message, uint16_t route,
                                       Decision& decision) {
  decision = decide_all(image, state, message, route);
}

[[gnu::noinline]] void follow_into(const RouteImage& image, StepState& state,
                                   const StepMessage& message, const ActionRecord& action,
                                   uint16_t route, uint32_t rule, Decision& decision) {
  decision = follow(image, state, message, action, route, rule);
}

// Which of the checks does not hold that were asked in any order.
[[gnu::noinline, gnu::cold]] uint32_t find_failed(const ImageTables& tables, const RoutePlan& route,
                                                  const StepMessage& message) {
  const RouteRecord& record = *route.record;
  const CheckRecord* const checks = tables.checks.from(record.checks);
  const uint32_t code = run_checks(tables, {checks, checks + record.check_count}, message);
  // Of bytes that have changed since.
  return code == 0 ? code_of(RejectCode::kMalformed) : code;
}

// Returns 0 or the code of the first check that does not hold.
[[gnu::always_inline]] inline uint32_t check_all(const RouteImage& image, const StepState& state,
                                                 const RoutePlan& route,
                                                 const StepMessage& message) {
  if (!passes(route, message.view)) [[unlikely]]
    return find_failed(image.tables(), route, message);
  if (!route.rest.empty()) [[unlikely]] {
    const uint32_t code = run_checks(image.tables(), route.rest, message);
    if (code != 0) return code;
  }
  return route.lookup == nullptr ? 0 : look_up(image, state, message, *route.lookup);
}

// Fills in what of an action's decision depends on the message. Returns 0, or the reject code.
[[gnu::always_inline]] inline uint32_t complete(const RouteImage& image, StepState& state,
                                                const StepMessage& message, const RoutePlan& route,
                                                uint64_t key_hash, const ActionPlan& action,
                                                Delivery& delivery) {
  if (!action.is_plain) {
    if (action.keeps_size) delivery.output_bytes = message.bytes;
    // Near when the message has been sent.
    if (action.closes) state.correlating->found_in->prefetch_close(state.correlating->found);
    if (action.opening != kNoIndex) {
      state.correlating->opening_delivery = 0;
      const uint32_t code = reserve_entry(image, state, message, action.opening);
      if (code != 0) [[unlikely]]
        return code;
    }
  }
  if (action.pick == PickPlanKind::kRanked) {
    const uint64_t hash =
        action.key == route.key ? key_hash : hash_number(load_planned(message.view, action.field));
    const uint8_t first = action.slots[low_share(hash, action.slot_count)];
    delivery.endpoint = action.members[first].endpoint;
    if (alive_byte(state, delivery.endpoint) == kAlive) [[likely]]
      return 0;
  }
  switch (action.pick) {
    case PickPlanKind::kAddress:
      delivery.return_address = load_planned(message.view, action.field);
      return 0;
    case PickPlanKind::kCorrelated:
      delivery.return_address = found_address(state, action.to_source);
      return 0;
    case PickPlanKind::kDone:
    case PickPlanKind::kOther:
      return 0;
    case PickPlanKind::kRanked:
    case PickPlanKind::kPool:
      break;
  }
  const ActionRecord& record = *action.record;
  return pick_member(image.tables(), state, message, record.target, record.key, delivery.endpoint);
}

// Written where its reader will find it: a decision that is copied is read before it has arrived.
[[gnu::always_inline]] inline void decide_into(const RouteImage& image, StepState& state,
                                               StepMessage& message, Decision& decision) {
  const ImageTables& tables = image.tables();
  const RoutePlan* found = nullptr;
  uint32_t code = find_route(image, state, message, found);
  if (code != 0) [[unlikely]]
    return reject_into(code, kNoIndex, kNoRule, decision);
  const RoutePlan& route = *found;
  const uint16_t route_index = route.number;
  const uint64_t key_hash =
      route.key == kNoRecord ? 0 : hash_number(load_planned(message.view, route.key_field));
  code = check_all(image, state, route, message);
  if (code != 0) [[unlikely]]
    return reject_into(code, route_index, kNoRule, decision);
  if (route.mode == RouteMode::kAll) [[unlikely]]
    return decide_all_into(image, state, message, route_index, decision);
  uint32_t rule;
  code = match_rule(tables, route, message, rule);
  if (code != 0) [[unlikely]]
    return reject_into(code, route_index, kNoRule, decision);
  const ActionPlan& action = image.plan().action(route.actions[rule]);
  if (action.pick == PickPlanKind::kOther) [[unlikely]]
    return follow_into(image, state, message, *action.record, route_index, rule, decision);
  decision = action.decision;
  decision.route = route_index;
  decision.rule = rule;
  decision.first.rule = rule;
  code = complete(image, state, message, route, key_hash, action, decision.first);
  if (code != 0) [[unlikely]]
    reject_into(code, route_index, rule, decision);
}

}  // namespace

Decision decide(const RouteImage& image, StepState& state, StepMessage& message) {
  Decision decision;
  decide_into(image, state, message, decision);
  return decision;
}

Decision decide_reject(const RouteImage& image, StepState& state, const StepMessage& message,
                       const Decision& decision) {
  const ImageTables& tables = image.tables();
  Decision nowhere = rejection(0, decision.route, decision.rule);
  nowhere.outcome = Outcome::kDiscard;
  if (decision.route == kNoIndex) return nowhere;
  const RouteRecord& route = tables.routes[decision.route];
  if (route.reject == kNoRecord) return nowhere;
  const ActionRecord& action = tables.actions[route.reject];
  const Decision result = follow(image, state, message, action, decision.route, decision.rule);
  return result.outcome == Outcome::kReject ? nowhere : result;
}

}  // namespace hyperroute
