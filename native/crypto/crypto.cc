// Hashes over the loaded library, or without one, and what else does not depend on a key.
#include "crypto/crypto.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "crypto/evp.h"
#include "crypto/evp_digest.h"
#include "crypto/sha256_portable.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace hyperroute::crypto {
namespace {

constexpr uint32_t kBlockBytes = PortableSha256::kBlockBytes;
// Signals in a row that may break into a request; each but the last gets as much as there was.
constexpr uint32_t kRandomTriesMax = 1000;

Hash portable_digest(Bytes first, std::span<const Bytes> parts) noexcept {
  PortableSha256 sha;
  sha.update(first);
  for (const Bytes part : parts) sha.update(part);
  return sha.finish();
}

// SHA-256 of `first` and the parts. The library's context is one a thread, made at its first hash.
Hash digest(Bytes first, std::span<const Bytes> parts) noexcept {
  thread_local EvpDigest of_thread;
  Hash hash;
  const Evp* const evp = loaded_evp();
  if (evp != nullptr && of_thread.compute(*evp, first, parts, hash)) return hash;
  return portable_digest(first, parts);
}

}  // namespace

void wipe(void* secret, size_t secret_bytes) noexcept { explicit_bzero(secret, secret_bytes); }

bool has_aes() noexcept {
#if defined(__x86_64__)
  static const bool has =
      __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
  return has;
#elif defined(__aarch64__)
  constexpr unsigned long kHwcapAes = 1ul << 3;
  constexpr unsigned long kHwcapPmull = 1ul << 4;
  constexpr unsigned long kBoth = kHwcapAes | kHwcapPmull;
  return (::getauxval(AT_HWCAP) & kBoth) == kBoth;
#else
  return false;
#endif
}

Status random_bytes(std::span<uint8_t> out) noexcept {
  for (uint32_t tries = 0; !out.empty(); ++tries) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got > 0) {
      out = out.subspan(static_cast<size_t>(got));
    } else if (got == 0 || errno != EINTR || tries == kRandomTriesMax) {
      return Status::system(StatusCode::kSystem, got == 0 ? 0 : errno, "getrandom");
    }
  }
  return Status::success();
}

Hash sha256(Bytes data) noexcept { return digest(data, {}); }

Hash sha256(std::span<const Bytes> parts) noexcept { return digest({}, parts); }

Hash hmac_sha256(Bytes key, Bytes data) noexcept {
  return hmac_sha256(key, std::span<const Bytes>(&data, 1));
}

Hash hmac_sha256(Bytes key, std::span<const Bytes> parts) noexcept {
  Secret<kBlockBytes> block;
  if (key.size() > kBlockBytes) {
    const Hash shorter = sha256(key);
    std::copy(shorter.begin(), shorter.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (uint8_t& byte : block) byte ^= 0x36;
  const Secret<kHashBytes> inner(digest(block, parts));
  for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  const Bytes inner_bytes(inner);
  return digest(block, std::span<const Bytes>(&inner_bytes, 1));
}

void hkdf_sha256(Bytes ikm, std::string_view info, std::span<uint8_t> out) noexcept {
  hkdf_sha256({}, ikm, info, out);
}

void hkdf_sha256(Bytes salt, Bytes ikm, std::string_view info, std::span<uint8_t> out) noexcept {
  HR_ASSERT(out.size() <= kHkdfBytesMax);
  // No salt is a salt of zeros, which is what HMAC makes of an empty key.
  const Secret<kHashBytes> extracted(hmac_sha256(salt, ikm));
  const Bytes info_bytes(reinterpret_cast<const uint8_t*>(info.data()), info.size());
  Secret<kHashBytes> block;
  size_t previous_bytes = 0;
  for (uint8_t counter = 1; !out.empty(); ++counter) {
    const Bytes parts[] = {Bytes(block.data(), previous_bytes), info_bytes, Bytes(&counter, 1)};
    block = hmac_sha256(extracted, parts);
    previous_bytes = kHashBytes;
    const size_t taken_bytes = std::min<size_t>(out.size(), kHashBytes);
    std::memcpy(out.data(), block.data(), taken_bytes);
    out = out.subspan(taken_bytes);
  }
}

bool is_equal_constant_time(const void* a, const void* b, size_t bytes) noexcept {
  const auto* const left = static_cast<const volatile uint8_t*>(a);
  const auto* const right = static_cast<const volatile uint8_t*>(b);
  uint8_t difference = 0;
  for (size_t index = 0; index < bytes; ++index) {
    difference = static_cast<uint8_t>(difference | (left[index] ^ right[index]));
  }
  return difference == 0;
}

}  // namespace hyperroute::crypto
