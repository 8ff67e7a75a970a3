// How JavaScript names why a recording ended. Thread: JavaScript.
#pragma once

#include <napi.h>

#include "engine/recording_format.h"

namespace hyperroute {

// Null where it has not.
inline Napi::Value recording_end_name(Napi::Env env, RecordingEnd reason) {
  switch (reason) {
    case RecordingEnd::kNone:
      return env.Null();
    case RecordingEnd::kStopped:
      return Napi::String::New(env, "stopped");
    case RecordingEnd::kFull:
      return Napi::String::New(env, "full");
    case RecordingEnd::kOverrun:
      return Napi::String::New(env, "overrun");
    case RecordingEnd::kTooLarge:
      return Napi::String::New(env, "too-large");
    case RecordingEnd::kFailed:
      return Napi::String::New(env, "failed");
    case RecordingEnd::kOpenEntries:
      return Napi::String::New(env, "open-entries");
  }
  return env.Null();
}

}  // namespace hyperroute
