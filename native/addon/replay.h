// The JavaScript class `Replay`: decides the messages of a recording again.
// Thread: JavaScript, which hands over the file piece by piece. Not on the data path.
#pragma once

#include <napi.h>

#include <memory>
#include <span>

#include "engine/replay.h"

namespace hyperroute {

class ReplayObject : public Napi::ObjectWrap<ReplayObject> {
 public:
  static Napi::Function define(Napi::Env env);

  // new Replay({ plugins, tableBytes }).
  explicit ReplayObject(const Napi::CallbackInfo& info);

 private:
  // open(header): the file's first 32 bytes. This and the next two throw ERR_RECORDING where what
  // they are given is damaged.
  Napi::Value open(const Napi::CallbackInfo& info);
  // payloadBytes(header): of a chunk whose header's 24 bytes are given.
  Napi::Value payload_bytes(const Napi::CallbackInfo& info);
  // play(header, payload): a chunk.
  Napi::Value play(const Napi::CallbackInfo& info);
  // report(): what there was, counts, the first difference.
  Napi::Value report(const Napi::CallbackInfo& info);

  Napi::Value difference(Napi::Env env) const;
  Napi::Array images(Napi::Env env) const;
  Napi::Array tallies(Napi::Env env) const;

  std::unique_ptr<Replay> replay_;
};

}  // namespace hyperroute
