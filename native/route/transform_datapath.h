// The ops of a transform, for the fixed part of a group's entry; of messages, run_transform().
//
// Thread: the worker that owns the source. Data path: once for each entry of the groups of a
// message.
#pragma once

#include <cstdint>

#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// Writes all of an entry's `output`, from its `view`. Returns 0 or the code of the first op that a
// value did not fit; nothing of `output` may be used then.
[[nodiscard]] uint32_t run_ops(const ImageTables& tables, const TransformPlan& plan,
                               const uint8_t* view, const TransformContext& context,
                               uint8_t* output) noexcept;

}  // namespace hyperroute
