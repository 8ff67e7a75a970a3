// The udp endpoint's bursts. Worker; no allocation, and no system call but receive and send,
// except for one read of the kernel's drop count every few milliseconds of traffic.
#include <linux/sock_diag.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "io/udp/udp.h"

namespace hyperroute {
namespace {

// How often pending errors of earlier datagrams may interrupt one burst.
constexpr uint32_t kErrorRetriesMax = 4;
constexpr uint64_t kDropsCheckIntervalNs = 50'000'000;

// Errors that an ICMP message about an earlier datagram leaves on the socket: the present
// datagram is not concerned.
bool is_icmp_error(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
         error == EHOSTDOWN || error == EPROTO || error == ENOPROTOOPT;
}

}  // namespace

uint32_t UdpBackend::rx_burst(std::span<RxView> views, uint64_t /*now_ns*/) noexcept {
  if (next_slot() == slot_count_) {
    next_position_ = position(0, blocks_.first_offset());
    slot_count_ = 0;
    if (is_stopped_ || views.empty()) return 0;
    // One datagram at a time costs less by recvfrom than by recvmmsg, which asks the socket a
    // second time. So the first of a burst comes alone and only a socket that had one is asked
    // for many.
    if (expects_many_) {
      const size_t wanted = std::min<size_t>(views.size(), kUdpBurstMax);
      receive_many(static_cast<uint32_t>(wanted));
    } else {
      receive_one();
    }
  }
  return hand_out(views);
}

uint32_t UdpBackend::hand_out(std::span<RxView> views) noexcept {
  uint32_t handed = 0;
  while (handed < views.size() && next_slot() < slot_count_) {
    const uint32_t slot = next_slot();
    const auto [data, bytes, peer] = slots_[slot];
    const uint32_t start = static_cast<uint32_t>(next_position_);
    const Blocks::Block block = blocks_.block_at(data, bytes, start);
    views[handed++] = RxView{data + block.offset, block.bytes, peer, next_position_};
    const uint32_t end = block.offset + block.bytes;
    next_position_ =
        end == bytes ? position(slot + 1, blocks_.first_offset()) : position(slot, end);
  }
  return handed;
}

void UdpBackend::receive_one() noexcept {
  for (uint32_t attempt = 0; attempt < kErrorRetriesMax; ++attempt) {
    SocketAddress& from = rx_addresses_[0];
    socklen_t from_bytes = SocketAddress::kSocketBytesMax;
    // MSG_TRUNC makes the result the datagram's own size, so that a cut one is recognised.
    const ssize_t received =
        ::recvfrom(socket_.get(), slot_buffer(0), options_.datagram_bytes_max,
                   MSG_DONTWAIT | MSG_TRUNC, from.socket_address(), &from_bytes);
    if (received >= 0) {
      expects_many_ = true;
      store(slot_buffer(0), static_cast<uint32_t>(received), from);
      return;
    }
    if (!receive_failed(errno)) return;
  }
}

void UdpBackend::receive_many(uint32_t count_max) noexcept {
  for (uint32_t attempt = 0; attempt < kErrorRetriesMax; ++attempt) {
    const int received =
        ::recvmmsg(socket_.get(), rx_headers_.data(), count_max, MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (received < 0) {
      if (receive_failed(errno)) continue;
      expects_many_ = false;
      return;
    }
    for (uint32_t i = 0; i < static_cast<uint32_t>(received); ++i) {
      rx_headers_[i].msg_hdr.msg_namelen = SocketAddress::kSocketBytesMax;
      store(slot_buffer(i), rx_headers_[i].msg_len, rx_addresses_[i]);
    }
    return;
  }
}

// Whether to try again: only after errors that a datagram sent earlier has caused.
bool UdpBackend::receive_failed(int error) noexcept {
  if (error == EAGAIN || error == EWOULDBLOCK) return false;
  if (error == EINTR) return true;
  count(counters_.io_errors);
  return is_icmp_error(error);
}

void UdpBackend::store(const uint8_t* data, uint32_t bytes, const SocketAddress& from) noexcept {
  has_received_ = true;
  if (bytes > options_.datagram_bytes_max) [[unlikely]] {
    count(counters_.rx_truncated);
    return;
  }
  const Blocks::Verdict verdict = blocks_.judge(data, bytes);
  if (!verdict.is_good) [[unlikely]] {
    count(counters_.rx_bad_frames);
    return;
  }
  if (verdict.message_count == 0) return;
  count(counters_.rx_messages, verdict.message_count);
  count(counters_.rx_bytes, verdict.message_bytes);
  slots_[slot_count_++] = Slot{data, bytes, peer_of(from)};
}

PeerRef UdpBackend::peer_of(const SocketAddress& from) noexcept {
  const UdpSenders::Interned interned = senders_.intern(from);
  if (interned.added) [[unlikely]] {
    count(counters_.connections_opened);
    if (interned.evicted) count(counters_.connections_closed);
    // Relaxed: a gauge with this one writer.
    counters_.connections->store(senders_.count(), std::memory_order_relaxed);
  }
  return interned.peer;
}

uint64_t UdpBackend::take_sequence(PeerRef peer) noexcept {
  if (peer == kDefaultPeer) {
    if (!senders_.has_pinned()) return 0;
    peer = senders_.pinned();
  }
  return senders_.is_live(peer) ? senders_.take_sequence(peer.index) : 0;
}

uint32_t UdpBackend::tx_burst(std::span<TxFrame> frames) noexcept {
  tx_blocked_ = false;
  uint32_t retries = 0;
  uint32_t final_count = 0;
  while (final_count < frames.size()) {
    const std::span<TxFrame> rest = frames.subspan(final_count);
    const uint32_t run_count = gather(rest);
    if (run_count == 0) {  // gather() has given the first frame its verdict.
      ++final_count;
      continue;
    }
    const int sent = send_gathered(run_count);
    for (int i = 0; i < sent; ++i) {
      rest[static_cast<uint32_t>(i)].verdict = TxVerdict::kSent;
      count(counters_.tx_bytes, rest[static_cast<uint32_t>(i)].bytes);
    }
    if (sent > 0) {
      count(counters_.tx_messages, static_cast<uint32_t>(sent));
      final_count += static_cast<uint32_t>(sent);
      continue;
    }
    const SendError outcome = send_failed(errno, rest[0]);
    if (outcome == SendError::kFinal) {
      ++final_count;
    } else if (outcome == SendError::kFull || ++retries > kErrorRetriesMax) {
      tx_blocked_ = true;
      for (TxFrame& frame : rest) frame.verdict = TxVerdict::kPending;
      break;
    }
  }
  return final_count;
}

// Points the send headers at the leading frames that have somewhere to go. 0: the first has not,
// and its verdict says why.
uint32_t UdpBackend::gather(std::span<TxFrame> frames) noexcept {
  const size_t count_max = std::min<size_t>(frames.size(), kUdpBurstMax);
  for (uint32_t i = 0; i < count_max; ++i) {
    const SocketAddress* to = destination(frames[i]);
    if (to == nullptr) return i;
    tx_vectors_[i] = iovec{frames[i].data, frames[i].bytes};
    msghdr& header = tx_headers_[i].msg_hdr;
    header.msg_name = const_cast<sockaddr*>(to->socket_address());
    header.msg_namelen = to->socket_bytes();
  }
  return static_cast<uint32_t>(count_max);
}

const SocketAddress* UdpBackend::destination(TxFrame& frame) noexcept {
  if (frame.bytes > options_.datagram_bytes_max) {
    frame.verdict = TxVerdict::kTooLarge;
    return nullptr;
  }
  if (frame.peer == kDefaultPeer) {
    if (senders_.has_pinned()) return &senders_.address_of(senders_.pinned().index);
    frame.verdict = TxVerdict::kFailed;
    return nullptr;
  }
  if (senders_.is_live(frame.peer)) return &senders_.address_of(frame.peer.index);
  frame.verdict = TxVerdict::kPeerGone;
  return nullptr;
}

// How many leading datagrams left; ≤ 0: none, errno says why.
int UdpBackend::send_gathered(uint32_t count) noexcept {
  if (count > 1) return ::sendmmsg(socket_.get(), tx_headers_.data(), count, MSG_DONTWAIT);
  const msghdr& header = tx_headers_[0].msg_hdr;
  const ssize_t sent =
      ::sendto(socket_.get(), tx_vectors_[0].iov_base, tx_vectors_[0].iov_len, MSG_DONTWAIT,
               static_cast<const sockaddr*>(header.msg_name), header.msg_namelen);
  return sent < 0 ? -1 : 1;
}

UdpBackend::SendError UdpBackend::send_failed(int error, TxFrame& frame) noexcept {
  if (error == EAGAIN || error == EWOULDBLOCK) return SendError::kFull;
  if (error == EINTR) return SendError::kAgain;
  frame.verdict = error == EMSGSIZE ? TxVerdict::kTooLarge : TxVerdict::kFailed;
  return SendError::kFinal;
}

uint64_t UdpBackend::progress(uint64_t now_ns) noexcept {
  if (has_received_ && now_ns >= drops_check_ns_) {
    drops_check_ns_ = now_ns + kDropsCheckIntervalNs;
    count_kernel_drops();
  }
  return UINT64_MAX;
}

void UdpBackend::count_kernel_drops() noexcept {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t memory_bytes = sizeof memory;
  has_received_ = false;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory, &memory_bytes) != 0) return;
  // The kernel's count is 32 bits wide and wraps.
  const uint32_t drops = memory[SK_MEMINFO_DROPS] - kernel_drops_seen_;
  kernel_drops_seen_ = memory[SK_MEMINFO_DROPS];
  if (drops > 0) count(counters_.kernel_drops, drops);
}

void UdpBackend::skip_kernel_drops() noexcept {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t memory_bytes = sizeof memory;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory, &memory_bytes) != 0) return;
  kernel_drops_seen_ = memory[SK_MEMINFO_DROPS];
}

bool UdpBackend::prepare_wait() noexcept {
  // A sleeping worker calls no progress(): what was dropped so far has to be counted now.
  if (has_received_) count_kernel_drops();
  const bool is_reading = !is_stopped_ && next_slot() == slot_count_;
  const uint32_t wanted =
      (is_reading ? uint32_t{EPOLLIN} : 0u) | (tx_blocked_ ? uint32_t{EPOLLOUT} : 0u);
  if (wanted == epoll_interest_) return true;
  epoll_event event{};
  event.events = wanted;
  const int operation = epoll_interest_ == 0 ? EPOLL_CTL_ADD
                        : wanted == 0        ? EPOLL_CTL_DEL
                                             : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), operation, socket_.get(), &event) != 0) {
    count(counters_.io_errors);
    return false;  // Without a wake-up the worker must not sleep.
  }
  epoll_interest_ = wanted;
  return true;
}

}  // namespace hyperroute
