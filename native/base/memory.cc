// Owning memory regions over mmap. Set-up only.
#include "base/memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

namespace hyperroute {

Result<MemoryRegion> MemoryRegion::map(size_t region_bytes, int protection, int flags, int fd) {
  if (region_bytes == 0) return Status::error(StatusCode::kLimit, "a memory region of 0 bytes");
  void* data = ::mmap(nullptr, region_bytes, protection, flags, fd, 0);
  if (data == MAP_FAILED) {
    return Status::system(StatusCode::kSystem, errno, "mapping %zu bytes of memory", region_bytes);
  }
  MemoryRegion region;
  region.data_ = static_cast<uint8_t*>(data);
  region.bytes_ = region_bytes;
  return region;
}

static int prefault_flag(Prefault prefault) {
  return prefault == Prefault::kYes ? MAP_POPULATE : 0;
}

Result<MemoryRegion> MemoryRegion::anonymous(size_t region_bytes, Prefault prefault) {
  // Without prefault nothing is reserved either: a table sized for its bound costs only what is
  // touched, even where it is larger than the memory of the host.
  const int lazy_flag = prefault == Prefault::kYes ? 0 : MAP_NORESERVE;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | prefault_flag(prefault) | lazy_flag;
  return map(region_bytes, PROT_READ | PROT_WRITE, flags, -1);
}

Result<MemoryRegion> MemoryRegion::anonymous_huge(size_t region_bytes) {
  if (region_bytes < kHugePageBytes) return anonymous(region_bytes, Prefault::kYes);
  // More than is needed, cut to where huge pages start.
  Result<MemoryRegion> mapped = anonymous(region_bytes + kHugePageBytes, Prefault::kNo);
  if (!mapped.ok()) return mapped;
  MemoryRegion region = mapped.take();
  const size_t ahead =
      (kHugePageBytes - reinterpret_cast<uintptr_t>(region.data_) % kHugePageBytes) %
      kHugePageBytes;
  if (ahead != 0) HR_ASSERT(::munmap(region.data_, ahead) == 0);
  region.data_ += ahead;
  region.bytes_ -= ahead;
#ifdef MADV_HUGEPAGE
  // Advice: where it is not taken, pages are small.
  (void)::madvise(region.data_, region.bytes_, MADV_HUGEPAGE);
#endif
  for (size_t at = 0; at < region_bytes; at += 4096) region.data_[at] = 0;
  return region;
}

Result<MemoryRegion> MemoryRegion::anonymous_shared(size_t region_bytes, Prefault prefault) {
  const int flags = MAP_SHARED | MAP_ANONYMOUS | prefault_flag(prefault);
  return map(region_bytes, PROT_READ | PROT_WRITE, flags, -1);
}

Result<MemoryRegion> MemoryRegion::shared_file(int fd, size_t region_bytes, Prefault prefault) {
  const int flags = MAP_SHARED | prefault_flag(prefault);
  return map(region_bytes, PROT_READ | PROT_WRITE, flags, fd);
}

Result<MemoryRegion> MemoryRegion::shared_file_read_only(int fd, size_t region_bytes) {
  return map(region_bytes, PROT_READ, MAP_SHARED, fd);
}

void MemoryRegion::reset() noexcept {
  // munmap of a mapping this object made can only fail on a bug in this class.
  if (data_ != nullptr) HR_ASSERT(::munmap(data_, bytes_) == 0);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace hyperroute
