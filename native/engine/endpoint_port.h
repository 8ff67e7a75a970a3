// An open endpoint as the engine sees it: a backend, its queues and the worker that owns them.
//
// Thread: made and freed by the control thread; between attach and detach its owning worker calls
// everything marked "worker". One indirect call a burst leads from here into the duty cycle,
// which is a template over the backend. Two short ones remain for each message, because its
// destination is known only when it is decided: is_live(), and seal() where there is a framing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/slot_control.h"
#include "engine/tx_queue.h"
#include "io/endpoint.h"

namespace hyperroute {

struct Cycle;

class EndpointPort {
 public:
  EndpointPort(std::string name, uint8_t slot, uint32_t owner)
      : name_(std::move(name)), slot_(slot), owner_(owner) {}
  virtual ~EndpointPort() = default;
  EndpointPort(const EndpointPort&) = delete;
  EndpointPort& operator=(const EndpointPort&) = delete;

  // Worker. The two halves of the duty cycle; each returns how many messages it moved.
  virtual uint32_t receive(Cycle& cycle) = 0;
  virtual uint32_t transmit() = 0;
  // Worker. Timers and counters; returns the next deadline in monotonic ns.
  virtual uint64_t progress(uint64_t now_ns) = 0;
  // Worker. Before a sleep, after the parked word is set: false if there is something to do.
  virtual bool prepare_wait() = 0;
  [[nodiscard]] virtual int wait_fd() const = 0;
  // Worker. Sends nothing before `older`, the same endpoint's former port, has sent what it holds
  // now: so messages stay in order although they lie in two queues. Both have the same worker.
  virtual void follow(const EndpointPort& older) = 0;
  // Worker. `older` is about to close; whatever it has not sent by now it never will.
  virtual void stop_following(const EndpointPort& older) = 0;
  // Worker. New options for what comes after; `options` is the backend's own options type.
  virtual void reconfigure(const void* options) = 0;
  // Worker. Lets no new peer in; those that are there go on.
  virtual void stop_accepting() = 0;
  // Worker. Reads nothing more; what is queued may still be sent.
  virtual void stop_reading() = 0;
  // Worker. Makes report() tell the present state.
  virtual void refresh_report() = 0;
  // Worker, or control when no worker has the port. Closes every socket; what is still queued
  // counts as undeliverable. Idempotent.
  virtual void close() = 0;

  // Control, after detach: the seed of the generations of the slot's next endpoint.
  [[nodiscard]] virtual uint16_t generation_after() const = 0;

  // Producing worker. Whether this peer, or for kDefaultPeer the endpoint, can be reached now.
  [[nodiscard]] virtual bool is_live(PeerRef peer) const = 0;
  // Producing worker. Completes a frame (io/endpoint.h); 0: the message does not fit.
  [[nodiscard]] virtual uint32_t seal(uint8_t* frame, uint32_t message_bytes) const = 0;
  [[nodiscard]] const FrameRoom& room() const { return room_; }
  [[nodiscard]] bool preserves_bounds() const { return preserves_bounds_; }

  // Control, before attach: the words of its slot. Without them it keeps its own to itself.
  void set_control(SlotControl& control) { control_ = &control; }
  [[nodiscard]] SlotControl& control() const { return *control_; }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] uint8_t slot() const { return slot_; }
  [[nodiscard]] uint32_t owner() const { return owner_; }
  // By producing worker.
  [[nodiscard]] const std::vector<std::unique_ptr<TxQueue>>& queues() const { return queues_; }

  // What a port reports of itself, written by its worker, read by the control thread.
  struct Report {
    bool live;            // The default peer can be reached.
    bool rx_idle;         // No message that was read waits to be routed.
    bool tx_idle;         // Nothing is queued, neither here nor in the backend.
    uint32_t peer_count;  // Connections, or known senders.
    uint32_t routed;      // Messages received and routed, modulo 2^32: whether it is in use.
  };
  [[nodiscard]] Report report() const {
    // T1 acquire: what the worker did before it reported has happened; pairs with T2.
    const uint64_t word = report_.load(std::memory_order_acquire);
    return Report{(word & 1) != 0, (word & 2) != 0, (word & 4) != 0,
                  static_cast<uint32_t>(word) >> 3, static_cast<uint32_t>(word >> 32)};
  }

 protected:
  void set_report(const Report& report) {
    const uint64_t word = uint64_t{report.live} | uint64_t{report.rx_idle} << 1 |
                          uint64_t{report.tx_idle} << 2 | uint64_t{report.peer_count} << 3 |
                          uint64_t{report.routed} << 32;
    // T2 release: pairs with T1.
    report_.store(word, std::memory_order_release);
  }

  std::string name_;
  const uint8_t slot_;
  const uint32_t owner_;
  FrameRoom room_{};
  bool preserves_bounds_ = false;
  SlotControl own_control_;
  SlotControl* control_ = &own_control_;
  std::vector<std::unique_ptr<TxQueue>> queues_;

 private:
  std::atomic<uint64_t> report_{0};
};

}  // namespace hyperroute
