// The data path: what happens to one message, from the receive burst to the transmit burst.
//
//   receive_burst   rx burst → frame check, validate, match, pick → claim → transform → commit
//   transmit_burst  queues → sequence numbers → tx burst
//
// Thread: the worker that owns the endpoint. Nothing here allocates, locks, throws or calls the
// system other than through the backend's bursts. Read it from the bottom up, or start at
// route_message.
#include "engine/duty_cycle.h"

#include <cstring>
#include <span>

#include "base/bits.h"
#include "base/clock.h"
#include "engine/deliver_datapath.h"
#include "engine/load_datapath.h"
#include "engine/recording_datapath.h"
#include "io/memory/memory.h"
#include "io/raptor/raptor.h"
#include "io/tcp/tcp.h"
#include "io/udp/udp.h"

namespace hyperroute {
namespace {

// Tells the reject destination, exactly once. kHold: the notice has to wait, so the message does.
template <bool kRecorded>
uint32_t reject(Cycle& cycle, const Inbound& inbound, const Decision& decision, uint32_t code) {
  WorkerView& view = *cycle.view;
  const Decision notice =
      decide_reject(cycle.installed->image, view.step, inbound.message, decision);
  if constexpr (kRecorded) cycle.notes->decided(notice, view.step);
  if (notice.outcome == Outcome::kDeliver) {
    const uint32_t result = deliver(cycle, inbound, notice, code);
    if (result == kHold) return kHold;
    if (result != kDelivered) count(view.rejects_undelivered);
  }
  const uint32_t last = static_cast<uint32_t>(view.rejects.size()) - 1;
  count(view.rejects[code < last ? code : last]);
  if (decision.route != kNoIndex) count(view.routes[decision.route].rejected);
  return kDelivered;
}

// One message: frame check → validate → match → pick (decide), then delivered or rejected.
// False: a full queue says that the source has to wait, and nothing has happened.
template <bool kRecorded>
bool route_message(Cycle& cycle, Inbound& inbound) {
  WorkerView& view = *cycle.view;
  const Decision decision = decide(cycle.installed->image, view.step, inbound.message);
  if constexpr (kRecorded) cycle.notes->decided(decision, view.step);
  uint32_t code = decision.reject_code;
  if (decision.outcome == Outcome::kDeliver) [[likely]] {
    code = deliver(cycle, inbound, decision, 0);
    if (code == kDelivered) [[likely]] {
      count(view.routes[decision.route].delivered);
      return true;
    }
    if (code == kHold) return false;
    if (code == kNothingSent) {
      count(view.routes[decision.route].discarded);
      return true;
    }
  } else if (decision.outcome == Outcome::kDiscard) {
    settle_message(cycle, inbound, decision, decision.skipped_count, 0);
    count(view.routes[decision.route].discarded);
    return true;
  }
  return reject<kRecorded>(cycle, inbound, decision, code) == kDelivered;
}

bool record_message(Cycle& cycle, Inbound& inbound) {
  cycle.notes->begin_message(*cycle.view, inbound.message);
  const bool is_done = route_message<true>(cycle, inbound);
  cycle.notes->end_message(!is_done);
  return is_done;
}

// Makes the burst's messages visible to the workers that own their destinations.
void publish_dirty(Cycle& cycle) {
  for (uint32_t i = 0; i < cycle.dirty_count; ++i) {
    const uint8_t slot = cycle.dirty[i];
    const Destination& destination = cycle.view->destinations[slot];
    const uint32_t owner = destination.port->owner();
    cycle.is_dirty[slot] = false;
    if (owner == cycle.worker) {
      destination.queue->publish_to_self();
      continue;
    }
    destination.queue->publish();
    cycle.parkers[owner]->wake_if_parked();
  }
  cycle.dirty_count = 0;
}

// What correlations hold about the messages of a burst, before the first of them is decided.
[[gnu::noinline]] void prefetch_burst(const Cycle& cycle, std::span<const RxView> views,
                                      uint16_t source) {
  static_assert(kBurstCountMax <= kPrefetchCountMax);
  StepMessage messages[kBurstCountMax];
  for (uint32_t index = 0; index < views.size(); ++index) {
    messages[index] = StepMessage{views[index].data, views[index].bytes, source};
  }
  prefetch(cycle.installed->image, cycle.view->step, std::span(messages, views.size()));
}

// The tick count a sampled message of this burst carries; 0 if the burst has none.
uint64_t burst_ticks(const Cycle& cycle, uint32_t message_count) {
  return cycle.sample_every != 0 && cycle.until_sample <= message_count ? ticks() : 0;
}

uint64_t sample(Cycle& cycle, uint64_t ticks_of_burst) {
  if (ticks_of_burst == 0) return 0;
  if (--cycle.until_sample != 0) return 0;
  cycle.until_sample = cycle.sample_every;
  return ticks_of_burst;
}

// What was received together from one endpoint.
struct Burst {
  std::span<const RxView> views;
  uint8_t slot;
  uint16_t source;
  uint64_t ticks;
};

// Routes what was received; returns how many messages were delivered or rejected.
template <bool kRecorded, MessageBackend Backend>
[[gnu::always_inline]] inline uint32_t route_burst(Cycle& cycle, Backend& backend,
                                                   const Burst& burst) {
  uint32_t done_count = 0;
  for (const RxView& view : burst.views) {
    Inbound inbound{view, StepMessage{view.data, view.bytes, burst.source}, burst.slot,
                    sample(cycle, burst.ticks)};
    // Behind a held message of the same peer every later one waits, so that order is kept.
    const bool is_done =
        !backend.is_held(view) &&
        (kRecorded ? record_message(cycle, inbound) : route_message<false>(cycle, inbound));
    if (!is_done) [[unlikely]] {
      backend.hold(view);
      cycle.held = true;
      continue;
    }
    backend.release(view);
    ++done_count;
  }
  return done_count;
}

template <MessageBackend Backend>
[[gnu::noinline]] uint32_t record_burst(Cycle& cycle, Backend& backend, const Burst& burst) {
  if (!cycle.notes->begin_burst(*cycle.installed, *cycle.view, cycle.now_ns)) {
    cycle.notes->missed(static_cast<uint32_t>(burst.views.size()));
    return route_burst<false>(cycle, backend, burst);
  }
  const uint32_t done_count = route_burst<true>(cycle, backend, burst);
  cycle.notes->end_burst(*cycle.installed, *cycle.view);
  return done_count;
}

// Fills in the number that the connection's next message carries, right before it is sent.
template <MessageBackend Backend>
void write_sequence(Backend& backend, TxFrame& frame, SequencePatch& patch) {
  const uint64_t number = backend.take_sequence(frame.peer);
  store_uint(frame.data + patch.offset, number, patch.bytes, patch.big_endian != 0);
  patch.offset = kNoIndex;
}

// Whether it says something about the destination: not where the message was to blame, or one peer
// of many had gone.
bool is_failure(const TxFrame& frame) {
  return frame.verdict == TxVerdict::kFailed ||
         (frame.verdict == TxVerdict::kPeerGone && frame.peer == kDefaultPeer);
}

struct Sent {
  uint32_t final_count;
  uint32_t cut_count;  // Offered to the transport, which is full.
};

// One queue's burst: sequence numbers → tx burst → latencies.
template <MessageBackend Backend>
Sent transmit_queue(Backend& backend, TxQueue& queue, const EndpointCounters& counters,
                    SlotControl& control, uint32_t count_max) {
  TxFrame frames[kBurstCountMax];
  QueueRecord* records[kBurstCountMax];
  if (const uint32_t dropped_count = queue.trim(); dropped_count > 0) [[unlikely]]
    count(counters.dropped_oldest, dropped_count);
  const uint32_t frame_count = queue.peek(std::span(frames, count_max), std::span(records));
  if (frame_count == 0) return {0, 0};
  for (uint32_t i = 0; i < frame_count; ++i) {
    if (records[i]->patch.offset != kNoIndex) write_sequence(backend, frames[i], records[i]->patch);
  }
  const uint32_t final_count = backend.tx_burst(std::span(frames, frame_count));
  uint64_t ticks_now = 0;
  for (uint32_t i = 0; i < final_count; ++i) {
    if (frames[i].verdict != TxVerdict::kSent) [[unlikely]] {
      count(counters.undeliverable);
      if (is_failure(frames[i])) control.note_failure();
      continue;
    }
    control.note_success();
    if (records[i]->rx_ticks != 0 && records[i]->latency.valid()) {
      if (ticks_now == 0) ticks_now = ticks();
      records[i]->latency.record(ticks_to_ns(ticks_now - records[i]->rx_ticks));
    }
  }
  queue.take(final_count);
  return {final_count, frame_count - final_count};
}

}  // namespace

template <MessageBackend Backend>
uint32_t receive_burst(Cycle& cycle, Backend& backend, uint8_t slot) {
  const uint16_t source = cycle.installed->source_of_slot[slot];
  if (source == kNoIndex) return 0;
  RxView views[kBurstCountMax];
  const uint32_t message_count = backend.rx_burst(std::span(views), cycle.now_ns);
  if (message_count == 0) return 0;
  if (cycle.view->compares_loads) refresh_loads(cycle);
  if (cycle.view->prefetches && message_count > 1) {
    prefetch_burst(cycle, std::span(views, message_count), source);
  }
  const Burst burst{{views, message_count}, slot, source, burst_ticks(cycle, message_count)};
  if (burst.ticks == 0 && cycle.sample_every != 0) cycle.until_sample -= message_count;
  const uint32_t done_count = cycle.notes == nullptr ? route_burst<false>(cycle, backend, burst)
                                                     : record_burst(cycle, backend, burst);
  publish_dirty(cycle);
  return done_count;
}

template <MessageBackend Backend>
uint32_t transmit_burst(Backend& backend, const EndpointPort& port,
                        const EndpointCounters& counters, TransmitTurn& turn) {
  const auto& queues = port.queues();
  uint32_t sent_count = 0;
  for (size_t turns = queues.size(); turns > 0; --turns) {
    const Sent sent = transmit_queue(backend, *queues[turn.queue_index], counters, port.control(),
                                     turn.cut_count == 0 ? kBurstCountMax : turn.cut_count);
    sent_count += sent.final_count;
    turn.cut_count = sent.cut_count;
    if (sent.cut_count > 0) break;  // The transport is full; the other queues wait too.
    turn.queue_index = turn.queue_index + 1 == queues.size() ? 0 : turn.queue_index + 1;
  }
  return sent_count;
}

#define HR_INSTANTIATE(Backend)                                            \
  template uint32_t receive_burst<Backend>(Cycle&, Backend&, uint8_t);     \
  template uint32_t transmit_burst<Backend>(Backend&, const EndpointPort&, \
                                            const EndpointCounters&, TransmitTurn&);
HR_INSTANTIATE(UdpBackend)
HR_INSTANTIATE(TcpBackend)
HR_INSTANTIATE(MemoryBackend)
HR_INSTANTIATE(RaptorBackend)
#undef HR_INSTANTIATE

}  // namespace hyperroute
