// The sleeping half of the parked protocol: eventfd, wait, watched words. Never reached by a burst
// that keeps its consumer busy.
#include "ring/parker.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
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
  watched_count_ = 0;
}

Status Parker::watch(uint32_t* parked_word) {
  if (watched_count_ == kWatchedWordCountMax) {
    return Status::error(StatusCode::kLimit, "a worker wakes for at most %u rings of JavaScript",
                         kWatchedWordCountMax);
  }
  watched_[watched_count_] = parked_word;
  ++watched_count_;
  return Status::success();
}

void Parker::unwatch(uint32_t* parked_word) noexcept {
  for (uint32_t index = 0; index < watched_count_; ++index) {
    if (watched_[index] != parked_word) continue;
    clear_parked(parked_word);
    --watched_count_;
    watched_[index] = watched_[watched_count_];
    return;
  }
}

void Parker::prepare_park() noexcept {
  // The own word first: a producer that finds a watched word set must find the own one set too.
  set_parked(&parked_);
  for (uint32_t index = 0; index < watched_count_; ++index) set_parked(watched_[index]);
}

bool Parker::wait(uint64_t timeout_ns) noexcept {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  pollfd entry{};
  entry.fd = fd_;
  entry.events = POLLIN;
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(timeout_ns / kNsPerSecond);
  timeout.tv_nsec = static_cast<long>(timeout_ns % kNsPerSecond);
  // A signal ends the wait early, as a time-out would: the consumer looks at its rings anyway.
  return ::ppoll(&entry, 1, timeout_ns == kWaitForever ? nullptr : &timeout, nullptr) > 0;
}

void Parker::unpark_self() noexcept {
  for (uint32_t index = 0; index < watched_count_; ++index) clear_parked(watched_[index]);
  clear_parked(&parked_);
  // Drained without asking who took the word: a wake that is still on its way would only be found
  // here, or make the next sleep end at once. EAGAIN says that there was none.
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got_bytes = ::read(fd_, &count, sizeof count);
}

void Parker::signal() noexcept {
  const uint64_t one = 1;
  // EAGAIN would mean 2^64 − 2 wakes unread: the sleeper is awake many times over.
  [[maybe_unused]] const ssize_t put_bytes = ::write(fd_, &one, sizeof one);
}

}  // namespace hyperroute
