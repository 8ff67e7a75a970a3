// Formatting and checking of a ring's memory. Set-up only; the hot path is in spsc_ring.h.
#include "ring/spsc_ring.h"

#include <cstring>

namespace hyperroute {
namespace {

Status check_memory(const void* memory, size_t memory_bytes) {
  if (memory == nullptr || !is_aligned(static_cast<const uint8_t*>(memory), kCacheLineBytes)) {
    return Status::error(StatusCode::kConfig, "ring memory must start at a %u-byte boundary",
                         kCacheLineBytes);
  }
  if (memory_bytes < ring_bytes(kRingCapacityBytesMin)) {
    return Status::error(StatusCode::kConfig, "ring memory of %zu bytes; the least is %zu",
                         memory_bytes, ring_bytes(kRingCapacityBytesMin));
  }
  return Status::success();
}

Status check_capacity(uint32_t capacity_bytes, size_t memory_bytes) {
  if (!is_power_of_two(capacity_bytes) || capacity_bytes < kRingCapacityBytesMin ||
      capacity_bytes > kRingCapacityBytesMax) {
    return Status::error(StatusCode::kConfig,
                         "ring capacity of %u bytes; expected a power of two from %u to %u",
                         capacity_bytes, kRingCapacityBytesMin, kRingCapacityBytesMax);
  }
  if (memory_bytes < ring_bytes(capacity_bytes)) {
    return Status::error(StatusCode::kConfig,
                         "a ring of %u bytes needs %zu bytes of memory, not %zu", capacity_bytes,
                         ring_bytes(capacity_bytes), memory_bytes);
  }
  return Status::success();
}

RingView view_of(void* memory, uint32_t capacity_bytes) {
  uint8_t* bytes = static_cast<uint8_t*>(memory);
  return RingView{reinterpret_cast<RingHeader*>(bytes), bytes + kRingDataOffset, capacity_bytes};
}

}  // namespace

Result<RingView> ring_init(void* memory, size_t memory_bytes, uint32_t capacity_bytes,
                           uint32_t initial_position) {
  HR_TRY(check_memory(memory, memory_bytes));
  HR_TRY(check_capacity(capacity_bytes, memory_bytes));
  if (initial_position % kRecordAlignment != 0) {
    return Status::error(StatusCode::kConfig, "ring position %u; expected a multiple of %u",
                         initial_position, kRecordAlignment);
  }
  const RingView view = view_of(memory, capacity_bytes);
  std::memset(view.header, 0, sizeof(RingHeader));
  view.header->magic = kRingMagic;
  view.header->version = kRingVersion;
  view.header->capacity_bytes = capacity_bytes;
  view.header->data_offset = kRingDataOffset;
  view.header->initial_position = initial_position;
  view.header->tail = initial_position;
  view.header->head = initial_position;
  // The consumer polls the first header before the producer's first store.
  std::memset(view.data + (initial_position & (capacity_bytes - 1)), 0, kRecordHeaderBytes);
  return view;
}

Result<RingView> ring_attach(void* memory, size_t memory_bytes) {
  HR_TRY(check_memory(memory, memory_bytes));
  const RingHeader* header = static_cast<const RingHeader*>(memory);
  if (header->magic != kRingMagic) {
    return Status::error(StatusCode::kConfig, "not a ring: magic 0x%08x, expected 0x%08x",
                         header->magic, kRingMagic);
  }
  if (header->version != kRingVersion || header->data_offset != kRingDataOffset) {
    return Status::error(StatusCode::kConfig,
                         "ring version %u with data at %u; expected version %u with data at %u",
                         header->version, header->data_offset, kRingVersion, kRingDataOffset);
  }
  // Read once: in memory shared with another process a second read could give another value.
  const uint32_t capacity_bytes = header->capacity_bytes;
  HR_TRY(check_capacity(capacity_bytes, memory_bytes));
  return view_of(memory, capacity_bytes);
}

}  // namespace hyperroute
