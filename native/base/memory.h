// Owning memory regions: page-aligned anonymous, shared or file-backed mappings, freed by RAII.
// Thread: set-up only; the owner outlives every thread that uses the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/status.h"

namespace hyperroute {

// A huge page of the CPUs the package ships for; elsewhere it is no more than an alignment.
inline constexpr size_t kHugePageBytes = 2u << 20;

// One cache line on every CPU the package ships for; layouts shared with JavaScript use it too.
inline constexpr uint32_t kCacheLineBytes = 64;

enum class Prefault : uint8_t {
  kNo,   // Pages appear at first touch: right for tables that may stay empty.
  kYes,  // Pages exist before the call returns, so that the hot path takes no page fault.
};

// A mapping and its owner. Empty after default construction, a move from it, or reset().
// Bytes start zeroed (a file mapping: with the file's content) at a page boundary.
class MemoryRegion {
 public:
  MemoryRegion() noexcept = default;
  MemoryRegion(MemoryRegion&& other) noexcept { swap(other); }
  MemoryRegion& operator=(MemoryRegion&& other) noexcept {
    MemoryRegion taken(std::move(other));
    swap(taken);
    return *this;
  }
  MemoryRegion(const MemoryRegion&) = delete;
  MemoryRegion& operator=(const MemoryRegion&) = delete;
  ~MemoryRegion() { reset(); }

  // Private memory of this process. `region_bytes` is rounded up to whole pages by the kernel;
  // bytes() says what was asked for.
  static Result<MemoryRegion> anonymous(size_t region_bytes, Prefault prefault);

  // As anonymous(kYes), for tables that are read at random: large ones in huge pages, where the
  // kernel gives any, so that a lookup in megabytes takes no walk through tables of pages. bytes()
  // may be more than was asked for, and what is more stays untouched.
  static Result<MemoryRegion> anonymous_huge(size_t region_bytes);

  // Anonymous memory that stays shared with children after a fork.
  static Result<MemoryRegion> anonymous_shared(size_t region_bytes, Prefault prefault);

  // The first `region_bytes` of an open file, shared with every process that maps it. The
  // descriptor stays the caller's and may be closed right after.
  static Result<MemoryRegion> shared_file(int fd, size_t region_bytes, Prefault prefault);
  static Result<MemoryRegion> shared_file_read_only(int fd, size_t region_bytes);

  uint8_t* data() const noexcept { return data_; }
  size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return data_ == nullptr; }
  void reset() noexcept;

 private:
  static Result<MemoryRegion> map(size_t region_bytes, int protection, int flags, int fd);
  void swap(MemoryRegion& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace hyperroute
