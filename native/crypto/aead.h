// Authenticated encryption of packets: AES-256-GCM and ChaCha20-Poly1305 under one key.
// Thread: one at a time, the owner's. Data path: seal and open; they allocate nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "crypto/aes_gcm.h"
#include "crypto/crypto.h"

struct evp_cipher_ctx_st;

namespace hyperroute::crypto {

struct Evp;

inline constexpr uint32_t kTagBytes = 16;
inline constexpr uint32_t kNonceBytes = 12;
// What one call takes at most; far above any datagram, far below where a size overflows an int.
inline constexpr uint32_t kAeadBytesMax = 1u << 20;

enum class AeadKind : uint8_t { kAes256Gcm, kChaCha20Poly1305 };
enum class Direction : uint8_t { kSeal, kOpen };

// One key in one direction, scheduled once; a call sets nothing but the nonce. The caller never
// uses a nonce twice to seal. AES-256-GCM is computed here (aes_gcm.h) where load() found that it
// may be; everything else is in a context of the library that lives as long as this.
class Aead {
 public:
  // kCryptoUnavailable where load() did not succeed, kLimit where memory is out. Allocates.
  static Result<Aead> create(AeadKind kind, std::span<const uint8_t, kKeyBytes> key,
                             Direction direction) noexcept;
  // AES-256-GCM computed here, whatever load() found: for the tests that decide on it.
  // kCryptoUnavailable where the CPU lacks the instructions.
  static Result<Aead> create_own(std::span<const uint8_t, kKeyBytes> key,
                                 Direction direction) noexcept;
  // Either kind computed by a library, which need not be the loaded one: for the same tests. `evp`
  // outlives the result.
  static Result<Aead> create_through(const Evp& evp, AeadKind kind,
                                     std::span<const uint8_t, kKeyBytes> key,
                                     Direction direction) noexcept;

  Aead(Aead&& other) noexcept;
  Aead& operator=(Aead&& other) noexcept;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;
  ~Aead() noexcept;

  AeadKind kind() const noexcept { return kind_; }
  // Whether no library is called for a packet.
  bool is_own() const noexcept { return is_own_; }

  // Writes the ciphertext of the parts, one after the other, and the tag contiguously at `to`,
  // which has room for them. A part may already lie at its place in `to`; else it must not overlap
  // it. False: opens only, more than kAeadBytesMax, or the library failed; `to` is not to be sent.
  [[nodiscard]] bool seal(const uint8_t* nonce12, Bytes aad, std::span<const Bytes> parts,
                          uint8_t* to) noexcept;

  // Decrypts bytes_with_tag - kTagBytes bytes in place. False: not sealed under this key, nonce and
  // associated data; then the bytes in place mean nothing and must not be read.
  [[nodiscard]] bool open(const uint8_t* nonce12, Bytes aad, uint8_t* in_place,
                          size_t bytes_with_tag) noexcept;

 private:
  Aead(AeadKind kind, Direction direction) noexcept : kind_(kind), direction_(direction) {}
  bool seal_through_library(const uint8_t* nonce12, Bytes aad, std::span<const Bytes> parts,
                            size_t bytes, uint8_t* to) noexcept;
  bool open_through_library(const uint8_t* nonce12, Bytes aad, uint8_t* in_place,
                            size_t bytes) noexcept;

  AeadKind kind_;
  Direction direction_;
  bool is_own_ = false;  // own_key_ holds the key; else context_ does, or this was moved from.
  const Evp* evp_ = nullptr;
  evp_cipher_ctx_st* context_ = nullptr;  // Made through evp_.
  AesGcmKey own_key_;
};

}  // namespace hyperroute::crypto
