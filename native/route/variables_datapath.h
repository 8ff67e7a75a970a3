// Variable data on its way through a transform: strings, blobs and groups behind the fixed part.
//
// Thread: the worker that owns the source. Data path: once for each message with variables that
// is transformed, twice over its slots: first to know how many bytes to claim, then to write.
#pragma once

#include <cstdint>
#include <span>

#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// The bytes of everything that the transform makes of a message that decide() has bound, its
// fixed part included; 0: more than a message may have.
[[nodiscard]] uint32_t measure_output(const ImageTables& tables, const TransformRecord& transform,
                                      const StepMessage& message) noexcept;

// Writes the variable data behind the fixed part, which has been written, and the slots that say
// where it is. Returns 0 or the code of the variable or op that something did not fit; MALFORMED
// when the message is not any more what was measured, whose size `output` has.
[[nodiscard]] uint32_t write_variables(const RouteImage& image, uint16_t transform,
                                       const StepState& state, const StepMessage& message,
                                       const TransformContext& context,
                                       std::span<uint8_t> output) noexcept;

}  // namespace hyperroute
