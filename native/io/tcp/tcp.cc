// Set-up and tear-down of the tcp endpoint. Control thread, and the worker for what it asks.
#include "io/tcp/tcp.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "base/bits.h"
#include "base/clock.h"
#include "io/socket_setup.h"
#include "io/tcp/tcp_tags.h"

namespace hyperroute {
namespace {

constexpr uint32_t kReceiveBytesMin = 64 * 1024;

}  // namespace

TcpBackend::~TcpBackend() { close(); }

Status TcpBackend::open(const TcpOptions& options, const EndpointCounters& counters,
                        uint16_t generation_seed) {
  HR_ASSERT(!epoll_.is_open());
  HR_TRY(check_tcp_options(options));
  Result<Framing> framing = Framing::create(options.framing, options.frame_bytes_max);
  if (!framing.ok()) return framing.status();
  framing_ = framing.take();
  options_ = options;
  opened_options_ = options;
  counters_ = counters;
  capacity_ = connection_capacity(options);
  HR_TRY(peers_.create(capacity_, generation_seed));
  HR_TRY(allocate());
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.is_open()) return Status::system(StatusCode::kSystem, errno, "epoll_create1");
  local_address_ = options.address;
  reconnect_delay_.reset(options.reconnect_min_ns);
  jitter_ = Prng(monotonic_ns());
  if (options.mode == TcpMode::kConnect) {
    tx_blocked_ = true;
    return Status::success();
  }
  Status status = listen();
  if (!status.ok()) close();
  return status;
}

Status TcpBackend::allocate() {
  // Half of it can always be free for the next read, whatever part of a frame lies in the rest.
  receive_stride_bytes_ = std::max(kReceiveBytesMin, std::bit_ceil(options_.frame_bytes_max) * 2);
  backlog_stride_bytes_ = static_cast<uint32_t>(
      TcpBacklog::capacity_for(options_.backlog_bytes, options_.frame_bytes_max));
  auto receive = MemoryRegion::anonymous(size_t{capacity_} * receive_stride_bytes_, Prefault::kNo);
  if (!receive.ok()) return receive.status();
  auto backlog = MemoryRegion::anonymous(size_t{capacity_} * backlog_stride_bytes_, Prefault::kNo);
  if (!backlog.ok()) return backlog.status();
  receive_memory_ = receive.take();
  backlog_memory_ = backlog.take();
  connections_ = std::make_unique<TcpConnection[]>(capacity_);
  ready_ = std::make_unique<uint16_t[]>(capacity_);
  finished_ = std::make_unique<std::atomic<uint32_t>[]>(size_t{capacity_} * kProducersMax);
  for (uint32_t index = 0; index < capacity_; ++index) {
    TcpConnection& connection = connections_[index];
    connection.received = receive_memory_.data() + size_t{index} * receive_stride_bytes_;
    connection.backlog.attach(backlog_memory_.data() + size_t{index} * backlog_stride_bytes_,
                              backlog_stride_bytes_);
  }
  return Status::success();
}

Status TcpBackend::listen() {
  const bool inherits = options_.inherited_listener >= 0;
  const int family = options_.address.family();
  listener_ = UniqueFd(inherits ? ::fcntl(options_.inherited_listener, F_DUPFD_CLOEXEC, 0)
                                : ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  options_.inherited_listener = -1;
  if (!listener_.is_open()) return Status::system(StatusCode::kSystem, errno, "socket(tcp)");
  const int on = 1;
  // Old connections of this port in TIME_WAIT are no reason to refuse a restart.
  if (::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return Status::system(StatusCode::kSystem, errno, "setting SO_REUSEADDR");
  }
  if (options_.address.is_ipv6() && !inherits) HR_TRY(set_ipv6_only(listener_.get()));
  // Accepted sockets inherit the sizes, and only those set before listen() shape the window.
  Result<uint32_t> received = set_receive_buffer(listener_.get(), options_.receive_buffer_bytes);
  if (!received.ok()) return received.status();
  Result<uint32_t> sent = set_send_buffer(listener_.get(), options_.send_buffer_bytes);
  if (!sent.ok()) return sent.status();
  if (!inherits) HR_TRY(bind_socket(listener_.get(), options_.address));
  const int queue_max = static_cast<int>(std::min<uint32_t>(options_.accept_queue_max, 65'535));
  if (::listen(listener_.get(), queue_max) != 0) {
    const int error = errno;
    char text[kAddressTextBytes];
    const StatusCode code = error == EADDRINUSE ? StatusCode::kAddressInUse : StatusCode::kSystem;
    return Status::system(code, error, "listening on %s", options_.address.print(text));
  }
  Result<SocketAddress> bound = SocketAddress::local_of(listener_.get());
  if (!bound.ok()) return bound.status();
  local_address_ = bound.value();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kListenerTag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event) != 0) {
    return Status::system(StatusCode::kSystem, errno, "epoll_ctl(listener)");
  }
  return Status::success();
}

void TcpBackend::stop_accepting() noexcept {
  // Whoever has connected by now waits in the kernel's queue, which ends with the listener: they
  // are let in first. The queue's size bounds how many there are.
  may_accept_ = listener_.is_open();
  for (uint32_t i = 0; i <= options_.accept_queue_max && may_accept_; ++i) accept_some();
  close_listener();
}

void TcpBackend::close_listener() noexcept {
  listener_.reset();
  may_accept_ = false;
  accept_retry_ns_ = UINT64_MAX;
}

void TcpBackend::stop_reading() noexcept {
  close_listener();
  is_stopped_ = true;
}

// Closing a connection whose input was not read to the end resets it, and what the peer has not
// acknowledged by then is lost, although it was sent. A peer that is still sending when reading
// stops is the usual case; without unread input the kernel goes on sending after the close.
bool TcpBackend::would_reset() const noexcept {
  for (uint32_t index = 0; index < capacity_; ++index) {
    const TcpConnection& connection = connections_[index];
    if (!connection.socket.is_open()) continue;
    int unsent_bytes = 0;
    int unread_bytes = 0;
    const int fd = connection.socket.get();
    if (::ioctl(fd, SIOCOUTQ, &unsent_bytes) == 0 && unsent_bytes > 0 &&
        ::ioctl(fd, FIONREAD, &unread_bytes) == 0 && unread_bytes > 0) {
      return true;
    }
  }
  return false;
}

void TcpBackend::reconfigure(const TcpOptions& options) noexcept {
  if (!can_reconfigure(opened_options_, options) || !check_tcp_options(options).ok()) return;
  options_ = options;
  reconnect_delay_.reset(options.reconnect_min_ns);
}

uint32_t TcpBackend::close() noexcept {
  if (!epoll_.is_open()) return 0;
  stop_reading();
  connecting_.reset();
  // T3 release: pairs with T1 in is_live(), like every store of this flag.
  is_connected_.store(false, std::memory_order_release);
  uint32_t unsent_count = 0;
  for (uint32_t index = 0; index < capacity_; ++index) {
    TcpConnection& connection = connections_[index];
    if (!connection.socket.is_open()) continue;
    unsent_count += discard_backlog(connection);
    count_leftover(connection);
    peers_.retire(static_cast<uint16_t>(index));
    connection.socket.reset();
    count(counters_.connections_closed);
  }
  open_count_ = 0;
  set_gauge();
  epoll_.reset();
  return unsent_count;
}

}  // namespace hyperroute
