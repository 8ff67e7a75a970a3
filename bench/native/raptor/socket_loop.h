// How a program without a router drives one Raptor socket: what arrives goes to a sink, timers run,
// what is due leaves, and in between the kernel may be slept in.
// Thread: the one that owns the socket. Place: around every message of the links and the probes.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "io/raptor/raptor_socket.h"

namespace hyperroute {

class SocketLoop {
 public:
  Status open(const RaptorSocketOptions& options) {
    now_ns_ = monotonic_ns();
    return socket_.open(now_ns_, options);
  }

  [[nodiscard]] RaptorSocket& socket() noexcept { return socket_; }
  [[nodiscard]] raptor::Endpoint& endpoint() noexcept { return socket_.endpoint(); }
  // The time of the last poll(), which offers and the next flush() take for the present.
  [[nodiscard]] uint64_t now_ns() const noexcept { return now_ns_; }

  // Hands out all that has arrived and runs the timers that are due. The sink keeps no view.
  void poll(const raptor::MessageSink& sink) {
    const bool has_filled = socket_.fill();
    take(has_filled, sink);
  }

  // As poll(), for whoever comes again at once: where nothing has arrived, the clock is read and
  // timers are looked at in one of kSpinsPerClock calls. Returns whether it was in this one.
  bool spin(const raptor::MessageSink& sink) {
    const bool has_filled = socket_.fill();
    is_fresh_ = has_filled || ++spin_count_ >= kSpinsPerClock;
    if (is_fresh_) take(has_filled, sink);
    return is_fresh_;
  }

  // Before what is offered after a spin() that did not read the clock: it was now_ns() a while ago.
  void refresh() {
    if (!is_fresh_) now_ns_ = monotonic_ns();
    is_fresh_ = true;
  }

  // What can leave now leaves, up to one round of the socket's batches: what has arrived is looked
  // at before the next.
  void flush() { has_more_ = socket_.transmit(now_ns_); }

  // Sleeps until something arrives, a timer is due, or `until_ns`; not while there is more to send.
  void wait(uint64_t until_ns) {
    if (has_more_ || !socket_.prepare_wait(true)) return;
    const uint64_t due_ns = std::min(socket_.next_deadline_ns(), until_ns);
    const uint64_t now_ns = monotonic_ns();
    if (due_ns <= now_ns) return;
    const uint64_t sleep_ns = due_ns - now_ns;
    pollfd readable{.fd = socket_.wait_fd(), .events = POLLIN, .revents = 0};
    const timespec patience{.tv_sec = static_cast<time_t>(sleep_ns / kNsPerSecond),
                            .tv_nsec = static_cast<long>(sleep_ns % kNsPerSecond)};
    ::ppoll(&readable, 1, &patience, nullptr);
    spin_count_ = kSpinsPerClock;
  }

 private:
  static constexpr uint64_t kNsPerSecond = 1'000'000'000;
  // Some microseconds of spinning: a tenth of the shortest timer.
  static constexpr uint32_t kSpinsPerClock = 8;

  void take(bool has_filled, const raptor::MessageSink& sink) {
    // Behind the system call, so that it is the time of what arrived.
    now_ns_ = monotonic_ns();
    spin_count_ = 0;
    if (has_filled || socket_.has_received(now_ns_)) {
      while (socket_.has_received(now_ns_) && socket_.deliver_next(now_ns_, sink)) {
      }
    }
    socket_.run_timers(now_ns_);
  }

  RaptorSocket socket_;
  uint64_t now_ns_ = 0;
  uint32_t spin_count_ = 0;  // since the clock was read
  bool is_fresh_ = true;     // The last spin() read it.
  bool has_more_ = false;
};

}  // namespace hyperroute
