// The order flow of bench/micro/route-orders.ts, written by hand: new orders are remembered,
// reports find the way back to their client by the id that the order got, replacements find the
// venue by the client's id of the order.
//
// Thread: main.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/native/route/traffic.h"

namespace hyperroute {

// Open orders by our id and by the client's, as a table of ours has them: at most so many, and in
// the order of their age, since each of them has to time out one day.
class OrderBook {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  struct alignas(64) Order {
    uint32_t generation;  // Odd while the order is open.
    uint32_t older;
    uint32_t newer;
    uint32_t hash;
    uint64_t opened_at_ns;
    uint64_t client_id;
    uint16_t source;
    uint16_t destination;
  };

  explicit OrderBook(uint32_t capacity);

  uint32_t find(uint64_t id) const noexcept {
    const auto index = static_cast<uint32_t>(id);
    if (index >= orders_.size() || (id >> 32 & 1) == 0) return kNone;
    return orders_[index].generation == id >> 32 ? index : kNone;
  }
  uint32_t find_client_id(uint64_t client_id) const noexcept;
  const Order& order(uint32_t index) const noexcept { return orders_[index]; }

  bool is_full() const noexcept { return free_.size() <= 1; }
  // Of the order that open() makes.
  uint64_t next_id() const noexcept {
    return uint64_t{orders_[free_.back()].generation + 1} << 32 | free_.back();
  }
  void open(uint64_t client_id, uint16_t source, uint16_t destination, uint64_t now_ns) noexcept;
  void close(uint32_t index) noexcept;

  // Bring near what will be needed, in steps of which each needs the one before.
  void prefetch_open(uint64_t client_id, uint32_t number) const noexcept;
  void prefetch_order(uint64_t id) const noexcept;
  void prefetch_slot(uint64_t client_id) const noexcept;
  void prefetch_found(uint64_t client_id) const noexcept;
  void prefetch_close(uint32_t index) const noexcept;
  // The order that probably has the client's id.
  uint32_t guess(uint64_t client_id) const noexcept;

 private:
  struct Slot {
    uint32_t hash;
    uint32_t order;
  };

  static uint32_t hash_of(uint64_t client_id) noexcept {
    const uint64_t mixed = client_id * 0x9E3779B97F4A7C15;
    return static_cast<uint32_t>(mixed >> 32);
  }
  void forget_slot(uint32_t index, uint32_t hash) noexcept;

  std::vector<Order> orders_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  uint32_t mask_;
  uint32_t oldest_ = kNone;
  uint32_t newest_ = kNone;
};

class OrderRouter {
 public:
  static constexpr const char* kName = "hand-written C++";

  explicit OrderRouter(uint32_t capacity) : book_(capacity) {}

  Routed route(const RouteInput& input, Sink& sink);
  void prefetch(std::span<const RouteInput> inputs);

 private:
  Routed new_order(const RouteInput& input, Sink& sink);
  Routed replace(const RouteInput& input, Sink& sink);
  Routed report(const RouteInput& input, Sink& sink);

  OrderBook book_;
  uint32_t next_venue_ = 0;
};

}  // namespace hyperroute
