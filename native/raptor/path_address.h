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

struct alignas(8) PathAddress {
  // Bytes behind `size` stay zero.
  uint8_t bytes[kPathAddressBytesMax] = {};
  uint8_t size = 0;
  uint8_t zero[3] = {};

  // `from` has at most kPathAddressBytesMax bytes.
  static PathAddress of(std::span<const uint8_t> from) noexcept {
    HR_ASSERT(from.size() <= kPathAddressBytesMax);
    PathAddress address;
    if (!from.empty()) std::memcpy(address.bytes, from.data(), from.size());
    address.size = static_cast<uint8_t>(from.size());
    return address;
  }

  // All of it, by words: what lies behind `size` is equal too.
  friend bool operator==(const PathAddress& left, const PathAddress& right) noexcept {
    uint64_t words[2][kWords];
    std::memcpy(words[0], &left, sizeof left);
    std::memcpy(words[1], &right, sizeof right);
    uint64_t difference = 0;
    for (uint32_t word = 0; word < kWords; ++word) difference |= words[0][word] ^ words[1][word];
    return difference == 0;
  }

 private:
  static constexpr uint32_t kWords = 4;
};
static_assert(sizeof(PathAddress) == 32);

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
