// The course of a run: the event loop and what disturbs it (world.h). What is checked once the
// network has healed is in world_settle.cc.
#include "sim/world.h"

#include <algorithm>

namespace hyperroute::sim {
namespace {

// The checks that hold at any time are made this often, whether something happens or not.
constexpr uint64_t kWatchIntervalNs = 5 * kMillisecondNs;
// What a host that stops takes to tell its peers.
constexpr uint64_t kGoodbyeNs = 20 * kMillisecondNs;
// More than any scenario needs: a run beyond it does not come to an end.
constexpr uint64_t kDatagramsMax = 4'000'000;

}  // namespace

World::World(uint64_t seed, bool prints, Fault fault)
    : stage_(seed, prints, fault), forger_(stage_) {
  stage_.forger = &forger_;
  Scenario& scenario = stage_.scenario;
  for (uint32_t at = 0; at < scenario.faults.size(); ++at) {
    stage_.network.link(at / kHostsMax, at % kHostsMax).faults = scenario.faults[at];
  }
  stage_.network.set_spares_handshakes(scenario.is_insecure);
  const bool is_clean =
      std::all_of(scenario.faults.begin(), scenario.faults.end(), [](const LinkFaults& faults) {
        return faults.loss_ppm == 0 && faults.burst_begin_ppm == 0 && faults.corrupt_ppm == 0 &&
               faults.bytes_per_second == 0 && faults.delay_ns + faults.jitter_ns < kMillisecondNs;
      });
  stage_.is_calm = is_clean && scenario.disturbances.empty() && scenario.forger_interval_ns == 0;
  for (uint32_t index = 0; index < scenario.hosts.size(); ++index) {
    hosts_.push_back(std::make_unique<Host>(stage_, index));
  }
}

uint64_t World::next_ns() const {
  uint64_t next_ns = std::min({stage_.network.next_arrival_ns(), forger_.due_ns(), watch_ns_});
  for (const auto& host : hosts_) {
    next_ns = std::min({next_ns, host->pump_due_ns(), host->application_due_ns()});
  }
  for (const Task& task : tasks_) next_ns = std::min(next_ns, task.at_ns);
  const auto& disturbances = stage_.scenario.disturbances;
  if (disturbances_done_ < disturbances.size()) {
    next_ns = std::min(next_ns, kSecondNs + disturbances[disturbances_done_].at_ns);
  }
  return std::max(next_ns, stage_.run.now_ns);
}

// One thing that happens; others of the same time come in the next steps, in this order.
void World::step(uint64_t at_ns) {
  stage_.run.now_ns = at_ns;
  const auto& disturbances = stage_.scenario.disturbances;
  if (disturbances_done_ < disturbances.size() &&
      kSecondNs + disturbances[disturbances_done_].at_ns <= at_ns) {
    return disturb(disturbances[disturbances_done_++]);
  }
  for (size_t index = 0; index < tasks_.size(); ++index) {
    if (tasks_[index].at_ns > at_ns) continue;
    const Task task = tasks_[index];
    tasks_.erase(tasks_.begin() + static_cast<ptrdiff_t>(index));
    return run_task(task);
  }
  if (stage_.network.next_arrival_ns() <= at_ns) {
    Datagram datagram = stage_.network.take();
    hosts_[datagram.to]->receive(datagram);
    stage_.network.recycle(std::move(datagram));
    if (++datagrams_ > kDatagramsMax) stage_.run.fail("the run does not come to an end");
    return;
  }
  for (const auto& host : hosts_) {
    if (host->pump_due_ns() <= at_ns) return host->pump();
    if (host->application_due_ns() <= at_ns) return host->run_application();
  }
  if (forger_.due_ns() <= at_ns) return forger_.act();
  if (watch_ns_ <= at_ns) watch();
}

void World::watch() {
  watch_ns_ = stage_.run.now_ns + kWatchIntervalNs;
  for (const auto& host : hosts_) host->watch();
}

void World::start_hosts() {
  for (const auto& host : hosts_) host->start();
  for (uint32_t index = 0; index < hosts_.size(); ++index) {
    for (uint32_t peer = 0; peer < hosts_.size(); ++peer) {
      if (peer == index || !stage_.scenario.hosts[peer].is_listener) continue;
      // Two ends that connect to each other are two sessions, and so are two attempts of one.
      if (index != 0 && peer == 0) {
        tasks_.push_back({stage_.run.now_ns + stage_.random.below(5'000'000), Task::Kind::kConnect,
                          index, peer, 0});
      } else if (stage_.random.one_in(3)) {
        tasks_.push_back({stage_.run.now_ns + stage_.random.below(50'000'000), Task::Kind::kConnect,
                          index, peer, 0});
      }
    }
  }
}

void World::cut(uint32_t host, bool is_cut) {
  for (uint32_t other = 0; other < kHostsMax; ++other) {
    stage_.network.link(host, other).is_cut = is_cut;
    stage_.network.link(other, host).is_cut = is_cut;
  }
}

void World::run_task(const Task& task) {
  Host& host = *hosts_[task.host];
  switch (task.kind) {
    case Task::Kind::kHeal:
      return cut(task.host, false);
    case Task::Kind::kGo:
      if (host.is_up() && host.is_stopping()) host.kill();
      return;
    case Task::Kind::kRestart:
      // It may have been killed and started while it was stopping, or the other way round.
      if (host.is_up() && host.is_stopping()) host.kill();
      if (host.is_up()) return;
      host.start();
      if (!stage_.scenario.hosts[task.host].is_listener) {
        tasks_.push_back(
            {stage_.run.now_ns + kMillisecondNs, Task::Kind::kConnect, task.host, 0, 0});
      }
      return;
    case Task::Kind::kConnect:
      if (stage_.phase == Phase::kBusy) host.connect(task.peer);
      return;
    case Task::Kind::kDrain:
      if (SessionEnd* end = stage_.end_of(task.session_id); end == nullptr) {
        // Its peer, which drains, is established and it is not yet.
        tasks_.push_back(task);
        tasks_.back().at_ns = stage_.run.now_ns + kMillisecondNs;
      } else if (!end->is_over) {
        host.drain(*end);
      }
      return;
  }
}

void World::disturb(const Disturbance& disturbance) {
  Run& run = stage_.run;
  Host& host = *hosts_[disturbance.host];
  run.trace.event(run.now_ns, "disturbance", static_cast<uint64_t>(disturbance.kind),
                  disturbance.host, disturbance.duration_ns + disturbance.amount);
  const std::vector<SessionEnd*> ends = host.open_ends();
  SessionEnd* chosen =
      ends.empty() ? nullptr : ends[stage_.random.below(static_cast<uint32_t>(ends.size()))];
  switch (disturbance.kind) {
    case DisturbanceKind::kCut:
      cut(disturbance.host, true);
      tasks_.push_back({run.now_ns + disturbance.duration_ns, Task::Kind::kHeal, disturbance.host});
      return;
    case DisturbanceKind::kKill:
      if (!host.is_up()) return;
      host.kill();
      tasks_.push_back(
          {run.now_ns + disturbance.duration_ns, Task::Kind::kRestart, disturbance.host});
      return;
    case DisturbanceKind::kStop:
      if (!host.is_up() || host.is_stopping()) return;
      host.stop();
      tasks_.push_back({run.now_ns + kGoodbyeNs, Task::Kind::kGo, disturbance.host});
      tasks_.push_back({run.now_ns + kGoodbyeNs + disturbance.duration_ns, Task::Kind::kRestart,
                        disturbance.host});
      return;
    case DisturbanceKind::kClockJump:
      return host.jump_clock(disturbance.duration_ns);
    case DisturbanceKind::kBlackHole:
      for (uint32_t other = 0; other < kHostsMax; ++other) {
        stage_.network.link(disturbance.host, other).faults.mtu_bytes = disturbance.amount;
        stage_.network.link(other, disturbance.host).faults.mtu_bytes = disturbance.amount;
      }
      return;
    case DisturbanceKind::kFaults:
      for (uint32_t other = 0; other < kHostsMax; ++other) {
        stage_.network.link(disturbance.host, other).faults = draw_faults(
            stage_.random, stage_.scenario.hosts[disturbance.host].options.uses_static_window);
      }
      return;
    case DisturbanceKind::kFlood:
      return forger_.flood(disturbance.host, disturbance.amount);
    case DisturbanceKind::kUpdateKeys:
      if (host.is_up()) host.update_keys();
      return;
    case DisturbanceKind::kClose:
      if (chosen != nullptr) host.close(*chosen);
      return;
    case DisturbanceKind::kDrain:
      if (chosen != nullptr) end_pair(*chosen);
      return;
  }
}

Outcome World::play() {
  start_hosts();
  run_until(kSecondNs + stage_.scenario.busy_ns, [] { return false; });
  heal();
  check_settled();
  check_idle();
  check_effort();
  finish();
  Outcome outcome;
  outcome.trace_hash = stage_.run.trace.hash();
  outcome.violation = stage_.run.violation;
  stage_.coverage.datagrams = datagrams_;
  stage_.coverage.messages = stage_.transfers.delivered();
  outcome.coverage = stage_.coverage;
  return outcome;
}

}  // namespace hyperroute::sim
