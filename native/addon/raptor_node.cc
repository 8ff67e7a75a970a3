// The JavaScript class `RaptorNode`: what JavaScript asks of a node. Thread: JavaScript.
#include "addon/raptor_node.h"

#include "addon/raptor_node_calls.h"
#include "addon/raptor_node_options.h"
#include "addon/values.h"
#include "base/clock.h"
#include "io/raptor/attempt_counters.h"

namespace hyperroute {
namespace {

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

uint32_t u32(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsNumber() ? info[index].As<Napi::Number>().Uint32Value() : 0;
}

Napi::Value key_of(Napi::Env env, const crypto::PublicKey& key) {
  if (key == crypto::PublicKey{}) return env.Null();
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, key.size());
  std::memcpy(bytes.Data(), key.data(), key.size());
  return bytes;
}

Napi::Value address_of(Napi::Env env, const SocketAddress& address) {
  if (address.empty()) return env.Null();
  char text[kAddressTextBytes];
  return Napi::String::New(env, address.print(text));
}

Napi::Value answer(Napi::Env env, const Result<uint32_t>& id) {
  if (id.ok()) return Napi::Number::New(env, id.value());
  throw_status(env, id.status());
  return env.Undefined();
}

const char* kind_name(RaptorNodeEventKind kind) {
  switch (kind) {
    case RaptorNodeEventKind::kSessionOpened:
      return "session";
    case RaptorNodeEventKind::kSessionEnded:
      return "sessionEnd";
    case RaptorNodeEventKind::kConnectFailed:
      return "connectFailed";
    case RaptorNodeEventKind::kReceiverEnded:
      return "receiverDropped";
    case RaptorNodeEventKind::kReceiverLeftOut:
      break;
  }
  return "receiverLeftOut";
}

}  // namespace

Napi::Function RaptorNodeObject::define(Napi::Env env) {
  using Self = RaptorNodeObject;
  RaptorNodeTable* const table = RaptorNodeTable::create();
  const Napi::Function node_class = DefineClass(
      env, "RaptorNode",
      {InstanceMethod<&Self::node_number>("number"), InstanceMethod<&Self::publish>("publish"),
       InstanceMethod<&Self::end_publication>("endPublication"),
       InstanceMethod<&Self::publication_counters>("publicationCounters"),
       InstanceMethod<&Self::subscribe>("subscribe"),
       InstanceMethod<&Self::unsubscribe>("unsubscribe"), InstanceMethod<&Self::pause>("pause"),
       InstanceMethod<&Self::connect>("connect"), InstanceMethod<&Self::disconnect>("disconnect"),
       InstanceMethod<&Self::close_session>("closeSession"),
       InstanceMethod<&Self::take_events>("takeEvents"),
       InstanceMethod<&Self::sessions>("sessions"), InstanceMethod<&Self::counters>("counters"),
       InstanceMethod<&Self::address>("address"), InstanceMethod<&Self::is_drained>("isDrained"),
       InstanceMethod<&Self::set_referenced>("setReferenced"),
       InstanceMethod<&Self::close>("close")},
      table);
  define_raptor_node_calls(env, node_class, table);
  return node_class;
}

RaptorNodeObject::RaptorNodeObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RaptorNodeObject>(info),
      env_(info.Env()),
      table_(static_cast<RaptorNodeTable*>(info.Data())) {
  table_->retain();
  number_ = table_->add(this);
  RaptorNodeOptions options;
  Status status = read_raptor_node_options(env_, info[0], options);
  message_bytes_max_ = options.socket.endpoint.message_bytes_max;
  if (status.ok() && !info[1].IsTypedArray()) {
    status = Status::error(StatusCode::kConfig, "expected a Uint8Array");
  }
  if (status.ok()) {
    buffer_ = Napi::Reference<Napi::Uint8Array>::New(info[1].As<Napi::Uint8Array>(), 1);
    if (!find_buffer()) status = Status::error(StatusCode::kConfig, "the buffer is too small");
  }
  if (status.ok()) status = node_.open(monotonic_ns(), options);
  if (status.ok() && info[2].IsFunction()) {
    on_wake_ = Napi::Persistent(info[2].As<Napi::Function>());
    status = open_wake();
    if (status.ok() && !settle()) node_.wake_at_once();
  }
  if (status.ok()) {
    // The loop refers to it until it is closed.
    Ref();
    is_held_ = true;
    return;
  }
  shut_down();
  throw_status(env_, status);
}

RaptorNodeObject::~RaptorNodeObject() {
  shut_down();
  table_->remove(number_);
  table_->release();
}

Napi::Value RaptorNodeObject::node_number(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), number_);
}

Napi::Value RaptorNodeObject::close(const Napi::CallbackInfo& info) {
  shut_down();
  if (is_held_) Unref();
  is_held_ = false;
  return info.Env().Undefined();
}

Napi::Value RaptorNodeObject::publish(const Napi::CallbackInfo& info) {
  RaptorPublicationOptions options;
  const Status status = read_raptor_publication_options(info.Env(), info[0], options);
  return answer(info.Env(),
                status.ok() ? node_.add_publication(options) : Result<uint32_t>(status));
}

Napi::Value RaptorNodeObject::end_publication(const Napi::CallbackInfo& info) {
  node_.end_publication(u32(info, 0));
  return info.Env().Undefined();
}

Napi::Value RaptorNodeObject::publication_counters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const RaptorPublicationCounters counters = node_.publication_counters(u32(info, 0));
  Napi::Object object = Napi::Object::New(env);
  object.Set("messages", number(env, counters.messages));
  object.Set("backPressure", number(env, counters.back_pressure));
  object.Set("missed", number(env, counters.missed));
  object.Set("receiversDropped", number(env, counters.receivers_ended));
  object.Set("receivers", number(env, counters.receivers));
  return object;
}

// subscribe(labelLow, labelHigh).
Napi::Value RaptorNodeObject::subscribe(const Napi::CallbackInfo& info) {
  auto inbox = std::make_unique<Inbox>(Inbox{this, 0});
  RaptorSubscriptionOptions options;
  options.label = uint64_t{u32(info, 1)} << 32 | u32(info, 0);
  options.sink = {inbox.get(), &RaptorNodeObject::take};
  const Result<uint32_t> id = node_.add_subscription(options);
  if (id.ok()) {
    inbox->subscription = id.value();
    inboxes_.push_back(std::move(inbox));
  }
  return answer(info.Env(), id);
}

Napi::Value RaptorNodeObject::unsubscribe(const Napi::CallbackInfo& info) {
  const uint32_t id = u32(info, 0);
  node_.remove_subscription(id);
  std::erase_if(inboxes_, [id](const auto& inbox) { return inbox->subscription == id; });
  return info.Env().Undefined();
}

// pause(subscription, isPaused).
Napi::Value RaptorNodeObject::pause(const Napi::CallbackInfo& info) {
  const bool is_paused = info[1].ToBoolean().Value();
  node_.pause_subscription(u32(info, 0), is_paused);
  if (!is_paused && wake_ != nullptr) node_.wake_at_once();
  return info.Env().Undefined();
}

Napi::Value RaptorNodeObject::connect(const Napi::CallbackInfo& info) {
  RaptorLinkOptions options;
  const Status status = read_raptor_link_options(info.Env(), info[0], options);
  const Result<uint32_t> link =
      status.ok() ? node_.connect(monotonic_ns(), options) : Result<uint32_t>(status);
  if (link.ok() && wake_ != nullptr) node_.wake_at_once();
  return answer(info.Env(), link);
}

Napi::Value RaptorNodeObject::disconnect(const Napi::CallbackInfo& info) {
  node_.disconnect(monotonic_ns(), u32(info, 0));
  if (node_.is_open() && wake_ != nullptr) node_.wake_at_once();
  return info.Env().Undefined();
}

Napi::Value RaptorNodeObject::close_session(const Napi::CallbackInfo& info) {
  node_.close_session(monotonic_ns(), u32(info, 0));
  if (node_.is_open() && wake_ != nullptr) node_.wake_at_once();
  return info.Env().Undefined();
}

Napi::Value RaptorNodeObject::take_events(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array events = Napi::Array::New(env);
  RaptorNodeEvent event;
  while (node_.next_event(event)) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("kind", kind_name(event.kind));
    object.Set("session", number(env, event.session));
    object.Set("publication", number(env, event.publication));
    object.Set("link", number(env, event.link));
    object.Set("reason", number(env, static_cast<uint64_t>(event.reason)));
    object.Set("refusal", number(env, static_cast<uint64_t>(event.refusal)));
    object.Set("unacknowledged", number(env, event.unacknowledged));
    object.Set("remote", address_of(env, event.remote));
    object.Set("key", key_of(env, event.key));
    events.Set(events.Length(), object);
  }
  return events;
}

Napi::Value RaptorNodeObject::sessions(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<RaptorSessionInfo> infos(node_.session_count());
  const uint32_t count = node_.is_open() ? node_.sessions(infos) : 0;
  Napi::Array sessions = Napi::Array::New(env);
  for (uint32_t index = 0; index < count && index < infos.size(); ++index) {
    const RaptorSessionInfo& session = infos[index];
    Napi::Object object = Napi::Object::New(env);
    object.Set("session", number(env, session.session));
    object.Set("link", number(env, session.link));
    object.Set("remote", address_of(env, session.remote));
    object.Set("key", key_of(env, session.key));
    for (const auto& [name, value] : raptor::kSessionCounterNames) {
      object.Set(name, number(env, session.counters.*value));
    }
    sessions.Set(index, object);
  }
  return sessions;
}

Napi::Value RaptorNodeObject::counters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const RaptorNodeCounters& counters = node_.counters();
  Napi::Object object = Napi::Object::New(env);
  object.Set("received", number(env, counters.received));
  object.Set("unsubscribed", number(env, counters.unsubscribed));
  object.Set("lostAtEnd", number(env, counters.lost_at_end));
  object.Set("unacknowledged", number(env, counters.unacknowledged));
  object.Set("eventsLost", number(env, counters.events_lost));
  object.Set("kernelDrops", number(env, node_.socket_counters().kernel_drops));
  const raptor::RaptorCounters ends =
      node_.is_open() ? node_.endpoint_counters() : raptor::RaptorCounters{};
  object.Set("rejected", number(env, raptor::rejected_datagrams(ends)));
  const AttemptCounts attempts = attempt_counts(ends, node_.socket().key_log_lost());
#define HR_SET_COUNTER(field, js_name) object.Set(js_name, number(env, attempts.field.value));
  HR_ATTEMPT_COUNTERS(HR_SET_COUNTER)
#undef HR_SET_COUNTER
  return object;
}

Napi::Value RaptorNodeObject::address(const Napi::CallbackInfo& info) {
  return address_of(info.Env(), node_.is_open() ? node_.local_address() : SocketAddress());
}

Napi::Value RaptorNodeObject::is_drained(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), node_.is_drained());
}

}  // namespace hyperroute
