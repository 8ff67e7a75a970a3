// Counts heap allocations of the calling thread, to show that a data path makes none.
// Under a sanitizer, which brings its own allocator, counting is off and every count is 0.
#pragma once

#include <cstdint>

namespace hyperroute {

// Whether allocations are counted in this build.
bool counts_allocations();

// Allocations that this thread has made since it started, by malloc or operator new.
uint64_t allocations_of_thread();

}  // namespace hyperroute
