// Authenticated encryption of packets: AES-256-GCM and ChaCha20-Poly1305 under one key.
// Thread: one at a time, the owner's. Data path: seal and open; they allocate nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
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

// One key in one direction. The key is scheduled once, in a context of the library that lives as
// long as this; a call sets nothing but the nonce. The caller never uses a nonce twice to seal.
class Aead {
 public:
  // kCryptoUnavailable where load() did not succeed, kLimit where memory is out. Allocates.
  static Result<Aead> create(AeadKind kind, std::span<const uint8_t, kKeyBytes> key,
                             Direction direction) noexcept;
  // The same through a library that is not the loaded one: for the tests that decide on it. `evp`
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
  Aead(const Evp* evp, evp_cipher_ctx_st* context, AeadKind kind, Direction direction) noexcept
      : evp_(evp), context_(context), kind_(kind), direction_(direction) {}

  const Evp* evp_;
  evp_cipher_ctx_st* context_;  // Made through evp_; null once moved from.
  AeadKind kind_;
  Direction direction_;
};

}  // namespace hyperroute::crypto
