// The JavaScript class `RouteImage`. Thread: the JavaScript thread; not on the data path.
#include "addon/route_image.h"

#include <cstring>

#include "addon/values.h"
#include "route/correlate_datapath.h"

namespace hyperroute {
namespace {

const char* outcome_name(Outcome outcome) {
  if (outcome == Outcome::kDeliver) return "deliver";
  return outcome == Outcome::kDiscard ? "discard" : "reject";
}

Napi::Value index_or_null(Napi::Env env, uint16_t index) {
  if (index == kNoIndex) return env.Null();
  return Napi::Number::New(env, index);
}

Napi::Value rule_or_null(Napi::Env env, uint32_t rule) {
  if (rule == kNoRule) return env.Null();
  return Napi::Number::New(env, rule);
}

// The endpoints that a return address may name, by index.
Napi::Value carriers_of(Napi::Env env, const RouteImage& image, uint16_t carriers) {
  Napi::Array endpoints = Napi::Array::New(env);
  for (uint16_t endpoint = 0; endpoint < image.summary().endpoint_count; ++endpoint) {
    if (!image.carries(carriers, endpoint)) continue;
    endpoints.Set(endpoints.Length(), Napi::Number::New(env, endpoint));
  }
  return endpoints;
}

Napi::Value target_of(Napi::Env env, const RouteImage& image, const Delivery& delivery) {
  Napi::Object target = Napi::Object::New(env);
  switch (delivery.target) {
    case TargetKind::kEndpoint:
      target.Set("kind", "endpoint");
      target.Set("endpoint", Napi::Number::New(env, delivery.endpoint));
      break;
    case TargetKind::kReturnSource:
      target.Set("kind", "return-source");
      break;
    case TargetKind::kReturnAddress:
      target.Set("kind", "return-address");
      target.Set("address", Napi::BigInt::New(env, delivery.return_address));
      target.Set("endpoints", carriers_of(env, image, delivery.carriers));
      break;
    case TargetKind::kCorrelated:
      target.Set("kind", "correlated");
      target.Set("address", Napi::BigInt::New(env, delivery.return_address));
      target.Set("endpoints", carriers_of(env, image, delivery.carriers));
      break;
  }
  return target;
}

Napi::Value delivery_of(Napi::Env env, const RouteImage& image, const Delivery& delivery) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("target", target_of(env, image, delivery));
  object.Set("rule", rule_or_null(env, delivery.rule));
  object.Set("transform", index_or_null(env, delivery.transform));
  object.Set("outputBytes", Napi::Number::New(env, delivery.output_bytes));
  object.Set("bestEffort", Napi::Boolean::New(env, delivery.best_effort));
  object.Set("priority", Napi::Number::New(env, delivery.priority));
  return object;
}

Napi::Object decision_of(Napi::Env env, const RouteImage& image, const StepState& state,
                         const Decision& decision) {
  Napi::Array deliveries = Napi::Array::New(env);
  for (uint32_t index = 0; index < decision.delivery_count; ++index) {
    deliveries.Set(index, delivery_of(env, image, delivery_at(decision, state, index)));
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("outcome", outcome_name(decision.outcome));
  object.Set("route", index_or_null(env, decision.route));
  object.Set("rule", rule_or_null(env, decision.rule));
  object.Set("rejectCode", Napi::Number::New(env, decision.reject_code));
  object.Set("skipped", Napi::Number::New(env, decision.skipped_count));
  Napi::Array taps = Napi::Array::New(env);
  for (uint32_t index = 0; index < decision.tap_count; ++index) {
    taps.Set(index, Napi::Number::New(env, state.fan_out->taps[index]));
  }
  object.Set("taps", taps);
  object.Set("deliveries", deliveries);
  return object;
}

Napi::Value patch_of(Napi::Env env, const SequencePatch& patch) {
  if (patch.offset == kNoIndex) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object.Set("offset", Napi::Number::New(env, patch.offset));
  object.Set("bytes", Napi::Number::New(env, patch.bytes));
  object.Set("order", patch.big_endian != 0 ? "be" : "le");
  return object;
}

Napi::Value throw_type(Napi::Env env, const char* text) {
  Napi::TypeError::New(env, text).ThrowAsJavaScriptException();
  return env.Undefined();
}

// The last word mixes all copies, so that one that differs shows.
void pack_decision(const Decision& decision, const StepState& state, uint32_t* words) {
  uint32_t copies = decision.tap_count * 256u + decision.skipped_count;
  for (uint32_t index = 0; index < decision.delivery_count; ++index) {
    const Delivery& delivery = delivery_at(decision, state, index);
    const bool to_endpoint = delivery.target == TargetKind::kEndpoint;
    const uint32_t endpoint = to_endpoint ? delivery.endpoint : UINT32_MAX;
    const uint32_t transform = delivery.transform == kNoIndex ? 0 : delivery.transform + 1u;
    copies = (copies ^ endpoint ^ transform * 0x10001u) * 0x01000193u;
  }
  const uint32_t route = decision.route == kNoIndex ? 0 : decision.route + 1u;
  words[0] = static_cast<uint32_t>(decision.outcome) | route << 8;
  words[1] = decision.rule;
  words[2] = decision.reject_code;
  words[3] = copies;
}

}  // namespace

Napi::Function RouteImageObject::define(Napi::Env env) {
  return DefineClass(env, "RouteImage",
                     {InstanceMethod<&RouteImageObject::summary>("summary"),
                      InstanceMethod<&RouteImageObject::set_alive>("setAlive"),
                      InstanceMethod<&RouteImageObject::set_load>("setLoad"),
                      InstanceMethod<&RouteImageObject::seed>("seed"),
                      InstanceMethod<&RouteImageObject::set_clock>("setClock"),
                      InstanceMethod<&RouteImageObject::correlations>("correlations"),
                      InstanceMethod<&RouteImageObject::step>("step"),
                      InstanceMethod<&RouteImageObject::decisions>("decisions")});
}

RouteImageObject::RouteImageObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RouteImageObject>(info) {
  const auto bytes = typed_array_bytes(info.Env(), info[0]);
  Status status = RouteImage::load({bytes.data, bytes.bytes}, image_);
  if (status.ok()) status = make_tables();
  if (!status.ok()) {
    throw_status(info.Env(), status);
    return;
  }
  if (!bind_plugins(info)) return;
  const ImageSummary counts = image_.summary();
  pool_positions_.assign(counts.pool_count, 0);
  alive_.assign(counts.endpoint_count, kAlive);
  loads_.assign(counts.endpoint_count, EndpointLoad{});
  scratch_.resize(kScratchBytes);
  tap_counts_.assign(counts.tap_count, 0);
  state_ = StepState{.pool_positions = pool_positions_.data(),
                     .alive = alive_.data(),
                     .load = loads_.data(),
                     .scratch = scratch_.data(),
                     .random = random_state(0),
                     .fan_out = &fan_out_,
                     .tap_counts = tap_counts_.data(),
                     .correlating = &correlating_};
}

bool RouteImageObject::bind_plugins(const Napi::CallbackInfo& info) {
  OptionReader options(info.Env(), info[1]);
  if (!info[1].IsObject() || !options.has("plugins")) {
    is_bound_ = image_.tables().plugins.count == 0;
    return true;
  }
  const std::vector<std::string> paths = options.strings("plugins");
  Status status = options.status();
  if (status.ok()) status = plugins_.bind(paths, image_);
  if (!status.ok()) throw_status(info.Env(), status);
  return status.ok();
}

bool RouteImageObject::can_decide(Napi::Env env) const {
  if (is_bound_) return true;
  throw_status(env, Status::error(StatusCode::kPlugin,
                                  "the image uses plug-ins, and was loaded without libraries"));
  return false;
}

Napi::Value RouteImageObject::summary(const Napi::CallbackInfo& info) {
  const ImageSummary counts = image_.summary();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("endpoints", Napi::Number::New(info.Env(), counts.endpoint_count));
  object.Set("pools", Napi::Number::New(info.Env(), counts.pool_count));
  object.Set("routes", Napi::Number::New(info.Env(), counts.route_count));
  object.Set("transforms", Napi::Number::New(info.Env(), counts.transform_count));
  object.Set("rejectCodeMax", Napi::Number::New(info.Env(), counts.reject_code_max));
  return object;
}

Napi::Value RouteImageObject::set_alive(const Napi::CallbackInfo& info) {
  const bool typed = info[0].IsNumber() && info[1].IsNumber();
  const uint32_t endpoint = typed ? info[0].As<Napi::Number>().Uint32Value() : UINT32_MAX;
  const uint32_t alive = typed ? info[1].As<Napi::Number>().Uint32Value() : UINT32_MAX;
  if (endpoint >= alive_.size() || alive > kAlive) {
    return throw_type(info.Env(), "setAlive: expected an endpoint of the image and 0 to 255");
  }
  alive_[endpoint] = static_cast<uint8_t>(alive);
  return info.Env().Undefined();
}

Napi::Value RouteImageObject::set_load(const Napi::CallbackInfo& info) {
  const bool typed = info[0].IsNumber() && info[1].IsNumber() && info[2].IsNumber();
  const uint32_t endpoint = typed ? info[0].As<Napi::Number>().Uint32Value() : UINT32_MAX;
  if (endpoint >= loads_.size()) {
    return throw_type(info.Env(), "setLoad: expected an endpoint of the image and two numbers");
  }
  loads_[endpoint] = {info[1].As<Napi::Number>().Uint32Value(),
                      info[2].As<Napi::Number>().Uint32Value()};
  return info.Env().Undefined();
}

Napi::Value RouteImageObject::seed(const Napi::CallbackInfo& info) {
  if (!info[0].IsBigInt()) return throw_type(info.Env(), "seed: expected a bigint");
  bool lossless = false;
  state_.random = random_state(info[0].As<Napi::BigInt>().Uint64Value(&lossless));
  return info.Env().Undefined();
}

// What leaves for a delivery, or null with the reject code of its transform.
Napi::Value RouteImageObject::transformed(Napi::Env env, const Delivery& delivery,
                                          const StepMessage& message,
                                          const TransformContext& context, uint32_t& reject_code) {
  // Filled with a pattern first: a byte that the transform leaves out must show in a test.
  std::vector<uint8_t> output(delivery.output_bytes, 0xA5);
  TransformResult result{.reject_code = 0, .patch = {kNoIndex, 0, 0}};
  if (delivery.transform == kNoIndex) {
    std::memcpy(output.data(), message.data, output.size());
  } else {
    result = run_transform(image_, state_, delivery.transform, message, context, output);
  }
  reject_code = result.reject_code;
  if (reject_code != 0) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, output.size());
  if (!output.empty()) std::memcpy(bytes.Data(), output.data(), output.size());
  object.Set("rejectCode", Napi::Number::New(env, 0));
  object.Set("output", bytes);
  object.Set("patch", patch_of(env, result.patch));
  return object;
}

// What leaves for each delivery, null for one on best effort that its transform refuses. Empty
// where one that must be sent is refused; then the code is that of its transform.
Napi::Array RouteImageObject::transform_all(Napi::Env env, const Decision& decision,
                                            const StepMessage& message,
                                            const TransformContext& context,
                                            uint32_t& reject_code) {
  Napi::Array outputs = Napi::Array::New(env);
  reject_code = 0;
  for (uint32_t index = 0; index < decision.delivery_count; ++index) {
    const Delivery& delivery = delivery_at(decision, state_, index);
    uint32_t code = 0;
    outputs.Set(index, transformed(env, delivery, message, context, code));
    if (code == 0 || delivery.best_effort) continue;
    reject_code = code;
    return Napi::Array::New(env);
  }
  return outputs;
}

Napi::Value RouteImageObject::step(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto bytes = typed_array_bytes(env, info[1]);
  const bool typed = info[0].IsNumber() && info[1].IsTypedArray() && info[2].IsBigInt();
  const uint32_t source = typed ? info[0].As<Napi::Number>().Uint32Value() : UINT32_MAX;
  if (source >= alive_.size() || bytes.bytes > UINT32_MAX) {
    return throw_type(env, "step: expected an endpoint of the image, a Uint8Array, a bigint");
  }
  if (!can_decide(env)) return env.Undefined();
  // A copy of exactly the message's size, so that a sanitizer sees a read behind it.
  const std::vector<uint8_t> copy(bytes.data, bytes.data + bytes.bytes);
  StepMessage message{copy.data(), static_cast<uint32_t>(copy.size()),
                      static_cast<uint16_t>(source)};
  bool lossless = false;
  TransformContext context{.return_address = info[2].As<Napi::BigInt>().Uint64Value(&lossless),
                           .reject_code = 0};
  const Decision decision = decide(image_, state_, message);
  uint32_t reject_code = decision.reject_code;
  Napi::Object result = Napi::Object::New(env);
  result.Set("decision", decision_of(env, image_, state_, decision));
  result.Set("delivered", Napi::Array::New(env));
  result.Set("reject", env.Null());
  result.Set("rejected", Napi::Array::New(env));
  if (decision.outcome == Outcome::kDeliver) {
    result.Set("delivered", transform_all(env, decision, message, context, reject_code));
  }
  result.Set("rejectCode", Napi::Number::New(env, reject_code));
  if (reject_code == 0) {
    settle_all(decision, context.return_address);
    return result;
  }
  const Decision reject = decide_reject(image_, state_, message, decision);
  result.Set("reject", decision_of(env, image_, state_, reject));
  context.reject_code = reject_code;
  if (reject.outcome == Outcome::kDeliver) {
    result.Set("rejected", transform_all(env, reject, message, context, reject_code));
  }
  return result;
}

Napi::Value RouteImageObject::decisions(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto sources = typed_array_bytes(env, info[0]);
  const auto messages = typed_array_bytes(env, info[1]);
  const auto ends = typed_array_bytes(env, info[2]);
  const auto results = typed_array_bytes(env, info[3]);
  const size_t count = sources.bytes / sizeof(uint16_t);
  if (ends.bytes != count * sizeof(uint32_t) || results.bytes != count * 4 * sizeof(uint32_t)) {
    return throw_type(env, "decisions: expected arrays for as many messages as sources");
  }
  if (!can_decide(env)) return env.Undefined();
  uint32_t start = 0;
  for (size_t index = 0; index < count; ++index) {
    const uint16_t source = load_u16_le(sources.data + index * sizeof source);
    const uint32_t end = load_u32_le(ends.data + index * sizeof end);
    if (source >= alive_.size() || end < start || end > messages.bytes) {
      return throw_type(env, "decisions: expected endpoints of the image and ascending ends");
    }
    StepMessage message{messages.data + start, end - start, source};
    uint32_t words[4];
    const Decision decision = decide(image_, state_, message);
    settle_all(decision, source);
    pack_decision(decision, state_, words);
    std::memcpy(results.data + index * sizeof words, words, sizeof words);
    start = end;
  }
  return env.Undefined();
}

}  // namespace hyperroute
