// Options of stand-alone Raptor nodes from JavaScript. Thread: JavaScript.
#include "addon/raptor_node_options.h"

#include <cstring>
#include <string>

#include "addon/raptor_options.h"
#include "addon/values.h"
#include "crypto/crypto.h"
#include "wire/raptor_frames.h"

namespace hyperroute {
namespace {

constexpr uint32_t kUsPerMs = 1'000;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint32_t kMsMax = 3'600'000;

Status read_keys(OptionReader& options, raptor::EndpointOptions& out) {
  if (out.insecure) return Status::success();
  HR_TRY(crypto::load());
  if (!options.has("privateKey")) {
    if (out.is_listener) {
      return Status::error(StatusCode::kConfig, "keys: expected the private key of a listener");
    }
    auto pair = crypto::generate_key_pair();
    if (!pair.ok()) return pair.status();
    out.static_keys = pair.take();
    return Status::success();
  }
  crypto::PrivateKey key;
  HR_TRY(read_raptor_key(options, "privateKey", key));
  auto pair = crypto::key_pair_of(key);
  if (!pair.ok()) return pair.status();
  out.static_keys = pair.take();
  return Status::success();
}

}  // namespace

Status read_raptor_node_options(Napi::Env env, const Napi::Value& value, RaptorNodeOptions& out) {
  OptionReader options(env, value);
  RaptorSocketOptions& socket = out.socket;
  HR_TRY(read_raptor_address(options, socket.local));
  socket.exposed = options.boolean("exposed");
  socket.reuses_port = options.boolean("reusePort");
  if (options.has("keyLog")) socket.key_log_path = options.string("keyLog");
  socket.has_one_peer = options.boolean("hasOnePeer");
  socket.receive_buffer_bytes = options.u32_or("receiveBufferBytes", socket.receive_buffer_bytes);
  socket.send_buffer_bytes = options.u32_or("sendBufferBytes", socket.send_buffer_bytes);
  raptor::EndpointOptions& endpoint = socket.endpoint;
  endpoint.is_listener = options.boolean("isListener");
  endpoint.insecure = options.boolean("insecure");
  endpoint.is_inline = true;
  endpoint.sessions_max = options.u32("maxSessions", raptor::kSessionsMax);
  endpoint.liveness_us = options.u32("livenessMs", kMsMax) * kUsPerMs;
  endpoint.message_bytes_max = options.u32("maxMessageBytes", raptor::kStreamMessageBytesMax);
  endpoint.stream_window_bytes = options.u32("windowBytes", raptor::kStreamRingBytesMax);
  endpoint.streams_max = static_cast<uint16_t>(options.u32("maxStreams", raptor::kStreamSlotsMax));
  HR_TRY(
      read_raptor_congestion(options, endpoint.uses_static_window, endpoint.static_window_bytes));
  socket.lossy.loss_share = options.u32_or("lossShare", 0);
  socket.lossy.seed = options.u32_or("lossSeed", 1);
  out.insecure_exposed = options.boolean("insecureExposed");
  out.drops_unsubscribed = options.boolean("dropsUnsubscribed");
  HR_TRY(options.status());
  HR_TRY(read_keys(options, endpoint));
  return options.has("allow") ? read_raptor_allow_list(options, endpoint.allow_list)
                              : Status::success();
}

Status read_raptor_link_options(Napi::Env env, const Napi::Value& value, RaptorLinkOptions& out) {
  OptionReader options(env, value);
  HR_TRY(read_raptor_address(options, out.to));
  out.reconnect_ns_min = uint64_t{options.u32("minMs", kMsMax)} * kNsPerMs;
  out.reconnect_ns_max = uint64_t{options.u32("maxMs", kMsMax)} * kNsPerMs;
  HR_TRY(options.status());
  return options.has("key") ? read_raptor_key(options, "key", out.key) : Status::success();
}

Status read_raptor_publication_options(Napi::Env env, const Napi::Value& value,
                                       RaptorPublicationOptions& out) {
  OptionReader options(env, value);
  out.stream.mode =
      static_cast<raptor::StreamMode>(options.u32("mode", raptor::kStreamModeCount - 1));
  out.stream.priority = static_cast<uint8_t>(options.u32("priority", UINT8_MAX));
  out.stream.message_bytes_max = options.u32("maxMessageBytes");
  out.stream.deadline_us = options.u32("deadlineMs", kMsMax) * kUsPerMs;
  out.stream.ring_bytes = options.u32("ringBytes");
  out.stream.label = uint64_t{options.u32("labelHigh")} << 32 | uint64_t{options.u32("labelLow")};
  out.slow_receivers = options.boolean("drops") ? SlowReceivers::kDrop : SlowReceivers::kWait;
  out.misses_max = options.u32("missesMax");
  out.session = options.u32("session");
  return options.status();
}

}  // namespace hyperroute
