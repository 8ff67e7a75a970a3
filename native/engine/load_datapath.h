// How busy the members of pools are that look for the least busy one.
//
// Thread: the producing worker; the loads are its own. Place on the data path: before a burst is
// routed, and behind each of its messages. Nothing of it runs where no pool compares loads.
#pragma once

#include "engine/admission_datapath.h"
#include "engine/duty_cycle.h"
#include "engine/endpoint_port.h"

namespace hyperroute {

// What waits for a destination in the queues of all workers, as far as they have published it, and
// in the backlog behind them.
inline uint32_t waiting_bytes(const Destination& destination, uint32_t worker) {
  uint32_t bytes = word(destination.control->backlog_bytes) + destination.queue->waiting_bytes();
  const auto& queues = destination.port->queues();
  for (uint32_t other = 0; other < queues.size(); ++other) {
    if (other != worker) bytes += queues[other]->published_bytes();
  }
  return bytes;
}

inline void refresh_loads(Cycle& cycle) {
  WorkerView& view = *cycle.view;
  for (const uint16_t endpoint : cycle.installed->compared) {
    const Destination& destination = view.destinations[cycle.installed->slot_of_endpoint[endpoint]];
    if (destination.queue == nullptr) continue;
    view.loads[endpoint] = EndpointLoad{waiting_bytes(destination, cycle.worker),
                                        word(destination.control->outstanding)};
  }
}

// A message of this burst went there. Whether it will be answered shows with the next burst; until
// then it counts as if, so that a burst is spread.
inline void note_load(WorkerView& view, uint16_t endpoint, uint32_t frame_bytes) {
  EndpointLoad& load = view.loads[endpoint];
  load.queued_bytes += frame_bytes;
  ++load.outstanding;
}

}  // namespace hyperroute
