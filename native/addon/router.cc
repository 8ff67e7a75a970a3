// The addon's `Router`. Thread: JavaScript.
#include "addon/router.h"

#include <algorithm>

#include "addon/router_options.h"
#include "addon/wake.h"

namespace hyperroute {

void RouterObject::define(Napi::Env env, Napi::Object exports) {
  exports.Set(
      "Router",
      DefineClass(env, "Router",
                  {InstanceMethod<&RouterObject::open_endpoint>("openEndpoint"),
                   InstanceMethod<&RouterObject::can_reconfigure_endpoint>("canReconfigure"),
                   InstanceMethod<&RouterObject::reconfigure>("reconfigure"),
                   InstanceMethod<&RouterObject::attach>("attach"),
                   InstanceMethod<&RouterObject::stop_accepting>("stopAccepting"),
                   InstanceMethod<&RouterObject::stop_reading>("stopReading"),
                   InstanceMethod<&RouterObject::refresh>("refresh"),
                   InstanceMethod<&RouterObject::detach>("detach"),
                   InstanceMethod<&RouterObject::is_done>("isDone"),
                   InstanceMethod<&RouterObject::free_slot>("freeSlot"),
                   InstanceMethod<&RouterObject::report>("report"),
                   InstanceMethod<&RouterObject::link>("link"),
                   InstanceMethod<&RouterObject::wake>("wake"),
                   InstanceMethod<&RouterObject::set_standing>("setStanding"),
                   InstanceMethod<&RouterObject::set_limits>("setLimits"),
                   InstanceMethod<&RouterObject::read_control>("readControl"),
                   InstanceMethod<&RouterObject::begin_recording>("beginRecording"),
                   InstanceMethod<&RouterObject::end_recording>("endRecording"),
                   InstanceMethod<&RouterObject::read_recording>("readRecording"),
                   InstanceMethod<&RouterObject::prepare>("prepare"),
                   InstanceMethod<&RouterObject::commit>("commit"),
                   InstanceMethod<&RouterObject::grace_passed>("gracePassed"),
                   InstanceMethod<&RouterObject::start>("start"),
                   InstanceMethod<&RouterObject::poll>("poll"),
                   InstanceMethod<&RouterObject::stop>("stop"),
                   InstanceMethod<&RouterObject::counters>("counters"),
                   InstanceMethod<&RouterObject::counters_path>("countersPath"),
                   InstanceMethod<&RouterObject::collect_metrics>("collectMetrics")}));
}

RouterObject::RouterObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RouterObject>(info), env_(info.Env()) {
  RouterOptions options;
  const Status status = read_router_options(env_, info[0], options);
  is_inline_ = options.inline_model;
  auto router = status.ok() ? Router::create(options) : Result<std::unique_ptr<Router>>(status);
  if (!router.ok()) {
    throw_status(env_, router.status());
    return;
  }
  router_ = router.take();
  napi_add_env_cleanup_hook(env_, &RouterObject::at_environment_end, this);
}

RouterObject::~RouterObject() {
  if (router_) napi_remove_env_cleanup_hook(env_, &RouterObject::at_environment_end, this);
  shut_down();
}

// The environment ends (process.exit, worker.terminate) while workers run: they are stopped and
// joined before the buffers they use go away with it.
void RouterObject::at_environment_end(void* self) {
  auto* object = static_cast<RouterObject*>(self);
  object->shut_down();
}

void RouterObject::shut_down() {
  if (!router_) return;
  router_->stop();
  for (uint32_t slot = 0; slot < kSlotCountMax; ++slot) release_slot(static_cast<uint8_t>(slot));
  router_.reset();
}

void RouterObject::release_slot(uint8_t slot) {
  SlotState& state = slots_[slot];
  router_->free_slot(slot);
  if (state.wake != nullptr) {
    (void)napi_release_threadsafe_function(state.wake, napi_tsfn_release);
  }
  state = SlotState{};
}

bool RouterObject::is_open() {
  if (router_) return true;
  throw_status(env_, Status::error(StatusCode::kClosed, "the router is closed"));
  return false;
}

bool RouterObject::slot_of(const Napi::CallbackInfo& info, uint8_t& slot) {
  const double value = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1.0;
  if (!is_open()) return false;
  if (!(value >= 0 && value < kSlotCountMax) ||
      router_->port(static_cast<uint8_t>(value)) == nullptr) {
    throw_status(env_, Status::error(StatusCode::kNotFound, "no endpoint in slot %g", value));
    return false;
  }
  slot = static_cast<uint8_t>(value);
  return true;
}

Result<uint8_t> RouterObject::open_kind(const PortSpec& spec, const EndpointOptions& options) {
  if (const auto* udp = std::get_if<UdpOptions>(&options)) {
    return router_->open_endpoint<UdpBackend>(spec, *udp);
  }
  if (const auto* tcp = std::get_if<TcpOptions>(&options)) {
    return router_->open_endpoint<TcpBackend>(spec, *tcp);
  }
  if (const auto* raptor = std::get_if<RaptorOptions>(&options)) {
    return router_->open_endpoint<RaptorBackend>(spec, *raptor);
  }
  return router_->open_endpoint<MemoryBackend>(spec, std::get<MemoryOptions>(options));
}

// The rings are formatted here, so that TypeScript need not know how to, and the wake-up is tied
// to the JavaScript function of the options.
void RouterObject::prepare_memory(Napi::Env env, const Napi::Value& value, SlotState& state,
                                  MemoryOptions& options) {
  const Napi::Object object = value.As<Napi::Object>();
  state.memory = Napi::Persistent(object);
  state.wake = make_wake(env, object.Get("onWake"));
  options.wake_reader = &wake_javascript;
  options.wake_context = state.wake;
}

Napi::Value RouterObject::open_endpoint(const Napi::CallbackInfo& info) {
  if (!is_open()) return env_.Undefined();
  OptionReader reader(env_, info[0]);
  PortSpec spec;
  spec.name = reader.string("name");
  spec.worker = reader.u32("worker");
  const std::string kind = reader.string("kind");
  Status status = reader.status();
  if (status.ok()) status = read_queue_options(env_, reader.object("queue"), spec.queue);
  EndpointOptions options;
  if (status.ok()) {
    status =
        read_endpoint_options(env_, kind, reader.object("options"), spec.queue, shape(), options);
  }
  if (auto* memory = std::get_if<MemoryOptions>(&options); status.ok() && memory != nullptr) {
    status = format_rings(*memory);
  }
  if (status.ok() && reader.has("inherits")) inherit(reader.u32("inherits"), options);
  auto opened = status.ok() ? open_kind(spec, options) : Result<uint8_t>(status);
  if (!opened.ok()) {
    throw_status(env_, opened.status());
    return env_.Undefined();
  }
  SlotState& state = slots_[opened.value()];
  state.kind = kind;
  state.queue = spec.queue;
  if (auto* memory = std::get_if<MemoryOptions>(&options)) {
    prepare_memory(env_, reader.object("options"), state, *memory);
    router_->backend<MemoryBackend>(opened.value()).reconfigure(*memory);
  }
  state.options = std::make_unique<EndpointOptions>(options);
  return endpoint_info(env_, opened.value());
}

Napi::Value RouterObject::can_reconfigure_endpoint(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  const SlotState& state = slots_[slot];
  OptionReader reader(env_, info[1]);
  QueueOptions queue;
  EndpointOptions options;
  Status status = read_queue_options(env_, reader.object("queue"), queue);
  if (status.ok() && state.kind != "memory") {
    status = read_endpoint_options(env_, reader.string("kind"), reader.object("options"), queue,
                                   shape(), options);
  }
  if (!status.ok()) {
    throw_status(env_, status);
    return env_.Undefined();
  }
  // A queue's bound and policy are fixed when its ring is made.
  const bool same_queue = queue.queue_bytes == state.queue.queue_bytes &&
                          queue.park_bytes == state.queue.park_bytes &&
                          queue.full == state.queue.full;
  const bool same = state.kind == "memory" || can_reconfigure(*state.options, options);
  return Napi::Boolean::New(env_, same_queue && same);
}

Napi::Value RouterObject::reconfigure(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  SlotState& state = slots_[slot];
  OptionReader reader(env_, info[1]);
  auto options = std::make_unique<EndpointOptions>();
  const Status status = read_endpoint_options(env_, state.kind, reader.object("options"),
                                              state.queue, shape(), *options);
  if (!status.ok()) {
    throw_status(env_, status);
    return env_.Undefined();
  }
  const void* argument =
      std::visit([](const auto& held) -> const void* { return &held; }, *options);
  auto result = router_->post(CommandKind::kReconfigure, slot, argument);
  // The caller asks for one change at a time, so the one before is done.
  if (result.ok()) {
    if (state.pending) state.options = std::move(state.pending);
    state.pending = std::move(options);
  }
  return ticket(env_, result);
}

// A ticket is one number: JavaScript hands it back as it is.
Napi::Value RouterObject::ticket(Napi::Env env, const Result<Ticket>& result) {
  if (!result.ok()) {
    throw_status(env, result.status());
    return env.Undefined();
  }
  const Ticket& value = result.value();
  return Napi::Number::New(env, static_cast<double>(value.number * kWorkerCountMax + value.worker));
}

Napi::Value RouterObject::post(const Napi::CallbackInfo& info, CommandKind kind) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  return ticket(env_, router_->post(kind, slot, nullptr));
}

// `info[1]`: the slot of the port that it follows, if any.
Napi::Value RouterObject::attach(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  const uint32_t older = info[1].IsNumber() ? info[1].As<Napi::Number>().Uint32Value() : 0;
  const bool follows = info[1].IsNumber() && older < kSlotCountMax;
  return ticket(
      env_, router_->attach(slot, follows ? router_->port(static_cast<uint8_t>(older)) : nullptr));
}

// Lets an endpoint share the socket of the one in `slot`, of the same kind and address.
void RouterObject::inherit(uint32_t slot, EndpointOptions& options) {
  if (slot >= kSlotCountMax || router_->port(static_cast<uint8_t>(slot)) == nullptr) return;
  const auto from = static_cast<uint8_t>(slot);
  auto* udp = std::get_if<UdpOptions>(&options);
  auto* tcp = std::get_if<TcpOptions>(&options);
  if (udp != nullptr && slots_[from].kind == "udp") {
    udp->inherited_socket = router_->backend<UdpBackend>(from).socket();
  } else if (tcp != nullptr && slots_[from].kind == "tcp-listen") {
    tcp->inherited_listener = router_->backend<TcpBackend>(from).listener();
  }
}
Napi::Value RouterObject::stop_accepting(const Napi::CallbackInfo& info) {
  return post(info, CommandKind::kStopAccepting);
}
Napi::Value RouterObject::stop_reading(const Napi::CallbackInfo& info) {
  return post(info, CommandKind::kStopReading);
}
Napi::Value RouterObject::refresh(const Napi::CallbackInfo& info) {
  return post(info, CommandKind::kReport);
}
Napi::Value RouterObject::detach(const Napi::CallbackInfo& info) {
  return post(info, CommandKind::kDetach);
}

Napi::Value RouterObject::is_done(const Napi::CallbackInfo& info) {
  const auto value = static_cast<uint64_t>(info[0].ToNumber().Int64Value());
  const Ticket asked{static_cast<uint32_t>(value % kWorkerCountMax), value / kWorkerCountMax};
  const bool done = !router_ || asked.worker >= router_->worker_count() || router_->is_done(asked);
  return Napi::Boolean::New(env_, done);
}

Napi::Value RouterObject::free_slot(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (slot_of(info, slot)) release_slot(slot);
  return env_.Undefined();
}

Napi::Value RouterObject::report(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  const EndpointPort::Report report = router_->port(slot)->report();
  Napi::Object result = Napi::Object::New(env_);
  result.Set("live", report.live);
  result.Set("rxIdle", report.rx_idle);
  result.Set("txIdle", report.tx_idle);
  result.Set("peerCount", report.peer_count);
  result.Set("routed", report.routed);
  return result;
}

Napi::Value RouterObject::wake(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (slot_of(info, slot) && slots_[slot].kind == "memory") {
    router_->backend<MemoryBackend>(slot).wake_worker();
  }
  return env_.Undefined();
}

Status RouterObject::read_bindings(Napi::Env env, const Napi::Value& value, InstallSpec& spec) {
  OptionReader options(env, value);
  const OptionReader::Bytes slots = options.bytes("slots");
  const Napi::Object draining = options.object("draining");
  HR_TRY(options.status());
  bound_slots_.assign(slots.data, slots.data + slots.bytes);
  draining_.clear();
  const uint32_t draining_count = draining.Get("length").ToNumber().Uint32Value();
  for (uint32_t index = 0; index < draining_count && index < kSlotCountMax; ++index) {
    OptionReader entry(env, draining.Get(index));
    draining_.push_back({static_cast<uint8_t>(entry.u32("slot", kSlotCountMax - 1)),
                         static_cast<uint16_t>(entry.u32("endpoint", UINT16_MAX))});
    HR_TRY(entry.status());
  }
  spec.slot_of_endpoint = bound_slots_;
  spec.draining = draining_;
  return Status::success();
}

Napi::Value RouterObject::prepare(const Napi::CallbackInfo& info) {
  if (!is_open()) return env_.Undefined();
  InstallSpec spec;
  Status status = read_bindings(env_, info[0], spec);
  OptionReader options(env_, info[0]);
  if (options.has("image")) {
    const OptionReader::Bytes image = options.bytes("image");
    route_names_ = options.strings("routeNames");
    reject_names_ = options.strings("rejectNames");
    spec.image = {image.data, image.bytes};
    spec.route_names = route_names_;
    spec.reject_names = reject_names_;
    plugin_paths_.clear();
    if (options.has("plugins")) plugin_paths_ = options.strings("plugins");
    spec.plugin_paths = plugin_paths_;
    description_ = options.has("description") ? options.string("description") : std::string();
    spec.description = description_;
    correlation_names_.clear();
    if (options.has("correlationNames")) correlation_names_ = options.strings("correlationNames");
    spec.correlation_names = correlation_names_;
  }
  if (status.ok()) status = options.status();
  if (status.ok()) status = router_->prepare(spec);
  if (!status.ok()) throw_status(env_, status);
  return env_.Undefined();
}

Napi::Value RouterObject::commit(const Napi::CallbackInfo&) {
  if (is_open()) router_->commit();
  return env_.Undefined();
}

Napi::Value RouterObject::grace_passed(const Napi::CallbackInfo&) {
  return Napi::Boolean::New(env_, !router_ || router_->grace_passed());
}

Napi::Value RouterObject::start(const Napi::CallbackInfo&) {
  if (!is_open()) return env_.Undefined();
  if (const Status status = router_->start(); !status.ok()) throw_status(env_, status);
  return env_.Undefined();
}

Napi::Value RouterObject::poll(const Napi::CallbackInfo&) {
  return Napi::Number::New(env_, router_ ? router_->poll() : 0);
}

// Threads end, sockets close, memory goes: what is left is an object that answers ERR_CLOSED.
Napi::Value RouterObject::stop(const Napi::CallbackInfo&) {
  if (router_) napi_remove_env_cleanup_hook(env_, &RouterObject::at_environment_end, this);
  shut_down();
  return env_.Undefined();
}

// A copy of `info[1]` bytes at position `info[0]` of the counters, fewer at their end.
Napi::Value RouterObject::counters(const Napi::CallbackInfo& info) {
  if (!is_open()) return env_.Undefined();
  const Counters& counters = router_->counters();
  const auto position = static_cast<size_t>(info[0].ToNumber().Uint32Value());
  const auto wanted_bytes = static_cast<size_t>(info[1].ToNumber().Uint32Value());
  const size_t from = std::min(position, counters.bytes());
  const size_t copied_bytes = std::min(wanted_bytes, counters.bytes() - from);
  return Napi::Buffer<uint8_t>::Copy(env_, counters.data() + from, copied_bytes);
}

Napi::Value RouterObject::counters_path(const Napi::CallbackInfo&) {
  return Napi::String::New(env_, router_ ? router_->counters().path() : "");
}

Napi::Value RouterObject::collect_metrics(const Napi::CallbackInfo&) {
  if (router_) router_->collect_metrics();
  return env_.Undefined();
}

}  // namespace hyperroute
