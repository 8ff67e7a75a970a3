// Cookies: how a listener that is pressed learns, without remembering anything, that whoever began
// a handshake can receive at the address it sends from.
//
// A cookie is a keyed hash of the address, the initiator's session id and the time; only the
// holder of the secret makes one, and it is good for one address, one attempt and some seconds.
// Owner: the endpoint. Data path: no; a hash for an INITIATE while the listener is pressed.
#pragma once

#include <array>
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
  explicit CookieJar(const crypto::Secret<crypto::kKeyBytes>& secret) noexcept;

  void issue(uint64_t now_ns, const PathAddress& address, uint64_t initiator_id,
             std::span<uint8_t, kCookieBytes> to) const noexcept;
  [[nodiscard]] bool is_valid(uint64_t now_ns, const PathAddress& address, uint64_t initiator_id,
                              std::span<const uint8_t, kCookieBytes> cookie) const noexcept;

  // For Pressure: as secret as the cookies, and another for each endpoint.
  [[nodiscard]] uint64_t host_key() const noexcept;

 private:
  void make(uint64_t bucket, const PathAddress& address, uint64_t initiator_id,
            std::span<uint8_t, kCookieBytes> to) const noexcept;

  crypto::Secret<crypto::kKeyBytes> secret_;
  uint64_t first_bucket_;  // The number of the bucket at time 0: cookies do not tell the uptime.
};

// More INITIATEs than this in a window, each of which may cost five X25519 operations (some 0.4 ms
// of a core in all), make a listener pressed, and it stays so for kPressedNs after the last such.
// The window is several times what so many cost: whoever works without a pause gets to the bound
// before the window ends, however fast more of them come.
inline constexpr uint32_t kUnprovenPerWindowMax = 64;
inline constexpr uint64_t kUnprovenWindowNs = 100'000'000;
inline constexpr uint64_t kPressedNs = 1'000'000'000;
// What a listener answers in a window, of INITIATEs with a cookie: one address that is proven could
// otherwise keep it busy with bad handshakes for as long as its cookie is good. Others ask again.
inline constexpr uint32_t kProvenPerWindowMax = 8;
inline constexpr uint64_t kProvenWindowNs = 10'000'000;
// What one host gets of these: a quarter, for some time after another host has asked too. While it
// is alone, all but a quarter, so that the first other is served at once.
inline constexpr uint32_t kProvenPerHostMax = kProvenPerWindowMax / 4;
inline constexpr uint32_t kProvenAloneMax = kProvenPerWindowMax - kProvenPerHostMax;
inline constexpr uint64_t kProvenSharedNs = 1'000'000'000;
// Hosts are counted by a keyed hash of their number: nobody chooses with whom he shares a slot.
inline constexpr uint32_t kProvenHostSlots = 64;

// Events in windows that begin with their first.
struct RateWindow {
  uint64_t start_ns = 0;
  uint32_t count = 0;

  void roll(uint64_t now_ns, uint64_t window_ns) noexcept {
    if (now_ns - start_ns >= window_ns) *this = RateWindow{now_ns};
  }
  // Whether one more is allowed now, of so many in a window.
  [[nodiscard]] bool take(uint64_t now_ns, uint64_t window_ns, uint32_t count_max) noexcept {
    roll(now_ns, window_ns);
    if (count == count_max) return false;
    count += 1;
    return true;
  }
};

// How many handshakes came lately, and of those that are proven how many of which host.
class Pressure {
 public:
  // `host_key`: unpredictable.
  Pressure(uint64_t now_ns, uint64_t host_key) noexcept
      : unproven_{now_ns}, proven_{now_ns}, host_key_(host_key) {}

  // An INITIATE without a good cookie came.
  void add_unproven(uint64_t now_ns) noexcept {
    unproven_.roll(now_ns, kUnprovenWindowNs);
    unproven_.count += 1;
    if (unproven_.count > kUnprovenPerWindowMax) pressed_until_ns_ = now_ns + kPressedNs;
  }
  // Whether one with a good cookie, of this host, may be worked on now.
  [[nodiscard]] bool take_proven(uint64_t now_ns, uint64_t host) noexcept;
  [[nodiscard]] bool is_pressed(uint64_t now_ns) const noexcept {
    return now_ns < pressed_until_ns_;
  }

 private:
  RateWindow unproven_;
  RateWindow proven_;
  std::array<uint8_t, kProvenHostSlots> proven_of_host_{};  // in the window of proven_
  uint32_t last_slot_ = kProvenHostSlots;  // whose host asked last; none yet: past the end
  uint64_t last_ns_ = 0;
  uint64_t shared_until_ns_ = 0;
  uint64_t host_key_;
  uint64_t pressed_until_ns_ = 0;
};

}  // namespace hyperroute::raptor
