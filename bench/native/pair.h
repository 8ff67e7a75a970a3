// Two processes pinned to two CPUs: the parent measures, the child answers. The child sleeps in
// the kernel between phases, so that it takes no CPU while another subject is measured.
// Thread: each function names its side.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/memory.h"
#include "bench/native/options.h"

namespace hyperroute {

// What the child does next; written by the parent while the child sleeps.
struct Phase {
  uint32_t subject;
  uint32_t payload_bytes;
  uint64_t message_count;
};

// Lies in memory shared by both. A phase starts with `started` + 1 and ends with `finished` equal.
struct PairControl {
  alignas(kCacheLineBytes) std::atomic<uint32_t> started;
  Phase phase;
  alignas(kCacheLineBytes) std::atomic<uint32_t> finished;
  std::atomic<uint32_t> failed;
};

// A spin that gives up: counts empty rounds cheaply and looks at the clock once in many.
class SpinGuard {
 public:
  // True when nothing has happened for kSilenceNsMax.
  [[nodiscard]] bool is_over() noexcept {
    ++round_count_;
    return (round_count_ & kRoundMask) == 0 && silence_is_over();
  }

  static constexpr uint64_t kSilenceNsMax = 5'000'000'000;

 private:
  bool silence_is_over() noexcept;

  static constexpr uint32_t kRoundMask = (1u << 18) - 1;
  uint32_t round_count_ = 0;
  uint64_t since_ns_ = 0;
};

class Pair {
 public:
  // The child's work for one phase; false when it gave up waiting for the parent.
  using Serve = bool (*)(void* context, const Phase& phase);

  // Parent. Forks the child, pins it to server_cpu and the caller to client_cpu. The child never
  // returns; it ends when the parent does. A CPU that is not there ends the program.
  Pair(const Options& options, Serve serve, void* context);
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Parent. Wakes the child up for a phase.
  void start(const Phase& phase);

  // Parent. Waits, spinning, until the child has finished. False when it failed or is gone.
  [[nodiscard]] bool finish();

 private:
  [[noreturn]] void run_child(uint32_t cpu, int32_t parent_pid, Serve serve, void* context);

  MemoryRegion memory_;
  PairControl* control_ = nullptr;
  int32_t child_pid_ = -1;
};

// Takes a value out of a Result or ends the program with its context.
template <typename T>
T take_or_fail(Result<T> result) {
  if (!result.ok()) fail(1, "%s", result.status().context);
  return result.take();
}

void pin_or_fail(uint32_t cpu);

}  // namespace hyperroute
