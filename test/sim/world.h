// One run of the simulation: a seed's hosts on its network, through load and faults, healing,
// silence and the end of every session.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/forger.h"
#include "sim/host.h"
#include "sim/stage.h"

namespace hyperroute::sim {

struct Outcome {
  uint64_t trace_hash = 0;
  std::string violation;  // empty: none
  Coverage coverage;
};

class World {
 public:
  World(uint64_t seed, bool prints, Fault fault);
  Outcome play();

 private:
  // What else happens at a time of the run's clock.
  struct Task {
    uint64_t at_ns = 0;
    enum class Kind : uint8_t { kHeal, kGo, kRestart, kConnect, kDrain } kind = Kind::kHeal;
    uint32_t host = 0;
    uint32_t peer = 0;
    uint64_t session_id = 0;
  };

  bool is_running() const { return !stage_.run.failed; }
  // Until then, or until is_done() where that comes first. Whether it came.
  template <typename IsDone>
  bool run_until(uint64_t end_ns, IsDone&& is_done);
  void step(uint64_t at_ns);
  uint64_t next_ns() const;
  void watch();

  void start_hosts();
  void run_task(const Task& task);
  void disturb(const Disturbance& disturbance);
  void cut(uint32_t host, bool is_cut);

  void heal();
  bool is_settled() const;
  std::string unsettled() const;
  void check_settled();
  void check_idle();
  void check_effort();
  void finish();
  void end_pair(SessionEnd& end);

  Stage stage_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Forger forger_;
  std::vector<Task> tasks_;  // unordered, few
  size_t disturbances_done_ = 0;
  uint64_t watch_ns_ = 0;
  uint64_t datagrams_ = 0;
};

template <typename IsDone>
bool World::run_until(uint64_t end_ns, IsDone&& is_done) {
  while (is_running()) {
    if (is_done()) return true;
    const uint64_t at_ns = next_ns();
    if (at_ns > end_ns) break;
    step(at_ns);
  }
  if (is_running()) stage_.run.now_ns = end_ns;
  return false;
}

}  // namespace hyperroute::sim
