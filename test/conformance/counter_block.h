// Counters of an endpoint in plain memory, for tests.
#pragma once

#include <atomic>
#include <cstdint>

#include "io/endpoint.h"

namespace hyperroute {

struct CounterBlock {
#define HR_COUNTER_CELL(name) std::atomic<uint64_t> name{0};
  HR_ENDPOINT_COUNTERS(HR_COUNTER_CELL)
#undef HR_COUNTER_CELL
#define HR_COUNTER_CELL(name, js_name) std::atomic<uint64_t> name{0};
  HR_ATTEMPT_COUNTERS(HR_COUNTER_CELL)
#undef HR_COUNTER_CELL

  EndpointCounters pointers() {
    EndpointCounters counters{};
#define HR_COUNTER_POINTER(name) counters.name = &name;
    HR_ENDPOINT_COUNTERS(HR_COUNTER_POINTER)
#undef HR_COUNTER_POINTER
#define HR_COUNTER_POINTER(name, js_name) counters.attempts.name = &name;
    HR_ATTEMPT_COUNTERS(HR_COUNTER_POINTER)
#undef HR_COUNTER_POINTER
    return counters;
  }
};

}  // namespace hyperroute
