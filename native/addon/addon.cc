// The addon's entry point: registers what JavaScript may call.
// Thread: the JavaScript thread of the environment that loads the addon. Not on the data path.
#include <napi.h>

namespace hyperroute {
namespace {

// Raised whenever the functions or layouts shared with lib/ change incompatibly, so that a stale
// binary is refused by lib/native.ts instead of misbehaving.
constexpr int kAddonAbi = 1;

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("abi", Napi::Number::New(env, kAddonAbi));
  return exports;
}

}  // namespace
}  // namespace hyperroute

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) {
  return hyperroute::init(env, exports);
}

NODE_API_MODULE(hyperroute, init_addon)
