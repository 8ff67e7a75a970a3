// Receiving: events, reads, frames. Worker. One epoll_wait a burst and one read for each
// connection that has something; a frame is handed out where it was received.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/tcp/tcp.h"
#include "io/tcp/tcp_tags.h"

namespace hyperroute {
namespace {

constexpr uint32_t kEventsPerPollMax = 64;

}  // namespace

uint32_t TcpBackend::rx_burst(std::span<RxView> views, uint64_t now_ns) noexcept {
  now_ns_ = now_ns;
  poll_events();
  has_polled_ = true;
  if (may_accept_) [[unlikely]]
    accept_some();
  uint32_t handed_count = 0;
  // Each connection in the queue has one turn at most; who still has something goes to the end.
  for (uint32_t turns = ready_count_; turns > 0 && handed_count < views.size(); --turns) {
    TcpConnection& connection = connections_[ready_[ready_head_]];
    ready_head_ = ready_head_ + 1 == capacity_ ? 0 : ready_head_ + 1;
    --ready_count_;
    connection.is_ready = false;
    handed_count += take_turn(connection, views.subspan(handed_count));
  }
  return handed_count;
}

void TcpBackend::push_ready(TcpConnection& connection) noexcept {
  if (connection.is_ready) return;
  connection.is_ready = true;
  const uint32_t tail = ready_head_ + ready_count_;
  ready_[tail >= capacity_ ? tail - capacity_ : tail] = connection.peer.index;
  ++ready_count_;
}

void TcpBackend::poll_events() noexcept {
  epoll_event events[kEventsPerPollMax];
  // Above the bound the rest comes with the next poll; epoll itself goes round.
  const int event_count = ::epoll_wait(epoll_.get(), events, kEventsPerPollMax, 0);
  for (int i = 0; i < event_count; ++i) {
    const uint64_t tag = events[i].data.u64;
    if (tag == kListenerTag) {
      may_accept_ = listener_.is_open();
    } else if (tag == kConnectingTag) {
      finish_connect();
    } else {
      on_event(static_cast<uint32_t>(tag & 0xFFFF), static_cast<uint16_t>(tag >> 16),
               events[i].events);
    }
  }
}

void TcpBackend::on_event(uint32_t index, uint16_t generation, uint32_t events) noexcept {
  TcpConnection& connection = connections_[index];
  if (!connection.socket.is_open() || connection.peer.generation != generation) return;
  if ((events & EPOLLOUT) != 0 && !connection.backlog.empty()) {
    flush(connection);
    if (!connection.socket.is_open()) return;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection.is_hung_up = true;
  connection.is_readable = true;
  if (may_read(connection)) {
    push_ready(connection);
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    // Nothing will be read that could tell of it, and nothing can be written.
    lose(connection);
  }
}

bool TcpBackend::may_read(const TcpConnection& connection) const noexcept {
  return connection.state == TcpState::kOpen && connection.is_readable && !connection.is_at_end &&
         !connection.is_broken && !is_stopped_;
}

uint32_t TcpBackend::take_turn(TcpConnection& connection, std::span<RxView> views) noexcept {
  // After a held message the rest waits behind it: offering more would only be held again, and
  // take the room of those who can go on.
  const uint32_t budget = connection.is_held ? 1 : options_.read_budget;
  connection.is_held = false;
  views = views.first(std::min<size_t>(views.size(), budget));
  uint32_t handed_count = hand_out(connection, views);
  if (handed_count == 0 && may_read(connection) && read_socket(connection)) {
    handed_count = hand_out(connection, views);
  }
  if (handed_count > 0) {
    push_ready(connection);
    return handed_count;
  }
  finish_turn(connection);
  return 0;
}

// Nothing to hand out, so no message of this connection is in anyone's hands.
void TcpBackend::finish_turn(TcpConnection& connection) noexcept {
  if (connection.state == TcpState::kFree) return;
  if (connection.state == TcpState::kDrained) {
    count_leftover(connection);
    return free_connection(connection);
  }
  if (connection.is_broken) return cut(connection);
  if (connection.is_at_end && connection.state == TcpState::kOpen) return end_of_input(connection);
  if (may_read(connection)) push_ready(connection);
}

uint32_t TcpBackend::hand_out(TcpConnection& connection, std::span<RxView> views) noexcept {
  uint32_t handed_count = 0;
  while (handed_count < views.size()) {
    const uint32_t start = connection.handed_bytes;
    const uint32_t available_bytes = connection.received_bytes - start;
    if (available_bytes == 0 || connection.is_broken) break;
    const uint8_t* frame = connection.received + start;
    const ScanResult scan = framing_.scan(frame, available_bytes, connection.searched_bytes,
                                          connection.frame_bytes_max);
    if (scan.status != ScanStatus::kFrame) {
      connection.searched_bytes = available_bytes;
      if (scan.status == ScanStatus::kNeedMore) break;
      connection.is_broken = true;
      connection.fault = scan.status;
      break;
    }
    views[handed_count++] = RxView{frame + scan.message_offset, scan.message_bytes, connection.peer,
                                   uint64_t{connection.peer.index} << 32 | start};
    connection.handed_bytes = start + scan.frame_bytes;
    connection.searched_bytes = 0;
    if (connection.handed_bytes <= connection.counted_bytes) continue;  // A held one, again.
    connection.counted_bytes = connection.handed_bytes;
    count(counters_.rx_messages);
    count(counters_.rx_bytes, scan.message_bytes);
  }
  return handed_count;
}

// One read. False: nothing came. No message of this connection is in anyone's hands.
bool TcpBackend::read_socket(TcpConnection& connection) noexcept {
  const uint32_t kept_bytes = connection.received_bytes - connection.handed_bytes;
  if (kept_bytes == 0 || connection.received_bytes > receive_stride_bytes_ / 2) {
    std::memmove(connection.received, connection.received + connection.handed_bytes, kept_bytes);
    connection.handed_bytes = 0;
    connection.counted_bytes = 0;
    connection.received_bytes = kept_bytes;
  }
  const uint32_t free_bytes = receive_stride_bytes_ - connection.received_bytes;
  const ssize_t result =
      ::recv(connection.socket.get(), connection.received + connection.received_bytes, free_bytes,
             MSG_DONTWAIT);
  if (result > 0) {
    const uint32_t read_bytes = static_cast<uint32_t>(result);
    connection.received_bytes += read_bytes;
    connection.received_peak_bytes =
        std::max(connection.received_peak_bytes, connection.received_bytes);
    // A short read has emptied the socket: the next arrival is a new event. The end of input is
    // none, so after a hang-up only a read of nothing is the last.
    if (read_bytes < free_bytes && !connection.is_hung_up) connection.is_readable = false;
    return true;
  }
  if (result == 0) {
    connection.is_readable = false;
    connection.is_at_end = true;
    return false;
  }
  if (errno == EINTR) return false;
  connection.is_readable = false;
  if (errno != EAGAIN && errno != EWOULDBLOCK) lose(connection);
  return false;
}

void TcpBackend::hold(const RxView& view) noexcept {
  TcpConnection& connection = connections_[index_of(view)];
  connection.handed_bytes = std::min(connection.handed_bytes, start_of(view));
  connection.searched_bytes = 0;
  connection.is_broken = false;  // What was found after this message is found again.
  connection.is_held = true;
  push_ready(connection);
}

bool TcpBackend::rx_idle() const noexcept {
  for (uint32_t i = 0; i < ready_count_; ++i) {
    const uint32_t at = ready_head_ + i;
    const TcpConnection& connection = connections_[ready_[at >= capacity_ ? at - capacity_ : at]];
    const uint32_t waiting_bytes = connection.received_bytes - connection.handed_bytes;
    if (waiting_bytes == 0 || connection.is_broken) continue;
    const ScanResult scan = framing_.scan(connection.received + connection.handed_bytes,
                                          waiting_bytes, 0, connection.frame_bytes_max);
    if (scan.status == ScanStatus::kFrame) return false;
  }
  return true;
}

bool TcpBackend::prepare_wait() noexcept {
  if (may_accept_) return false;
  for (uint32_t i = 0; i < ready_count_; ++i) {
    const uint32_t at = ready_head_ + i;
    // Who was held waits for a destination, and the worker looks again by itself; the others have a
    // turn now.
    if (!connections_[ready_[at >= capacity_ ? at - capacity_ : at]].is_held) return false;
  }
  return true;
}

}  // namespace hyperroute
