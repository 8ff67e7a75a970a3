// Making, locking and removing the counters file. Control plane only.
#include "ring/counters_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "ring/counters.h"

namespace hyperroute {
namespace {

// A reader holds the lock for the microseconds of its probe: so a few short tries decide.
constexpr int kLockTryCountMax = 20;
constexpr long kLockPauseNs = 2'000'000;
// Each round lost means that another process made or removed the file in between.
constexpr int kCreateTryCountMax = 8;

// What is known of a file: enough to say whether a path still leads to a descriptor.
bool is_same_file(const std::string& path, int fd) {
  struct stat by_path {};
  struct stat by_fd {};
  if (::stat(path.c_str(), &by_path) != 0 || ::fstat(fd, &by_fd) != 0) return false;
  return by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

Status make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Status::system(StatusCode::kSystem, errno, "making %s", directory.c_str());
  }
  struct stat found {};
  // lstat: in a directory that everybody may write, a link could lead anywhere.
  if (::lstat(directory.c_str(), &found) != 0) {
    return Status::system(StatusCode::kSystem, errno, "looking at %s", directory.c_str());
  }
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 0077) != 0) {
    return Status::error(StatusCode::kPermission,
                         "%s must be a directory of this user with mode 0700", directory.c_str());
  }
  return Status::success();
}

// True with the lock held, false if somebody keeps it.
bool lock_exclusively(int fd) {
  for (int round = 0; round < kLockTryCountMax; ++round) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    timespec pause{};
    pause.tv_nsec = kLockPauseNs;
    ::nanosleep(&pause, nullptr);
  }
  return false;
}

uint32_t owner_pid(int fd) {
  CountersHeader header{};
  const ssize_t got_bytes = ::pread(fd, &header, sizeof header, 0);
  return got_bytes == static_cast<ssize_t>(sizeof header) ? header.pid : 0;
}

Status set_up(int fd, const std::string& path, uint64_t file_bytes) {
  // The process's umask may have taken bits that the owner needs.
  if (::fchmod(fd, 0600) != 0 || ::ftruncate(fd, static_cast<off_t>(file_bytes)) != 0) {
    return Status::system(StatusCode::kSystem, errno, "sizing %s", path.c_str());
  }
  return Status::success();
}

}  // namespace

bool counters_name_is_valid(std::string_view name) noexcept {
  if (name.empty() || name.size() > 64 || name.front() == '.') return false;
  for (const char letter : name) {
    const bool alphanumeric = (letter >= 'a' && letter <= 'z') ||
                              (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
    if (!alphanumeric && letter != '.' && letter != '_' && letter != '-') return false;
  }
  return true;
}

std::string counters_directory() { return "/dev/shm/hyperroute-" + std::to_string(::geteuid()); }

std::string counters_path(std::string_view router_name) {
  return counters_directory() + "/" + std::string(router_name) + ".counters";
}

Result<int> counters_file_create(const std::string& path, uint64_t file_bytes) {
  const std::string directory = counters_directory();
  if (path.starts_with(directory + "/")) HR_TRY(make_directory(directory));
  for (int round = 0; round < kCreateTryCountMax; ++round) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
      const bool refused = errno == EACCES || errno == EPERM || errno == ELOOP;
      return Status::system(refused ? StatusCode::kPermission : StatusCode::kSystem, errno,
                            "opening the counters file %s", path.c_str());
    }
    if (!lock_exclusively(fd)) {
      const uint32_t pid = owner_pid(fd);
      ::close(fd);
      return Status::error(StatusCode::kAddressInUse,
                           "a running router (process %u) owns the counters file %s", pid,
                           path.c_str());
    }
    struct stat found {};
    const bool ours = is_same_file(path, fd) && ::fstat(fd, &found) == 0;
    if (ours && found.st_size == 0) {
      const Status status = set_up(fd, path, file_bytes);
      if (status.ok()) return fd;
      counters_file_remove(path, fd);
      return status;
    }
    // A dead router's file. It is replaced, not emptied: whoever has it mapped would fault.
    if (ours) ::unlink(path.c_str());
    ::close(fd);
  }
  return Status::error(StatusCode::kSystem, "%s was replaced %d times while it was being opened",
                       path.c_str(), kCreateTryCountMax);
}

void counters_file_remove(const std::string& path, int fd) noexcept {
  if (is_same_file(path, fd)) ::unlink(path.c_str());
  ::close(fd);
}

}  // namespace hyperroute
