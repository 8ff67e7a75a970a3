// What an endpoint counts, beside what each of its sessions does (session_counters.h).
// Thread: the endpoint's. Data path: plain increments.
#pragma once

#include <cstdint>

namespace hyperroute::raptor {

// Of all datagrams and of handshakes; a session counts what it drops by itself.
struct RaptorCounters {
  uint64_t datagrams_in = 0;          // received, whatever they were
  uint64_t bytes_in = 0;              // their bytes
  uint64_t datagrams_out = 0;         // handed out to be sent
  uint64_t bytes_out = 0;             // their bytes
  uint64_t malformed = 0;             // no packet of the protocol, dropped
  uint64_t unknown_session = 0;       // for an id that names no session or no attempt
  uint64_t wrong_address = 0;         // for a session, not from its peer's address
  uint64_t unconfirmed = 0;           // did not confirm the key of a half-open session
  uint64_t bad_mac = 0;               // INITIATE without this listener's mac: another key
  uint64_t bad_cookie = 0;            // INITIATE with a cookie that is old or not ours
  uint64_t bad_handshake = 0;         // handshake message that does not authenticate
  uint64_t mode_mismatch = 0;         // insecure against secure
  uint64_t version_mismatch = 0;      // INITIATE of another version of the protocol
  uint64_t not_listening = 0;         // INITIATE to an end that only connects
  uint64_t duplicate_handshakes = 0;  // INITIATE of an attempt that is known already
  uint64_t retries_sent = 0;          // cookies demanded
  uint64_t replies_dropped = 0;       // answers to handshakes given up for lack of room
  uint64_t half_open_full = 0;        // INITIATE dropped: its host's or all half-open entries taken
  uint64_t handshakes_deferred = 0;   // INITIATE with a cookie, or RESPOND, dropped: too many came
  uint64_t handshakes_started = 0;    // by connect(), or answered by a half-open entry
  uint64_t handshakes_completed = 0;  // became a session
  uint64_t handshakes_refused = 0;    // by us or by the other end: key, busy, version, shutdown
  uint64_t refused_key = 0;           // of these, by why: the key is not in the allow-list
  uint64_t refused_version = 0;       // it has another version of the protocol
  uint64_t refused_busy = 0;          // all sessions are taken
  uint64_t refused_shutdown = 0;      // the listener takes no new ones
  uint64_t handshakes_expired = 0;    // without the answer or the confirmation
  uint64_t sessions_open = 0;         // gauge: established and not ended
  uint64_t half_open = 0;             // gauge: answered and not confirmed
  uint64_t sessions_ended = 0;        // established once, whatever ended them
  uint64_t sessions_replaced = 0;     // of these, by a new session of the same peer
};

// Datagrams that were dropped without an answer: they belong to no session from where they came,
// are no handshake that this end takes, or were too many. What reaches a session is counted there.
[[nodiscard]] constexpr uint64_t rejected_datagrams(const RaptorCounters& counted) noexcept {
  return counted.malformed + counted.unknown_session + counted.wrong_address + counted.unconfirmed +
         counted.bad_mac + counted.bad_handshake + counted.mode_mismatch + counted.not_listening +
         counted.half_open_full + counted.handshakes_deferred;
}

}  // namespace hyperroute::raptor
