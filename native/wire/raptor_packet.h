// The packets of Raptor as they lie in a datagram; docs/raptor-protocol.md is their specification.
// Thread: any (plain values). Data path: DataHeader of every packet; the rest is the handshake's.
//
// Byte 0 of a datagram is the packet's kind. Everything is little-endian and copied in and out: no
// struct is laid over bytes that were not checked. A read_* function gives null, or says what is
// wrong with the bytes; what it gave out then means nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bits.h"

namespace hyperroute::raptor {

inline constexpr uint8_t kProtocolVersion = 1;

// What every path must carry (RFC 8899 calls it the base), and the most that is ever sent: an
// Ethernet jumbo frame of 9,000 bytes without the headers of IPv6 and UDP.
inline constexpr uint32_t kDatagramBytesMin = 1200;
inline constexpr uint32_t kDatagramBytesMax = 8952;

enum class PacketKind : uint8_t {
  kInitiate = 0xD1,
  kRetry = 0xD2,
  kRespond = 0xD3,
  kData = 0xD4,
};

// 0 for a datagram without bytes, which is no kind.
[[nodiscard]] inline uint8_t kind_of(const uint8_t* datagram, uint32_t bytes) noexcept {
  return bytes == 0 ? uint8_t{0} : datagram[0];
}

//   0        1         2        4              8                16              24
//   +--------+---------+--------+-------+------+----------------+---------------+--------+------+
//   | 0xD4   | key gen | path 0 | bytes | 0    | session u64    | number u64    | frames | seal |
//   +--------+---------+--------+-------+------+----------------+---------------+--------+------+
//
// All of it is the associated data of the seal: the AEAD's tag, or the CRC of insecure sessions.
struct DataHeader {
  PacketKind kind = PacketKind::kData;
  // Low 8 bits of the number of the key: the receiver has three candidates at most.
  uint8_t key_generation = 0;
  uint16_t path = 0;      // For publication on two paths; 0 in this version.
  uint16_t bytes = 0;     // Of the whole packet: packets that came as one can be told apart.
  uint16_t reserved = 0;  // For multicast epochs and repair packets; 0 in this version.
  uint64_t session = 0;   // The receiver's id, so that it finds its state by one look-up.
  uint64_t number = 0;    // From 0; never used twice under a key, since it is the nonce.

  // Null, or what is wrong with it.
  [[nodiscard]] const char* invalid() const noexcept {
    if (kind != PacketKind::kData) return "not a DATA packet";
    if (path != 0) return "path is not 0";
    if (reserved != 0) return "reserved field is not 0";
    return session == 0 ? "session id is 0" : nullptr;
  }
};
inline constexpr uint32_t kDataHeaderBytes = 24;
static_assert(sizeof(DataHeader) == kDataHeaderBytes && offsetof(DataHeader, path) == 2);
static_assert(offsetof(DataHeader, bytes) == 4 && offsetof(DataHeader, reserved) == 6);
static_assert(offsetof(DataHeader, session) == 8 && offsetof(DataHeader, number) == 16);

inline constexpr uint32_t kTagBytes = 16;
// u32 CRC-32C of header and frames, u32 zero: keeps the packet a multiple of 8 bytes.
inline constexpr uint32_t kInsecureTrailerBytes = 8;
static_assert(kDataHeaderBytes % 8 == 0 && kTagBytes % 8 == 0 && kInsecureTrailerBytes % 8 == 0);

// Packets end on multiples of 8 bytes, since header, frames and seal do.
[[nodiscard]] inline const char* read_data_header(const uint8_t* datagram, uint32_t bytes,
                                                  DataHeader& header) noexcept {
  if (bytes < kDataHeaderBytes + kInsecureTrailerBytes) return "DATA packet is too short";
  if (bytes > kDatagramBytesMax) return "DATA packet is too long";
  if (bytes % 8 != 0) return "DATA packet is not a multiple of 8 bytes";
  std::memcpy(&header, datagram, sizeof header);
  return header.bytes == bytes ? header.invalid() : "DATA packet says another length";
}

inline uint32_t write_data_header(uint8_t* to, const DataHeader& header) noexcept {
  HR_DASSERT(header.invalid() == nullptr);
  std::memcpy(to, &header, sizeof header);
  return kDataHeaderBytes;
}

// Flags of INITIATE and RESPOND.
inline constexpr uint8_t kHandshakeInsecure = 1;
inline constexpr uint8_t kHandshakeChaCha20Poly1305 = 2;
inline constexpr uint8_t kHandshakeFlags = kHandshakeInsecure | kHandshakeChaCha20Poly1305;

//   0        1         2       3     4              8                16
//   +--------+---------+-------+-----+--------------+----------------+----------------------------+
//   | D1, D3 | version | flags | 0   | noise_bytes  | session u64    | noise message, or          |
//   |        |         |       |     |              |                | Parameters where insecure  |
//   +--------+---------+-------+-----+--------------+----------------+----------------------------+
//
// INITIATE: the session is the initiator's; the packet is zero padded up to a cookie at 1152 and a
// mac at 1184. RESPOND: the session is the receiver's, which is the initiator's; it ends with the
// noise message.
struct HandshakeHeader {
  PacketKind kind{};
  uint8_t version = kProtocolVersion;
  uint8_t flags = 0;
  uint8_t zero = 0;
  uint32_t noise_bytes = 0;
  uint64_t session = 0;

  [[nodiscard]] bool is_insecure() const noexcept { return (flags & kHandshakeInsecure) != 0; }
  [[nodiscard]] const char* invalid() const noexcept;
};
inline constexpr uint32_t kHandshakeHeaderBytes = 16;
static_assert(sizeof(HandshakeHeader) == kHandshakeHeaderBytes);
static_assert(offsetof(HandshakeHeader, flags) == 2 && offsetof(HandshakeHeader, zero) == 3);
static_assert(offsetof(HandshakeHeader, noise_bytes) == 4);
static_assert(offsetof(HandshakeHeader, session) == 8);

inline constexpr uint32_t kInitiateBytes = kDatagramBytesMin;
inline constexpr uint32_t kCookieBytes = 32;
inline constexpr uint32_t kMacBytes = 16;
inline constexpr uint32_t kInitiateCookieOffset = 1152;
inline constexpr uint32_t kInitiateMacOffset = 1184;
inline constexpr uint32_t kInitiateNoiseBytesMax = kInitiateCookieOffset - kHandshakeHeaderBytes;
inline constexpr uint32_t kRespondNoiseBytesMax = kDatagramBytesMin - kHandshakeHeaderBytes;
static_assert(kInitiateCookieOffset + kCookieBytes == kInitiateMacOffset);
static_assert(kInitiateMacOffset + kMacBytes == kInitiateBytes);
// What an unproven address is sent for an INITIATE is at most three times as long: it is shorter.
static_assert(kHandshakeHeaderBytes + kRespondNoiseBytesMax <= 3 * kInitiateBytes);

// Pointers into the datagram.
struct InitiatePacket {
  HandshakeHeader header;
  const uint8_t* noise = nullptr;
  const uint8_t* cookie = nullptr;  // kCookieBytes; zeros where there is none.
  const uint8_t* mac = nullptr;     // kMacBytes, over everything before it.

  [[nodiscard]] bool has_cookie() const noexcept;
};
[[nodiscard]] const char* read_initiate(const uint8_t* datagram, uint32_t bytes,
                                        InitiatePacket& packet) noexcept;

// Writes everything of INITIATE but the noise message (at kHandshakeHeaderBytes, kept as it is) and
// the mac: the header, the zeros behind the message, the cookie (zeros where null). `to` holds
// kInitiateBytes, which is returned.
uint32_t write_initiate(uint8_t* to, const HandshakeHeader& header, const uint8_t* cookie) noexcept;

struct RespondPacket {
  HandshakeHeader header;
  const uint8_t* noise = nullptr;
};
[[nodiscard]] const char* read_respond(const uint8_t* datagram, uint32_t bytes,
                                       RespondPacket& packet) noexcept;

// Writes the header in front of the noise message; returns the bytes of the packet.
uint32_t write_respond(uint8_t* to, const HandshakeHeader& header) noexcept;

//   0        1         2         8                16                   48           56
//   +--------+---------+---------+----------------+--------------------+------------+
//   | 0xD2   | version | 0       | session u64    | cookie, 32 bytes   | 0          |
//   +--------+---------+---------+----------------+--------------------+------------+
struct RetryPacket {
  PacketKind kind = PacketKind::kRetry;
  uint8_t version = kProtocolVersion;
  uint8_t zero[6] = {};
  uint64_t session = 0;  // The receiver's, which is the initiator's.
  uint8_t cookie[kCookieBytes] = {};
  uint64_t zero_too = 0;

  [[nodiscard]] const char* invalid() const noexcept;
};
inline constexpr uint32_t kRetryBytes = 56;
static_assert(sizeof(RetryPacket) == kRetryBytes && offsetof(RetryPacket, session) == 8);
static_assert(offsetof(RetryPacket, cookie) == 16 && offsetof(RetryPacket, zero_too) == 48);
[[nodiscard]] const char* read_retry(const uint8_t* datagram, uint32_t bytes,
                                     RetryPacket& packet) noexcept;
uint32_t write_retry(uint8_t* to, const RetryPacket& packet) noexcept;

// How long the first packet is of `bytes` that came as one: kernels and network cards join
// datagrams that follow one another. All of them where the packet does not say, or says what cannot
// be: then it is not well formed, whatever is behind it.
[[nodiscard]] inline uint32_t first_packet_bytes(const uint8_t* joined, uint32_t bytes) noexcept {
  if (bytes <= kDataHeaderBytes) return bytes;
  const uint64_t word = load_u64_le(joined);
  const auto kind = static_cast<PacketKind>(joined[0]);
  uint32_t packet_bytes = 0;
  if (kind == PacketKind::kData) [[likely]] {
    constexpr uint64_t kZeroFields = 0xFFFF'0000'FFFF'0000;  // path and reserved
    if ((word & kZeroFields) == 0) packet_bytes = static_cast<uint32_t>(word >> 32);
  } else if (joined[1] == kProtocolVersion && joined[3] == 0) {
    const auto noise_bytes = static_cast<uint32_t>(word >> 32);
    if (kind == PacketKind::kInitiate) packet_bytes = kInitiateBytes;
    if (kind == PacketKind::kRetry) packet_bytes = kRetryBytes;
    if (kind == PacketKind::kRespond && noise_bytes <= kRespondNoiseBytesMax) {
      packet_bytes = kHandshakeHeaderBytes + noise_bytes;
    }
  }
  return packet_bytes >= kDataHeaderBytes && packet_bytes <= bytes ? packet_bytes : bytes;
}

enum class HandshakeStatus : uint32_t {
  kAccepted = 0,
  kKeyNotAllowed = 1,
  kBusy = 2,
  kVersion = 3,
  kShuttingDown = 4,
};

// This end is run by an event loop (garbage collection, long callbacks): its silence means less.
inline constexpr uint16_t kParameterInline = 1;

inline constexpr uint32_t kMessageBytesLimit = 16u << 20;

// What an end says of itself, as the payload of its noise message.
struct Parameters {
  uint16_t bytes = 64;  // A later version may append: what is behind the 64 is left unread.
  uint16_t flags = 0;
  HandshakeStatus status = HandshakeStatus::kAccepted;
  uint64_t session = 0;              // The sender's id.
  uint32_t liveness_us = 0;          // Silence after which the sender takes its peer for dead.
  uint32_t ack_delay_us_max = 0;     // The longest it keeps an acknowledgement to itself.
  uint32_t in_flight_bytes_max = 0;  // What its socket buffer can take.
  uint32_t message_bytes_max = 0;    // The longest message that it takes.
  uint32_t stream_window_bytes = 0;  // The window of a stream to it, at first.
  uint16_t streams_max = 0;          // As many streams it takes.
  uint16_t datagram_bytes_max = 0;   // The longest datagram that it takes.
  uint8_t zero[24] = {};

  // Null, or what is wrong with it. Of a refusal only bytes and status mean anything.
  [[nodiscard]] const char* invalid() const noexcept;
};
inline constexpr uint32_t kParametersBytes = 64;
static_assert(sizeof(Parameters) == kParametersBytes && offsetof(Parameters, flags) == 2);
static_assert(offsetof(Parameters, status) == 4 && offsetof(Parameters, session) == 8);
static_assert(offsetof(Parameters, liveness_us) == 16);
static_assert(offsetof(Parameters, ack_delay_us_max) == 20);
static_assert(offsetof(Parameters, in_flight_bytes_max) == 24);
static_assert(offsetof(Parameters, message_bytes_max) == 28);
static_assert(offsetof(Parameters, stream_window_bytes) == 32);
static_assert(offsetof(Parameters, streams_max) == 36);
static_assert(offsetof(Parameters, datagram_bytes_max) == 38 && offsetof(Parameters, zero) == 40);

[[nodiscard]] const char* read_parameters(const uint8_t* from, uint32_t bytes,
                                          Parameters& parameters) noexcept;
uint32_t write_parameters(uint8_t* to, const Parameters& parameters) noexcept;

}  // namespace hyperroute::raptor
