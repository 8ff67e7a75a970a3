// Which library computes the cryptography, and the hashes: SHA-256, HMAC (RFC 2104) and HKDF
// (RFC 5869) over it.
// Thread: any (load() decides once; everything else is pure). Data path: of handshakes only; a hash
// costs an allocation inside the library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace hyperroute::crypto {

inline constexpr uint32_t kHashBytes = 32;
inline constexpr uint32_t kKeyBytes = 32;
// RFC 5869: the expansion counts its blocks in one byte.
inline constexpr uint32_t kHkdfBytesMax = 255 * kHashBytes;

using Hash = std::array<uint8_t, kHashBytes>;
using Bytes = std::span<const uint8_t>;

// Overwrites a secret in a way that the compiler may not leave out.
void wipe(void* secret, size_t secret_bytes) noexcept;

// An array whose content is overwritten when it goes.
template <size_t kBytes>
struct Secret : std::array<uint8_t, kBytes> {
  Secret() noexcept : std::array<uint8_t, kBytes>{} {}
  Secret(const std::array<uint8_t, kBytes>& bytes) noexcept : std::array<uint8_t, kBytes>(bytes) {}
  Secret(const Secret&) noexcept = default;
  Secret& operator=(const Secret&) noexcept = default;
  ~Secret() noexcept { wipe(this->data(), kBytes); }
};

// Finds a library that passes the known-answer tests, the first time it is called, and says
// the same ever after: ERR_CRYPTO_UNAVAILABLE names what was tried and what it lacked. May block on
// the file system. Everything of aead.h and noise.h needs it to have succeeded.
Status load() noexcept;

// The library that load() chose, for a person: "the process" or "libcrypto.so.3"; "none" before.
[[nodiscard]] const char* library_name() noexcept;

// Whether this CPU has instructions for AES-GCM; without them ChaCha20-Poly1305 is faster, and
// AES in software tells its key to who can measure its time.
[[nodiscard]] bool has_aes() noexcept;

// Fills with unpredictable bytes from the kernel. Blocks only in a system that has just booted.
Status random_bytes(std::span<uint8_t> out) noexcept;

// The hashes work in every process: without a loaded library a portable form computes them, so that
// sessions without encryption still have their handshake's MAC and cookies.
[[nodiscard]] Hash sha256(Bytes data) noexcept;
// Of the concatenation of the parts.
[[nodiscard]] Hash sha256(std::span<const Bytes> parts) noexcept;
[[nodiscard]] Hash hmac_sha256(Bytes key, Bytes data) noexcept;
[[nodiscard]] Hash hmac_sha256(Bytes key, std::span<const Bytes> parts) noexcept;

// Fills `out`, kHkdfBytesMax at most. The first form has no salt, as RFC 5869 allows where the
// input is a uniform secret already.
void hkdf_sha256(Bytes ikm, std::string_view info, std::span<uint8_t> out) noexcept;
void hkdf_sha256(Bytes salt, Bytes ikm, std::string_view info, std::span<uint8_t> out) noexcept;

// Whether two equally long byte strings are the same, in a time that depends on their length alone:
// for MACs and cookies, which memcmp would let a sender guess byte by byte.
[[nodiscard]] bool is_equal_constant_time(const void* a, const void* b, size_t bytes) noexcept;

}  // namespace hyperroute::crypto
