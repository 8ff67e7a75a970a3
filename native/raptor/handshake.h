// The two sides of the handshake: Noise IK in an INITIATE and a RESPOND, or, for sessions without
// encryption, the bare parameters in the same packets.
//
// Nothing here knows of tables or timers; the endpoint decides whom it answers and how often. A
// packet that does not authenticate changes nothing, so that a forged one cannot end an attempt.
// Owner: the endpoint. Data path: no; a handshake costs some Diffie-Hellman operations.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/status.h"
#include "crypto/noise.h"
#include "raptor/session.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

// An INITIATE is sent again after 50 ms, several times the round trip of a LAN and of most WANs,
// and then ever more rarely.
inline constexpr uint64_t kInitiateIntervalNs = 50'000'000;
inline constexpr uint64_t kInitiateIntervalNsMax = 1'000'000'000;
// A RETRY is answered at once this often in one attempt; later ones wait for the timer, so that
// nobody on the path turns small packets into large ones.
inline constexpr uint32_t kRetriesAtOnceMax = 4;
// A RESPOND costs two X25519 operations before it is known to be one. Of those for one attempt no
// more are worked on in a window (a tenth of a core); who floods an attempt with others can lose
// its packets as well, and the real one comes again with every INITIATE.
inline constexpr uint32_t kRespondsPerWindowMax = 64;
inline constexpr uint64_t kRespondWindowNs = 100'000'000;
// What a responder remembers of a handshake that is not confirmed, it forgets after this time.
inline constexpr uint64_t kHalfOpenNs = 1'000'000'000;

inline constexpr uint32_t kHandshakeBytesMax = 256;
inline constexpr uint32_t kRespondBytesMax =
    kHandshakeHeaderBytes + crypto::kNoiseSecondOverheadBytes + kParametersBytes;

// What the mac of an INITIATE to the holder of this key is made with (zeros: an insecure end). It
// proves knowledge of the public key only: whoever scans the network learns nothing from silence.
[[nodiscard]] crypto::Hash initiate_mac_key(const crypto::PublicKey& responder) noexcept;
// `datagram` has kInitiateBytes.
[[nodiscard]] bool is_initiate_mac_valid(const crypto::Hash& mac_key,
                                         const uint8_t* datagram) noexcept;
void write_initiate_mac(const crypto::Hash& mac_key, uint8_t* datagram) noexcept;

// What an end brings into a handshake.
struct HandshakeIdentity {
  bool is_insecure = false;
  crypto::AeadKind cipher = crypto::AeadKind::kAes256Gcm;  // Of the initiator: what it proposes.
  crypto::KeyPair static_pair;
  crypto::KeyPair ephemeral_pair;  // For this one handshake.
};

// One attempt of an initiator.
class InitiatorHandshake {
 public:
  static Result<InitiatorHandshake> create(const HandshakeIdentity& identity,
                                           const crypto::PublicKey& responder,
                                           const Parameters& parameters);

  // From now on the packet carries this cookie.
  void set_cookie(std::span<const uint8_t, kCookieBytes> cookie) noexcept;
  // Writes the INITIATE, the same every time but for the cookie. `to` has kInitiateBytes, which is
  // returned.
  uint32_t write(uint8_t* to) const noexcept;

  // False: not the answer to this attempt. The keys mean something only where the status of
  // `remote` is kAccepted.
  [[nodiscard]] bool read_respond(const RespondPacket& packet, Parameters& remote,
                                  SessionKeys& keys) noexcept;

  // The packet has this mode; a RESPOND of another is not its answer.
  [[nodiscard]] uint8_t flags() const noexcept { return header_.flags; }

 private:
  InitiatorHandshake() = default;

  HandshakeHeader header_;
  std::optional<crypto::NoiseIk> noise_;  // None where insecure.
  std::array<uint8_t, kHandshakeBytesMax> message_{};
  std::array<uint8_t, kCookieBytes> cookie_{};
  crypto::Hash mac_key_{};
};

// What a responder makes of one INITIATE.
class ResponderHandshake {
 public:
  // None: it does not authenticate, or its parameters are none. `prologue_header` is the packet's
  // header as it came, kHandshakeHeaderBytes.
  static std::optional<ResponderHandshake> read(const HandshakeIdentity& identity,
                                                const InitiatePacket& packet,
                                                const uint8_t* prologue_header);

  // Zeros where insecure.
  [[nodiscard]] const crypto::PublicKey& remote_key() const noexcept { return remote_key_; }
  [[nodiscard]] const Parameters& remote() const noexcept { return remote_; }

  // Writes the RESPOND with these parameters; to be called once. `to` has kRespondBytesMax.
  // Returns the packet's bytes, 0 where the library failed.
  [[nodiscard]] uint32_t write(const Parameters& parameters, uint8_t* to,
                               SessionKeys& keys) noexcept;

 private:
  ResponderHandshake() = default;

  HandshakeHeader header_;  // Of the answer.
  std::optional<crypto::NoiseIk> noise_;
  crypto::PublicKey remote_key_{};
  Parameters remote_;
};

}  // namespace hyperroute::raptor
