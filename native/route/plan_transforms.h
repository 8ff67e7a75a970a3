// Makes the plans of an image's transforms.
// Thread: control thread, when an image is loaded. Not on the data path.
#pragma once

#include "route/image.h"
#include "route/plan.h"

namespace hyperroute {

// What the plans may take at most, whatever the ops are.
[[nodiscard]] uint64_t transforms_bytes(const ImageTables& tables);

// Of tables that were verified, and that stay where they are.
[[nodiscard]] TransformPlans plan_transforms(const ImageTables& tables);

}  // namespace hyperroute
