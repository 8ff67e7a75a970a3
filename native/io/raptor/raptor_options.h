// The options of a raptor endpoint and their checks. Thread: control.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "crypto/noise.h"
#include "io/address.h"
#include "io/lossy/lossy.h"
#include "raptor/endpoint.h"
#include "raptor/stream_mode.h"

namespace hyperroute {

enum class RaptorMode : uint8_t { kListen, kConnect };

// The most that may wait behind a session whose peer is slow.
inline constexpr uint32_t kRaptorBacklogBytesMax = 1u << 29;
inline constexpr uint32_t kRaptorWindowBytesMax = raptor::kStreamRingBytesMax;
// Session indexes are 16 bits wide, and each listener is laid out for twice its sessions: those
// that have ended while messages of theirs still wait keep their peer.
inline constexpr uint32_t kRaptorSessionsMax = 16'384;

struct RaptorOptions {
  RaptorMode mode = RaptorMode::kListen;
  SocketAddress address;     // Listened on, or connected to.
  bool exposed = false;      // kListen: whether `address` may be anything but loopback.
  bool reuses_port = false;  // kListen: other listeners may have the port, too.

  // No encryption and no keys: on loopback, or wherever `insecure_exposed` says so a second time.
  bool insecure = false;
  bool insecure_exposed = false;
  // Without one, kConnect makes one up for as long as the endpoint is open.
  bool has_private_key = false;
  crypto::PrivateKey private_key;
  std::vector<crypto::PublicKey> allow_list;  // kListen; empty: whoever knows our public key.
  crypto::PublicKey server_key{};             // kConnect.

  // Of what is sent; of what is received the other end decides. ring_bytes 0: as large as needed.
  raptor::StreamOptions stream;
  uint32_t message_bytes_max = raptor::kStreamMessageBytesDefault;  // Both ways.
  // What a peer may have sent and we not routed.
  uint32_t window_bytes = raptor::kStreamRingBytesDefault;
  uint32_t liveness_us = raptor::kLivenessUsDefault;
  bool is_inline = false;  // Run by JavaScript, which may pause.
  // Static: what may be under way, whatever the network's queues do; 0: what the peer takes.
  bool uses_static_window = false;
  uint32_t static_window_bytes = 0;
  std::string key_log_path;  // Where the keys of sessions are written; empty: nowhere.

  uint32_t read_budget = 64;  // Messages of one session in one burst.
  uint32_t receive_buffer_bytes = 4u << 20;
  uint32_t send_buffer_bytes = 1u << 20;
  uint32_t backlog_bytes = 1u << 20;  // kListen: what waits behind a session that is full.
  bool drop_oldest = false;           // A full backlog makes room by dropping its oldest messages.
  LossyOptions lossy;                 // Tests and benches.

  // kListen.
  uint32_t sessions_max = 1024;

  // kConnect. The pause between attempts doubles from min to max, less a random part.
  uint64_t reconnect_min_ns = 50'000'000;
  uint64_t reconnect_max_ns = 5'000'000'000;
  uint64_t connect_timeout_ns = 3'000'000'000;
};

// kConfig names the option, what was expected and what was given.
Status check_raptor_options(const RaptorOptions& options);

// Whether an endpoint that was opened with `opened` takes these options over by reconfigure(); if
// not (other keys, another address, larger limits), it needs a new backend. Control thread.
bool can_reconfigure(const RaptorOptions& opened, const RaptorOptions& wanted) noexcept;

// How many peers a backend is laid out for.
uint32_t raptor_peer_capacity(const RaptorOptions& options) noexcept;

}  // namespace hyperroute
