// Copies of message bytes, counted where debug asserts are on, so that a test can tell how often a
// message is copied on its way.
// Thread: any; the count is the calling thread's. Data path: a memcpy or memmove, and nothing else
// in a release build.
#pragma once

#include <cstdint>
#include <cstring>

namespace hyperroute {

#ifdef HR_DEBUG_ASSERTS
inline constexpr bool kCountsCopies = true;
#else
inline constexpr bool kCountsCopies = false;
#endif

inline uint64_t& copied_bytes_of_thread() noexcept {
  static thread_local uint64_t count = 0;
  return count;
}

// Where both places have bytes and do not overlap.
inline void copy_bytes(uint8_t* to, const uint8_t* from, size_t bytes) noexcept {
  if constexpr (kCountsCopies) copied_bytes_of_thread() += bytes;
  std::memcpy(to, from, bytes);
}

// Where they may overlap.
inline void move_bytes(uint8_t* to, const uint8_t* from, size_t bytes) noexcept {
  if constexpr (kCountsCopies) copied_bytes_of_thread() += bytes;
  std::memmove(to, from, bytes);
}

}  // namespace hyperroute
