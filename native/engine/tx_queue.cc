// A destination's queue: set-up. The path of a message is in tx_queue_datapath.cc.
// Thread: control.
#include "engine/tx_queue.h"

#include <bit>
#include <new>

namespace hyperroute {

Result<std::unique_ptr<TxQueue>> TxQueue::create(const QueueOptions& options, uint8_t producer,
                                                 uint32_t frame_bytes_max,
                                                 const FinishedBytes& finished) {
  std::unique_ptr<TxQueue> queue(new (std::nothrow) TxQueue());
  if (!queue) return Status::error(StatusCode::kSystem, "no memory for a queue");
  const uint64_t extra_bytes = options.full == FullPolicy::kPark         ? options.park_bytes
                               : options.full == FullPolicy::kDropOldest ? options.queue_bytes
                                                                         : 0;
  const uint64_t bound_bytes = uint64_t{options.queue_bytes} + extra_bytes;
  const uint64_t record_bytes = record_span_bytes(frame_bytes_max + sizeof(QueueRecord));
  // A ring carries records up to a quarter of itself, and loses up to one record at its wrap.
  const uint64_t wanted_bytes = std::max(bound_bytes + 2 * record_bytes, 4 * record_bytes + 64);
  if (wanted_bytes > kRingCapacityBytesMax) {
    return Status::error(StatusCode::kLimit, "a queue of %llu bytes; at most %u fit one ring",
                         static_cast<unsigned long long>(wanted_bytes), kRingCapacityBytesMax);
  }
  const uint32_t capacity_bytes =
      std::max(kRingCapacityBytesMin, std::bit_ceil(static_cast<uint32_t>(wanted_bytes)));
  auto memory = MemoryRegion::anonymous(ring_bytes(capacity_bytes), Prefault::kNo);
  if (!memory.ok()) return memory.status();
  queue->memory_ = memory.take();
  auto ring = ring_init(queue->memory_.data(), queue->memory_.bytes(), capacity_bytes);
  if (!ring.ok()) return ring.status();
  queue->options_ = options;
  queue->frame_bytes_max_ = frame_bytes_max;
  queue->bound_bytes_ = static_cast<uint32_t>(bound_bytes);
  queue->producer_index_ = producer;
  queue->finished_ = finished;
  queue->producer_ = SpscProducer(ring.value());
  queue->consumer_ = SpscConsumer(ring.value(), RingVisibility::kCommitWord);
  if (finished.by_peer_index != nullptr) {
    queue->reserved_bytes_.reset(new (std::nothrow) uint32_t[finished.peer_count]());
    if (!queue->reserved_bytes_) {
      return Status::error(StatusCode::kSystem, "no memory for %u quotas", finished.peer_count);
    }
  } else {
    queue->finished_.peer_count = 0;
  }
  return queue;
}

}  // namespace hyperroute
