// The duty cycle's two halves for one endpoint, and what they need to know.
// Thread: the worker that owns the endpoint.
#pragma once

#include <array>
#include <cstdint>

#include "engine/endpoint_port.h"
#include "engine/installed.h"
#include "engine/qsbr.h"
#include "io/endpoint.h"
#include "ring/parker.h"

namespace hyperroute {

class RecordingNotes;

// The most messages one burst hands to the router: enough to amortise a system call, few enough
// that their first lines stay in the nearest cache.
inline constexpr uint32_t kBurstCountMax = 32;

// A worker's context of the cycle at hand; owned and reused by the worker.
struct Cycle {
  uint32_t worker = 0;
  Installed* installed = nullptr;
  WorkerView* view = nullptr;
  // Monotonic, read once a cycle; exact enough for timers, not for latencies.
  uint64_t now_ns = 0;
  // One message in `sample_every` is timed; 0: none.
  uint32_t sample_every = 0;
  uint32_t until_sample = 0;
  // Makes the return addresses of one connection differ from one another.
  uint32_t return_sequence = 0;
  // A source waits for room in a full queue: look again soon, nothing will wake the worker.
  bool held = false;
  // Slots whose queues got messages in this burst.
  std::array<uint8_t, kSlotCountMax> dirty{};
  uint32_t dirty_count = 0;
  std::array<bool, kSlotCountMax> is_dirty{};
  // By worker: whom to wake after publishing to a queue it owns.
  std::array<Parker*, kWorkerCountMax> parkers{};
  // Where messages and decisions are noted; null: nothing is recorded.
  RecordingNotes* notes = nullptr;
};

// A return address, as `returnAddress()` writes it and `returnTo(field)` reads it back.
constexpr uint64_t pack_return_address(uint8_t slot, PeerRef peer, uint32_t sequence) {
  return uint64_t{slot} << 56 | uint64_t{peer.index} << 40 | uint64_t{peer.generation} << 24 |
         (sequence & 0xFFFFFF);
}
constexpr uint8_t return_address_slot(uint64_t address) {
  return static_cast<uint8_t>(address >> 56);
}
constexpr PeerRef return_address_peer(uint64_t address) {
  return PeerRef{static_cast<uint16_t>(address >> 40), static_cast<uint16_t>(address >> 24)};
}

// Receives one burst and routes it. Returns how many messages were delivered or rejected.
template <MessageBackend Backend>
uint32_t receive_burst(Cycle& cycle, Backend& backend, uint8_t slot);

// Whose turn it is to send. A queue that the transport cut short goes on first, with the frames
// that have their numbers already, so that numbers leave in order; then the others have a turn.
struct TransmitTurn {
  uint32_t queue_index = 0;
  uint32_t cut_count = 0;  // Frames of that queue's last burst that were not taken.
};

// Sends what waits in the endpoint's queues, one burst from each. Returns how many left.
template <MessageBackend Backend>
uint32_t transmit_burst(Backend& backend, const EndpointPort& port,
                        const EndpointCounters& counters, TransmitTurn& turn);

}  // namespace hyperroute
