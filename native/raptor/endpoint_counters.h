// What an endpoint counts, beside what each of its sessions does (session_counters.h).
// Thread: the endpoint's. Data path: plain increments.
#pragma once

#include <cstdint>

namespace hyperroute::raptor {

// The names are the labels that `stat` prints.
#define HR_RAPTOR_COUNTERS(X)                                                               \
  X(datagrams_in)         /* received, whatever they were */                                \
  X(bytes_in)             /* their bytes */                                                 \
  X(datagrams_out)        /* handed out to be sent */                                       \
  X(bytes_out)            /* their bytes */                                                 \
  X(malformed)            /* no packet of the protocol, dropped */                          \
  X(unknown_session)      /* for an id that names no session or no attempt */               \
  X(wrong_address)        /* for a session, not from its peer's address */                  \
  X(unconfirmed)          /* did not confirm the key of a half-open session */              \
  X(bad_mac)              /* INITIATE without this listener's mac: another key */           \
  X(bad_cookie)           /* INITIATE with a cookie that is old or not ours */              \
  X(bad_handshake)        /* handshake message that does not authenticate */                \
  X(mode_mismatch)        /* insecure against secure */                                     \
  X(version_mismatch)     /* INITIATE of another version of the protocol */                 \
  X(not_listening)        /* INITIATE to an end that only connects */                       \
  X(duplicate_handshakes) /* INITIATE of an attempt that is known already */                \
  X(retries_sent)         /* cookies demanded */                                            \
  X(replies_dropped)      /* answers to handshakes given up for lack of room */             \
  X(half_open_full)       /* INITIATE dropped: its host's or all half-open entries taken */ \
  X(handshakes_deferred)  /* INITIATE with a cookie, or RESPOND, dropped: too many came */  \
  X(handshakes_started)   /* by connect(), or answered by a half-open entry */              \
  X(handshakes_completed) /* became a session */                                            \
  X(handshakes_refused)   /* by us or by the other end: key, busy, version, shutdown */     \
  X(handshakes_expired)   /* without the answer or the confirmation */                      \
  X(sessions_open)        /* gauge: established and not ended */                            \
  X(half_open)            /* gauge: answered and not confirmed */                           \
  X(sessions_ended)       /* established once, whatever ended them */                       \
  X(sessions_replaced)    /* of these, by a new session of the same peer */

struct RaptorCounters {
#define HR_COUNTER_FIELD(name) uint64_t name = 0;
  HR_RAPTOR_COUNTERS(HR_COUNTER_FIELD)
#undef HR_COUNTER_FIELD
};

// Datagrams that had no effect but these counts, for they belong to no session from where they came
// and are no handshake that this end takes. What reaches a session is counted there.
[[nodiscard]] constexpr uint64_t rejected_datagrams(const RaptorCounters& counted) noexcept {
  return counted.malformed + counted.unknown_session + counted.wrong_address + counted.unconfirmed +
         counted.bad_mac + counted.bad_cookie + counted.bad_handshake + counted.mode_mismatch +
         counted.version_mismatch + counted.not_listening;
}

}  // namespace hyperroute::raptor
