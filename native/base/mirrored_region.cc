// Mirrored mappings over a memfd. Set-up only.
#include "base/mirrored_region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/bits.h"

namespace hyperroute {
namespace {

// Maps the file twice into the reserved place; the reservation makes sure that the second half
// takes nobody else's addresses.
Status map_twice(uint8_t* reserved, size_t region_bytes, int fd) {
  for (uint32_t half = 0; half < 2; ++half) {
    void* const wanted = reserved + half * region_bytes;
    const void* const mapped = ::mmap(wanted, region_bytes, PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0);
    if (mapped == MAP_FAILED) {
      return Status::system(StatusCode::kSystem, errno, "mapping %zu bytes twice", region_bytes);
    }
  }
  // A child that wrote here would write into this process's rings.
  if (::madvise(reserved, 2 * region_bytes, MADV_DONTFORK) != 0) {
    return Status::system(StatusCode::kSystem, errno, "keeping a mapping from children");
  }
  return Status::success();
}

Status fill(uint8_t* reserved, size_t region_bytes) {
  const int fd = ::memfd_create("hyperroute-ring", MFD_CLOEXEC);
  if (fd < 0) {
    return Status::system(StatusCode::kSystem, errno, "making a file of memory for a ring");
  }
  Status status;
  if (::ftruncate(fd, static_cast<off_t>(region_bytes)) != 0) {
    status = Status::system(StatusCode::kSystem, errno, "sizing a ring of %zu bytes", region_bytes);
  } else {
    status = map_twice(reserved, region_bytes, fd);
  }
  ::close(fd);  // The mappings keep the memory.
  return status;
}

}  // namespace

Result<MirroredRegion> MirroredRegion::create(size_t region_bytes) {
  const size_t page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  if (!is_power_of_two(region_bytes) || region_bytes < page_bytes ||
      region_bytes > kMirroredBytesMax) {
    return Status::error(StatusCode::kLimit, "a mirrored region of %zu bytes", region_bytes);
  }
  void* const reserved = ::mmap(nullptr, 2 * region_bytes, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) {
    return Status::system(StatusCode::kSystem, errno, "reserving %zu bytes", 2 * region_bytes);
  }
  MirroredRegion region;  // From here on it gives the addresses back.
  region.data_ = static_cast<uint8_t*>(reserved);
  region.bytes_ = region_bytes;
  HR_TRY(fill(region.data_, region_bytes));
  return region;
}

void MirroredRegion::reset() noexcept {
  // munmap of a mapping this object made can only fail on a bug in this class.
  if (data_ != nullptr) HR_ASSERT(::munmap(data_, 2 * bytes_) == 0);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace hyperroute
