// The message pattern IK, step by step as the specification writes it:
//
//   <- s                       known before: the responder's static key
//   -> e, es, s, ss            message 1 and its payload
//   <- e, ee, se               message 2 and its payload
#include "crypto/noise.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "crypto/curve.h"

namespace hyperroute::crypto {
namespace {

constexpr size_t kSealedKeyBytes = kKeyBytes + kTagBytes;

const char* protocol_name(AeadKind kind) noexcept {
  return kind == AeadKind::kAes256Gcm ? "Noise_IK_25519_AESGCM_SHA256"
                                      : "Noise_IK_25519_ChaChaPoly_SHA256";
}

// The specification's nonces: four zeros, and the counter, big-endian in AES-GCM and little-endian
// in ChaCha20-Poly1305.
std::array<uint8_t, kNonceBytes> nonce_of(AeadKind kind, uint64_t counter) noexcept {
  std::array<uint8_t, kNonceBytes> nonce{};
  if (kind == AeadKind::kAes256Gcm) {
    store_u64_be(nonce.data() + 4, counter);
  } else {
    store_u64_le(nonce.data() + 4, counter);
  }
  return nonce;
}

Status no_message(const char* what) noexcept {
  return Status::error(StatusCode::kMessage, "handshake: %s", what);
}

Status not_loaded() noexcept {
  return Status::error(StatusCode::kCryptoUnavailable, "no library of cryptography is loaded");
}

}  // namespace

Result<PublicKey> derive_public(std::span<const uint8_t, kKeyBytes> private_key) noexcept {
  const Evp* const evp = loaded_evp();
  if (evp == nullptr) return not_loaded();
  PublicKey public_key{};
  if (curve_public(*evp, private_key, public_key)) return public_key;
  return Status::error(StatusCode::kLimit, "the library could not derive a public key");
}

Result<KeyPair> key_pair_of(std::span<const uint8_t, kKeyBytes> private_key) noexcept {
  const Result<PublicKey> public_key = derive_public(private_key);
  if (!public_key.ok()) return public_key.status();
  KeyPair pair;
  std::copy(private_key.begin(), private_key.end(), pair.private_key.begin());
  pair.public_key = public_key.value();
  return pair;
}

Result<KeyPair> generate_key_pair() noexcept {
  PrivateKey private_key;
  HR_TRY(random_bytes(private_key));
  return key_pair_of(private_key);
}

Result<Secret<kKeyBytes>> diffie_hellman(std::span<const uint8_t, kKeyBytes> private_key,
                                         const PublicKey& remote) noexcept {
  const Evp* const evp = loaded_evp();
  if (evp == nullptr) return not_loaded();
  Secret<kKeyBytes> secret;
  if (curve_secret(*evp, private_key, remote, secret)) return secret;
  return no_message("a public key that gives no secret");
}

void NoiseIk::Symmetric::mix_hash(Bytes data) noexcept {
  const Bytes parts[] = {hash, data};
  hash = sha256(parts);
}

void NoiseIk::Symmetric::mix_key(const Secret<kKeyBytes>& input) noexcept {
  // The HKDF of the specification is RFC 5869's, without info.
  Secret<2 * kHashBytes> output;
  hkdf_sha256(chaining_key, input, {}, output);
  std::copy_n(output.begin(), kHashBytes, chaining_key.begin());
  std::copy_n(output.begin() + kHashBytes, kKeyBytes, key.begin());
  nonce = 0;
}

NoiseIk::NoiseIk(AeadKind kind, bool is_initiator, const KeyPair& static_pair,
                 const KeyPair& ephemeral_pair, const PublicKey& responder_static,
                 Bytes prologue) noexcept
    : kind_(kind),
      is_initiator_(is_initiator),
      static_pair_(static_pair),
      ephemeral_pair_(ephemeral_pair) {
  // A name of up to 32 bytes is the first hash itself, filled up with zeros.
  const char* const name = protocol_name(kind);
  const size_t name_bytes = std::strlen(name);
  HR_ASSERT(name_bytes <= kHashBytes);
  std::memcpy(symmetric_.hash.data(), name, name_bytes);
  symmetric_.chaining_key = symmetric_.hash;
  symmetric_.mix_hash(prologue);
  symmetric_.mix_hash(responder_static);
}

NoiseIk NoiseIk::initiator(AeadKind kind, const KeyPair& static_pair, const PublicKey& remote,
                           const KeyPair& ephemeral_pair, Bytes prologue) noexcept {
  NoiseIk noise(kind, true, static_pair, ephemeral_pair, remote, prologue);
  noise.remote_static_ = remote;
  return noise;
}

NoiseIk NoiseIk::responder(AeadKind kind, const KeyPair& static_pair, const KeyPair& ephemeral_pair,
                           Bytes prologue) noexcept {
  return NoiseIk(kind, false, static_pair, ephemeral_pair, static_pair.public_key, prologue);
}

Status NoiseIk::mix_dh(Symmetric& state, const KeyPair& own,
                       const PublicKey& remote) const noexcept {
  const Result<Secret<kKeyBytes>> secret = diffie_hellman(own.private_key, remote);
  if (!secret.ok()) return secret.status();
  state.mix_key(secret.value());
  return Status::success();
}

Status NoiseIk::seal_and_hash(Symmetric& state, Bytes plain, uint8_t* to) const noexcept {
  Result<Aead> aead = Aead::create(kind_, state.key, Direction::kSeal);
  if (!aead.ok()) return aead.status();
  const auto nonce = nonce_of(kind_, state.nonce++);
  if (!aead.value().seal(nonce.data(), state.hash, std::span<const Bytes>(&plain, 1), to)) {
    return Status::error(StatusCode::kLimit, "handshake: the library could not seal");
  }
  state.mix_hash(Bytes(to, plain.size() + kTagBytes));
  return Status::success();
}

Status NoiseIk::open_and_hash(Symmetric& state, Bytes sealed, uint8_t* to) const noexcept {
  HR_ASSERT(sealed.size() >= kTagBytes && sealed.size() <= kNoiseMessageBytesMax);
  Result<Aead> aead = Aead::create(kind_, state.key, Direction::kOpen);
  if (!aead.ok()) return aead.status();
  // Opened in a copy: `to` has no room for the tag, and shows nothing that is not authentic.
  uint8_t opened[kNoiseMessageBytesMax];
  std::memcpy(opened, sealed.data(), sealed.size());
  const auto nonce = nonce_of(kind_, state.nonce++);
  if (!aead.value().open(nonce.data(), state.hash, opened, sealed.size())) {
    return no_message("not sealed under this handshake's keys");
  }
  std::copy_n(opened, sealed.size() - kTagBytes, to);
  wipe(opened, sealed.size());
  state.mix_hash(sealed);
  return Status::success();
}

Status NoiseIk::write_first(Symmetric& state, Bytes payload, uint8_t* to) const noexcept {
  std::memcpy(to, ephemeral_pair_.public_key.data(), kKeyBytes);
  state.mix_hash(ephemeral_pair_.public_key);
  HR_TRY(mix_dh(state, ephemeral_pair_, remote_static_));  // es
  HR_TRY(seal_and_hash(state, static_pair_.public_key, to + kKeyBytes));
  HR_TRY(mix_dh(state, static_pair_, remote_static_));  // ss
  return seal_and_hash(state, payload, to + kKeyBytes + kSealedKeyBytes);
}

Status NoiseIk::write_second(Symmetric& state, Bytes payload, uint8_t* to) const noexcept {
  std::memcpy(to, ephemeral_pair_.public_key.data(), kKeyBytes);
  state.mix_hash(ephemeral_pair_.public_key);
  HR_TRY(mix_dh(state, ephemeral_pair_, remote_ephemeral_));  // ee
  HR_TRY(mix_dh(state, ephemeral_pair_, remote_static_));     // se
  return seal_and_hash(state, payload, to + kKeyBytes);
}

Status NoiseIk::read_first(Symmetric& state, Bytes message, uint8_t* payload_out) noexcept {
  PublicKey ephemeral;
  PublicKey initiator;
  std::copy_n(message.begin(), kKeyBytes, ephemeral.begin());
  state.mix_hash(ephemeral);
  HR_TRY(mix_dh(state, static_pair_, ephemeral));  // es
  HR_TRY(open_and_hash(state, message.subspan(kKeyBytes, kSealedKeyBytes), initiator.data()));
  HR_TRY(mix_dh(state, static_pair_, initiator));  // ss
  HR_TRY(open_and_hash(state, message.subspan(kKeyBytes + kSealedKeyBytes), payload_out));
  remote_ephemeral_ = ephemeral;
  remote_static_ = initiator;
  return Status::success();
}

Status NoiseIk::read_second(Symmetric& state, Bytes message, uint8_t* payload_out) noexcept {
  PublicKey ephemeral;
  std::copy_n(message.begin(), kKeyBytes, ephemeral.begin());
  state.mix_hash(ephemeral);
  HR_TRY(mix_dh(state, ephemeral_pair_, ephemeral));  // ee
  HR_TRY(mix_dh(state, static_pair_, ephemeral));     // se
  return open_and_hash(state, message.subspan(kKeyBytes), payload_out);
}

Result<size_t> NoiseIk::write_message(Bytes payload, std::span<uint8_t> out) noexcept {
  const bool is_first = step_ == 0;
  if (is_finished() || is_first != is_initiator_) {
    return Status::error(StatusCode::kState, "handshake: not this end's turn to write");
  }
  const size_t overhead_bytes = is_first ? kNoiseFirstOverheadBytes : kNoiseSecondOverheadBytes;
  const size_t room_bytes = std::min<size_t>(out.size(), kNoiseMessageBytesMax);
  if (room_bytes < overhead_bytes || payload.size() > room_bytes - overhead_bytes) {
    return Status::error(StatusCode::kLimit, "handshake: %zu bytes of payload in %zu bytes",
                         payload.size(), room_bytes);
  }
  Symmetric state = symmetric_;
  HR_TRY(is_first ? write_first(state, payload, out.data())
                  : write_second(state, payload, out.data()));
  symmetric_ = state;
  ++step_;
  return overhead_bytes + payload.size();
}

Result<size_t> NoiseIk::read_message(Bytes message, std::span<uint8_t> payload_out) noexcept {
  const bool is_first = step_ == 0;
  if (is_finished() || is_first == is_initiator_) {
    return Status::error(StatusCode::kState, "handshake: not this end's turn to read");
  }
  const size_t overhead_bytes = is_first ? kNoiseFirstOverheadBytes : kNoiseSecondOverheadBytes;
  if (message.size() < overhead_bytes || message.size() > kNoiseMessageBytesMax) {
    return no_message("a message of no possible size");
  }
  const size_t payload_bytes = message.size() - overhead_bytes;
  if (payload_bytes > payload_out.size()) {
    return Status::error(StatusCode::kLimit, "handshake: %zu bytes of payload, room for %zu",
                         payload_bytes, payload_out.size());
  }
  Symmetric state = symmetric_;
  HR_TRY(is_first ? read_first(state, message, payload_out.data())
                  : read_second(state, message, payload_out.data()));
  symmetric_ = state;
  ++step_;
  return payload_bytes;
}

NoiseSplit NoiseIk::split() const noexcept {
  HR_ASSERT(is_finished());
  Secret<2 * kHashBytes> output;
  hkdf_sha256(symmetric_.chaining_key, {}, {}, output);
  NoiseSplit keys;
  std::copy_n(output.begin(), kKeyBytes, keys.initiator_to_responder.begin());
  std::copy_n(output.begin() + kHashBytes, kKeyBytes, keys.responder_to_initiator.begin());
  keys.handshake_hash = symmetric_.hash;
  return keys;
}

}  // namespace hyperroute::crypto
