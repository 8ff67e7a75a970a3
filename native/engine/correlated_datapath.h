// Messages that belong to earlier ones: where those came from and went, and what waits for whom.
//
// Thread: the worker that owns the source. Data path: for routes with correlations alone.
#pragma once

#include <cstdint>

#include "engine/duty_cycle.h"
#include "engine/recording_datapath.h"
#include "include/hyperroute/codes.h"
#include "route/correlate_datapath.h"

namespace hyperroute {

// A place as entries remember it: like a return address, with the instance of the slot in place of
// the number.
inline uint64_t correlated_address(const Destination& place, uint8_t slot, PeerRef peer) noexcept {
  return pack_return_address(slot, peer, word(place.control->instance));
}

// nullptr: the endpoint has gone, whoever has its slot now.
inline const Destination* find_destination(const WorkerView& view, uint64_t address) noexcept {
  const Destination& found = view.destinations[return_address_slot(address)];
  if (found.queue == nullptr) return nullptr;
  return word(found.control->instance) == (address & 0xFFFFFF) ? &found : nullptr;
}

// Makes a delivery to such a place one to its endpoint, wherever that is by now, or to the one
// connection or sender. Returns 0 or the reject code.
[[nodiscard]] inline uint32_t resolve(const Cycle& cycle, Delivery& delivery) noexcept {
  if (delivery.target != TargetKind::kCorrelated) [[likely]]
    return 0;
  const auto stale = static_cast<uint32_t>(RejectCode::kStaleReturnAddress);
  const uint64_t address = delivery.return_address;
  if (find_destination(*cycle.view, address) == nullptr) return stale;
  if (return_address_peer(address) != kDefaultPeer) {
    delivery.target = TargetKind::kReturnAddress;
    return 0;
  }
  const uint16_t endpoint = cycle.installed->source_of_slot[return_address_slot(address)];
  if (endpoint == kNoIndex || !cycle.installed->image.carries(delivery.carriers, endpoint)) {
    return stale;
  }
  delivery.target = TargetKind::kEndpoint;
  delivery.endpoint = endpoint;
  return 0;
}

// Whether an entry that the message opens waits for the answer to this copy of it.
inline bool is_waited_for(const Cycle& cycle, const Decision& decision, uint32_t index) noexcept {
  return (decision.correlates & kOpensEntry) != 0 &&
         cycle.view->correlating.opening_delivery == index;
}

// Opens and closes what the rule of a message says that has been sent.
inline void settle_entries(Cycle& cycle, const Decision& decision, uint64_t source,
                           uint64_t destination) noexcept {
  if ((decision.correlates & kOpensEntry) != 0) {
    // Before it is opened: where that evicts another, the number never goes below its own.
    cycle.view->destinations[return_address_slot(destination)].control->note_request();
  }
  settle_correlations(cycle.view->step, decision, {source, destination, cycle.now_ns});
  if (cycle.notes != nullptr) [[unlikely]]
    cycle.notes->settled(source, destination);
}

}  // namespace hyperroute
