// The raptor endpoint of a router: reliable, encrypted messages on UDP; each session is a peer.
//
// `listen` takes any number of sessions, `connect` makes one and makes it again for ever; the rest
// is shared. What arrives in order is handed out where it was received; what comes in pieces or
// could not be routed is copied to its peer's queue. A message that is held closes its session's
// window in the end, so that its sender has back-pressure, while acknowledgements and signs of
// life go on. Set-up: the control thread. Everything else: the endpoint's worker, but for
// is_live(), seal(), frame_room() and link(). Data path: raptor_rx_datapath.cc and
// raptor_tx_datapath.cc.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/memory.h"
#include "base/prng.h"
#include "base/status.h"
#include "io/default_peer.h"
#include "io/endpoint.h"
#include "io/peer_table.h"
#include "io/raptor/attempt_counters.h"
#include "io/raptor/raptor_options.h"
#include "io/raptor/raptor_peer.h"
#include "io/raptor/raptor_socket.h"
#include "io/reconnect_delay.h"

namespace hyperroute {

// Messages that wait where they were received, and the bytes at which no more datagrams are opened.
inline constexpr uint32_t kRaptorStagedCountMax = 1024;
inline constexpr uint32_t kRaptorStagedBytesMax = 64 * 1024;
// The bytes of copied messages at which a burst hands out no more: a round of what can be sent.
inline constexpr uint32_t kRaptorHandedBytesMax = kRaptorTransmitBytes;

// How a kConnect endpoint stands with its listener.
enum class RaptorLinkState : uint8_t { kConnecting, kConnected };
struct RaptorLink {
  RaptorLinkState state = RaptorLinkState::kConnecting;
  // Why the last session or the last attempt ended, and of kRefused the listener's reason.
  raptor::CloseReason reason = raptor::CloseReason::kNone;
  raptor::HandshakeStatus refusal = raptor::HandshakeStatus::kAccepted;
};

class RaptorBackend {
 public:
  using Options = RaptorOptions;
  // What the counters file has of each session: its own counters and what waits, in bytes: offered
  // and not sent, sent or not and not acknowledged, received and not taken by the router.
#define HR_COUNTER_NAME(field, name) name ","
  static constexpr std::string_view kSessionCounterNames =
      HR_SESSION_COUNTERS(HR_COUNTER_NAME) "waitingBytes,unackedBytes,heldBytes,";
#undef HR_COUNTER_NAME

  RaptorBackend() = default;
  RaptorBackend(const RaptorBackend&) = delete;
  RaptorBackend& operator=(const RaptorBackend&) = delete;
  ~RaptorBackend() { close(); }

  // Opens the socket; in kConnect mode the first attempt follows in the first progress().
  // `counters` must outlive the backend; `generation_seed` is generation_after() of the last
  // backend on the same endpoint slot.
  Status open(const RaptorOptions& options, const EndpointCounters& counters,
              uint16_t generation_seed);

  // Where it listens; in kConnect mode the address it connects to.
  SocketAddress local_address() const noexcept {
    return options_.mode == RaptorMode::kListen ? socket_.local_address() : options_.address;
  }
  uint32_t receive_buffer_bytes() const noexcept { return socket_.receive_buffer_bytes(); }
  uint16_t generation_after() const noexcept { return peers_.generation_after(); }
  // Any thread.
  RaptorLink link() const noexcept {
    // Relaxed: for people to read; nothing depends on it.
    const uint32_t word = link_.load(std::memory_order_relaxed);
    return {static_cast<RaptorLinkState>(word & 0xFF),
            static_cast<raptor::CloseReason>(word >> 8 & 0xFF),
            static_cast<raptor::HandshakeStatus>(word >> 16)};
  }

  // The contract of MessageBackend.
  [[nodiscard]] uint32_t rx_burst(std::span<RxView> views, uint64_t now_ns) noexcept;
  void release(const RxView& view) noexcept;
  void hold(const RxView& view) noexcept;
  [[nodiscard]] bool is_held(const RxView& view) const noexcept;
  [[nodiscard]] uint32_t tx_burst(std::span<TxFrame> frames) noexcept;
  // Also true while kConnect has no session: frames for it wait in the engine's queue.
  [[nodiscard]] bool tx_blocked() const noexcept { return tx_blocked_; }
  [[nodiscard]] uint64_t take_sequence(PeerRef peer) noexcept;
  [[nodiscard]] bool is_live(PeerRef peer) const noexcept {
    // R1 acquire: pairs with R2 in adopt(); a session seen as live is set up.
    return peer == kDefaultPeer ? is_connected_.load(std::memory_order_acquire)
                                : peers_.is_live(peer);
  }
  [[nodiscard]] uint64_t progress(uint64_t now_ns) noexcept;
  [[nodiscard]] bool prepare_wait() noexcept;
  [[nodiscard]] int wait_fd() const noexcept { return socket_.wait_fd(); }
  [[nodiscard]] uint32_t capabilities() const noexcept {
    return kCanWait | kConnections | kPreservesBounds;
  }
  [[nodiscard]] FrameRoom frame_room() const noexcept {
    return FrameRoom{0, 0, options_.message_bytes_max};
  }
  [[nodiscard]] uint32_t seal(uint8_t*, uint32_t message_bytes) const noexcept {
    return message_bytes <= options_.message_bytes_max ? message_bytes : 0;
  }
  [[nodiscard]] FinishedBytes finished_bytes(uint32_t producer) const noexcept {
    return {finished_.get() + size_t{producer} * capacity_, capacity_};
  }
  void stop_reading() noexcept;
  // kListen: refuses new sessions. kConnect: nothing, it goes on to deliver what is queued.
  void stop_accepting() noexcept;
  void reconfigure(const RaptorOptions& options) noexcept;
  // Once reading has stopped, also that every peer has acknowledged all.
  [[nodiscard]] bool tx_idle() const noexcept;
  [[nodiscard]] uint32_t tx_backlog_bytes() const noexcept;
  [[nodiscard]] bool rx_idle() const noexcept {
    return staged_next_ == staged_count_ && queued_count_ == 0 && refused_count_ == 0;
  }
  [[nodiscard]] uint32_t peer_count() const noexcept { return open_count_; }
  uint32_t close() noexcept;

 private:
  // A received message that waits where it was received.
  struct Staged {
    const uint8_t* data;
    uint32_t bytes;
    uint16_t peer_index;
  };
  enum class Reading : uint8_t {
    kAll,
    kNothing,    // The router does not ask for messages now: sessions keep them.
    kRemainder,  // A last look at a session that has ended.
  };

  // Set-up (raptor.cc).
  Status allocate();
  Result<RaptorSocketOptions> socket_options() const;

  // Sessions: coming, going, time-outs (raptor_sessions.cc).
  void take_events() noexcept;
  void on_event(const raptor::SessionEvent& event) noexcept;
  bool adopt(raptor::SessionRef session) noexcept;
  void lose(RaptorPeer& peer, raptor::CloseReason reason) noexcept;
  void free_peer(RaptorPeer& peer) noexcept;
  void start_connect() noexcept;
  void connect_failed() noexcept;
  void schedule_connect() noexcept;
  void connected_lost() noexcept;
  void set_link(RaptorLinkState state, raptor::CloseReason reason,
                raptor::HandshakeStatus refusal) noexcept;
  void count_socket() noexcept;
  void count_attempts() noexcept;
  RaptorPeer* peer_of(raptor::SessionRef session) noexcept;

  // What the counters file shows of sessions (raptor_session_rows.cc).
  bool list_session(RaptorPeer& peer) noexcept;
  void list_more() noexcept;
  void unlist_session(RaptorPeer& peer) noexcept;
  SessionRow row_of(const RaptorPeer& peer, raptor::Session& session) noexcept;
  // When it is due again; UINT64_MAX: not before something happens.
  uint64_t show_sessions() noexcept;

  // Receiving (raptor_rx_datapath.cc).
  static uint32_t deliver(void* self, std::span<const raptor::MessageView> views);
  uint32_t take_views(std::span<const raptor::MessageView> views) noexcept;
  bool take_view(RaptorPeer& peer, const raptor::MessageView& view) noexcept;
  bool may_take(const RaptorPeer& peer) const noexcept;
  void count_received(uint32_t bytes) noexcept;
  void note_refused(RaptorPeer& peer) noexcept;
  bool to_queue(RaptorPeer& peer, std::span<const uint8_t> message) noexcept;
  void keep_staged(RaptorPeer& peer, std::span<const uint8_t> message) noexcept;
  void poll_refused() noexcept;
  void spill_staged(const RaptorPeer* of) noexcept;
  void serve_unread() noexcept;
  // Whether the router asks for messages; else the protocol is served by progress().
  bool is_read_from() const noexcept { return now_ns_ - burst_ns_ < kUnreadNs; }
  void pump(size_t room) noexcept;
  void run_timers() noexcept;
  uint32_t hand_out_queued(std::span<RxView> views) noexcept;
  uint32_t hand_out_staged(std::span<RxView> views) noexcept;
  raptor::MessageSink sink() noexcept { return {this, &RaptorBackend::deliver}; }

  // Sending (raptor_tx_datapath.cc).
  RaptorPeer* peer_for(TxFrame& frame) noexcept;
  RaptorPeer* default_peer_for(TxFrame& frame) noexcept;
  bool send_frame(RaptorPeer& peer, TxFrame& frame) noexcept;
  int64_t offer(RaptorPeer& peer, std::span<const uint8_t> message) noexcept;
  bool to_backlog(RaptorPeer& peer, TxFrame& frame) noexcept;
  void flush_backlogs() noexcept;
  bool flush(RaptorPeer& peer) noexcept;
  uint32_t discard_backlog(RaptorPeer& peer) noexcept;
  void finished(uint16_t index, uint8_t producer, uint32_t frame_bytes) noexcept;
  void block(std::span<TxFrame> rest) noexcept;
  void transmit() noexcept;

  raptor::Session* session_of(const RaptorPeer& peer) const noexcept;
  void set_gauge() noexcept {
    // Relaxed: a gauge with this one writer.
    counters_.connections->store(open_count_, std::memory_order_relaxed);
  }

  static constexpr uint16_t kNoPeer = 0xFFFF;
  static constexpr uint64_t kUnreadNs = 10'000'000;
  // The present one, and some that have ended and are not gone yet.
  static constexpr uint32_t kConnectSessionsMax = 8;
  // A view's cookie: whether it lies in its peer's queue, the peer's index, where in the queue.
  static constexpr uint64_t kQueuedView = uint64_t{1} << 63;
  static uint64_t queued_cookie(uint32_t index, uint32_t position) noexcept {
    return kQueuedView | uint64_t{index} << 32 | position;
  }
  static uint32_t index_of(const RxView& view) noexcept {
    return static_cast<uint32_t>(view.cookie >> 32) & 0xFFFF;
  }

  // Fixed after open(), but for options_, which reconfigure() replaces.
  RaptorOptions options_;
  RaptorOptions opened_options_;
  EndpointCounters counters_{};
  uint32_t capacity_ = 0;
  uint32_t queue_stride_bytes_ = 0;
  uint32_t backlog_stride_bytes_ = 0;
  MemoryRegion queue_memory_;
  MemoryRegion backlog_memory_;
  MemoryRegion peer_of_session_memory_;  // By session index: the peer's index + 1; 0: none.

  // Read by any worker, written by the owner.
  alignas(kCacheLineBytes) PeerTable peers_;
  std::atomic<bool> is_connected_{false};
  std::atomic<uint32_t> link_{0};
  std::unique_ptr<std::atomic<uint32_t>[]> finished_;  // [producer][peer index]

  // Worker.
  alignas(kCacheLineBytes) mutable RaptorSocket socket_;  // Its endpoint looks sessions up.
  std::unique_ptr<RaptorPeer[]> peer_states_;
  std::unique_ptr<uint16_t[]> queued_;      // Peers whose `received` holds something.
  std::unique_ptr<uint16_t[]> refused_;     // Peers whose session keeps refused messages.
  std::unique_ptr<uint16_t[]> backlogged_;  // Peers with a backlog.
  uint32_t queued_count_ = 0;
  uint32_t refused_count_ = 0;
  uint32_t backlogged_count_ = 0;
  uint32_t open_count_ = 0;
  uint32_t staged_next_ = 0;
  uint32_t staged_count_ = 0;
  uint32_t staged_bytes_ = 0;
  uint64_t offered_bytes_ = 0;  // To sessions, since the last transmit().
  uint64_t now_ns_ = 0;
  uint64_t burst_ns_ = 0;  // Of the last rx_burst().
  uint64_t drops_check_ns_ = 0;
  uint64_t drops_counted_ = 0;
  uint64_t errors_counted_ = 0;
  uint64_t cut_counted_ = 0;
  uint64_t datagrams_counted_ = 0;
  AttemptCounts attempts_counted_ = attempt_counts({}, 0);
  Reading reading_ = Reading::kAll;
  bool is_stopped_ = false;
  bool tx_blocked_ = false;
  bool has_more_to_send_ = false;
  std::array<Staged, kRaptorStagedCountMax> staged_{};

  // Worker. Peers with a row in the counters file, and what has happened since the rows were shown.
  std::array<uint16_t, kSessionRowCount> listed_{};
  uint32_t listed_count_ = 0;
  uint32_t list_cursor_ = 0;
  bool has_news_ = false;  // Messages were offered, came or were taken.
  uint64_t shown_datagrams_ = 0;
  uint64_t show_ns_ = 0;

  // Worker, kConnect.
  raptor::SessionRef attempt_;
  bool is_attempting_ = false;
  uint16_t connected_index_ = kNoPeer;
  uint64_t connect_deadline_ns_ = 0;  // When the next attempt begins.
  ReconnectDelay reconnect_delay_;
  DefaultPeerNumbers default_numbers_;
  Prng jitter_{0};
};

static_assert(MessageBackend<RaptorBackend>);

}  // namespace hyperroute
