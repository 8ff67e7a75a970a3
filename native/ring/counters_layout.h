// The layout of the counters file: what a router counts, readable by another process (the `stat`
// command) or by anyone with `read`, without stopping or asking the router. Version 2.
// Thread: constants and plain structs, any thread.
//
// Little-endian, the same on every CPU. All offsets count from the start of the file.
//
//   header, 256 bytes
//     0  u64  magic "HRCNTRS1" (bytes in this order)
//     8  u32  version 2
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
//     8  u32  type: 1 counter (only grows), 2 gauge, 3 histogram, 4 session rows
//    12  u32  unit: 0 count, 1 messages, 2 bytes, 3 ns, 4 packets, 5 connections
//    16  u32  worker_index: who writes the value
//    20  u32  value_bytes: 8, or 8 × histogram_bucket_count, or 25,600 of session rows
//    24  u64  value_offset; a multiple of 8
//    32  u32  label_bytes, at most 112
//    36       zero up to 64
//    64  char label[112], UTF-8, zero bytes after it
//   176       zero up to 192
//
//   values, from values_offset: a u64 each, one writer each; a histogram is an array of them.
//   Values of two workers never share a cache line.
//
//   session rows, 25,600 bytes: sessions of one endpoint, as many as there are rows
//     0  u32  row_count 64
//     4  u32  row_bytes 384
//     8  u32  rows_offset 1024, from the start of these bytes
//    12  u32  names_bytes, at most 1008
//    16  char names: of the counters of a row in their order, each with a comma behind it
//
//   a row
//     0  u64  sequence: odd while the row is being written; each writing adds 2
//     8  u64  state: 0 no session, 1 open, 2 draining, 3 closed
//    16  u64  session: its number; another one once the row is another session's
//    24  u64  opened_ns, since 1970
//    32  u32  family of the peer's address: 4 or 6
//    36  u32  port
//    40  u8   address[16], the first 4 of them for IPv4; network byte order
//    56  u8   key[32]: the peer's public key; zero: it has none
//    88  u64  counters, at most 37; zero behind them
//
// To read a row: twice. It is whole where its sequence is even and both times all of it was the
// same; else try again.
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
inline constexpr uint32_t kCountersVersion = 2;
inline constexpr uint32_t kCountersFlagClosed = 1u << 0;
inline constexpr uint32_t kCounterLabelBytesMax = 112;
inline constexpr uint32_t kCountersNameBytesMax = 127;

enum class CounterType : uint32_t { kCounter = 1, kGauge = 2, kHistogram = 3, kSessions = 4 };

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

// The sessions of one endpoint that are shown; those beyond are only counted.
inline constexpr uint32_t kSessionRowCount = 64;
inline constexpr uint32_t kSessionRowBytes = 384;
inline constexpr uint32_t kSessionRowsOffset = 1024;
inline constexpr uint32_t kSessionTableBytes =
    kSessionRowsOffset + kSessionRowCount * kSessionRowBytes;

struct SessionTableHead {
  uint32_t row_count;
  uint32_t row_bytes;
  uint32_t rows_offset;
  uint32_t names_bytes;
};
static_assert(sizeof(SessionTableHead) == 16);
inline constexpr uint32_t kSessionNamesBytesMax = kSessionRowsOffset - sizeof(SessionTableHead);

enum class SessionRowState : uint64_t { kFree = 0, kOpen = 1, kDraining = 2, kClosed = 3 };

struct SessionRowHead {
  uint64_t sequence;
  uint64_t state;
  uint64_t session;
  uint64_t opened_ns;
  uint32_t family;
  uint32_t port;
  uint8_t address[16];
  uint8_t key[32];
};
static_assert(offsetof(SessionRowHead, family) == 32);
static_assert(offsetof(SessionRowHead, key) == 56);
static_assert(sizeof(SessionRowHead) == 88);
inline constexpr uint32_t kSessionRowCountersMax =
    (kSessionRowBytes - sizeof(SessionRowHead)) / sizeof(uint64_t);
static_assert(kSessionRowCountersMax == 37);

}  // namespace hyperroute
