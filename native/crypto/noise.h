// The Noise IK handshake (noiseprotocol.org, revision 34): Noise_IK_25519_AESGCM_SHA256 and
// Noise_IK_25519_ChaChaPoly_SHA256. The initiator knows the responder's static public key before.
// Thread: one at a time, the owner's. Set-up: a message costs some Diffie-Hellman operations.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "crypto/aead.h"
#include "crypto/crypto.h"

namespace hyperroute::crypto {

using PublicKey = std::array<uint8_t, kKeyBytes>;
using PrivateKey = Secret<kKeyBytes>;

struct KeyPair {
  PrivateKey private_key;
  PublicKey public_key{};
};

// X25519 (RFC 7748). Each needs load() to have succeeded, else kCryptoUnavailable.
Result<KeyPair> generate_key_pair() noexcept;
Result<PublicKey> derive_public(std::span<const uint8_t, kKeyBytes> private_key) noexcept;
Result<KeyPair> key_pair_of(std::span<const uint8_t, kKeyBytes> private_key) noexcept;
// kMessage where the public key is one of the few that make the secret zero for everybody.
Result<Secret<kKeyBytes>> diffie_hellman(std::span<const uint8_t, kKeyBytes> private_key,
                                         const PublicKey& remote) noexcept;

// What a message adds to its payload: an ephemeral key, a sealed static key, a tag; or the first
// and the last of these.
inline constexpr uint32_t kNoiseFirstOverheadBytes = 32 + 32 + kTagBytes + kTagBytes;
inline constexpr uint32_t kNoiseSecondOverheadBytes = 32 + kTagBytes;
// More than a handshake datagram can hold.
inline constexpr uint32_t kNoiseMessageBytesMax = 1200;

struct NoiseSplit {
  Secret<kKeyBytes> initiator_to_responder;
  Secret<kKeyBytes> responder_to_initiator;
  Hash handshake_hash{};
};

// One handshake of one end. The initiator writes message 1 and reads message 2, the responder the
// other way round. A call that fails changes nothing, so that a forged message cannot end a
// handshake: the true one is still taken.
class NoiseIk {
 public:
  // The ephemeral pair is the caller's, so that a simulation is deterministic; it is used for one
  // handshake only. The key pairs must match, as those of generate_key_pair do.
  static NoiseIk initiator(AeadKind kind, const KeyPair& static_pair, const PublicKey& remote,
                           const KeyPair& ephemeral_pair, Bytes prologue) noexcept;
  static NoiseIk responder(AeadKind kind, const KeyPair& static_pair, const KeyPair& ephemeral_pair,
                           Bytes prologue) noexcept;

  // Gives the bytes written. kState: not this end's turn to write. kLimit: `out` is too small, or
  // the message would be beyond kNoiseMessageBytesMax.
  Result<size_t> write_message(Bytes payload, std::span<uint8_t> out) noexcept;

  // Gives the payload's bytes. kState: not this end's turn to read. kMessage: not a message of this
  // handshake, by its size or its tags. kLimit: `payload_out` is too small.
  Result<size_t> read_message(Bytes message, std::span<uint8_t> payload_out) noexcept;

  // The other end's static key: the initiator's own choice, and at the responder what message 1
  // proved; zeros before it.
  const PublicKey& remote_public() const noexcept { return remote_static_; }

  // Both messages have passed.
  bool is_finished() const noexcept { return step_ == kSteps; }

  // The keys of the two directions; only once is_finished().
  NoiseSplit split() const noexcept;

 private:
  static constexpr uint8_t kSteps = 2;

  // SymmetricState and CipherState of the specification, in one: the key is valid from the first
  // MixKey on, and its counter starts again with each.
  struct Symmetric {
    Secret<kHashBytes> chaining_key;
    Hash hash{};
    Secret<kKeyBytes> key;
    uint64_t nonce = 0;

    void mix_hash(Bytes data) noexcept;
    void mix_key(const Secret<kKeyBytes>& input) noexcept;
  };

  NoiseIk(AeadKind kind, bool is_initiator, const KeyPair& static_pair,
          const KeyPair& ephemeral_pair, const PublicKey& responder_static,
          Bytes prologue) noexcept;

  Status mix_dh(Symmetric& state, const KeyPair& own, const PublicKey& remote) const noexcept;
  Status seal_and_hash(Symmetric& state, Bytes plain, uint8_t* to) const noexcept;
  Status open_and_hash(Symmetric& state, Bytes sealed, uint8_t* to) const noexcept;
  Status write_first(Symmetric& state, Bytes payload, uint8_t* to) const noexcept;
  Status write_second(Symmetric& state, Bytes payload, uint8_t* to) const noexcept;
  Status read_first(Symmetric& state, Bytes message, uint8_t* payload_out) noexcept;
  Status read_second(Symmetric& state, Bytes message, uint8_t* payload_out) noexcept;

  AeadKind kind_;
  bool is_initiator_;
  uint8_t step_ = 0;
  KeyPair static_pair_;
  KeyPair ephemeral_pair_;
  PublicKey remote_static_{};
  PublicKey remote_ephemeral_{};
  Symmetric symmetric_;
};

}  // namespace hyperroute::crypto
