// A worker: a thread (or, inline, whoever polls) that runs the duty cycle of its endpoints.
//
// The control thread talks to it through a command ring and never touches its endpoints while it
// may run; the worker answers by counting the commands it has carried out. It never calls into
// JavaScript.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/status.h"
#include "engine/duty_cycle.h"
#include "engine/idle.h"
#include "engine/qsbr.h"
#include "ring/parker.h"
#include "ring/spsc_ring.h"

namespace hyperroute {

struct WorkerOptions {
  std::string name;
  IdleMode idle = IdleMode::kBlock;
  // How long `block` and `backoff` keep looking before they sleep.
  uint64_t spin_ns = 10'000;
  int32_t cpu = -1;  // -1: not pinned.
  uint32_t sample_every = 64;
};

struct WorkerCounters {
  Counter cycles;  // Duty cycles run.
  Counter busy;    // Of those, cycles that moved at least one message.
  Counter sleeps;  // Times it blocked in the kernel.
};

enum class CommandKind : uint32_t {
  kAttach,       // Own the port: poll it from the next cycle on. argument: the port of the same
                 // endpoint that it follows, or nullptr.
  kReconfigure,  // argument: the backend's options, valid until the command is done.
  kStopAccepting,
  kStopReading,
  kReport,  // Report what the port is doing by now.
  kDetach,  // Close the port and forget it; the control thread frees it.
  kRecord,  // No port. argument: the RecordingNotes to write from now on, or nullptr.
};

struct Command {
  CommandKind kind;
  uint32_t reserved = 0;
  EndpointPort* port;
  const void* argument;
};

class Worker {
 public:
  Worker(uint32_t index, const WorkerOptions& options, Qsbr& qsbr,
         const std::atomic<Installed*>& installed);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Control. Makes the command ring and the epoll set.
  Status open(const WorkerCounters& counters);
  // Control. Starts the thread, which pins itself; not for an inline worker. kCpuUnavailable: no
  // such CPU.
  Status start();
  // Control. Ends the thread after its present cycle. Idempotent.
  void stop();

  // Control. Hands over a command; returns its number, 0 if the ring is full.
  [[nodiscard]] uint64_t post(const Command& command);
  // Control. Whether post() succeeds next: nobody else posts.
  [[nodiscard]] bool has_room();
  [[nodiscard]] bool is_done(uint64_t command_number) const {
    // W1 acquire: what the command did has happened; pairs with W2.
    return commands_done_.load(std::memory_order_acquire) >= command_number;
  }

  // Inline model: one duty cycle on the calling thread. Returns the messages moved.
  uint32_t poll();

  [[nodiscard]] Parker& parker() { return parker_; }
  void set_parkers(const std::array<Parker*, kWorkerCountMax>& parkers) {
    cycle_.parkers = parkers;
  }
  // kScratchBytes for the step; only this worker writes them.
  [[nodiscard]] uint8_t* scratch() const { return scratch_memory_.data(); }
  // What the tables of its correlations tell of entries that go; for entry_removed().
  [[nodiscard]] void* listener() { return &cycle_; }
  [[nodiscard]] uint32_t index() const { return cycle_.worker; }
  [[nodiscard]] const WorkerOptions& options() const { return options_; }
  [[nodiscard]] bool running() const { return running_; }

 private:
  static void* thread_main(void* self);
  void run();
  uint32_t do_work();
  uint32_t transmit(EndpointPort& port);
  uint32_t carry_out_commands();
  void carry_out(const Command& command);
  void attach(EndpointPort* port);
  void follow(EndpointPort& port, const EndpointPort* older);
  void detach(EndpointPort* port);
  void progress_ports();
  void refresh_alive(const EndpointPort& port);
  void refresh_alive();
  void sweep_correlations();
  void publish_correlations();
  // Between these two the worker uses an image, and a swap waits for it.
  void go_online();
  void go_offline();
  void use(Installed* installed);
  void keep_random();
  void idle();
  void sleep(uint64_t sleep_ns_max);
  [[nodiscard]] bool nothing_to_do();
  void block(uint64_t timeout_ns);
  Status watch(int fd);

  const WorkerOptions options_;
  Qsbr& qsbr_;
  const std::atomic<Installed*>& installed_;
  Parker parker_;

  // Control thread.
  alignas(kCacheLineBytes) SpscProducer command_producer_;
  uint64_t commands_posted_ = 0;
  pthread_t thread_{};
  bool running_ = false;

  // This worker.
  alignas(kCacheLineBytes) Cycle cycle_;
  IdleStrategy idle_;
  WorkerCounters counters_{};
  std::vector<EndpointPort*> ports_;
  SpscConsumer command_consumer_;
  uint64_t progress_deadline_ns_ = 0;
  uint64_t next_timer_ns_ = UINT64_MAX;
  // Of the step, from one image to the next.
  uint64_t random_;
  int epoll_fd_ = -1;
  MemoryRegion command_memory_;
  MemoryRegion scratch_memory_;

  // Written by one side, read by the other.
  alignas(kCacheLineBytes) std::atomic<uint64_t> commands_done_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace hyperroute
