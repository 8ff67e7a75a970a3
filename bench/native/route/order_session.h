// The clients and the venues of the order flow: they make messages of the orders that are open, and
// learn from what a router sends them.
//
// Thread: main. Place: between the timed calls, never in them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/native/route/order_messages.h"
#include "bench/native/route/subject.h"
#include "bench/native/route/traffic.h"

namespace hyperroute {

// What a burst consists of.
enum class OrderStep : uint8_t { kNew, kReport, kReplace, kFinal };
inline constexpr OrderStep kOrderSteps[] = {OrderStep::kNew, OrderStep::kReport,
                                            OrderStep::kReplace, OrderStep::kFinal};

class OrderSession {
 public:
  OrderSession(uint32_t live_count, uint64_t seed);

  // A burst of messages of one kind, each for another order, chosen at random. They stay until the
  // next one is made.
  std::span<const RouteInput> make(OrderStep step);

  // What became of them. Ends the program when one was rejected or has no place to go.
  void learn(OrderStep step, std::span<const Routed> results);

  size_t live_count() const noexcept { return live_.size(); }

 private:
  struct Live {
    uint64_t client_id;
    uint64_t order_id;
    uint16_t venue;
  };

  uint32_t below(uint32_t limit) noexcept;
  uint64_t next_client_id() noexcept;
  void choose();
  Live& chosen(uint32_t number) noexcept { return live_[live_.size() - 1 - number]; }
  void write_order(uint32_t number, OrderStep step);
  void write_report(uint32_t number, bool is_final);

  std::vector<Live> live_;
  uint64_t random_;
  uint64_t client_id_count_ = 0;
  alignas(64) uint8_t messages_[kBurstCount][64] = {};
  RouteInput inputs_[kBurstCount] = {};
};

}  // namespace hyperroute
