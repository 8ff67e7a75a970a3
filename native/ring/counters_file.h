// The counters file as a file: made, locked, replaced when its owner is dead, removed.
// Thread: control thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace hyperroute {

// Whether a name can be a router's: 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot, so
// that it is safe as a file's name.
[[nodiscard]] bool counters_name_is_valid(std::string_view name) noexcept;

// Opens a new, empty, locked file at the path; returns its descriptor, which holds the lock.
Result<int> counters_file_create(const std::string& path, uint64_t file_bytes);

// Unlinks the path if it is still this file, and closes the descriptor (and so the lock).
void counters_file_remove(const std::string& path, int fd) noexcept;

}  // namespace hyperroute
