// The memory backend: JavaScript as a source and a destination, through two record rings in a
// SharedArrayBuffer (layout: ring/ring_layout.h).
//
//   JavaScript --outbound ring--> router     consumed here by the tail, for JavaScript's stores
//   JavaScript <--inbound ring--- router     produced here, read there by the tail
//
// Owner: the endpoint's worker. Data path: rx_burst and tx_burst; a wake-up only where the other
// side has said that it sleeps. The memory is JavaScript's: whoever opens the backend keeps it
// alive until the backend is closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "io/endpoint.h"
#include "ring/parker.h"
#include "ring/spsc_ring.h"

namespace hyperroute {

struct MemoryOptions {
  void* outbound_memory = nullptr;  // What JavaScript publishes.
  size_t outbound_bytes = 0;
  void* inbound_memory = nullptr;  // What the router delivers to JavaScript.
  size_t inbound_bytes = 0;
  // Wakes the JavaScript side; called by the worker when that side is parked, once a park. Must
  // not block. nullptr: the other side polls.
  void (*wake_reader)(void* context) = nullptr;
  void* wake_context = nullptr;
};

class MemoryBackend {
 public:
  using Options = MemoryOptions;

  MemoryBackend() = default;
  MemoryBackend(const MemoryBackend&) = delete;
  MemoryBackend& operator=(const MemoryBackend&) = delete;

  // Control. Both rings must have been formatted (ring_init) by the caller. `generation_seed` is
  // generation_after() of the last backend on the same endpoint slot.
  Status open(const MemoryOptions& options, const EndpointCounters& counters,
              uint16_t generation_seed);
  [[nodiscard]] uint16_t generation_after() const {
    return static_cast<uint16_t>(peer_.generation + 1);
  }

  uint32_t rx_burst(std::span<RxView> views, uint64_t now_ns);
  void release(const RxView& view);
  void hold(const RxView& view);
  [[nodiscard]] bool is_held(const RxView&) const { return held_; }
  uint32_t tx_burst(std::span<TxFrame> frames);
  [[nodiscard]] bool tx_blocked() const { return tx_blocked_; }
  uint64_t take_sequence(PeerRef peer) { return is_live(peer) ? ++sequence_ : 0; }
  // One peer: the JavaScript side, by its reference or as the default.
  [[nodiscard]] bool is_live(PeerRef peer) const;
  uint64_t progress(uint64_t now_ns);
  bool prepare_wait();
  [[nodiscard]] int wait_fd() const { return waker_.fd(); }
  [[nodiscard]] uint32_t capabilities() const { return kCanWait | kPreservesBounds; }
  [[nodiscard]] FinishedBytes finished_bytes(uint32_t) const { return {nullptr, 0}; }
  [[nodiscard]] FrameRoom frame_room() const { return {0, 0, message_bytes_max_}; }
  [[nodiscard]] uint32_t seal(uint8_t*, uint32_t message_bytes) const {
    return message_bytes <= message_bytes_max_ ? message_bytes : 0;
  }
  // Control, before the first burst: how JavaScript is woken. The rings never change.
  void reconfigure(const MemoryOptions& options) {
    options_.wake_reader = options.wake_reader;
    options_.wake_context = options.wake_context;
  }
  void stop_accepting() {}
  // What JavaScript had published by now is still handed out.
  void stop_reading();
  [[nodiscard]] bool rx_idle() const { return reading_ ? !held_ : drained_; }
  [[nodiscard]] bool tx_idle() const { return true; }
  [[nodiscard]] uint32_t tx_backlog_bytes() const { return inbound_.published_bytes(); }
  [[nodiscard]] uint32_t peer_count() const { return 1; }
  // After it no memory of JavaScript's is touched any more.
  uint32_t close();

  // Any thread. Wakes the worker; for JavaScript that found the outbound ring's consumer parked,
  // or that made room in a full inbound ring.
  void wake_worker() { waker_.wake(); }

 private:
  MemoryOptions options_;
  EndpointCounters counters_{};
  uint32_t message_bytes_max_ = 0;
  // The eventfd that JavaScript wakes the worker by; the parked words are the rings' own.
  Parker waker_;

  // Hands the released messages' bytes back to JavaScript; once a burst, not once a message.
  void finish_burst();
  void end_wait();

  SpscConsumer outbound_;
  SpscProducer inbound_;
  uint64_t sequence_ = 0;
  PeerRef peer_{0, 0};
  // Where the last message ends that was released and not handed back yet.
  uint32_t released_position_ = 0;
  bool has_released_ = false;
  // A message was held: it and everything behind it is read again from the ring.
  bool held_ = false;
  bool reading_ = true;
  // Once reading has stopped: where, and whether everything up to there was handed out.
  uint32_t stop_position_ = 0;
  bool drained_ = false;
  bool waited_ = false;
  bool tx_blocked_ = false;
  uint32_t blocked_bytes_ = 0;
  bool corrupt_counted_ = false;
  std::atomic<bool> open_{true};
};

}  // namespace hyperroute
