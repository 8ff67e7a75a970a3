// The virtual network: datagrams between numbered addresses, with every fault a path can have.
// What it decides it decides by the run's seed. Thread: the simulator's only one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/prng.h"
#include "sim/run.h"

namespace hyperroute::sim {

// Hosts have the addresses below; what a forger invents lies above.
inline constexpr uint32_t kHostsMax = 6;
inline constexpr uint32_t kPpm = 1'000'000;

// Chances in a million datagrams.
struct LinkFaults {
  uint64_t delay_ns = 50 * kMicrosecondNs;
  uint64_t jitter_ns = 0;         // added, uniformly; never overtakes by itself
  uint32_t loss_ppm = 0;          // outside bursts
  uint32_t burst_begin_ppm = 0;   // Gilbert–Elliott: into the bad state …
  uint32_t burst_end_ppm = kPpm;  // … and out of it
  uint32_t burst_loss_ppm = 0;    // in the bad state
  uint32_t reorder_ppm = 0;       // late by up to reorder_ns, overtaken by others
  uint64_t reorder_ns = 0;
  uint32_t duplicate_ppm = 0;
  uint32_t corrupt_ppm = 0;
  uint32_t mtu_bytes = 65'535;    // longer datagrams vanish, and nobody is told
  uint64_t bytes_per_second = 0;  // of a bottleneck; 0: none
  uint64_t queue_ns_max = 0;      // what may wait before it; the rest is dropped
};

struct Link {
  LinkFaults faults;
  bool is_cut = false;
  bool is_in_burst = false;
  uint64_t free_at_ns = 0;  // of the bottleneck
  uint64_t newest_arrival_ns = 0;
};

enum class Origin : uint8_t {
  kSent,     // byte for byte what a host sent, once, twice or recorded and sent again
  kChanged,  // some bit differs from what any host sent
};

struct Datagram {
  uint32_t from = 0;
  uint32_t to = 0;
  Origin origin = Origin::kSent;
  std::vector<uint8_t> bytes;
};

struct NetworkCounters {
  uint64_t sent = 0;
  uint64_t lost = 0;
  uint64_t too_long = 0;
  uint64_t queue_full = 0;
  uint64_t changed = 0;
  uint64_t duplicated = 0;
};

class Network {
 public:
  Network(Run& run, uint64_t seed) : run_(run), random_(seed) {}

  Link& link(uint32_t from, uint32_t to) { return links_[from * kHostsMax + to]; }
  // Whether a bit may be flipped in this datagram; else it is lost instead. A handshake without
  // encryption has nothing to find it with: that is left to UDP's checksum.
  void set_spares_handshakes(bool spares) { spares_handshakes_ = spares; }

  // Takes a copy; both are hosts.
  void send(uint32_t from, uint32_t to, std::span<const uint8_t> bytes);
  // Arrives whatever the links are like, from wherever it claims to come.
  void inject(uint64_t at_ns, uint32_t from, uint32_t to, Origin origin,
              std::span<const uint8_t> bytes);

  // When the next datagram arrives; UINT64_MAX: nothing is under way.
  uint64_t next_arrival_ns() const;
  // Takes out the datagram that arrives next; give it back with recycle().
  Datagram take();
  void recycle(Datagram&& datagram);
  void drop_all();

  const NetworkCounters& counters() const { return counters_; }

 private:
  // Ties are broken by the order of sending, so that runs repeat.
  struct Arrival {
    uint64_t at_ns;
    uint64_t order;
    uint32_t slot;
    bool operator<(const Arrival& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
    }
  };

  bool chance(uint32_t ppm) { return ppm != 0 && random_.below(kPpm) < ppm; }
  bool is_lost(Link& link, size_t bytes);
  uint64_t arrival_ns(Link& link, size_t bytes);
  void put(uint64_t at_ns, uint32_t from, uint32_t to, Origin origin,
           std::span<const uint8_t> bytes);

  Run& run_;
  Prng random_;
  bool spares_handshakes_ = false;
  std::array<Link, kHostsMax * kHostsMax> links_;
  std::vector<Arrival> arrivals_;  // a heap
  std::vector<Datagram> slots_;
  std::vector<uint32_t> free_slots_;
  uint32_t newest_slot_ = 0;  // of the last put()
  uint32_t taken_slot_ = 0;   // of the last take(); one datagram is out at a time
  uint64_t order_ = 0;
  NetworkCounters counters_;
};

}  // namespace hyperroute::sim
