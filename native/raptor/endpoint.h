// One end of the protocol: the sessions behind one socket, and how they come to be.
//
// Sans I/O: the driver hands in what its socket received, sends what next_transmit() gives, and
// calls on_deadline() when next_deadline_ns() has come; time is an argument, randomness a callback.
// So the same code runs over sockets and in the simulator, where it is deterministic. A handshake
// (handshake.h) turns into a session when the initiator has the answer, and at the responder when
// the first authentic packet confirms the key; nothing that is not authentic changes a session.
// Owner: one thread, the endpoint's worker. Data path: on_datagram, next_transmit, touch and the
// deadlines (endpoint_datapath.cc); handshakes allocate, sessions that exist do not.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "base/status.h"
#include "crypto/noise.h"
#include "raptor/cookies.h"
#include "raptor/deadline_heap.h"
#include "raptor/endpoint_counters.h"
#include "raptor/key_log.h"
#include "raptor/path_address.h"
#include "raptor/reply_queue.h"
#include "raptor/session.h"
#include "raptor/session_table.h"

namespace hyperroute::raptor {

// The index of a session is 16 bits wide, and handshakes need an index too.
inline constexpr uint32_t kSessionsMax = 32'768;
inline constexpr uint32_t kHalfOpenMax = 4'096;
// What one host may hold of the half-open entries, once it has to prove its address: a part, and
// some where the part would be less.
inline constexpr uint32_t kHalfOpenHostDivisor = 8;
inline constexpr uint32_t kHalfOpenPerHostMin = 4;
inline constexpr uint64_t kConnectTimeoutNsMax = 600'000'000'000;
// Peer death is told within this much, where both ends run on workers.
inline constexpr uint32_t kLivenessUsDefault = 100'000;

// A session of this endpoint; stale once the session has ended. 0 names none.
struct SessionRef {
  uint32_t value = 0;  // index in the low half, generation in the high half
  friend bool operator==(const SessionRef&, const SessionRef&) = default;
};

struct RandomSource {
  void* context = nullptr;
  // Fills with unpredictable bytes. Null: the kernel's.
  void (*fill)(void* context, uint8_t* to, size_t bytes) = nullptr;
};

struct EndpointOptions {
  bool is_listener = false;  // Whether it answers; every endpoint may connect.
  bool insecure = false;     // No encryption and no keys; both ends must say so.
  crypto::KeyPair static_keys;
  // Who may connect to a listener; empty: everybody.
  std::vector<crypto::PublicKey> allow_list;
  // What connect() proposes; none: AES-256-GCM where the CPU has instructions for it.
  std::optional<crypto::AeadKind> cipher;

  uint32_t sessions_max = 1'024;   // 1 to kSessionsMax
  uint32_t half_open_max = 256;    // 1 to kHalfOpenMax
  uint32_t cookie_threshold = 32;  // half open before cookies are asked for
  // A number for the host of an address, not 0, which is bounded in what it may hold half open;
  // null: every address is a host.
  uint64_t (*host_of)(const PathAddress& address) noexcept = nullptr;
  uint64_t connect_timeout_ns = 3'000'000'000;

  // Told to the peer.
  bool is_inline = false;  // Run by JavaScript: see kInlineLivenessUs.
  uint32_t liveness_us = kLivenessUsDefault;
  uint32_t ack_delay_us = ReceivedPackets::kAckDelayNs / 1'000;
  uint32_t in_flight_bytes_max = 1u << 20;
  uint32_t datagram_bytes_max = kDatagramBytesMax;
  uint32_t message_bytes_max = kStreamMessageBytesDefault;
  uint32_t stream_window_bytes = kStreamRingBytesDefault;
  uint16_t streams_max = 64;

  bool uses_static_window = false;
  uint32_t static_window_bytes = 0;

  RandomSource random;
  const KeyLog* key_log = nullptr;  // Outlives the endpoint.
};

// An inline end may be silent for as long as a garbage collection or a blocked event loop lasts;
// its options get at least this.
inline constexpr uint32_t kInlineLivenessUs = 2'000'000;
// An hour: whoever wants to outlast more than any partition gets no use of it being longer.
inline constexpr uint32_t kLivenessUsMax = 3'600'000'000;

enum class SessionEventKind : uint8_t { kEstablished, kEnded };

struct SessionEvent {
  SessionEventKind kind = SessionEventKind::kEstablished;
  SessionRef session;
  bool is_initiator = false;                // connect() began it
  CloseReason reason = CloseReason::kNone;  // of kEnded
  // Why the responder refused (reason kRefused), else kAccepted.
  HandshakeStatus refusal = HandshakeStatus::kAccepted;
};

class Endpoint {
 public:
  struct Transmit {
    uint32_t bytes;         // 0: nothing to send now
    const PathAddress* to;  // valid until the next call on the endpoint
    SessionRef session;     // whose it is, for on_too_large(); none of a handshake's
  };

  // Allocates the tables. ERR_CONFIG: an option is out of its bounds; ERR_CRYPTO_UNAVAILABLE.
  static Result<std::unique_ptr<Endpoint>> create(uint64_t now_ns, const EndpointOptions& options);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Begins a session with the listener at `to` whose static key is `remote` (ignored when
  // insecure). next_event() tells kEstablished, or kEnded with kRefused or kHandshakeTimeout.
  // ERR_LIMIT: sessions_max reached.
  Result<SessionRef> connect(uint64_t now_ns, const PathAddress& to,
                             const crypto::PublicKey& remote);

  // A datagram from the socket, decrypted in place; `datagram` is 8-aligned. Views given to
  // `sink` may point into it. A session's kEstablished comes before its first message.
  void on_datagram(uint64_t now_ns, uint8_t* datagram, uint32_t bytes, const PathAddress& from,
                   const MessageSink& sink);
  // Writes the next datagram into `to` (datagram_bytes_max bytes, kDatagramBytesMin at least);
  // call until it gives 0 bytes. O(1) when there is nothing to send.
  [[nodiscard]] Transmit next_transmit(uint64_t now_ns, std::span<uint8_t> to);
  // The kernel would not send a datagram of this session with so many bytes (EMSGSIZE).
  void on_too_large(uint64_t now_ns, SessionRef ref, uint32_t bytes);
  // Whether next_transmit() may have something. O(1).
  [[nodiscard]] bool has_transmit() const noexcept {
    return !replies_.is_empty() || working_.head != kNoSlot;
  }

  // When on_deadline() is due next; kNeverNs: not before something else happens. O(1) when
  // nothing changed.
  [[nodiscard]] uint64_t next_deadline_ns() noexcept {
    if (moved_index_ != kNoSlot) settle_deadline();
    return deadlines_.next_ns();
  }
  // Runs every timer that is due.
  void on_deadline(uint64_t now_ns);

  // The next thing that happened to a session. A session that ended, its received messages and
  // its counters stay until the call after the one that told of its end.
  [[nodiscard]] bool next_event(SessionEvent& event);

  // The session, or null while it is not established, or gone.
  [[nodiscard]] Session* session(SessionRef ref) noexcept;
  // To be called after anything was asked of the session itself (offer, commit, drain, close …):
  // it is asked for datagrams again, and its timers are looked at.
  void touch(SessionRef ref) noexcept;
  // Where its packets go; null as for session(). The static key of the other end: zeros when
  // insecure.
  [[nodiscard]] const PathAddress* path_of(SessionRef ref) noexcept;
  [[nodiscard]] const crypto::PublicKey* peer_key_of(SessionRef ref) noexcept;

  // Ends an attempt of connect() that is not established: no event follows. Nothing to do for
  // others (close the session itself).
  void cancel(SessionRef ref) noexcept;
  // From now on new handshakes are refused (status: shutting down), or taken again.
  void reject_new(bool is_rejecting) noexcept { is_rejecting_ = is_rejecting; }
  // Who may connect from now on; sessions that are there go on. Empty: everybody.
  void set_allow_list(std::vector<crypto::PublicKey> allow_list) {
    options_.allow_list = std::move(allow_list);
  }
  // Tells every session's peer that this end is gone, and ends attempts. What is left is to send
  // what next_transmit() gives and to take the events.
  void close_all(uint64_t now_ns, CloseReason reason);

  // No session, no attempt and nothing to send: what close_all() leads to.
  [[nodiscard]] bool is_idle() const noexcept {
    return slots_.taken_count() == 0 && replies_.is_empty();
  }

  [[nodiscard]] const RaptorCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const EndpointOptions& options() const noexcept { return options_; }

 private:
  Endpoint(uint64_t now_ns, const EndpointOptions& options,
           const crypto::Secret<crypto::kKeyBytes>& cookie_secret);

  // endpoint_datapath.cc
  void on_data(uint64_t now_ns, uint8_t* datagram, uint32_t bytes, const PathAddress& from,
               const MessageSink& sink);
  Transmit transmit_from(uint64_t now_ns, uint16_t index, std::span<uint8_t> to);
  void work_push(uint16_t index) noexcept;
  void work_pop() noexcept;
  void note_state(uint16_t index) noexcept;
  void note_rare(uint16_t index) noexcept;
  void settle_deadline() noexcept;
  void refresh(uint16_t index) noexcept;
  void run_deadline(uint64_t now_ns, uint16_t index);

  // endpoint_handshake.cc: cold, and allocates.
  void on_initiate(uint64_t now_ns, uint8_t* datagram, uint32_t bytes, const PathAddress& from);
  bool admit(uint64_t now_ns, const InitiatePacket& packet, const PathAddress& from,
             bool is_proven);
  uint64_t host_of(const PathAddress& address) const noexcept;
  // Of sessions_max. A half-open entry of an address that is not proven takes none: whoever can
  // write any address into a packet could else have all of them.
  uint64_t taken_sessions() const noexcept {
    return counters_.sessions_open + attempt_count_ + slots_.held_count();
  }
  bool may_answer(uint64_t now_ns, uint64_t host) noexcept;
  void answer(uint64_t now_ns, const InitiatePacket& packet, const uint8_t* header,
              const PathAddress& from, uint64_t host);
  HandshakeStatus judge(const ResponderHandshake& handshake, uint8_t version,
                        const PathAddress& from) const noexcept;
  void refuse(ResponderHandshake& handshake, HandshakeStatus status, uint8_t version,
              const PathAddress& from);
  void count_refusal(HandshakeStatus status) noexcept;
  void reply(const PathAddress& to, std::span<const uint8_t> datagram) noexcept;
  void on_retry(uint64_t now_ns, const uint8_t* datagram, uint32_t bytes, const PathAddress& from);
  void on_respond(uint64_t now_ns, const uint8_t* datagram, uint32_t bytes,
                  const PathAddress& from);
  void turn_away(uint64_t now_ns, uint16_t index);
  void confirm(uint64_t now_ns, uint16_t index, const DataHeader& header, uint8_t* datagram,
               uint32_t bytes, const MessageSink& sink);
  std::unique_ptr<Session> make_session(uint64_t now_ns, uint16_t index, const SessionKeys& keys,
                                        const Parameters& remote, uint64_t rtt_ns);
  void open(uint16_t index, std::unique_ptr<Session> session, const SessionKeys& keys);
  void run_attempt(uint64_t now_ns, uint16_t index) noexcept;
  uint32_t write_attempt(uint64_t now_ns, uint16_t index, uint8_t* to) noexcept;
  Result<HandshakeIdentity> identity();

  // endpoint.cc
  Parameters parameters(uint64_t session_id) const noexcept;
  void fill_random(std::span<uint8_t> to);
  uint16_t take_slot(const PathAddress& address);
  SessionRef ref_of(uint16_t index) const noexcept {
    return {uint32_t{slots_[index].generation} << 16 | index};
  }
  SessionSlot* slot_of(SessionRef ref) noexcept;
  void event_push(uint16_t index, SlotEvent event) noexcept;
  void end(uint16_t index, CloseReason reason) noexcept;
  void release(uint16_t index) noexcept;
  void release_if_done(uint16_t index) noexcept;

  // What every datagram and every poll touches.
  alignas(kCacheLineBytes) SlotList working_;  // Slots that may have something to send.
  SlotList events_;                            // Slots that have an event to tell.
  uint16_t ended_index_ = kNoSlot;  // Told by the last next_event(), released by the next.
  uint16_t moved_index_ = kNoSlot;  // The slot whose deadline is not in the heap yet.
  uint32_t burst_count_ = 0;        // Datagrams in a row from the head of working_.
  bool is_rejecting_ = false;
  const bool has_key_log_;
  ReplyQueue replies_;
  SessionTable slots_;
  DeadlineHeap deadlines_;
  RaptorCounters counters_;

  uint32_t attempt_count_ = 0;  // Slots of connect() without an answer.
  PathAddress reply_to_;        // What Transmit::to points to for a reply.
  CookieJar cookies_;
  Pressure pressure_;
  EndpointOptions options_;
  crypto::Hash mac_key_;  // Of INITIATEs to us.
};

}  // namespace hyperroute::raptor
