// The message-level half of the packet I/O contract: what a backend owes the engine.
//
// A backend owns the sockets of one endpoint and is both a source and a destination. It is opened
// and reconfigured by the control thread and used by exactly one worker at a time; the functions
// below marked "worker" are on the data path and neither block nor allocate per message. The
// engine takes the backend as a template parameter (`MessageBackend`), so a burst costs no
// indirect call per message.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "ring/session_rows.h"

namespace hyperroute {

// Names one connection of an endpoint, or one sender of a datagram socket. The generation changes
// whenever the index is taken by another peer, so a stale reference is recognised and never
// reaches a stranger.
struct PeerRef {
  uint16_t index;
  uint16_t generation;
  friend bool operator==(const PeerRef&, const PeerRef&) = default;
};

// "The peer the endpoint is configured with": the remote of a udp endpoint or of tcp.connect.
inline constexpr PeerRef kDefaultPeer{0xFFFF, 0};

// A received message. The bytes stay valid and unchanged until the view is released, or, for a
// held view, until it is handed out again by a later rx_burst. Every view of a burst is released
// or held before the next rx_burst, tx_burst or progress.
struct RxView {
  const uint8_t* data;
  uint32_t bytes;
  PeerRef peer;
  uint64_t cookie;  // The backend's own: which buffer or connection the view belongs to.
};

enum class TxVerdict : uint8_t {
  kPending,   // Not taken yet: offer it again in the next cycle.
  kSent,      // Written to the socket, or moved to the connection's own bounded backlog.
  kPeerGone,  // The peer named does not exist any more: undeliverable.
  kTooLarge,  // The transport cannot carry it (a datagram over the limit): undeliverable.
  kFailed,    // The transport refused it for good (an unreachable address): undeliverable.
};

// A frame to send. The bytes lie in the destination's queue and stay there until the verdict is
// final, so that a system call can gather many frames without a copy.
struct TxFrame {
  uint8_t* data;
  uint32_t bytes;
  PeerRef peer;
  TxVerdict verdict;
  uint8_t producer;  // Which worker's queue it lies in: a backend that keeps finished_bytes counts
                     // there. Below kProducersMax.
};

// Workers that may send to one endpoint.
inline constexpr uint32_t kProducersMax = 16;

// How much a producing worker may queue for one connection is bounded, and only the backend knows
// when a frame has finally left a connection's backlog. For each producer and connection it counts
// the frame bytes it was given and is done with (written, or given up), modulo 2^32.
struct FinishedBytes {
  const std::atomic<uint32_t>* by_peer_index;  // nullptr: no quota; the queue is the only bound.
  uint32_t peer_count;
};

// Counters of one endpoint, written by its worker only and read from anywhere. The engine points
// each at a slot of the counters file; the names are the labels that `stat` prints. A verdict other
// than kSent is counted as undeliverable by the engine; the backend adds the messages it had taken
// (kSent) and could not send after all. Where the peer acknowledges what it has got, those are the
// ones that it did not acknowledge to the end.
#define HR_ENDPOINT_COUNTERS(X)                                                         \
  X(rx_messages)         /* messages handed to the router */                            \
  X(rx_bytes)            /* their bytes */                                              \
  X(tx_messages)         /* messages given to the transport */                          \
  X(tx_bytes)            /* their bytes */                                              \
  X(rx_oversize)         /* frames or datagrams over the limit, dropped or cut off */   \
  X(rx_truncated)        /* datagrams cut by the buffer, frames cut by a closed peer */ \
  X(rx_bad_frames)       /* lengths and counts that cannot be true */                   \
  X(kernel_drops)        /* datagrams the kernel dropped because the buffer was full */ \
  X(undeliverable)       /* messages whose peer was gone or whose send failed */        \
  X(dropped_oldest)      /* messages the drop-oldest policy discarded */                \
  X(connections)         /* gauge: open connections, or known datagram senders */       \
  X(connections_opened)  /* accepted or established since the start */                  \
  X(connections_closed)  /* closed by either side since the start */                    \
  X(connections_cut)     /* closed by us because of what the peer sent */               \
  X(connections_refused) /* accepted and closed at once: over the limit */              \
  X(connect_failures)    /* attempts to connect that failed */                          \
  X(io_errors)           /* unexpected socket errors */

// Of a backend with kSessionCounterNames: why sessions did not come to be, in the words of those
// who run it. The label, and the name in JavaScript. Each end counts for itself: of what a listener
// refuses and says so, both.
#define HR_ATTEMPT_COUNTERS(X)                                                                 \
  /* Made for another public key than the listener's, or answered with another private one. */ \
  X(refused_wrong_key, "refusedWrongKey")                                                      \
  /* The key of who connects is not in the listener's `allow`. */                              \
  X(refused_not_allowed, "refusedNotAllowed")                                                  \
  X(refused_version, "refusedVersion")                                                         \
  /* One end is `insecure` and the other is not. */                                            \
  X(refused_insecure, "refusedInsecure")                                                       \
  /* The listener has all the sessions that it takes. */                                       \
  X(refused_busy, "refusedBusy")                                                               \
  X(refused_shutting_down, "refusedShuttingDown")                                              \
  X(refused_cookie, "refusedCookie")                                                           \
  /* Too many were under way, of one host or in all: dropped, and asked again. */              \
  X(refused_crowded, "refusedCrowded")                                                         \
  /* Nobody answered, or confirmed an answer, in time. */                                      \
  X(unanswered, "unanswered")                                                                  \
  /* Of no session or attempt, not from where its peer is, or nothing of this protocol. */     \
  X(stray_datagrams, "strayDatagrams")                                                         \
  /* Lines of the key log that its disk did not take. */                                       \
  X(key_log_lost, "keyLogLost")

struct EndpointCounters {
#define HR_COUNTER_FIELD(name) std::atomic<uint64_t>* name;
  HR_ENDPOINT_COUNTERS(HR_COUNTER_FIELD)
#undef HR_COUNTER_FIELD
  // Of a backend with kSessionCounterNames: why sessions did not come to be, and what it shows of
  // each that did.
  struct Attempts {
#define HR_COUNTER_FIELD(name, js_name) std::atomic<uint64_t>* name;
    HR_ATTEMPT_COUNTERS(HR_COUNTER_FIELD)
#undef HR_COUNTER_FIELD
  } attempts;
  SessionRows sessions;
};

// Adds to a single-writer counter: a plain load and store, no locked instruction.
inline void count(std::atomic<uint64_t>* counter, uint64_t amount = 1) {
  // Relaxed: a counter has one writer, and a reader only wants a recent value.
  counter->store(counter->load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

enum Capability : uint32_t {
  kCanWait = 1u << 0,          // wait_fd() becomes readable when a sleeping worker has to wake.
  kConnections = 1u << 1,      // Peers are connections with their own backlog and quota.
  kPreservesBounds = 1u << 2,  // The transport keeps message boundaries without framing.
};

// Bytes around a message that the framing of a destination needs. The engine claims
// head + message + tail, the transform writes the message in the middle, and `seal` completes it.
struct FrameRoom {
  uint32_t head_bytes;
  uint32_t tail_bytes;
  uint32_t message_bytes_max;
};

template <class Backend>
concept MessageBackend = requires(Backend backend, const Backend const_backend, const RxView& view,
                                  std::span<RxView> views, std::span<TxFrame> frames,
                                  uint64_t now_ns, PeerRef peer, uint8_t* frame,
                                  const typename Backend::Options& options) {
  // Worker. Fills `views` with messages that have arrived, at most one system call burst and at
  // most the read budget of each connection; a peer's held views come before its newer ones.
  // Returns the count.
  { backend.rx_burst(views, now_ns) } -> std::same_as<uint32_t>;
  // Worker. The message was delivered or rejected; its bytes may be overwritten.
  { backend.release(view) } -> std::same_as<void>;
  // Worker. The message cannot be taken now: rx_burst hands it out again later, and nothing more
  // is read from its peer until then. Every later view of the burst for which is_held() is true
  // must be held as well, in order.
  { backend.hold(view) } -> std::same_as<void>;
  { const_backend.is_held(view) } -> std::same_as<bool>;
  // Worker. Sends frames in order and sets their verdicts. Returns how many leading frames are
  // final; the rest stays kPending because the transport is full (tx_blocked() is then true).
  { backend.tx_burst(frames) } -> std::same_as<uint32_t>;
  { const_backend.tx_blocked() } -> std::same_as<bool>;
  // Worker. The number that this peer's next message carries (`sequence()` in a transform).
  // Counts from 1 for each connection; taking it advances it.
  { backend.take_sequence(peer) } -> std::same_as<uint64_t>;
  // Any worker. Whether a message for this peer could be delivered now.
  { const_backend.is_live(peer) } -> std::same_as<bool>;
  // Worker. Timers: reconnects, time-outs, kernel counters. Returns the next deadline in
  // monotonic ns, UINT64_MAX for none. Called at least every few ms while the worker is awake.
  { backend.progress(now_ns) } -> std::same_as<uint64_t>;
  // Worker. Called before the worker sleeps: wait_fd() must be or become readable if there is
  // something to read, or, when tx_blocked(), if there is room to send again. Returns false if
  // there is something to do right now, in which case the worker does not sleep.
  { backend.prepare_wait() } -> std::same_as<bool>;
  { const_backend.wait_fd() } -> std::same_as<int>;
  { const_backend.capabilities() } -> std::same_as<uint32_t>;
  // Control, before the backend is used. What the quotas of this producer are measured against.
  { const_backend.finished_bytes(uint32_t{}) } -> std::same_as<FinishedBytes>;
  // Any thread. Room and limits of the framing, fixed for the life of the backend.
  { const_backend.frame_room() } -> std::same_as<FrameRoom>;
  // Producing worker. Completes a frame whose message of `message_bytes` lies at
  // frame + head_bytes: writes prefix or delimiter. Returns the frame's bytes, 0 if the message
  // does not fit this framing (then the router rejects it with FRAME_SIZE).
  { const_backend.seal(frame, uint32_t{}) } -> std::same_as<uint32_t>;
  // Worker. Stops taking new peers and stops reading; what is queued may still be sent, and whole
  // messages that had been read already, held ones too, are still handed out by rx_burst.
  { backend.stop_reading() } -> std::same_as<void>;
  // Worker. Applies new options to what comes after: a listener's next connections, a socket's
  // limits. The address never changes this way.
  { backend.reconfigure(options) } -> std::same_as<void>;
  // Worker. Lets no new peer in (closes the listener); peers that are there go on. Nothing to do
  // where there are no connections.
  { backend.stop_accepting() } -> std::same_as<void>;
  // Worker. Nothing that tx_burst took waits in a backlog of the backend's own, nor, once reading
  // has stopped, anywhere that close() would drop it.
  { const_backend.tx_idle() } -> std::same_as<bool>;
  // Worker. Bytes for the default peer that tx_burst took and that have not left: what waits
  // behind the queue.
  { const_backend.tx_backlog_bytes() } -> std::same_as<uint32_t>;
  // Worker. No message that was read waits to be handed out.
  { const_backend.rx_idle() } -> std::same_as<bool>;
  // Worker. Open connections, or known senders.
  { const_backend.peer_count() } -> std::same_as<uint32_t>;
  // Worker. Closes every socket; only destruction may follow. Returns how many messages that it had
  // taken (kSent) now count as undeliverable.
  { backend.close() } -> std::same_as<uint32_t>;
};

}  // namespace hyperroute
