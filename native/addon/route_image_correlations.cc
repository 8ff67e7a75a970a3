// Correlations of the JavaScript class `RouteImage`, with a clock that is set by hand.
// Thread: the JavaScript thread; not on the data path.
#include "addon/route_image.h"
#include "addon/values.h"
#include "route/correlate_datapath.h"

namespace hyperroute {

Status RouteImageObject::make_tables() {
  for (uint32_t index = 0; index < image_.summary().correlation_count; ++index) {
    auto table = CorrelationTable::create(image_.tables().correlations[index], 0);
    if (!table.ok()) return table.status();
    tables_.push_back(table.value().get());
    owned_tables_.push_back(table.take());
  }
  correlating_.tables = tables_.data();
  return Status::success();
}

// A message that was not rejected has left.
void RouteImageObject::settle_all(const Decision& decision, uint64_t return_address) {
  settle(image_, state_, decision);
  if (decision.correlates == 0) return;
  uint64_t destination = 0;
  if ((decision.correlates & kOpensEntry) != 0) {
    const Delivery& delivery = delivery_at(decision, state_, correlating_.opening_delivery);
    if (delivery.target == TargetKind::kEndpoint) {
      destination = delivery.endpoint;
    } else {
      const bool to_source = delivery.target == TargetKind::kReturnSource;
      destination = to_source ? return_address : delivery.return_address;
    }
  }
  settle_correlations(state_, decision, {return_address, destination, now_ns_});
}

Napi::Value RouteImageObject::set_clock(const Napi::CallbackInfo& info) {
  if (!info[0].IsBigInt()) {
    Napi::TypeError::New(info.Env(), "setClock: expected a bigint").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  bool lossless = false;
  now_ns_ = info[0].As<Napi::BigInt>().Uint64Value(&lossless);
  for (CorrelationTable* table : tables_) (void)table->sweep(now_ns_, UINT32_MAX);
  return info.Env().Undefined();
}

Napi::Value RouteImageObject::correlations(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array result = Napi::Array::New(env);
  const auto number = [&](uint64_t value) {
    return Napi::Number::New(env, static_cast<double>(value));
  };
  for (const CorrelationTable* table : tables_) {
    const CorrelationCounts& counts = table->counts();
    Napi::Object object = Napi::Object::New(env);
    object.Set("open", number(table->open_count()));
    object.Set("opened", number(counts.opened));
    object.Set("closed", number(counts.closed));
    object.Set("timedOut", number(counts.timed_out));
    object.Set("evicted", number(counts.evicted));
    object.Set("notFound", number(counts.not_found));
    object.Set("refused", number(counts.refused));
    result.Set(result.Length(), object);
  }
  return result;
}

}  // namespace hyperroute
