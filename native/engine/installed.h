// What is installed at one moment: a verified image, bound to the endpoints that are open.
//
// Built by the control thread, published by one pointer store and never written again, but for
// the state words below, each of which has one writer. Freed after the grace period (qsbr.h).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "engine/correlations.h"
#include "engine/plugin_library.h"
#include "engine/tx_queue.h"
#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// An endpoint that is open has a slot; slots are what return addresses name.
inline constexpr uint32_t kSlotCountMax = 256;

using Counter = std::atomic<uint64_t>*;

// Written by one worker only; the slots live in the counters file.
struct RouteCounters {
  Counter delivered;
  Counter rejected;
  Counter discarded;
  Counter skipped;  // Copies that were left out, and that no other waited for.
};

class EndpointPort;
struct SlotControl;

// A slot as one producing worker sees it; no queue: nothing may be sent there any more.
struct Destination {
  TxQueue* queue = nullptr;
  EndpointPort* port = nullptr;
  SlotControl* control = nullptr;
};

// One worker's own part: its queues to every destination and the state only it changes.
struct WorkerView {
  std::array<Destination, kSlotCountMax> destinations{};
  // Shared with the image that this one replaces where both have the same pools or taps, so that
  // turns go on; only the worker looks into them, and it uses one image at a time.
  std::shared_ptr<std::vector<uint32_t>> pool_positions;
  std::shared_ptr<std::vector<uint32_t>> tap_counts;
  std::unique_ptr<FanOut> fan_out;
  StepState step{};
  std::vector<RouteCounters> routes;
  // By reject code up to the image's largest; codes beyond it (none today) share the last one.
  std::vector<Counter> rejects;
  // Messages rejected whose reject destination could not take the notice.
  Counter rejects_undelivered = nullptr;
  // By route × worker that owns the destination: the owner records, so each has one writer.
  std::vector<Histogram> latency;
  // By endpoint of the image; kept up to date for those that are compared.
  std::vector<EndpointLoad> loads;
  bool compares_loads = false;
  // By correlation of the image; those without a table are another worker's.
  std::vector<CorrelationUse> correlations;
  std::vector<CorrelationTable*> tables;
  Correlating correlating;
  bool prefetches = false;  // One of the tables is larger than a cache that is near.
};

struct Installed {
  // No other one has it.
  uint64_t sequence = 0;
  // The same when the same image is bound once more.
  uint32_t image_number = 0;
  // Before the image, which calls what they hold.
  PluginSet plugins;
  RouteImage image;
  // What it was bound from, so that it can be bound again; control thread only.
  std::vector<uint8_t> image_bytes;
  std::vector<std::string> route_names;
  std::vector<std::string> reject_names;
  std::vector<std::string> plugin_paths;
  // For readers of a recording.
  std::string description;
  std::vector<std::string> correlation_names;
  ImageSummary summary{};
  uint32_t worker_count = 0;
  // By endpoint of the image: the slot it is open in.
  std::vector<uint8_t> slot_of_endpoint;
  // By slot: the endpoint of the image it is read as; kNoIndex: it is not read any more.
  std::array<uint16_t, kSlotCountMax> source_of_slot{};
  // By endpoint of the image: kDead, kAlive, or the share of its messages that it gets. Written by
  // its worker, read by all, each byte atomically and relaxed.
  std::unique_ptr<uint8_t[]> alive;
  // Endpoints of the image that a pool compares by their load.
  std::vector<uint16_t> compared;
  std::vector<WorkerView> views;
};

}  // namespace hyperroute
