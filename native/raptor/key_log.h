// Tells the keys of sessions to whoever debugs a capture (the Wireshark dissector reads them).
//
// Off unless an application sets it; whoever reads the lines reads everything the sessions carry.
// A line is written once for each direction and key generation:
//   RAPTOR_KEY <receiver's session id, 16 hex> <generation> <AES256GCM|CHACHA20POLY1305>
//              <key, 64 hex> <iv, 24 hex>
// Thread: the endpoint's. Data path: no; a generation begins every few million packets.
#pragma once

#include <cstdint>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "raptor/protection.h"

namespace hyperroute::raptor {

struct KeyLog {
  void* context = nullptr;
  // Takes a zero-terminated line without a line feed; it is valid during the call.
  void (*line)(void* context, const char* text) = nullptr;
};

inline constexpr uint32_t kKeyLogLineBytesMax = 192;

// The keys of one session, told as they come into use.
class KeyTrail {
 public:
  // Writes the lines of generation 0. The log outlives the trail.
  KeyTrail(const KeyLog& log, const SessionKeys& keys, uint64_t local_id, uint64_t remote_id);
  // Writes those of every generation up to this one, in both directions: it does not matter which
  // of them stepped, since a key that is not used yet tells nothing more than those that are.
  void follow(uint64_t generation);

 private:
  void tell();

  const KeyLog& log_;
  crypto::AeadKind kind_;
  uint64_t local_id_;
  uint64_t remote_id_;
  uint64_t generation_ = 0;
  crypto::Secret<kSecretBytes> send_secret_;
  crypto::Secret<kSecretBytes> receive_secret_;
};

}  // namespace hyperroute::raptor
