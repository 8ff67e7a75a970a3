// Keys of a session: how they are derived, and how a direction steps to its next one.
// Owner: the session. Not on the data path, but for one step in 2^23 packets.
#include "raptor/protection.h"

#include <utility>

#include "base/bits.h"

namespace hyperroute::raptor {

Status Protection::derive(crypto::AeadKind kind, const crypto::Secret<kSecretBytes>& secret,
                          uint32_t generation, crypto::Direction direction, Key& to) {
  crypto::Secret<kSecretBytes> key;
  crypto::hkdf_sha256(secret, "raptor key 0", key);
  crypto::hkdf_sha256(secret, "raptor iv 0", to.iv);
  crypto::hkdf_sha256(secret, "raptor next", to.next_secret);
  auto aead = crypto::Aead::create(kind, key, direction);
  if (!aead.ok()) return aead.status();
  to.aead.emplace(aead.take());
  to.generation = generation;
  return Status::success();
}

Result<Protection> Protection::create(const SessionKeys& keys) {
  Protection protection;
  protection.kind_ = keys.kind;
  protection.is_insecure_ = keys.is_insecure;
  protection.trailer_bytes_ = keys.is_insecure ? kInsecureTrailerBytes : kTagBytes;
  if (keys.is_insecure) return protection;
  using crypto::Direction;
  HR_TRY(derive(keys.kind, keys.send_secret, 0, Direction::kSeal, protection.send_));
  HR_TRY(derive(keys.kind, keys.receive_secret, 0, Direction::kOpen, protection.receive_));
  HR_TRY(derive(keys.kind, protection.receive_.next_secret, 1, Direction::kOpen,
                protection.receive_next_));
  return protection;
}

bool Protection::update_key() {
  if (is_insecure_ || !is_generation_acked_) return false;
  Key next;
  const Status derived =
      derive(kind_, send_.next_secret, send_.generation + 1, crypto::Direction::kSeal, next);
  if (!derived.ok()) return false;
  send_ = std::move(next);
  generation_first_number_ = next_number_;
  is_generation_acked_ = false;
  is_update_wanted_ = false;
  return true;
}

void Protection::step_receive() {
  Key after;
  const Status derived = derive(kind_, receive_next_.next_secret, receive_next_.generation + 1,
                                crypto::Direction::kOpen, after);
  // Where no cipher is to be had, the peer's step after this one is what cannot be opened; the
  // session then ends for want of authentic packets.
  if (!derived.ok()) after.aead.reset();
  receive_previous_ = std::move(receive_);
  receive_ = std::move(receive_next_);
  receive_next_ = std::move(after);
}

}  // namespace hyperroute::raptor
