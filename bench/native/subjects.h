// The benches of the executable, one function each.
// Thread: main.
#pragma once

#include "bench/native/options.h"
#include "bench/native/output.h"

namespace hyperroute {

// SPSC ring against a bare shared-memory ping-pong, and the ring's one-way throughput.
void bench_ring(const Options& options, Output& output);

// Bare UDP ping-pong against every target, all driven by the same client.
void bench_udp(const Options& options, Output& output);

}  // namespace hyperroute
