// The ops of a transform, for the fixed part of a message or of a group's entry.
//
// Thread: the worker that owns the source. Data path: once for each transformed message, and for
// each entry of its groups.
#pragma once

#include <cstdint>

#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// Writes all transform.output_bytes of `output`, from transform.source_bytes of `view`. Returns 0
// or the code of the first op that a value did not fit; nothing of `output` may be used then.
[[nodiscard]] uint32_t run_ops(const ImageTables& tables, const TransformRecord& transform,
                               const uint8_t* view, const TransformContext& context,
                               uint8_t* output) noexcept;

}  // namespace hyperroute
