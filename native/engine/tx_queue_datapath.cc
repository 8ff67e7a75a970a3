// A destination's queue: the producing worker's claim and commit, the owner's peek and take.
// Thread: producing worker, owning worker, as marked in tx_queue.h.
// Place on the data path: between the transform and the transmit burst.
#include <cstring>

#include "engine/tx_queue.h"

namespace hyperroute {

bool TxQueue::over_bound(uint32_t frame_bytes) {
  const uint32_t needed_bytes = span_bytes(frame_bytes);
  if (producer_.occupied_bytes_last_seen() + needed_bytes <= bound_bytes_) [[likely]]
    return false;
  const uint32_t occupied_bytes = producer_.occupied_bytes();
  // An empty queue takes any message its endpoint can carry, however small its bound.
  return occupied_bytes > 0 && occupied_bytes + needed_bytes > bound_bytes_;
}

// One slow connection must not fill the queue of all: what it may have waiting, here and in its
// backlog, is bounded too. Under drop-oldest the backend trims the backlog instead.
bool TxQueue::over_quota(PeerRef peer, uint32_t frame_bytes) const {
  if (peer.index >= finished_.peer_count || options_.full == FullPolicy::kDropOldest) return false;
  // C1 acquire: the backend has done with the bytes it counts; pairs with C2 there.
  const uint32_t finished_bytes =
      finished_.by_peer_index[peer.index].load(std::memory_order_acquire);
  const uint32_t queued_bytes = reserved_bytes_[peer.index] - finished_bytes;
  return queued_bytes > 0 && queued_bytes + frame_bytes > bound_bytes_;
}

uint8_t* TxQueue::claim(PeerRef peer, uint32_t frame_bytes) {
  if (over_bound(frame_bytes) || over_quota(peer, frame_bytes)) [[unlikely]]
    return nullptr;
  uint8_t* room = producer_.claim(frame_bytes + static_cast<uint32_t>(sizeof(QueueRecord)));
  return room == nullptr ? nullptr : room + sizeof(QueueRecord);
}

void TxQueue::commit(uint8_t* frame, uint32_t frame_bytes, const QueueRecord& record) {
  std::memcpy(frame - sizeof(QueueRecord), &record, sizeof(QueueRecord));
  if (record.peer.index < finished_.peer_count) reserved_bytes_[record.peer.index] += frame_bytes;
  producer_.commit(frame_bytes + static_cast<uint32_t>(sizeof(QueueRecord)));
}

void TxQueue::stage(uint8_t* frame, uint32_t frame_bytes, const QueueRecord& record) {
  std::memcpy(frame - sizeof(QueueRecord), &record, sizeof(QueueRecord));
  if (record.peer.index < finished_.peer_count) reserved_bytes_[record.peer.index] += frame_bytes;
  producer_.stage(frame_bytes + static_cast<uint32_t>(sizeof(QueueRecord)));
}

void TxQueue::unreserve(PeerRef peer, uint32_t frame_bytes) {
  if (peer.index < finished_.peer_count) reserved_bytes_[peer.index] -= frame_bytes;
}

uint32_t TxQueue::peek(std::span<TxFrame> frames, std::span<QueueRecord*> records) {
  consumer_.rewind();
  uint32_t count = 0;
  RingRecord ring_record;
  while (count < frames.size() && count < kPeekCountMax && consumer_.next(ring_record)) {
    // The ring gives read-only bytes; until they are released they are the owner's, which fills
    // in the sequence number there.
    uint8_t* bytes = const_cast<uint8_t*>(ring_record.data);
    auto* record = reinterpret_cast<QueueRecord*>(bytes);
    records[count] = record;
    frames[count] = TxFrame{bytes + sizeof(QueueRecord),
                            ring_record.bytes - static_cast<uint32_t>(sizeof(QueueRecord)),
                            record->peer, TxVerdict::kPending, producer_index_};
    peeked_positions_[count++] = ring_record.end_position;
  }
  return count;
}

void TxQueue::take(uint32_t count) {
  if (count > 0) consumer_.release(peeked_positions_[count - 1]);
  // What was only looked at still waits, and empty_after_park() has to find it.
  consumer_.rewind();
}

uint32_t TxQueue::trim() {
  return options_.full == FullPolicy::kDropOldest ? discard_down_to(options_.queue_bytes) : 0;
}

uint32_t TxQueue::discard() { return discard_down_to(0); }

uint32_t TxQueue::discard_down_to(uint32_t bound_bytes) {
  if (consumer_.occupied_bytes() <= bound_bytes) [[likely]]
    return 0;
  return consumer_.drop_oldest(bound_bytes);
}

}  // namespace hyperroute
