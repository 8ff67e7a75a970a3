// Memory that is mapped twice in a row: what runs over its end goes on at its start, so a record
// of a ring is contiguous wherever it lies.
// Thread: set-up only; the owner outlives every thread that uses the bytes.
// Place on the data path: rings of raptor streams; an index needs only a mask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/status.h"

namespace hyperroute {

// A bound on mistakes of a caller, far above any ring.
inline constexpr size_t kMirroredBytesMax = size_t{1} << 40;

// Empty after default construction, a move from it, or reset(). Bytes start zeroed and take no
// memory until they are touched.
class MirroredRegion {
 public:
  MirroredRegion() noexcept = default;
  MirroredRegion(MirroredRegion&& other) noexcept { swap(other); }
  MirroredRegion& operator=(MirroredRegion&& other) noexcept {
    MirroredRegion taken(std::move(other));
    swap(taken);
    return *this;
  }
  MirroredRegion(const MirroredRegion&) = delete;
  MirroredRegion& operator=(const MirroredRegion&) = delete;
  ~MirroredRegion() { reset(); }

  // `region_bytes` is a power of two and a multiple of the page, kMirroredBytesMax at most; else
  // kLimit. kSystem where the system does not give the memory or the mappings. A child of this
  // process does not have it.
  static Result<MirroredRegion> create(size_t region_bytes);

  // data()[offset] and data()[offset + bytes()] are the same byte for every offset < bytes().
  uint8_t* data() const noexcept { return data_; }
  size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return data_ == nullptr; }
  void reset() noexcept;

 private:
  void swap(MirroredRegion& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace hyperroute
