// What a router counts, by name. Thread: control.
#include "engine/metrics.h"

namespace hyperroute {

namespace {

std::string label_of(std::string_view group, std::string_view name, std::string_view what) {
  std::string label(group);
  // A name too long for a label is cut at the end of the name, never in the counter's own.
  const size_t fixed_bytes = group.size() + what.size() + 2;
  label.append("/").append(name.substr(0, kCounterLabelBytesMax - fixed_bytes));
  return label.append("/").append(what);
}

std::string key_of(const std::string& label, uint32_t worker) {
  return label + "#" + std::to_string(worker);
}

}  // namespace

Status Metrics::take(std::string_view group, std::string_view name, std::string_view what,
                     const Counters::Spec& spec, Counters::Value& out) {
  const std::string label = label_of(group, name, what);
  const std::string key = key_of(label, spec.worker_index);
  if (const auto at = entries_.find(key); at != entries_.end()) {
    at->second.used = true;
    out = at->second.value;
    return Status::success();
  }
  Counters::Spec labelled = spec;
  labelled.label = label;
  auto value = counters_.add(labelled);
  if (!value.ok()) return value.status();
  out = value.value();
  entries_.emplace(key, Entry{out});
  return Status::success();
}

Status Metrics::counter(std::string_view group, std::string_view name, std::string_view what,
                        CounterUnit unit, uint32_t worker, Counter& out) {
  Counters::Value value;
  HR_TRY(take(group, name, what, {CounterType::kCounter, unit, worker, {}}, value));
  out = value.value;
  return Status::success();
}

Status Metrics::endpoint(std::string_view name, uint32_t worker, EndpointCounters& out) {
#define HR_TAKE_COUNTER(field) \
  HR_TRY(counter("endpoint", name, #field, CounterUnit::kCount, worker, out.field));
  HR_ENDPOINT_COUNTERS(HR_TAKE_COUNTER)
#undef HR_TAKE_COUNTER
  return Status::success();
}

Status Metrics::sessions(std::string_view name, uint32_t worker, std::string_view names,
                         SessionRows& out) {
  Counters::Value value;
  HR_TRY(take("endpoint", name, "sessions",
              {CounterType::kSessions, CounterUnit::kConnections, worker, {}, names}, value));
  out = value.sessions;
  return Status::success();
}

Status Metrics::attempts(std::string_view name, uint32_t worker, EndpointCounters::Attempts& out) {
#define HR_TAKE_COUNTER(field, js_name) \
  HR_TRY(counter("endpoint", name, #field, CounterUnit::kCount, worker, out.field));
  HR_ATTEMPT_COUNTERS(HR_TAKE_COUNTER)
#undef HR_TAKE_COUNTER
  return Status::success();
}

void Metrics::keep(std::string_view group, std::string_view name, std::string_view what,
                   uint32_t worker) {
  const auto at = entries_.find(key_of(label_of(group, name, what), worker));
  if (at != entries_.end()) at->second.used = true;
}

void Metrics::keep_sessions(std::string_view name, uint32_t worker) {
  keep("endpoint", name, "sessions", worker);
#define HR_KEEP_COUNTER(field, js_name) keep("endpoint", name, #field, worker);
  HR_ATTEMPT_COUNTERS(HR_KEEP_COUNTER)
#undef HR_KEEP_COUNTER
}

Status Metrics::control(std::string_view name, uint32_t worker, ControlCounters& out) {
#define HR_TAKE_COUNTER(field) \
  HR_TRY(counter("endpoint", name, #field, CounterUnit::kCount, worker, out.field));
  HR_CONTROL_COUNTERS(HR_TAKE_COUNTER)
#undef HR_TAKE_COUNTER
  return Status::success();
}

Status Metrics::route(std::string_view name, uint32_t worker, RouteCounters& out) {
  HR_TRY(counter("route", name, "delivered", CounterUnit::kMessages, worker, out.delivered));
  HR_TRY(counter("route", name, "rejected", CounterUnit::kMessages, worker, out.rejected));
  HR_TRY(counter("route", name, "discarded", CounterUnit::kMessages, worker, out.discarded));
  return counter("route", name, "skipped", CounterUnit::kMessages, worker, out.skipped);
}

Status Metrics::latency(std::string_view route, uint32_t worker, Histogram& out) {
  Counters::Value value;
  HR_TRY(take("route", route, "latency",
              {CounterType::kHistogram, CounterUnit::kNanoseconds, worker, {}}, value));
  out = value.histogram;
  return Status::success();
}

Status Metrics::correlation(std::string_view name, uint32_t worker, CorrelationCounters& out) {
#define HR_TAKE_COUNTER(field) \
  HR_TRY(counter("correlation", name, #field, CounterUnit::kCount, worker, out.field));
  HR_CORRELATION_COUNTERS(HR_TAKE_COUNTER)
#undef HR_TAKE_COUNTER
  return Status::success();
}

Status Metrics::reject(std::string_view code_name, uint32_t worker, Counter& out) {
  return counter("reject", code_name, "messages", CounterUnit::kMessages, worker, out);
}

Status Metrics::worker(std::string_view name, uint32_t worker, WorkerCounters& out) {
  HR_TRY(counter("worker", name, "cycles", CounterUnit::kCount, worker, out.cycles));
  HR_TRY(counter("worker", name, "busy_cycles", CounterUnit::kCount, worker, out.busy));
  return counter("worker", name, "sleeps", CounterUnit::kCount, worker, out.sleeps);
}

void Metrics::begin_sweep() {
  for (auto& [key, entry] : entries_) entry.used = false;
}

void Metrics::sweep() {
  bool removed = false;
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (at->second.used) {
      ++at;
      continue;
    }
    removed |= counters_.remove(at->second.value.id);
    at = entries_.erase(at);
  }
  if (removed) counters_.next_generation();
}

}  // namespace hyperroute
