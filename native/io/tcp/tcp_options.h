// The options of a tcp endpoint and their checks. Thread: control.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "io/address.h"
#include "io/tcp/framing.h"

namespace hyperroute {

enum class TcpMode : uint8_t { kListen, kConnect };

// The most a connection's backlog may hold.
inline constexpr uint32_t kBacklogBytesMax = 1u << 29;
inline constexpr uint64_t kMillisecondNs = 1'000'000;

struct TcpOptions {
  TcpMode mode = TcpMode::kListen;
  SocketAddress address;  // Listened on, or connected to.
  bool exposed = false;   // kListen: whether `address` may be anything but loopback.
  FramingOptions framing;
  uint32_t frame_bytes_max = 64 * 1024;  // Headers and delimiters included.
  bool no_delay = true;
  uint32_t read_budget = 64;          // Messages of one connection in one burst.
  uint32_t receive_buffer_bytes = 0;  // 0: what the system gives.
  uint32_t send_buffer_bytes = 0;
  uint32_t backlog_bytes = 1024 * 1024;  // Of a connection: what its socket did not take yet.
  bool drop_oldest = false;  // A full backlog makes room by dropping its oldest messages.

  // kListen.
  uint32_t connections_max = 1024;
  uint32_t accept_queue_max = 512;  // Connections that the kernel keeps until they are accepted.
  // The listener of another backend to share instead of binding one, while that one drains; -1:
  // none. Its owner keeps it open until open() returns.
  int inherited_listener = -1;
  uint64_t half_open_timeout_ns = 30'000 * kMillisecondNs;  // After the peer's end of input.

  // kConnect. The pause between attempts doubles from min to max, less a random part.
  uint64_t reconnect_min_ns = 50 * kMillisecondNs;
  uint64_t reconnect_max_ns = 5'000 * kMillisecondNs;
  uint64_t connect_timeout_ns = 5'000 * kMillisecondNs;
};

// kConfig names the option, what was expected and what was given.
Status check_tcp_options(const TcpOptions& options);

// Whether an endpoint that was opened with `opened` takes these options over by reconfigure(); if
// not (another address or framing, larger limits), it needs a new backend. Control thread.
bool can_reconfigure(const TcpOptions& opened, const TcpOptions& wanted) noexcept;

// How many connections a backend is laid out for: room to raise connections_max while it runs.
uint32_t connection_capacity(const TcpOptions& options) noexcept;

}  // namespace hyperroute
