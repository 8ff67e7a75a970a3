// Where an action sends a message: the destination, and the bytes to claim there.
//
// Thread: the worker that owns the source. Data path: between the match and the claim.
#pragma once

#include <cstdint>

#include "codec/field_datapath.h"
#include "include/hyperroute/codes.h"
#include "route/image.h"
#include "route/pool_datapath.h"
#include "route/step.h"
#include "route/variables_datapath.h"

namespace hyperroute {

constexpr uint32_t code_of(RejectCode code) noexcept { return static_cast<uint32_t>(code); }

// The bytes that leave. Returns 0 or the reject code.
inline uint32_t measure(const ImageTables& tables, const StepMessage& message,
                        const ActionRecord& action, Delivery& delivery) {
  delivery.transform = action.transform;
  if (action.transform == kNoIndex) {
    delivery.output_bytes = message.bytes;
    return 0;
  }
  const TransformRecord& transform = tables.transforms[action.transform];
  delivery.output_bytes = action.output_bytes;
  if (transform.variable_count == 0) [[likely]]
    return 0;
  delivery.output_bytes = measure_output(tables, transform, message);
  return delivery.output_bytes == 0 ? code_of(RejectCode::kOutOfRange) : 0;
}

// What of a delivery does not depend on where it goes. Returns 0 or the reject code.
inline uint32_t begin_delivery(const ImageTables& tables, const StepMessage& message,
                               const ActionRecord& action, uint32_t rule, Delivery& delivery) {
  delivery.rule = rule;
  delivery.priority = action.priority;
  delivery.best_effort = (action.flags & kActionBestEffort) != 0;
  delivery.is_picked = action.kind == ActionKind::kPool || action.kind == ActionKind::kBroadcast;
  delivery.endpoint = kNoIndex;
  delivery.carriers = action.carriers;
  delivery.return_address = 0;
  return measure(tables, message, action, delivery);
}

// Fills in where an action sends the message, other than kDiscard and those that need a lookup.
// Returns 0 or the reject code.
inline uint32_t pick_target(const ImageTables& tables, StepState& state, const StepMessage& message,
                            const ActionRecord& action, Delivery& delivery) {
  switch (action.kind) {
    case ActionKind::kBroadcast:
      // The members are the collector's affair.
      delivery.target = TargetKind::kEndpoint;
      return 0;
    case ActionKind::kEndpoint:
      delivery.target = TargetKind::kEndpoint;
      delivery.endpoint = action.target;
      return 0;
    case ActionKind::kPool:
      delivery.target = TargetKind::kEndpoint;
      return pick_member(tables, state, message, action.target, action.key, delivery.endpoint);
    case ActionKind::kReturnSource:
      delivery.target = TargetKind::kReturnSource;
      return 0;
    default:
      delivery.target = TargetKind::kReturnAddress;
      delivery.return_address = load_field(message.view + action.target, action.load);
      return 0;
  }
}

inline uint32_t pick(const ImageTables& tables, StepState& state, const StepMessage& message,
                     const ActionRecord& action, uint32_t rule, Delivery& delivery) {
  const uint32_t code = begin_delivery(tables, message, action, rule, delivery);
  return code == 0 ? pick_target(tables, state, message, action, delivery) : code;
}

}  // namespace hyperroute
