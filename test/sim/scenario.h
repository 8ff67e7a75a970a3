// What a seed stands for: the hosts, their options, the network's faults and the load, all drawn
// from it. Weights lean to what real networks do, with every extreme of the specification in reach.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "raptor/endpoint.h"
#include "raptor/stream_mode.h"
#include "sim/network.h"
#include "sim/payload.h"
#include "sim/run.h"

namespace hyperroute::sim {

struct HostPlan {
  bool is_listener = false;
  bool is_allowed = true;  // by the allow-lists of listeners
  raptor::EndpointOptions options;
};

// How a host reads what its sessions receive.
enum class ReaderKind : uint8_t {
  kEager,    // takes everything at once
  kPartial,  // now and then takes a few of what it is given
  kSlow,     // takes some messages an interval
  kStopped,  // takes nothing until the network has healed
};

struct Reader {
  ReaderKind kind = ReaderKind::kEager;
  uint64_t interval_ns = kMillisecondNs;
  uint32_t per_interval = 1;
};

// One stream of a session's end, and what is offered to it.
struct FlowPlan {
  raptor::StreamOptions options;
  PayloadPlan payload;
  uint64_t interval_ns = kMillisecondNs;
  uint32_t per_interval = 1;
  uint32_t message_count = 0;
  bool claims = false;   // where a message fits a record
  bool ends = false;     // the stream, behind the last message
  bool reopens = false;  // another stream after that
};

enum class DisturbanceKind : uint8_t {
  kCut,         // host's links, for a while
  kKill,        // host, with a restart some time later
  kClockJump,   // of host's clock, forward
  kBlackHole,   // longer datagrams vanish on host's links from now on
  kFaults,      // other faults on host's links
  kFlood,       // of forged first packets at host
  kUpdateKeys,  // of all sessions of host
  kClose,       // one session of host
  kDrain,       // one session of host, both ends
  kStop,        // host, in good order: everything is closed, then it goes, and comes again
};
inline constexpr uint32_t kDisturbanceKinds = 10;

struct Disturbance {
  uint64_t at_ns = 0;  // of the run's clock
  DisturbanceKind kind = DisturbanceKind::kCut;
  uint32_t host = 0;
  uint64_t duration_ns = 0;  // of a cut, until a restart, or the length of a jump
  uint32_t amount = 0;       // bytes of a black hole's MTU, packets of a flood
};

struct Scenario {
  bool is_insecure = false;
  bool is_huge = false;  // a message of up to 16 MiB
  uint64_t busy_ns = 0;  // before the network heals
  uint32_t flows_max = 0;
  uint32_t forger_interval_ns = 0;  // on average between injected packets; 0: no forger
  std::vector<HostPlan> hosts;
  std::vector<LinkFaults> faults;  // of links, by from * kHostsMax + to
  std::vector<Disturbance> disturbances;

  bool may_stop(uint32_t host) const {
    for (const Disturbance& each : disturbances) {
      if (each.kind == DisturbanceKind::kStop && each.host == host) return true;
    }
    return false;
  }
};

// Key pairs of the hosts, the same in every run: they take longer to make than a short run takes.
[[nodiscard]] const crypto::KeyPair& host_key_pair(uint32_t host);

[[nodiscard]] Scenario draw_scenario(uint64_t seed);
// Of a link from a host with these options: one with a static window says that it owns the wire, so
// there is no bottleneck for it.
[[nodiscard]] LinkFaults draw_faults(Prng& random, bool has_static_window);
[[nodiscard]] FlowPlan draw_flow(Prng& random, const Scenario& scenario, uint64_t label);
[[nodiscard]] Reader draw_reader(Prng& random);

}  // namespace hyperroute::sim
