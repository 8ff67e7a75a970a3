// Tells the keys of sessions to whoever debugs a capture (the Wireshark dissector reads them).
//
// Off unless an application sets it; whoever reads the lines reads everything the sessions carry.
// A line is written once for each direction and key generation:
//   RAPTOR_KEY <receiver's session id, 16 hex> <generation> <AES256GCM|CHACHA20POLY1305>
//              <key, 64 hex> <iv, 24 hex>
// Thread: the one of the endpoint. Data path: no; a generation begins every few million packets.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <span>

namespace hyperroute::raptor {

struct KeyLog {
  void* context = nullptr;
  // Takes a zero-terminated line without a line feed; it is valid during the call.
  void (*line)(void* context, const char* text) = nullptr;
};

inline constexpr uint32_t kKeyLogLineBytesMax = 192;

// Writes one line; nothing where `log` is null or has no function.
inline void log_key(const KeyLog* log, uint64_t receiver_session_id, uint64_t generation,
                    bool is_chacha20, std::span<const uint8_t, 32> key,
                    std::span<const uint8_t, 12> iv) noexcept {
  if (log == nullptr || log->line == nullptr) return;
  const auto to_hex = [](std::span<const uint8_t> bytes, char* text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const uint8_t byte : bytes) {
      *text++ = kDigits[byte >> 4];
      *text++ = kDigits[byte & 0xF];
    }
    *text = '\0';
  };
  char key_text[2 * 32 + 1];
  char iv_text[2 * 12 + 1];
  to_hex(key, key_text);
  to_hex(iv, iv_text);
  char text[kKeyLogLineBytesMax];
  std::snprintf(text, sizeof text, "RAPTOR_KEY %016" PRIx64 " %" PRIu64 " %s %s %s",
                receiver_session_id, generation, is_chacha20 ? "CHACHA20POLY1305" : "AES256GCM",
                key_text, iv_text);
  log->line(log->context, text);
}

}  // namespace hyperroute::raptor
