// Set-up of the udp endpoint: socket, buffers, sender table. Control thread.
#include "io/udp/udp.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>

#include "base/bits.h"
#include "io/socket_setup.h"

namespace hyperroute {
namespace {

Status check_options(const UdpOptions& options) {
  HR_TRY(check_bind_address(options.local, options.exposed));
  if (options.datagram_bytes_max == 0 || options.datagram_bytes_max > kUdpDatagramBytesMax) {
    return Status::error(StatusCode::kConfig, "maxDatagramBytes: expected 1 to %u, got %u",
                         kUdpDatagramBytesMax, options.datagram_bytes_max);
  }
  // One index is kept for the remote.
  if (options.senders_max == 0 || options.senders_max >= kPeersMax) {
    return Status::error(StatusCode::kConfig, "maxPeers: expected 1 to %u, got %u", kPeersMax - 1,
                         options.senders_max);
  }
  if (options.remote.empty()) return Status::success();
  return check_remote_address(options.remote, options.local.family());
}

}  // namespace

Status UdpBackend::open(const UdpOptions& options, const EndpointCounters& counters,
                        uint16_t generation_seed) {
  HR_ASSERT(!socket_.is_open());
  HR_TRY(check_options(options));
  if (options.blocks.header_bytes > 0) {
    Result<Blocks> blocks = Blocks::create(options.blocks, options.datagram_bytes_max);
    if (!blocks.ok()) return blocks.status();
    blocks_ = blocks.take();
  }
  options_ = options;
  counters_ = counters;
  HR_TRY(allocate());
  HR_TRY(senders_.create(options.senders_max, options.remote, generation_seed));
  if (Status status = create_socket(); !status.ok()) {
    close();
    return status;
  }
  if (senders_.has_pinned()) count(counters_.connections);
  return Status::success();
}

Status UdpBackend::create_socket() {
  const bool inherits = options_.inherited_socket >= 0;
  const int family = options_.local.family();
  socket_ = UniqueFd(inherits ? ::fcntl(options_.inherited_socket, F_DUPFD_CLOEXEC, 0)
                              : ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  options_.inherited_socket = -1;
  if (!socket_.is_open()) return Status::system(StatusCode::kSystem, errno, "socket(udp)");
  if (options_.local.is_ipv6() && !inherits) HR_TRY(set_ipv6_only(socket_.get()));
  HR_TRY(set_buffers(options_));
  if (!inherits) HR_TRY(bind_socket(socket_.get(), options_.local));
  Result<SocketAddress> bound = SocketAddress::local_of(socket_.get());
  if (!bound.ok()) return bound.status();
  local_address_ = bound.value();
  if (inherits) skip_kernel_drops();
  // The socket joins the epoll set when its worker first sleeps: a spinning one never pays for
  // the wake-up that the kernel would run for each datagram.
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.is_open()) return Status::system(StatusCode::kSystem, errno, "epoll_create1");
  epoll_interest_ = 0;
  return Status::success();
}

Status UdpBackend::set_buffers(const UdpOptions& options) {
  Result<uint32_t> received = set_receive_buffer(socket_.get(), options.receive_buffer_bytes);
  if (!received.ok()) return received.status();
  Result<uint32_t> sent = set_send_buffer(socket_.get(), options.send_buffer_bytes);
  if (!sent.ok()) return sent.status();
  receive_buffer_bytes_ = received.value();
  send_buffer_bytes_ = sent.value();
  return Status::success();
}

Status UdpBackend::allocate() {
  slot_stride_bytes_ = align_up(options_.datagram_bytes_max, kCacheLineBytes);
  const size_t region_bytes = size_t{slot_stride_bytes_} * kUdpBurstMax;
  Result<MemoryRegion> region = MemoryRegion::anonymous(region_bytes, Prefault::kYes);
  if (!region.ok()) return region.status();
  buffers_ = region.take();
  for (uint32_t slot = 0; slot < kUdpBurstMax; ++slot) {
    rx_vectors_[slot] = iovec{slot_buffer(slot), options_.datagram_bytes_max};
    msghdr& header = rx_headers_[slot].msg_hdr;
    header.msg_name = rx_addresses_[slot].socket_address();
    header.msg_namelen = SocketAddress::kSocketBytesMax;
    header.msg_iov = &rx_vectors_[slot];
    header.msg_iovlen = 1;
    tx_headers_[slot].msg_hdr.msg_iov = &tx_vectors_[slot];
    tx_headers_[slot].msg_hdr.msg_iovlen = 1;
  }
  return Status::success();
}

bool can_reconfigure(const UdpOptions& running, const UdpOptions& wanted) noexcept {
  return wanted.local == running.local && wanted.remote == running.remote &&
         wanted.datagram_bytes_max == running.datagram_bytes_max &&
         wanted.senders_max == running.senders_max && wanted.blocks == running.blocks;
}

void UdpBackend::reconfigure(const UdpOptions& options) noexcept {
  if (!socket_.is_open()) return;
  if (!set_buffers(options).ok()) count(counters_.io_errors);
}

uint32_t UdpBackend::close() noexcept {
  if (counters_.connections == nullptr) return 0;  // Never opened.
  if (socket_.is_open()) count_kernel_drops();
  socket_.reset();
  epoll_.reset();
  // Relaxed: a gauge with this one writer.
  counters_.connections->store(0, std::memory_order_relaxed);
  return 0;
}

}  // namespace hyperroute
