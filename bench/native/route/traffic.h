// What routers are measured with: messages in one memory, and the memory that they leave into.
//
// Thread: main. Place: claims stand in the timed calls, as those of an endpoint's queue do in the
// engine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bits.h"
#include "bench/native/options.h"

namespace hyperroute {

inline constexpr uint16_t kNowhere = 0xFFFF;

// A received message, and what the compiler's interpreter says becomes of it.
struct RouteInput {
  const uint8_t* data;
  uint32_t bytes;
  uint16_t source;    // Index of the endpoint.
  uint16_t expected;  // Index of the endpoint that gets it; kNowhere: none.
};

// What became of a message.
struct Routed {
  const uint8_t* output;
  uint32_t bytes;
  uint16_t endpoint;     // kNowhere: the message was rejected.
  uint16_t reject_code;  // 0 unless it was.
};

// A return address as the engine would give one to a message.
inline constexpr uint64_t kReturnAddress = 0x0203'0000'0405'0607;

// Larger ones do not leave a router of the bench.
inline constexpr uint32_t kMessageBytesMax = 2048;

// One lane for each endpoint, used over and over like a queue that somebody empties in time.
class Sink {
 public:
  explicit Sink(uint32_t endpoint_count) : lanes_(endpoint_count) {}

  // Memory for one message. Ends the program when it has more than kMessageBytesMax.
  uint8_t* claim(uint32_t endpoint, uint32_t message_bytes) noexcept {
    if (message_bytes > kMessageBytesMax) [[unlikely]] {
      fail(1, "a message of %u bytes", message_bytes);
    }
    Lane& lane = lanes_[endpoint];
    const uint32_t start = lane.position + message_bytes <= kLaneBytes ? lane.position : 0;
    lane.position = start + align_up<uint32_t>(message_bytes, 8);
    return lane.memory + start;
  }

 private:
  static constexpr uint32_t kLaneBytes = kMessageBytesMax;

  struct alignas(64) Lane {
    uint32_t position = 0;
    alignas(64) uint8_t memory[kLaneBytes];
  };

  std::vector<Lane> lanes_;
};

// The messages of a file: each one after its source and its expected destination as a u16 and its
// size as a u32, all little-endian.
class Traffic {
 public:
  // Ends the program when the file cannot be read or is cut off.
  explicit Traffic(const char* path);

  std::span<const RouteInput> inputs() const noexcept { return inputs_; }

 private:
  std::vector<uint8_t> bytes_;
  std::vector<RouteInput> inputs_;
};

// Ends the program when the file cannot be read or has more than `bytes_max`.
std::vector<uint8_t> read_file(const char* path, size_t bytes_max);

}  // namespace hyperroute
