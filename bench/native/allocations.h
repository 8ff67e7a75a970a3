// Counts what the timed loops take from the heap.
// Thread: main.
#pragma once

#include <cstdint>

namespace hyperroute {

// Allocations of this process so far, by malloc and its kin or by operator new.
uint64_t allocation_count() noexcept;

}  // namespace hyperroute
