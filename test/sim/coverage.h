// What a run came to: proof that the simulation still reaches what it is there for. The tier of
// `npm test` wants each of these above 0 over its seeds.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>

#include "raptor/endpoint_counters.h"
#include "raptor/session.h"
#include "raptor/session_counters.h"

namespace hyperroute::sim {

#define HR_SIM_COVERAGE(X)                                \
  X(datagrams) /* that arrived */                         \
  X(messages)  /* that were delivered */                  \
  X(sessions)  /* ends that were established */           \
  X(closed)    /* by reason of their end */               \
  X(peer_closed)                                          \
  X(drained)                                              \
  X(peer_dead)                                            \
  X(replaced)                                             \
  X(refused) /* attempts */                               \
  X(timeouts)                                             \
  X(killed) /* hosts */                                   \
  X(cookies)                                              \
  X(bad_cookies)                                          \
  X(bad_macs)                                             \
  X(bad_handshakes)                                       \
  X(repeated_handshakes)                                  \
  X(half_open_full)                                       \
  X(wrong_address)                                        \
  X(malformed)                                            \
  X(forged)                                               \
  X(replayed)                                             \
  X(key_updates)                                          \
  X(lost_by_reorder)                                      \
  X(lost_by_probe)                                        \
  X(spurious)                                             \
  X(probes)                                               \
  X(back_pressure)                                        \
  X(refused_messages)                                     \
  X(larger_datagrams) /* sessions whose path took them */ \
  X(black_holes)

struct Coverage {
#define HR_FIELD(name) uint64_t name = 0;
  HR_SIM_COVERAGE(HR_FIELD)
#undef HR_FIELD

  void add(const Coverage& other) noexcept {
#define HR_ADD(name) name += other.name;
    HR_SIM_COVERAGE(HR_ADD)
#undef HR_ADD
  }

  void add(const raptor::RaptorCounters& counters) noexcept {
    cookies += counters.retries_sent;
    bad_cookies += counters.bad_cookie;
    bad_macs += counters.bad_mac;
    bad_handshakes += counters.bad_handshake;
    repeated_handshakes += counters.duplicate_handshakes;
    half_open_full += counters.half_open_full;
    wrong_address += counters.wrong_address;
    malformed += counters.malformed;
  }

  void add(const raptor::SessionCounters& counters) noexcept {
    forged += counters.forged;
    replayed += counters.replayed;
    key_updates += counters.key_updates;
    lost_by_reorder += counters.lost_by_reorder;
    lost_by_probe += counters.lost_by_probe;
    spurious += counters.spurious;
    probes += counters.probes_sent;
    back_pressure += counters.back_pressure;
    refused_messages += counters.refused;
    larger_datagrams += counters.mtu_bytes > raptor::kDatagramBytesMin ? 1 : 0;
    black_holes += counters.mtu_black_holes;
  }

  void add(raptor::CloseReason reason) noexcept {
    switch (reason) {
      case raptor::CloseReason::kClosed:
        ++closed;
        break;
      case raptor::CloseReason::kPeerClosed:
        ++peer_closed;
        break;
      case raptor::CloseReason::kPeerDead:
        ++peer_dead;
        break;
      case raptor::CloseReason::kDrained:
        ++drained;
        break;
      case raptor::CloseReason::kReplaced:
        ++replaced;
        break;
      case raptor::CloseReason::kRefused:
        ++refused;
        break;
      case raptor::CloseReason::kHandshakeTimeout:
        ++timeouts;
        break;
      default:
        break;
    }
  }
};

}  // namespace hyperroute::sim
