// Why sessions of a Raptor socket did not come to be, computed from what its core counts.
//
// The core counts what it does with each datagram; here are the same counts by what can be done
// about them, for endpoints and nodes. Thread: the socket's. Data path: no.
#pragma once

#include <cstdint>

#include "io/endpoint.h"
#include "raptor/endpoint_counters.h"

namespace hyperroute {

// A number that has to be given: it has no default.
struct AttemptCount {
  uint64_t value;
  constexpr AttemptCount(uint64_t given) noexcept : value(given) {}
};

// A name without a formula does not compile, nor a formula without a name.
struct AttemptCounts {
#define HR_COUNT_FIELD(field, js_name) AttemptCount field;
  HR_ATTEMPT_COUNTERS(HR_COUNT_FIELD)
#undef HR_COUNT_FIELD
};

[[nodiscard]] constexpr AttemptCounts attempt_counts(const raptor::RaptorCounters& ends,
                                                     uint64_t key_log_lost) noexcept {
  return {
      .refused_wrong_key = ends.bad_mac + ends.bad_handshake,
      .refused_not_allowed = ends.refused_key,
      .refused_version = ends.refused_version,
      .refused_insecure = ends.mode_mismatch,
      .refused_busy = ends.refused_busy,
      .refused_shutting_down = ends.refused_shutdown,
      .refused_cookie = ends.bad_cookie,
      .refused_crowded = ends.half_open_full + ends.handshakes_deferred,
      .unanswered = ends.handshakes_expired,
      .stray_datagrams = ends.malformed + ends.unknown_session + ends.wrong_address +
                         ends.unconfirmed + ends.not_listening,
      .key_log_lost = key_log_lost,
  };
}

}  // namespace hyperroute
