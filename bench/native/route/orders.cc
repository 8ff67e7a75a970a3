// Check, look up, write, remember.
#include "bench/native/route/orders.h"

#include <bit>
#include <cstring>

#include "base/bits.h"
#include "base/cpu.h"
#include "bench/native/route/order_messages.h"
#include "include/hyperroute/codes.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPriceMax = 1'000'000'000;
constexpr uint32_t kQuantityMax = 1'000'000;
constexpr uint64_t kNotionalMax = 100'000'000'000'000;
constexpr uint16_t kPriceCode = 1000;
constexpr uint16_t kQuantityCode = 1001;
constexpr uint16_t kNotionalCode = 1002;
// Orders do not time out here: ours are given the same time.
constexpr uint64_t kNowNs = 0;

Routed rejected(uint32_t code) {
  return {.output = nullptr,
          .bytes = 0,
          .endpoint = kNowhere,
          .reject_code = static_cast<uint16_t>(code)};
}

Routed rejected(RejectCode code) { return rejected(static_cast<uint32_t>(code)); }

// Returns 0 or the code of the first check that does not hold.
uint32_t check_order(uint32_t price, uint32_t quantity) {
  if (price - 1 >= kPriceMax) return kPriceCode;
  if (quantity - 1 >= kQuantityMax) return kQuantityCode;
  return uint64_t{price} * quantity > kNotionalMax ? kNotionalCode : 0;
}

void write_header_b(uint8_t* to, uint32_t message_bytes, uint32_t type) {
  store_u32_le(to, message_bytes);
  store_u32_le(to + kTypeAt, type);
  store_u64_le(to + kSeqAtB, 0);
}

}  // namespace

OrderBook::OrderBook(uint32_t capacity)
    : orders_(capacity + 1),
      slots_(std::bit_ceil(2 * (capacity + 1)), Slot{0, kNone}),
      mask_(static_cast<uint32_t>(slots_.size()) - 1) {
  for (uint32_t index = capacity + 1; index > 0; --index) free_.push_back(index - 1);
}

uint32_t OrderBook::find_client_id(uint64_t client_id) const noexcept {
  const uint32_t hash = hash_of(client_id);
  for (uint32_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
    const Slot& found = slots_[slot];
    if (found.order == kNone) return kNone;
    if (found.hash == hash && orders_[found.order].client_id == client_id) return found.order;
  }
}

void OrderBook::open(uint64_t client_id, uint16_t source, uint16_t destination,
                     uint64_t now_ns) noexcept {
  const uint32_t index = free_.back();
  free_.pop_back();
  Order& order = orders_[index];
  const uint32_t hash = hash_of(client_id);
  order = {order.generation + 1, newest_, kNone, hash, now_ns, client_id, source, destination};
  if (newest_ != kNone) {
    orders_[newest_].newer = index;
  } else {
    oldest_ = index;
  }
  newest_ = index;
  uint32_t slot = hash & mask_;
  while (slots_[slot].order != kNone &&
         (slots_[slot].hash != hash || orders_[slots_[slot].order].client_id != client_id)) {
    slot = (slot + 1) & mask_;
  }
  slots_[slot] = {hash, index};
}

void OrderBook::forget_slot(uint32_t index, uint32_t hash) noexcept {
  uint32_t hole = hash & mask_;
  for (; slots_[hole].order != index; hole = (hole + 1) & mask_) {
    if (slots_[hole].order == kNone) return;
  }
  for (uint32_t next = (hole + 1) & mask_; slots_[next].order != kNone; next = (next + 1) & mask_) {
    if (((next - slots_[next].hash) & mask_) < ((next - hole) & mask_)) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole].order = kNone;
}

void OrderBook::close(uint32_t index) noexcept {
  Order& order = orders_[index];
  forget_slot(index, order.hash);
  (order.older == kNone ? oldest_ : orders_[order.older].newer) = order.newer;
  (order.newer == kNone ? newest_ : orders_[order.newer].older) = order.older;
  ++order.generation;
  free_.push_back(index);
}

void OrderBook::prefetch_open(uint64_t client_id, uint32_t number) const noexcept {
  prefetch_for_write(&slots_[hash_of(client_id) & mask_]);
  if (number < free_.size()) prefetch_for_write(&orders_[free_[free_.size() - 1 - number]]);
}

void OrderBook::prefetch_order(uint64_t id) const noexcept {
  const auto index = static_cast<uint32_t>(id);
  if (index < orders_.size()) prefetch_for_write(&orders_[index]);
}

void OrderBook::prefetch_slot(uint64_t client_id) const noexcept {
  prefetch_for_write(&slots_[hash_of(client_id) & mask_]);
}

uint32_t OrderBook::guess(uint64_t client_id) const noexcept {
  const Slot& slot = slots_[hash_of(client_id) & mask_];
  return slot.hash == hash_of(client_id) ? slot.order : kNone;
}

void OrderBook::prefetch_found(uint64_t client_id) const noexcept {
  const uint32_t index = guess(client_id);
  if (index != kNone) prefetch_for_write(&orders_[index]);
}

void OrderBook::prefetch_close(uint32_t index) const noexcept {
  const Order& order = orders_[index];
  if (order.older != kNone) prefetch_for_write(&orders_[order.older]);
  if (order.newer != kNone) prefetch_for_write(&orders_[order.newer]);
  prefetch_for_write(&slots_[order.hash & mask_]);
}

Routed OrderRouter::new_order(const RouteInput& input, Sink& sink) {
  const uint8_t* const from = input.data;
  if (input.bytes != kOrderBytesA || load_u32_le(from) != kOrderBytesA) [[unlikely]]
    return rejected(RejectCode::kMalformed);
  const uint32_t price = load_u32_le(from + kPriceAtA);
  const uint32_t quantity = load_u32_le(from + kQuantityAtA);
  if (const uint32_t code = check_order(price, quantity); code != 0) [[unlikely]]
    return rejected(code);
  if (book_.is_full()) [[unlikely]]
    return rejected(RejectCode::kCorrelationFull);
  uint16_t venue = kBlockVenue;
  if (quantity < kBlockQuantity) {
    venue = static_cast<uint16_t>(kFirstVenue + next_venue_);
    next_venue_ = next_venue_ + 1 == kVenueCount ? 0 : next_venue_ + 1;
  }
  const uint64_t client_id = load_u64_le(from + kClientIdAtA);
  uint8_t* const to = sink.claim(venue, kOrderBytesB);
  write_header_b(to, kOrderBytesB, kNewOrderType);
  store_u32_le(to + kPriceAtB, price);
  store_u32_le(to + kQuantityAtB, quantity);
  store_u64_le(to + kOrderIdAtB, book_.next_id());
  store_u64_le(to + kClientIdAtB, client_id);
  book_.open(client_id, input.source, venue, kNowNs);
  return {.output = to, .bytes = kOrderBytesB, .endpoint = venue, .reject_code = 0};
}

Routed OrderRouter::replace(const RouteInput& input, Sink& sink) {
  const uint8_t* const from = input.data;
  if (input.bytes != kReplaceBytesA || load_u32_le(from) != kReplaceBytesA) [[unlikely]]
    return rejected(RejectCode::kMalformed);
  const uint32_t price = load_u32_le(from + kPriceAtA);
  const uint32_t quantity = load_u32_le(from + kQuantityAtA);
  if (const uint32_t code = check_order(price, quantity); code != 0) [[unlikely]]
    return rejected(code);
  const uint32_t found = book_.find_client_id(load_u64_le(from + kOriginalAtA));
  if (found == OrderBook::kNone) [[unlikely]]
    return rejected(RejectCode::kNotCorrelated);
  if (book_.is_full()) [[unlikely]]
    return rejected(RejectCode::kCorrelationFull);
  const OrderBook::Order& order = book_.order(found);
  const uint16_t venue = order.destination;
  uint8_t* const to = sink.claim(venue, kReplaceBytesB);
  write_header_b(to, kReplaceBytesB, kReplaceType);
  store_u32_le(to + kPriceAtB, price);
  store_u32_le(to + kQuantityAtB, quantity);
  store_u64_le(to + kOrderIdAtB, book_.next_id());
  store_u64_le(to + kOriginalAtB, order.client_id);
  book_.open(load_u64_le(from + kClientIdAtA), input.source, venue, kNowNs);
  book_.close(found);
  return {.output = to, .bytes = kReplaceBytesB, .endpoint = venue, .reject_code = 0};
}

Routed OrderRouter::report(const RouteInput& input, Sink& sink) {
  const uint8_t* const from = input.data;
  if (input.bytes < kTypeAt + 4) [[unlikely]]
    return rejected(RejectCode::kMalformed);
  if (load_u32_le(from + kTypeAt) != kReportType) [[unlikely]]
    return rejected(RejectCode::kUnknownType);
  if (input.bytes != kReportBytesB || load_u32_le(from) != kReportBytesB) [[unlikely]]
    return rejected(RejectCode::kMalformed);
  const uint32_t price = load_u32_le(from + kPriceAtB);
  const uint32_t quantity = load_u32_le(from + kQuantityAtB);
  if (price - 1 >= kPriceMax) [[unlikely]]
    return rejected(kPriceCode);
  if (quantity > kQuantityMax) [[unlikely]]
    return rejected(kQuantityCode);
  const uint64_t id = load_u64_le(from + kOrderIdAtB);
  const uint32_t found = book_.find(id);
  if (found == OrderBook::kNone) [[unlikely]]
    return rejected(RejectCode::kNotCorrelated);
  const OrderBook::Order& order = book_.order(found);
  const uint16_t client = order.source;
  uint8_t* const to = sink.claim(client, kReportBytesA);
  store_u32_le(to, kReportBytesA);
  store_u8(to + kTypeAt, kReportType);
  store_u64_le(to + kSeqAtA, 0);
  store_u32_le(to + kPriceAtA, price);
  store_u32_le(to + kQuantityAtA, quantity);
  store_u64_le(to + kClientIdAtA, order.client_id);
  store_u64_le(to + kOriginalAtA, 0);
  store_u64_le(to + kOrderIdAtA, id);
  store_u64_le(to + kExecIdAtA, load_u64_le(from + kExecIdAtB));
  // Nothing is left of the order.
  if (quantity == 0) book_.close(found);
  return {.output = to, .bytes = kReportBytesA, .endpoint = client, .reject_code = 0};
}

Routed OrderRouter::route(const RouteInput& input, Sink& sink) {
  if (input.source != kClients) return report(input, sink);
  if (input.bytes < kTypeAt + 1) [[unlikely]]
    return rejected(RejectCode::kMalformed);
  if (input.data[kTypeAt] == kNewOrderType) return new_order(input, sink);
  if (input.data[kTypeAt] == kReplaceType) return replace(input, sink);
  return rejected(RejectCode::kUnknownType);
}

void OrderRouter::prefetch(std::span<const RouteInput> inputs) {
  uint32_t opened = 0;
  for (const RouteInput& input : inputs) {
    if (input.source != kClients) {
      if (input.bytes == kReportBytesB) book_.prefetch_order(load_u64_le(input.data + kOrderIdAtB));
    } else if (input.bytes >= kOrderBytesA) {
      book_.prefetch_open(load_u64_le(input.data + kClientIdAtA), opened++);
      if (input.bytes == kReplaceBytesA) {
        book_.prefetch_slot(load_u64_le(input.data + kOriginalAtA));
      }
    }
  }
  for (const RouteInput& input : inputs) {
    if (input.source == kClients && input.bytes == kReplaceBytesA) {
      book_.prefetch_found(load_u64_le(input.data + kOriginalAtA));
    }
  }
  for (const RouteInput& input : inputs) {
    const bool is_report = input.source != kClients && input.bytes == kReportBytesB;
    if (is_report && load_u32_le(input.data + kQuantityAtB) == 0) {
      const uint32_t index = book_.find(load_u64_le(input.data + kOrderIdAtB));
      if (index != OrderBook::kNone) book_.prefetch_close(index);
    } else if (input.source == kClients && input.bytes == kReplaceBytesA) {
      const uint32_t index = book_.guess(load_u64_le(input.data + kOriginalAtA));
      if (index != OrderBook::kNone) book_.prefetch_close(index);
    }
  }
}

}  // namespace hyperroute
