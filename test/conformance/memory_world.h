// The conformance suite's world around a memory endpoint: the one peer is the other end of its
// rings, driven here as JavaScript drives it.
#pragma once

#include <memory>
#include <vector>

#include "base/memory.h"
#include "conformance/backend_harness.h"
#include "conformance/stream_codecs.h"
#include "io/memory/memory.h"
#include "ring/parker.h"
#include "ring/spsc_ring.h"

namespace hyperroute {

class MemoryWorld {
 public:
  using Backend = MemoryBackend;
  using Harness = BackendHarness<Backend>;
  static constexpr bool kHoldsWholeEndpoint = true;
  static constexpr bool kPeersCanGo = false;
  static constexpr bool kHasEmptyMessage = true;
  static constexpr bool kHasOversize = false;
  static constexpr uint32_t kPeersAtOnce = 1;
  static constexpr uint32_t kCapacityBytes = 64u << 10;
  static constexpr uint32_t kMessageBytesMax = kCapacityBytes / 4 - kRecordHeaderBytes;

  struct Peer {
    Backend* backend;
    SpscProducer* writer;
    SpscConsumer* reader;

    bool send(const Bytes& message) {
      uint8_t* room = writer->claim(static_cast<uint32_t>(message.size()));
      if (room == nullptr) return false;
      std::copy(message.begin(), message.end(), room);
      writer->commit();
      writer->publish();
      if (take_parked(writer->consumer_parked_word())) backend->wake_worker();
      return true;
    }
    void receive(std::vector<Bytes>& messages) {
      RingRecord record;
      while (reader->next(record)) {
        messages.emplace_back(record.data, record.data + record.bytes);
        reader->release_to_parkable(record.end_position);
        if (take_parked(reader->producer_parked_word())) backend->wake_worker();
      }
    }
  };

  Status open(Harness& harness, uint16_t generation_seed = 0) {
    MemoryOptions options;
    for (MemoryRegion* region : {&outbound_, &inbound_}) {
      *region = MemoryRegion::anonymous(ring_bytes(kCapacityBytes), Prefault::kNo).take();
    }
    writer_ = SpscProducer(ring_init(outbound_.data(), outbound_.bytes(), kCapacityBytes).take());
    reader_ = SpscConsumer(ring_init(inbound_.data(), inbound_.bytes(), kCapacityBytes).take(),
                           RingVisibility::kTail);
    options.outbound_memory = outbound_.data();
    options.outbound_bytes = outbound_.bytes();
    options.inbound_memory = inbound_.data();
    options.inbound_bytes = inbound_.bytes();
    return harness.backend.open(options, harness.counters.pointers(), generation_seed);
  }
  std::unique_ptr<Peer> join(Harness& harness) {
    return std::make_unique<Peer>(Peer{&harness.backend, &writer_, &reader_});
  }
  void forget(Harness&, std::unique_ptr<Peer>&) {}
  static Bytes message(uint32_t tag, uint32_t text_bytes) { return text_of(tag, text_bytes); }
  static void send_oversize(Peer&) {}
  static uint64_t oversize_count(const CounterBlock&) { return 0; }

 private:
  MemoryRegion outbound_;
  MemoryRegion inbound_;
  SpscProducer writer_;
  SpscConsumer reader_;
};

}  // namespace hyperroute
