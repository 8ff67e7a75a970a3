// A running router as the control thread sees it: workers, open endpoints, the installed image.
//
// Thread: control, all of it (inline: the polling thread is the control thread). Nothing here
// waits for a worker; what takes time is begun here and asked about later (is_done, grace_passed,
// report), so that a JavaScript thread never blocks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/endpoint_driver.h"
#include "engine/endpoint_port.h"
#include "engine/installed.h"
#include "engine/metrics.h"
#include "engine/qsbr.h"
#include "engine/recording.h"
#include "engine/slot_control.h"
#include "engine/worker.h"

namespace hyperroute {

struct RouterOptions {
  CountersOptions counters;
  std::vector<WorkerOptions> workers;
  // The caller polls the only worker; no thread is started.
  bool inline_model = false;
};

struct PortSpec {
  std::string name;
  uint32_t worker = 0;
  QueueOptions queue;
};

// How an image is bound to what is open.
struct InstallSpec {
  // Empty: the image that runs is bound once more, under the names it has.
  std::span<const uint8_t> image;
  // By endpoint of the image: its slot.
  std::span<const uint8_t> slot_of_endpoint;
  // Slots that are read as an endpoint of the image although it has moved to another slot: they
  // are being drained.
  struct Draining {
    uint8_t slot;
    uint16_t endpoint;
  };
  std::span<const Draining> draining;
  std::span<const std::string> route_names;
  // By reject code: its name; empty: not used. As long as the largest code + 1.
  std::span<const std::string> reject_names;
  // The libraries that the image's plug-ins are in, by number. Absolute.
  std::span<const std::string> plugin_paths;
  // What a recording says of the image: names, for people.
  std::string_view description;
  // By correlation of the image: what keeps its entries where the next image has the same one.
  std::span<const std::string> correlation_names;
};

// A command on its way.
struct Ticket {
  uint32_t worker;
  uint64_t number;
};

class Router {
 public:
  static Result<std::unique_ptr<Router>> create(const RouterOptions& options);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Opens the endpoint's sockets and gives it a slot. It is not read before attach(), and its
  // messages go nowhere before an image names it.
  template <MessageBackend Backend>
  Result<uint8_t> open_endpoint(const PortSpec& spec, const typename Backend::Options& options);
  // Hands the port to its worker. `older`: the same endpoint's port that it follows, if any and
  // if the same worker still has it.
  Result<Ticket> attach(uint8_t slot, const EndpointPort* older = nullptr) {
    return post(CommandKind::kAttach, slot, older);
  }
  Result<Ticket> post(CommandKind kind, uint8_t slot, const void* argument);
  [[nodiscard]] bool is_done(const Ticket& ticket) const {
    return workers_[ticket.worker]->is_done(ticket.number);
  }
  // Frees a slot that was never attached, or whose kDetach is done, and that no worker can reach
  // any more because an image without it is installed and its grace period has passed.
  void free_slot(uint8_t slot);
  [[nodiscard]] EndpointPort* port(uint8_t slot) const { return slots_[slot].port.get(); }
  // The backend behind a slot, of the type it was opened as; for its address before attach().
  template <MessageBackend Backend>
  Backend& backend(uint8_t slot) {
    return static_cast<EndpointDriver<Backend>&>(*slots_[slot].port).backend();
  }

  // What the pools take of the endpoint's share of messages, and what control counts of it
  // (router_control.cc). A share applies once the endpoint's worker has had a kReport after it.
  struct Standing {
    uint8_t share = kAlive;
    uint32_t state = 0;
    bool is_shut = false;
    uint64_t ejections = 0;
    uint64_t trips = 0;
    uint64_t probes_failed = 0;
  };
  void set_standing(uint8_t slot, const Standing& standing);
  void set_limits(uint8_t slot, const LimitOptions& limits) { controls_[slot].set_limits(limits); }
  [[nodiscard]] SlotReport read_control(uint8_t slot) const;

  // Verifies the image (none: the one that runs) and binds it, without touching what runs. All
  // that can fail fails here.
  Status prepare(const InstallSpec& spec);
  // Swaps in what was prepared last.
  void commit();
  // Whether no worker uses a former image any more; frees them as they become free.
  [[nodiscard]] bool grace_passed();

  // Records what is decided from now on (router_recording.cc); `description`: of the image that
  // runs. kState: a recording goes on; kLimit: a worker has too many commands waiting. An ended one
  // is forgotten when the next one begins.
  Status begin_recording(const RecordingOptions& options, std::string_view description);
  // Asks the workers to note nothing more; the recording ends once they have seen that. kLimit: a
  // worker has too many commands waiting; the recording goes on, and this may be tried again.
  Status end_recording();
  // False: there has been no recording. To be asked until the report has a reason.
  [[nodiscard]] bool read_recording(Recording::Report& report);

  Status start();
  uint32_t poll();
  // Ends the workers' threads; endpoints stay open, and commands are carried out at once here.
  void stop();

  // Forgets counters of endpoints and routes that are gone. After grace_passed().
  void collect_metrics();
  [[nodiscard]] const Counters& counters() const { return metrics_.counters(); }
  [[nodiscard]] uint32_t worker_count() const { return static_cast<uint32_t>(workers_.size()); }

 private:
  struct Slot {
    std::unique_ptr<EndpointPort> port;
    bool is_detached = false;  // kDetach was posted: nobody may look into the port after it.
    uint16_t generation_seed = 0;
    Counter sent = nullptr;
    // Slots are taken in the order they were freed, so that a stale return address meets a free
    // slot, not a stranger, for as long as possible.
    uint64_t freed_at = 0;
  };
  struct Retired {
    std::unique_ptr<Installed> installed;
    uint64_t epoch;
  };

  Router() = default;

  Result<uint8_t> find_slot();
  [[nodiscard]] Status has_room() const;
  void post_notes(bool is_recorded);
  void tell_recording(const Installed& installed);
  Result<std::unique_ptr<Installed>> bind(const InstallSpec& spec);
  Status bind_slots(const InstallSpec& spec, Installed& installed) const;
  void read_shares(Installed& installed) const;
  void bind_turns(uint32_t worker, Installed& installed) const;
  Status bind_worker(const InstallSpec& spec, uint32_t worker, Installed& installed);
  Status bind_correlations(const InstallSpec& spec, Installed& installed);
  Status make_correlation(const Installed& installed, uint32_t index, uint32_t worker,
                          CorrelationUse& use);
  void forget_correlations(const Installed& installed);
  Status take_metrics(std::span<const std::string> route_names,
                      std::span<const std::string> reject_names, uint32_t worker, WorkerView& view);

  bool inline_model_ = false;
  uint32_t sample_every_ = 0;
  Metrics metrics_;
  Qsbr qsbr_;
  // The image that runs; the workers' only way to it. Null before the first install.
  std::atomic<Installed*> current_{nullptr};
  std::unique_ptr<Installed> installed_;
  std::unique_ptr<Installed> prepared_;
  std::vector<Retired> retired_;
  std::array<Slot, kSlotCountMax> slots_;
  std::array<SlotControl, kSlotCountMax> controls_;
  uint64_t freed_count_ = 0;
  // Before the workers, whose threads use its notes: they end first.
  std::unique_ptr<Recording> recording_;
  std::vector<Ticket> recording_tickets_;
  bool is_recording_detached_ = false;
  uint64_t installed_count_ = 0;
  uint32_t image_count_ = 0;
  uint32_t table_count_ = 0;  // Of correlations.
  std::vector<std::unique_ptr<Worker>> workers_;
};

template <MessageBackend Backend>
Result<uint8_t> Router::open_endpoint(const PortSpec& spec,
                                      const typename Backend::Options& options) {
  if (spec.worker >= worker_count()) {
    return Status::error(StatusCode::kConfig, "endpoint %s: there is no worker %u",
                         spec.name.c_str(), spec.worker);
  }
  auto slot = find_slot();
  if (!slot.ok()) return slot.status();
  EndpointCounters counters{};
  HR_TRY(metrics_.endpoint(spec.name, spec.worker, counters));
  if constexpr (requires { Backend::kSessionCounterNames; }) {
    HR_TRY(metrics_.attempts(spec.name, spec.worker, counters.attempts));
    HR_TRY(metrics_.sessions(spec.name, spec.worker, Backend::kSessionCounterNames,
                             counters.sessions));
  }
  ControlCounters control_counters;
  HR_TRY(metrics_.control(spec.name, spec.worker, control_counters));
  auto backend = std::make_unique<Backend>();
  Slot& place = slots_[slot.value()];
  HR_TRY(backend->open(options, counters, place.generation_seed));
  auto driver = std::make_unique<EndpointDriver<Backend>>(spec.name, slot.value(), spec.worker,
                                                          std::move(backend), counters);
  if (const Status status = driver->make_queues(spec.queue, worker_count()); !status.ok()) {
    driver->close();
    return status;
  }
  SlotControl& control = controls_[slot.value()];
  control.reset();
  control.counters = control_counters;
  set_word(*control_counters.share, kAlive);
  driver->set_control(control);
  place.sent = counters.tx_messages;
  place.port = std::move(driver);
  return slot;
}

}  // namespace hyperroute
