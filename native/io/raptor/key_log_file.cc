// Opening the key log, and appending to it. Not on the data path.
#include "io/raptor/key_log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace hyperroute {
namespace {

constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;

}  // namespace

Status KeyLogFile::open(const char* path) {
  // O_NONBLOCK: opening a pipe that nobody reads must not wait; a file takes no notice.
  const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  UniqueFd file(::open(path, flags, kOwnerOnly));
  if (!file.is_open()) {
    // ELOOP: a link, which may lead to a file that was not meant.
    const bool is_denied = errno == EACCES || errno == EPERM || errno == EROFS || errno == ELOOP;
    return Status::system(is_denied ? StatusCode::kPermission : StatusCode::kSystem, errno,
                          "keyLog: opening %s", path);
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) {
    return Status::system(StatusCode::kSystem, errno, "keyLog: looking at %s", path);
  }
  if (!S_ISREG(found.st_mode)) {
    return Status::error(StatusCode::kConfig, "keyLog: expected a file, got %s", path);
  }
  if (found.st_uid != ::geteuid()) {
    return Status::error(StatusCode::kPermission,
                         "keyLog: expected a file of this process's user, got %s of user %u", path,
                         static_cast<unsigned>(found.st_uid));
  }
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Status::error(StatusCode::kPermission,
                         "keyLog: expected a file for its owner alone (mode 0600), got %s", path);
  }
  file_ = std::move(file);
  return Status::success();
}

void KeyLogFile::write_line(void* self, const char* text) {
  char line[raptor::kKeyLogLineBytesMax + 2];
  auto* const log = static_cast<KeyLogFile*>(self);
  // What is left of a line that was cut short gets one of its own.
  const char* const head = log->ends_in_line_ ? "\n" : "";
  const int bytes = std::snprintf(line, sizeof line, "%s%s\n", head, text);
  HR_DASSERT(bytes > 0 && static_cast<size_t>(bytes) < sizeof line);
  const ssize_t written = ::write(log->file_.get(), line, static_cast<size_t>(bytes));
  if (written != bytes) log->lost_count_ += 1;
  if (written > 0) log->ends_in_line_ = line[written - 1] != '\n';
}

}  // namespace hyperroute
