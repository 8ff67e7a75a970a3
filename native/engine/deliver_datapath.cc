// Brings one message to its destinations.
// Thread: the worker that owns the source. Data path: behind the decision. Nothing here allocates,
// locks, throws or calls the system.
#include "engine/deliver_datapath.h"

#include <cstring>
#include <span>

#include "engine/admission_datapath.h"
#include "engine/correlated_datapath.h"
#include "engine/endpoint_port.h"
#include "engine/load_datapath.h"
#include "include/hyperroute/codes.h"

namespace hyperroute {
namespace {

constexpr uint32_t code_of(RejectCode code) { return static_cast<uint32_t>(code); }

struct Address {
  uint8_t slot;
  PeerRef peer;
  uint32_t code_if_dead;
};

Address address_of(const Cycle& cycle, const Inbound& inbound, const Delivery& delivery) {
  switch (delivery.target) {
    case TargetKind::kReturnSource:
      return {inbound.slot, inbound.view.peer, code_of(RejectCode::kDestinationGone)};
    case TargetKind::kCorrelated:  // Resolved before.
    case TargetKind::kReturnAddress:
      return {return_address_slot(delivery.return_address),
              return_address_peer(delivery.return_address),
              code_of(RejectCode::kStaleReturnAddress)};
    case TargetKind::kEndpoint:
      break;
  }
  return {cycle.installed->slot_of_endpoint[delivery.endpoint], kDefaultPeer,
          code_of(RejectCode::kNoDestination)};
}

// A return address comes from the network. It reaches an endpoint that carries the message that
// leaves, and no other, whatever connection it names.
bool may_reach(const Cycle& cycle, const Delivery& delivery, uint8_t slot) {
  if (delivery.target != TargetKind::kReturnAddress) return true;
  const uint16_t endpoint = cycle.installed->source_of_slot[slot];
  return endpoint != kNoIndex && cycle.installed->image.carries(delivery.carriers, endpoint);
}

void mark_dirty(Cycle& cycle, uint8_t slot) {
  if (cycle.is_dirty[slot]) return;
  cycle.is_dirty[slot] = true;
  cycle.dirty[cycle.dirty_count++] = slot;
}

// Writes the message into `out`, transformed or as it came. Returns 0 or a reject code.
uint32_t write_message(Cycle& cycle, const Inbound& inbound, const Delivery& delivery,
                       uint32_t reject_code, uint8_t* out, SequencePatch& patch) {
  if (delivery.transform == kNoIndex) {
    std::memcpy(out, inbound.message.data, inbound.message.bytes);
    return 0;
  }
  const TransformContext context{
      pack_return_address(inbound.slot, inbound.view.peer, ++cycle.return_sequence), reject_code};
  const TransformResult result =
      run_transform(cycle.installed->image, cycle.view->step, delivery.transform, inbound.message,
                    context, std::span(out, delivery.output_bytes));
  patch = result.patch;
  return result.reject_code;
}

// A frame that is written and waits in its open claim.
struct Written {
  const Destination* destination;
  uint8_t* frame;
  uint32_t frame_bytes;
  SequencePatch patch;
  uint8_t slot;
  bool is_admitted;  // Of the destination's limits, which get it back if it does not leave.
  uint16_t endpoint;
  PeerRef peer;
};

// claim → transform → seal. kDelivered and an open claim; or none, and kHold or a reject code.
[[gnu::always_inline]] inline uint32_t fill_frame(Cycle& cycle, const Inbound& inbound,
                                                  const Delivery& delivery, uint32_t reject_code,
                                                  Written& written) {
  TxQueue& queue = *written.destination->queue;
  const EndpointPort& port = *written.destination->port;
  const FrameRoom& room = port.room();
  if (delivery.output_bytes > room.message_bytes_max) [[unlikely]]
    return code_of(RejectCode::kFrameSize);
  written.frame_bytes = room.head_bytes + delivery.output_bytes + room.tail_bytes;
  written.frame = queue.claim(written.peer, written.frame_bytes);
  if (written.frame == nullptr) [[unlikely]] {
    return queue.policy() == FullPolicy::kBlock ? kHold : code_of(RejectCode::kDestinationFull);
  }
  written.patch = {kNoIndex, 0, 0};
  const uint32_t code = write_message(cycle, inbound, delivery, reject_code,
                                      written.frame + room.head_bytes, written.patch);
  if (code != 0) [[unlikely]] {
    queue.abort();
    return code;
  }
  if (written.patch.offset != kNoIndex)
    written.patch.offset = static_cast<uint16_t>(written.patch.offset + room.head_bytes);
  const bool is_framed = !port.preserves_bounds();
  written.frame_bytes =
      is_framed ? port.seal(written.frame, delivery.output_bytes) : delivery.output_bytes;
  if (is_framed && written.frame_bytes == 0) [[unlikely]] {
    queue.abort();
    return code_of(RejectCode::kFrameSize);
  }
  return kDelivered;
}

// The same from the pick on: who is reached, whether it can be, whether it takes one more.
[[gnu::always_inline]] inline uint32_t write_frame(Cycle& cycle, const Inbound& inbound,
                                                   const Delivery& delivery, uint32_t reject_code,
                                                   Written& written) {
  const Address address = address_of(cycle, inbound, delivery);
  const Destination& destination = cycle.view->destinations[address.slot];
  if (destination.queue == nullptr || !may_reach(cycle, delivery, address.slot)) [[unlikely]]
    return address.code_if_dead;
  const bool is_endpoint = delivery.target == TargetKind::kEndpoint;
  if (!destination.port->is_live(address.peer)) [[unlikely]] {
    // A connection that is down and will come back may keep its queue; a peer never does.
    const bool keeps = is_endpoint && destination.queue->policy() != FullPolicy::kReject;
    if (!keeps) return address.code_if_dead;
  }
  written.destination = &destination;
  written.slot = address.slot;
  written.peer = address.peer;
  written.endpoint = delivery.endpoint;
  // A notice is not held back: it is the one answer that its message gets.
  written.is_admitted = is_endpoint && reject_code == 0;
  if (written.is_admitted) {
    const uint32_t code = admit(destination, cycle.now_ns, delivery.priority, delivery.is_picked);
    if (code != 0) [[unlikely]]
      return code;
  }
  const uint32_t code = fill_frame(cycle, inbound, delivery, reject_code, written);
  if (code != kDelivered && written.is_admitted) [[unlikely]]
    readmit(destination);
  return code;
}

// `rx_ticks`: when the message was received, if its latency is to be recorded; else 0.
QueueRecord record_of(const Cycle& cycle, const Written& written, uint16_t route,
                      uint64_t rx_ticks) {
  const Histogram latency = rx_ticks == 0 || route == kNoIndex
                                ? Histogram()
                                : cycle.view->latency[route * cycle.installed->worker_count +
                                                      written.destination->port->owner()];
  return QueueRecord{written.peer, written.patch, rx_ticks, latency};
}

// A frame is committed. `endpoint`: kNoIndex where it went to an address.
void mark_sent(Cycle& cycle, uint8_t slot, uint16_t endpoint, uint32_t frame_bytes) {
  mark_dirty(cycle, slot);
  if (cycle.view->compares_loads && endpoint != kNoIndex) {
    note_load(*cycle.view, endpoint, frame_bytes);
  }
}

[[gnu::always_inline]] inline uint32_t send_frame(Cycle& cycle, const Inbound& inbound,
                                                  const Delivery& delivery, uint16_t route,
                                                  uint32_t reject_code, Written& written) {
  const uint32_t code = write_frame(cycle, inbound, delivery, reject_code, written);
  if (code != kDelivered) [[unlikely]]
    return code;
  written.destination->queue->commit(written.frame, written.frame_bytes,
                                     record_of(cycle, written, route, inbound.rx_ticks));
  mark_sent(cycle, written.slot, written.endpoint, written.frame_bytes);
  return kDelivered;
}

uint32_t deliver_one(Cycle& cycle, const Inbound& inbound, const Decision& decision,
                     uint32_t reject_code) {
  Written written{};
  return send_frame(cycle, inbound, decision.first, decision.route, reject_code, written);
}

uint64_t address_of_sent(const Written& written) {
  return correlated_address(*written.destination, written.slot, written.peer);
}

// One message as well, and something to remember of it, to forget, or to send where another has
// been.
uint32_t deliver_correlated(Cycle& cycle, const Inbound& inbound, const Decision& decision,
                            uint32_t reject_code) {
  Delivery delivery = decision.first;
  if (const uint32_t code = resolve(cycle, delivery); code != 0) return code;
  Written written{};
  const uint32_t code = send_frame(cycle, inbound, delivery, decision.route, reject_code, written);
  if (code == kDelivered) settle_message(cycle, inbound, decision, 0, address_of_sent(written));
  return code;
}

// The copies of one message on their way: written, and seen by nobody yet.
class Staging {
 public:
  explicit Staging(Cycle& cycle) noexcept : cycle_(cycle) {}

  // Whether a frame has room in its queue once that is empty but for this message's own frames.
  [[nodiscard]] bool can_ever_fit(const Written& written) const noexcept {
    uint64_t bytes = TxQueue::span_bytes(written.frame_bytes);
    bool is_first = true;
    for (uint32_t index = 0; index < count_; ++index) {
      if (staged_[index].destination != written.destination) continue;
      bytes += TxQueue::span_bytes(staged_[index].frame_bytes);
      is_first = false;
    }
    return is_first || bytes <= written.destination->queue->bound_bytes();
  }

  void add(const Written& written, uint16_t route, uint64_t rx_ticks) {
    // The latency of a message is that of its first copy.
    const uint64_t ticks = count_ == 0 ? rx_ticks : 0;
    written.destination->queue->stage(written.frame, written.frame_bytes,
                                      record_of(cycle_, written, route, ticks));
    staged_[count_++] = {written.destination, written.frame_bytes, written.peer,
                         written.endpoint,    written.slot,        written.is_admitted};
  }

  void commit() {
    for (uint32_t index = 0; index < count_; ++index) {
      const Staged& staged = staged_[index];
      staged.destination->queue->commit_staged();
      mark_sent(cycle_, staged.slot, staged.endpoint, staged.frame_bytes);
    }
  }

  void abort() {
    for (uint32_t index = 0; index < count_; ++index) {
      const Staged& staged = staged_[index];
      staged.destination->queue->unreserve(staged.peer, staged.frame_bytes);
      staged.destination->queue->abort_staged();
      if (staged.is_admitted) readmit(*staged.destination);
    }
  }

  [[nodiscard]] uint32_t count() const noexcept { return count_; }

 private:
  struct Staged {
    const Destination* destination;
    uint32_t frame_bytes;
    PeerRef peer;
    uint16_t endpoint;
    uint8_t slot;
    bool is_admitted;
  };

  Cycle& cycle_;
  uint32_t count_ = 0;
  Staged staged_[kDeliveriesMax];
};

// All that must be sent, or nothing; what is on best effort only as far as there is room for it.
uint32_t deliver_several(Cycle& cycle, const Inbound& inbound, const Decision& decision,
                         uint32_t reject_code) {
  Staging staging(cycle);
  uint32_t skipped_count = decision.skipped_count;
  uint64_t opening_destination = 0;
  for (uint32_t index = 0; index < decision.delivery_count; ++index) {
    Delivery delivery = delivery_at(decision, cycle.view->step, index);
    Written written{};
    uint32_t code = resolve(cycle, delivery);
    if (code == 0) code = write_frame(cycle, inbound, delivery, reject_code, written);
    if (code == kDelivered) {
      staging.add(written, decision.route, inbound.rx_ticks);
      if (is_waited_for(cycle, decision, index)) opening_destination = address_of_sent(written);
      continue;
    }
    if (delivery.best_effort) {
      ++skipped_count;
      continue;
    }
    if (code == kHold && !staging.can_ever_fit(written)) {
      code = code_of(RejectCode::kDestinationFull);
    }
    staging.abort();
    return code;
  }
  staging.commit();
  settle_message(cycle, inbound, decision, skipped_count, opening_destination);
  return staging.count() == 0 ? kNothingSent : kDelivered;
}

}  // namespace

void settle_message(Cycle& cycle, const Inbound& inbound, const Decision& decision,
                    uint32_t skipped_count, uint64_t destination) {
  if (skipped_count > 0) count(cycle.view->routes[decision.route].skipped, skipped_count);
  if (decision.tap_count > 0) settle(cycle.installed->image, cycle.view->step, decision);
  if (decision.correlates != 0) {
    const Destination& source = cycle.view->destinations[inbound.slot];
    const uint64_t address = correlated_address(source, inbound.slot, inbound.view.peer);
    settle_entries(cycle, decision, address, destination);
  }
}

uint32_t deliver(Cycle& cycle, const Inbound& inbound, const Decision& decision,
                 uint32_t reject_code) {
  if (decision.is_single) [[likely]]
    return deliver_one(cycle, inbound, decision, reject_code);
  const bool is_alone = decision.delivery_count == 1 && decision.skipped_count == 0 &&
                        decision.tap_count == 0 && !decision.first.best_effort;
  return is_alone ? deliver_correlated(cycle, inbound, decision, reject_code)
                  : deliver_several(cycle, inbound, decision, reject_code);
}

}  // namespace hyperroute
