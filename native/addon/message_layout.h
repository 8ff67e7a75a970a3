// The JavaScript class `MessageLayout`: a verified layout image, and what C++ makes of messages.
//
// Thread: the JavaScript thread. Not on the data path: tests hold the JavaScript codec against it.
#pragma once

#include <napi.h>

#include "codec/layout.h"

namespace hyperroute {

class MessageLayoutObject : public Napi::ObjectWrap<MessageLayoutObject> {
 public:
  static Napi::Function define(Napi::Env env);

  // new MessageLayout(image: Uint8Array). Throws ERR_IMAGE_CORRUPT with the reason.
  explicit MessageLayoutObject(const Napi::CallbackInfo& info);

 private:
  // bind(bytes): 0, or the fault of the message's structure.
  Napi::Value bind_bytes(const Napi::CallbackInfo& info);
  // checkValues(bytes): the same, then that of its values.
  Napi::Value check_bytes(const Napi::CallbackInfo& info);
  // rewrite(bytes): the message in its newest version and canonical form, or a fault. Reads and
  // writes every field.
  Napi::Value rewrite_bytes(const Napi::CallbackInfo& info);
  // fields(): where everything lies, groups flattened to paths with dots.
  Napi::Value fields(const Napi::CallbackInfo& info);

  LayoutImage image_;
};

}  // namespace hyperroute
