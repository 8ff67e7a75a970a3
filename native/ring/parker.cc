// The sleeping half of the parked protocol: eventfd, wake, unpark. Never reached by a burst
// that keeps its consumer busy.
#include "ring/parker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace hyperroute {

Status Parker::open() {
  HR_ASSERT(fd_ < 0);
  fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd_ < 0) return Status::system(StatusCode::kSystem, errno, "making an eventfd");
  return Status::success();
}

void Parker::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Parker::unpark_self() noexcept {
  clear_parked(&parked_);
  // Drained without asking who took the word: a wake that is still on its way would only be found
  // here, or make the next sleep end at once. EAGAIN says that there was none.
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got_bytes = ::read(fd_, &count, sizeof count);
}

void Parker::wake() noexcept {
  const uint64_t one = 1;
  // EAGAIN would mean 2^64 − 2 wakes unread: the sleeper is awake many times over.
  [[maybe_unused]] const ssize_t put_bytes = ::write(fd_, &one, sizeof one);
}

}  // namespace hyperroute
