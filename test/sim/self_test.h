// Shows that the simulation can fail: plants each Fault in turn and wants it reported.
// Thread: the simulator's only one.
#pragma once

namespace hyperroute::sim {

// Prints a line for each fault; the exit code, 0 where all were found.
int self_test();

}  // namespace hyperroute::sim
