// Makes and checks cookies, and shares handshakes among hosts. Owner: the endpoint; not on the data
// path.
#include "raptor/cookies.h"

#include <array>
#include <cstring>

#include "base/bits.h"
#include "base/prng.h"

namespace hyperroute::raptor {

CookieJar::CookieJar(const crypto::Secret<crypto::kKeyBytes>& secret) noexcept
    : secret_(secret),
      // No input of make() is as short.
      first_bucket_(load_u64_le(crypto::hmac_sha256(secret, crypto::Bytes{}).data())) {}

uint64_t CookieJar::host_key() const noexcept {
  // Nor as short as this, which is longer than none.
  const uint8_t input[] = {1};
  return load_u64_le(crypto::hmac_sha256(secret_, input).data());
}

void CookieJar::make(uint64_t bucket, const PathAddress& address, uint64_t initiator_id,
                     std::span<uint8_t, kCookieBytes> to) const noexcept {
  // The address at its full width and with its size: no two inputs have the same bytes.
  std::array<uint8_t, kCookieBucketBytes + 1 + kPathAddressBytesMax + 8> input{};
  uint8_t* at = input.data();
  store_u64_le(at, bucket);
  at += kCookieBucketBytes;
  *at++ = address.size;
  std::memcpy(at, address.bytes, kPathAddressBytesMax);
  at += kPathAddressBytesMax;
  store_u64_le(at, initiator_id);
  const crypto::Hash hash = crypto::hmac_sha256(secret_, input);
  store_u64_le(to.data(), bucket);
  std::memcpy(to.data() + kCookieBucketBytes, hash.data(), kCookieBytes - kCookieBucketBytes);
}

void CookieJar::issue(uint64_t now_ns, const PathAddress& address, uint64_t initiator_id,
                      std::span<uint8_t, kCookieBytes> to) const noexcept {
  make(first_bucket_ + now_ns / kCookieBucketNs, address, initiator_id, to);
}

bool CookieJar::is_valid(uint64_t now_ns, const PathAddress& address, uint64_t initiator_id,
                         std::span<const uint8_t, kCookieBytes> cookie) const noexcept {
  const uint64_t bucket = load_u64_le(cookie.data());
  // The difference wraps for a bucket to come, which was never issued.
  if (first_bucket_ + now_ns / kCookieBucketNs - bucket > 1) return false;
  std::array<uint8_t, kCookieBytes> expected;
  make(bucket, address, initiator_id, expected);
  return crypto::is_equal_constant_time(expected.data(), cookie.data(), kCookieBytes);
}

bool Pressure::take_proven(uint64_t now_ns, uint64_t host) noexcept {
  proven_.roll(now_ns, kProvenWindowNs);
  if (proven_.count == 0) proven_of_host_.fill(0);
  uint64_t state = host ^ host_key_;
  const auto slot = static_cast<uint32_t>(splitmix64_next(state) % kProvenHostSlots);
  const bool was_alone = last_slot_ == slot || last_slot_ == kProvenHostSlots;
  if (!was_alone && now_ns - last_ns_ < kProvenSharedNs) {
    shared_until_ns_ = now_ns + kProvenSharedNs;
  }
  last_slot_ = slot;
  last_ns_ = now_ns;
  const uint32_t host_max = now_ns < shared_until_ns_ ? kProvenPerHostMax : kProvenAloneMax;
  if (proven_.count == kProvenPerWindowMax || proven_of_host_[slot] >= host_max) return false;
  proven_.count += 1;
  proven_of_host_[slot] += 1;
  return true;
}

}  // namespace hyperroute::raptor
