// Where a datagram comes from or goes to, as opaque bytes.
//
// The protocol compares and hashes addresses and never looks into them: the socket driver puts a
// sockaddr there, the simulator a number. Thread: any (a plain value). Data path: compared for
// every datagram.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "base/prng.h"

namespace hyperroute::raptor {

// A sockaddr_in6, the larger of the two that a socket driver has.
inline constexpr uint32_t kPathAddressBytesMax = 28;

struct PathAddress {
  // Bytes behind `size` stay zero.
  uint8_t bytes[kPathAddressBytesMax] = {};
  uint8_t size = 0;

  // `from` has at most kPathAddressBytesMax bytes.
  static PathAddress of(std::span<const uint8_t> from) noexcept {
    HR_ASSERT(from.size() <= kPathAddressBytesMax);
    PathAddress address;
    if (!from.empty()) std::memcpy(address.bytes, from.data(), from.size());
    address.size = static_cast<uint8_t>(from.size());
    return address;
  }

  friend bool operator==(const PathAddress& left, const PathAddress& right) noexcept {
    return left.size == right.size && std::memcmp(left.bytes, right.bytes, left.size) == 0;
  }
};

// For tables only: not keyed, so whoever chooses addresses can choose equal hashes. The tables
// that use it are bounded and take an entry only after a Diffie-Hellman.
inline uint64_t hash_of(const PathAddress& address) noexcept {
  uint64_t state = address.size;
  for (uint32_t offset = 0; offset < kPathAddressBytesMax; offset += 4) {
    uint32_t word;
    std::memcpy(&word, address.bytes + offset, sizeof word);
    state ^= word;
    state = splitmix64_next(state);
  }
  return state;
}

}  // namespace hyperroute::raptor
