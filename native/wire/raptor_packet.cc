// Reading and writing the packets of the handshake.
// Thread: any (pure functions). Data path: never here.
#include "wire/raptor_packet.h"

#include <algorithm>

namespace hyperroute::raptor {
namespace {

bool is_zero(const uint8_t* from, uint32_t bytes) noexcept {
  return std::all_of(from, from + bytes, [](uint8_t byte) { return byte == 0; });
}

}  // namespace

const char* HandshakeHeader::invalid() const noexcept {
  if (kind != PacketKind::kInitiate && kind != PacketKind::kRespond) return "not a handshake";
  if (version != kProtocolVersion) return "unknown version";
  if ((flags & ~kHandshakeFlags) != 0) return "unknown flags";
  if (flags == kHandshakeFlags) return "a cipher, and no encryption";
  if (zero != 0) return "reserved byte is not 0";
  const bool is_initiate = kind == PacketKind::kInitiate;
  const uint32_t noise_bytes_max = is_initiate ? kInitiateNoiseBytesMax : kRespondNoiseBytesMax;
  if (noise_bytes > noise_bytes_max) return "noise message is too long";
  if (noise_bytes < kParametersBytes) return "noise message is too short";
  return session == 0 ? "session id is 0" : nullptr;
}

bool InitiatePacket::has_cookie() const noexcept { return !is_zero(cookie, kCookieBytes); }

const char* read_initiate(const uint8_t* datagram, uint32_t bytes,
                          InitiatePacket& packet) noexcept {
  if (bytes != kInitiateBytes) return "INITIATE is not 1,200 bytes";
  std::memcpy(&packet.header, datagram, kHandshakeHeaderBytes);
  if (packet.header.kind != PacketKind::kInitiate) return "not an INITIATE packet";
  packet.noise = datagram + kHandshakeHeaderBytes;
  packet.cookie = datagram + kInitiateCookieOffset;
  packet.mac = datagram + kInitiateMacOffset;
  return packet.header.invalid();
}

uint32_t write_initiate(uint8_t* to, const HandshakeHeader& header,
                        const uint8_t* cookie) noexcept {
  HR_DASSERT(header.kind == PacketKind::kInitiate && header.invalid() == nullptr);
  std::memcpy(to, &header, sizeof header);
  const uint32_t message_end = kHandshakeHeaderBytes + header.noise_bytes;
  std::memset(to + message_end, 0, kInitiateBytes - message_end);
  if (cookie != nullptr) std::memcpy(to + kInitiateCookieOffset, cookie, kCookieBytes);
  return kInitiateBytes;
}

const char* read_respond(const uint8_t* datagram, uint32_t bytes, RespondPacket& packet) noexcept {
  if (bytes < kHandshakeHeaderBytes) return "RESPOND is too short";
  std::memcpy(&packet.header, datagram, kHandshakeHeaderBytes);
  if (packet.header.kind != PacketKind::kRespond) return "not a RESPOND packet";
  packet.noise = datagram + kHandshakeHeaderBytes;
  if (const char* reason = packet.header.invalid(); reason != nullptr) return reason;
  const bool is_whole = bytes == kHandshakeHeaderBytes + packet.header.noise_bytes;
  return is_whole ? nullptr : "RESPOND does not end with its noise message";
}

uint32_t write_respond(uint8_t* to, const HandshakeHeader& header) noexcept {
  HR_DASSERT(header.kind == PacketKind::kRespond && header.invalid() == nullptr);
  std::memcpy(to, &header, sizeof header);
  return kHandshakeHeaderBytes + header.noise_bytes;
}

const char* RetryPacket::invalid() const noexcept {
  if (kind != PacketKind::kRetry) return "not a RETRY packet";
  if (version != kProtocolVersion) return "unknown version";
  if (!is_zero(zero, sizeof zero) || zero_too != 0) return "reserved bytes are not 0";
  if (is_zero(cookie, kCookieBytes)) return "cookie is 0";
  return session == 0 ? "session id is 0" : nullptr;
}

const char* read_retry(const uint8_t* datagram, uint32_t bytes, RetryPacket& packet) noexcept {
  if (bytes != kRetryBytes) return "RETRY is not 56 bytes";
  std::memcpy(&packet, datagram, sizeof packet);
  return packet.invalid();
}

uint32_t write_retry(uint8_t* to, const RetryPacket& packet) noexcept {
  HR_DASSERT(packet.invalid() == nullptr);
  std::memcpy(to, &packet, sizeof packet);
  return kRetryBytes;
}

const char* Parameters::invalid() const noexcept {
  if (bytes < kParametersBytes) return "parameters are too short";
  if (status != HandshakeStatus::kAccepted) return nullptr;
  if (session == 0) return "session id is 0";
  if (liveness_us == 0) return "liveness is 0";
  if (in_flight_bytes_max < kDatagramBytesMin) return "in-flight bytes are less than a datagram";
  if (message_bytes_max > kMessageBytesLimit) return "messages are longer than 16 MiB";
  if (datagram_bytes_max < kDatagramBytesMin) return "datagrams are shorter than 1,200 bytes";
  return is_zero(zero, sizeof zero) ? nullptr : "reserved bytes are not 0";
}

const char* read_parameters(const uint8_t* from, uint32_t bytes, Parameters& parameters) noexcept {
  if (bytes < kParametersBytes) return "parameters are cut";
  std::memcpy(&parameters, from, sizeof parameters);
  if (parameters.bytes > bytes) return "parameters are cut";
  return parameters.invalid();
}

uint32_t write_parameters(uint8_t* to, const Parameters& parameters) noexcept {
  HR_DASSERT(parameters.bytes == kParametersBytes && parameters.invalid() == nullptr);
  std::memcpy(to, &parameters, sizeof parameters);
  return kParametersBytes;
}

}  // namespace hyperroute::raptor
