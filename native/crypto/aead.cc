// Making and freeing the context of a key. Set-up only; aead_datapath.cc uses it.
#include "crypto/aead.h"

#include <utility>

#include "crypto/evp.h"

namespace hyperroute::crypto {

Result<Aead> Aead::create(AeadKind kind, std::span<const uint8_t, kKeyBytes> key,
                          Direction direction) noexcept {
  const Evp* const evp = loaded_evp();
  if (evp == nullptr) {
    return Status::error(StatusCode::kCryptoUnavailable, "no library of cryptography is loaded");
  }
  if (kind == AeadKind::kAes256Gcm && uses_own_aes_gcm()) return create_own(key, direction);
  return create_through(*evp, kind, key, direction);
}

Result<Aead> Aead::create_own(std::span<const uint8_t, kKeyBytes> key,
                              Direction direction) noexcept {
  if (!aes_gcm_is_supported()) {
    return Status::error(StatusCode::kCryptoUnavailable, "the CPU has no instructions for AES-GCM");
  }
  Aead made(AeadKind::kAes256Gcm, direction);
  aes_gcm_set_key(made.own_key_, key);
  made.is_own_ = true;
  return made;
}

Result<Aead> Aead::create_through(const Evp& evp, AeadKind kind,
                                  std::span<const uint8_t, kKeyBytes> key,
                                  Direction direction) noexcept {
  const bool is_aes = kind == AeadKind::kAes256Gcm;
  const evp_cipher_st* const cipher = is_aes ? evp.aes_256_gcm() : evp.chacha20_poly1305();
  if (cipher == nullptr) {
    return Status::error(StatusCode::kCryptoUnavailable, "the library lacks %s",
                         is_aes ? "AES-256-GCM" : "ChaCha20-Poly1305");
  }
  Aead made(kind, direction);
  made.evp_ = &evp;
  made.context_ = evp.cipher_ctx_new();
  // The nonce is 12 bytes by default in both.
  const auto init = direction == Direction::kSeal ? evp.encrypt_init : evp.decrypt_init;
  if (made.context_ == nullptr || init(made.context_, cipher, nullptr, key.data(), nullptr) != 1) {
    evp.clear_errors();
    return Status::error(StatusCode::kLimit, "the library could not schedule a key");
  }
  return made;
}

Aead::Aead(Aead&& other) noexcept
    : kind_(other.kind_),
      direction_(other.direction_),
      is_own_(std::exchange(other.is_own_, false)),
      evp_(other.evp_),
      context_(std::exchange(other.context_, nullptr)),
      own_key_(std::exchange(other.own_key_, AesGcmKey())) {}

Aead& Aead::operator=(Aead&& other) noexcept {
  std::swap(kind_, other.kind_);
  std::swap(direction_, other.direction_);
  std::swap(is_own_, other.is_own_);
  std::swap(evp_, other.evp_);
  std::swap(context_, other.context_);
  std::swap(own_key_, other.own_key_);
  return *this;
}

Aead::~Aead() noexcept {
  // The library overwrites the key.
  if (context_ != nullptr) evp_->cipher_ctx_free(context_);
}

}  // namespace hyperroute::crypto
