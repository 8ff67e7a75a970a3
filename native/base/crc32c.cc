// CRC-32C: slicing by 8 over constant tables, and the SSE4.2 / ARMv8 CRC instructions.
#include "base/crc32c.h"

#include <array>

#include "base/bits.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace hyperroute {
namespace {

constexpr uint32_t kPolynomialReflected = 0x82f63b78;
constexpr uint32_t kSliceCount = 8;

using SliceTables = std::array<std::array<uint32_t, 256>, kSliceCount>;

// Table k maps a byte to its effect on the CRC after k further bytes.
constexpr SliceTables make_tables() {
  SliceTables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomialReflected : 0);
    }
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (uint32_t slice = 1; slice < kSliceCount; ++slice) {
      const uint32_t previous = tables[slice - 1][byte];
      tables[slice][byte] = (previous >> 8) ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}

constexpr SliceTables kTables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t extend_accelerated(uint32_t crc, const uint8_t* data,
                                                              size_t data_bytes) noexcept {
  uint64_t state = static_cast<uint32_t>(~crc);
  const uint8_t* const end = data + data_bytes;
  // The instruction's latency, not their number, is what a step of 8 bytes takes.
  for (; end - data >= 16; data += 16) {
    state = _mm_crc32_u64(state, load_u64_le(data));
    state = _mm_crc32_u64(state, load_u64_le(data + 8));
  }
  if (end - data >= 8) {
    state = _mm_crc32_u64(state, load_u64_le(data));
    data += 8;
  }
  uint32_t state32 = static_cast<uint32_t>(state);
  for (; data != end; ++data) state32 = _mm_crc32_u8(state32, *data);
  return ~state32;
}

#if defined(__SSE4_2__)
// The compiler was told that every CPU this runs on has it.
constexpr bool detect() noexcept { return true; }
#else
bool detect() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }
#endif
#elif defined(__aarch64__)
__attribute__((target("+crc"))) uint32_t extend_accelerated(uint32_t crc, const uint8_t* data,
                                                            size_t data_bytes) noexcept {
  uint32_t state = ~crc;
  size_t left_bytes = data_bytes;
  for (; left_bytes >= 8; left_bytes -= 8, data += 8) {
    state = __crc32cd(state, load_u64_le(data));
  }
  for (; left_bytes > 0; --left_bytes, ++data) state = __crc32cb(state, *data);
  return ~state;
}

constexpr unsigned long kHwcapCrc32 = 1ul << 7;
bool detect() noexcept { return (::getauxval(AT_HWCAP) & kHwcapCrc32) != 0; }
#else
uint32_t extend_accelerated(uint32_t crc, const uint8_t* data, size_t data_bytes) noexcept {
  return crc32c_extend_portable(crc, data, data_bytes);
}
bool detect() noexcept { return false; }
#endif

}  // namespace

uint32_t crc32c_extend_portable(uint32_t crc, const void* data, size_t data_bytes) noexcept {
  const uint8_t* bytes = static_cast<const uint8_t*>(data);
  uint32_t state = ~crc;
  size_t left_bytes = data_bytes;
  for (; left_bytes >= 8; left_bytes -= 8, bytes += 8) {
    const uint32_t low = state ^ load_u32_le(bytes);
    const uint32_t high = load_u32_le(bytes + 4);
    state = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^
            kTables[5][(low >> 16) & 0xff] ^ kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^
            kTables[2][(high >> 8) & 0xff] ^ kTables[1][(high >> 16) & 0xff] ^
            kTables[0][high >> 24];
  }
  for (; left_bytes > 0; --left_bytes, ++bytes) {
    state = (state >> 8) ^ kTables[0][(state ^ *bytes) & 0xff];
  }
  return ~state;
}

bool crc32c_is_accelerated() noexcept {
  static const bool accelerated = detect();
  return accelerated;
}

uint32_t crc32c_extend(uint32_t crc, const void* data, size_t data_bytes) noexcept {
#if !defined(__SSE4_2__)
  if (!crc32c_is_accelerated()) return crc32c_extend_portable(crc, data, data_bytes);
#endif
  return extend_accelerated(crc, static_cast<const uint8_t*>(data), data_bytes);
}

uint32_t crc32c(const void* data, size_t data_bytes) noexcept {
  return crc32c_extend(0, data, data_bytes);
}

}  // namespace hyperroute
