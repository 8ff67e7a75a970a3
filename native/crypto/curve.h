// X25519 (RFC 7748) through a library: a public key from a private one, and a shared secret.
// Thread: any (pure). Set-up: some tens of microseconds a call, and allocations of the library.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/crypto.h"
#include "crypto/evp.h"

namespace hyperroute::crypto {

using CurveBytes = std::span<const uint8_t, kKeyBytes>;

// False when the library failed.
[[nodiscard]] bool curve_public(const Evp& evp, CurveBytes private_key,
                                std::array<uint8_t, kKeyBytes>& public_key) noexcept;

// False when the library failed, or where the secret would be zero: the remote key is then one of
// the few of low order, with which every private key gives the same.
[[nodiscard]] bool curve_secret(const Evp& evp, CurveBytes private_key, CurveBytes remote_key,
                                Secret<kKeyBytes>& secret) noexcept;

}  // namespace hyperroute::crypto
