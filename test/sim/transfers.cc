// Follows streams from offer to delivery (transfers.h).
#include "sim/transfers.h"

#include <algorithm>

#include "wire/raptor_frames.h"

namespace hyperroute::sim {
namespace {

Promise promise_of(raptor::StreamMode mode) {
  switch (mode) {
    case raptor::StreamMode::kReliableOrdered:
      return Promise::kOrdered;
    case raptor::StreamMode::kReliableUnordered:
      return Promise::kUnordered;
    case raptor::StreamMode::kLatest:
      return Promise::kLatest;
    case raptor::StreamMode::kDeadline:
      return Promise::kDeadline;
    case raptor::StreamMode::kUnreliable:
      break;
  }
  return Promise::kUnreliable;
}

}  // namespace

Transfer& Transfers::open(const FlowPlan& plan, uint64_t sender_id, uint64_t receiver_id,
                          uint32_t window_bytes) {
  const raptor::StreamOptions& options = plan.options;
  const uint32_t ring_bytes =
      options.ring_bytes != 0
          ? options.ring_bytes
          : raptor::stream_ring_bytes(options.message_bytes_max, raptor::kStreamRingBytesDefault);
  // The receiver's window is what it said, or twice the largest message, as a power of two.
  const uint32_t receive_bytes = raptor::stream_ring_bytes(options.message_bytes_max, window_bytes);
  Transfer transfer{DeliveryCheck(promise_of(options.mode), plan.payload), options, sender_id,
                    receiver_id, uint64_t{ring_bytes} + receive_bytes};
  transfer.delivered_ns = run_.now_ns;
  return transfers_.emplace(options.label, std::move(transfer)).first->second;
}

void Transfers::on_offered(Transfer& transfer, uint32_t message_bytes) {
  transfer.check.on_offered();
  transfer.offered_bytes += raptor::message_record_bytes(message_bytes);
  offered_bytes_ += message_bytes;
  const Promise promise = transfer.check.promise();
  if (promise != Promise::kOrdered && promise != Promise::kUnordered) return;
  const uint64_t between_bytes = transfer.offered_bytes - transfer.delivered_bytes;
  const uint64_t overfull = fault_ == Fault::kOverfill ? between_bytes * 1'000 : between_bytes;
  if (overfull > transfer.buffer_bytes_max) {
    run_.fail("stream %" PRIx64 " took %" PRIu64 " bytes that were not delivered; %" PRIu64
              " at most fit its two buffers",
              transfer.options.label, between_bytes, transfer.buffer_bytes_max);
  }
}

void Transfers::on_delivered(uint64_t label, uint64_t receiver_id,
                             std::span<const uint8_t> message) {
  const auto found = transfers_.find(label);
  if (found == transfers_.end()) {
    run_.fail("a message of stream %" PRIx64 ", which nobody opened", label);
    return;
  }
  Transfer& transfer = found->second;
  const bool misdelivers = fault_ == Fault::kMisdeliver && delivered_ == 20;
  if (transfer.receiver_id != receiver_id || misdelivers) {
    run_.fail("a message of stream %" PRIx64 " came to session %" PRIx64 " instead of %" PRIx64,
              label, receiver_id, transfer.receiver_id);
    return;
  }
  if (fault_ != Fault::kNone && plant(transfer, message)) return;
  check(transfer, message);
}

void Transfers::check(Transfer& transfer, std::span<const uint8_t> message) {
  ++delivered_;
  transfer.delivered_bytes += raptor::message_record_bytes(static_cast<uint32_t>(message.size()));
  transfer.delivered_ns = run_.now_ns;
  run_.trace.event(run_.now_ns, "message", transfer.options.label, transfer.check.delivered(),
                   message.size());
  if (const char* wrong = transfer.check.on_delivered(message); wrong != nullptr) {
    run_.fail("stream %" PRIx64 " (mode %u), delivery %u of %u offered, %zu bytes: %s",
              transfer.options.label, static_cast<unsigned>(transfer.options.mode),
              transfer.check.delivered(), transfer.check.offered(), message.size(), wrong);
  }
}

// Whether the message was dealt with.
bool Transfers::plant(Transfer& transfer, std::span<const uint8_t> message) {
  constexpr uint64_t kPlantAt = 20;
  const bool is_ordered = transfer.check.promise() == Promise::kOrdered;
  const bool is_time = delivered_ >= kPlantAt && is_ordered && message.size() >= 8;
  if (!held_.empty() && held_label_ == transfer.options.label) {
    check(transfer, message);
    check(transfer, held_);
    held_.clear();
    return true;
  }
  if (!is_time) return false;
  if (fault_ == Fault::kDeliverTwice) check(transfer, message);
  if (fault_ == Fault::kLoseMessage) {
    fault_ = Fault::kNone;
    return true;
  }
  std::vector<uint8_t> copy(message.begin(), message.end());
  if (fault_ == Fault::kBendMessage) {
    copy[copy.size() / 2] ^= 4;
    check(transfer, copy);
    return true;
  }
  if (fault_ != Fault::kDeliverLate) return false;
  held_ = std::move(copy);
  held_label_ = transfer.options.label;
  return true;
}

}  // namespace hyperroute::sim
