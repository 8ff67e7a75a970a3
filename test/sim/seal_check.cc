// One key and nonce, one byte string (seal_check.h).
#include "sim/seal_check.h"

#include "base/bits.h"
#include "base/prng.h"
#include "wire/raptor_packet.h"

namespace hyperroute::sim {

uint64_t hash_bytes(std::span<const uint8_t> bytes) noexcept {
  uint64_t state = bytes.size();
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    state ^= load_u64_le(bytes.data() + at);
    state = splitmix64_next(state);
  }
  for (; at < bytes.size(); ++at) {
    state ^= bytes[at];
    state = splitmix64_next(state);
  }
  return state;
}

const char* SealCheck::on_sent(uint32_t host, std::span<const uint8_t> datagram, bool is_insecure) {
  using raptor::PacketKind;
  switch (static_cast<PacketKind>(raptor::kind_of(datagram.data(), 1))) {
    case PacketKind::kData:
      return on_data(host, datagram);
    case PacketKind::kInitiate:
    case PacketKind::kRespond:
      return is_insecure ? nullptr : on_handshake(datagram);
    case PacketKind::kRetry:
      return nullptr;
  }
  return "a host sent a datagram of no kind";
}

// Numbers only go up, across generations too, which is more than the nonce needs: one that came
// before would be a nonce used twice, whatever bytes it sealed.
const char* SealCheck::on_data(uint32_t host, std::span<const uint8_t> datagram) {
  raptor::DataHeader header;
  const auto bytes = static_cast<uint32_t>(datagram.size());
  if (raptor::read_data_header(datagram.data(), bytes, header) != nullptr) {
    return "a host sent a DATA packet that is none";
  }
  ++packets_;
  const auto [entry, is_new] = directions_.try_emplace(header.session);
  Direction& direction = entry->second;
  if (is_new) {
    direction.host = host;
    direction.generation = header.key_generation;
  }
  if (direction.host != host) return "two hosts seal for one session id";
  if (header.number < direction.number_next) return "a nonce was used twice under one key";
  if (static_cast<int8_t>(header.key_generation - direction.generation) < 0) {
    return "a key generation came back";
  }
  direction.generation = header.key_generation;
  direction.number_next = header.number + 1;
  return nullptr;
}

const char* SealCheck::on_handshake(std::span<const uint8_t> datagram) {
  constexpr size_t kEphemeralBytes = 32;
  const size_t noise_bytes = load_u32_le(datagram.data() + 4);
  if (raptor::kHandshakeHeaderBytes + noise_bytes > datagram.size()) {
    return "a host sent a handshake that is cut";
  }
  const auto noise = datagram.subspan(raptor::kHandshakeHeaderBytes, noise_bytes);
  if (noise.size() < kEphemeralBytes) return "a host sent a handshake without a key";
  const uint64_t ephemeral = hash_bytes(noise.first(kEphemeralBytes));
  const auto [entry, is_new] = handshakes_.try_emplace(ephemeral, hash_bytes(noise));
  if (entry->second != hash_bytes(noise)) return "an ephemeral key sealed two handshakes";
  return nullptr;
}

}  // namespace hyperroute::sim
