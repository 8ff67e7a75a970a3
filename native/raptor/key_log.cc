// Derives the keys of a session once more, for the log. Thread: the endpoint's; not on the data
// path.
#include "raptor/key_log.h"

#include <cinttypes>
#include <cstdio>
#include <span>

namespace hyperroute::raptor {
namespace {

void to_hex(std::span<const uint8_t> bytes, char* text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t byte : bytes) {
    *text++ = kDigits[byte >> 4];
    *text++ = kDigits[byte & 0xF];
  }
  *text = '\0';
}

void tell_key(const KeyLog& log, uint64_t receiver_id, uint64_t generation, crypto::AeadKind kind,
              const crypto::Secret<kSecretBytes>& secret) {
  // As Protection derives them (docs/raptor-protocol.md).
  crypto::Secret<crypto::kKeyBytes> key;
  crypto::Secret<crypto::kNonceBytes> iv;
  crypto::hkdf_sha256(secret, "raptor key 0", key);
  crypto::hkdf_sha256(secret, "raptor iv 0", iv);
  char key_text[2 * crypto::kKeyBytes + 1];
  char iv_text[2 * crypto::kNonceBytes + 1];
  to_hex(key, key_text);
  to_hex(iv, iv_text);
  const bool is_aes = kind == crypto::AeadKind::kAes256Gcm;
  char text[kKeyLogLineBytesMax];
  std::snprintf(text, sizeof text, "RAPTOR_KEY %016" PRIx64 " %" PRIu64 " %s %s %s", receiver_id,
                generation, is_aes ? "AES256GCM" : "CHACHA20POLY1305", key_text, iv_text);
  log.line(log.context, text);
}

void step(crypto::Secret<kSecretBytes>& secret) {
  crypto::Secret<kSecretBytes> next;
  crypto::hkdf_sha256(secret, "raptor next", next);
  secret = next;
}

}  // namespace

KeyTrail::KeyTrail(const KeyLog& log, const SessionKeys& keys, uint64_t local_id,
                   uint64_t remote_id)
    : log_(log),
      kind_(keys.kind),
      local_id_(local_id),
      remote_id_(remote_id),
      send_secret_(keys.send_secret),
      receive_secret_(keys.receive_secret) {
  tell();
}

void KeyTrail::follow(uint64_t generation) {
  while (generation_ < generation) {
    generation_ += 1;
    step(send_secret_);
    step(receive_secret_);
    tell();
  }
}

void KeyTrail::tell() {
  tell_key(log_, remote_id_, generation_, kind_, send_secret_);
  tell_key(log_, local_id_, generation_, kind_, receive_secret_);
}

}  // namespace hyperroute::raptor
