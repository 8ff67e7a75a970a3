// A router's options from JavaScript. Thread: JavaScript.
#include "addon/router_options.h"

#include <utility>

#include "addon/values.h"

namespace hyperroute {
namespace {

IdleMode idle_mode_of(const std::string& name) {
  if (name == "spin") return IdleMode::kSpin;
  if (name == "yield") return IdleMode::kYield;
  return name == "backoff" ? IdleMode::kBackoff : IdleMode::kBlock;
}

Status read_worker(Napi::Env env, const Napi::Value& value, uint32_t sample_every,
                   WorkerOptions& out) {
  OptionReader options(env, value);
  out.name = options.string("name");
  out.idle = idle_mode_of(options.string("idle"));
  out.cpu = options.has("cpu") ? static_cast<int32_t>(options.u32("cpu", 1u << 16)) : -1;
  out.spin_ns = uint64_t{options.u32("spinNs")};
  out.sample_every = sample_every;
  return options.status();
}

}  // namespace

Status read_router_options(Napi::Env env, const Napi::Value& value, RouterOptions& out) {
  OptionReader options(env, value);
  out.counters.name = options.string("name");
  if (options.has("countersPath")) out.counters.path = options.string("countersPath");
  out.inline_model = options.boolean("inline");
  const uint32_t sample_every = options.u32("sampleEvery");
  const Napi::Object workers = options.object("workers");
  HR_TRY(options.status());
  const uint32_t worker_count = workers.Get("length").ToNumber().Uint32Value();
  for (uint32_t index = 0; index < worker_count && index <= kWorkerCountMax; ++index) {
    HR_TRY(read_worker(env, workers.Get(index), sample_every, out.workers.emplace_back()));
  }
  return Status::success();
}

Status format_rings(const MemoryOptions& memory) {
  for (const auto& [ring, ring_bytes] : {std::pair(memory.outbound_memory, memory.outbound_bytes),
                                         std::pair(memory.inbound_memory, memory.inbound_bytes)}) {
    if (ring_bytes <= kRingDataOffset)
      return Status::error(StatusCode::kConfig, "a ring too small");
    auto made = ring_init(ring, ring_bytes, static_cast<uint32_t>(ring_bytes - kRingDataOffset));
    if (!made.ok()) return made.status();
  }
  return Status::success();
}

}  // namespace hyperroute
