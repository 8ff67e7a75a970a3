// Joins one backend to the engine: the duty cycle as a template over it, behind EndpointPort.
// Thread: as EndpointPort says.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/duty_cycle.h"
#include "engine/endpoint_port.h"

namespace hyperroute {

template <MessageBackend Backend>
class EndpointDriver final : public EndpointPort {
 public:
  EndpointDriver(std::string name, uint8_t slot, uint32_t owner, std::unique_ptr<Backend> backend,
                 const EndpointCounters& counters)
      : EndpointPort(std::move(name), slot, owner),
        backend_(std::move(backend)),
        counters_(counters) {
    room_ = backend_->frame_room();
    preserves_bounds_ = (backend_->capabilities() & kPreservesBounds) != 0;
    report_state();
  }

  // Control, before the port is attached: one queue for each worker that may produce.
  Status make_queues(const QueueOptions& options, uint32_t worker_count) {
    const uint32_t frame_bytes = room_.head_bytes + room_.message_bytes_max + room_.tail_bytes;
    for (uint32_t worker = 0; worker < worker_count; ++worker) {
      auto queue = TxQueue::create(options, static_cast<uint8_t>(worker), frame_bytes,
                                   backend_->finished_bytes(worker));
      if (!queue.ok()) return queue.status();
      queues_.push_back(queue.take());
    }
    return Status::success();
  }

  // Control, before the port is attached or after it is detached; its worker otherwise.
  Backend& backend() { return *backend_; }

  uint32_t receive(Cycle& cycle) override {
    const uint32_t message_count = receive_burst(cycle, *backend_, slot_);
    routed_ += message_count;
    return message_count;
  }
  uint32_t transmit() override {
    if (older_ != nullptr && !older_has_sent()) [[unlikely]]
      return 0;
    const uint32_t sent_count = transmit_burst(*backend_, *this, counters_, turn_);
    note_backlog();
    return sent_count;
  }
  uint64_t progress(uint64_t now_ns) override {
    const uint64_t deadline_ns = backend_->progress(now_ns);
    note_backlog();
    report_state();
    return deadline_ns;
  }
  bool prepare_wait() override {
    report_state();
    if (!backend_->prepare_wait()) return false;
    // While the transport is full, a full queue is no work; wait_fd() tells of room. Nor is it
    // while an older port's messages come first.
    if (backend_->tx_blocked() || older_ != nullptr) return true;
    return std::all_of(queues_.begin(), queues_.end(),
                       [](const auto& queue) { return queue->empty_after_park(); });
  }
  int wait_fd() const override { return backend_->wait_fd(); }
  void follow(const EndpointPort& older) override {
    older_ = &older;
    older_positions_.clear();
    for (const auto& queue : older.queues()) older_positions_.push_back(queue->end_position());
  }
  void stop_following(const EndpointPort& older) override {
    if (older_ == &older) older_ = nullptr;
  }
  void reconfigure(const void* options) override {
    backend_->reconfigure(*static_cast<const typename Backend::Options*>(options));
  }
  void stop_accepting() override { backend_->stop_accepting(); }
  void stop_reading() override { backend_->stop_reading(); }
  void refresh_report() override { report_state(); }
  void close() override {
    if (closed_) return;
    closed_ = true;
    count(counters_.undeliverable, discard_received());
    for (const auto& queue : queues_) count(counters_.undeliverable, queue->discard());
    count(counters_.undeliverable, backend_->close());
  }
  uint16_t generation_after() const override { return backend_->generation_after(); }
  bool is_live(PeerRef peer) const override { return backend_->is_live(peer); }
  uint32_t seal(uint8_t* frame, uint32_t message_bytes) const override {
    return backend_->seal(frame, message_bytes);
  }

 private:
  bool older_has_sent() {
    const auto& queues = older_->queues();
    for (size_t index = 0; index < queues.size(); ++index) {
      if (!queues[index]->has_left(older_positions_[index])) return false;
    }
    older_ = nullptr;
    return true;
  }

  // Takes what was read and never routed, held when its time was up; returns how many. Bounded by
  // what had been read: nothing is read any more.
  uint32_t discard_received() {
    backend_->stop_reading();
    RxView views[kBurstCountMax];
    uint32_t discarded_count = 0;
    for (;;) {
      const uint32_t message_count = backend_->rx_burst(std::span(views), monotonic_ns());
      if (message_count == 0) return discarded_count;
      for (uint32_t i = 0; i < message_count; ++i) backend_->release(views[i]);
      discarded_count += message_count;
    }
  }

  void note_backlog() {
    const uint32_t backlog_bytes = backend_->tx_backlog_bytes();
    if (backlog_bytes == backlog_bytes_) [[likely]]
      return;
    backlog_bytes_ = backlog_bytes;
    set_word(control().backlog_bytes, backlog_bytes);
  }

  void report_state() {
    const bool is_live = backend_->is_live(kDefaultPeer);
    if (is_live != was_live_) [[unlikely]]
      note_connection(is_live);
    const bool queues_empty = std::all_of(queues_.begin(), queues_.end(), [](const auto& queue) {
      return queue->occupied_bytes() == 0;
    });
    set_report(Report{is_live, backend_->rx_idle(), queues_empty && backend_->tx_idle(),
                      backend_->peer_count(), routed_});
  }

  // A connection that ends under its messages is a failure like a send that fails. One that ends
  // soon took them and did nothing with them: that they could be sent ends no row of failures.
  void note_connection(bool is_live) {
    was_live_ = is_live;
    const uint64_t now_ns = monotonic_ns();
    if (is_live) {
      live_since_ns_ = now_ns;
      return;
    }
    const bool has_lasted = now_ns - live_since_ns_ >= kLastingConnectionNs;
    control().note_failure(has_lasted ? 0 : failures_in_row_);
    failures_in_row_ = word(control().failures_in_row);
  }

  // From here on a connection has been of use, to whomever it was up for.
  static constexpr uint64_t kLastingConnectionNs = 1'000'000'000;

  std::unique_ptr<Backend> backend_;
  const EndpointCounters counters_;
  TransmitTurn turn_;
  uint32_t routed_ = 0;
  uint32_t backlog_bytes_ = 0;
  bool was_live_ = false;
  uint64_t live_since_ns_ = 0;
  // After the connection before this one.
  uint32_t failures_in_row_ = 0;
  bool closed_ = false;
  // Whose messages, up to which positions, leave before this port's.
  const EndpointPort* older_ = nullptr;
  std::vector<uint32_t> older_positions_;
};

}  // namespace hyperroute
