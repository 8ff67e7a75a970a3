// Compares routers, then measures them in turn.
//
// Thread: main.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bench/native/output.h"
#include "bench/native/route/subject.h"
#include "bench/native/route/traffic.h"

namespace hyperroute {

struct RouteRun {
  const char* name;  // Of the case.
  uint32_t round_count;
  uint32_t pass_count;  // Times that a round goes through the messages.
};

// Ends the program when a router sends a message elsewhere than expected, or other bytes than the
// first router.
void check_routers(std::span<RouteSubject* const> subjects, std::span<const RouteInput> inputs);

// Rounds of each router in turn: `name: one at a time` and `name: bursts of 32`.
void measure_routers(std::span<RouteSubject* const> subjects, std::span<const RouteInput> inputs,
                     const RouteRun& run, double clock_ns, Output& output);

}  // namespace hyperroute
