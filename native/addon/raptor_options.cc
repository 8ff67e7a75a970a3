// Options of raptor endpoints from JavaScript. Thread: JavaScript.
#include "addon/raptor_options.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "addon/values.h"

namespace hyperroute {

Status read_raptor_key(OptionReader& options, const char* name, std::span<uint8_t> out) {
  const OptionReader::Bytes key = options.bytes(name);
  HR_TRY(options.status());
  if (key.bytes != out.size()) {
    return Status::error(StatusCode::kConfig, "%s: expected a key of %zu bytes, got %zu bytes",
                         name, out.size(), key.bytes);
  }
  std::memcpy(out.data(), key.data, out.size());
  return Status::success();
}

Status read_raptor_allow_list(OptionReader& options, std::vector<crypto::PublicKey>& out) {
  const OptionReader::Bytes keys = options.bytes("allow");
  HR_TRY(options.status());
  if (keys.bytes % crypto::kKeyBytes != 0) {
    return Status::error(StatusCode::kConfig, "allow: expected whole keys");
  }
  out.resize(keys.bytes / crypto::kKeyBytes);
  for (size_t index = 0; index < out.size(); ++index) {
    std::memcpy(out[index].data(), keys.data + index * crypto::kKeyBytes, crypto::kKeyBytes);
  }
  return Status::success();
}

Status read_raptor_address(OptionReader& options, SocketAddress& out) {
  const std::string host = options.string("host");
  const auto port = static_cast<uint16_t>(options.u32("port", UINT16_MAX));
  HR_TRY(options.status());
  auto address = SocketAddress::parse(host, port);
  if (!address.ok()) return address.status();
  out = address.value();
  return Status::success();
}

Status read_raptor_congestion(OptionReader& options, bool& is_static, uint32_t& window_bytes) {
  is_static = options.has("staticBytes");
  if (is_static) window_bytes = options.u32("staticBytes", kRaptorWindowBytesMax);
  return options.status();
}

namespace {

constexpr uint32_t kUsPerMs = 1'000;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint32_t kMsMax = 3'600'000;

Status read_mode(OptionReader& options, raptor::StreamOptions& out) {
  using raptor::StreamMode;
  const std::string mode = options.string("mode");
  HR_TRY(options.status());
  if (mode == "ordered") {
    out.mode = StreamMode::kReliableOrdered;
  } else if (mode == "unordered") {
    out.mode = StreamMode::kReliableUnordered;
  } else if (mode == "latest") {
    out.mode = StreamMode::kLatest;
  } else if (mode == "deadline") {
    out.mode = StreamMode::kDeadline;
    out.deadline_us = options.u32("deadlineMs", kMsMax) * kUsPerMs;
  } else if (mode == "unreliable") {
    out.mode = StreamMode::kUnreliable;
  } else {
    return Status::error(StatusCode::kConfig, "mode: unknown mode '%s'", mode.c_str());
  }
  return options.status();
}

Status read_listen(OptionReader& options, RaptorOptions& out) {
  out.exposed = options.boolean("exposed");
  out.reuses_port = options.boolean("reusePort");
  out.sessions_max = options.u32("maxSessions");
  return options.has("allow") ? read_raptor_allow_list(options, out.allow_list) : Status::success();
}

Status read_connect(Napi::Env env, OptionReader& options, RaptorOptions& out) {
  OptionReader reconnect(env, options.object("reconnect"));
  out.reconnect_min_ns = uint64_t{reconnect.u32("minMs", kMsMax)} * kNsPerMs;
  out.reconnect_max_ns = uint64_t{reconnect.u32("maxMs", kMsMax)} * kNsPerMs;
  HR_TRY(reconnect.status());
  return out.insecure ? Status::success() : read_raptor_key(options, "serverKey", out.server_key);
}

}  // namespace

Status read_raptor_options(Napi::Env env, const Napi::Value& value, RaptorOptions& out) {
  OptionReader options(env, value);
  HR_TRY(read_raptor_address(options, out.address));
  out.insecure = options.boolean("insecure");
  out.insecure_exposed = options.boolean("insecureExposed");
  out.has_private_key = options.has("privateKey");
  if (out.has_private_key) HR_TRY(read_raptor_key(options, "privateKey", out.private_key));
  HR_TRY(read_mode(options, out.stream));
  out.message_bytes_max = options.u32("maxMessageBytes");
  out.window_bytes = options.u32("windowBytes");
  out.liveness_us = options.u32("livenessMs", kMsMax) * kUsPerMs;
  HR_TRY(read_raptor_congestion(options, out.uses_static_window, out.static_window_bytes));
  if (options.has("keyLog")) out.key_log_path = options.string("keyLog");
  out.read_budget = options.u32("readBudget");
  out.receive_buffer_bytes = options.u32_or("receiveBufferBytes", out.receive_buffer_bytes);
  out.send_buffer_bytes = options.u32_or("sendBufferBytes", out.send_buffer_bytes);
  HR_TRY(options.status());
  HR_TRY(out.mode == RaptorMode::kListen ? read_listen(options, out)
                                         : read_connect(env, options, out));
  return options.status();
}

}  // namespace hyperroute
