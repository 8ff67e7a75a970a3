// The memory layout of a single-producer single-consumer record ring, shared by native threads,
// other processes and JavaScript (Uint32Array over a SharedArrayBuffer). Version 1.
// Thread: constants and pure functions, any thread.
//
// The ring lives in memory its user provides, at a 64-byte boundary, little-endian:
//
//   offset  written by   content (u32 unless noted)
//   ------  -----------  ---------------------------------------------------------------------
//        0  set-up       magic 0x52505348 ("HSPR")
//        4  set-up       version 1
//        8  set-up       capacity_bytes: of the data area; a power of two, 4 KiB to 1 GiB
//       12  set-up       data_offset: 384
//       16  set-up       initial_position: both cursors' first value; a multiple of 8
//       20               zero up to 64
//       64  producer     tail: position after the last published record
//      128  consumer     head: position of the first unreleased record
//      192  consumer     consumer_parked: 1 while the consumer sleeps, waiting for records
//      256  producer     producer_parked: 1 while the producer sleeps, waiting for space
//      320  producer     producer_closed: 1 once no further record will come
//      324  consumer     consumer_closed: 1 once no further record will be read
//      384  producer     data, capacity_bytes long
//
// The *_parked words are set by their side and may be cleared by either (the waker takes them).
//
// Positions are byte counts modulo 2^32, always multiples of 8; the byte at position p is at
// data_offset + (p mod capacity_bytes). tail − head (mod 2^32) is at most capacity_bytes − 8: the
// 8 bytes at the tail are kept free, so that a header can always be zeroed there.
//
//   record:   +0 u32 payload_bytes   +4 u32 commit   +8 payload, then zero to seven bytes unused
//   span:     8 + payload_bytes, rounded up to a multiple of 8
//   commit:   0 nothing here yet, 1 a record, 2 padding (skip it)
//
// A record never wraps: where it does not fit before the end of the data area, a padding record
// fills the area to its end (payload_bytes = bytes left − 8) and the record starts at its
// beginning. A payload is at most capacity_bytes / 4 − 8 bytes.
//
// A record becomes visible in two ways:
//   commit word  The producer zeroes the 8 header bytes after the record, then stores the header
//                (one release u64 store). A native consumer polls the header in place: one cache
//                line moves for a small record, and bytes of an earlier lap never look like one.
//   tail         The producer stores tail once a batch. A consumer in tail mode (JavaScript, or
//                a native one behind a JavaScript producer, whose stores are plain) never looks
//                beyond tail. JavaScript producers need not zero anything.
// A native producer does both, so that either kind of consumer can follow it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.h"
#include "base/memory.h"
#include "base/status.h"

namespace hyperroute {

inline constexpr uint32_t kRingMagic = 0x52505348;
inline constexpr uint32_t kRingVersion = 1;
inline constexpr uint32_t kRingCapacityBytesMin = 4u << 10;
inline constexpr uint32_t kRingCapacityBytesMax = 1u << 30;
inline constexpr uint32_t kRecordHeaderBytes = 8;
inline constexpr uint32_t kRecordAlignment = 8;

inline constexpr uint32_t kCommitNone = 0;
inline constexpr uint32_t kCommitRecord = 1;
inline constexpr uint32_t kCommitPadding = 2;

struct RingHeader {
  // Written once at set-up; read by both sides.
  uint32_t magic;
  uint32_t version;
  uint32_t capacity_bytes;
  uint32_t data_offset;
  uint32_t initial_position;
  uint32_t identity_reserved[11];
  // A line for each writer: no store of one side evicts a line the other one works on.
  alignas(kCacheLineBytes) uint32_t tail;
  alignas(kCacheLineBytes) uint32_t head;
  alignas(kCacheLineBytes) uint32_t consumer_parked;
  alignas(kCacheLineBytes) uint32_t producer_parked;
  alignas(kCacheLineBytes) uint32_t producer_closed;
  uint32_t consumer_closed;
};
static_assert(offsetof(RingHeader, capacity_bytes) == 8);
static_assert(offsetof(RingHeader, data_offset) == 12);
static_assert(offsetof(RingHeader, initial_position) == 16);
static_assert(offsetof(RingHeader, tail) == 64);
static_assert(offsetof(RingHeader, head) == 128);
static_assert(offsetof(RingHeader, consumer_parked) == 192);
static_assert(offsetof(RingHeader, producer_parked) == 256);
static_assert(offsetof(RingHeader, producer_closed) == 320);
static_assert(offsetof(RingHeader, consumer_closed) == 324);
static_assert(sizeof(RingHeader) == 384);

inline constexpr uint32_t kRingDataOffset = sizeof(RingHeader);

// Memory a ring of this capacity needs.
constexpr size_t ring_bytes(uint32_t capacity_bytes) noexcept {
  return size_t{kRingDataOffset} + capacity_bytes;
}

// The largest payload: a quarter of the ring, so that a record and the padding before it always
// fit an empty ring and a full one holds more than one record.
constexpr uint32_t ring_record_bytes_max(uint32_t capacity_bytes) noexcept {
  return capacity_bytes / 4 - kRecordHeaderBytes;
}

// What a record takes in the ring; payload_bytes is bounded by the capacity, so nothing wraps.
constexpr uint32_t record_span_bytes(uint32_t payload_bytes) noexcept {
  return align_up(payload_bytes + kRecordHeaderBytes, kRecordAlignment);
}

// The header as the one u64 that is stored and loaded: payload_bytes in the low half, which on
// the little-endian hosts this ships to is offset 0.
constexpr uint64_t record_header(uint32_t payload_bytes, uint32_t commit) noexcept {
  return static_cast<uint64_t>(commit) << 32 | payload_bytes;
}

// A ring's parts, checked. The memory outlives every producer and consumer built on it.
struct RingView {
  RingHeader* header = nullptr;
  uint8_t* data = nullptr;
  uint32_t capacity_bytes = 0;
};

// Formats memory (which must be at least ring_bytes(capacity_bytes), 64-byte aligned) as an empty
// ring. `initial_position` lets a test start next to the wrap of the cursors. Set-up, before any
// other thread sees the memory.
Result<RingView> ring_init(void* memory, size_t memory_bytes, uint32_t capacity_bytes,
                           uint32_t initial_position = 0);

// Checks memory that someone else formatted (another process, JavaScript) and returns its parts.
// kConfig says what is wrong with it.
Result<RingView> ring_attach(void* memory, size_t memory_bytes);

}  // namespace hyperroute
