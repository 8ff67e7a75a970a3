// Makes and checks cookies. Owner: the endpoint; not on the data path.
#include "raptor/cookies.h"

#include <array>
#include <cstring>

#include "base/bits.h"

namespace hyperroute::raptor {

CookieJar::CookieJar(const crypto::Secret<crypto::kKeyBytes>& secret) noexcept
    : secret_(secret),
      // No input of make() is as short.
      first_bucket_(load_u64_le(crypto::hmac_sha256(secret, crypto::Bytes{}).data())) {}

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

}  // namespace hyperroute::raptor
