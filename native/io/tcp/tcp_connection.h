// One connection of a tcp endpoint: its socket, its receive buffer, its backlog.
//
// Owner: the endpoint's worker. Data path: state only; the code is in tcp_*_datapath.cc.
//
//   received:  0 ≤ handed_bytes ≤ received_bytes ≤ capacity
//              before handed_bytes: frames handed out; after it: frames to hand out, and the
//              start of one. Holding a message moves handed_bytes back to its frame.
#pragma once

#include <cstdint>

#include "io/endpoint.h"
#include "io/tcp/framing.h"
#include "io/tcp/tcp_backlog.h"
#include "io/unique_fd.h"

namespace hyperroute {

enum class TcpState : uint8_t {
  kFree,
  kOpen,
  kHalfOpen,  // The peer has ended its input; answers may still go out until a time-out.
  kDrained,   // The socket is closed; messages that were received whole wait to be handed out.
};

struct TcpConnection {
  UniqueFd socket;
  PeerRef peer{0, 0};
  TcpState state = TcpState::kFree;
  bool is_ready = false;     // It is in the queue of those whose turn comes.
  bool is_held = false;      // Its next message was held: the next turn offers only that one.
  bool is_readable = false;  // The socket may have more; a read that finds it empty clears it.
  bool is_hung_up = false;   // The kernel has seen the end: only a read of 0 bytes is the last.
  bool is_at_end = false;    // That read has happened.
  bool is_broken = false;    // The bytes at handed_bytes are no frame; `fault` says why.
  ScanStatus fault = ScanStatus::kBad;

  uint8_t* received = nullptr;
  uint32_t handed_bytes = 0;
  uint32_t received_bytes = 0;
  uint32_t counted_bytes = 0;   // Frames before this have been counted, held or not.
  uint32_t searched_bytes = 0;  // After handed_bytes, known to hold no delimiter.
  uint32_t received_peak_bytes = 0;
  uint32_t frame_bytes_max = 0;

  uint64_t next_sequence = 1;
  uint64_t half_open_deadline_ns = 0;
  TcpBacklog backlog;
};

}  // namespace hyperroute
