// What a session counts, for `stat`, for the tests and for whoever tunes it.
// Thread: the session's. Data path: plain increments; gauges are stored when an ACK is handled.
#pragma once

#include <cstdint>

namespace hyperroute::raptor {

// What streams count, of those that are gone.
struct StreamTotals {
  uint64_t messages_sent = 0;
  uint64_t messages_received = 0;
  uint64_t back_pressure = 0;
  uint64_t refused = 0;
  uint64_t abandoned = 0;
};

struct SessionCounters {
  // Gauges: the newest value.
  uint64_t rtt_ns = 0;      // smoothed; 0 before the first sample
  uint64_t rtt_min_ns = 0;  // least of the last seconds; 0 before the first sample
  uint64_t cwnd_bytes = 0;
  uint64_t in_flight_bytes = 0;
  uint64_t mtu_bytes = 0;

  // Packets and their bytes, whole datagrams with header and tag.
  uint64_t packets_sent = 0;
  uint64_t bytes_sent = 0;
  uint64_t packets_received = 0;  // authentic and new
  uint64_t bytes_received = 0;
  uint64_t messages_sent = 0;      // offered or committed
  uint64_t messages_received = 0;  // taken by a sink

  // Recovery.
  uint64_t lost_by_reorder = 0;  // packets that later packets overtook
  uint64_t lost_by_probe = 0;    // packets given up after unanswered probes
  uint64_t retransmitted_runs = 0;
  uint64_t spurious = 0;           // declared lost, acknowledged later
  uint64_t reorder_depth_max = 0;  // packets that overtook a late one, at most
  uint64_t probes_sent = 0;

  // Flow.
  uint64_t back_pressure = 0;  // offers and claims answered with BACK_PRESSURE
  uint64_t refused = 0;        // calls of a sink that took less than it was given
  uint64_t abandoned = 0;      // messages given up, as their modes say
  uint64_t beyond_window = 0;  // runs dropped because the peer ignored the window

  // Security. Neither changes anything but its counter.
  uint64_t forged = 0;    // bad tag, unknown key generation, or no packet at all
  uint64_t replayed = 0;  // authentic, but seen before or older than the replay window
  uint64_t key_updates = 0;

  uint64_t mtu_black_holes = 0;
};

}  // namespace hyperroute::raptor
