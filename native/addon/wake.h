// How a worker wakes the JavaScript thread: one N-API threadsafe function for a memory endpoint.
// Thread: wake_javascript on a worker, the rest on the JavaScript thread. Not on the data path of
// a reader that keeps up: only one that has parked is woken.
#pragma once

#include <napi.h>

#include "base/assert.h"

namespace hyperroute {

// Called on a worker: coalesced by the queue of one, so a wake in flight is enough.
inline void wake_javascript(void* context) {
  (void)napi_call_threadsafe_function(static_cast<napi_threadsafe_function>(context), nullptr,
                                      napi_tsfn_nonblocking);
}

// The wake-up on the JavaScript thread. Plain N-API: a thread that is being terminated refuses the
// call, and the C++ wrapper would end the process for it.
inline void call_on_wake(napi_env env, napi_value on_wake, void*, void*) {
  napi_value undefined = nullptr;
  if (env == nullptr || napi_get_undefined(env, &undefined) != napi_ok) return;
  (void)napi_call_function(env, undefined, on_wake, 0, nullptr, nullptr);
}

// Does not keep the process alive. Released by napi_release_threadsafe_function.
inline napi_threadsafe_function make_wake(Napi::Env env, napi_value on_wake) {
  napi_threadsafe_function wake = nullptr;
  const napi_status status = napi_create_threadsafe_function(
      env, on_wake, nullptr, Napi::String::New(env, "hyperroute.memory"), 1, 1, nullptr, nullptr,
      nullptr, &call_on_wake, &wake);
  HR_ASSERT(status == napi_ok);
  (void)napi_unref_threadsafe_function(env, wake);
  return wake;
}

}  // namespace hyperroute
