// Writes and reads the messages of a handshake. Owner: the endpoint; not on the data path.
#include "raptor/handshake.h"

#include <cstring>
#include <string_view>

#include "base/bits.h"

namespace hyperroute::raptor {
namespace {

using crypto::Bytes;

constexpr std::string_view kPrologueText = "hyperroute raptor 1";
constexpr std::string_view kMacText = "hyperroute raptor mac 1";

static_assert(kHandshakeHeaderBytes + crypto::kNoiseFirstOverheadBytes + kParametersBytes <=
              kHandshakeBytesMax);

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Binds the handshake to this protocol, to its version and mode, and to the initiator's id: both
// ends must have seen the same header.
std::array<uint8_t, kPrologueText.size() + kHandshakeHeaderBytes> prologue_of(
    const uint8_t* header) {
  std::array<uint8_t, kPrologueText.size() + kHandshakeHeaderBytes> prologue;
  std::memcpy(prologue.data(), kPrologueText.data(), kPrologueText.size());
  std::memcpy(prologue.data() + kPrologueText.size(), header, kHandshakeHeaderBytes);
  return prologue;
}

crypto::Hash mac_of(const crypto::Hash& mac_key, const uint8_t* datagram) {
  return crypto::hmac_sha256(mac_key, Bytes{datagram, kInitiateMacOffset});
}

uint8_t flags_of(const HandshakeIdentity& identity) {
  if (identity.is_insecure) return kHandshakeInsecure;
  const bool is_chacha20 = identity.cipher == crypto::AeadKind::kChaCha20Poly1305;
  return is_chacha20 ? kHandshakeChaCha20Poly1305 : uint8_t{0};
}

crypto::AeadKind cipher_of(uint8_t flags) {
  const bool is_chacha20 = (flags & kHandshakeChaCha20Poly1305) != 0;
  return is_chacha20 ? crypto::AeadKind::kChaCha20Poly1305 : crypto::AeadKind::kAes256Gcm;
}

void take_secrets(const crypto::NoiseIk& noise, uint8_t flags, bool is_initiator,
                  SessionKeys& keys) {
  const crypto::NoiseSplit split = noise.split();
  const auto& send = is_initiator ? split.initiator_to_responder : split.responder_to_initiator;
  const auto& receive = is_initiator ? split.responder_to_initiator : split.initiator_to_responder;
  keys.is_insecure = false;
  keys.kind = cipher_of(flags);
  keys.send_secret = send;
  keys.receive_secret = receive;
}

// The payload of a handshake message; false where it is none.
bool read_payload(std::optional<crypto::NoiseIk>& noise, Bytes message, Parameters& parameters) {
  if (!noise.has_value()) {
    return read_parameters(message.data(), static_cast<uint32_t>(message.size()), parameters) ==
           nullptr;
  }
  std::array<uint8_t, kDatagramBytesMin> payload;
  const Result<size_t> read = noise->read_message(message, payload);
  if (!read.ok()) return false;
  return read_parameters(payload.data(), static_cast<uint32_t>(read.value()), parameters) ==
         nullptr;
}

}  // namespace

crypto::Hash initiate_mac_key(const crypto::PublicKey& responder) noexcept {
  const std::array<Bytes, 2> parts = {bytes_of(kMacText), Bytes{responder}};
  return crypto::sha256(parts);
}

bool is_initiate_mac_valid(const crypto::Hash& mac_key, const uint8_t* datagram) noexcept {
  const crypto::Hash mac = mac_of(mac_key, datagram);
  return crypto::is_equal_constant_time(mac.data(), datagram + kInitiateMacOffset, kMacBytes);
}

void write_initiate_mac(const crypto::Hash& mac_key, uint8_t* datagram) noexcept {
  const crypto::Hash mac = mac_of(mac_key, datagram);
  std::memcpy(datagram + kInitiateMacOffset, mac.data(), kMacBytes);
}

Result<InitiatorHandshake> InitiatorHandshake::create(const HandshakeIdentity& identity,
                                                      const crypto::PublicKey& responder,
                                                      const Parameters& parameters) {
  InitiatorHandshake attempt;
  attempt.header_ = {.kind = PacketKind::kInitiate,
                     .flags = flags_of(identity),
                     .noise_bytes = kParametersBytes,
                     .session = parameters.session};
  const crypto::PublicKey no_key{};
  attempt.mac_key_ = initiate_mac_key(identity.is_insecure ? no_key : responder);
  if (identity.is_insecure) {
    write_parameters(attempt.message_.data(), parameters);
    return attempt;
  }
  attempt.header_.noise_bytes += crypto::kNoiseFirstOverheadBytes;
  uint8_t header[kHandshakeHeaderBytes];
  std::memcpy(header, &attempt.header_, sizeof header);
  attempt.noise_ = crypto::NoiseIk::initiator(identity.cipher, identity.static_pair, responder,
                                              identity.ephemeral_pair, prologue_of(header));
  uint8_t payload[kParametersBytes];
  write_parameters(payload, parameters);
  const Result<size_t> written = attempt.noise_->write_message(payload, attempt.message_);
  if (!written.ok()) return written.status();
  HR_ASSERT(written.value() == attempt.header_.noise_bytes);
  return attempt;
}

void InitiatorHandshake::set_cookie(std::span<const uint8_t, kCookieBytes> cookie) noexcept {
  std::memcpy(cookie_.data(), cookie.data(), kCookieBytes);
}

uint32_t InitiatorHandshake::write(uint8_t* to) const noexcept {
  std::memcpy(to + kHandshakeHeaderBytes, message_.data(), header_.noise_bytes);
  const uint32_t bytes = write_initiate(to, header_, cookie_.data());
  write_initiate_mac(mac_key_, to);
  return bytes;
}

bool InitiatorHandshake::read_respond(const RespondPacket& packet, Parameters& remote,
                                      SessionKeys& keys) noexcept {
  if (packet.header.flags != header_.flags) return false;
  if (!read_payload(noise_, {packet.noise, packet.header.noise_bytes}, remote)) return false;
  if (noise_.has_value()) {
    take_secrets(*noise_, header_.flags, true, keys);
  } else {
    keys.is_insecure = true;
  }
  return true;
}

std::optional<ResponderHandshake> ResponderHandshake::read(const HandshakeIdentity& identity,
                                                           const InitiatePacket& packet,
                                                           const uint8_t* prologue_header) {
  ResponderHandshake answer;
  answer.header_ = {
      .kind = PacketKind::kRespond, .flags = packet.header.flags, .session = packet.header.session};
  if (!identity.is_insecure) {
    answer.noise_ =
        crypto::NoiseIk::responder(cipher_of(packet.header.flags), identity.static_pair,
                                   identity.ephemeral_pair, prologue_of(prologue_header));
  }
  const Bytes message{packet.noise, packet.header.noise_bytes};
  if (!read_payload(answer.noise_, message, answer.remote_)) return std::nullopt;
  // The id outside of the seal is where the answer goes; an INITIATE with two ids is nobody's.
  if (answer.remote_.session != packet.header.session) return std::nullopt;
  if (answer.noise_.has_value()) answer.remote_key_ = answer.noise_->remote_public();
  return answer;
}

uint32_t ResponderHandshake::write(const Parameters& parameters, uint8_t* to,
                                   SessionKeys& keys) noexcept {
  uint8_t* const message = to + kHandshakeHeaderBytes;
  if (!noise_.has_value()) {
    header_.noise_bytes = write_parameters(message, parameters);
    keys.is_insecure = true;
    return write_respond(to, header_);
  }
  uint8_t payload[kParametersBytes];
  write_parameters(payload, parameters);
  const Result<size_t> written = noise_->write_message(
      payload, std::span<uint8_t>(message, kRespondBytesMax - kHandshakeHeaderBytes));
  if (!written.ok()) return 0;
  header_.noise_bytes = static_cast<uint32_t>(written.value());
  take_secrets(*noise_, header_.flags, false, keys);
  return write_respond(to, header_);
}

}  // namespace hyperroute::raptor
