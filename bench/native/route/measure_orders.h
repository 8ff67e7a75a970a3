// Measures the order flow: new orders, reports, replacements and last reports in turn, a burst of
// each, while so many orders are open.
//
// Thread: main.
#pragma once

#include <cstdint>
#include <span>

#include "bench/native/output.h"
#include "bench/native/route/measure.h"
#include "bench/native/route/subject.h"

namespace hyperroute {

// Rounds of each router in turn, after all of them have opened `live_count` orders and have sent
// the same bytes to the same destinations for a while. Ends the program where they differ.
void measure_orders(std::span<RouteSubject* const> subjects, uint32_t live_count,
                    const RouteRun& run, double clock_ns, Output& output);

}  // namespace hyperroute
