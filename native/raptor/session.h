// A session: everything between two endpoints once the handshake has agreed on keys.
//
// Sans I/O: packets go in with on_packet(), come out of next_datagram(), time is an argument.
// Owner: one thread, the endpoint's worker; no call blocks. Data path: on_packet,
// next_datagram, offer, claim, commit and poll (session_*_datapath.cc); they do not allocate
// except where a stream begins or a key changes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/memory.h"
#include "base/status.h"
#include "raptor/congestion.h"
#include "raptor/message_view.h"
#include "raptor/pacer.h"
#include "raptor/path_mtu.h"
#include "raptor/protection.h"
#include "raptor/received_packets.h"
#include "raptor/rtt.h"
#include "raptor/sent_packets.h"
#include "raptor/session_counters.h"
#include "raptor/session_streams.h"
#include "wire/raptor_frames.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

inline constexpr uint64_t kNeverNs = UINT64_MAX;

// A peer is dead when nothing authentic came for its liveness less a tenth: what is left is for
// the timer and whoever is told, so that the report comes within the liveness that was promised.
inline constexpr uint64_t kLivenessSlackDivisor = 10;
// A PING goes out after a quarter of it without a packet; one lost is sent again by the
// tail-loss probe, within a few round trips.
inline constexpr uint64_t kPingDivisor = 4;
// Where either end is run by an event loop: a collection or a long callback is no death.
inline constexpr uint64_t kInlineLivenessNs = 2'000'000'000;
// Bounds of what a peer may say; below the least, an idle session would send all the time.
inline constexpr uint64_t kLivenessNsMin = 1'000'000;
// A timer that is so late means that this end was stopped, not the peer. Packets that came
// meanwhile wait to be read: the peer gets half of its liveness more, once.
inline constexpr uint64_t kLateTimerNs = 5'000'000;
inline constexpr uint8_t kCloseTries = 3;
inline constexpr uint64_t kCloseIntervalNsMin = 1'000'000;
inline constexpr uint64_t kCloseIntervalNsMax = 50'000'000;
// While data flows, a probe of the path waits for so many packets, so that no message that came
// alone is behind a datagram of padding.
inline constexpr uint32_t kPacketsBeforeMtuProbe = 8;

enum class CloseReason : uint16_t {
  kNone = 0,
  kClosed = 1,      // by this end's application
  kPeerClosed = 2,  // by the other's
  kPeerDead = 3,
  kHandshakeTimeout = 4,
  kRefused = 5,
  kProtocolError = 6,
  kReplaced = 7,
  kDrained = 8,
  kLocalLimit = 9,
};

enum class SessionState : uint8_t { kOpen, kDraining, kClosed };

struct SessionOptions {
  SessionKeys keys;
  Parameters local;                  // as sent to the peer; session_id is where packets to us go
  Parameters remote;                 // as it sent them; session_id goes into every packet to it
  uint32_t session_ref = 0;          // handed out as MessageView.session
  bool sends_first = false;          // a PING at once, so that the responder sees the key confirmed
  bool uses_static_window = false;   // CongestionKind::kStatic
  uint32_t static_window_bytes = 0;  // of the static kind; 0: what the peer allows
  uint64_t handshake_rtt_ns = 0;     // a first sample; 0: none
};

class Session {
 public:
  // Allocates all that a session without streams needs. `options.remote` has been checked by
  // the wire; values this end cannot use are clamped.
  static Result<std::unique_ptr<Session>> create(uint64_t now_ns, const SessionOptions& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // A DATA packet for this session, decrypted in place: `datagram` is 8-aligned, `bytes` long and
  // belongs to the caller; views given to `sink` may point into it. An unauthentic packet has no
  // effect but on a counter. Returns whether the packet was authentic and new.
  bool on_packet(uint64_t now_ns, const DataHeader& header, uint8_t* datagram, uint32_t bytes,
                 const MessageSink& sink);

  // Writes the next datagram due into `to` and returns its bytes; 0: nothing to send now. `to`
  // has at least kDatagramBytesMin bytes and better as many as local.datagram_bytes_max. Call
  // until it answers 0; then has_work() is false until something happens.
  [[nodiscard]] uint32_t next_datagram(uint64_t now_ns, std::span<uint8_t> to);

  // When on_deadline() is due next; kNeverNs: not before something else happens. O(1).
  uint64_t next_deadline_ns() const;
  void on_deadline(uint64_t now_ns);
  // Whether next_datagram() may have something. O(1).
  bool has_work() const { return has_work_; }

  // A stream from this end to the other. ERR_LIMIT: as many as the peer takes are open, or
  // kStreamIdsMax were.
  // ERR_STATE: draining or closed. ERR_CONFIG: options the peer or this end cannot serve.
  Result<uint16_t> open_stream(const StreamOptions& options);
  // What the peer said of its stream when it opened it, until it has ended; else null.
  const StreamOptions* remote_stream(uint16_t stream) const;
  // Takes all of the message or nothing. Returns the stream's position behind it, or an
  // OfferCode: BACK_PRESSURE, CLOSED (stream or session), TOO_LARGE.
  [[nodiscard]] int64_t offer(uint64_t now_ns, uint16_t stream, std::span<const uint8_t> message);
  // Whether offer() would take a message of so many bytes now: for messages that go to several
  // sessions or to none.
  [[nodiscard]] bool would_take(uint16_t stream, uint32_t message_bytes) const;
  // Room for a message of one record in the stream's ring, to be written and committed before any
  // other call on that stream; null is back-pressure (or no such stream, or too large).
  [[nodiscard]] uint8_t* claim(uint16_t stream, uint32_t message_bytes);
  int64_t commit(uint64_t now_ns, uint16_t stream);
  void abort(uint16_t stream);
  // Hands out what a sink refused before. Returns the count of messages taken.
  uint32_t poll(const MessageSink& sink);

  // No more offers on the stream; what was offered still arrives.
  void end_stream(uint16_t stream);
  // Whether the stream is gone: ended, and what was not abandoned taken by the peer's sink.
  bool is_stream_finished(uint16_t stream) const;
  // Of what was offered on the stream: neither acknowledged nor abandoned yet, and of that what has
  // not been sent at all. 0 for a stream that is gone.
  uint64_t unacked_bytes(uint16_t stream) const;
  uint64_t unsent_bytes(uint16_t stream) const;
  // The messages of unacked_bytes(); an estimate beyond kCountedRecordsMax records. Not for every
  // message: it reads them.
  uint64_t unacked_messages(uint16_t stream) const;
  uint64_t unacked_messages() const;  // Of all streams.
  // Ends every stream; the session closes with kDrained once both ends have nothing more.
  void drain(uint64_t now_ns);
  // Ends the session now. A CLOSE tells the peer (sent up to 3 times; is_finished() after that).
  void close(uint64_t now_ns, CloseReason reason);
  // The time from this end's answer to the packet that confirmed it; before anything is sent.
  void set_handshake_rtt(uint64_t now_ns, uint64_t rtt_ns);
  // The kernel would not send a datagram of so many bytes (EMSGSIZE): the path is narrower.
  void on_too_large(uint64_t now_ns, uint32_t bytes);
  // Derives the next sending key as soon as the protocol allows it.
  void update_key() { protection_.want_update(); }

  SessionState state() const { return state_; }
  CloseReason close_reason() const { return close_reason_; }
  // Closed and with nothing left to send: the owner may free it. What a sink refused before can
  // still be had by poll() until then.
  bool is_finished() const { return state_ == SessionState::kClosed && closes_left_ == 0; }
  // A snapshot; not for every message.
  SessionCounters counters() const;
  uint64_t key_updates() const { return counters_.key_updates; }
  uint64_t local_session_id() const { return local_.session; }
  uint64_t remote_session_id() const { return remote_.session; }
  // The largest message that the peer takes.
  uint32_t remote_message_bytes_max() const { return remote_.message_bytes_max; }

 private:
  // The packet being put together: frames lie in place, runs in the rings of their streams.
  struct Draft;
  // What a received frame led to.
  enum class Step : uint8_t {
    kTaken,
    kNotTaken,  // The packet is not to be acknowledged.
    kBroken,    // The peer breaks the protocol.
    kNoRoom,    // This end has no memory for what it has promised.
    kClosed,
  };

  Session(uint64_t now_ns, const SessionOptions& options, Protection protection);

  // session.cc: cold, may allocate.
  Step accept_stream(const OpenFrame& frame);
  [[gnu::noinline]] void release_tx(uint32_t slot);
  [[gnu::noinline]] void release_rx(uint32_t slot);
  [[gnu::noinline]] void end_with(CloseReason reason, bool tells_peer);

  // session_receive_datapath.cc
  Step take_frames(uint8_t* frames, uint32_t frames_bytes, const MessageSink& sink,
                   bool& is_eliciting);
  Step take_frame(const Frame& frame, const MessageSink& sink);
  [[gnu::noinline]] Step take_rare(const Frame& frame, const MessageSink& sink);
  [[gnu::noinline]] void after_untaken(Step step, uint64_t number);
  Step take_ack(const AckFrame& frame);
  Step take_stream(const StreamFrame& frame, const MessageSink& sink);
  Step take_window(const PositionFrame& frame);
  Step take_skip_or_end(const Frame& frame, const MessageSink& sink);
  Step take_close(const CloseFrame& frame);
  void after_rx(uint32_t slot);
  void check_drained();

  // session_transmit_datapath.cc
  bool may_send(uint32_t bytes);
  uint32_t send_frames(std::span<uint8_t> to);
  void draft_ack(Draft& draft, bool has_room_for_runs);
  [[gnu::noinline]] void draft_control(Draft& draft);
  bool draft_stream_control(Draft& draft, uint32_t slot);
  [[gnu::noinline]] bool draft_open(Draft& draft, TxStream& tx);
  void draft_runs(Draft& draft);
  bool draft_run(Draft& draft, uint32_t slot);
  uint32_t next_run_slot() const;
  [[gnu::noinline]] uint32_t send_mtu_probe(std::span<uint8_t> to);
  [[gnu::noinline]] uint32_t send_close(std::span<uint8_t> to);
  uint32_t send_draft(Draft& draft);
  bool has_anything_due() const;
  // Whether draft_control() has something.
  bool has_control_due() const { return is_drain_due_ || tx_control_.any() || rx_control_.any(); }
  void after_tx(uint32_t slot);
  void after_tx(uint32_t slot, TxStream& tx);
  void after_commit(uint16_t stream, TxStream& tx);

  // session_timers_datapath.cc
  void on_item_acked(const SentItem& item);
  void on_item_lost(const SentItem& item);
  void on_window_lost(const SentItem& item);
  void after_loss(const LossSummary& loss, bool is_guess) {
    if (loss.packets != 0 && mtu_.on_lost(loss, is_guess)) update_path();
  }
  void check_liveness();
  void run_timers();
  void expire_messages();
  void update_path();
  void enter(uint64_t now_ns) { now_ns_ = now_ns > now_ns_ ? now_ns : now_ns_; }
  SentHandler handler() { return {this, tell_acked, tell_lost}; }
  static void tell_acked(void* session, const SentItem& item) {
    static_cast<Session*>(session)->on_item_acked(item);
  }
  static void tell_lost(void* session, const SentItem& item) {
    static_cast<Session*>(session)->on_item_lost(item);
  }

  // What every packet touches comes first, so that it lies in few cache lines.
  alignas(kCacheLineBytes) uint64_t now_ns_;  // of the present call; never goes back
  bool has_work_ = false;
  SessionState state_ = SessionState::kOpen;
  CloseReason close_reason_ = CloseReason::kNone;
  uint8_t ready_priorities_ = 0;  // bit p: ready_[p] has a member
  uint8_t probe_packets_ = 0;     // packets that may go whatever window and pacer say
  bool must_probe_ = false;       // one of them must, a PING if there is nothing else
  bool is_ping_due_ = false;
  bool is_drain_due_ = false;
  bool is_pacing_blocked_ = false;
  bool is_window_blocked_ = false;
  bool had_grace_ = false;
  uint32_t packets_before_mtu_probe_ = 0;
  uint64_t heard_ns_;  // when the last authentic packet came
  uint64_t next_ping_ns_ = 0;
  uint64_t ping_interval_ns_;
  uint64_t next_number_ = 0;
  uint64_t remote_session_;  // of remote_

  StreamSlots<TxStream> tx_;
  StreamSlots<RxStream> rx_;
  SlotSet tx_control_;             // slots with an OPEN, SKIP or END to send
  SlotSet rx_control_;             // slots with a WINDOW to send
  SlotSet lost_;                   // slots with runs to send again
  SlotSet refused_;                // slots whose sink refused messages
  SlotSet expiring_;               // slots of kDeadline
  uint64_t expire_ns_ = kNeverNs;  // the first deadline of a message
  uint64_t liveness_ns_;

  // Recovery.
  RttEstimator rtt_;
  Pacer pacer_;
  PathMtu mtu_;
  CongestionWindow congestion_;
  SessionCounters counters_;
  ReceivedPackets received_;
  Protection protection_;

  SlotSet ready_[kPriorityCount];  // slots with runs to send
  uint32_t cursor_[kPriorityCount] = {};
  uint32_t lost_cursor_ = 0;

  // Seldom.
  bool is_drain_sent_ = false;
  bool has_peer_drained_ = false;
  uint8_t closes_left_ = 0;
  uint64_t next_close_ns_ = 0;
  Parameters local_;
  Parameters remote_;
  uint32_t session_ref_;
  StreamTotals ended_;  // of streams that are gone

  // Last: large, and touched from its front as far as it is used.
  SentPackets sent_;
};

}  // namespace hyperroute::raptor
