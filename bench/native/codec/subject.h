// What the C++ codecs of this bench have in common: an order as a program holds it, and the loops
// that are timed.
// Thread: main.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hyperroute {

struct Leg {
  uint32_t qty;
  uint32_t price;
};

inline constexpr uint32_t kLegCountMax = 2;
inline constexpr uint32_t kSymbolBytes = 8;

// Texts point into the bytes they were decoded from: neither codec copies them.
struct Order {
  uint64_t id;
  uint32_t price;
  uint32_t qty;
  uint8_t side;
  uint8_t type;
  std::string_view symbol;  // Encoded: up to its first zero; decoded: all eight bytes.
  uint64_t sent_at;
  std::string_view account;
  uint32_t leg_count;
  Leg legs[kLegCountMax];
};

// A power of two, so that the loops find the next one with a mask.
inline constexpr uint32_t kPoolCount = 64;
inline constexpr uint32_t kFrameBytesMax = 256;

struct Frame {
  alignas(8) uint8_t data[kFrameBytesMax];
  uint32_t bytes;
};

class CodecSubject {
 public:
  CodecSubject() = default;
  CodecSubject(const CodecSubject&) = delete;
  CodecSubject& operator=(const CodecSubject&) = delete;
  virtual ~CodecSubject() = default;

  virtual const char* name() const = 0;

  // Encodes `count` orders, over and over those of the pool, each into its own frame. False when
  // one did not fit.
  virtual bool encode(std::span<const Order, kPoolCount> orders,
                      std::span<Frame, kPoolCount> frames, uint32_t count) = 0;

  // Checks `count` frames, so that no read leaves one whatever it holds, and reads every field into
  // `orders`. False when one was refused.
  virtual bool decode(std::span<const Frame, kPoolCount> frames,
                      std::span<Order, kPoolCount> orders, uint32_t count) = 0;
};

// Makes the compiler believe that the memory is read here, so that no store is left out.
inline void consume(const void* memory) noexcept { asm volatile("" ::"r"(memory) : "memory"); }

// Our codec, from a layout image. Ends the program when the layout is not the one expected.
CodecSubject& our_codec(std::span<const uint8_t> layout_image);

// The code that SBE generates, with its bounds checks; there only in a build that could get it.
CodecSubject& sbe_codec();

}  // namespace hyperroute
