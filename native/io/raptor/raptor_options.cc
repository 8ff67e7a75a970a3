// Checks of raptor options. Control thread.
#include "io/raptor/raptor_options.h"

#include <algorithm>

#include "io/endpoint.h"
#include "io/peer_table.h"
#include "io/socket_setup.h"
#include "raptor/endpoint.h"

namespace hyperroute {
namespace {

constexpr uint64_t kMillisecondNs = 1'000'000;
// One live session, and some that ended while messages of theirs still wait to be handed out.
constexpr uint32_t kConnectCapacity = 4;
constexpr uint32_t kListenCapacityMin = 64;
constexpr uint32_t kLivenessUsMin = 10'000;

Status check_listen(const RaptorOptions& options) {
  HR_TRY(check_bind_address(options.address, options.exposed));
  if (!options.insecure && !options.has_private_key) {
    return Status::error(StatusCode::kConfig, "keys: expected the private key of a listener");
  }
  if (options.sessions_max == 0 || options.sessions_max > kRaptorSessionsMax) {
    return Status::error(StatusCode::kConfig, "maxSessions: expected 1 to %u, got %u",
                         kRaptorSessionsMax, options.sessions_max);
  }
  if (options.reuses_port && options.address.port() == 0) {
    return Status::error(StatusCode::kConfig, "reusePort: expected a port other than 0");
  }
  if (options.backlog_bytes == 0 || options.backlog_bytes > kRaptorBacklogBytesMax) {
    return Status::error(StatusCode::kConfig, "queue.bytes: expected 1 to %u, got %u",
                         kRaptorBacklogBytesMax, options.backlog_bytes);
  }
  return Status::success();
}

Status check_connect(const RaptorOptions& options) {
  HR_TRY(check_remote_address(options.address, options.address.family()));
  if (!options.insecure && options.server_key == crypto::PublicKey{}) {
    return Status::error(StatusCode::kConfig, "serverKey: expected the public key of the listener");
  }
  if (options.reconnect_min_ns < kMillisecondNs ||
      options.reconnect_max_ns < options.reconnect_min_ns) {
    return Status::error(
        StatusCode::kConfig, "reconnect: expected 1 ≤ minMs ≤ maxMs, got %llu and %llu",
        static_cast<unsigned long long>(options.reconnect_min_ns / kMillisecondNs),
        static_cast<unsigned long long>(options.reconnect_max_ns / kMillisecondNs));
  }
  return Status::success();
}

Status check_sizes(const RaptorOptions& options) {
  if (options.message_bytes_max == 0 ||
      options.message_bytes_max > raptor::kStreamMessageBytesMax) {
    return Status::error(StatusCode::kConfig, "maxMessageBytes: expected 1 to %u, got %u",
                         raptor::kStreamMessageBytesMax, options.message_bytes_max);
  }
  if (options.window_bytes < raptor::kStreamRingBytesMin ||
      options.window_bytes > kRaptorWindowBytesMax) {
    return Status::error(StatusCode::kConfig, "windowBytes: expected %u to %u, got %u",
                         raptor::kStreamRingBytesMin, kRaptorWindowBytesMax, options.window_bytes);
  }
  if (options.liveness_us < kLivenessUsMin || options.liveness_us > raptor::kLivenessUsMax) {
    return Status::error(StatusCode::kConfig, "liveness: expected 10 ms to an hour, got %u us",
                         options.liveness_us);
  }
  if (options.read_budget == 0) {
    return Status::error(StatusCode::kConfig, "readBudget: expected 1 or more, got 0");
  }
  raptor::StreamOptions stream = options.stream;
  stream.message_bytes_max = options.message_bytes_max;
  if (const char* wrong = stream.invalid(); wrong != nullptr) {
    return Status::error(StatusCode::kConfig, "mode: %s", wrong);
  }
  return Status::success();
}

bool is_same_stream(const raptor::StreamOptions& a, const raptor::StreamOptions& b) noexcept {
  return a.mode == b.mode && a.priority == b.priority && a.deadline_us == b.deadline_us &&
         a.label == b.label && a.ring_bytes == b.ring_bytes;
}

bool is_same_identity(const RaptorOptions& a, const RaptorOptions& b) noexcept {
  return a.insecure == b.insecure && a.has_private_key == b.has_private_key &&
         a.private_key == b.private_key && a.server_key == b.server_key;
}

}  // namespace

Status check_raptor_options(const RaptorOptions& options) {
  HR_TRY(check_sizes(options));
  HR_TRY(options.mode == RaptorMode::kListen ? check_listen(options) : check_connect(options));
  if (options.insecure && !options.insecure_exposed && !options.address.is_loopback()) {
    char text[kAddressTextBytes];
    return Status::error(StatusCode::kConfig,
                         "insecure: expected a loopback address or insecure: 'exposed', got %s",
                         options.address.print(text));
  }
  return Status::success();
}

bool can_reconfigure(const RaptorOptions& opened, const RaptorOptions& wanted) noexcept {
  return wanted.mode == opened.mode && wanted.address == opened.address &&
         is_same_identity(opened, wanted) && is_same_stream(opened.stream, wanted.stream) &&
         wanted.message_bytes_max == opened.message_bytes_max &&
         wanted.window_bytes == opened.window_bytes && wanted.liveness_us == opened.liveness_us &&
         wanted.uses_static_window == opened.uses_static_window &&
         wanted.static_window_bytes == opened.static_window_bytes &&
         wanted.key_log_path == opened.key_log_path && wanted.reuses_port == opened.reuses_port &&
         wanted.sessions_max == opened.sessions_max &&
         wanted.receive_buffer_bytes == opened.receive_buffer_bytes &&
         wanted.send_buffer_bytes == opened.send_buffer_bytes &&
         wanted.backlog_bytes <= opened.backlog_bytes;
}

uint32_t raptor_peer_capacity(const RaptorOptions& options) noexcept {
  if (options.mode == RaptorMode::kConnect) return kConnectCapacity;
  return std::min(std::max(options.sessions_max * 2, kListenCapacityMin), kPeersMax);
}

}  // namespace hyperroute
