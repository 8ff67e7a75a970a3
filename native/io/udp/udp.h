// The udp endpoint: datagrams in and out of one socket, in bursts.
//
// A message is a datagram, or one of the blocks of a datagram (blocks.h); views of blocks point
// into the datagram, whose buffer is used again after all of them. Senders are interned, so that a
// reply needs their index only; the remote of the endpoint, if it has one, is the peer that
// kDefaultPeer names. Holding one message holds the socket: what comes later waits in the kernel's
// buffer, whoever sent it. Set-up and reconfiguration: the control thread. Everything else: the
// endpoint's worker, but for is_live(), seal() and frame_room(). Data path: both ends of it.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/status.h"
#include "io/address.h"
#include "io/endpoint.h"
#include "io/udp/blocks.h"
#include "io/udp/udp_senders.h"
#include "io/unique_fd.h"

namespace hyperroute {

// The largest payload of an IPv4 datagram.
inline constexpr uint32_t kUdpDatagramBytesMax = 65507;
// Datagrams of one system call.
inline constexpr uint32_t kUdpBurstMax = 64;

struct UdpOptions {
  SocketAddress local;
  SocketAddress remote;               // Empty: none.
  bool exposed = false;               // Whether `local` may be anything but loopback.
  uint32_t receive_buffer_bytes = 0;  // 0: what the system gives.
  uint32_t send_buffer_bytes = 0;
  uint32_t datagram_bytes_max = 2048;  // A longer one is dropped and counted as truncated.
  uint32_t senders_max = 4096;
  // What is received; what is sent is always a datagram a message.
  BlocksOptions blocks;
  // The socket of another backend to share instead of binding one, while that one drains; -1:
  // none. Its owner keeps it open until open() returns.
  int inherited_socket = -1;
};

// Whether a running endpoint takes these options over by reconfigure(). If not (another address,
// remote or limit), it needs a new backend. Control thread, before the worker is asked.
bool can_reconfigure(const UdpOptions& running, const UdpOptions& wanted) noexcept;

class UdpBackend {
 public:
  using Options = UdpOptions;

  UdpBackend() = default;
  UdpBackend(const UdpBackend&) = delete;
  UdpBackend& operator=(const UdpBackend&) = delete;

  // Opens and binds the socket. `counters` must outlive the backend; `generation_seed` is
  // generation_after() of the last backend on the same endpoint slot.
  Status open(const UdpOptions& options, const EndpointCounters& counters,
              uint16_t generation_seed);

  SocketAddress local_address() const noexcept { return local_address_; }
  // As the kernel granted it, in the unit of the option (the kernel accounts for twice of it).
  uint32_t receive_buffer_bytes() const noexcept { return receive_buffer_bytes_; }
  // For a backend that inherits it.
  int socket() const noexcept { return socket_.get(); }
  uint32_t send_buffer_bytes() const noexcept { return send_buffer_bytes_; }
  uint16_t generation_after() const noexcept { return senders_.generation_after(); }

  // The contract of MessageBackend.
  [[nodiscard]] uint32_t rx_burst(std::span<RxView> views, uint64_t now_ns) noexcept;
  void release(const RxView&) noexcept {}
  void hold(const RxView& view) noexcept {
    if (view.cookie < next_position_) next_position_ = view.cookie;
  }
  [[nodiscard]] bool is_held(const RxView& view) const noexcept {
    return view.cookie >= next_position_;
  }
  [[nodiscard]] uint32_t tx_burst(std::span<TxFrame> frames) noexcept;
  [[nodiscard]] bool tx_blocked() const noexcept { return tx_blocked_; }
  [[nodiscard]] uint64_t take_sequence(PeerRef peer) noexcept;
  [[nodiscard]] bool is_live(PeerRef peer) const noexcept {
    return peer == kDefaultPeer ? senders_.has_pinned() : senders_.is_live(peer);
  }
  [[nodiscard]] uint64_t progress(uint64_t now_ns) noexcept;
  [[nodiscard]] bool prepare_wait() noexcept;
  [[nodiscard]] int wait_fd() const noexcept { return epoll_.get(); }
  [[nodiscard]] uint32_t capabilities() const noexcept { return kCanWait | kPreservesBounds; }
  [[nodiscard]] FrameRoom frame_room() const noexcept {
    return FrameRoom{0, 0, options_.datagram_bytes_max};
  }
  [[nodiscard]] uint32_t seal(uint8_t*, uint32_t message_bytes) const noexcept {
    return message_bytes <= options_.datagram_bytes_max ? message_bytes : 0;
  }
  // A datagram socket has the engine's queue only, no backlog that a quota would bound.
  [[nodiscard]] FinishedBytes finished_bytes(uint32_t) const noexcept { return {nullptr, 0}; }
  void stop_reading() noexcept { is_stopped_ = true; }
  void stop_accepting() noexcept {}
  // Applies changed buffer sizes. What can_reconfigure() refuses is ignored.
  void reconfigure(const UdpOptions& options) noexcept;
  [[nodiscard]] bool tx_idle() const noexcept { return true; }
  [[nodiscard]] bool rx_idle() const noexcept { return next_slot() == slot_count_; }
  [[nodiscard]] uint32_t tx_backlog_bytes() const noexcept { return 0; }
  [[nodiscard]] uint32_t peer_count() const noexcept { return senders_.count(); }
  uint32_t close() noexcept;

 private:
  struct Slot {
    const uint8_t* data;
    uint32_t bytes;
    PeerRef peer;
  };
  enum class SendError : uint8_t { kFull, kAgain, kFinal };

  Status create_socket();
  Status set_buffers(const UdpOptions& options);
  Status allocate();

  // A message among the received ones, and a view's cookie: its slot, and where its block starts.
  static uint64_t position(uint32_t slot, uint32_t offset) noexcept {
    return uint64_t{slot} << 32 | offset;
  }
  uint32_t next_slot() const noexcept { return static_cast<uint32_t>(next_position_ >> 32); }

  uint32_t hand_out(std::span<RxView> views) noexcept;
  void receive_one() noexcept;
  void receive_many(uint32_t count_max) noexcept;
  bool receive_failed(int error) noexcept;
  void store(const uint8_t* data, uint32_t bytes, const SocketAddress& from) noexcept;
  PeerRef peer_of(const SocketAddress& from) noexcept;

  const SocketAddress* destination(TxFrame& frame) noexcept;
  uint32_t gather(std::span<TxFrame> frames) noexcept;
  int send_gathered(uint32_t count) noexcept;
  SendError send_failed(int error, TxFrame& frame) noexcept;
  void count_kernel_drops() noexcept;
  // What the kernel dropped before is another backend's to count.
  void skip_kernel_drops() noexcept;
  uint8_t* slot_buffer(uint32_t slot) const noexcept {
    return buffers_.data() + size_t{slot} * slot_stride_bytes_;
  }

  // Fixed after open().
  UdpOptions options_;
  Blocks blocks_;
  EndpointCounters counters_{};
  SocketAddress local_address_;
  uint32_t receive_buffer_bytes_ = 0;
  uint32_t send_buffer_bytes_ = 0;
  uint32_t slot_stride_bytes_ = 0;
  UniqueFd socket_;
  UniqueFd epoll_;

  // Worker. What lies from next_position_ to the end of the last slot is received and not handed
  // out, or held.
  alignas(kCacheLineBytes) UdpSenders senders_;
  uint64_t next_position_ = 0;
  uint32_t slot_count_ = 0;
  uint32_t epoll_interest_ = 0;  // Events the socket is registered for; 0: it is not.
  uint32_t kernel_drops_seen_ = 0;
  uint64_t drops_check_ns_ = 0;
  bool is_stopped_ = false;
  bool tx_blocked_ = false;
  bool expects_many_ = false;  // The last call found something: more may be waiting.
  bool has_received_ = false;  // Since the kernel's drop count was last read.
  std::array<Slot, kUdpBurstMax> slots_{};
  MemoryRegion buffers_;
  std::array<mmsghdr, kUdpBurstMax> rx_headers_{};
  std::array<iovec, kUdpBurstMax> rx_vectors_{};
  std::array<SocketAddress, kUdpBurstMax> rx_addresses_{};
  std::array<mmsghdr, kUdpBurstMax> tx_headers_{};
  std::array<iovec, kUdpBurstMax> tx_vectors_{};
};

static_assert(MessageBackend<UdpBackend>);

}  // namespace hyperroute
