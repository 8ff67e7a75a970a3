// The memory backend: set-up, sleep and end. Bursts: memory_datapath.cc.
// Thread: control for open(), the owning worker for the rest, any for wake_worker().
#include "io/memory/memory.h"

#include <algorithm>

namespace hyperroute {

static_assert(MessageBackend<MemoryBackend>);

Status MemoryBackend::open(const MemoryOptions& options, const EndpointCounters& counters,
                           uint16_t generation_seed) {
  auto outbound = ring_attach(options.outbound_memory, options.outbound_bytes);
  if (!outbound.ok()) return outbound.status();
  auto inbound = ring_attach(options.inbound_memory, options.inbound_bytes);
  if (!inbound.ok()) return inbound.status();
  HR_TRY(waker_.open());
  options_ = options;
  counters_ = counters;
  outbound_ = SpscConsumer(outbound.value(), RingVisibility::kTail);
  inbound_ = SpscProducer(inbound.value());
  peer_.generation = generation_seed;
  message_bytes_max_ =
      std::min(ring_record_bytes_max(outbound.value().capacity_bytes), inbound_.record_bytes_max());
  count(counters.connections);
  count(counters.connections_opened);
  return Status::success();
}

bool MemoryBackend::is_live(PeerRef peer) const {
  const bool named = peer == kDefaultPeer || peer == peer_;
  // M1 acquire: pairs with M2 in close().
  return named && open_.load(std::memory_order_acquire);
}

uint64_t MemoryBackend::progress(uint64_t) {
  if (outbound_.corrupt() && !corrupt_counted_) {
    corrupt_counted_ = true;
    count(counters_.io_errors);
  }
  return UINT64_MAX;
}

bool MemoryBackend::prepare_wait() {
  finish_burst();
  // A source that is not read any more gets no rx_burst to end its last wait.
  if (waited_) end_wait();
  waited_ = true;
  set_parked(outbound_.consumer_parked_word());
  if (tx_blocked_) {
    set_parked(inbound_.producer_parked_word());
    if (inbound_.has_space_after_park(blocked_bytes_)) return false;
  }
  // A held message is not news: the worker looks at it again by itself.
  if (held_) return true;
  return reading_ ? !outbound_.has_records_after_park() : drained_;
}

void MemoryBackend::stop_reading() {
  if (!reading_) return;
  reading_ = false;
  stop_position_ = outbound_.released_position() + outbound_.occupied_bytes();
}

// The parked words and the eventfd of a wait that is over; a wake that is still on its way only
// makes the next wait end at once.
void MemoryBackend::end_wait() {
  waited_ = false;
  clear_parked(outbound_.consumer_parked_word());
  clear_parked(inbound_.producer_parked_word());
  waker_.unpark_self();
}

uint32_t MemoryBackend::close() {
  // Relaxed: only this thread closes, and no other stores it.
  if (!open_.load(std::memory_order_relaxed)) return 0;
  count(counters_.connections, ~uint64_t{0});
  count(counters_.connections_closed);
  finish_burst();
  // M2 release: pairs with M1.
  open_.store(false, std::memory_order_release);
  outbound_.close();
  inbound_.close();
  return 0;
}

}  // namespace hyperroute
