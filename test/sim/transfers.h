// Every stream of a run from offer to delivery: which end sends it, which receives it, and whether
// what arrives is what was promised. Also the bound on what may lie between the two.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <map>

#include "sim/delivery_check.h"
#include "sim/run.h"
#include "sim/scenario.h"

namespace hyperroute::sim {

// Wrong deliveries made on purpose, so that the checks are seen to find them (self_test.h).
enum class Fault : uint8_t {
  kNone,
  kDeliverTwice,
  kDeliverLate,    // two messages change places
  kLoseMessage,    // one is taken and never shown to the check
  kBendMessage,    // one bit of it differs
  kMisdeliver,     // to a session that the stream is none of
  kReuseNonce,     // other bytes leave under a packet number that left before
  kAcceptForged,   // a packet that was changed counts as accepted
  kAcceptReplay,   // a packet counts as accepted twice
  kHoard,          // a host keeps memory
  kStall,          // nothing arrives any more once the network has healed
  kHideDeath,      // the event of a peer's death is lost
  kLateDeath,      // a session tells of it late
  kFalseDeath,     // a session takes a peer for dead that it has just heard
  kSilence,        // a host's timers do not run
  kChatter,        // a host sends what it sends many times over
  kWaste,          // a session sends far more than it is given
  kOverfill,       // a stream takes more than its buffers hold
  kForeignRandom,  // a run draws from a source that is not the seed
};
inline constexpr uint32_t kFaultCount = 19;

struct Transfer {
  DeliveryCheck check;
  raptor::StreamOptions options;
  uint64_t sender_id = 0;  // session ids of the two ends
  uint64_t receiver_id = 0;
  uint64_t buffer_bytes_max = 0;  // of both ends together
  uint64_t offered_bytes = 0;     // as records
  uint64_t delivered_bytes = 0;
  uint64_t delivered_ns = 0;  // the newest, by the run's clock
};

class Transfers {
 public:
  Transfers(Run& run, Fault fault) : run_(run), fault_(fault) {}

  uint64_t next_label() { return (run_.seed << 20) + ++labels_; }
  // `window_bytes`: of the receiver, as it said in the handshake.
  Transfer& open(const FlowPlan& plan, uint64_t sender_id, uint64_t receiver_id,
                 uint32_t window_bytes);
  void on_offered(Transfer& transfer, uint32_t message_bytes);
  // What a session received; `receiver_id` is its own.
  void on_delivered(uint64_t label, uint64_t receiver_id, std::span<const uint8_t> message);

  uint64_t delivered() const { return delivered_; }
  uint64_t offered_bytes() const { return offered_bytes_; }
  const std::map<uint64_t, Transfer>& all() const { return transfers_; }

 private:
  void check(Transfer& transfer, std::span<const uint8_t> message);
  bool plant(Transfer& transfer, std::span<const uint8_t> message);

  Run& run_;
  Fault fault_;
  uint64_t labels_ = 0;
  uint64_t delivered_ = 0;
  uint64_t offered_bytes_ = 0;
  std::map<uint64_t, Transfer> transfers_;
  std::vector<uint8_t> held_;  // of kDeliverLate
  uint64_t held_label_ = 0;
};

}  // namespace hyperroute::sim
