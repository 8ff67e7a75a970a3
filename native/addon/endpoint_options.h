// Endpoint options as TypeScript hands them over (EndpointIr.options), turned into the backends'.
// Thread: JavaScript.
#pragma once

#include <napi.h>

#include <variant>

#include "addon/values.h"
#include "engine/tx_queue.h"
#include "io/memory/memory.h"
#include "io/raptor/raptor.h"
#include "io/tcp/tcp.h"
#include "io/udp/udp.h"

namespace hyperroute {

using EndpointOptions = std::variant<UdpOptions, TcpOptions, MemoryOptions, RaptorOptions>;

Status read_queue_options(Napi::Env env, const Napi::Value& value, QueueOptions& out);

// Of the router whose endpoint it is: `worker_count` bounds what may be queued for one connection,
// and where JavaScript itself polls, it may pause.
struct RouterShape {
  uint32_t worker_count;
  bool is_inline;
};

// `kind` is EndpointIr.kind. The memory kind's wake-up is filled in by the caller.
Status read_endpoint_options(Napi::Env env, const std::string& kind, const Napi::Value& value,
                             const QueueOptions& queue, const RouterShape& shape,
                             EndpointOptions& out);

// Whether a running endpoint takes the new options over without a new socket.
[[nodiscard]] bool can_reconfigure(const EndpointOptions& running, const EndpointOptions& wanted);

}  // namespace hyperroute
