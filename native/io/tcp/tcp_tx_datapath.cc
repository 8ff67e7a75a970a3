// Sending: straight from the destination's queue to the socket, many frames a call; only what the
// socket does not take is copied, to the connection's backlog. Worker.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io/tcp/tcp.h"

namespace hyperroute {
namespace {

// Frames of one system call.
constexpr uint32_t kGatherMax = 64;
// Calls of one flush: a peer that reads as fast as it is written to must not keep the worker.
constexpr uint32_t kFlushCallsMax = 4;

// Bytes written; -1 with errno. One frame goes by send(), which the kernel takes in faster.
ssize_t write_vectors(int fd, std::span<iovec> vectors) {
  if (vectors.size() == 1) {
    return ::send(fd, vectors[0].iov_base, vectors[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  msghdr header{};
  header.msg_iov = vectors.data();
  header.msg_iovlen = vectors.size();
  return ::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool is_full(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

uint32_t TcpBackend::tx_burst(std::span<TxFrame> frames) noexcept {
  if (frames.empty()) return 0;
  tx_blocked_ = false;
  default_numbers_.begin_burst(frames[0].producer);
  uint32_t final_count = 0;
  while (final_count < frames.size()) {
    const std::span<TxFrame> rest = frames.subspan(final_count);
    TxFrame& first = rest[0];
    TcpConnection* connection = connection_for(first);
    if (connection == nullptr) {
      if (first.verdict == TxVerdict::kPending) {
        block(rest);
        break;
      }
      finished(first.peer.index, first.producer, first.bytes);
      ++final_count;
      continue;
    }
    uint32_t run_count = 1;
    const size_t run_max = std::min<size_t>(rest.size(), kGatherMax);
    while (run_count < run_max && rest[run_count].peer == first.peer &&
           rest[run_count].bytes - 1 < framing_.frame_bytes_max()) {
      ++run_count;
    }
    const uint32_t taken_count = send_run(*connection, rest.first(run_count));
    final_count += taken_count;
    if (taken_count == run_count) continue;
    if (connection->socket.is_open()) {
      block(frames.subspan(final_count));
      break;
    }
    // The connection died under them: the next round tells the frames that name it. Those for
    // the default peer carry its numbers, which are wrong on the next connection.
    for (const TxFrame& frame : frames.subspan(final_count)) {
      if (frame.peer == kDefaultPeer) default_numbers_.outdate(frame.producer);
    }
  }
  return final_count;
}

// Remembers who waits with a number already taken from the present connection.
void TcpBackend::block(std::span<TxFrame> rest) noexcept {
  tx_blocked_ = true;
  for (TxFrame& frame : rest) {
    frame.verdict = TxVerdict::kPending;
    if (frame.peer == kDefaultPeer && connected_index_ != kNoConnection) {
      default_numbers_.keep(frame.producer);
    }
  }
}

// nullptr: the frame's verdict says why, kPending if it has to wait.
TcpConnection* TcpBackend::connection_for(TxFrame& frame) noexcept {
  // A frame of no bytes would never be done with, and no framing makes one.
  if (frame.bytes - 1 >= framing_.frame_bytes_max()) {
    frame.verdict = TxVerdict::kTooLarge;
    return nullptr;
  }
  if (frame.peer == kDefaultPeer) return default_connection_for(frame);
  if (peers_.is_live(frame.peer)) return &connections_[frame.peer.index];
  frame.verdict = TxVerdict::kPeerGone;
  return nullptr;
}

TcpConnection* TcpBackend::default_connection_for(TxFrame& frame) noexcept {
  if (options_.mode == TcpMode::kListen) {
    frame.verdict = TxVerdict::kFailed;
    return nullptr;
  }
  if (default_numbers_.take_outdated(frame.producer)) {
    frame.verdict = TxVerdict::kPeerGone;
    return nullptr;
  }
  if (connected_index_ != kNoConnection) return &connections_[connected_index_];
  frame.verdict = TxVerdict::kPending;
  return nullptr;
}

// Returns how many leading frames are taken; fewer than all: the backlog is full, or the
// connection is lost.
uint32_t TcpBackend::send_run(TcpConnection& connection, std::span<TxFrame> frames) noexcept {
  uint32_t taken_count = 0;
  if (connection.backlog.empty()) [[likely]] {
    uint32_t partial_bytes = 0;
    taken_count = write_through(connection, frames, partial_bytes);
    if (taken_count == frames.size() || !connection.socket.is_open()) return taken_count;
    // The rest of a frame that is begun always fits an empty backlog.
    if (partial_bytes > 0) {
      const bool fits = to_backlog(connection, frames[taken_count++], partial_bytes);
      HR_DASSERT(fits);
      static_cast<void>(fits);
    }
  }
  while (taken_count < frames.size() && to_backlog(connection, frames[taken_count], 0)) {
    ++taken_count;
  }
  return taken_count;
}

// Writes as much as the socket takes in one call. Returns the frames written whole;
// `partial_bytes` of the next one have left as well.
uint32_t TcpBackend::write_through(TcpConnection& connection, std::span<TxFrame> frames,
                                   uint32_t& partial_bytes) noexcept {
  iovec vectors[kGatherMax];
  for (size_t i = 0; i < frames.size(); ++i) vectors[i] = iovec{frames[i].data, frames[i].bytes};
  const ssize_t result = write_vectors(connection.socket.get(), std::span(vectors, frames.size()));
  if (result < 0) {
    if (!is_full(errno)) lose(connection);
    return 0;
  }
  uint64_t left_bytes = static_cast<uint64_t>(result);
  uint32_t whole_count = 0;
  while (whole_count < frames.size() && left_bytes >= frames[whole_count].bytes) {
    TxFrame& frame = frames[whole_count++];
    left_bytes -= frame.bytes;
    frame.verdict = TxVerdict::kSent;
    count(counters_.tx_bytes, frame.bytes);
    finished(frame.peer.index, frame.producer, frame.bytes);
  }
  count(counters_.tx_messages, whole_count);
  partial_bytes = static_cast<uint32_t>(left_bytes);
  return whole_count;
}

bool TcpBackend::to_backlog(TcpConnection& connection, TxFrame& frame,
                            uint32_t sent_bytes) noexcept {
  TcpBacklog& backlog = connection.backlog;
  while (!backlog.fits(frame.bytes, options_.backlog_bytes)) {
    BacklogFrame dropped;
    if (!options_.drop_oldest || !backlog.drop_oldest(dropped)) return false;
    count(counters_.dropped_oldest);
    if (dropped.is_counted) finished(connection.peer.index, dropped.producer, dropped.frame_bytes);
  }
  if (backlog.empty()) ++backlogged_count_;
  const bool is_counted = frame.peer.index == connection.peer.index;
  backlog.append(frame.data, {frame.bytes, frame.producer, is_counted}, sent_bytes);
  frame.verdict = TxVerdict::kSent;
  return true;
}

void TcpBackend::flush(TcpConnection& connection) noexcept {
  TcpBacklog& backlog = connection.backlog;
  for (uint32_t call = 0; call < kFlushCallsMax; ++call) {
    iovec vectors[kGatherMax];
    const uint32_t vector_count = backlog.gather(std::span(vectors));
    const ssize_t result = write_vectors(connection.socket.get(), std::span(vectors, vector_count));
    if (result < 0) {
      if (!is_full(errno)) lose(connection);
      return;
    }
    complete(connection, static_cast<uint32_t>(result));
    if (!backlog.empty()) continue;
    --backlogged_count_;
    return;
  }
  // The socket may take more: its event has been seen and would not come again by itself.
  if (!watch(connection, EPOLL_CTL_MOD)) lose(connection);
}

// `sent_bytes` of the backlog's front have left.
void TcpBackend::complete(TcpConnection& connection, uint32_t sent_bytes) noexcept {
  BacklogFrame completed;
  while (connection.backlog.consume(sent_bytes, completed)) {
    count(counters_.tx_messages);
    count(counters_.tx_bytes, completed.frame_bytes);
    if (completed.is_counted) {
      finished(connection.peer.index, completed.producer, completed.frame_bytes);
    }
  }
  // There is room again for frames that had none.
  tx_blocked_ = false;
}

// Gives up what the socket did not take. Returns the messages in it.
uint32_t TcpBackend::discard_backlog(TcpConnection& connection) noexcept {
  if (connection.backlog.empty()) return 0;
  --backlogged_count_;
  uint32_t frame_count = 0;
  BacklogFrame taken;
  while (connection.backlog.take_front(taken)) {
    ++frame_count;
    if (taken.is_counted) finished(connection.peer.index, taken.producer, taken.frame_bytes);
  }
  return frame_count;
}

void TcpBackend::finished(uint16_t index, uint8_t producer, uint32_t frame_bytes) noexcept {
  // The default peer and strangers have no quota.
  if (index >= capacity_ || producer >= kProducersMax) return;
  std::atomic<uint32_t>& finished = finished_[size_t{producer} * capacity_ + index];
  // C2 release: the owner is done with the bytes before the producer may count them as free;
  // pairs with C1 in the producer's queue. The load is relaxed: the owner is the only writer.
  finished.store(finished.load(std::memory_order_relaxed) + frame_bytes, std::memory_order_release);
}

uint64_t TcpBackend::take_sequence(PeerRef peer) noexcept {
  if (options_.mode == TcpMode::kConnect) {
    // Before a connection is there, its numbers are handed out to the frames that wait for it.
    return peer == kDefaultPeer || peers_.is_live(peer) ? default_numbers_.take() : 0;
  }
  return peers_.is_live(peer) ? connections_[peer.index].next_sequence++ : 0;
}

}  // namespace hyperroute
