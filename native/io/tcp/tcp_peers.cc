// Connections of a tcp endpoint: accepted or made, lost, timed out. Worker; a few system calls a
// connection, none a message.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "io/socket_setup.h"
#include "io/tcp/tcp.h"
#include "io/tcp/tcp_tags.h"

namespace hyperroute {
namespace {

constexpr uint32_t kAcceptsPerBurstMax = 16;
// How long a listener rests when the process or the host is out of descriptors or memory.
constexpr uint64_t kAcceptPauseNs = 100 * kMillisecondNs;
// A connection that used more of its buffers than this gives their pages back when it ends.
constexpr uint32_t kKeptPageBytes = 64 * 1024;

void release_pages(uint8_t* memory, uint32_t region_bytes, uint32_t used_bytes) {
  // Only saves memory: a failure changes nothing that anyone relies on.
  if (used_bytes > kKeptPageBytes)
    static_cast<void>(::madvise(memory, region_bytes, MADV_DONTNEED));
}

// A connect() to an own ephemeral port can meet itself half-way and succeed without any server.
bool is_connected_to_itself(int fd) {
  Result<SocketAddress> local = SocketAddress::local_of(fd);
  Result<SocketAddress> remote = SocketAddress::remote_of(fd);
  return local.ok() && remote.ok() && local.value() == remote.value();
}

}  // namespace

void TcpBackend::accept_some() noexcept {
  for (uint32_t i = 0; i < kAcceptsPerBurstMax && may_accept_; ++i) {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) {
      accept_failed(errno);
      continue;
    }
    if (open_count_ >= options_.connections_max || !adopt(std::move(socket))) {
      count(counters_.connections_refused);
    }
  }
}

void TcpBackend::accept_failed(int error) noexcept {
  // A connection that ended before it was accepted says nothing about the next one.
  if (error == EINTR || error == ECONNABORTED || error == EPROTO) return;
  may_accept_ = false;
  if (error == EAGAIN || error == EWOULDBLOCK) return;
  count(counters_.io_errors);
  accept_retry_ns_ = now_ns_ + kAcceptPauseNs;
}

// Makes a connected socket a connection. False: it could not be, and is closed.
bool TcpBackend::adopt(UniqueFd socket) noexcept {
  const int no_delay = options_.no_delay ? 1 : 0;
  if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay) != 0) {
    count(counters_.io_errors);
    return false;
  }
  PeerRef peer;
  if (!peers_.take(peer)) return false;
  TcpConnection& connection = connections_[peer.index];
  connection.socket = std::move(socket);
  connection.peer = peer;
  if (!watch(connection, EPOLL_CTL_ADD)) {
    connection.socket.reset();
    peers_.retire(peer.index);
    peers_.free(peer.index);
    return false;
  }
  connection.state = TcpState::kOpen;
  connection.frame_bytes_max = options_.frame_bytes_max;
  connection.next_sequence = 1;
  ++open_count_;
  count(counters_.connections_opened);
  set_gauge();
  // It may have sent something before it was registered.
  connection.is_readable = true;
  push_ready(connection);
  if (options_.mode == TcpMode::kConnect) {
    connected_index_ = peer.index;
    reconnect_delay_.connected(now_ns_);
    tx_blocked_ = false;
    // T2 release: publishes the connection; pairs with T1 in is_live().
    is_connected_.store(true, std::memory_order_release);
  }
  return true;
}

// Registers for events, or asks for those of now once more (EPOLL_CTL_MOD).
bool TcpBackend::watch(TcpConnection& connection, int operation) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = connection_tag(connection.peer);
  if (::epoll_ctl(epoll_.get(), operation, connection.socket.get(), &event) == 0) return true;
  count(counters_.io_errors);
  return false;
}

void TcpBackend::start_connect() noexcept {
  connect_deadline_ns_ = now_ns_ + options_.connect_timeout_ns;
  const SocketAddress& to = options_.address;
  connecting_ = UniqueFd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!connecting_.is_open()) {
    count(counters_.io_errors);
    return connect_failed();
  }
  // Sizes that cannot be set are no reason not to connect.
  if (!set_receive_buffer(connecting_.get(), options_.receive_buffer_bytes).ok() ||
      !set_send_buffer(connecting_.get(), options_.send_buffer_bytes).ok()) {
    count(counters_.io_errors);
  }
  if (::connect(connecting_.get(), to.socket_address(), to.socket_bytes()) == 0) {
    return finish_connect();
  }
  if (errno != EINPROGRESS) return connect_failed();
  epoll_event event{};
  event.events = EPOLLOUT | EPOLLET;
  event.data.u64 = kConnectingTag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connecting_.get(), &event) != 0) {
    count(counters_.io_errors);
    connect_failed();
  }
}

void TcpBackend::finish_connect() noexcept {
  if (!connecting_.is_open()) return;
  int error = 0;
  socklen_t error_bytes = sizeof error;
  const int fd = connecting_.get();
  const bool failed =
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) != 0 || error != 0;
  if (failed || is_connected_to_itself(fd)) return connect_failed();
  // adopt() registers it anew, with the events of a connection. Not registered yet is fine.
  static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr));
  if (!adopt(std::move(connecting_))) connect_failed();
}

void TcpBackend::connect_failed() noexcept {
  connecting_.reset();
  count(counters_.connect_failures);
  schedule_connect();
}

void TcpBackend::schedule_connect() noexcept {
  connect_deadline_ns_ =
      reconnect_delay_.next_attempt_ns(now_ns_, options_.reconnect_max_ns, jitter_);
}

// The connection of kConnect is gone: its numbers end, and the next attempt is due.
void TcpBackend::connected_lost() noexcept {
  connected_index_ = kNoConnection;
  // T4 release: pairs with T1 in is_live(), like every store of this flag.
  is_connected_.store(false, std::memory_order_release);
  // The verdict of outdated frames is known; the engine only has to offer them again.
  tx_blocked_ = !default_numbers_.end(true);
  reconnect_delay_.lost(now_ns_, options_.reconnect_min_ns, options_.reconnect_max_ns);
  schedule_connect();
}

// The socket is of no use any more. Messages it had delivered whole are still handed out.
void TcpBackend::lose(TcpConnection& connection) noexcept {
  HR_DASSERT(connection.socket.is_open());
  count(counters_.undeliverable, discard_backlog(connection));
  connection.socket.reset();
  peers_.retire(connection.peer.index);
  --open_count_;
  count(counters_.connections_closed);
  set_gauge();
  // Frames that wait for room in this backlog have a verdict now.
  tx_blocked_ = false;
  if (connection.peer.index == connected_index_) connected_lost();
  connection.state = TcpState::kDrained;
  connection.is_readable = false;
  if (connection.received_bytes > connection.handed_bytes && !connection.is_broken) {
    push_ready(connection);
  } else {
    count_leftover(connection);
    free_connection(connection);
  }
}

// What was received and is no message, when nothing more will come.
void TcpBackend::count_leftover(const TcpConnection& connection) noexcept {
  if (connection.is_broken) {
    count(connection.fault == ScanStatus::kBad ? counters_.rx_bad_frames : counters_.rx_oversize);
  } else if (connection.received_bytes > connection.handed_bytes) {
    count(counters_.rx_truncated);
  }
}

// What it sent cannot be framed: from here on its bytes mean nothing.
void TcpBackend::cut(TcpConnection& connection) noexcept {
  count(counters_.connections_cut);
  lose(connection);
}

void TcpBackend::free_connection(TcpConnection& connection) noexcept {
  HR_DASSERT(connection.state == TcpState::kDrained);
  release_pages(connection.received, receive_stride_bytes_, connection.received_peak_bytes);
  const uint32_t index = connection.peer.index;
  release_pages(backlog_memory_.data() + size_t{index} * backlog_stride_bytes_,
                backlog_stride_bytes_, connection.backlog.take_peak_bytes());
  connection.state = TcpState::kFree;
  connection.is_held = false;
  connection.is_hung_up = false;
  connection.is_at_end = false;
  connection.is_broken = false;
  connection.handed_bytes = 0;
  connection.received_bytes = 0;
  connection.counted_bytes = 0;
  connection.searched_bytes = 0;
  connection.received_peak_bytes = 0;
  peers_.free(connection.peer.index);
}

// The peer has sent its last byte, and everything before it was handed out.
void TcpBackend::end_of_input(TcpConnection& connection) noexcept {
  count_leftover(connection);
  connection.handed_bytes = connection.received_bytes;
  // A server that ends its side is going away: connect() anew rather than write to nobody.
  if (options_.mode == TcpMode::kConnect || options_.half_open_timeout_ns == 0) {
    return lose(connection);
  }
  connection.state = TcpState::kHalfOpen;
  connection.half_open_deadline_ns = now_ns_ + options_.half_open_timeout_ns;
  half_open_next_ns_ = std::min(half_open_next_ns_, connection.half_open_deadline_ns);
}

void TcpBackend::expire_half_open() noexcept {
  half_open_next_ns_ = UINT64_MAX;
  for (uint32_t index = 0; index < capacity_; ++index) {
    TcpConnection& connection = connections_[index];
    if (connection.state != TcpState::kHalfOpen) continue;
    if (connection.half_open_deadline_ns <= now_ns_) {
      lose(connection);
    } else {
      half_open_next_ns_ = std::min(half_open_next_ns_, connection.half_open_deadline_ns);
    }
  }
}

uint64_t TcpBackend::progress(uint64_t now_ns) noexcept {
  now_ns_ = now_ns;
  // A worker that has stopped receiving still has to flush backlogs and to see peers go.
  if (!has_polled_) poll_events();
  has_polled_ = false;
  if (now_ns >= accept_retry_ns_) {
    accept_retry_ns_ = UINT64_MAX;
    may_accept_ = listener_.is_open();
  }
  if (now_ns >= half_open_next_ns_) expire_half_open();
  if (options_.mode == TcpMode::kConnect && connected_index_ == kNoConnection &&
      now_ns >= connect_deadline_ns_) {
    // The deadline of an attempt under way, or the time for the next one.
    if (connecting_.is_open()) {
      connect_failed();
    } else {
      start_connect();
    }
  }
  return next_deadline_ns();
}

uint64_t TcpBackend::next_deadline_ns() const noexcept {
  uint64_t deadline_ns = std::min(half_open_next_ns_, accept_retry_ns_);
  if (options_.mode == TcpMode::kConnect && connected_index_ == kNoConnection) {
    deadline_ns = std::min(deadline_ns, connect_deadline_ns_);
  }
  return deadline_ns;
}

}  // namespace hyperroute
