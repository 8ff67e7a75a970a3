// What stands between a session and the network: seals packets, opens them, steps through key
// generations. Nothing of a packet is believed before open() has said kOpened.
//
// Owner: the session. Data path: seal() and open() (protection_datapath.cc); a key step, once in
// 2^23 packets, makes one cipher context (protection.cc).
//
// Each direction has its own secret and its own generation. The generation of a packet is in its
// header (8 bits); its nonce is the generation's iv with the packet number mixed in. A packet
// number is never sealed twice: seal() refuses one that is not above all before it, so that no
// nonce can meet other bytes, whatever the caller does.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/status.h"
#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

inline constexpr uint32_t kSecretBytes = crypto::kKeyBytes;
// AES-GCM's proof allows 2^23 full packets a key where forgery must stay below 2^-57 (RFC 9001,
// B.1.1); a step costs a few microseconds, so one bound serves both ciphers.
inline constexpr uint64_t kPacketsPerKeyMax = uint64_t{1} << 23;
// Forged packets after which the integrity of ChaCha20Poly1305 could be in doubt (RFC 9001,
// section 6.6); AES-GCM allows more. A session that has seen as many ends.
inline constexpr uint64_t kForgedPacketsMax = uint64_t{1} << 36;

// What the handshake agreed on. Secrets are those of generation 0, one for each direction.
struct SessionKeys {
  bool is_insecure = false;  // no encryption: a CRC in place of the tag, secrets are ignored
  crypto::AeadKind kind = crypto::AeadKind::kAes256Gcm;
  crypto::Secret<kSecretBytes> send_secret;
  crypto::Secret<kSecretBytes> receive_secret;
};

enum class OpenVerdict : uint8_t { kOpened, kForged };

class Protection {
 public:
  using Parts = std::span<const crypto::Bytes>;

  // ERR_CRYPTO_UNAVAILABLE where there is no usable cipher.
  static Result<Protection> create(const SessionKeys& keys);
  Protection(Protection&&) noexcept = default;
  Protection& operator=(Protection&&) noexcept = default;

  // Bytes behind the frames: the tag, or the checksum.
  uint32_t trailer_bytes() const { return trailer_bytes_; }

  // Writes header, protected frames and trailer at `to`, which has room for all of it; sets the
  // header's key generation. A part may already lie at its place. Returns the datagram's bytes;
  // 0: the number was used before, or the cipher failed; then nothing of it is to be sent.
  [[nodiscard]] uint32_t seal(DataHeader& header, Parts parts, uint8_t* to);

  // Checks the tag and decrypts in place; on kOpened `frames_bytes` is what lies behind the
  // header. Anything else leaves the generations as they were.
  OpenVerdict open(const DataHeader& header, uint8_t* datagram, uint32_t bytes,
                   uint32_t& frames_bytes);

  // The peer has acknowledged a packet: once it is one of the present generation the peer has
  // that key, and only then may the next step follow.
  void on_acked(uint64_t packet_number) {
    if (packet_number >= generation_first_number_ && packet_number < next_number_) {
      is_generation_acked_ = true;
    }
  }
  // Whether seal() should be preceded by update_key(): asked for or due, and allowed.
  bool is_update_due() const {
    return is_generation_acked_ && !is_insecure_ &&
           (is_update_wanted_ || next_number_ - generation_first_number_ >= packets_per_key_max_);
  }
  void want_update() { is_update_wanted_ = true; }
  // For tests, which cannot send 2^23 packets: an earlier step is always allowed.
  void set_packets_per_key_max(uint64_t packets) { packets_per_key_max_ = packets; }
  // Steps the sending key. False: the cipher failed, or the step is not allowed now.
  [[nodiscard]] bool update_key();

  uint32_t send_generation() const { return send_.generation; }
  uint32_t receive_generation() const { return receive_.generation; }

 private:
  // One generation of one direction; `next_secret` is what the following one is made of.
  struct Key {
    uint32_t generation = 0;
    uint8_t iv[12] = {};
    std::optional<crypto::Aead> aead;
    crypto::Secret<kSecretBytes> next_secret;
  };

  Protection() = default;
  static Status derive(crypto::AeadKind kind, const crypto::Secret<kSecretBytes>& secret,
                       uint32_t generation, crypto::Direction direction, Key& to);
  // The peer has stepped: its next key is the present one now.
  [[gnu::cold]] void step_receive();
  static uint32_t seal_insecure(Parts parts, uint8_t* to);
  static bool open_insecure(const uint8_t* datagram, uint32_t bytes);
  Key* key_of(uint8_t generation);

  bool is_insecure_ = false;
  crypto::AeadKind kind_ = crypto::AeadKind::kAes256Gcm;
  uint32_t trailer_bytes_ = 0;

  // Sending.
  bool is_generation_acked_ = false;
  bool is_update_wanted_ = false;
  uint64_t next_number_ = 0;  // below it all are used up
  uint64_t generation_first_number_ = 0;
  uint64_t packets_per_key_max_ = kPacketsPerKeyMax;
  Key send_;

  // Receiving. The previous key opens packets that a step overtook; the next is made before it
  // is needed, so that a forged generation costs one failed tag and nothing else.
  Key receive_;
  Key receive_previous_;
  Key receive_next_;
};

}  // namespace hyperroute::raptor
