// The addon's entry point: registers what JavaScript may call.
// Thread: the JavaScript thread of the environment that loads the addon. Not on the data path.
#include <napi.h>

#include "addon/message_layout.h"
#include "addon/peer_uid.h"
#include "addon/raptor_node.h"
#include "addon/replay.h"
#include "addon/route_image.h"
#include "addon/router.h"
#include "addon/values.h"
#include "base/memory.h"

namespace hyperroute {
namespace {

// Raised whenever the functions or layouts shared with lib/ change incompatibly, so that a stale
// binary is refused by lib/native.ts instead of misbehaving.
constexpr int kAddonAbi = 1;

// How many bytes after the start of a typed array the next cache line begins: JavaScript cannot
// see the address of a SharedArrayBuffer.
Napi::Value bytes_to_line(const Napi::CallbackInfo& info) {
  const auto address = reinterpret_cast<uintptr_t>(typed_array_bytes(info.Env(), info[0]).data);
  return Napi::Number::New(info.Env(), static_cast<double>(-address % kCacheLineBytes));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("abi", Napi::Number::New(env, kAddonAbi));
  exports.Set("bytesToLine", Napi::Function::New<bytes_to_line>(env, "bytesToLine"));
  exports.Set("peerUid", Napi::Function::New<peer_uid>(env, "peerUid"));
  RouterObject::define(env, exports);
  exports.Set("RouteImage", RouteImageObject::define(env));
  exports.Set("RaptorNode", RaptorNodeObject::define(env));
  exports.Set("Replay", ReplayObject::define(env));
  exports.Set("MessageLayout", MessageLayoutObject::define(env));
  return exports;
}

}  // namespace
}  // namespace hyperroute

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) {
  return hyperroute::init(env, exports);
}

NODE_API_MODULE(hyperroute, init_addon)
