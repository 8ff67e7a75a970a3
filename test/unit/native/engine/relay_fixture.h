// A router whose endpoints are memory rings: deterministic, no socket. The image is the checked-in
// "relay": left → right, right → left, echo → its source, all raw.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/memory.h"
#include "engine/router.h"
#include "io/memory/memory.h"
#include "ring/spsc_ring.h"

namespace hyperroute {

inline std::vector<uint8_t> read_image_vector(const std::string& name) {
  std::string path(__FILE__);
  path.erase(path.rfind("/unit/"));
  std::ifstream file(path + "/vectors/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The far side of a memory endpoint, as JavaScript would use it.
struct Application {
  static constexpr uint32_t kCapacityBytes = 8u << 10;

  Application() {
    for (MemoryRegion* region : {&outbound, &inbound}) {
      *region = MemoryRegion::anonymous(ring_bytes(kCapacityBytes), Prefault::kNo).take();
    }
    writer = SpscProducer(ring_init(outbound.data(), outbound.bytes(), kCapacityBytes).take());
    reader = SpscConsumer(ring_init(inbound.data(), inbound.bytes(), kCapacityBytes).take(),
                          RingVisibility::kTail);
  }

  MemoryOptions options() const {
    MemoryOptions options;
    options.outbound_memory = outbound.data();
    options.outbound_bytes = outbound.bytes();
    options.inbound_memory = inbound.data();
    options.inbound_bytes = inbound.bytes();
    return options;
  }

  // Publishes a message of one u64; false while the ring is full.
  bool send(uint64_t value) {
    return send_bytes({reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }

  bool send_bytes(std::span<const uint8_t> message) {
    uint8_t* room = writer.claim(static_cast<uint32_t>(message.size()));
    if (room == nullptr) return false;
    std::memcpy(room, message.data(), message.size());
    writer.commit();
    writer.publish();
    return true;
  }

  // The next message, if one has arrived.
  bool receive(uint64_t& value) {
    RingRecord record;
    if (!reader.next(record)) return false;
    EXPECT_EQ(record.bytes, sizeof value);
    std::memcpy(&value, record.data, sizeof value);
    reader.release_to_parkable(record.end_position);
    return true;
  }

  bool receive_bytes(std::vector<uint8_t>& message) {
    RingRecord record;
    if (!reader.next(record)) return false;
    message.assign(record.data, record.data + record.bytes);
    reader.release_to_parkable(record.end_position);
    return true;
  }

  MemoryRegion outbound;
  MemoryRegion inbound;
  SpscProducer writer;
  SpscConsumer reader;
};

struct RelayOptions {
  uint32_t worker_count = 1;
  bool inline_model = true;
  IdleMode idle = IdleMode::kBlock;
  QueueOptions queue;
  // Instead of the checked-in image; of three endpoints, too.
  std::vector<uint8_t> image;
  std::vector<std::string> route_names{"left", "right", "echo"};
  std::vector<std::string> correlation_names;
  // By endpoint: its worker; beyond worker_count it counts modulo that.
  uint32_t worker_of[3] = {0, 1, 2};
};

class Relay {
 public:
  enum Endpoint : uint8_t { kLeft, kRight, kEcho };

  explicit Relay(const RelayOptions& options = {}) : options_(options) {
    RouterOptions router_options;
    router_options.inline_model = options.inline_model;
    for (uint32_t index = 0; index < options.worker_count; ++index) {
      WorkerOptions worker;
      worker.name = "worker" + std::to_string(index);
      worker.idle = options.idle;
      worker.sample_every = 1;
      router_options.workers.push_back(worker);
    }
    auto made = Router::create(router_options);
    EXPECT_TRUE(made.ok()) << made.status().context;
    router = made.take();
    image = options.image.empty() ? read_image_vector("relay.image") : options.image;
    for (uint8_t endpoint = 0; endpoint < 3; ++endpoint) {
      slots[endpoint] = open(endpoint, applications[endpoint]);
    }
    for (const uint8_t slot : slots) EXPECT_TRUE(router->attach(slot).ok());
    install();
    EXPECT_TRUE(router->start().ok());
  }

  uint8_t open(uint8_t endpoint, const Application& application) {
    static const char* const kNames[] = {"left", "right", "echo"};
    PortSpec spec;
    spec.name = kNames[endpoint];
    spec.worker = options_.worker_of[endpoint] % options_.worker_count;
    spec.queue = options_.queue;
    auto slot = router->open_endpoint<MemoryBackend>(spec, application.options());
    EXPECT_TRUE(slot.ok()) << slot.status().context;
    return slot.ok() ? slot.value() : 0;
  }

  void install() { install(image); }
  void install(std::span<const uint8_t> other) {
    InstallSpec spec;
    spec.image = other;
    spec.slot_of_endpoint = slots;
    spec.route_names = options_.route_names;
    spec.correlation_names = options_.correlation_names;
    const Status status = router->prepare(spec);
    ASSERT_TRUE(status.ok()) << status.context;
    router->commit();
  }

  // The next message, if one has arrived; wakes the worker if it sleeps for want of room.
  bool receive(Endpoint endpoint, uint64_t& value) {
    Application& application = applications[endpoint];
    if (!application.receive(value)) return false;
    if (take_parked(application.reader.producer_parked_word())) backend(endpoint).wake_worker();
    return true;
  }

  MemoryBackend& backend(Endpoint endpoint) {
    return router->backend<MemoryBackend>(slots[endpoint]);
  }

  // Sends, and wakes the worker if it sleeps, as JavaScript does.
  bool send(Endpoint endpoint, uint64_t value) {
    Application& application = applications[endpoint];
    if (!application.send(value)) return false;
    if (take_parked(application.writer.consumer_parked_word())) backend(endpoint).wake_worker();
    return true;
  }

  Application applications[3];
  uint8_t slots[3] = {};
  std::vector<uint8_t> image;
  // Destroyed before the memory its endpoints use.
  std::unique_ptr<Router> router;

 private:
  const RelayOptions options_;
};

}  // namespace hyperroute
