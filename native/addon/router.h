// The addon's `Router`: the engine's control interface for lib/router.
// Thread: the JavaScript thread of its environment. Nothing here blocks on a worker.
#pragma once

#include <napi.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "addon/endpoint_options.h"
#include "engine/router.h"

namespace hyperroute {

class RouterObject : public Napi::ObjectWrap<RouterObject> {
 public:
  static void define(Napi::Env env, Napi::Object exports);

  explicit RouterObject(const Napi::CallbackInfo& info);
  ~RouterObject() override;

 private:
  // What belongs to a slot besides its port.
  struct SlotState {
    std::unique_ptr<EndpointOptions> options;
    // New options on their way to the worker, kept until the command is done.
    std::unique_ptr<EndpointOptions> pending;
    QueueOptions queue;
    std::string kind;
    // Memory endpoints: keeps the SharedArrayBuffer alive, and wakes JavaScript.
    Napi::ObjectReference memory;
    napi_threadsafe_function wake = nullptr;
  };

  Napi::Value open_endpoint(const Napi::CallbackInfo& info);
  Napi::Value can_reconfigure_endpoint(const Napi::CallbackInfo& info);
  Napi::Value reconfigure(const Napi::CallbackInfo& info);
  Napi::Value attach(const Napi::CallbackInfo& info);
  void inherit(uint32_t slot, EndpointOptions& options);
  Napi::Value stop_accepting(const Napi::CallbackInfo& info);
  Napi::Value stop_reading(const Napi::CallbackInfo& info);
  Napi::Value refresh(const Napi::CallbackInfo& info);
  Napi::Value detach(const Napi::CallbackInfo& info);
  Napi::Value is_done(const Napi::CallbackInfo& info);
  Napi::Value free_slot(const Napi::CallbackInfo& info);
  Napi::Value report(const Napi::CallbackInfo& info);
  Napi::Value link(const Napi::CallbackInfo& info);
  Napi::Value wake(const Napi::CallbackInfo& info);
  Napi::Value prepare(const Napi::CallbackInfo& info);
  Napi::Value commit(const Napi::CallbackInfo& info);
  Napi::Value grace_passed(const Napi::CallbackInfo& info);
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value poll(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value counters_path(const Napi::CallbackInfo& info);
  Napi::Value collect_metrics(const Napi::CallbackInfo& info);

  // Control of what is open (router_control.cc).
  Napi::Value set_standing(const Napi::CallbackInfo& info);
  Napi::Value set_limits(const Napi::CallbackInfo& info);
  Napi::Value read_control(const Napi::CallbackInfo& info);

  // Its recording (router_recording.cc).
  Napi::Value begin_recording(const Napi::CallbackInfo& info);
  Napi::Value end_recording(const Napi::CallbackInfo& info);
  Napi::Value read_recording(const Napi::CallbackInfo& info);

  static void at_environment_end(void* self);
  void shut_down();
  // Whether stop() has not been called; throws ERR_CLOSED if it has.
  bool is_open();
  bool slot_of(const Napi::CallbackInfo& info, uint8_t& slot);
  Napi::Value post(const Napi::CallbackInfo& info, CommandKind kind);
  Napi::Value ticket(Napi::Env env, const Result<Ticket>& result);
  Result<uint8_t> open_kind(const PortSpec& spec, const EndpointOptions& options);
  void prepare_memory(Napi::Env env, const Napi::Value& value, SlotState& state,
                      MemoryOptions& options);
  Napi::Value endpoint_info(Napi::Env env, uint8_t slot);
  Status read_bindings(Napi::Env env, const Napi::Value& value, InstallSpec& spec);
  void release_slot(uint8_t slot);

  RouterShape shape() const { return {router_->worker_count(), is_inline_}; }
  // Null where another kind is.
  const RaptorBackend* raptor_at(uint8_t slot);

  Napi::Env env_;
  bool is_inline_ = false;
  std::unique_ptr<Router> router_;
  std::array<SlotState, kSlotCountMax> slots_;
  // Storage behind the spans of the InstallSpec in hand.
  std::vector<uint8_t> bound_slots_;
  std::vector<InstallSpec::Draining> draining_;
  std::vector<std::string> route_names_;
  std::vector<std::string> reject_names_;
  std::vector<std::string> plugin_paths_;
  std::string description_;
  std::vector<std::string> correlation_names_;
};

}  // namespace hyperroute
