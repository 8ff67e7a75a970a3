// What the two ends of `hyperroute ping` and `perf` say to each other, over streams of Raptor.
//
// A message begins with its kind and number and the sender's time, all little-endian:
//
//   0  u64  number, the kind in the top byte
//   8  u64  ns of CLOCK_MONOTONIC when it was sent, or meant to be sent
//
// Whoever knows a listener's public key may send it anything: what is none of these is counted and
// otherwise ignored. Thread: any (pure functions).
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/bits.h"

namespace hyperroute::probe {

enum class MessageKind : uint8_t {
  kHello = 1,      // First, from the client; comes back with the listener's host.
  kEcho = 2,       // Comes back as it is.
  kData = 3,       // Counted.
  kDataAsked = 4,  // Counted, and its head comes back.
  kReport = 5,     // Comes back with the listener's figures.
};

inline constexpr uint32_t kHeadBytes = 16;
inline constexpr uint32_t kKindShift = 56;
inline constexpr uint64_t kNumberMask = (uint64_t{1} << kKindShift) - 1;

struct Head {
  MessageKind kind = MessageKind::kHello;
  uint64_t number = 0;
  uint64_t time_ns = 0;
};

// `to` has kHeadBytes; the number is below 2^56.
inline void write_head(uint8_t* to, const Head& head) noexcept {
  store_u64_le(to, uint64_t{static_cast<uint8_t>(head.kind)} << kKindShift | head.number);
  store_u64_le(to + 8, head.time_ns);
}

// False: too short, or of an unknown kind.
[[nodiscard]] inline bool read_head(std::span<const uint8_t> message, Head& head) noexcept {
  if (message.size() < kHeadBytes) return false;
  const uint64_t word = load_u64_le(message.data());
  const uint8_t kind = static_cast<uint8_t>(word >> kKindShift);
  if (kind < static_cast<uint8_t>(MessageKind::kHello) ||
      kind > static_cast<uint8_t>(MessageKind::kReport)) {
    return false;
  }
  head.kind = static_cast<MessageKind>(kind);
  head.number = word & kNumberMask;
  head.time_ns = load_u64_le(message.data() + 8);
  return true;
}

// "hrprobe1", then who shares the sender's clock: equal where both ends run on one host.
inline constexpr uint64_t kHelloMagic = 0x3165626f72707268;
inline constexpr uint32_t kHelloBytes = kHeadBytes + 16;

inline void write_hello(uint8_t* to, uint64_t host_id) noexcept {
  write_head(to, {.kind = MessageKind::kHello});
  store_u64_le(to + kHeadBytes, kHelloMagic);
  store_u64_le(to + kHeadBytes + 8, host_id);
}

[[nodiscard]] inline bool read_hello(std::span<const uint8_t> message, uint64_t& host_id) noexcept {
  if (message.size() != kHelloBytes) return false;
  if (load_u64_le(message.data() + kHeadBytes) != kHelloMagic) return false;
  host_id = load_u64_le(message.data() + kHeadBytes + 8);
  return true;
}

// What the listener has counted since the hello. Times on the way are there only where both ends
// read one clock.
struct Report {
  uint64_t messages = 0;
  uint64_t bytes = 0;
  uint64_t elapsed_ns = 0;    // From the first message to the last.
  uint64_t out_of_order = 0;  // Did not have the number behind the last one of their stream.
  uint64_t number_sum = 0;    // Modulo 2^64: that each came once, whatever the order.
  uint64_t malformed = 0;
  uint64_t one_way_count = 0;
  uint64_t one_way_min_ns = 0;
  uint64_t one_way_p50_ns = 0;
  uint64_t one_way_p90_ns = 0;
  uint64_t one_way_p99_ns = 0;
  uint64_t one_way_p999_ns = 0;
  uint64_t one_way_max_ns = 0;
  uint64_t packets_received = 0;
  uint64_t bytes_received = 0;
  uint64_t kernel_drops = 0;
};
inline constexpr uint32_t kReportBytes = kHeadBytes + 16 * 8;
static_assert(sizeof(Report) == kReportBytes - kHeadBytes);

// Sent as it lies in memory: all of it u64, hosts are little-endian (bits.h).
inline void write_report(uint8_t* to, const Head& head, const Report& report) noexcept {
  write_head(to, head);
  std::memcpy(to + kHeadBytes, &report, sizeof report);
}

[[nodiscard]] inline bool read_report(std::span<const uint8_t> message, Report& report) noexcept {
  if (message.size() != kReportBytes) return false;
  std::memcpy(&report, message.data() + kHeadBytes, sizeof report);
  return true;
}

}  // namespace hyperroute::probe
