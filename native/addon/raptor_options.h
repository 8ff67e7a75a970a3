// Options of raptor endpoints from JavaScript (lib/endpoints/raptor-native.ts). Thread: JavaScript.
#pragma once

#include <napi.h>

#include "io/raptor/raptor_options.h"

namespace hyperroute {

// All but what the router and the queue say; `out.mode` is set.
Status read_raptor_options(Napi::Env env, const Napi::Value& value, RaptorOptions& out);

}  // namespace hyperroute
