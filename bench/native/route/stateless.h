// The stateless flow of bench/micro/route-stateless.ts, written by hand: what a programmer who
// knows the messages, the rules and the destinations would write, and no faster form of it.
//
// Thread: main.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/native/route/traffic.h"
#include "route/image.h"

namespace hyperroute {

// Symbols as words of eight bytes in an open hash table, three quarters of it empty.
class SymbolTable {
 public:
  static constexpr uint32_t kSlotCount = 4096;

  void add(uint64_t symbol) noexcept {
    uint32_t slot = slot_of_symbol(symbol);
    while (slots_[slot] != 0) slot = (slot + 1) % kSlotCount;
    slots_[slot] = symbol;
  }

  bool contains(uint64_t symbol) const noexcept {
    for (uint32_t slot = slot_of_symbol(symbol);; slot = (slot + 1) % kSlotCount) {
      if (slots_[slot] == symbol) return symbol != 0;
      if (slots_[slot] == 0) return false;
    }
  }

 private:
  static uint32_t slot_of_symbol(uint64_t symbol) noexcept {
    return static_cast<uint32_t>(symbol * 0x9E3779B97F4A7C15 >> 52);
  }

  uint64_t slots_[kSlotCount] = {};
};

class StatelessRouter {
 public:
  static constexpr const char* kName = "hand-written C++";

  // Of the image it takes who is where in the hash tables of the pools, since both must come to the
  // same destinations; nothing is read from it afterwards.
  explicit StatelessRouter(const RouteImage& image);

  Routed route(const RouteInput& input, Sink& sink);

 private:
  static constexpr uint32_t kQuantityBands = 3;
  static constexpr uint32_t kTierCount = 8;
  static constexpr uint32_t kEndpoints = 26;

  // Of each slot four endpoints: the best one of all slots, then the second one of all.
  struct HashPool {
    std::vector<uint8_t> endpoints;
    uint32_t slot_count;
  };
  enum class Action : uint8_t { kLit, kDark, kBlock };

  static Action action_of(bool buys, uint32_t tif, uint32_t tier, uint32_t band) noexcept;
  static HashPool hash_pool(const ImageTables& tables, uint32_t index);
  uint8_t pick(const HashPool& pool, uint32_t client) const noexcept;

  SymbolTable symbols_;
  HashPool lit_;
  HashPool dark_;
  // By side, time in force, tier and band of the quantity.
  Action actions_[2][4][kTierCount][kQuantityBands];
  uint8_t alive_[kEndpoints];
};

}  // namespace hyperroute
