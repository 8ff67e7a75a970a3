// What the parts of one run act on: clock and trace, network, checks, the ends of all sessions.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "raptor/endpoint.h"
#include "sim/coverage.h"
#include "sim/network.h"
#include "sim/run.h"
#include "sim/scenario.h"
#include "sim/seal_check.h"
#include "sim/transfers.h"

namespace hyperroute::sim {

enum class Phase : uint8_t {
  kBusy,      // load and faults
  kSettling,  // the network has healed, readers read, nothing new is offered
  kIdle,      // all is delivered
  kClosing,   // sessions end
};

// A stream from this end.
struct Flow {
  FlowPlan plan;
  Transfer* transfer = nullptr;
  uint16_t stream = 0;
  uint64_t next_ns = 0;  // by the run's clock
  uint32_t left = 0;
  bool is_ended = false;
};

// One end of a session, from its establishment on; it stays on record after its end.
struct SessionEnd {
  uint32_t host = 0;
  uint32_t peer_host = 0;
  uint32_t incarnation = 0;  // of the host
  raptor::SessionRef ref;
  uint64_t local_id = 0;
  uint64_t remote_id = 0;
  bool is_initiator = false;
  uint64_t liveness_ns = 0;  // silence after which it must have told of its peer's death
  uint64_t peer_liveness_ns = 0;

  // By the host's clock.
  uint64_t established_ns = 0;
  uint64_t heard_ns = 0;  // authentic and new
  uint64_t sent_ns = 0;
  uint64_t jumped_ns = 0;  // when the clock last jumped

  raptor::SessionCounters counters;  // as they were last seen
  std::vector<bool> accepted;        // by packet number

  bool is_over = false;  // told, or its host was killed
  uint64_t over_ns = 0;  // by the run's clock
  bool was_killed = false;
  bool has_closed = false;  // by the application
  bool has_drained = false;
  raptor::CloseReason reason = raptor::CloseReason::kNone;

  Reader reader;
  uint32_t reader_left = 0;
  uint64_t read_ns = 0;  // when the reader looks next, by the run's clock
  std::vector<Flow> flows;
  uint32_t flows_to_open = 0;
  uint64_t open_ns = 0;
  std::map<uint16_t, uint64_t> labels;  // of the peer's streams
};

class Forger;

struct Stage {
  Stage(uint64_t seed, bool prints, Fault planted)
      : run(seed, prints),
        random(seed ^ 0x5151'5151),
        fault(planted),
        scenario(draw_scenario(seed)),
        network(run, seed ^ 0x7e57),
        transfers(run, planted) {}

  SessionEnd* end_of(uint64_t local_id) {
    const auto found = ends.find(local_id);
    return found == ends.end() ? nullptr : found->second.get();
  }

  uint32_t last_host() const { return static_cast<uint32_t>(scenario.hosts.size()) - 1; }

  Run run;
  Prng random;
  Fault fault;
  Scenario scenario;
  Network network;
  Transfers transfers;
  SealCheck seals;
  Forger* forger = nullptr;  // sees what is sent
  Coverage coverage;
  Phase phase = Phase::kBusy;
  // Nothing but load happens in this run: no session or handshake may fail.
  bool is_calm = false;
  std::map<uint64_t, std::unique_ptr<SessionEnd>> ends;  // by local session id
  // Bytes from and to addresses that a forger made up.
  uint64_t forged_bytes = 0;
  uint64_t reflected_bytes = 0;
};

inline raptor::PathAddress address_of(uint32_t number) {
  uint8_t bytes[4];
  store_u32_le(bytes, number);
  return raptor::PathAddress::of(bytes);
}

inline uint32_t number_of(const raptor::PathAddress& address) { return load_u32_le(address.bytes); }

}  // namespace hyperroute::sim
