// The file that a Raptor socket writes the keys of its sessions to, when asked to (key_log.h).
//
// Whoever reads it can read all that the sessions carry, so it has to be readable for its owner
// alone. Lines are appended, each by one system call: several sockets may share a file.
// Set-up: the control thread. Writing: the socket's thread, which may wait for the disk; once for
// each direction of a session and each change of its keys.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "io/unique_fd.h"
#include "raptor/key_log.h"

namespace hyperroute {

class KeyLogFile {
 public:
  KeyLogFile() = default;
  KeyLogFile(const KeyLogFile&) = delete;
  KeyLogFile& operator=(const KeyLogFile&) = delete;

  // Makes the file with mode 0600, or goes on behind what is in it. kPermission: it is another
  // user's, others may read or write it, this process may not, or it is a link. kConfig: it is no
  // file. kSystem.
  Status open(const char* path);
  void close() noexcept { file_.reset(); }
  // Valid as long as this object.
  [[nodiscard]] const raptor::KeyLog* log() const noexcept { return &log_; }
  // Lines that were not written, or not whole, since this object was made.
  [[nodiscard]] uint64_t lost_count() const noexcept { return lost_count_; }

 private:
  // A line that the disk does not take is lost and counted; the session goes on.
  static void write_line(void* self, const char* text);

  UniqueFd file_;
  uint64_t lost_count_ = 0;
  bool ends_in_line_ = false;  // The last line was cut short.
  raptor::KeyLog log_{this, write_line};
};

}  // namespace hyperroute
