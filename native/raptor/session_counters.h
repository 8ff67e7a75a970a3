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

// Each with its name in JavaScript and JSON. Of packets and their bytes: whole datagrams, with
// header and tag.
#define HR_SESSION_COUNTERS(X)                                                             \
  /* Gauges: the newest value. */                                                          \
  X(rtt_ns, "rttNs")           /* smoothed; 0 before the first sample */                   \
  X(rtt_min_ns, "rttNsMin")    /* least of the last seconds; 0 before the first sample */  \
  X(cwnd_bytes, "windowBytes") /* what may be under way */                                 \
  X(in_flight_bytes, "inFlightBytes")                                                      \
  X(mtu_bytes, "datagramBytes") /* the largest that the path is known to carry */          \
                                                                                           \
  X(packets_sent, "packetsSent")                                                           \
  X(bytes_sent, "bytesSent")                                                               \
  X(packets_received, "packetsReceived") /* authentic and new */                           \
  X(bytes_received, "bytesReceived")                                                       \
  X(messages_sent, "messagesSent")         /* offered or committed */                      \
  X(messages_received, "messagesReceived") /* taken by a sink */                           \
                                                                                           \
  /* Recovery. */                                                                          \
  X(lost_by_reorder, "lostByReorder") /* packets that later packets overtook */            \
  X(lost_by_probe, "lostByProbe")     /* packets given up after unanswered probes */       \
  X(retransmitted_runs, "retransmits")                                                     \
  X(spurious, "spurious")                 /* declared lost, acknowledged later */          \
  X(cuts_undone, "cutsUndone")            /* cuts of the window for those, given back */   \
  X(reorder_depth_max, "reorderDepthMax") /* packets that overtook a late one, at most */  \
  X(probes_sent, "probesSent")                                                             \
                                                                                           \
  /* Flow. */                                                                              \
  X(back_pressure, "backPressure") /* offers and claims answered with BACK_PRESSURE */     \
  X(refused, "refused")            /* calls of a sink that took less than it was given */  \
  X(abandoned, "abandoned")        /* messages given up, as their modes say */             \
  X(beyond_window, "beyondWindow") /* runs dropped because the peer ignored the window */  \
                                                                                           \
  /* Security. Neither changes anything but its counter. */                                \
  X(forged, "forged")     /* bad tag, unknown key generation, or no packet at all */       \
  X(replayed, "replayed") /* authentic, but seen before or older than the replay window */ \
  X(key_updates, "keyUpdates")                                                             \
                                                                                           \
  X(mtu_black_holes, "mtuBlackHoles")

struct SessionCounters {
#define HR_COUNTER_FIELD(field, name) uint64_t field = 0;
  HR_SESSION_COUNTERS(HR_COUNTER_FIELD)
#undef HR_COUNTER_FIELD
};

struct SessionCounterName {
  const char* name;
  uint64_t SessionCounters::*value;
};
inline constexpr SessionCounterName kSessionCounterNames[] = {
#define HR_COUNTER_NAME(field, name) {name, &SessionCounters::field},
    HR_SESSION_COUNTERS(HR_COUNTER_NAME)
#undef HR_COUNTER_NAME
};

}  // namespace hyperroute::raptor
