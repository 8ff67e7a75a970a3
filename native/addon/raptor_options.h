// Options of raptor endpoints from JavaScript (lib/endpoints/raptor-native.ts). Thread: JavaScript.
#pragma once

#include <napi.h>

#include <span>
#include <vector>

#include "addon/values.h"
#include "crypto/noise.h"
#include "io/address.h"
#include "io/raptor/raptor_options.h"

namespace hyperroute {

// All but what the router and the queue say; `out.mode` is set.
Status read_raptor_options(Napi::Env env, const Napi::Value& value, RaptorOptions& out);

// What endpoints and stand-alone nodes have in common: "host" and "port", a key as bytes, and the
// keys of "allow" behind one another.
Status read_raptor_address(OptionReader& options, SocketAddress& out);
Status read_raptor_key(OptionReader& options, const char* name, std::span<uint8_t> out);
Status read_raptor_allow_list(OptionReader& options, std::vector<crypto::PublicKey>& out);
// The window of "congestion": whether there is one, and its bytes, 0 for what the peer takes.
Status read_raptor_congestion(OptionReader& options, bool& is_static, uint32_t& window_bytes);

}  // namespace hyperroute
