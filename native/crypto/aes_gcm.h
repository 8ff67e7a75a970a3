// AES-256-GCM (NIST SP 800-38D, nonces of 12 bytes) by the AES and carry-less multiplication
// instructions of x86-64, for packets: what a library does around its cipher costs several times
// what the cipher does on 80 bytes (docs/dependencies.md). Aead decides whether it is used.
//
// Constant time by construction: no table is looked up and nothing branches on a key, a plaintext
// or a tag; only sizes, which everybody sees, decide what runs.
// Thread: any (a key is constant once set). Data path: seal and open; they allocate nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/crypto.h"

namespace hyperroute::crypto {

inline constexpr uint32_t kAesBlockBytes = 16;
inline constexpr uint32_t kAes256Rounds = 14;
// Blocks that are hashed with one reduction, and blocks of the key stream that are made together:
// enough to fill the pipelines of the instructions, and what the registers hold.
inline constexpr uint32_t kGcmBatchBlocks = 8;

// What is computed once a key: six cache lines, all that seal and open read besides the packet.
struct AesGcmKey {
  AesGcmKey() noexcept = default;
  AesGcmKey(const AesGcmKey&) noexcept = default;
  AesGcmKey& operator=(const AesGcmKey&) noexcept = default;
  ~AesGcmKey() noexcept { wipe(this, sizeof *this); }

  alignas(kAesBlockBytes) uint8_t round_keys[kAes256Rounds + 1][kAesBlockBytes] = {};
  // H·x, (H·x)², … of the hash key H, in POLYVAL's field (aes_gcm_x86.h).
  uint8_t powers[kGcmBatchBlocks][kAesBlockBytes] = {};
};

// Whether this build and this CPU have it. Where not, nothing below may be called.
[[nodiscard]] bool aes_gcm_is_supported() noexcept;

void aes_gcm_set_key(AesGcmKey& key, std::span<const uint8_t, kKeyBytes> bytes) noexcept;

// Writes the ciphertext of the parts, `bytes` bytes together, and the tag behind it. Parts lie as
// Aead::seal wants them (aead.h) and are read where they lie; only where one meets the next, the
// batch of blocks that both are in is put together at `to` first. At most kAeadBytesMax bytes.
void aes_gcm_seal(const AesGcmKey& key, const uint8_t* nonce12, Bytes aad,
                  std::span<const Bytes> parts, size_t bytes, uint8_t* to) noexcept;

// Decrypts `bytes` bytes, which the tag follows, in place. False: the tag is another; then the
// bytes mean nothing.
[[nodiscard]] bool aes_gcm_open(const AesGcmKey& key, const uint8_t* nonce12, Bytes aad,
                                uint8_t* in_place, size_t bytes) noexcept;

}  // namespace hyperroute::crypto
