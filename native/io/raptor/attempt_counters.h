// Why sessions of a raptor endpoint did not come to be, in the words of those who run it.
//
// The endpoint of the protocol's core counts what it does with each datagram; here are the same
// counts by what can be done about it. One table, so that `stat`, metrics and nodes agree.
// Thread: the endpoint's. Data path: no.
#pragma once

// Field, the name in JavaScript, and the count, of `ends` (raptor::RaptorCounters) and `socket`
// (RaptorSocket). The fields are the labels that `stat` prints. Each end counts for itself: of what
// the listener refuses and says so, both.
#define HR_ATTEMPT_COUNTERS(X)                                                                 \
  /* Made for another public key than the listener's, or answered with another private one. */ \
  X(refused_wrong_key, "refusedWrongKey", ends.bad_mac + ends.bad_handshake)                   \
  /* The key of who connects is not in the listener's `allow`. */                              \
  X(refused_not_allowed, "refusedNotAllowed", ends.refused_key)                                \
  X(refused_version, "refusedVersion", ends.refused_version)                                   \
  /* One end is `insecure` and the other is not. */                                            \
  X(refused_insecure, "refusedInsecure", ends.mode_mismatch)                                   \
  /* The listener has all the sessions that it takes. */                                       \
  X(refused_busy, "refusedBusy", ends.refused_busy)                                            \
  X(refused_shutting_down, "refusedShuttingDown", ends.refused_shutdown)                       \
  X(refused_cookie, "refusedCookie", ends.bad_cookie)                                          \
  /* Too many were under way, of one host or in all: dropped, and asked again. */              \
  X(refused_crowded, "refusedCrowded", ends.half_open_full + ends.handshakes_deferred)         \
  /* Nobody answered, or confirmed an answer, in time. */                                      \
  X(unanswered, "unanswered", ends.handshakes_expired)                                         \
  /* Of no session or attempt, not from where its peer is, or nothing of this protocol. */     \
  X(stray_datagrams, "strayDatagrams",                                                         \
    ends.malformed + ends.unknown_session + ends.wrong_address + ends.unconfirmed +            \
        ends.not_listening)                                                                    \
  /* Lines of the key log that its disk did not take. */                                       \
  X(key_log_lost, "keyLogLost", socket.key_log_lost())
