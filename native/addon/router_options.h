// A router's options and a memory endpoint's rings, as TypeScript hands them over.
// Thread: JavaScript.
#pragma once

#include <napi.h>

#include "engine/router.h"
#include "io/memory/memory.h"

namespace hyperroute {

Status read_router_options(Napi::Env env, const Napi::Value& value, RouterOptions& out);

// Makes empty rings of both buffers, so that TypeScript need not know how to.
Status format_rings(const MemoryOptions& memory);

}  // namespace hyperroute
