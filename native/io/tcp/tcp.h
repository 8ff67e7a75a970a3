// The tcp endpoint: framed messages over any number of accepted connections, or over one that is
// made and made again.
//
// `listen` and `connect` differ in where connections come from (tcp_peers.cc) and share the rest:
// one edge-triggered epoll, a queue of connections that may have something to hand out, a budget
// for each so that a greedy client starves nobody, and a bounded backlog behind each socket.
// Set-up: the control thread. Everything else: the endpoint's worker, but for is_live(), seal()
// and frame_room(). Data path: tcp_rx_datapath.cc and tcp_tx_datapath.cc.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/memory.h"
#include "base/prng.h"
#include "base/status.h"
#include "io/default_peer.h"
#include "io/endpoint.h"
#include "io/peer_table.h"
#include "io/reconnect_delay.h"
#include "io/tcp/tcp_connection.h"
#include "io/tcp/tcp_options.h"
#include "io/unique_fd.h"

namespace hyperroute {

class TcpBackend {
 public:
  using Options = TcpOptions;

  TcpBackend() = default;
  TcpBackend(const TcpBackend&) = delete;
  TcpBackend& operator=(const TcpBackend&) = delete;
  ~TcpBackend();

  // Opens the listener; in kConnect mode the first attempt follows in the first progress().
  // `counters` must outlive the backend; `generation_seed` is generation_after() of the last
  // backend on the same endpoint slot.
  Status open(const TcpOptions& options, const EndpointCounters& counters,
              uint16_t generation_seed);

  // Where it listens; in kConnect mode the address it connects to.
  SocketAddress local_address() const noexcept { return local_address_; }
  // For a backend that inherits it; -1 in kConnect mode.
  int listener() const noexcept { return listener_.get(); }
  uint16_t generation_after() const noexcept { return peers_.generation_after(); }

  // The contract of MessageBackend.
  [[nodiscard]] uint32_t rx_burst(std::span<RxView> views, uint64_t now_ns) noexcept;
  void release(const RxView&) noexcept {}
  void hold(const RxView& view) noexcept;
  [[nodiscard]] bool is_held(const RxView& view) const noexcept {
    return start_of(view) >= connections_[index_of(view)].handed_bytes;
  }
  [[nodiscard]] uint32_t tx_burst(std::span<TxFrame> frames) noexcept;
  // Also true while kConnect has no connection: frames for it wait in the engine's queue.
  [[nodiscard]] bool tx_blocked() const noexcept { return tx_blocked_; }
  [[nodiscard]] uint64_t take_sequence(PeerRef peer) noexcept;
  [[nodiscard]] bool is_live(PeerRef peer) const noexcept {
    // T1 acquire: pairs with T2 in adopt(); a connection seen as live is set up.
    return peer == kDefaultPeer ? is_connected_.load(std::memory_order_acquire)
                                : peers_.is_live(peer);
  }
  [[nodiscard]] uint64_t progress(uint64_t now_ns) noexcept;
  [[nodiscard]] bool prepare_wait() noexcept;
  [[nodiscard]] int wait_fd() const noexcept { return epoll_.get(); }
  [[nodiscard]] uint32_t capabilities() const noexcept { return kCanWait | kConnections; }
  [[nodiscard]] FinishedBytes finished_bytes(uint32_t producer) const noexcept {
    return {finished_.get() + size_t{producer} * capacity_, capacity_};
  }
  [[nodiscard]] FrameRoom frame_room() const noexcept { return framing_.room(); }
  [[nodiscard]] uint32_t seal(uint8_t* frame, uint32_t message_bytes) const noexcept {
    return framing_.seal(frame, message_bytes);
  }
  void stop_reading() noexcept;
  // kListen: closes the listener. kConnect: nothing, it goes on to deliver what is queued.
  void stop_accepting() noexcept;
  // Applies to connections made from now on. What can_reconfigure() refuses is ignored.
  void reconfigure(const TcpOptions& options) noexcept;
  [[nodiscard]] bool tx_idle() const noexcept {
    return backlogged_count_ == 0 && !(is_stopped_ && would_reset());
  }
  [[nodiscard]] bool rx_idle() const noexcept;
  [[nodiscard]] uint32_t tx_backlog_bytes() const noexcept {
    return connected_index_ == kNoConnection ? 0
                                             : connections_[connected_index_].backlog.kept_bytes();
  }
  [[nodiscard]] uint32_t peer_count() const noexcept { return open_count_; }
  uint32_t close() noexcept;

 private:
  // Set-up (tcp.cc).
  Status allocate();
  Status listen();
  void close_listener() noexcept;
  bool would_reset() const noexcept;

  // Connections: coming, going, time-outs (tcp_peers.cc).
  void accept_some() noexcept;
  void accept_failed(int error) noexcept;
  void start_connect() noexcept;
  void finish_connect() noexcept;
  void connect_failed() noexcept;
  void schedule_connect() noexcept;
  bool adopt(UniqueFd socket) noexcept;
  bool watch(TcpConnection& connection, int operation) noexcept;
  void lose(TcpConnection& connection) noexcept;
  void cut(TcpConnection& connection) noexcept;
  void free_connection(TcpConnection& connection) noexcept;
  void end_of_input(TcpConnection& connection) noexcept;
  void count_leftover(const TcpConnection& connection) noexcept;
  void expire_half_open() noexcept;
  void connected_lost() noexcept;
  uint64_t next_deadline_ns() const noexcept;

  // Receiving (tcp_rx_datapath.cc).
  void poll_events() noexcept;
  void on_event(uint32_t index, uint16_t generation, uint32_t events) noexcept;
  uint32_t take_turn(TcpConnection& connection, std::span<RxView> views) noexcept;
  uint32_t hand_out(TcpConnection& connection, std::span<RxView> views) noexcept;
  bool read_socket(TcpConnection& connection) noexcept;
  void finish_turn(TcpConnection& connection) noexcept;
  void push_ready(TcpConnection& connection) noexcept;
  bool may_read(const TcpConnection& connection) const noexcept;

  // Sending (tcp_tx_datapath.cc).
  TcpConnection* connection_for(TxFrame& frame) noexcept;
  TcpConnection* default_connection_for(TxFrame& frame) noexcept;
  uint32_t send_run(TcpConnection& connection, std::span<TxFrame> frames) noexcept;
  uint32_t write_through(TcpConnection& connection, std::span<TxFrame> frames,
                         uint32_t& partial_bytes) noexcept;
  bool to_backlog(TcpConnection& connection, TxFrame& frame, uint32_t sent_bytes) noexcept;
  void flush(TcpConnection& connection) noexcept;
  void complete(TcpConnection& connection, uint32_t sent_bytes) noexcept;
  uint32_t discard_backlog(TcpConnection& connection) noexcept;
  void finished(uint16_t index, uint8_t producer, uint32_t frame_bytes) noexcept;
  void block(std::span<TxFrame> rest) noexcept;

  static uint32_t index_of(const RxView& view) noexcept {
    return static_cast<uint32_t>(view.cookie >> 32);
  }
  static uint32_t start_of(const RxView& view) noexcept {
    return static_cast<uint32_t>(view.cookie);
  }
  void set_gauge() noexcept {
    // Relaxed: a gauge with this one writer.
    counters_.connections->store(open_count_, std::memory_order_relaxed);
  }

  static constexpr uint16_t kNoConnection = 0xFFFF;

  // Fixed after open(), but for options_, which reconfigure() replaces.
  TcpOptions options_;
  TcpOptions opened_options_;
  EndpointCounters counters_{};
  Framing framing_;
  SocketAddress local_address_;
  uint32_t capacity_ = 0;
  uint32_t receive_stride_bytes_ = 0;
  uint32_t backlog_stride_bytes_ = 0;
  MemoryRegion receive_memory_;
  MemoryRegion backlog_memory_;
  UniqueFd epoll_;

  // Read by any worker, written by the owner.
  alignas(kCacheLineBytes) PeerTable peers_;
  std::atomic<bool> is_connected_{false};
  std::unique_ptr<std::atomic<uint32_t>[]> finished_;  // [producer][peer index]

  // Worker.
  alignas(kCacheLineBytes) std::unique_ptr<TcpConnection[]> connections_;
  std::unique_ptr<uint16_t[]> ready_;  // Ring of connections whose turn comes, each at most once.
  uint32_t ready_head_ = 0;
  uint32_t ready_count_ = 0;
  uint32_t open_count_ = 0;        // Connections with a socket.
  uint32_t backlogged_count_ = 0;  // Of these, with a backlog.
  uint64_t now_ns_ = 0;
  uint64_t half_open_next_ns_ = UINT64_MAX;
  bool is_stopped_ = false;
  bool tx_blocked_ = false;
  bool has_polled_ = false;  // Since the last progress().

  // Worker, kListen.
  UniqueFd listener_;
  bool may_accept_ = false;
  uint64_t accept_retry_ns_ = UINT64_MAX;

  // Worker, kConnect.
  UniqueFd connecting_;
  uint16_t connected_index_ = kNoConnection;
  uint64_t connect_deadline_ns_ = 0;  // Of the attempt under way, or when the next one begins.
  ReconnectDelay reconnect_delay_;
  DefaultPeerNumbers default_numbers_;
  Prng jitter_{0};
};

static_assert(MessageBackend<TcpBackend>);

}  // namespace hyperroute
