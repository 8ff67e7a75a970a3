// Who is at the other end of a Unix socket.
// Thread: JavaScript. Not on the data path.
#pragma once

#include <napi.h>

namespace hyperroute {

// `info[0]`: the descriptor of a connected Unix socket. Its peer's effective user id when it
// connected, as the kernel knows it; -1 where there is none.
Napi::Value peer_uid(const Napi::CallbackInfo& info);

}  // namespace hyperroute
