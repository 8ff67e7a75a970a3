// The addon's `Router`: its recording. Thread: JavaScript.
#include "addon/recording_names.h"
#include "addon/router.h"

namespace hyperroute {

// `info[0]`: { path, bytes, description }.
Napi::Value RouterObject::begin_recording(const Napi::CallbackInfo& info) {
  if (!is_open()) return env_.Undefined();
  constexpr double kBytesMax = 9007199254740991.0;
  OptionReader reader(env_, info[0]);
  RecordingOptions options;
  options.path = reader.string("path");
  options.bytes_max = static_cast<uint64_t>(reader.number("bytes", 0, kBytesMax));
  const std::string description = reader.string("description");
  Status status = reader.status();
  if (status.ok()) status = router_->begin_recording(options, description);
  if (!status.ok()) throw_status(env_, status);
  return env_.Undefined();
}

Napi::Value RouterObject::end_recording(const Napi::CallbackInfo&) {
  if (!is_open()) return env_.Undefined();
  if (const Status status = router_->end_recording(); !status.ok()) throw_status(env_, status);
  return env_.Undefined();
}

// { end, errno, bytes, messages, missed }, `end` null while it goes on; or null: there is none.
Napi::Value RouterObject::read_recording(const Napi::CallbackInfo&) {
  if (!is_open()) return env_.Undefined();
  Recording::Report report{};
  if (!router_->read_recording(report)) return env_.Null();
  Napi::Object object = Napi::Object::New(env_);
  object.Set("end", recording_end_name(env_, report.reason));
  object.Set("errno", Napi::Number::New(env_, report.system_errno));
  object.Set("bytes", Napi::Number::New(env_, static_cast<double>(report.file_bytes)));
  object.Set("messages", Napi::Number::New(env_, static_cast<double>(report.message_count)));
  object.Set("missed", Napi::Number::New(env_, static_cast<double>(report.missed_count)));
  return object;
}

}  // namespace hyperroute
