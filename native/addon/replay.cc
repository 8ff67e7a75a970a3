// The JavaScript class `Replay`. Thread: JavaScript.
#include "addon/replay.h"

#include <cstring>

#include "addon/recording_names.h"
#include "addon/values.h"

namespace hyperroute {
namespace {

std::span<const uint8_t> bytes_of(Napi::Env env, const Napi::Value& value) {
  const OptionReader::Bytes bytes = typed_array_bytes(env, value);
  return {bytes.data, bytes.bytes};
}

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value index_or_null(Napi::Env env, uint32_t index, uint32_t none) {
  if (index == none) return env.Null();
  return Napi::Number::New(env, index);
}

// What a recording says may be any number, so each is named only where it has a name.
const char* outcome_name(Outcome outcome) {
  if (outcome == Outcome::kDeliver) return "deliver";
  return outcome == Outcome::kDiscard ? "discard" : "reject";
}

const char* target_name(TargetKind target) {
  if (target == TargetKind::kEndpoint) return "endpoint";
  if (target == TargetKind::kCorrelated) return "correlated";
  return target == TargetKind::kReturnSource ? "return-source" : "return-address";
}

Napi::Object delivery_of(Napi::Env env, const DeliveryNote& note) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("target", target_name(note.target));
  object.Set("endpoint", index_or_null(env, note.endpoint, kNoIndex));
  object.Set("transform", index_or_null(env, note.transform, kNoIndex));
  object.Set("rule", index_or_null(env, note.rule, kNoRule));
  object.Set("outputBytes", number(env, note.output_bytes));
  object.Set("bestEffort", Napi::Boolean::New(env, note.best_effort != 0));
  object.Set("priority", number(env, note.priority));
  object.Set("returnAddress", Napi::BigInt::New(env, note.return_address));
  return object;
}

// The decisions in `bytes`, which are whole.
Napi::Array decisions_of(Napi::Env env, std::span<const uint8_t> bytes) {
  Napi::Array decisions = Napi::Array::New(env);
  while (bytes.size() >= sizeof(DecisionNote)) {
    DecisionNote note;
    std::memcpy(&note, bytes.data(), sizeof note);
    bytes = bytes.subspan(sizeof note);
    Napi::Array deliveries = Napi::Array::New(env);
    for (uint32_t index = 0; index < note.delivery_count; ++index) {
      DeliveryNote delivery;
      if (bytes.size() < sizeof delivery) break;
      std::memcpy(&delivery, bytes.data(), sizeof delivery);
      bytes = bytes.subspan(sizeof delivery);
      deliveries.Set(index, delivery_of(env, delivery));
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("outcome", outcome_name(note.outcome));
    object.Set("route", index_or_null(env, note.route, kNoIndex));
    object.Set("rule", index_or_null(env, note.rule, kNoRule));
    object.Set("rejectCode", number(env, note.reject_code));
    object.Set("skipped", number(env, note.skipped_count));
    object.Set("taps", number(env, note.tap_count));
    object.Set("deliveries", deliveries);
    decisions.Set(decisions.Length(), object);
  }
  return decisions;
}

const char* tally_name(uint32_t kind) {
  static constexpr const char* kNames[] = {"rule",   "endpoint", "return-source", "return-address",
                                           "reject", "discard",  "correlated"};
  return kNames[kind];
}

}  // namespace

Napi::Function ReplayObject::define(Napi::Env env) {
  return DefineClass(env, "Replay",
                     {InstanceMethod<&ReplayObject::open>("open"),
                      InstanceMethod<&ReplayObject::payload_bytes>("payloadBytes"),
                      InstanceMethod<&ReplayObject::play>("play"),
                      InstanceMethod<&ReplayObject::report>("report")});
}

ReplayObject::ReplayObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ReplayObject>(info) {
  constexpr double kBytesMax = 9007199254740991.0;
  OptionReader reader(info.Env(), info[0]);
  ReplayOptions options;
  options.loads_plugins = reader.boolean("plugins");
  options.table_bytes_max = static_cast<uint64_t>(reader.number("tableBytes", 0, kBytesMax));
  const Status status = reader.status();
  replay_ = std::make_unique<Replay>(options);
  if (!status.ok()) throw_status(info.Env(), status);
}

Napi::Value ReplayObject::open(const Napi::CallbackInfo& info) {
  const Status status = replay_->open(bytes_of(info.Env(), info[0]));
  if (!status.ok()) throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value ReplayObject::payload_bytes(const Napi::CallbackInfo& info) {
  const auto bytes = replay_->payload_bytes(bytes_of(info.Env(), info[0]));
  if (bytes.ok()) return Napi::Number::New(info.Env(), bytes.value());
  throw_status(info.Env(), bytes.status());
  return info.Env().Undefined();
}

Napi::Value ReplayObject::play(const Napi::CallbackInfo& info) {
  const Status status = replay_->play(bytes_of(info.Env(), info[0]), bytes_of(info.Env(), info[1]));
  if (!status.ok()) throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value ReplayObject::report(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Replay::Report& report = replay_->report();
  Napi::Object object = Napi::Object::New(env);
  object.Set("workers", number(env, report.worker_count));
  object.Set("begunMs", number(env, report.begun_ms));
  object.Set("messages", number(env, report.message_count));
  object.Set("held", number(env, report.held_count));
  object.Set("different", number(env, report.different_count));
  object.Set("missed", number(env, report.end.missed_count));
  object.Set("end", recording_end_name(env, report.end.reason));
  object.Set("difference", difference(env));
  object.Set("images", images(env));
  object.Set("tallies", tallies(env));
  return object;
}

Napi::Value ReplayObject::difference(Napi::Env env) const {
  const Replay::Difference* const difference = replay_->difference();
  if (difference == nullptr) return env.Null();
  const auto& message = difference->message;
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, message.size());
  if (!message.empty()) std::memcpy(bytes.Data(), message.data(), message.size());
  Napi::Object object = Napi::Object::New(env);
  object.Set("worker", number(env, difference->worker));
  object.Set("index", number(env, difference->message_index));
  object.Set("image", number(env, difference->image));
  object.Set("source", number(env, difference->source));
  object.Set("message", bytes);
  object.Set("recorded", decisions_of(env, difference->recorded));
  object.Set("replayed", decisions_of(env, difference->replayed));
  return object;
}

Napi::Array ReplayObject::images(Napi::Env env) const {
  Napi::Array images = Napi::Array::New(env);
  for (const auto& [image_number, image] : replay_->images()) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("number", number(env, image_number));
    object.Set("description", Napi::String::New(env, image->description));
    images.Set(images.Length(), object);
  }
  return images;
}

Napi::Array ReplayObject::tallies(Napi::Env env) const {
  Napi::Array tallies = Napi::Array::New(env);
  for (const auto& [key, count] : replay_->tallies()) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("image", number(env, key[0]));
    object.Set("kind", tally_name(key[1]));
    object.Set("first", number(env, key[2]));
    object.Set("second", number(env, key[3]));
    object.Set("count", number(env, count));
    tallies.Set(tallies.Length(), object);
  }
  return tallies;
}

}  // namespace hyperroute
