// The JavaScript class `RouteImage`: a verified image whose step can be called by hand.
//
// Thread: the JavaScript thread. Not on the data path: tests hold the step against the
// interpreter with it, tools explain a message with it. A running router loads images itself.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/plugin_library.h"
#include "route/correlation.h"
#include "route/image.h"

namespace hyperroute {

class RouteImageObject : public Napi::ObjectWrap<RouteImageObject> {
 public:
  static Napi::Function define(Napi::Env env);

  // new RouteImage(bytes: Uint8Array, { plugins }?). Throws ERR_IMAGE_CORRUPT with the reason.
  // `plugins`: the absolute paths of its libraries, by number, which run from then on; ERR_PLUGIN
  // where one cannot. Without them an image that uses plug-ins can be looked at, not stepped.
  explicit RouteImageObject(const Napi::CallbackInfo& info);

 private:
  // summary(): counts of endpoints, pools, routes and transforms, and the largest reject code.
  Napi::Value summary(const Napi::CallbackInfo& info);
  // setAlive(endpoint, alive): 0 cannot be used, 255 can, between: its share. All are at 255 first.
  Napi::Value set_alive(const Napi::CallbackInfo& info);
  // setLoad(endpoint, queuedBytes, outstanding): how busy it is. 0 at first.
  Napi::Value set_load(const Napi::CallbackInfo& info);
  // seed(value: bigint): starts the random numbers anew; from 0 at first.
  Napi::Value seed(const Napi::CallbackInfo& info);
  // setClock(ns: bigint): entries that have waited too long by then time out. 0 at first.
  Napi::Value set_clock(const Napi::CallbackInfo& info);
  // correlations(): { open, opened, closed, timedOut, evicted, notFound, refused } of each.
  Napi::Value correlations(const Napi::CallbackInfo& info);
  // step(source, message, returnAddress): the message's whole way as the engine walks it when
  // every queue has room. Advances the pools' positions and the random numbers, opens and closes
  // entries: they keep the return address as their source, and as their destination the index of
  // the endpoint, or the address that the message went to.
  Napi::Value step(const Napi::CallbackInfo& info);
  // decisions(sources, messages, ends, results: Uint8Array): decides messages that lie one behind
  // the other, without making what leaves; the index of an entry's source stands for its return
  // address. `sources` has a u16 for each, `ends` a u32, `results`
  // room for four u32: outcome (0 deliver, 1 discard, 2 reject) with the route's index + 1 above
  // the low byte; the rule or 0xFFFFFFFF; the reject code; the endpoint or 0xFFFFFFFF.
  Napi::Value decisions(const Napi::CallbackInfo& info);

  // False: thrown.
  bool bind_plugins(const Napi::CallbackInfo& info);
  // Whether decisions can be made; throws ERR_PLUGIN where plug-ins are missing.
  bool can_decide(Napi::Env env) const;
  Status make_tables();
  void settle_all(const Decision& decision, uint64_t return_address);
  Napi::Value transformed(Napi::Env env, const Delivery& delivery, const StepMessage& message,
                          const TransformContext& context, uint32_t& reject_code);
  Napi::Array transform_all(Napi::Env env, const Decision& decision, const StepMessage& message,
                            const TransformContext& context, uint32_t& reject_code);

  PluginSet plugins_;  // Before the image, which calls what they hold.
  RouteImage image_;
  bool is_bound_ = true;
  std::vector<uint32_t> pool_positions_;
  std::vector<uint8_t> alive_;
  std::vector<EndpointLoad> loads_;
  std::vector<uint8_t> scratch_;
  std::vector<uint32_t> tap_counts_;
  FanOut fan_out_{};
  std::vector<std::unique_ptr<CorrelationTable>> owned_tables_;
  std::vector<CorrelationTable*> tables_;
  Correlating correlating_;
  uint64_t now_ns_ = 0;
  StepState state_{};  // Refers to the vectors.
};

}  // namespace hyperroute
