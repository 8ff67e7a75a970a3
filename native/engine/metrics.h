// What a router counts, by name: hands out slots of the counters file and takes them back.
//
// Labels are "endpoint/NAME/COUNTER", "route/NAME/COUNTER", "reject/CODE", "worker/NAME/COUNTER",
// "correlation/NAME/COUNTER" and, of rows, "endpoint/NAME/sessions"; the same label may stand there
// once for each worker, and a reader adds them up. A name that goes and comes back keeps its counts
// while the router runs. Thread: control. Data path: only the pointers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/installed.h"
#include "engine/slot_control.h"
#include "engine/worker.h"
#include "io/endpoint.h"
#include "ring/counters.h"

namespace hyperroute {

class Metrics {
 public:
  Status open(const CountersOptions& options) { return counters_.open(options); }
  void close() { counters_.close(); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

  Status endpoint(std::string_view name, uint32_t worker, EndpointCounters& out);
  // The rows about its sessions, of a backend that has any; `names`: of what it counts of each.
  Status sessions(std::string_view name, uint32_t worker, std::string_view names, SessionRows& out);
  // Of the same backends: why sessions did not come to be.
  Status attempts(std::string_view name, uint32_t worker, EndpointCounters::Attempts& out);
  // Beside these; written by any worker or by the control thread (slot_control.h).
  Status control(std::string_view name, uint32_t worker, ControlCounters& out);
  Status route(std::string_view name, uint32_t worker, RouteCounters& out);
  Status latency(std::string_view route, uint32_t worker, Histogram& out);
  Status correlation(std::string_view name, uint32_t worker, CorrelationCounters& out);
  Status reject(std::string_view code_name, uint32_t worker, Counter& out);
  Status worker(std::string_view name, uint32_t worker, WorkerCounters& out);

  // Removes what has not been asked for since the last sweep: endpoints and routes that an update
  // took away. Call when no worker can count there any more.
  void begin_sweep();
  // Those of an endpoint's sessions() and attempts(), where it has any.
  void keep_sessions(std::string_view name, uint32_t worker);
  void sweep();

 private:
  struct Entry {
    Counters::Value value;
    bool used = true;
  };

  void keep(std::string_view group, std::string_view name, std::string_view what, uint32_t worker);
  Status take(std::string_view group, std::string_view name, std::string_view what,
              const Counters::Spec& spec, Counters::Value& out);
  Status counter(std::string_view group, std::string_view name, std::string_view what,
                 CounterUnit unit, uint32_t worker, Counter& out);

  Counters counters_;
  std::map<std::string, Entry> entries_;  // By label and worker.
};

}  // namespace hyperroute
