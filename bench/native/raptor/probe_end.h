// What both ends of a probe share: the socket as asked for, the host's identity, signals.
// Thread: main.
#pragma once

#include <cstdint>

#include "bench/native/raptor/probe_options.h"
#include "bench/native/raptor/socket_loop.h"

namespace hyperroute::probe {

inline constexpr uint64_t kNsPerSecond = 1'000'000'000;
// The longest sleep: a signal is seen within it.
inline constexpr uint64_t kPatienceNs = 50'000'000;
// Sessions of a listener; each may make it hold some megabytes.
inline constexpr uint32_t kListenerSessionsMax = 16;

// The socket, bound; the CPUs, chosen.
Status open_end(SocketLoop& loop, const ProbeOptions& options);

// The same in every process whose CLOCK_MONOTONIC is the same: of one boot of one kernel, in one
// time namespace. Random where that cannot be told.
uint64_t clock_host_id();

// SIGINT and SIGTERM ask for an end; a sleep is then over within kPatienceNs.
void watch_stop_signals();
[[nodiscard]] bool is_stop_asked() noexcept;

// Runs the probe; the exit code. What it finds out is printed (probe_events.h).
int run_listener(const ProbeOptions& options);
int run_ping(const ProbeOptions& options);
int run_perf(const ProbeOptions& options);
int run_probe(int argument_count, char** arguments);

}  // namespace hyperroute::probe
