// The JavaScript class `RaptorNode`: a Raptor node served by the event loop of its environment.
//
// The socket's descriptor lies in the loop (uv_poll): a wake-up reads what has come, hands all of
// it to JavaScript by one call, and sends what that call and its microtasks offered. Messages are
// copied once, into a buffer of JavaScript's, and not referred to afterwards. A polled node has no
// place in the loop and is served by poll() alone.
// Thread: JavaScript. Data path: offer, poll, flush (raptor_node_calls.h) and the wake-up.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/raptor/raptor_node.h"

namespace hyperroute {

class RaptorNodeTable;
struct RaptorWake;

class RaptorNodeObject : public Napi::ObjectWrap<RaptorNodeObject> {
 public:
  static Napi::Function define(Napi::Env env);

  // new RaptorNode(options, buffer, onWake): `buffer` takes what has come; onWake is called when
  // it holds something, undefined for a polled node.
  explicit RaptorNodeObject(const Napi::CallbackInfo& info);
  ~RaptorNodeObject() override;

  // The descriptor is readable.
  void serve();
  // The environment ends, or close() was called. Idempotent.
  void shut_down();

  // The position, or a negative offer code.
  int64_t offer(uint32_t publication, std::span<const uint8_t> message) noexcept;
  // Of a polled node: sends what is due, such as acknowledgements, and receives; the messages are
  // in the buffer then.
  void poll();
  // Sends what was offered. A polled node does not sleep, and needs no timer; one that is being
  // served is made ready to sleep once that is done.
  void flush();

 private:
  // Who a subscription's messages are for.
  struct Inbox {
    RaptorNodeObject* object;
    uint32_t subscription;
  };

  Napi::Value node_number(const Napi::CallbackInfo& info);
  Napi::Value publish(const Napi::CallbackInfo& info);
  Napi::Value end_publication(const Napi::CallbackInfo& info);
  Napi::Value publication_counters(const Napi::CallbackInfo& info);
  Napi::Value subscribe(const Napi::CallbackInfo& info);
  Napi::Value unsubscribe(const Napi::CallbackInfo& info);
  Napi::Value pause(const Napi::CallbackInfo& info);
  Napi::Value connect(const Napi::CallbackInfo& info);
  Napi::Value disconnect(const Napi::CallbackInfo& info);
  Napi::Value close_session(const Napi::CallbackInfo& info);
  Napi::Value take_events(const Napi::CallbackInfo& info);
  Napi::Value sessions(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value address(const Napi::CallbackInfo& info);
  Napi::Value is_drained(const Napi::CallbackInfo& info);
  Napi::Value set_referenced(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Status open_wake();
  bool find_buffer();
  void receive(uint64_t now_ns);
  bool call_javascript();
  bool settle();
  static uint32_t take(void* inbox, std::span<const raptor::MessageView> views);
  uint32_t take_views(uint32_t subscription, std::span<const raptor::MessageView> views) noexcept;

  napi_env env_;
  RaptorNodeTable* table_;
  uint32_t number_ = 0;  // In the table.
  RaptorNode node_;
  uint32_t message_bytes_max_ = 0;  // Of received ones.
  RaptorWake* wake_ = nullptr;
  bool is_serving_ = false;  // JavaScript runs on behalf of a wake-up.
  bool is_held_ = false;     // Against the garbage collector, while it is open.
  Napi::Reference<Napi::Uint8Array> buffer_;
  Napi::FunctionReference on_wake_;
  std::vector<std::unique_ptr<Inbox>> inboxes_;

  // The buffer, which lives as long as buffer_.
  uint8_t* batch_ = nullptr;
  uint32_t batch_capacity_bytes_ = 0;
  uint32_t batch_bytes_ = 0;
  bool is_full_ = false;  // Something found no room in it.
};

}  // namespace hyperroute
