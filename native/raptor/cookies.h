// Cookies: how a listener that is pressed learns, without remembering anything, that whoever began
// a handshake can receive at the address it sends from.
//
// A cookie is a keyed hash of the address, the initiator's session id and the time; only the
// holder of the secret makes one, and it is good for one address, one attempt and some seconds.
// Owner: the endpoint. Data path: no; a hash for an INITIATE while the listener is pressed.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/crypto.h"
#include "raptor/path_address.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

// A cookie is taken in the bucket of its issue and in the next: for two to four seconds, which
// outlasts every pause between two INITIATEs of an attempt (kInitiateIntervalNsMax).
inline constexpr uint64_t kCookieBucketNs = 2'000'000'000;
inline constexpr uint32_t kCookieBucketBytes = 8;

class CookieJar {
 public:
  // The secret lives as long as the endpoint; old cookies lapse by their time.
  explicit CookieJar(const crypto::Secret<crypto::kKeyBytes>& secret) noexcept : secret_(secret) {}

  void issue(uint64_t now_ns, const PathAddress& address, uint64_t initiator_id,
             std::span<uint8_t, kCookieBytes> to) const noexcept;
  [[nodiscard]] bool is_valid(uint64_t now_ns, const PathAddress& address, uint64_t initiator_id,
                              std::span<const uint8_t, kCookieBytes> cookie) const noexcept;

 private:
  void make(uint64_t bucket, const PathAddress& address, uint64_t initiator_id,
            std::span<uint8_t, kCookieBytes> to) const noexcept;

  crypto::Secret<crypto::kKeyBytes> secret_;
};

// More handshakes than this in a window cost a noticeable share of a core in Diffie-Hellman
// operations (about 200 µs each): from here on only proven addresses are served.
inline constexpr uint32_t kHandshakesPerWindowMax = 64;
inline constexpr uint64_t kHandshakeWindowNs = 10'000'000;

// Counts the handshakes of the present window.
class HandshakeRate {
 public:
  void add(uint64_t now_ns) noexcept {
    roll(now_ns);
    count_ += 1;
  }
  [[nodiscard]] bool is_high(uint64_t now_ns) noexcept {
    roll(now_ns);
    return count_ >= kHandshakesPerWindowMax;
  }

 private:
  void roll(uint64_t now_ns) noexcept {
    if (now_ns - window_start_ns_ < kHandshakeWindowNs) return;
    window_start_ns_ = now_ns;
    count_ = 0;
  }

  uint64_t window_start_ns_ = 0;
  uint32_t count_ = 0;
};

}  // namespace hyperroute::raptor
