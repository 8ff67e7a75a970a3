// Fork, pin, and the start and end of phases.
#include "bench/native/pair.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "base/clock.h"
#include "base/cpu.h"

namespace hyperroute {
namespace {

uint32_t* futex_word(std::atomic<uint32_t>& word) {
  static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
  return reinterpret_cast<uint32_t*>(&word);
}

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
  // An early return (a signal, a changed word) is fine: the caller checks and waits again.
  ::syscall(SYS_futex, futex_word(word), FUTEX_WAIT, expected, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>& word) {
  ::syscall(SYS_futex, futex_word(word), FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace

bool SpinGuard::silence_is_over() noexcept {
  const uint64_t now_ns = monotonic_ns();
  if (since_ns_ == 0) since_ns_ = now_ns;
  return now_ns - since_ns_ > kSilenceNsMax;
}

void pin_or_fail(uint32_t cpu) {
  const Status status = pin_to_cpu(cpu);
  if (!status.ok()) fail(1, "%s", status.context);
}

Pair::Pair(const Options& options, Serve serve, void* context)
    : memory_(take_or_fail(MemoryRegion::anonymous_shared(sizeof(PairControl), Prefault::kYes))) {
  control_ = new (memory_.data()) PairControl{};
  const int32_t parent_pid = ::getpid();
  child_pid_ = ::fork();
  if (child_pid_ < 0) fail(1, "cannot fork");
  if (child_pid_ == 0) run_child(options.server_cpu, parent_pid, serve, context);
  pin_or_fail(options.client_cpu);
}

Pair::~Pair() {
  ::kill(child_pid_, SIGKILL);
  ::waitpid(child_pid_, nullptr, 0);
}

void Pair::run_child(uint32_t cpu, int32_t parent_pid, Serve serve, void* context) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent_pid) std::_Exit(1);  // The parent ended before the line above.
  pin_or_fail(cpu);
  uint32_t phase_number = 0;
  for (;;) {
    // P1 acquire: the phase is in place; pairs with start().
    while (control_->started.load(std::memory_order_acquire) == phase_number) {
      futex_wait(control_->started, phase_number);
    }
    ++phase_number;
    if (!serve(context, control_->phase)) {
      // Relaxed: the release of P2 below publishes it.
      control_->failed.store(1, std::memory_order_relaxed);
    }
    // P2 release: what the phase left in shared memory; pairs with finish().
    control_->finished.store(phase_number, std::memory_order_release);
  }
}

void Pair::start(const Phase& phase) {
  control_->phase = phase;
  // Relaxed load: only this side writes it. P1 release: the phase; pairs with run_child().
  const uint32_t number = control_->started.load(std::memory_order_relaxed) + 1;
  // P1 release: see above.
  control_->started.store(number, std::memory_order_release);
  futex_wake(control_->started);
}

bool Pair::finish() {
  // Relaxed: only this side writes it.
  const uint32_t number = control_->started.load(std::memory_order_relaxed);
  SpinGuard guard;
  // P2 acquire: what the child left in shared memory; pairs with run_child().
  while (control_->finished.load(std::memory_order_acquire) != number) {
    if (guard.is_over()) return false;
  }
  // Relaxed: ordered by P2 above.
  return control_->failed.load(std::memory_order_relaxed) == 0;
}

}  // namespace hyperroute
