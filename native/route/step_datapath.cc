// The router step: frame check → schema → validate → lookup → match → pick.
//
// Thread: the worker that owns the source. Data path: once for each message. Reads the image and
// the message, writes nothing but the worker's own state and scratch. The functions stand in the
// order in which a message meets them; decide() at the end joins them.
#include "route/correlate_datapath.h"
#include "route/fan_out_datapath.h"
#include "route/match_datapath.h"
#include "route/pick_datapath.h"
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
  if (family.kind == FamilyKind::kDirect) {
    if (key > 255) return code_of(RejectCode::kUnknownType);
    slot = tables.slots[family.slots + static_cast<uint32_t>(key)];
    return slot == kNoIndex ? code_of(RejectCode::kUnknownType) : 0;
  }
  const uint64_t* const keys = tables.bounds.from(family.keys);
  const uint32_t above = count_not_above(keys, family.member_count, family.steps, key);
  if (above == 0 || keys[above - 1] != key) return code_of(RejectCode::kUnknownType);
  slot = tables.slots[family.slots + above - 1];
  return 0;
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

// Returns 0 and the route that serves the message, or the reject code.
uint32_t find_route(const ImageTables& tables, StepState& state, StepMessage& message,
                    uint16_t& route) {
  const EndpointRecord& endpoint = tables.endpoints[message.source];
  const FamilyRecord& family = tables.families[endpoint.family];
  uint32_t slot;
  if (const uint32_t code = recognise(tables, family, message, slot); code != 0) return code;
  if (family.kind != FamilyKind::kRaw) {
    const MemberRecord& member = tables.members[family.members + slot];
    const uint32_t code = check_frame(tables, member, state, message);
    if (code != 0) return code;
  }
  route = tables.endpoint_routes[endpoint.routes + slot];
  return route == kNoIndex ? code_of(RejectCode::kNoRoute) : 0;
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

// Plug-ins, and the lookup of a route that needs what an earlier message has left.
[[gnu::noinline]] uint32_t run_rare_check(const ImageTables& tables, const StepState& state,
                                          const CheckRecord& check, const StepMessage& message) {
  return check.kind == CheckKind::kPlugin ? plugin_check(tables, check.table, message.view)
                                          : look_up(tables, state, message, check.table);
}

// Returns 0 when every check holds, else the code of the first that does not. The lookup, if the
// route has one, is the last of them.
uint32_t run_checks(const ImageTables& tables, const StepState& state, const RouteRecord& route,
                    const StepMessage& message) {
  const CheckRecord* const checks = tables.checks.from(route.checks);
  for (uint32_t index = 0; index < route.check_count; ++index) {
    const CheckRecord& check = checks[index];
    if (check.kind == CheckKind::kRange) [[likely]] {
      const uint64_t* const limits = tables.bounds.from(check.table);
      const uint64_t key = load_field_key(message.view + check.offset, check.load);
      if (key - limits[0] > limits[1]) return check.code;
      continue;
    }
    if (check.kind >= CheckKind::kPlugin) [[unlikely]] {
      if (const uint32_t code = run_rare_check(tables, state, check, message); code != 0)
        return code;
      continue;
    }
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
Decision follow(const ImageTables& tables, StepState& state, const StepMessage& message,
                const ActionRecord& action, uint16_t route, uint32_t rule) {
  if (action.extra != kNoIndex || action.kind >= ActionKind::kBroadcast) [[unlikely]]
    return follow_extra(tables, state, message, action, route, rule);
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
  const uint32_t code = pick(tables, state, message, action, rule, decision.first);
  return code == 0 ? decision : rejection(code, route, rule);
}

}  // namespace

Decision decide(const RouteImage& image, StepState& state, StepMessage& message) {
  const ImageTables& tables = image.tables();
  message.view = message.data;
  uint16_t route_index = kNoIndex;
  if (const uint32_t code = find_route(tables, state, message, route_index); code != 0) {
    return rejection(code, route_index, kNoRule);
  }
  const RouteRecord& route = tables.routes[route_index];
  if (const uint32_t code = run_checks(tables, state, route, message); code != 0) {
    return rejection(code, route_index, kNoRule);
  }
  if (route.mode == RouteMode::kAll) [[unlikely]]
    return decide_all(tables, state, message, route_index);
  uint32_t rule;
  if (const uint32_t code = match_rule(tables, route, message, rule); code != 0) {
    return rejection(code, route_index, kNoRule);
  }
  const ActionRecord& action = tables.actions[tables.slots[route.actions + rule]];
  return follow(tables, state, message, action, route_index, rule);
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
  const Decision result = follow(tables, state, message, action, decision.route, decision.rule);
  return result.outcome == Outcome::kReject ? nowhere : result;
}

}  // namespace hyperroute
