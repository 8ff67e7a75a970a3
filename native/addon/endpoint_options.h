// Endpoint options as TypeScript hands them over (EndpointIr.options), turned into the backends'.
// Thread: JavaScript.
#pragma once

#include <napi.h>

#include <variant>

#include "addon/values.h"
#include "engine/tx_queue.h"
#include "io/memory/memory.h"
#include "io/tcp/tcp.h"
#include "io/udp/udp.h"

namespace hyperroute {

using EndpointOptions = std::variant<UdpOptions, TcpOptions, MemoryOptions>;

Status read_queue_options(Napi::Env env, const Napi::Value& value, QueueOptions& out);

// `kind` is EndpointIr.kind. `worker_count` bounds what may be queued for one connection. The
// memory kind's wake-up is filled in by the caller.
Status read_endpoint_options(Napi::Env env, const std::string& kind, const Napi::Value& value,
                             const QueueOptions& queue, uint32_t worker_count,
                             EndpointOptions& out);

// Whether a running endpoint takes the new options over without a new socket.
[[nodiscard]] bool can_reconfigure(const EndpointOptions& running, const EndpointOptions& wanted);

}  // namespace hyperroute
