// The attacker of a simulation: it sees every datagram, sends old ones again, bent ones, and ones
// it made up, from any address. It has no key but its own.
// Thread: the simulator's only one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/prng.h"
#include "sim/stage.h"

namespace hyperroute::sim {

class Forger {
 public:
  explicit Forger(Stage& stage);

  // Shows it what a host sends.
  void overhear(uint32_t from, uint32_t to, std::span<const uint8_t> bytes);
  // When it acts next, by the run's clock; UINT64_MAX: never.
  uint64_t due_ns() const { return due_ns_; }
  void act();
  void stop() { due_ns_ = UINT64_MAX; }
  // First packets from addresses that do not exist: some with the mac of the listener's key, which
  // is no secret, some recorded from others.
  void flood(uint32_t host, uint32_t count);

 private:
  struct Recorded {
    uint32_t from = 0;
    uint32_t to = 0;
    std::vector<uint8_t> bytes;
  };

  uint32_t forged_address() { return random_.between(1u << 16, UINT32_MAX - 1); }
  void inject(uint32_t from, uint32_t to, Origin origin, std::span<const uint8_t> bytes);
  void replay(const Recorded& recorded);
  void bend(const Recorded& recorded);
  void invent(const Recorded& recorded);
  std::vector<uint8_t> first_packet(uint32_t host, bool has_mac);

  Stage& stage_;
  Prng random_;
  uint64_t due_ns_ = UINT64_MAX;
  std::array<Recorded, 256> recorded_;
  uint32_t recorded_count_ = 0;
  std::vector<Recorded> first_packets_;
};

}  // namespace hyperroute::sim
