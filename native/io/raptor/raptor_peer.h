// One session of a raptor endpoint as the router sees it: a peer, its streams, what waits for it.
//
// Owner: the endpoint's worker. Data path: state only; the code is in raptor_*_datapath.cc.
#pragma once

#include <cstdint>

#include "io/endpoint.h"
#include "io/raptor/message_queue.h"
#include "raptor/endpoint.h"
#include "ring/session_rows.h"

namespace hyperroute {

enum class RaptorPeerState : uint8_t {
  kFree,
  kOpen,
  kEnded,  // The session is gone; messages that were received wait to be handed out.
};

struct RaptorPeer {
  PeerRef peer{0, 0};
  RaptorPeerState state = RaptorPeerState::kFree;
  raptor::SessionRef session;
  uint16_t stream = 0;  // What is sent to it goes on this one.

  bool is_held = false;        // Its next message was held: the next turn offers only that one.
  bool is_queued = false;      // In the list of those whose `received` holds something.
  bool has_refused = false;    // Its session keeps messages that were refused.
  bool is_backlogged = false;  // In the list of those with a backlog.
  uint32_t staged_count = 0;   // Of its messages that wait where they were received.
  // Bytes that had been received when reading stopped and may still be handed out, at most.
  uint32_t allowance_bytes = 0;
  uint64_t next_sequence = 1;
  uint64_t opened_ns = 0;              // Since 1970.
  uint32_t row_index = kNoSessionRow;  // Of the session in the counters file.
  MessageQueue received;               // Copies of what could not be routed, or came in pieces.
  MessageQueue backlog;                // kListen: what its session has no room for.
};

}  // namespace hyperroute
