// X25519 by the raw-key calls of the EVP interface. Set-up only.
#include "crypto/curve.h"

namespace hyperroute::crypto {
namespace {

using Key = EvpOwned<evp_pkey_st>;
using Context = EvpOwned<evp_pkey_ctx_st>;

Key private_of(const Evp& evp, CurveBytes key) noexcept {
  return {evp.pkey_new_private(kEvpX25519, nullptr, key.data(), key.size()), {evp.pkey_free}};
}

bool derive(const Evp& evp, const Key& own, const Key& remote, Secret<kKeyBytes>& secret) noexcept {
  if (own == nullptr || remote == nullptr) return false;
  const Context context(evp.pkey_ctx_new(own.get(), nullptr), {evp.pkey_ctx_free});
  size_t bytes = secret.size();
  return context != nullptr && evp.derive_init(context.get()) == 1 &&
         evp.derive_set_peer(context.get(), remote.get()) == 1 &&
         evp.derive(context.get(), secret.data(), &bytes) == 1 && bytes == secret.size();
}

}  // namespace

bool curve_public(const Evp& evp, CurveBytes private_key,
                  std::array<uint8_t, kKeyBytes>& public_key) noexcept {
  const Key key = private_of(evp, private_key);
  size_t bytes = public_key.size();
  const bool is_good = key != nullptr &&
                       evp.pkey_get_public(key.get(), public_key.data(), &bytes) == 1 &&
                       bytes == public_key.size();
  if (!is_good) evp.clear_errors();
  return is_good;
}

bool curve_secret(const Evp& evp, CurveBytes private_key, CurveBytes remote_key,
                  Secret<kKeyBytes>& secret) noexcept {
  const Key own = private_of(evp, private_key);
  const Key remote(evp.pkey_new_public(kEvpX25519, nullptr, remote_key.data(), remote_key.size()),
                   {evp.pkey_free});
  const bool is_good = derive(evp, own, remote, secret);
  if (!is_good) evp.clear_errors();
  // Libraries refuse a zero secret; RFC 7748 leaves the check to the protocol.
  const Secret<kKeyBytes> zero;
  return is_good && !is_equal_constant_time(secret.data(), zero.data(), secret.size());
}

}  // namespace hyperroute::crypto
