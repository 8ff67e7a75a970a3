// The layout of the counters file: what a router counts, readable by another process (the `stat`
// command) or by anyone with `read`, without stopping or asking the router. Version 1.
// Thread: constants and plain structs, any thread.
//
// Little-endian, the same on every CPU. All offsets count from the start of the file.
//
//   header, 256 bytes
//     0  u64  magic "HRCNTRS1" (bytes in this order)
//     8  u32  version 1
//    12  u32  header_bytes 256
//    16  u32  pid of the owner
//    20  u32  flags: bit 0 = closed cleanly
//    24  u64  start_time_ns, since 1970
//    32  u32  generation: odd while records are being rewritten; even and unchanged around a
//             read means that all records belong together
//    36  u32  record_count: records ever used; those beyond are zero
//    40  u32  record_count_max
//    44  u32  record_bytes 192
//    48  u32  records_offset
//    52  u32  values_offset
//    56  u64  values_bytes
//    64  u32  histogram_bucket_count 1024 (formula: base/histogram.h)
//    68  u32  histogram_sub_bucket_bits 5
//    72  u64  total_bytes of the file
//    80       zero up to 128
//   128  char name[128] of the router, UTF-8, zero-terminated
//
//   record, 192 bytes each from records_offset
//     0  u32  id: never 0 in use; unique in the file, not used again by another record
//     4  u32  state: 0 free, 1 live, 2 removed (its value is final; free at the next generation)
//     8  u32  type: 1 counter (only grows), 2 gauge, 3 histogram
//    12  u32  unit: 0 count, 1 messages, 2 bytes, 3 ns, 4 packets, 5 connections
//    16  u32  worker_index: who writes the value
//    20  u32  value_bytes: 8, or 8 × histogram_bucket_count
//    24  u64  value_offset; a multiple of 8
//    32  u32  label_bytes, at most 112
//    36       zero up to 64
//    64  char label[112], UTF-8, zero bytes after it
//   176       zero up to 192
//
//   values, from values_offset: a u64 each, one writer each; a histogram is an array of them.
//   Values of two workers never share a cache line.
//
// To read: load generation (odd: try again), record_count, the records and their values, then
// generation again (changed: try again). To know whether the owner lives: it holds flock(LOCK_EX)
// on the file from creation to its end; who gets LOCK_SH reads a dead router's file (give the
// lock back at once).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.h"
#include "base/histogram.h"

namespace hyperroute {

// "HRCNTRS1" in this order of bytes.
inline constexpr uint64_t kCountersMagic = 0x315352544e435248;
inline constexpr uint32_t kCountersVersion = 1;
inline constexpr uint32_t kCountersFlagClosed = 1u << 0;
inline constexpr uint32_t kCounterLabelBytesMax = 112;
inline constexpr uint32_t kCountersNameBytesMax = 127;

enum class CounterType : uint32_t { kCounter = 1, kGauge = 2, kHistogram = 3 };

enum class CounterUnit : uint32_t {
  kCount = 0,
  kMessages = 1,
  kBytes = 2,
  kNanoseconds = 3,
  kPackets = 4,
  kConnections = 5,
};

enum class CounterState : uint32_t { kFree = 0, kLive = 1, kRemoved = 2 };

struct CountersHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t header_bytes;
  uint32_t pid;
  uint32_t flags;
  uint64_t start_time_ns;
  uint32_t generation;
  uint32_t record_count;
  uint32_t record_count_max;
  uint32_t record_bytes;
  uint32_t records_offset;
  uint32_t values_offset;
  uint64_t values_bytes;
  uint32_t histogram_bucket_count;
  uint32_t histogram_sub_bucket_bits;
  uint64_t total_bytes;
  uint8_t reserved[48];
  char name[kCountersNameBytesMax + 1];
};
static_assert(offsetof(CountersHeader, start_time_ns) == 24);
static_assert(offsetof(CountersHeader, generation) == 32);
static_assert(offsetof(CountersHeader, records_offset) == 48);
static_assert(offsetof(CountersHeader, values_bytes) == 56);
static_assert(offsetof(CountersHeader, total_bytes) == 72);
static_assert(offsetof(CountersHeader, name) == 128);
static_assert(sizeof(CountersHeader) == 256);

struct CounterRecord {
  uint32_t id;
  uint32_t state;
  uint32_t type;
  uint32_t unit;
  uint32_t worker_index;
  uint32_t value_bytes;
  uint64_t value_offset;
  uint32_t label_bytes;
  uint8_t reserved[28];
  char label[kCounterLabelBytesMax];
  uint8_t reserved_end[16];
};
static_assert(offsetof(CounterRecord, value_offset) == 24);
static_assert(offsetof(CounterRecord, label_bytes) == 32);
static_assert(offsetof(CounterRecord, label) == 64);
static_assert(sizeof(CounterRecord) == 192);

}  // namespace hyperroute
