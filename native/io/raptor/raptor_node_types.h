// What a RaptorNode is opened with, what it tells and what it counts.
// Thread: any (plain values).
#pragma once

#include <cstdint>

#include "crypto/noise.h"
#include "io/address.h"
#include "io/raptor/raptor_socket.h"
#include "raptor/message_view.h"
#include "raptor/session.h"
#include "raptor/stream_mode.h"

namespace hyperroute {

inline constexpr uint32_t kNodePublicationsMax = 1'024;
inline constexpr uint32_t kNodeSubscriptionsMax = 1'024;
inline constexpr uint32_t kNodeLinksMax = 256;
// What nobody has asked for is lost beyond this, and counted.
inline constexpr uint32_t kNodeEventsMax = 4'096;
// Messages of sessions that ended, while their subscriptions take nothing.
inline constexpr uint64_t kNodeRemainderBytesMax = 64u << 20;
// Messages in a row that a slow receiver may miss before its stream is ended.
inline constexpr uint32_t kNodeMissesMax = 1'024;
inline constexpr uint64_t kNodeReconnectNsMin = 1'000'000;
// What is sent in one piece.
inline constexpr uint32_t kNodeClaimBytesMax = raptor::kRecordPayloadBytesMax;

// The numbers of sessions are SessionRef::value; those of publications, subscriptions and links
// are the node's own, never 0 and not used twice in a row.

struct RaptorNodeOptions {
  RaptorSocketOptions socket;
  // With `insecure`: also where others can read and forge.
  bool insecure_exposed = false;
  // What comes under a label without a subscription: waits for one and so holds its publisher
  // up, or is dropped and counted.
  bool drops_unsubscribed = false;
};

struct RaptorLinkOptions {
  SocketAddress to;
  crypto::PublicKey key{};  // The listener's; not with `insecure`.
  // Waits between attempts, doubled from the one to the other.
  uint64_t reconnect_ns_min = 50'000'000;
  uint64_t reconnect_ns_max = 5'000'000'000;
};

// What happens where one of several receivers has no room.
enum class SlowReceivers : uint8_t {
  kWait,  // The offer is refused, for all.
  kDrop,  // That receiver misses the message; after misses_max in a row its stream ends.
};

struct RaptorPublicationOptions {
  raptor::StreamOptions stream;
  SlowReceivers slow_receivers = SlowReceivers::kWait;
  uint32_t misses_max = kNodeMissesMax;
  uint32_t session = 0;  // 0: every session
};

struct RaptorSubscriptionOptions {
  uint64_t label = 0;
  // Views of one call belong to one stream of one session.
  raptor::MessageSink sink;
};

enum class RaptorNodeEventKind : uint8_t {
  kSessionOpened,
  kSessionEnded,    // `reason`, `unacknowledged`
  kConnectFailed,   // `link`, `reason`, of kRefused also `refusal`
  kReceiverEnded,   // `publication` goes to `session` no more: it missed too much
  kReceiverLeftOut  // `publication` cannot go to `session`: too many streams, too small messages
};

struct RaptorNodeEvent {
  RaptorNodeEventKind kind = RaptorNodeEventKind::kSessionOpened;
  uint32_t session = 0;
  uint32_t publication = 0;
  uint32_t link = 0;  // 0: of a session that the other end began
  raptor::CloseReason reason = raptor::CloseReason::kNone;
  raptor::HandshakeStatus refusal = raptor::HandshakeStatus::kAccepted;
  // Messages that were taken for the session and not acknowledged: nobody knows whether they came.
  uint64_t unacknowledged = 0;
  SocketAddress remote;
  crypto::PublicKey key{};  // The peer's; zeros with `insecure`.
};

struct RaptorSessionInfo {
  uint32_t session = 0;
  uint32_t link = 0;
  SocketAddress remote;
  crypto::PublicKey key{};
  raptor::SessionCounters counters;
};

struct RaptorPublicationCounters {
  uint64_t messages = 0;       // taken
  uint64_t back_pressure = 0;  // offers that found no room
  uint64_t missed = 0;         // messages times receivers that got them not
  uint64_t receivers_ended = 0;
  uint32_t receivers = 0;  // gauge
};

struct RaptorNodeCounters {
  uint64_t received = 0;        // messages that sinks took
  uint64_t unsubscribed = 0;    // dropped, for no subscription wanted them
  uint64_t lost_at_end = 0;     // received of sessions that ended, and no room to keep them
  uint64_t unacknowledged = 0;  // sent, and not acknowledged when their session ended
  uint64_t events_lost = 0;
};

}  // namespace hyperroute
