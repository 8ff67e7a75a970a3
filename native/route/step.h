// The router step: which destination a message goes to and what it becomes on the way.
//
// Called by a worker for each message, between the receive burst and the claim in the
// destination's queue. Nothing here allocates, locks, throws or calls the system. The image was
// verified when it was loaded, so the step carries no bounds check on it; message bytes are
// checked against their schema before a field is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/status.h"

namespace hyperroute {

class RouteImage;  // image.h: a verified, immutable, relocatable block.
class CorrelationTable;

inline constexpr uint16_t kNoIndex = 0xFFFF;
inline constexpr uint32_t kNoRule = 0xFFFFFFFF;

// The most copies of one message that leave; the loader holds every route to it.
inline constexpr uint32_t kDeliveriesMax = 64;

// The bytes of a message type that fields are read from; raw messages have no bound.
inline constexpr uint32_t kViewBytesMax = 65536;
inline constexpr uint32_t kScratchBytes = 2 * kViewBytesMax;

enum class TargetKind : uint8_t { kEndpoint, kReturnSource, kReturnAddress, kCorrelated };

// One copy of a message: where it goes and what it becomes on the way.
struct Delivery {
  TargetKind target;
  bool best_effort;         // Left out where it cannot be sent; nothing else waits for it.
  uint8_t priority;         // 0 is the most important, 7 the first to be shed.
  bool is_picked;           // A pool chose the endpoint, and knows which can be used.
  uint16_t endpoint;        // For kEndpoint: index in the image.
  uint16_t transform;       // kNoIndex: the message goes out as it came.
  uint16_t carriers;        // For an address: who may be named (RouteImage::carries).
  uint32_t rule;            // Index within the route; kNoRule for a reject's notice.
  uint32_t output_bytes;    // Bytes to claim.
  uint64_t return_address;  // For kReturnAddress: as read from the message; for kCorrelated:
                            // as the engine gave it to settle_correlations().
};

// What a decision for several destinations needs besides itself; the worker's own.
struct FanOut {
  // The deliveries behind the first, of the message that was decided last.
  Delivery more[kDeliveriesMax - 1];
  // The taps of the rules that held for it.
  uint32_t taps[kDeliveriesMax];
};

// What the step knows of correlations: the tables, and what it has found for the message that was
// decided last. The worker's own.
struct Correlating {
  CorrelationTable* const* tables = nullptr;  // By correlation of the image.
  // In a route with a lookup.
  CorrelationTable* found_in = nullptr;
  uint64_t found_id = 0;
  uint32_t found = 0;
  const uint8_t* saved = nullptr;
  // For a rule that opens an entry: that entry, not yet open, and which delivery it waits for.
  uint32_t opening_delivery = 0;
  CorrelationTable* opens_in = nullptr;
  uint64_t opening_id = 0;
};

// Of an endpoint: 0 cannot be used; 255 can; what lies between gets that share, in 256ths, of the
// messages that it would be picked for.
inline constexpr uint8_t kDead = 0;
inline constexpr uint8_t kAlive = 255;

// How busy an endpoint is; pools that look for the least busy one compare these.
struct EndpointLoad {
  uint32_t queued_bytes;
  uint32_t outstanding;  // Requests that were sent to it and have no answer yet.
};

// A state of the generator of random numbers that is not zero, from any seed.
constexpr uint64_t random_state(uint64_t seed) noexcept {
  const uint64_t state = (seed + 1) * 0x9E3779B97F4A7C15;
  return state == 0 ? 1 : state;
}

// What changes in place while an image runs. One per worker; nothing in it is shared but `alive`
// and `load`.
struct StepState {
  // Whose turn it is, one per pool of the image, owned by the worker.
  uint32_t* pool_positions;
  // One byte per endpoint of the image. Written by the endpoints' workers (single bytes, relaxed),
  // read by every worker.
  const uint8_t* alive;
  // One per endpoint of the image; written elsewhere (single words, relaxed), read here.
  const EndpointLoad* load;
  // kScratchBytes of the worker's own, for messages whose fields have to be put in place: the
  // view of the message that was decided last, then that of the entry at hand.
  uint8_t* scratch;
  // Of the random numbers: the step draws the next by xorshift64*. Never zero.
  uint64_t random = random_state(0);
  FanOut* fan_out;
  // By tap of the image: messages to go before it takes one; owned by the worker.
  uint32_t* tap_counts;
  Correlating* correlating;
};

struct StepMessage {
  const uint8_t* data;
  uint32_t bytes;
  uint16_t source;  // Index of the endpoint in the image.
  // Where the fields are: the message, or a copy in the scratch. decide() says so.
  const uint8_t* view = nullptr;
};

enum class Outcome : uint8_t { kDeliver, kDiscard, kReject };

// What becomes of correlations once a message has been sent.
inline constexpr uint8_t kOpensEntry = 1;
inline constexpr uint8_t kClosesEntry = 2;

struct Decision {
  Outcome outcome;
  uint8_t delivery_count;  // For kDeliver at least one.
  uint8_t skipped_count;   // Copies that have nowhere to go and that no other waits for.
  uint8_t tap_count;       // In FanOut::taps; settle() counts them.
  bool is_single;          // One delivery that must arrive, and nothing else.
  uint8_t correlates;      // kOpensEntry, kClosesEntry: what settle_correlations() does.
  uint16_t route;          // Index of the route in the image; kNoIndex: no schema was recognised.
  uint32_t rule;           // The first that held; when rejected, the one it failed for, or kNoRule.
  uint32_t reject_code;    // For kReject.
  Delivery first;          // The others stand in FanOut::more.
};

inline const Delivery& delivery_at(const Decision& decision, const StepState& state,
                                   uint32_t index) noexcept {
  return index == 0 ? decision.first : state.fan_out->more[index - 1];
}

// frame check → schema → validate → lookup → match → pick. A kReject says why in reject_code. Sets
// the message's view; what follows reads it, so one message is finished before the next is decided.
[[nodiscard]] Decision decide(const RouteImage& image, StepState& state, StepMessage& message);

// Brings near what correlations hold about messages that will be decided soon: a burst of at most
// kPrefetchCountMax. Changes no decision; pays where the tables are larger than the caches.
inline constexpr uint32_t kPrefetchCountMax = 32;
void prefetch(const RouteImage& image, const StepState& state,
              std::span<const StepMessage> messages);

// Where a message goes that was rejected after `decision` was made (or by it). Outcome kDeliver,
// or kDiscard when its route names no reject destination. Never kReject: a reject that fails is
// counted and dropped, so that a message is rejected exactly once.
[[nodiscard]] Decision decide_reject(const RouteImage& image, StepState& state,
                                     const StepMessage& message, const Decision& decision);

// Says that the message of `decision`, the one decided last, has left: taps count it. Not for one
// that has to wait, which is decided anew.
void settle(const RouteImage& image, StepState& state, const Decision& decision);

struct TransformContext {
  uint64_t return_address;  // The word that `returnAddress()` writes.
  uint32_t reject_code;     // The value that `rejectCode()` writes.
};

// Where the destination's worker writes the connection's next number before it sends.
struct SequencePatch {
  uint16_t offset;  // In the output message; kNoIndex: none.
  uint8_t bytes;    // 1, 2, 4 or 8.
  uint8_t big_endian;
};

struct TransformResult {
  uint32_t reject_code;  // 0: written; else nothing of `output` may be used.
  SequencePatch patch;
};

// Writes all of `output`, whose size is the delivery's output_bytes (any alignment); every byte, so
// that a reused slot never leaks what it held before. `message` is the one that was decided last.
// Where its bytes have changed since, what is written has no meaning or is MALFORMED, but nothing
// outside the message is read and nothing outside `output` written.
[[nodiscard]] TransformResult run_transform(const RouteImage& image, const StepState& state,
                                            uint16_t transform, const StepMessage& message,
                                            const TransformContext& context,
                                            std::span<uint8_t> output);

// Image-wide facts the engine needs when it installs an image (image.h implements them).
struct ImageSummary {
  uint16_t endpoint_count;
  uint16_t pool_count;
  uint16_t route_count;
  uint16_t transform_count;
  uint16_t correlation_count;
  uint32_t tap_count;
  uint32_t reject_code_max;
};

}  // namespace hyperroute
