// Whose turn it is survives a change of the image: pools, random draws and taps go on where they
// were, and a share that was told before a change holds in it.
#include <gtest/gtest.h>

#include "relay_fixture.h"
#include "unit/native/route/image_parts.h"

namespace hyperroute {
namespace {

constexpr uint32_t kMessages = 64;

RouteRecord& left_route(ImageParts& parts) {
  return parts.routes[parts.endpoint_routes[parts.endpoints[Relay::kLeft].routes]];
}

// The relay, in which a pool of the other two endpoints gets what comes from the left.
std::vector<uint8_t> pool_image(PoolKind kind) {
  ImageParts parts = ImageParts::of(read_vector("relay"));
  PoolRecord pool{};
  pool.kind = kind;
  pool.member_count = 2;
  pool.members = static_cast<uint32_t>(parts.pool_members.size());
  parts.pool_members.push_back({Relay::kRight, 1});
  parts.pool_members.push_back({Relay::kEcho, 1});
  if (kind == PoolKind::kTwoChoices || kind == PoolKind::kWeighted) {
    pool.ranks = 1;
    pool.slots = static_cast<uint32_t>(parts.bytes.size());
    pool.slot_count = 2;
    parts.bytes.insert(parts.bytes.end(), {0, 1});
  }
  ActionRecord& action = parts.actions[parts.slots[left_route(parts).actions]];
  action.kind = ActionKind::kPool;
  action.target = static_cast<uint16_t>(parts.pools.size());
  parts.pools.push_back(pool);
  return parts.image();
}

// The relay, whose left route has a tap of every third message to the echo endpoint.
std::vector<uint8_t> tap_image() {
  ImageParts parts = ImageParts::of(read_vector("relay"));
  RouteRecord& route = left_route(parts);
  ActionRecord action = parts.actions[parts.slots[route.actions]];
  ActionRecord tapped = action;
  tapped.target = Relay::kEcho;
  action.extra = static_cast<uint16_t>(parts.extras.size());
  ExtraRecord extra{};
  extra.taps = static_cast<uint32_t>(parts.taps.size());
  extra.tap_count = 1;
  extra.opening = kNoIndex;
  parts.extras.push_back(extra);
  parts.taps.push_back({static_cast<uint32_t>(parts.actions.size()) + 1, 3});
  route.actions = static_cast<uint32_t>(parts.slots.size());
  parts.slots.push_back(static_cast<uint16_t>(parts.actions.size()));
  parts.actions.push_back(action);
  parts.actions.push_back(tapped);
  return parts.image();
}

// Binds the same image once more, as an endpoint that moves makes the router do it.
void bind_again(Relay& relay) {
  InstallSpec spec;
  spec.slot_of_endpoint = relay.slots;
  ASSERT_TRUE(relay.router->prepare(spec).ok());
  relay.router->commit();
}

enum class Swap : uint8_t { kNever, kSameImage, kNewImage };

// Who gets each of the messages, 'r' or 'e', with a change of the image before each of them.
std::string destinations(const std::vector<uint8_t>& image, Swap swap) {
  RelayOptions options;
  options.image = image;
  Relay relay(options);
  std::string order;
  for (uint64_t sent = 0; sent < kMessages; ++sent) {
    if (swap == Swap::kSameImage) bind_again(relay);
    if (swap == Swap::kNewImage) relay.install();
    EXPECT_TRUE(relay.send(Relay::kLeft, sent));
    while (relay.router->poll() > 0) continue;
    EXPECT_TRUE(relay.router->grace_passed());
    uint64_t value = 0;
    while (relay.receive(Relay::kRight, value)) order += 'r';
    while (relay.receive(Relay::kEcho, value)) order += 'e';
  }
  return order;
}

TEST(EngineTurns, PoolsAndRandomDrawsGoOnOverASwap) {
  const PoolKind kinds[] = {PoolKind::kRoundRobin, PoolKind::kWeighted, PoolKind::kLeastLoaded,
                            PoolKind::kTwoChoices};
  for (const PoolKind kind : kinds) {
    const std::vector<uint8_t> image = pool_image(kind);
    const std::string expected = destinations(image, Swap::kNever);
    ASSERT_EQ(expected.size(), kMessages);
    ASSERT_NE(expected.find('r'), std::string::npos);
    ASSERT_NE(expected.find('e'), std::string::npos);
    EXPECT_EQ(destinations(image, Swap::kSameImage), expected) << static_cast<int>(kind);
    EXPECT_EQ(destinations(image, Swap::kNewImage), expected) << static_cast<int>(kind);
  }
}

TEST(EngineTurns, TapsGoOnOverASwap) {
  const std::string expected = destinations(tap_image(), Swap::kNever);
  EXPECT_EQ(expected.substr(0, 6), "rerrre");
  EXPECT_EQ(destinations(tap_image(), Swap::kSameImage), expected);
  EXPECT_EQ(destinations(tap_image(), Swap::kNewImage), expected);
}

TEST(EngineTurns, AnImageWithOtherPoolsStartsOver) {
  RelayOptions options;
  options.image = pool_image(PoolKind::kRoundRobin);
  Relay relay(options);
  ASSERT_TRUE(relay.send(Relay::kLeft, 1));
  while (relay.router->poll() > 0) continue;
  const std::vector<uint8_t> other = pool_image(PoolKind::kWeighted);
  relay.install(other);
  ASSERT_TRUE(relay.send(Relay::kLeft, 2));
  while (relay.router->poll() > 0) continue;
  uint64_t value = 0;
  ASSERT_TRUE(relay.receive(Relay::kRight, value));
  ASSERT_TRUE(relay.receive(Relay::kRight, value));
  EXPECT_EQ(value, 2u);
}

TEST(EngineTurns, AWorkerThatSleepsThroughSwapsGoesOnWhereItWas) {
  RelayOptions options;
  options.image = pool_image(PoolKind::kRoundRobin);
  options.inline_model = false;
  Relay relay(options);
  uint64_t value = 0;
  std::string order;
  for (uint64_t sent = 0; sent < 10; ++sent) {
    ASSERT_TRUE(relay.send(Relay::kLeft, sent));
    const size_t before = order.size();
    while (order.size() == before) {
      while (relay.receive(Relay::kRight, value)) order += 'r';
      while (relay.receive(Relay::kEcho, value)) order += 'e';
    }
    for (int swaps = 0; swaps < 3; ++swaps) relay.install();
    while (!relay.router->grace_passed()) continue;
  }
  EXPECT_EQ(order, "rerererere");
}

TEST(EngineTurns, AShareThatIsToldBetweenPrepareAndCommitHolds) {
  Application moved;
  RelayOptions options;
  options.image = pool_image(PoolKind::kRoundRobin);
  Relay relay(options);
  relay.slots[Relay::kRight] = relay.open(Relay::kRight, moved);
  InstallSpec spec;
  spec.slot_of_endpoint = relay.slots;
  ASSERT_TRUE(relay.router->prepare(spec).ok());
  Router::Standing standing;
  standing.share = kDead;
  relay.router->set_standing(relay.slots[Relay::kRight], standing);
  relay.router->commit();
  // Nobody has attached the new endpoint yet, so that its worker knows nothing of its share.
  for (uint64_t value = 0; value < 4; ++value) ASSERT_TRUE(relay.send(Relay::kLeft, value));
  while (relay.router->poll() > 0) continue;
  uint64_t value = 0;
  for (uint64_t expected = 0; expected < 4; ++expected) {
    ASSERT_TRUE(relay.receive(Relay::kEcho, value));
    EXPECT_EQ(value, expected);
  }
}

}  // namespace
}  // namespace hyperroute
