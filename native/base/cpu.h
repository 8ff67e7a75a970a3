// CPU affinity, thread names and the pause hint.
// Thread: each function acts on the calling thread. Set-up, but for cpu_pause().
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"

namespace hyperroute {

// Tells the CPU that this is a spin loop, so that its sibling thread gets the execution units.
inline void cpu_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");  // yield is a no-op on most cores; isb waits a few cycles.
#endif
}

// Asks for a cache line with the intent to write it, so that a later store does not wait for
// another core's copy. A hint: wrong addresses are harmless.
inline void prefetch_for_write(const void* address) noexcept {
#if defined(__x86_64__)
  // The builtin emits a read prefetch below -mprfchw; every x86-64 CPU decodes this one, those
  // without it as a no-op.
  asm volatile("prefetchw %0" ::"m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1, 3);
#endif
}

// The CPUs the calling thread may run on now, ascending: after a pin, that one.
[[nodiscard]] std::vector<uint32_t> allowed_cpus();

// The CPUs the calling thread could be moved to, ascending: those that are online and in the
// process's cpuset, whatever the thread, or the thread that started it, is pinned to now.
[[nodiscard]] std::vector<uint32_t> available_cpus();

// Pins the calling thread to one CPU; kCpuUnavailable names the CPU and the available ones.
Status pin_to_cpu(uint32_t cpu);

// Whether the calling thread could be pinned there, without doing it: lets a configuration be
// refused before any thread starts.
Status check_cpu(uint32_t cpu);

// Lets the calling thread run on exactly these CPUs again: undoes a pin.
Status set_allowed_cpus(const std::vector<uint32_t>& cpus);

// The CPU the calling thread runs on right now.
[[nodiscard]] uint32_t current_cpu() noexcept;

// Names the calling thread for top, gdb and perf; the kernel keeps the first 15 bytes.
void set_thread_name(const char* name) noexcept;

// How late the kernel may make this thread's timed waits; 1 is as exact as it gets.
Status set_timer_slack_ns(uint64_t slack_ns);

}  // namespace hyperroute
