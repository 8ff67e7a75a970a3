// Check, classify, pick, rewrite: each message once, with the fields where they are known to be.
#include "bench/native/route/stateless.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "bench/native/options.h"
#include "include/hyperroute/codes.h"
#include "route/key_hash_datapath.h"

namespace hyperroute {
namespace {

constexpr uint32_t kOrderBytes = 64;
constexpr uint32_t kVenueOrderBytes = 64;
constexpr uint16_t kBlockEndpoint = 25;
constexpr uint32_t kSymbolCount = 1024;
constexpr uint16_t kMalformed = static_cast<uint16_t>(RejectCode::kMalformed);
constexpr uint16_t kUnknownType = static_cast<uint16_t>(RejectCode::kUnknownType);
constexpr uint16_t kBadEnum = static_cast<uint16_t>(RejectCode::kBadEnum);
constexpr uint16_t kPriceCode = 1000;
constexpr uint16_t kQuantityCode = 1001;
constexpr uint16_t kClientCode = 1002;
constexpr uint16_t kSymbolCode = 1003;

// Where an order's fields are.
constexpr uint32_t kTypeAt = 4;
constexpr uint32_t kIdAt = 16;
constexpr uint32_t kSymbolAt = 24;
constexpr uint32_t kPriceAt = 32;
constexpr uint32_t kQuantityAt = 40;
constexpr uint32_t kClientAt = 44;
constexpr uint32_t kSideAt = 48;
constexpr uint32_t kTifAt = 49;
constexpr uint32_t kTierAt = 50;
constexpr uint32_t kAccountAt = 52;
constexpr uint32_t kSentAt = 56;

Routed rejected(uint16_t code) {
  return {.output = nullptr, .bytes = 0, .endpoint = kNowhere, .reject_code = code};
}

// Returns 0 or the code of the first check that does not hold.
uint16_t check_order(const uint8_t* order, uint32_t order_bytes, const SymbolTable& symbols) {
  if (order_bytes < kTypeAt + 4) return kMalformed;
  if (load_u32_le(order + kTypeAt) != 1) return kUnknownType;
  if (order_bytes != kOrderBytes || load_u32_le(order) != kOrderBytes) return kMalformed;
  if (load_u64_le(order + kPriceAt) - 1 >= 1'000'000'000) return kPriceCode;
  if (load_u32_le(order + kQuantityAt) - 1 >= 1'000'000) return kQuantityCode;
  if (load_u32_le(order + kClientAt) - 1 >= 50'000) return kClientCode;
  return symbols.contains(load_u64_le(order + kSymbolAt)) ? 0 : kSymbolCode;
}

void write_venue_order(const uint8_t* order, uint8_t* to) {
  static constexpr uint8_t kSides[] = {'1', '2'};
  static constexpr uint8_t kTimesInForce[] = {'0', '1', '3', '4'};
  store_u16_be(to, kVenueOrderBytes);
  store_u8(to + 2, 7);
  store_u8(to + 3, 3);
  store_u64_be(to + 4, 0);
  store_u64_be(to + 12, load_u64_le(order + kIdAt));
  store_u64_be(to + 20, kReturnAddress);
  std::memcpy(to + 28, order + kSymbolAt, 8);
  store_u64_be(to + 36, load_u64_le(order + kPriceAt));
  store_u32_be(to + 44, load_u32_le(order + kQuantityAt));
  store_u32_be(to + 48, load_u32_le(order + kAccountAt));
  store_u8(to + 52, kSides[order[kSideAt]]);
  store_u8(to + 53, kTimesInForce[order[kTifAt]]);
  store_u16_be(to + 54, order[kTierAt]);
  store_u64_be(to + 56, load_u64_le(order + kSentAt));
}

// As the configuration names them: three letters and the number.
uint64_t symbol_at(uint32_t index) {
  char text[16] = {};
  std::snprintf(text, sizeof text, "%c%c%c%u", 'A' + index % 26, 'A' + (index * 7) % 26,
                'A' + (index >> 3) % 26, index);
  return load_u64_le(text);
}

}  // namespace

StatelessRouter::StatelessRouter(const RouteImage& image)
    : lit_(hash_pool(image.tables(), 1)), dark_(hash_pool(image.tables(), 0)) {
  for (uint32_t index = 0; index < kSymbolCount; ++index) symbols_.add(symbol_at(index));
  std::fill(std::begin(alive_), std::end(alive_), uint8_t{1});
  for (uint32_t place = 0; place < 2 * 4 * kTierCount * kQuantityBands; ++place) {
    const uint32_t band = place % kQuantityBands;
    const uint32_t tier = place / kQuantityBands % kTierCount;
    const uint32_t tif = place / kQuantityBands / kTierCount % 4;
    const uint32_t side = place / kQuantityBands / kTierCount / 4;
    actions_[side][tif][tier][band] = action_of(side == 0, tif, tier, band);
  }
}

StatelessRouter::Action StatelessRouter::action_of(bool buys, uint32_t tif, uint32_t tier,
                                                   uint32_t band) noexcept {
  constexpr uint32_t kDay = 0, kGtc = 1, kIoc = 2, kFok = 3;
  if (tif == kIoc && tier >= 5 && band == 2) return Action::kDark;
  if (!buys && tif == kFok && band == 0) return Action::kBlock;
  if (buys && tier < 2 && band == 1) return Action::kDark;
  if (!buys && tif == kDay && (tier == 3 || tier == 4)) return Action::kDark;
  if (buys && tif == kGtc && tier >= 6) return Action::kBlock;
  return Action::kLit;
}

StatelessRouter::HashPool StatelessRouter::hash_pool(const ImageTables& tables, uint32_t index) {
  const PoolRecord& pool = tables.pools[index];
  if (pool.kind != PoolKind::kHash || pool.ranks != 4) fail(1, "pool %u is another one", index);
  HashPool made{.endpoints = {}, .slot_count = pool.slot_count};
  for (uint32_t slot = 0; slot < pool.slot_count * pool.ranks; ++slot) {
    const uint32_t member = tables.bytes[pool.slots + slot];
    made.endpoints.push_back(
        static_cast<uint8_t>(tables.pool_members[pool.members + member].endpoint));
  }
  return made;
}

uint8_t StatelessRouter::pick(const HashPool& pool, uint32_t client) const noexcept {
  KeyHash hash;
  hash.add(client);
  const uint8_t* ranked = &pool.endpoints[low_share(hash.finish(), pool.slot_count)];
  for (uint32_t rank = 0; rank < 3; ++rank, ranked += pool.slot_count) {
    if (alive_[*ranked] != 0) return *ranked;
  }
  return *ranked;
}

Routed StatelessRouter::route(const RouteInput& input, Sink& sink) {
  const uint8_t* const order = input.data;
  if (const uint16_t code = check_order(order, input.bytes, symbols_); code != 0) [[unlikely]]
    return rejected(code);
  const uint32_t quantity = load_u32_le(order + kQuantityAt);
  const uint32_t band = (quantity >= 100 ? 1u : 0u) + (quantity >= 10'000 ? 1u : 0u);
  if (order[kSideAt] > 1 || order[kTifAt] > 3) [[unlikely]]
    return rejected(kBadEnum);
  // No rule tells the higher tiers apart.
  const uint32_t tier = std::min<uint32_t>(order[kTierAt], kTierCount - 1);
  uint16_t endpoint = kBlockEndpoint;
  switch (actions_[order[kSideAt]][order[kTifAt]][tier][band]) {
    case Action::kLit:
      endpoint = pick(lit_, load_u32_le(order + kClientAt));
      break;
    case Action::kDark:
      endpoint = pick(dark_, load_u32_le(order + kClientAt));
      break;
    case Action::kBlock:
      break;
  }
  uint8_t* const slot = sink.claim(endpoint, kVenueOrderBytes);
  write_venue_order(order, slot);
  return {.output = slot, .bytes = kVenueOrderBytes, .endpoint = endpoint, .reject_code = 0};
}

}  // namespace hyperroute
