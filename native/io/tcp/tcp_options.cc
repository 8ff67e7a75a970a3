// Checks of tcp options. Control thread.
#include "io/tcp/tcp_options.h"

#include <algorithm>

#include "io/endpoint.h"
#include "io/peer_table.h"
#include "io/socket_setup.h"

namespace hyperroute {
namespace {

// One live connection, and one that is lost while messages it sent still wait to be handed out.
constexpr uint32_t kConnectCapacity = 4;
constexpr uint32_t kListenCapacityMin = 256;

Status check_listen(const TcpOptions& options) {
  HR_TRY(check_bind_address(options.address, options.exposed));
  if (options.connections_max == 0 || options.connections_max > kPeersMax) {
    return Status::error(StatusCode::kConfig, "maxConnections: expected 1 to %u, got %u", kPeersMax,
                         options.connections_max);
  }
  if (options.accept_queue_max == 0) {
    return Status::error(StatusCode::kConfig, "backlog: expected 1 or more, got 0");
  }
  return Status::success();
}

Status check_connect(const TcpOptions& options) {
  HR_TRY(check_remote_address(options.address, options.address.family()));
  if (options.reconnect_min_ns < kMillisecondNs ||
      options.reconnect_max_ns < options.reconnect_min_ns) {
    return Status::error(
        StatusCode::kConfig, "reconnect: expected 1 ≤ minMs ≤ maxMs, got %llu and %llu",
        static_cast<unsigned long long>(options.reconnect_min_ns / kMillisecondNs),
        static_cast<unsigned long long>(options.reconnect_max_ns / kMillisecondNs));
  }
  if (options.connect_timeout_ns < kMillisecondNs) {
    return Status::error(StatusCode::kConfig, "connectTimeoutMs: expected 1 or more");
  }
  return Status::success();
}

}  // namespace

Status check_tcp_options(const TcpOptions& options) {
  Result<Framing> framing = Framing::create(options.framing, options.frame_bytes_max);
  if (!framing.ok()) return framing.status();
  if (options.read_budget == 0) {
    return Status::error(StatusCode::kConfig, "readBudget: expected 1 or more, got 0");
  }
  if (options.backlog_bytes == 0 || options.backlog_bytes > kBacklogBytesMax) {
    return Status::error(StatusCode::kConfig, "queue.bytes: expected 1 to %u, got %u",
                         kBacklogBytesMax, options.backlog_bytes);
  }
  return options.mode == TcpMode::kListen ? check_listen(options) : check_connect(options);
}

bool can_reconfigure(const TcpOptions& opened, const TcpOptions& wanted) noexcept {
  return wanted.mode == opened.mode && wanted.address == opened.address &&
         wanted.framing == opened.framing && wanted.frame_bytes_max <= opened.frame_bytes_max &&
         wanted.backlog_bytes <= opened.backlog_bytes &&
         (opened.mode == TcpMode::kConnect ||
          wanted.connections_max <= connection_capacity(opened));
}

uint32_t connection_capacity(const TcpOptions& options) noexcept {
  if (options.mode == TcpMode::kConnect) return kConnectCapacity;
  return std::min(std::max(options.connections_max * 2, kListenCapacityMin), kPeersMax);
}

}  // namespace hyperroute
