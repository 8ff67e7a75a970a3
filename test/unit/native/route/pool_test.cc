// Pools of a route image: what the verifier refuses of them, and what the step picks, with keys in
// every kind of field. The strategies themselves are held against the interpreter elsewhere.
#include "route/pool_datapath.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "unit/native/route/image_parts.h"
#include "unit/native/route/image_walk.h"

namespace hyperroute {
namespace {

// The pools of the image, in the order in which it was written.
enum Pool : uint8_t {
  kWeights,
  kChain,
  kLoads,
  kTwo,
  kHashed,
  kIds,
  kTables,
  kTurns,
};

struct Damage {
  const char* reason;
  std::function<void(ImageParts&)> make;
};

void expect_refused(const std::vector<Damage>& damages) {
  const ImageParts whole = ImageParts::of(read_vector("every-pool"));
  for (size_t index = 0; index < damages.size(); ++index) {
    ImageParts parts = whole;
    damages[index].make(parts);
    RouteImage image;
    const Status status = RouteImage::load(parts.image(), image);
    EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << index << ": " << damages[index].reason;
    EXPECT_NE(std::string(status.context).find(damages[index].reason), std::string::npos)
        << index << ": expected \"" << damages[index].reason << "\", got \"" << status.context
        << '"';
  }
}

// The action that goes to a pool.
ActionRecord& action_to(ImageParts& parts, uint16_t pool) {
  for (ActionRecord& action : parts.actions) {
    if (action.kind == ActionKind::kPool && action.target == pool) return action;
  }
  ADD_FAILURE() << "no action to pool " << pool;
  return parts.actions.at(0);
}

KeyFieldRecord& key_of(ImageParts& parts, uint16_t pool, uint32_t number) {
  return parts.key_fields.at(action_to(parts, pool).key + number);
}

TEST(PoolVerifier, AcceptsTheImageThatTheOthersDamage) {
  RouteImage image;
  const ImageParts parts = ImageParts::of(read_vector("every-pool"));
  const Status status = RouteImage::load(parts.image(), image);
  ASSERT_TRUE(status.ok()) << status.context;
  ASSERT_EQ(image.tables().pools.count, 8u);
}

TEST(PoolVerifier, RefusesPoolsThatAreNone) {
  expect_refused({
      {"unknown kind", [](ImageParts& p) { p.pools[kTurns].kind = PoolKind::kCount; }},
      {"panic policy", [](ImageParts& p) { p.pools[kTurns].panic = PoolPanic{3}; }},
      {"reserved", [](ImageParts& p) { p.pools[kTurns].reserved = 1; }},
      {"option", [](ImageParts& p) { p.pools[kTurns].option = 1; }},
      {"option", [](ImageParts& p) { p.pools[kLoads].option = 2; }},
      {"is empty", [](ImageParts& p) { p.pools[kTurns].member_count = 0; }},
      {"members", [](ImageParts& p) { p.pools[kTurns].member_count = 251; }},
      {"backups", [](ImageParts& p) { p.pools[kTurns].backup_count = 251; }},
      {"pool: ", [](ImageParts& p) { p.pools[kTables].backup_count = 250; }},
      {"pool: ", [](ImageParts& p) { p.pools[kTurns].members = UINT32_MAX; }},
      {"names an endpoint", [](ImageParts& p) { p.pool_members[1].endpoint = 5; }},
      {"names an endpoint", [](ImageParts& p) { p.pool_members.back().endpoint = 5; }},
      {"without weight", [](ImageParts& p) { p.pool_members[2].weight = 0; }},
  });
}

TEST(PoolVerifier, RefusesSlotsThatNameNoMember) {
  const auto slot = [](ImageParts& p, Pool pool, uint32_t at) -> uint8_t& {
    return p.bytes.at(p.pools[pool].slots + at);
  };
  expect_refused({
      {"without any", [](ImageParts& p) { p.pools[kTurns].slot_count = 1; }},
      {"without any", [](ImageParts& p) { p.pools[kChain].ranks = 1; }},
      {"without any", [](ImageParts& p) { p.pools[kLoads].slots = 1; }},
      {"0 slots", [](ImageParts& p) { p.pools[kWeights].slot_count = 0; }},
      {"65538 slots", [](ImageParts& p) { p.pools[kHashed].slot_count = 65538; }},
      {"slots of 0", [](ImageParts& p) { p.pools[kHashed].ranks = 0; }},
      {"slots of 9", [](ImageParts& p) { p.pools[kHashed].ranks = 9; }},
      {"slots of 2", [](ImageParts& p) { p.pools[kWeights].ranks = 2; }},
      {"slots of 2", [](ImageParts& p) { p.pools[kTwo].ranks = 2; }},
      {"pool slots", [](ImageParts& p) { p.pools[kHashed].slots = UINT32_MAX; }},
      {"pool slots", [](ImageParts& p) { p.pools[kTables].slot_count = 65537; }},
      {"names no member", [&](ImageParts& p) { slot(p, kWeights, 0) = 3; }},
      {"names no member", [&](ImageParts& p) { slot(p, kWeights, 1) = kNoMember; }},
      {"names no member", [&](ImageParts& p) { slot(p, kHashed, 4) = kNoMember; }},
      {"names no member", [&](ImageParts& p) { slot(p, kTables, 1) = 3; }},
      // The first of a slot is never left out.
      {"names no member", [&](ImageParts& p) { slot(p, kTables, 2) = kNoMember; }},
  });
}

TEST(PoolVerifier, RefusesIdsThatNameNoMember) {
  expect_refused({
      {"ids of a strategy", [](ImageParts& p) { p.pools[kHashed].id_count = 1; }},
      {"ids of a strategy", [](ImageParts& p) { p.pools[kTurns].id_steps = 1; }},
      {"ids of a strategy", [](ImageParts& p) { p.pools[kTurns].ids = 1; }},
      {"ids of a strategy", [](ImageParts& p) { p.pools[kTurns].id_members = 1; }},
      {"search", [](ImageParts& p) { p.pools[kIds].id_steps = 32; }},
      {"search keys", [](ImageParts& p) { p.pools[kIds].id_steps = 31; }},
      {"2 keys in", [](ImageParts& p) { p.pools[kIds].id_steps = 1; }},
      {"not ascending",
       [](ImageParts& p) { p.bounds[p.pools[kIds].ids] = p.bounds[p.pools[kIds].ids + 1]; }},
      {"not padded", [](ImageParts& p) { p.bounds[p.pools[kIds].ids + 2] = 0; }},
      {"pool ids", [](ImageParts& p) { p.pools[kIds].id_members = UINT32_MAX; }},
      {"an id names", [](ImageParts& p) { p.bytes[p.pools[kIds].id_members] = 3; }},
  });
}

TEST(PoolVerifier, RefusesKeysThatDoNotFitTheMessage) {
  expect_refused({
      {"a key of an action", [](ImageParts& p) { action_to(p, kHashed).key = kNoRecord; }},
      {"a key of an action", [](ImageParts& p) { action_to(p, kTurns).key = 0; }},
      {"key: ", [](ImageParts& p) { action_to(p, kHashed).key = 1000; }},
      {"17 fields", [](ImageParts& p) { key_of(p, kHashed, 0).more = 16; }},
      {"key: ", [](ImageParts& p) { p.key_fields.back().more = 1; }},
      {"does not end", [](ImageParts& p) { key_of(p, kHashed, 1).more = 0; }},
      {"reserved", [](ImageParts& p) { key_of(p, kHashed, 0).reserved = 1; }},
      {"outside", [](ImageParts& p) { key_of(p, kHashed, 0).offset = 0xFFF8; }},
      {"outside", [](ImageParts& p) { key_of(p, kHashed, 0).load = 0xFF; }},
      {"outside", [](ImageParts& p) { key_of(p, kHashed, 2).bytes = 0xFFFF; }},
      {"bytes of an integer", [](ImageParts& p) { key_of(p, kHashed, 0).bytes = 4; }},
      {"load of text", [](ImageParts& p) { key_of(p, kHashed, 2).load = 1; }},
      {"no text", [](ImageParts& p) { key_of(p, kHashed, 3).offset += 4; }},
      {"no text", [](ImageParts& p) { key_of(p, kTables, 0).offset = 4; }},
      {"kind of key", [](ImageParts& p) { key_of(p, kHashed, 0).kind = KeyFieldKind{3}; }},
      {"no integer", [](ImageParts& p) { action_to(p, kIds).key = action_to(p, kTables).key; }},
      {"no integer", [](ImageParts& p) { action_to(p, kIds).key = action_to(p, kHashed).key; }},
  });
}

TEST(RandomState, IsNeverZeroAndDiffersBySeed) {
  // The seed whose product with the generator's factor would be zero.
  EXPECT_EQ(random_state(UINT64_MAX), 1u);
  EXPECT_NE(random_state(0), random_state(1));
}

TEST(KeyHash, SpreadsSmallNumbersOverAnyCount) {
  for (const uint32_t count : {1u, 2u, 7u, 4099u, 65537u}) {
    std::vector<uint32_t> found(count, 0);
    for (uint64_t key = 0; key < 20ull * count; ++key) {
      KeyHash hash;
      hash.add(key);
      ++found.at(low_share(hash.finish(), count));
    }
    EXPECT_LT(*std::max_element(found.begin(), found.end()), 60u) << count;
  }
}

TEST(KeyHash, TakesTextWithoutItsPadding) {
  const auto hash = [](const std::string& text) {
    KeyHash key;
    key.add_text(reinterpret_cast<const uint8_t*>(text.data()), static_cast<uint32_t>(text.size()));
    return key.finish();
  };
  EXPECT_EQ(hash("AAPL"), hash(std::string("AAPL\0\0\0\0\0", 9)));
  EXPECT_EQ(hash("AAPL"), hash("AAPL   "));
  EXPECT_NE(hash("AAPL"), hash(" AAPL"));
  EXPECT_NE(hash(""), hash("A"));
  // What lies behind the first bytes of a long one is not looked at.
  EXPECT_EQ(hash(std::string(256, 'x')), hash(std::string(256, 'x') + "y"));
  EXPECT_NE(hash(std::string(255, 'x') + "y"), hash(std::string(256, 'x')));
}

}  // namespace
}  // namespace hyperroute
