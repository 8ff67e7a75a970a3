// Sealing and opening one packet. Thread: the owner's of the Aead. Data path: per packet.
#include "base/copies.h"
#include "crypto/aead.h"
#include "crypto/evp.h"

namespace hyperroute::crypto {
namespace {

// False when they are together more than one call takes.
bool sum_bytes(std::span<const Bytes> parts, size_t& bytes) noexcept {
  bytes = 0;
  for (const Bytes part : parts) {
    if (part.size() > kAeadBytesMax - bytes) return false;
    bytes += part.size();
  }
  return true;
}

// Puts the parts together at `to`.
void gather(std::span<const Bytes> parts, uint8_t* to) noexcept {
  for (const Bytes part : parts) {
    if (part.data() != to && !part.empty()) copy_bytes(to, part.data(), part.size());
    to += part.size();
  }
}

}  // namespace

bool Aead::seal(const uint8_t* nonce12, Bytes aad, std::span<const Bytes> parts,
                uint8_t* to) noexcept {
  HR_DASSERT((is_own_ || context_ != nullptr) && direction_ == Direction::kSeal);
  size_t bytes = 0;
  if (direction_ != Direction::kSeal || aad.size() > kAeadBytesMax) return false;
  if (!sum_bytes(parts, bytes)) return false;
  if (!is_own_) return seal_through_library(nonce12, aad, parts, bytes, to);
  aes_gcm_seal(own_key_, nonce12, aad, parts, bytes, to);
  return true;
}

// Several parts are copied to the output first and encrypted there at once. The copy costs about
// 14 ns a thousand bytes; a call of the library for each part would cost 45 ns, and more for a part
// that ends within a block of the cipher.
bool Aead::seal_through_library(const uint8_t* nonce12, Bytes aad, std::span<const Bytes> parts,
                                size_t bytes, uint8_t* to) noexcept {
  Bytes plain(to, bytes);
  if (parts.size() == 1) {
    plain = parts[0];
  } else {
    gather(parts, to);
  }
  const Evp& evp = *evp_;
  int done = 0;
  const auto update = [&](uint8_t* out, Bytes in) {
    if (in.empty()) return true;
    return evp.encrypt_update(context_, out, &done, in.data(), static_cast<int>(in.size())) == 1;
  };
  uint8_t* const tag = to + bytes;
  bool is_good = evp.encrypt_init(context_, nullptr, nullptr, nullptr, nonce12) == 1;
  is_good = is_good && update(nullptr, aad);
  is_good = is_good && update(to, plain);
  is_good = is_good && evp.encrypt_final(context_, tag, &done) == 1;
  is_good = is_good && evp.cipher_ctx_ctrl(context_, kEvpGetTag, kTagBytes, tag) == 1;
  if (!is_good) evp.clear_errors();
  return is_good;
}

bool Aead::open(const uint8_t* nonce12, Bytes aad, uint8_t* in_place,
                size_t bytes_with_tag) noexcept {
  HR_DASSERT((is_own_ || context_ != nullptr) && direction_ == Direction::kOpen);
  if (direction_ != Direction::kOpen || aad.size() > kAeadBytesMax) return false;
  if (bytes_with_tag < kTagBytes || bytes_with_tag - kTagBytes > kAeadBytesMax) return false;
  const size_t bytes = bytes_with_tag - kTagBytes;
  if (!is_own_) return open_through_library(nonce12, aad, in_place, bytes);
  return aes_gcm_open(own_key_, nonce12, aad, in_place, bytes);
}

bool Aead::open_through_library(const uint8_t* nonce12, Bytes aad, uint8_t* in_place,
                                size_t bytes) noexcept {
  const Evp& evp = *evp_;
  uint8_t* const tag = in_place + bytes;
  int done = 0;
  const auto update = [&](uint8_t* out, const uint8_t* in, size_t in_bytes) {
    if (in_bytes == 0) return true;
    return evp.decrypt_update(context_, out, &done, in, static_cast<int>(in_bytes)) == 1;
  };
  bool is_good = evp.decrypt_init(context_, nullptr, nullptr, nullptr, nonce12) == 1;
  is_good = is_good && evp.cipher_ctx_ctrl(context_, kEvpSetTag, kTagBytes, tag) == 1;
  is_good = is_good && update(nullptr, aad.data(), aad.size());
  is_good = is_good && update(in_place, in_place, bytes);
  // Compares the tags, in constant time; writes nothing, as neither cipher keeps bytes back.
  is_good = is_good && evp.decrypt_final(context_, tag, &done) == 1;
  if (!is_good) evp.clear_errors();
  return is_good;
}

}  // namespace hyperroute::crypto
