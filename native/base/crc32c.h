// CRC-32C (Castagnoli, RFC 3720): the check over route images and other
// bytes at rest. By the CPU's instruction where it has one, else by tables; same results.
// Thread: any (pure functions).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperroute {

// The CRC of a whole buffer; crc32c("123456789", 9) is 0xe3069283.
[[nodiscard]] uint32_t crc32c(const void* data, size_t data_bytes) noexcept;

// Continues a CRC over more bytes: extend(crc(a), b) is crc(a ‖ b), and extend(0, b) is crc(b).
[[nodiscard]] uint32_t crc32c_extend(uint32_t crc, const void* data, size_t data_bytes) noexcept;

// The table form, for CPUs without the instruction and for the test that compares the two.
[[nodiscard]] uint32_t crc32c_extend_portable(uint32_t crc, const void* data,
                                              size_t data_bytes) noexcept;

// Whether this CPU has the instruction.
[[nodiscard]] bool crc32c_is_accelerated() noexcept;

}  // namespace hyperroute
