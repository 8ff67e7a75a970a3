// Decisions for several destinations.
// Thread: the worker that owns the source. Data path: between the match and the claims. What
// cannot be sent on best effort is left out here; anything else that cannot rejects the message.
#include "route/fan_out_datapath.h"

#include "base/assert.h"
#include "route/correlate_datapath.h"
#include "route/match_all_datapath.h"
#include "route/pick_datapath.h"

namespace hyperroute {
namespace {

// Collects the deliveries of one message.
class Collector {
 public:
  Collector(const RouteImage& image, StepState& state, const StepMessage& message,
            uint16_t route) noexcept
      : image_(image), tables_(image.tables()), state_(state), message_(message), decision_{} {
    decision_.outcome = Outcome::kDiscard;
    decision_.route = route;
    decision_.rule = kNoRule;
  }

  // A rule that holds: what it remembers, where it sends, then its taps. Returns 0 or the reject
  // code.
  uint32_t add_rule(const ActionRecord& action, uint32_t rule) {
    if (decision_.rule == kNoRule) decision_.rule = rule;
    const ExtraRecord* const extra =
        action.extra == kNoIndex ? nullptr : &tables_.extras[action.extra];
    uint32_t code = extra == nullptr ? 0 : correlate(*extra);
    if (code == 0) code = add(action, rule, false);
    if (code != 0) {
      decision_.rule = rule;
      return code;
    }
    if (extra != nullptr) add_taps(*extra, rule);
    return 0;
  }

  [[nodiscard]] const Decision& decision() const noexcept { return decision_; }

 private:
  Delivery& next() noexcept {
    HR_DASSERT(decision_.delivery_count < kDeliveriesMax);
    const uint32_t index = decision_.delivery_count;
    return index == 0 ? decision_.first : state_.fan_out->more[index - 1];
  }

  // Before the rule's delivery is added: it is the one that an entry waits for.
  uint32_t correlate(const ExtraRecord& extra) noexcept {
    if (extra.closes != 0) decision_.correlates |= kClosesEntry;
    if (extra.opening == kNoIndex) return 0;
    decision_.correlates |= kOpensEntry;
    state_.correlating->opening_delivery = decision_.delivery_count;
    return reserve_entry(image_, state_, message_, extra.opening);
  }

  uint32_t add(const ActionRecord& action, uint32_t rule, bool is_tap) {
    if (action.kind == ActionKind::kDiscard) return 0;
    Delivery& delivery = next();
    uint32_t code = begin_delivery(tables_, message_, action, rule, delivery);
    if (action.kind > ActionKind::kBroadcast) {
      delivery.target = TargetKind::kCorrelated;
      delivery.return_address = found_address(state_, action.kind == ActionKind::kCorrelatedSource);
    } else if (code == 0) {
      code = pick_target(tables_, state_, message_, action, delivery);
    }
    delivery.best_effort |= is_tap;
    if (code == 0 && action.kind == ActionKind::kBroadcast) return add_members(action, delivery);
    return code == 0 ? keep() : refuse(delivery, code);
  }

  // The delivery that next() gave is complete.
  uint32_t keep() noexcept {
    decision_.outcome = Outcome::kDeliver;
    ++decision_.delivery_count;
    return 0;
  }

  uint32_t refuse(const Delivery& delivery, uint32_t code) noexcept {
    if (!delivery.best_effort) return code;
    ++decision_.skipped_count;
    return 0;
  }

  // A copy of the delivery for every member that can be used, the others are left out; or for who
  // stands in for them; or, in a panic that does not reject, for all.
  uint32_t add_members(const ActionRecord& action, const Delivery& sample) {
    const Delivery made = sample;
    const PoolRecord& pool = tables_.pools[action.target];
    const bool best_effort = made.best_effort || pool.option != 0;
    const auto send_to = [&](uint32_t number) {
      Delivery& delivery = next();
      delivery = made;
      delivery.best_effort = best_effort;
      delivery.endpoint = tables_.pool_members[pool.members + number].endpoint;
      return keep();
    };
    const auto is_usable = [&](uint32_t number) {
      return alive_byte(state_, tables_.pool_members[pool.members + number].endpoint) != kDead;
    };
    const uint32_t count_before = decision_.delivery_count;
    for (uint32_t number = 0; number < pool.member_count; ++number) {
      if (is_usable(number)) (void)send_to(number);
    }
    if (const uint32_t count = decision_.delivery_count - count_before; count > 0) {
      decision_.skipped_count =
          static_cast<uint8_t>(decision_.skipped_count + pool.member_count - count);
      return 0;
    }
    for (uint32_t backup = 0; backup < pool.backup_count; ++backup) {
      if (is_usable(pool.member_count + backup)) return send_to(pool.member_count + backup);
    }
    if (pool.panic == PoolPanic::kReject) return refuse(made, code_of(RejectCode::kNoDestination));
    for (uint32_t number = 0; number < pool.member_count; ++number) (void)send_to(number);
    return 0;
  }

  void add_taps(const ExtraRecord& extra, uint32_t rule) {
    for (uint32_t index = 0; index < extra.tap_count; ++index) {
      const uint32_t tap = extra.taps + index;
      state_.fan_out->taps[decision_.tap_count++] = tap;
      if (state_.tap_counts[tap] == 0) {
        // On best effort, so it never rejects.
        (void)add(tables_.actions[tables_.taps[tap].action], rule, true);
      }
    }
  }

  const RouteImage& image_;
  const ImageTables& tables_;
  StepState& state_;
  const StepMessage& message_;
  Decision decision_;
};

}  // namespace

Decision follow_extra(const RouteImage& image, StepState& state, const StepMessage& message,
                      const ActionRecord& action, uint16_t route, uint32_t rule) {
  Collector collector(image, state, message, route);
  const uint32_t code = collector.add_rule(action, rule);
  return code == 0 ? collector.decision() : rejection(code, route, rule);
}

Decision decide_all(const RouteImage& image, StepState& state, const StepMessage& message,
                    uint16_t route_index) {
  const ImageTables& tables = image.tables();
  const RoutePlan& route = image.plan().route(route_index);
  Collector collector(image, state, message, route_index);
  uint32_t failed_rule = kNoRule;
  const uint32_t code = match_every(tables, route, message, [&](uint32_t rule) {
    const uint32_t rule_code = collector.add_rule(tables.actions[route.actions[rule]], rule);
    if (rule_code != 0) failed_rule = rule;
    return rule_code;
  });
  return code == 0 ? collector.decision() : rejection(code, route_index, failed_rule);
}

void settle(const RouteImage& image, StepState& state, const Decision& decision) {
  const ImageTables& tables = image.tables();
  for (uint32_t index = 0; index < decision.tap_count; ++index) {
    const uint32_t tap = state.fan_out->taps[index];
    uint32_t& count = state.tap_counts[tap];
    count = count == 0 ? tables.taps[tap].every - 1 : count - 1;
  }
}

}  // namespace hyperroute
