// Which worker serves which correlations, and what becomes of their tables. Thread: control.
#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "engine/correlated_datapath.h"
#include "engine/router.h"

namespace hyperroute {
namespace {

constexpr uint32_t kNoWorker = UINT32_MAX;
constexpr uint32_t kTwoWorkers = UINT32_MAX - 1;

// By correlation: the worker whose endpoints' routes use it.
class Users {
 public:
  explicit Users(const ImageTables& tables)
      : tables_(tables), workers_(tables.correlations.count, kNoWorker) {}

  // An endpoint of the image is read by a worker.
  void add_endpoint(uint16_t endpoint, uint32_t worker) {
    const EndpointRecord& record = tables_.endpoints[endpoint];
    const FamilyRecord& family = tables_.families[record.family];
    for (uint32_t slot = 0; slot < family.member_count; ++slot) {
      const uint16_t route = tables_.endpoint_routes[record.routes + slot];
      if (route != kNoIndex) add_route(tables_.routes[route], worker);
    }
  }

  [[nodiscard]] uint32_t worker_of(uint32_t correlation) const { return workers_[correlation]; }

 private:
  void add_route(const RouteRecord& route, uint32_t worker) {
    for (uint32_t check = 0; check < route.check_count; ++check) {
      const CheckRecord& record = tables_.checks[route.checks + check];
      if (record.kind == CheckKind::kLookup) {
        add(tables_.lookups[record.table].correlation, worker);
      }
    }
    for (uint32_t rule = 0; rule < route.rule_count; ++rule) {
      const uint16_t extra = tables_.actions[tables_.slots[route.actions + rule]].extra;
      if (extra == kNoIndex || tables_.extras[extra].opening == kNoIndex) continue;
      add(tables_.openings[tables_.extras[extra].opening].correlation, worker);
    }
  }

  void add(uint16_t correlation, uint32_t worker) {
    uint32_t& user = workers_[correlation];
    user = user == kNoWorker || user == worker ? worker : kTwoWorkers;
  }

  const ImageTables& tables_;
  std::vector<uint32_t> workers_;
};

// Another for each table, so that an id that comes late meets no entry of a later one.
uint32_t first_generation() { return static_cast<uint32_t>(random_state(monotonic_ns()) >> 32); }

}  // namespace

// The table that runs, if it is the same correlation at the same worker; else a new one.
Status Router::make_correlation(const Installed& installed, uint32_t index, uint32_t worker,
                                CorrelationUse& use) {
  const CorrelationRecord& record = installed.image.tables().correlations[index];
  const std::string& name = installed.correlation_names[index];
  HR_TRY(metrics_.correlation(name, worker, use.counters));
  const size_t former_count = installed_ ? installed_->correlation_names.size() : 0;
  for (size_t former = 0; former < former_count; ++former) {
    const auto& kept = installed_->views[worker].correlations[former].kept;
    if (installed_->correlation_names[former] != name || kept == nullptr) continue;
    if (kept->table->record() == record) {
      use.kept = kept;
      return Status::success();
    }
  }
  auto table = CorrelationTable::create(record, first_generation());
  if (!table.ok()) return table.status();
  use.kept = std::make_shared<KeptTable>();
  use.kept->table = table.take();
  use.kept->number = ++table_count_;
  use.kept->table->listen(&entry_removed, workers_[worker]->listener());
  return Status::success();
}

Status Router::bind_correlations(const InstallSpec& spec, Installed& installed) {
  const uint32_t count = installed.summary.correlation_count;
  if (spec.correlation_names.size() != count) {
    return Status::error(StatusCode::kConfig, "the image has %u correlations, not %zu", count,
                         spec.correlation_names.size());
  }
  installed.correlation_names.assign(spec.correlation_names.begin(), spec.correlation_names.end());
  Users users(installed.image.tables());
  for (uint32_t slot = 0; slot < kSlotCountMax; ++slot) {
    const uint16_t endpoint = installed.source_of_slot[slot];
    if (endpoint != kNoIndex) users.add_endpoint(endpoint, slots_[slot].port->owner());
  }
  for (WorkerView& view : installed.views) {
    view.correlations.resize(count);
    view.tables.assign(count, nullptr);
    view.correlating.tables = view.tables.data();
    view.step.correlating = &view.correlating;
  }
  for (uint32_t index = 0; index < count; ++index) {
    const uint32_t worker = users.worker_of(index);
    if (worker == kTwoWorkers) {
      return Status::error(StatusCode::kConfig,
                           "correlation %s: its routes read from endpoints of two workers",
                           installed.correlation_names[index].c_str());
    }
    if (worker == kNoWorker) continue;
    WorkerView& view = installed.views[worker];
    HR_TRY(make_correlation(installed, index, worker, view.correlations[index]));
    view.tables[index] = view.correlations[index].kept->table.get();
    view.prefetches |= view.tables[index]->bytes() > kNearTableBytesMax;
  }
  return Status::success();
}

// Of an image that nobody uses any more: tables that no later one has taken over go, and their
// destinations wait for nothing of it.
void Router::forget_correlations(const Installed& installed) {
  for (const WorkerView& view : installed.views) {
    for (const CorrelationUse& use : view.correlations) {
      if (use.kept == nullptr || use.kept.use_count() > 1) continue;
      const CorrelationTable& table = *use.kept->table;
      table.each_open([this](uint64_t destination) {
        const uint8_t slot = return_address_slot(destination);
        SlotControl& control = controls_[slot];
        if (slots_[slot].port == nullptr) return;
        if (word(control.instance) == (destination & 0xFFFFFF)) control.note_forgotten();
      });
      add_word(*use.counters.forgotten, table.open_count());
    }
  }
}

}  // namespace hyperroute
