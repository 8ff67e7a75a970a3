// A running router: slots, images, commands. Thread: control.
#include "engine/router.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "include/hyperroute/codes.h"

namespace hyperroute {
namespace {

constexpr uint32_t kRejectCodeCountMax = kRejectCodeUserMax + 1;

// Whose loads the image's pools look at.
void find_compared(Installed& installed) {
  const ImageTables& tables = installed.image.tables();
  std::vector<bool> is_compared(installed.summary.endpoint_count);
  for (uint32_t index = 0; index < installed.summary.pool_count; ++index) {
    const PoolRecord& pool = tables.pools[index];
    if (pool.kind != PoolKind::kLeastLoaded && pool.kind != PoolKind::kTwoChoices) continue;
    for (uint32_t member = 0; member < pool.member_count; ++member) {
      is_compared[tables.pool_members[pool.members + member].endpoint] = true;
    }
  }
  for (uint16_t endpoint = 0; endpoint < is_compared.size(); ++endpoint) {
    if (is_compared[endpoint]) installed.compared.push_back(endpoint);
  }
}

// Whether turns of one image's pools make sense in the other's. Any position does for any pool;
// members and weights may be others.
bool same_pools(const Installed& before, const Installed& after) {
  const Table<PoolRecord>& old_pools = before.image.tables().pools;
  const Table<PoolRecord>& pools = after.image.tables().pools;
  if (old_pools.count != pools.count) return false;
  for (uint32_t index = 0; index < pools.count; ++index) {
    if (old_pools[index].kind != pools[index].kind) return false;
  }
  return true;
}

bool same_taps(const Installed& before, const Installed& after) {
  const Table<TapRecord>& old_taps = before.image.tables().taps;
  const Table<TapRecord>& taps = after.image.tables().taps;
  if (old_taps.count != taps.count) return false;
  for (uint32_t index = 0; index < taps.count; ++index) {
    if (old_taps[index].every != taps[index].every) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Router>> Router::create(const RouterOptions& options) {
  const size_t worker_count = options.workers.size();
  if (worker_count == 0 || worker_count > kWorkerCountMax) {
    return Status::error(StatusCode::kLimit, "%zu workers; a router has 1 to %u", worker_count,
                         kWorkerCountMax);
  }
  // Before anything is made: a CPU that does not exist must leave nothing half-started.
  for (const WorkerOptions& worker : options.workers) {
    if (worker.cpu >= 0) HR_TRY(check_cpu(static_cast<uint32_t>(worker.cpu)));
  }
  clock_init();
  std::unique_ptr<Router> router(new Router());
  router->inline_model_ = options.inline_model;
  HR_TRY(router->metrics_.open(options.counters));
  std::array<Parker*, kWorkerCountMax> parkers{};
  for (uint32_t index = 0; index < worker_count; ++index) {
    const WorkerOptions& worker = options.workers[index];
    router->sample_every_ = std::max(router->sample_every_, worker.sample_every);
    WorkerCounters counters{};
    HR_TRY(router->metrics_.worker(worker.name, index, counters));
    router->workers_.push_back(
        std::make_unique<Worker>(index, worker, router->qsbr_, router->current_));
    HR_TRY(router->workers_.back()->open(counters));
    parkers[index] = &router->workers_.back()->parker();
  }
  for (const auto& worker : router->workers_) worker->set_parkers(parkers);
  return router;
}

Router::~Router() {
  stop();
  for (uint32_t slot = 0; slot < kSlotCountMax; ++slot) free_slot(static_cast<uint8_t>(slot));
}

Result<uint8_t> Router::find_slot() {
  const Slot* best = nullptr;
  for (const Slot& slot : slots_) {
    if (!slot.port && (best == nullptr || slot.freed_at < best->freed_at)) best = &slot;
  }
  if (best == nullptr) {
    return Status::error(StatusCode::kLimit, "%u endpoints are open or still draining",
                         kSlotCountMax);
  }
  return static_cast<uint8_t>(best - slots_.data());
}

Result<Ticket> Router::post(CommandKind kind, uint8_t slot, const void* argument) {
  EndpointPort* target = slots_[slot].port.get();
  if (target == nullptr) return Status::error(StatusCode::kNotFound, "slot %u is free", slot);
  // Commands are carried out in order, and the slot may be freed as soon as this one is done.
  if (slots_[slot].is_detached) {
    return Status::error(StatusCode::kNotFound, "the endpoint in slot %u is closed", slot);
  }
  Worker& worker = *workers_[target->owner()];
  const uint64_t number = worker.post(Command{kind, 0, target, argument});
  if (number == 0) {
    return Status::error(StatusCode::kLimit, "worker %s has too many commands waiting",
                         worker.options().name.c_str());
  }
  slots_[slot].is_detached = kind == CommandKind::kDetach;
  return Ticket{target->owner(), number};
}

void Router::free_slot(uint8_t slot) {
  Slot& place = slots_[slot];
  if (!place.port) return;
  place.port->close();
  place.generation_seed = place.port->generation_after();
  place.port.reset();
  place.is_detached = false;
  place.freed_at = ++freed_count_;
}

Status Router::bind_slots(const InstallSpec& spec, Installed& installed) const {
  const uint32_t endpoint_count = installed.summary.endpoint_count;
  if (spec.slot_of_endpoint.size() != endpoint_count ||
      spec.route_names.size() != installed.summary.route_count) {
    return Status::error(StatusCode::kConfig,
                         "the image has %u endpoints and %u routes, not %zu "
                         "and %zu",
                         endpoint_count, installed.summary.route_count,
                         spec.slot_of_endpoint.size(), spec.route_names.size());
  }
  installed.slot_of_endpoint.assign(spec.slot_of_endpoint.begin(), spec.slot_of_endpoint.end());
  installed.source_of_slot.fill(kNoIndex);
  installed.alive = std::make_unique<uint8_t[]>(endpoint_count);
  for (uint16_t endpoint = 0; endpoint < endpoint_count; ++endpoint) {
    const uint8_t slot = spec.slot_of_endpoint[endpoint];
    if (!slots_[slot].port || installed.source_of_slot[slot] != kNoIndex) {
      return Status::error(StatusCode::kConfig, "endpoint %u: slot %u is free or taken twice",
                           endpoint, slot);
    }
    installed.source_of_slot[slot] = endpoint;
  }
  for (const InstallSpec::Draining& draining : spec.draining) {
    if (!slots_[draining.slot].port || draining.endpoint >= endpoint_count) {
      return Status::error(StatusCode::kConfig, "draining slot %u is free", draining.slot);
    }
    installed.source_of_slot[draining.slot] = draining.endpoint;
  }
  return Status::success();
}

void Router::read_shares(Installed& installed) const {
  for (uint16_t endpoint = 0; endpoint < installed.summary.endpoint_count; ++endpoint) {
    const uint8_t slot = installed.slot_of_endpoint[endpoint];
    const uint8_t share = word(controls_[slot].share);
    installed.alive[endpoint] = slots_[slot].port->report().live ? share : kDead;
  }
}

Status Router::bind_worker(const InstallSpec& spec, uint32_t worker, Installed& installed) {
  WorkerView& view = installed.views[worker];
  for (uint32_t slot = 0; slot < kSlotCountMax; ++slot) {
    if (installed.source_of_slot[slot] == kNoIndex) continue;
    EndpointPort* const target = slots_[slot].port.get();
    view.destinations[slot] =
        Destination{target->queues()[worker].get(), target, &target->control()};
  }
  bind_turns(worker, installed);
  view.fan_out = std::make_unique<FanOut>();
  view.step.pool_positions = view.pool_positions->data();
  view.step.tap_counts = view.tap_counts->data();
  view.step.fan_out = view.fan_out.get();
  view.step.alive = installed.alive.get();
  view.loads.assign(installed.summary.endpoint_count, EndpointLoad{});
  view.compares_loads = !installed.compared.empty();
  view.step.load = view.loads.data();
  view.step.scratch = workers_[worker]->scratch();
  return take_metrics(spec.route_names, spec.reject_names, worker, view);
}

void Router::bind_turns(uint32_t worker, Installed& installed) const {
  WorkerView& view = installed.views[worker];
  const WorkerView* before = installed_ ? &installed_->views[worker] : nullptr;
  const bool has_pools = before != nullptr && same_pools(*installed_, installed);
  view.pool_positions =
      has_pools ? before->pool_positions
                : std::make_shared<std::vector<uint32_t>>(installed.summary.pool_count, 0u);
  const bool has_taps = before != nullptr && same_taps(*installed_, installed);
  view.tap_counts = has_taps
                        ? before->tap_counts
                        : std::make_shared<std::vector<uint32_t>>(installed.summary.tap_count, 0u);
}

Status Router::take_metrics(std::span<const std::string> route_names,
                            std::span<const std::string> reject_names, uint32_t worker,
                            WorkerView& view) {
  view.routes.resize(route_names.size());
  view.latency.resize(route_names.size() * worker_count());
  for (size_t route = 0; route < route_names.size(); ++route) {
    HR_TRY(metrics_.route(route_names[route], worker, view.routes[route]));
    if (sample_every_ == 0) continue;
    for (uint32_t owner = 0; owner < worker_count(); ++owner) {
      HR_TRY(metrics_.latency(route_names[route], owner,
                              view.latency[route * worker_count() + owner]));
    }
  }
  Counter other = nullptr;
  HR_TRY(metrics_.reject("OTHER", worker, other));
  view.rejects.assign(reject_names.size() + 1, other);
  for (size_t code = 0; code < reject_names.size(); ++code) {
    if (reject_names[code].empty()) continue;
    HR_TRY(metrics_.reject(reject_names[code], worker, view.rejects[code]));
  }
  return metrics_.reject("UNDELIVERED", worker, view.rejects_undelivered);
}

Result<std::unique_ptr<Installed>> Router::bind(const InstallSpec& spec) {
  auto installed = std::make_unique<Installed>();
  installed->image_bytes.assign(spec.image.begin(), spec.image.end());
  installed->route_names.assign(spec.route_names.begin(), spec.route_names.end());
  installed->reject_names.assign(spec.reject_names.begin(), spec.reject_names.end());
  installed->plugin_paths.assign(spec.plugin_paths.begin(), spec.plugin_paths.end());
  installed->description = spec.description;
  HR_TRY(RouteImage::load(spec.image, installed->image));
  HR_TRY(installed->plugins.bind(installed->plugin_paths, installed->image));
  installed->summary = installed->image.summary();
  if (spec.reject_names.size() > kRejectCodeCountMax) {
    return Status::error(StatusCode::kLimit, "reject codes go up to %u", kRejectCodeUserMax);
  }
  installed->worker_count = worker_count();
  find_compared(*installed);
  installed->views.resize(worker_count());
  HR_TRY(bind_slots(spec, *installed));
  for (uint32_t worker = 0; worker < worker_count(); ++worker) {
    HR_TRY(bind_worker(spec, worker, *installed));
  }
  HR_TRY(bind_correlations(spec, *installed));
  return installed;
}

Status Router::prepare(const InstallSpec& spec) {
  InstallSpec complete = spec;
  if (spec.image.empty()) {
    if (!installed_) return Status::error(StatusCode::kState, "no image is installed yet");
    complete.image = installed_->image_bytes;
    complete.route_names = installed_->route_names;
    complete.reject_names = installed_->reject_names;
    complete.plugin_paths = installed_->plugin_paths;
    complete.description = installed_->description;
    complete.correlation_names = installed_->correlation_names;
  }
  auto installed = bind(complete);
  if (!installed.ok()) return installed.status();
  prepared_ = installed.take();
  prepared_->sequence = ++installed_count_;
  prepared_->image_number = spec.image.empty() ? installed_->image_number : ++image_count_;
  return Status::success();
}

void Router::commit() {
  HR_ASSERT(prepared_ != nullptr);
  // Not when it was prepared: standings may have been told since, of new endpoints too.
  read_shares(*prepared_);
  tell_recording(*prepared_);
  // Q7 seq_cst: before the epoch begins (qsbr.h); pairs with the workers' loads.
  current_.store(prepared_.get(), std::memory_order_seq_cst);
  const uint64_t epoch = qsbr_.begin_grace();
  if (installed_) retired_.push_back(Retired{std::move(installed_), epoch});
  installed_ = std::move(prepared_);
}

bool Router::grace_passed() {
  std::erase_if(retired_, [this](const Retired& old) {
    if (!qsbr_.passed(old.epoch)) return false;
    forget_correlations(*old.installed);
    return true;
  });
  return retired_.empty();
}

Status Router::start() {
  if (inline_model_) return Status::success();
  for (const auto& worker : workers_) {
    if (const Status status = worker->start(); !status.ok()) {
      stop();
      return status;
    }
  }
  return Status::success();
}

uint32_t Router::poll() { return inline_model_ ? workers_[0]->poll() : 0; }

void Router::stop() {
  for (const auto& worker : workers_) worker->stop();
}

void Router::collect_metrics() {
  metrics_.begin_sweep();
  EndpointCounters endpoint_counters{};
  ControlCounters control_counters;
  for (const Slot& slot : slots_) {
    if (slot.port) {
      (void)metrics_.control(slot.port->name(), slot.port->owner(), control_counters);
      (void)metrics_.endpoint(slot.port->name(), slot.port->owner(), endpoint_counters);
      metrics_.keep_sessions(slot.port->name(), slot.port->owner());
    }
  }
  WorkerCounters worker_counters{};
  for (uint32_t index = 0; index < worker_count(); ++index) {
    (void)metrics_.worker(workers_[index]->options().name, index, worker_counters);
    WorkerView kept;
    if (installed_) {
      (void)take_metrics(installed_->route_names, installed_->reject_names, index, kept);
      CorrelationCounters correlation_counters;
      for (size_t at = 0; at < installed_->correlation_names.size(); ++at) {
        if (installed_->views[index].tables[at] == nullptr) continue;
        (void)metrics_.correlation(installed_->correlation_names[at], index, correlation_counters);
      }
    }
  }
  metrics_.sweep();
}

}  // namespace hyperroute
