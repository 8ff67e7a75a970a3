// One udp socket and the Raptor endpoint behind it: the driver of the protocol's core.
//
// The core (native/raptor) knows neither sockets nor clocks; this moves datagrams between the two,
// many a system call where the kernel can (UDP_SEGMENT, UDP_GRO), one where there is one. What a
// session is used for is the caller's: the router's backend (raptor.h), publications, tools.
// Set-up and close: the control thread. Everything else: the one thread that owns it. Data path:
// both directions (raptor_socket_datapath.cc).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/memory.h"
#include "base/status.h"
#include "io/address.h"
#include "io/lossy/lossy.h"
#include "io/raptor/key_log_file.h"
#include "io/unique_fd.h"
#include "raptor/endpoint.h"
#include "raptor/message_view.h"

namespace hyperroute {

// What one receive buffer takes: the largest datagram, or as many as the kernel has joined.
inline constexpr uint32_t kRaptorReceiveBytes = 64 * 1024;
// Buffers of one recvmmsg.
inline constexpr uint32_t kRaptorReceiveBuffers = 8;
// What is written before it is sent, and the datagrams in it.
inline constexpr uint32_t kRaptorTransmitBytes = 64 * 1024;
inline constexpr uint32_t kRaptorTransmitCountMax = 64;

struct RaptorSocketOptions {
  SocketAddress local;
  bool exposed = false;  // Whether `local` may be anything but loopback.
  // Several sockets may be bound to `local`, whose port is not 0 then; each has the sessions of the
  // peers whose datagrams the kernel gives it. connect() is for sockets with a port of their own:
  // the answer might come to another.
  bool reuses_port = false;
  // There is one session at a time: nobody but its other end is sent to or heard, and the kernel
  // looks up the way once for each connect(), not for each datagram.
  bool has_one_peer = false;
  // Beyond the system's limit where the process may (SO_RCVBUFFORCE); the rest keep what they get.
  uint32_t receive_buffer_bytes = 4u << 20;
  uint32_t send_buffer_bytes = 1u << 20;
  bool uses_offload = true;  // Segmentation and joining by the kernel, where it can.
  // Where the keys of sessions are written for whoever debugs a capture; empty: nowhere.
  std::string key_log_path;
  LossyOptions lossy;
  // in_flight_bytes_max is lowered to what the receive buffer can take.
  raptor::EndpointOptions endpoint;
};

struct RaptorSocketCounters {
  uint64_t rx_datagrams = 0;
  uint64_t rx_calls = 0;
  uint64_t rx_cut = 0;  // Longer than the buffer: nothing of this protocol.
  uint64_t tx_datagrams = 0;
  uint64_t tx_bytes = 0;  // Of UDP payload.
  uint64_t tx_calls = 0;
  uint64_t tx_refused = 0;  // Too large for a link, or no way there: lost like any other.
  uint64_t io_errors = 0;
  uint64_t kernel_drops = 0;  // The receive buffer was full; see count_kernel_drops().
};

// PathAddress is opaque to the core; this driver puts the kernel's form of an address in it.
raptor::PathAddress path_address_of(const SocketAddress& address) noexcept;
SocketAddress socket_address_of(const raptor::PathAddress& path) noexcept;
// For EndpointOptions::host_of: of IPv4 the address, of IPv6 its first 64 bits, which are what a
// host is given at least.
uint64_t raptor_host_of(const raptor::PathAddress& path) noexcept;

// The most that a peer may have under way to a receive buffer of so many bytes as the kernel
// accounts them: each datagram costs its buffers and headers too, small ones several times their
// payload.
uint32_t raptor_in_flight_bytes(uint32_t kernel_buffer_bytes) noexcept;

class RaptorSocket {
 public:
  RaptorSocket() = default;
  ~RaptorSocket() { close(); }
  RaptorSocket(const RaptorSocket&) = delete;
  RaptorSocket& operator=(const RaptorSocket&) = delete;

  // Opens and binds the socket and creates the endpoint. kConfig, kAddressInUse, kAddressInvalid,
  // kPermission (the key log's, too), kCryptoUnavailable, kSystem.
  Status open(uint64_t now_ns, const RaptorSocketOptions& options);
  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }

  [[nodiscard]] raptor::Endpoint& endpoint() noexcept { return *endpoint_; }
  [[nodiscard]] const raptor::Endpoint& endpoint() const noexcept { return *endpoint_; }
  [[nodiscard]] SocketAddress local_address() const noexcept { return local_address_; }
  // As the kernel granted it, in the unit of the option (the kernel accounts for twice of it).
  [[nodiscard]] uint32_t receive_buffer_bytes() const noexcept { return receive_buffer_bytes_; }
  [[nodiscard]] bool sends_segments() const noexcept { return sends_segments_; }
  [[nodiscard]] bool joins_segments() const noexcept { return joins_segments_; }

  // Begins a session with the listener at `to`.
  Result<raptor::SessionRef> connect(uint64_t now_ns, const SocketAddress& to,
                                     const crypto::PublicKey& remote) {
    if (has_one_peer_) aim_at(to);
    return endpoint_->connect(now_ns, path_address_of(to), remote);
  }

  // Reads what the socket has, in one system call, into the buffers; only while has_received() is
  // false, since views that a sink took may point into them until then. Returns whether something
  // came.
  bool fill() noexcept;
  // Whether datagrams wait for deliver_next(), or one that the lossy decorator kept is due.
  [[nodiscard]] bool has_received(uint64_t now_ns) const noexcept {
    return next_offset_ < slot_bytes_[next_slot_] || next_slot_ + 1 < slot_count_ ||
           (lossy_ != nullptr && lossy_->next_due_ns() <= now_ns);
  }
  // Gives one datagram to the endpoint. False: there was none. Views that `sink` took and that lie
  // in a datagram (is_in_datagram) stay valid until the next fill().
  bool deliver_next(uint64_t now_ns, const raptor::MessageSink& sink) noexcept;
  [[nodiscard]] bool is_in_datagram(const uint8_t* data) const noexcept {
    const uint8_t* const begin = receive_memory_.data();
    return (data >= begin && data < begin + receive_memory_.bytes()) ||
           (lossy_ != nullptr && lossy_->owns(data));
  }
  // Both of it, for callers that keep no view: fill() and all that it brought. Returns the
  // datagrams.
  uint32_t receive(uint64_t now_ns, const raptor::MessageSink& sink) noexcept;

  // Sends what the endpoint has to send, kRaptorTransmitBytes at most. True: there may be more to
  // send, once what has arrived was looked at; false: nothing, or it is full (is_blocked()).
  bool transmit(uint64_t now_ns) noexcept;
  // As often as it takes to send as much as `offered_bytes`, what a turn of the owner has offered
  // to sessions, once at least: rings that a turn fills faster than it empties them would be full
  // in the end, whatever windows allow.
  bool transmit(uint64_t now_ns, uint64_t offered_bytes) noexcept;
  // Datagrams wait for room in the socket's send buffer; wait_fd() tells of it.
  [[nodiscard]] bool is_blocked() const noexcept { return sent_count_ < batch_count_; }

  // Runs the timers that are due, if any. The caller must hold no view outside of datagrams.
  void run_timers(uint64_t now_ns) {
    if (endpoint_->next_deadline_ns() <= now_ns) endpoint_->on_deadline(now_ns);
  }
  [[nodiscard]] uint64_t next_deadline_ns() noexcept;

  // The socket itself, for an owner that watches it by its own means.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  // Becomes readable when there is something to read, or, while is_blocked(), room to send.
  [[nodiscard]] int wait_fd() const noexcept { return epoll_.get(); }
  // To be called before sleeping on wait_fd(). `is_reading`: whether arrivals are to wake. False:
  // the wait could not be set up, so the caller must not sleep.
  [[nodiscard]] bool prepare_wait(bool is_reading) noexcept;

  // Reads the kernel's count of dropped datagrams; every now and then, it is a system call.
  void count_kernel_drops() noexcept;
  [[nodiscard]] const RaptorSocketCounters& counters() const noexcept { return counters_; }

  // Lines that the key log's disk did not take.
  [[nodiscard]] uint64_t key_log_lost() const noexcept { return key_log_.lost_count(); }

  // Tells every peer that this end is gone and closes the socket. Idempotent.
  void close() noexcept;

 private:
  // Datagrams that leave as one: all of `segment_bytes`, but for the last.
  struct Batch {
    SocketAddress to;
    raptor::SessionRef session;  // Of its first datagram, and of one path of the others.
    uint32_t offset = 0;
    uint32_t bytes = 0;
    uint32_t segment_bytes = 0;
    uint32_t count = 0;
    bool is_full = false;  // Its last datagram is shorter, so it takes no more.
  };
  // Room for one int as ancillary data, as the kernel lays it out.
  struct alignas(cmsghdr) ControlBytes {
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  };

  void aim_at(const SocketAddress& to) noexcept;
  Status create_socket(const RaptorSocketOptions& options);
  Status set_buffers(const RaptorSocketOptions& options);
  Status allocate();
  void enable_offload() noexcept;
  Status discover_path_mtu() noexcept;

  void say_goodbye() noexcept;
  bool fill_one() noexcept;
  bool fill_many() noexcept;
  bool may_fill_again(int error) noexcept;
  void store(uint32_t buffer, size_t bytes) noexcept;
  bool deliver_kept(uint64_t now_ns, const raptor::MessageSink& sink) noexcept;
  uint8_t* receive_buffer(uint32_t buffer) const noexcept {
    return receive_memory_.data() + size_t{buffer} * kRaptorReceiveBytes;
  }

  bool write_batches(uint64_t now_ns) noexcept;
  void append(const raptor::Endpoint::Transmit& next) noexcept;
  bool send_batches() noexcept;
  int send_some() noexcept;
  void sent(const Batch& batch) noexcept;
  bool send_failed(int error) noexcept;
  bool send_singly(Batch& batch) noexcept;

  // Fixed after open().
  UniqueFd socket_;
  UniqueFd epoll_;
  SocketAddress local_address_;
  uint32_t receive_buffer_bytes_ = 0;
  bool joins_segments_ = false;
  bool has_one_peer_ = false;
  KeyLogFile key_log_;  // Outlives the endpoint.
  std::unique_ptr<raptor::Endpoint> endpoint_;
  std::unique_ptr<Lossy> lossy_;
  MemoryRegion receive_memory_;
  MemoryRegion transmit_memory_;

  // Owner: the socket is connected to the one peer, so datagrams need no address.
  bool is_aimed_ = false;
  // Owner: receiving. Datagrams from next_offset_ of next_slot_ on wait.
  alignas(kCacheLineBytes) uint32_t next_slot_ = 0;
  uint32_t next_offset_ = 0;
  uint32_t slot_count_ = 0;
  uint32_t fills_found_ = 0;   // Calls in a row that found something: more may be waiting.
  bool has_arrivals_ = false;  // Since the kernel's drop count was last read.
  uint32_t kernel_drops_seen_ = 0;
  uint32_t epoll_interest_ = 0;
  // What each buffer holds: a datagram, or several that were joined. The kernel writes where it is
  // from; of a socket that is aimed, it is always the one peer.
  std::array<uint32_t, kRaptorReceiveBuffers> slot_bytes_{};
  std::array<raptor::PathAddress, kRaptorReceiveBuffers> rx_addresses_{};
  std::array<mmsghdr, kRaptorReceiveBuffers> rx_headers_{};
  std::array<iovec, kRaptorReceiveBuffers> rx_vectors_{};

  // Owner: sending. Batches from sent_count_ on wait for room in the socket.
  uint32_t written_bytes_ = 0;
  uint32_t written_count_ = 0;
  uint32_t batch_count_ = 0;
  uint32_t sent_count_ = 0;
  uint64_t transmit_ns_ = 0;
  bool sends_segments_ = false;
  raptor::PathAddress batch_path_;  // Of the last batch.
  std::array<Batch, kRaptorTransmitCountMax> batches_{};
  std::array<mmsghdr, kRaptorTransmitCountMax> tx_headers_{};
  std::array<iovec, kRaptorTransmitCountMax> tx_vectors_{};
  std::array<ControlBytes, kRaptorTransmitCountMax> tx_controls_{};

  RaptorSocketCounters counters_;
};

}  // namespace hyperroute
