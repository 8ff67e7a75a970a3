// SHA-256 (FIPS 180-4) without a library: for hosts that have none, where sessions without
// encryption still need their handshake's MAC.
// Thread: any (a value).
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/crypto.h"

namespace hyperroute::crypto {

class PortableSha256 {
 public:
  static constexpr uint32_t kBlockBytes = 64;

  void update(Bytes data) noexcept;
  // Once; the object is of no use afterwards.
  [[nodiscard]] Hash finish() noexcept;

 private:
  void compress(const uint8_t* block) noexcept;

  uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint64_t message_bytes_ = 0;
  uint32_t pending_bytes_ = 0;
  uint8_t pending_[kBlockBytes] = {};
};

}  // namespace hyperroute::crypto
