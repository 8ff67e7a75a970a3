// A ring in memory of its own, for the tests of native/ring.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "ring/spsc_ring.h"

namespace hyperroute {

struct TestRing {
  explicit TestRing(uint32_t capacity_bytes, uint32_t initial_position = 0)
      : region(MemoryRegion::anonymous(ring_bytes(capacity_bytes), Prefault::kNo).take()) {
    // Old bytes everywhere, as after many laps: a reader that trusts them is found out.
    std::memset(region.data(), 0x01, region.bytes());
    view = ring_init(region.data(), region.bytes(), capacity_bytes, initial_position).take();
  }

  MemoryRegion region;
  RingView view;
};

inline bool put(SpscProducer& producer, const std::string& text) {
  uint8_t* const to = producer.claim(static_cast<uint32_t>(text.size()));
  if (to == nullptr) return false;
  std::memcpy(to, text.data(), text.size());
  producer.commit();
  return true;
}

inline std::string text_of(const RingRecord& record) {
  return std::string(reinterpret_cast<const char*>(record.data), record.bytes);
}

// The next record as text, "<none>" where there is none.
inline std::string get(SpscConsumer& consumer) {
  RingRecord record;
  return consumer.next(record) ? text_of(record) : "<none>";
}

}  // namespace hyperroute
