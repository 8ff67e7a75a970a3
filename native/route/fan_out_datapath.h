// Decisions for several destinations: routes of which every rule counts, and taps.
//
// Thread: the worker that owns the source. Data path: in place of the single pick, for the
// messages that need it.
#pragma once

#include <cstdint>

#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// The decision when something went wrong: where and why, nothing about a destination.
inline Decision rejection(uint32_t code, uint16_t route, uint32_t rule) noexcept {
  Decision decision{};
  decision.outcome = Outcome::kReject;
  decision.route = route;
  decision.rule = rule;
  decision.reject_code = code;
  return decision;
}

// One action that does more than send one message: taps, or a pool of which every member gets it.
[[nodiscard]] Decision follow_extra(const RouteImage& image, StepState& state,
                                    const StepMessage& message, const ActionRecord& action,
                                    uint16_t route, uint32_t rule);

// Every rule of the route that holds, in order.
[[nodiscard]] Decision decide_all(const RouteImage& image, StepState& state,
                                  const StepMessage& message, uint16_t route);

}  // namespace hyperroute
