// Datagrams in and out of a Raptor socket. The owner's thread; no allocation here, and no system
// call but receive and send, except for one read of the kernel's drop count now and then.
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/raptor/raptor_socket.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace hyperroute {
namespace {

// How often pending errors of earlier datagrams may interrupt one read.
constexpr uint32_t kErrorRetriesMax = 4;
// Reads in a row that found something before several are asked for at once.
constexpr uint32_t kFillsBeforeMany = 2;
// UDP_MAX_SEGMENTS of kernels before 6.2, and the most that one UDP payload may have.
constexpr uint32_t kSegmentsMax = 64;
constexpr uint32_t kSegmentedBytesMax = 65'507 - 64;
// What the core expects of a datagram, and where this protocol's own end.
constexpr uint32_t kDatagramAlignBytes = 8;

bool is_icmp_error(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
         error == EHOSTDOWN || error == EPROTO || error == ENOPROTOOPT;
}

bool is_full(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

}  // namespace

bool RaptorSocket::fill() noexcept {
  HR_DASSERT(next_offset_ >= slot_bytes_[next_slot_] && next_slot_ + 1 >= slot_count_);
  slot_count_ = 0;
  next_slot_ = 0;
  next_offset_ = 0;
  slot_bytes_[0] = 0;
  if (lossy_ != nullptr) [[unlikely]]
    lossy_->release_due();
  // One alone costs half as much by recvfrom as by recvmmsg, which asks the socket a second time.
  const bool has_some = fills_found_ < kFillsBeforeMany ? fill_one() : fill_many();
  fills_found_ = has_some ? std::min(fills_found_ + 1, kFillsBeforeMany) : 0;
  return has_some;
}

// MSG_TRUNC: of one that is longer than the buffer, the length it had.
bool RaptorSocket::fill_one() noexcept {
  for (uint32_t attempt = 0; attempt < kErrorRetriesMax; ++attempt) {
    socklen_t address_bytes = raptor::kPathAddressBytesMax;
    const ssize_t received =
        ::recvfrom(socket_.get(), receive_buffer(0), kRaptorReceiveBytes, MSG_DONTWAIT | MSG_TRUNC,
                   is_aimed_ ? nullptr : reinterpret_cast<sockaddr*>(rx_addresses_[0].bytes),
                   is_aimed_ ? nullptr : &address_bytes);
    if (received >= 0) {
      ++counters_.rx_calls;
      if (!is_aimed_) rx_addresses_[0].size = static_cast<uint8_t>(address_bytes);
      store(0, static_cast<size_t>(received));
      return true;
    }
    if (!may_fill_again(errno)) return false;
  }
  return false;
}

bool RaptorSocket::fill_many() noexcept {
  for (mmsghdr& header : rx_headers_) {
    header.msg_hdr.msg_namelen = raptor::kPathAddressBytesMax;
    header.msg_hdr.msg_flags = 0;
  }
  for (uint32_t attempt = 0; attempt < kErrorRetriesMax; ++attempt) {
    const int received = ::recvmmsg(socket_.get(), rx_headers_.data(), kRaptorReceiveBuffers,
                                    MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (received >= 0) {
      ++counters_.rx_calls;
      for (uint32_t i = 0; i < static_cast<uint32_t>(received); ++i) {
        if (!is_aimed_) {
          rx_addresses_[i].size = static_cast<uint8_t>(rx_headers_[i].msg_hdr.msg_namelen);
        }
        store(i, rx_headers_[i].msg_len);
      }
      return received > 0;
    }
    if (!may_fill_again(errno)) return false;
  }
  return false;
}

// After a read that failed. Errors of an earlier datagram, to where nobody listens now, come up in
// the next read and say nothing of it; the protocol finds out by itself.
bool RaptorSocket::may_fill_again(int error) noexcept {
  if (error == EINTR || is_icmp_error(error)) return true;
  if (!is_full(error)) ++counters_.io_errors;
  return false;
}

// Slots and buffers have the same numbers; a slot of no bytes is passed over.
void RaptorSocket::store(uint32_t buffer, size_t bytes) noexcept {
  has_arrivals_ = true;
  slot_count_ = buffer + 1;
  if (bytes > kRaptorReceiveBytes) [[unlikely]] {
    ++counters_.rx_cut;
    bytes = 0;
  }
  slot_bytes_[buffer] = static_cast<uint32_t>(bytes);
}

bool RaptorSocket::deliver_next(uint64_t now_ns, const raptor::MessageSink& sink) noexcept {
  if (lossy_ != nullptr && lossy_->next_due_ns() <= now_ns) [[unlikely]]
    return deliver_kept(now_ns, sink);
  while (next_offset_ >= slot_bytes_[next_slot_]) {
    if (next_slot_ + 1 >= slot_count_) return false;
    ++next_slot_;
    next_offset_ = 0;
  }
  const raptor::PathAddress& from = rx_addresses_[next_slot_];
  uint8_t* datagram = receive_buffer(next_slot_) + next_offset_;
  const uint32_t bytes =
      raptor::first_packet_bytes(datagram, slot_bytes_[next_slot_] - next_offset_);
  next_offset_ += bytes;
  ++counters_.rx_datagrams;
  // Only behind a packet of the handshake: then no view points into the one before, whose end is
  // overwritten here.
  if (const size_t odd_bytes = reinterpret_cast<uintptr_t>(datagram) % kDatagramAlignBytes;
      odd_bytes != 0) [[unlikely]] {
    std::memmove(datagram - odd_bytes, datagram, bytes);
    datagram -= odd_bytes;
  }
  if (lossy_ != nullptr) [[unlikely]] {
    if (lossy_->arrived(now_ns, {datagram, bytes}, socket_address_of(from)) == Lossy::Fate::kTaken)
      return true;
  }
  endpoint_->on_datagram(now_ns, datagram, bytes, from, sink);
  return true;
}

bool RaptorSocket::deliver_kept(uint64_t now_ns, const raptor::MessageSink& sink) noexcept {
  const Lossy::Kept kept = lossy_->next_due(now_ns);
  if (kept.data == nullptr) return false;
  endpoint_->on_datagram(now_ns, kept.data, kept.bytes, path_address_of(*kept.from), sink);
  return true;
}

uint32_t RaptorSocket::receive(uint64_t now_ns, const raptor::MessageSink& sink) noexcept {
  uint32_t datagram_count = 0;
  if (!has_received(now_ns)) static_cast<void>(fill());
  while (deliver_next(now_ns, sink)) ++datagram_count;
  return datagram_count;
}

// One round of batches: before the next its owner reads what has arrived. ACKs that waited behind
// a whole window would find the peer idle and losses mended late.
bool RaptorSocket::transmit(uint64_t now_ns) noexcept {
  transmit_ns_ = now_ns;
  if (is_blocked() && !send_batches()) return false;
  if (!endpoint_->has_transmit()) return false;
  const bool is_done = write_batches(now_ns);
  return send_batches() && !is_done;
}

// What was left before waits until the next turn has looked at what has arrived.
bool RaptorSocket::transmit(uint64_t now_ns, uint64_t offered_bytes) noexcept {
  bool has_more = transmit(now_ns);
  uint64_t further_rounds = offered_bytes / kRaptorTransmitBytes;
  for (; has_more && further_rounds > 0; --further_rounds) has_more = transmit(now_ns);
  return has_more;
}

// Lets the endpoint write datagrams behind one another. True: it has nothing more.
bool RaptorSocket::write_batches(uint64_t now_ns) noexcept {
  written_bytes_ = 0;
  written_count_ = 0;
  batch_count_ = 0;
  sent_count_ = 0;
  const uint32_t datagram_bytes_max = endpoint_->options().datagram_bytes_max;
  while (written_bytes_ + datagram_bytes_max <= kRaptorTransmitBytes &&
         written_count_ < kRaptorTransmitCountMax) {
    const std::span<uint8_t> to{transmit_memory_.data() + written_bytes_, datagram_bytes_max};
    const raptor::Endpoint::Transmit next = endpoint_->next_transmit(now_ns, to);
    if (next.bytes == 0) return true;
    if (lossy_ != nullptr && lossy_->loses_sent()) [[unlikely]]
      continue;
    append(next);
  }
  return false;
}

// To the batch that the last one went to, where the kernel can take them apart again.
void RaptorSocket::append(const raptor::Endpoint::Transmit& next) noexcept {
  const uint32_t bytes = next.bytes;
  const raptor::PathAddress& to = *next.to;
  const uint32_t offset = written_bytes_;
  written_bytes_ += bytes;
  ++written_count_;
  if (batch_count_ > 0 && sends_segments_) {
    Batch& last = batches_[batch_count_ - 1];
    if (!last.is_full && bytes <= last.segment_bytes && last.count < kSegmentsMax &&
        last.bytes + bytes <= kSegmentedBytesMax && batch_path_ == to) {
      last.bytes += bytes;
      last.is_full = bytes < last.segment_bytes;
      ++last.count;
      return;
    }
  }
  if (batch_count_ == 0 || batch_path_ != to) batch_path_ = to;
  Batch& batch = batches_[batch_count_++];
  batch.to = socket_address_of(to);
  batch.session = next.session;
  batch.offset = offset;
  batch.bytes = bytes;
  batch.segment_bytes = bytes;
  batch.count = 1;
  batch.is_full = false;
}

// False: the socket is full, and what is left waits in the batches.
bool RaptorSocket::send_batches() noexcept {
  uint32_t retries = 0;
  while (sent_count_ < batch_count_) {
    const int count = send_some();
    if (count > 0) {
      for (int i = 0; i < count; ++i) sent(batches_[sent_count_ + static_cast<uint32_t>(i)]);
      sent_count_ += static_cast<uint32_t>(count);
      continue;
    }
    const int error = errno;
    if (is_full(error)) return false;
    if (error == EINTR && ++retries <= kErrorRetriesMax) continue;
    if (!send_failed(error)) return false;
  }
  return true;
}

// How many batches left; ≤ 0: none, errno says why.
int RaptorSocket::send_some() noexcept {
  const uint32_t count = batch_count_ - sent_count_;
  for (uint32_t i = 0; i < count; ++i) {
    const Batch& batch = batches_[sent_count_ + i];
    msghdr& header = tx_headers_[i].msg_hdr;
    tx_vectors_[i] = iovec{transmit_memory_.data() + batch.offset, batch.bytes};
    header.msg_name = is_aimed_ ? nullptr : const_cast<sockaddr*>(batch.to.socket_address());
    header.msg_namelen = is_aimed_ ? 0 : batch.to.socket_bytes();
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    if (batch.count == 1) continue;
    header.msg_control = tx_controls_[i].bytes;
    header.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    const uint16_t segment_bytes = static_cast<uint16_t>(batch.segment_bytes);
    std::memcpy(CMSG_DATA(control), &segment_bytes, sizeof segment_bytes);
  }
  ++counters_.tx_calls;
  if (count > 1) return ::sendmmsg(socket_.get(), tx_headers_.data(), count, MSG_DONTWAIT);
  const msghdr& header = tx_headers_[0].msg_hdr;
  const ssize_t result =
      header.msg_control == nullptr
          ? ::sendto(socket_.get(), tx_vectors_[0].iov_base, tx_vectors_[0].iov_len, MSG_DONTWAIT,
                     static_cast<const sockaddr*>(header.msg_name), header.msg_namelen)
          : ::sendmsg(socket_.get(), &header, MSG_DONTWAIT);
  return result < 0 ? -1 : 1;
}

void RaptorSocket::sent(const Batch& batch) noexcept {
  counters_.tx_datagrams += batch.count;
  counters_.tx_bytes += batch.bytes;
}

// The first batch cannot be sent as it is. A datagram that no link takes, or that has no way, is
// lost as it could be anywhere else: the protocol finds out. False: the socket is full.
bool RaptorSocket::send_failed(int error) noexcept {
  Batch& batch = batches_[sent_count_];
  if (batch.count > 1) {
    // EIO: a device without checksums of its own; others: a kernel or a link that cannot.
    if (error == EIO || error == ENOPROTOOPT || error == EOPNOTSUPP) sends_segments_ = false;
    return send_singly(batch);
  }
  if (error == EMSGSIZE) endpoint_->on_too_large(transmit_ns_, batch.session, batch.bytes);
  if (error != EMSGSIZE && !is_icmp_error(error) && error != EPERM) ++counters_.io_errors;
  ++counters_.tx_refused;
  ++sent_count_;
  return true;
}

// Takes a batch apart; what does not find room stays in it.
bool RaptorSocket::send_singly(Batch& batch) noexcept {
  while (batch.count > 0) {
    const uint32_t bytes = std::min(batch.segment_bytes, batch.bytes);
    ++counters_.tx_calls;
    const ssize_t result = ::sendto(socket_.get(), transmit_memory_.data() + batch.offset, bytes,
                                    MSG_DONTWAIT, is_aimed_ ? nullptr : batch.to.socket_address(),
                                    is_aimed_ ? 0 : batch.to.socket_bytes());
    if (result < 0 && is_full(errno)) return false;
    if (result < 0) {
      if (errno == EMSGSIZE) endpoint_->on_too_large(transmit_ns_, batch.session, bytes);
      ++counters_.tx_refused;
    } else {
      ++counters_.tx_datagrams;
      counters_.tx_bytes += bytes;
    }
    batch.offset += bytes;
    batch.bytes -= bytes;
    --batch.count;
  }
  ++sent_count_;
  return true;
}

uint64_t RaptorSocket::next_deadline_ns() noexcept {
  const uint64_t deadline_ns = endpoint_->next_deadline_ns();
  return lossy_ == nullptr ? deadline_ns : std::min(deadline_ns, lossy_->next_due_ns());
}

bool RaptorSocket::prepare_wait(bool is_reading) noexcept {
  const uint32_t wanted =
      (is_reading ? uint32_t{EPOLLIN} : 0u) | (is_blocked() ? uint32_t{EPOLLOUT} : 0u);
  if (wanted == epoll_interest_) return true;
  epoll_event event{};
  event.events = wanted;
  const int operation = epoll_interest_ == 0 ? EPOLL_CTL_ADD
                        : wanted == 0        ? EPOLL_CTL_DEL
                                             : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), operation, socket_.get(), &event) != 0) {
    ++counters_.io_errors;
    return false;
  }
  epoll_interest_ = wanted;
  return true;
}

void RaptorSocket::count_kernel_drops() noexcept {
  if (!has_arrivals_) return;
  has_arrivals_ = false;
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t memory_bytes = sizeof memory;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory, &memory_bytes) != 0) return;
  // The kernel's count is 32 bits wide and wraps.
  counters_.kernel_drops += memory[SK_MEMINFO_DROPS] - kernel_drops_seen_;
  kernel_drops_seen_ = memory[SK_MEMINFO_DROPS];
}

}  // namespace hyperroute
