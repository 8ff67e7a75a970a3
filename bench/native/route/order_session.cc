// Messages of the order flow.
#include "bench/native/route/order_session.h"

#include <utility>

#include "base/bits.h"
#include "bench/native/options.h"

namespace hyperroute {

OrderSession::OrderSession(uint32_t live_count, uint64_t seed) : random_(seed | 1) {
  live_.reserve(live_count + kBurstCount);
}

uint32_t OrderSession::below(uint32_t limit) noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<uint32_t>((random_ >> 32) * limit >> 32);
}

// All different, and scattered like the ids that clients choose.
uint64_t OrderSession::next_client_id() noexcept {
  uint64_t id = ++client_id_count_ * 0x9E3779B97F4A7C15;
  id = (id ^ id >> 30) * 0xBF58476D1CE4E5B9;
  return id ^ id >> 27;
}

// Puts as many open orders as a burst has at the end of the list.
void OrderSession::choose() {
  const auto count = static_cast<uint32_t>(live_.size());
  for (uint32_t number = 0; number < kBurstCount; ++number) {
    std::swap(live_[below(count - number)], live_[count - 1 - number]);
  }
}

void OrderSession::write_order(uint32_t number, OrderStep step) {
  uint8_t* const to = messages_[number];
  const bool replaces = step == OrderStep::kReplace;
  const uint32_t message_bytes = replaces ? kReplaceBytesA : kOrderBytesA;
  store_u32_le(to, message_bytes);
  store_u8(to + kTypeAt, replaces ? kReplaceType : kNewOrderType);
  store_u64_le(to + kSeqAtA, client_id_count_);
  store_u32_le(to + kPriceAtA, 1 + below(100'000'000));
  // One of ten goes to the block venue.
  store_u32_le(to + kQuantityAtA,
               below(10) == 0 ? kBlockQuantity + below(1'000) : 1 + below(5'000));
  store_u64_le(to + kClientIdAtA, next_client_id());
  if (replaces) store_u64_le(to + kOriginalAtA, chosen(number).client_id);
  inputs_[number] = {to, message_bytes, kClients, 0};
}

void OrderSession::write_report(uint32_t number, bool is_final) {
  const Live& order = chosen(number);
  uint8_t* const to = messages_[number];
  store_u32_le(to, kReportBytesB);
  store_u32_le(to + kTypeAt, kReportType);
  store_u64_le(to + kSeqAtB, client_id_count_);
  store_u32_le(to + kPriceAtB, 1 + below(100'000'000));
  store_u32_le(to + kQuantityAtB, is_final ? 0 : 1 + below(10'000));
  store_u64_le(to + kOrderIdAtB, order.order_id);
  store_u64_le(to + kExecIdAtB, random_);
  store_u64_le(to + kReportClientIdAtB, 0);
  inputs_[number] = {to, kReportBytesB, order.venue, 0};
}

std::span<const RouteInput> OrderSession::make(OrderStep step) {
  if (step != OrderStep::kNew) choose();
  for (uint32_t number = 0; number < kBurstCount; ++number) {
    if (step == OrderStep::kNew || step == OrderStep::kReplace) {
      write_order(number, step);
    } else {
      write_report(number, step == OrderStep::kFinal);
    }
  }
  return inputs_;
}

void OrderSession::learn(OrderStep step, std::span<const Routed> results) {
  for (uint32_t number = 0; number < kBurstCount; ++number) {
    const Routed& routed = results[number];
    if (routed.endpoint == kNowhere) fail(1, "an order was rejected: %u", routed.reject_code);
    if (step == OrderStep::kReport || step == OrderStep::kFinal) {
      const bool is_right = load_u64_le(routed.output + kClientIdAtA) == chosen(number).client_id;
      if (routed.endpoint != kClients || !is_right) fail(1, "a report went astray");
      continue;
    }
    const Live opened{load_u64_le(messages_[number] + kClientIdAtA),
                      load_u64_le(routed.output + kOrderIdAtB), routed.endpoint};
    if (step == OrderStep::kNew) {
      live_.push_back(opened);
    } else if (routed.endpoint == chosen(number).venue) {
      chosen(number) = opened;
    } else {
      fail(1, "a replacement went astray");
    }
  }
  if (step == OrderStep::kFinal) live_.resize(live_.size() - kBurstCount);
}

}  // namespace hyperroute
