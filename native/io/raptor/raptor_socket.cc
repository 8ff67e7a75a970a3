// Set-up of a Raptor socket: address, buffers, what the kernel can do for it. Control thread.
#include "io/raptor/raptor_socket.h"

#include <netinet/udp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "io/socket_setup.h"

// Older headers lack them; the numbers are the kernel's interface.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace hyperroute {
namespace {

// Of every byte of a receive buffer a full datagram of 1,452 bytes uses less than two thirds: it
// lies in 2 KiB and the kernel's headers take 256. Half leaves room for smaller ones.
constexpr uint32_t kReceiveOverheadFactor = 2;
// Where many peers share one buffer, not all of them are at their limit at once.
constexpr uint32_t kListenerShareFactor = 2;
constexpr uint32_t kInFlightBytesMin = 16 * 1024;
// Enough for a CLOSE of each of as many sessions as there may be, and as much again.
constexpr uint32_t kCloseRoundsMax = 2 * raptor::kSessionsMax / kRaptorTransmitCountMax;

}  // namespace

raptor::PathAddress path_address_of(const SocketAddress& address) noexcept {
  static_assert(SocketAddress::kSocketBytesMax <= raptor::kPathAddressBytesMax);
  const auto* bytes = reinterpret_cast<const uint8_t*>(address.socket_address());
  return raptor::PathAddress::of({bytes, address.socket_bytes()});
}

SocketAddress socket_address_of(const raptor::PathAddress& path) noexcept {
  SocketAddress address;
  std::memcpy(address.socket_address(), path.bytes,
              std::min<size_t>(path.size, SocketAddress::kSocketBytesMax));
  return address;
}

uint64_t raptor_host_of(const raptor::PathAddress& path) noexcept {
  const SocketAddress address = socket_address_of(path);
  if (!address.is_ipv6()) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, address.socket_address(), sizeof ipv4);
    return uint64_t{1} << 32 | ipv4.sin_addr.s_addr;
  }
  sockaddr_in6 ipv6;
  std::memcpy(&ipv6, address.socket_address(), sizeof ipv6);
  const uint64_t prefix = load_u64_le(ipv6.sin6_addr.s6_addr);
  return prefix == 0 ? 1 : prefix;
}

uint32_t raptor_in_flight_bytes(uint32_t kernel_buffer_bytes) noexcept {
  return std::max(kernel_buffer_bytes / kReceiveOverheadFactor, kInFlightBytesMin);
}

Status RaptorSocket::open(uint64_t now_ns, const RaptorSocketOptions& options) {
  HR_ASSERT(!socket_.is_open());
  HR_TRY(check_bind_address(options.local, options.exposed));
  if (options.reuses_port && options.local.port() == 0) {
    return Status::error(StatusCode::kConfig, "reusePort: expected a port other than 0");
  }
  Status status = create_socket(options);
  if (status.ok()) status = allocate();
  if (status.ok() && options.lossy.is_active()) {
    auto lossy = Lossy::create(options.lossy);
    status = lossy.status();
    if (lossy.ok()) lossy_ = lossy.take();
  }
  raptor::EndpointOptions endpoint_options = options.endpoint;
  if (status.ok() && !options.key_log_path.empty()) {
    status = key_log_.open(options.key_log_path.c_str());
    endpoint_options.key_log = key_log_.log();
  }
  endpoint_options.host_of = raptor_host_of;
  // The kernel doubles what is asked for and accounts all of it.
  uint32_t in_flight_bytes = raptor_in_flight_bytes(receive_buffer_bytes_ * 2);
  if (endpoint_options.is_listener) in_flight_bytes /= kListenerShareFactor;
  endpoint_options.in_flight_bytes_max =
      std::min(endpoint_options.in_flight_bytes_max, std::max(in_flight_bytes, kInFlightBytesMin));
  if (status.ok()) {
    auto endpoint = raptor::Endpoint::create(now_ns, endpoint_options);
    status = endpoint.status();
    if (endpoint.ok()) endpoint_ = endpoint.take();
  }
  if (!status.ok()) close();
  return status;
}

Status RaptorSocket::create_socket(const RaptorSocketOptions& options) {
  const int family = options.local.family();
  socket_ = UniqueFd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.is_open()) return Status::system(StatusCode::kSystem, errno, "socket(raptor)");
  if (options.local.is_ipv6()) HR_TRY(set_ipv6_only(socket_.get()));
  HR_TRY(set_buffers(options));
  if (options.reuses_port) HR_TRY(share_port(socket_.get()));
  HR_TRY(bind_socket(socket_.get(), options.local));
  has_one_peer_ = options.has_one_peer;
  Result<SocketAddress> bound = SocketAddress::local_of(socket_.get());
  if (!bound.ok()) return bound.status();
  local_address_ = bound.value();
  HR_TRY(discover_path_mtu());
  if (options.uses_offload) enable_offload();
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.is_open()) return Status::system(StatusCode::kSystem, errno, "epoll_create1");
  return Status::success();
}

// Let go of the former peer first: the address of this end may have to be another by now. Where
// there is no way, datagrams carry the address, and sending them says why they cannot leave.
void RaptorSocket::aim_at(const SocketAddress& to) noexcept {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (is_aimed_) static_cast<void>(::connect(socket_.get(), &nobody, sizeof nobody));
  is_aimed_ = ::connect(socket_.get(), to.socket_address(), to.socket_bytes()) == 0;
  const Result<SocketAddress> bound = SocketAddress::local_of(socket_.get());
  if (bound.ok()) local_address_ = bound.value();
  rx_addresses_.fill(path_address_of(to));
  for (uint32_t i = 0; i < kRaptorReceiveBuffers; ++i) {
    rx_headers_[i].msg_hdr.msg_name = is_aimed_ ? nullptr : rx_addresses_[i].bytes;
  }
}

Status RaptorSocket::set_buffers(const RaptorSocketOptions& options) {
  Result<uint32_t> received = set_receive_buffer(socket_.get(), options.receive_buffer_bytes);
  if (!received.ok()) return received.status();
  receive_buffer_bytes_ = received.value();
  Result<uint32_t> sent = set_send_buffer(socket_.get(), options.send_buffer_bytes);
  return sent.status();
}

// Datagrams are never fragmented on the way, and the core finds out itself what the path carries:
// a router's word about it is not authenticated.
Status RaptorSocket::discover_path_mtu() noexcept {
  const bool is_ipv6 = local_address_.is_ipv6();
  const int wanted = is_ipv6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
  const int level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  const int option = is_ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
  if (::setsockopt(socket_.get(), level, option, &wanted, sizeof wanted) == 0) {
    return Status::success();
  }
  return Status::system(StatusCode::kSystem, errno, "forbidding fragments of datagrams");
}

// A kernel that does not know them says so; then each datagram is a message of its own.
void RaptorSocket::enable_offload() noexcept {
  const int on = 1;
  const int off = 0;
  joins_segments_ = ::setsockopt(socket_.get(), SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
  sends_segments_ = ::setsockopt(socket_.get(), SOL_UDP, UDP_SEGMENT, &off, sizeof off) == 0;
}

Status RaptorSocket::allocate() {
  auto receive =
      MemoryRegion::anonymous(size_t{kRaptorReceiveBuffers} * kRaptorReceiveBytes, Prefault::kNo);
  if (!receive.ok()) return receive.status();
  auto transmit = MemoryRegion::anonymous(kRaptorTransmitBytes, Prefault::kNo);
  if (!transmit.ok()) return transmit.status();
  receive_memory_ = receive.take();
  transmit_memory_ = transmit.take();
  for (uint32_t i = 0; i < kRaptorReceiveBuffers; ++i) {
    rx_vectors_[i] = iovec{receive_buffer(i), kRaptorReceiveBytes};
    rx_headers_[i].msg_hdr.msg_iov = &rx_vectors_[i];
    rx_headers_[i].msg_hdr.msg_iovlen = 1;
    rx_headers_[i].msg_hdr.msg_name = rx_addresses_[i].bytes;
  }
  for (uint32_t i = 0; i < kRaptorTransmitCountMax; ++i) {
    tx_headers_[i].msg_hdr.msg_iov = &tx_vectors_[i];
    tx_headers_[i].msg_hdr.msg_iovlen = 1;
  }
  return Status::success();
}

// Nobody runs the timers of this endpoint any more, so every CLOSE of a session goes out now: as
// many as it would send, for one may be lost.
void RaptorSocket::say_goodbye() noexcept {
  uint64_t now_ns = monotonic_ns();
  endpoint_->close_all(now_ns, raptor::CloseReason::kClosed);
  for (uint32_t copy = 0; copy < raptor::kCloseTries; ++copy) {
    for (uint32_t round = 0; round < kCloseRoundsMax && transmit(now_ns); ++round) {
    }
    now_ns += raptor::kCloseIntervalNsMax;
    endpoint_->on_deadline(now_ns);
  }
}

void RaptorSocket::close() noexcept {
  if (endpoint_ != nullptr) {
    say_goodbye();
    endpoint_.reset();
  }
  key_log_.close();
  lossy_.reset();
  epoll_.reset();
  socket_.reset();
  epoll_interest_ = 0;
  slot_count_ = 0;
  next_slot_ = 0;
  next_offset_ = 0;
  slot_bytes_[0] = 0;
  batch_count_ = 0;
  sent_count_ = 0;
}

}  // namespace hyperroute
