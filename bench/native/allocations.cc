// malloc and its kin, interposed for this executable: operator new comes here too.
#include "bench/native/allocations.h"

#include <cstddef>

namespace {

// Plain: this executable has one thread.
uint64_t allocations = 0;

}  // namespace

namespace hyperroute {

uint64_t allocation_count() noexcept { return allocations; }

}  // namespace hyperroute

// The C library's own functions, under the names it keeps for those who interpose.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

__attribute__((visibility("default"))) void* malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

__attribute__((visibility("default"))) void* calloc(size_t count, size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}

__attribute__((visibility("default"))) void* realloc(void* memory, size_t bytes) {
  ++allocations;
  return __libc_realloc(memory, bytes);
}

__attribute__((visibility("default"))) void* aligned_alloc(size_t alignment, size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
}
