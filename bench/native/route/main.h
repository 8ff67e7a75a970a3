// The route bench's part of the executable.
//
// Thread: main.
#pragma once

#include "bench/native/output.h"

namespace hyperroute {

// Measures what its arguments say: FLOW CPU ROUNDS PASSES NAME IMAGE MESSAGES. FLOW is `stateless`,
// whose router by hand is measured beside ours, `alone`, or `orders`, which has the number of open
// orders, at least a burst, in place of MESSAGES. Ends the program when the routers disagree.
void bench_route(int argument_count, char** arguments, Output& output);

}  // namespace hyperroute
