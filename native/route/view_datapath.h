// The view of a message: the bytes in which the router finds every field at a fixed place.
//
// Thread: the worker that owns the source. Data path: once for each message whose type has a
// view, as its frame check; plain messages are their own views and never come here.
#pragma once

#include <cstdint>

#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// Holds the message against its type and points message.view at its fields, in the message or in
// the scratch. Returns 0 or the reject code.
[[nodiscard]] uint32_t make_view(const ImageTables& tables, const MemberRecord& member,
                                 const StepState& state, StepMessage& message) noexcept;

}  // namespace hyperroute
