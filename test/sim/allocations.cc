// The binary's operator new: malloc behind a header that names the owner (allocations.h).
#include "sim/allocations.h"

#include <cstddef>
#include <cstdlib>
#include <new>

#include "base/assert.h"

namespace hyperroute::sim {
namespace {

struct alignas(16) Header {
  uint64_t bytes;
  uint32_t owner;
  uint32_t magic;
};
constexpr uint32_t kMagic = 0x5ca1ab1e;
static_assert(sizeof(Header) == 16 && alignof(std::max_align_t) <= 16);

Allocated g_allocated[kOwnersMax];
uint32_t g_owner = 0;

void* allocate(size_t bytes) noexcept {
  auto* header = static_cast<Header*>(std::malloc(sizeof(Header) + bytes));
  if (header == nullptr) std::abort();
  *header = {bytes, g_owner, kMagic};
  g_allocated[g_owner].bytes += static_cast<int64_t>(bytes);
  g_allocated[g_owner].count += 1;
  return header + 1;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  Header* header = static_cast<Header*>(memory) - 1;
  HR_ASSERT(header->magic == kMagic);
  header->magic = 0;
  g_allocated[header->owner].bytes -= static_cast<int64_t>(header->bytes);
  g_allocated[header->owner].count -= 1;
  std::free(header);
}

}  // namespace

Allocated allocated_by(uint32_t owner) noexcept { return g_allocated[owner]; }

OwnerScope::OwnerScope(uint32_t owner) noexcept : before_(g_owner) { g_owner = owner; }
OwnerScope::~OwnerScope() { g_owner = before_; }

}  // namespace hyperroute::sim

void* operator new(size_t bytes) { return hyperroute::sim::allocate(bytes); }
void* operator new[](size_t bytes) { return hyperroute::sim::allocate(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return hyperroute::sim::allocate(bytes);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return hyperroute::sim::allocate(bytes);
}
void operator delete(void* memory) noexcept { hyperroute::sim::release(memory); }
void operator delete[](void* memory) noexcept { hyperroute::sim::release(memory); }
void operator delete(void* memory, size_t) noexcept { hyperroute::sim::release(memory); }
void operator delete[](void* memory, size_t) noexcept { hyperroute::sim::release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  hyperroute::sim::release(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  hyperroute::sim::release(memory);
}
