// Reading every field of a message, of whatever version, and writing it in the newest.
//
// Thread: any; nothing is allocated. Not on the data path: it looks each field up in the layout.
// Tests hold it against the JavaScript codec; tools bring stored messages up to date with it.
#pragma once

#include <cstdint>
#include <span>

#include "include/hyperroute/message.h"

namespace hyperroute {

// Writes what `message` says to the front of `memory`, in canonical form: what decode and encode
// of the JavaScript codec make of it. bind() and check_values() have accepted the message; it does
// not lie in `memory`. Returns the bytes, or 0 with the fault.
[[nodiscard]] uint32_t rewrite(const MessageLayout& layout, const Message& message,
                               std::span<uint8_t> memory, WriteFault& fault) noexcept;

}  // namespace hyperroute
