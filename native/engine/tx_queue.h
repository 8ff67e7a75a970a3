// A destination's queue: one for each pair of producing worker and endpoint.
//
// Producing worker: claim → write the message in place → commit, publish once a burst.
// Owning worker: takes frames out in order, as the transport accepts them.
// The bytes a transform writes here are the bytes the system call reads: nothing is copied
// between the two. The bound of the queue is the user's, and what happens at the bound is the
// user's policy, applied where the message is still whole: at the claim.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/histogram.h"
#include "base/memory.h"
#include "base/status.h"
#include "io/endpoint.h"
#include "ring/spsc_ring.h"
#include "route/step.h"

namespace hyperroute {

enum class FullPolicy : uint8_t {
  kReject,      // The message goes to its reject destination with DESTINATION_FULL.
  kPark,        // Up to park_bytes more are kept, in order; beyond that as kReject.
  kBlock,       // The source is not read until there is room.
  kDropOldest,  // The owner discards the oldest down to the bound, once a cycle.
};

struct QueueOptions {
  uint32_t queue_bytes = 1u << 20;
  uint32_t park_bytes = 0;
  FullPolicy full = FullPolicy::kReject;
};

// Stands in front of every frame in the ring.
struct alignas(8) QueueRecord {
  PeerRef peer;
  SequencePatch patch;  // Offset from the start of the frame; done: offset is kNoIndex.
  uint64_t rx_ticks;    // When its burst was received; 0: this one is not sampled.
  Histogram latency;    // Where the owner records it.
};
static_assert(sizeof(QueueRecord) == 24);

class TxQueue {
 public:
  static constexpr uint32_t kPeekCountMax = 64;

  // Control. `frame_bytes_max` is what one message may need with its framing; each connection
  // that `finished` knows has a quota of its own, as large as the queue's bound.
  static Result<std::unique_ptr<TxQueue>> create(const QueueOptions& options, uint8_t producer,
                                                 uint32_t frame_bytes_max,
                                                 const FinishedBytes& finished);

  // Producing worker. Room for a frame, nullptr when the policy's bound is reached. A second
  // claim needs a commit or an abort in between.
  [[nodiscard]] uint8_t* claim(PeerRef peer, uint32_t frame_bytes);
  // Ends the claim: `frame` is what claim() returned, `frame_bytes` at most what was asked for.
  void commit(uint8_t* frame, uint32_t frame_bytes, const QueueRecord& record);
  void abort() { producer_.abort(); }
  // The same as commit(), but the owner sees nothing of it before commit_staged(); several frames
  // may be staged.
  void stage(uint8_t* frame, uint32_t frame_bytes, const QueueRecord& record);
  void commit_staged() { producer_.commit_staged(); }
  // Forgets the staged frames, after unreserve() for each of them.
  void abort_staged() { producer_.abort_staged(); }
  void unreserve(PeerRef peer, uint32_t frame_bytes);
  // Makes everything committed visible to an owner on another worker; wake it after that.
  void publish() { producer_.publish(); }
  // The same where the owner is the producing worker itself, which never sleeps in between.
  void publish_to_self() { producer_.publish_to_poller(); }

  // Owning worker. Fills frames with the oldest messages, in order, without taking them out.
  [[nodiscard]] uint32_t peek(std::span<TxFrame> frames, std::span<QueueRecord*> records);
  // Takes the first `count` of the last peek out; the others come again.
  void take(uint32_t count);
  // Discards the oldest down to the bound and returns how many; only kDropOldest ever does.
  uint32_t trim();
  // Takes everything out unsent, when the endpoint closes; returns how many.
  uint32_t discard();
  // Producing worker. Whether more than `bound_bytes` wait, with `backlog_bytes` behind the queue.
  [[nodiscard]] bool waits_beyond(uint32_t bound_bytes, uint32_t backlog_bytes) {
    if (uint64_t{producer_.occupied_bytes_last_seen()} + backlog_bytes <= bound_bytes) [[likely]]
      return false;
    return uint64_t{producer_.occupied_bytes()} + backlog_bytes > bound_bytes;
  }
  // Producing worker: what waits, what it has not published included.
  [[nodiscard]] uint32_t waiting_bytes() { return producer_.occupied_bytes(); }
  // Any worker: what is published and waits, about now.
  [[nodiscard]] uint32_t published_bytes() const { return producer_.published_bytes(); }
  // False if a publish() may have come before the owner's parked word was set.
  [[nodiscard]] bool empty_after_park() const { return !consumer_.has_records_after_park(); }
  [[nodiscard]] uint32_t occupied_bytes() const { return consumer_.occupied_bytes(); }
  // Where what is published by now ends, and whether everything before such a place has left.
  [[nodiscard]] uint32_t end_position() const {
    return consumer_.released_position() + consumer_.occupied_bytes();
  }
  [[nodiscard]] bool has_left(uint32_t position) const {
    return static_cast<int32_t>(consumer_.released_position() - position) >= 0;
  }

  [[nodiscard]] FullPolicy policy() const { return options_.full; }
  // What a frame takes of the bound.
  [[nodiscard]] static uint32_t span_bytes(uint32_t frame_bytes) {
    return record_span_bytes(frame_bytes + static_cast<uint32_t>(sizeof(QueueRecord)));
  }
  [[nodiscard]] uint32_t bound_bytes() const { return bound_bytes_; }
  [[nodiscard]] uint32_t frame_bytes_max() const { return frame_bytes_max_; }

 private:
  TxQueue() = default;

  [[nodiscard]] bool over_bound(uint32_t frame_bytes);
  [[nodiscard]] bool over_quota(PeerRef peer, uint32_t frame_bytes) const;
  uint32_t discard_down_to(uint32_t bound_bytes);

  QueueOptions options_{};
  uint32_t frame_bytes_max_ = 0;
  uint32_t bound_bytes_ = 0;
  uint8_t producer_index_ = 0;
  FinishedBytes finished_{};
  MemoryRegion memory_;

  // Producing worker.
  alignas(kCacheLineBytes) SpscProducer producer_;
  std::unique_ptr<uint32_t[]> reserved_bytes_;

  // Owning worker.
  alignas(kCacheLineBytes) SpscConsumer consumer_;
  uint32_t peeked_positions_[kPeekCountMax] = {};
};

}  // namespace hyperroute
