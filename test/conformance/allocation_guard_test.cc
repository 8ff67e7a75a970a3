// The allocation counter: malloc and its kin, interposed for the whole test binary.
#include "conformance/allocation_guard.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HR_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HR_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef HR_COUNTS_ALLOCATIONS
#define HR_COUNTS_ALLOCATIONS 1
#endif

namespace {
thread_local uint64_t allocation_count = 0;
}  // namespace

#if HR_COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
__attribute__((visibility("default"))) void* malloc(size_t bytes) {
  ++allocation_count;
  return __libc_malloc(bytes);
}
__attribute__((visibility("default"))) void* calloc(size_t count, size_t bytes) {
  ++allocation_count;
  return __libc_calloc(count, bytes);
}
__attribute__((visibility("default"))) void* realloc(void* memory, size_t bytes) {
  ++allocation_count;
  return __libc_realloc(memory, bytes);
}
}
#endif

namespace hyperroute {

bool counts_allocations() { return HR_COUNTS_ALLOCATIONS != 0; }

uint64_t allocations_of_thread() { return allocation_count; }

TEST(AllocationGuard, SeesWhatMallocAndNewHandOut) {
  if (!counts_allocations()) {
    EXPECT_EQ(allocations_of_thread(), 0u);
    return;
  }
  const uint64_t before = allocations_of_thread();
  const auto from_new = std::make_unique<uint64_t[]>(1000);
  void* from_malloc = std::malloc(1000);
  EXPECT_NE(from_malloc, nullptr);
  EXPECT_NE(from_new, nullptr);
  EXPECT_GE(allocations_of_thread(), before + 2);
  std::free(from_malloc);
}

}  // namespace hyperroute
