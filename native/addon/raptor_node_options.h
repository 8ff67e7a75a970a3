// Options of stand-alone Raptor nodes from JavaScript (lib/raptor/native-options.ts).
// Thread: JavaScript.
#pragma once

#include <napi.h>

#include "io/raptor/raptor_node_types.h"

namespace hyperroute {

Status read_raptor_node_options(Napi::Env env, const Napi::Value& value, RaptorNodeOptions& out);
Status read_raptor_link_options(Napi::Env env, const Napi::Value& value, RaptorLinkOptions& out);
Status read_raptor_publication_options(Napi::Env env, const Napi::Value& value,
                                       RaptorPublicationOptions& out);

}  // namespace hyperroute
