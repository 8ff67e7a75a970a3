// What a stream promises, and what its two ends are made with.
// Thread: any (plain values).
#pragma once

#include <cstdint>

#include "wire/raptor_frames.h"

namespace hyperroute::raptor {

enum class StreamMode : uint8_t {
  // Every message, once, in the order of the offers.
  kReliableOrdered = 0,
  // Every message, once, as soon as it has come.
  kReliableUnordered = 1,
  // A newer message replaces every older one that has not arrived; the newest always arrives.
  kLatest = 2,
  // In order and once; what has not arrived within deadline_us of its offer is given up.
  kDeadline = 3,
  // At most once, never sent again.
  kUnreliable = 4,
};
static_assert(static_cast<uint32_t>(StreamMode::kUnreliable) + 1 == kStreamModeCount);

inline constexpr uint32_t kStreamMessageBytesDefault = 256u << 10;
inline constexpr uint32_t kStreamMessageBytesMax = kMessageBytesLimit;
// Room of either end for a stream; only what is used takes memory.
inline constexpr uint32_t kStreamRingBytesDefault = 256u << 10;
inline constexpr uint32_t kStreamRingBytesMin = 4u << 10;
inline constexpr uint32_t kStreamRingBytesMax = 64u << 20;

// "No such position", where a position is expected.
inline constexpr uint64_t kNoPosition = UINT64_MAX;

struct StreamOptions {
  StreamMode mode = StreamMode::kReliableOrdered;
  uint8_t priority = 0;  // 0 is sent first, kPriorityCount − 1 last.
  uint32_t message_bytes_max = kStreamMessageBytesDefault;
  uint32_t deadline_us = 0;  // Of kDeadline: how long a message is worth sending. Not 0 there.
  uint64_t label = 0;        // The application's name for the stream.
  // A power of two, of either end's ring; 0: stream_ring_bytes() of the largest message.
  uint32_t ring_bytes = 0;

  // Null, or what is wrong.
  [[nodiscard]] constexpr const char* invalid() const noexcept {
    if (static_cast<uint32_t>(mode) >= kStreamModeCount) return "mode is unknown";
    if (priority >= kPriorityCount) return "priority is above 7";
    if (message_bytes_max > kStreamMessageBytesMax) return "messageBytesMax is above 16 MiB";
    if (mode == StreamMode::kDeadline && deadline_us == 0) return "deadline is 0";
    if (ring_bytes == 0) return nullptr;
    if (!is_power_of_two(ring_bytes)) return "ringBytes is no power of two";
    if (ring_bytes < kStreamRingBytesMin || ring_bytes > kStreamRingBytesMax) {
      return "ringBytes is not within 4 KiB and 64 MiB";
    }
    return message_record_bytes(message_bytes_max) * 2 > ring_bytes
               ? "ringBytes does not hold the largest message twice"
               : nullptr;
  }
};

// The room that such a stream gets: the largest message twice, so that one is on its way while
// another is put together, and never less than `bytes_min`; a power of two.
[[nodiscard]] constexpr uint32_t stream_ring_bytes(uint32_t message_bytes_max,
                                                   uint32_t bytes_min) noexcept {
  const uint64_t wanted = message_record_bytes(message_bytes_max) * 2;
  uint32_t bytes = kStreamRingBytesMin;
  while (bytes < kStreamRingBytesMax && (bytes < bytes_min || bytes < wanted)) bytes *= 2;
  return bytes;
}
static_assert(stream_ring_bytes(kStreamMessageBytesMax, 0) == kStreamRingBytesMax);
static_assert(message_record_bytes(kStreamMessageBytesMax) * 2 <= kStreamRingBytesMax);

}  // namespace hyperroute::raptor
