// Watches every sealed datagram that leaves a host: one key and one nonce never seal two
// different byte strings. A receiver's session id names the direction of a session, so id, key
// generation and packet number name key and nonce; handshakes are named by their ephemeral keys.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <map>
#include <span>

namespace hyperroute::sim {

class SealCheck {
 public:
  // What a host sent; the answer is null or what is wrong with it.
  [[nodiscard]] const char* on_sent(uint32_t host, std::span<const uint8_t> datagram,
                                    bool is_insecure);

  // Of all directions; for the self-test and the closing line.
  uint64_t packets() const { return packets_; }

 private:
  struct Direction {
    uint32_t host = 0;
    uint8_t generation = 0;
    uint64_t number_next = 0;
  };

  const char* on_data(uint32_t host, std::span<const uint8_t> datagram);
  const char* on_handshake(std::span<const uint8_t> datagram);

  std::map<uint64_t, Direction> directions_;
  std::map<uint64_t, uint64_t> handshakes_;  // hash of the ephemeral key to that of the message
  uint64_t packets_ = 0;
};

[[nodiscard]] uint64_t hash_bytes(std::span<const uint8_t> bytes) noexcept;

}  // namespace hyperroute::sim
