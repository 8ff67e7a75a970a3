// Each rule of the verifier about several copies of a message, broken by itself.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "route/image_verify.h"
#include "unit/native/route/image_parts.h"
#include "unit/native/route/image_walk.h"

namespace hyperroute {
namespace {

struct Damage {
  const char* reason;  // Part of the context that the refusal must carry.
  std::function<void(ImageParts&)> make;
};

// The routes of the image: all rules of ticks, the first of them, all of raw bytes.
enum Route : uint32_t { kAllTicks, kFirstTicks, kAllBytes };

ActionRecord& action_of(ImageParts& parts, uint32_t route, uint32_t rule) {
  return parts.actions.at(parts.slots.at(parts.routes.at(route).actions + rule));
}

TEST(ImageVerifierFanOut, TakesTheImageAsItIs) {
  RouteImage image;
  const Status status = RouteImage::load(read_vector("fan-out"), image);
  EXPECT_TRUE(status.ok()) << status.context;
  EXPECT_EQ(image.summary().tap_count, 3u);
}

TEST(ImageVerifierFanOut, RefusesWhatCouldLeaveTooOftenOrPointAstray) {
  const std::vector<Damage> damages = {
      {"unknown mode", [](ImageParts& p) { p.routes[0].mode = static_cast<RouteMode>(2); }},
      {"unknown mode", [](ImageParts& p) { p.routes[0].reserved = 1; }},
      {"unknown mode", [](ImageParts& p) { p.routes[1].reserved_end = 1; }},
      {"matchers of all rules", [](ImageParts& p) { p.routes[kAllTicks].otherwise = 0; }},
      {"matchers of all rules", [](ImageParts& p) { p.routes[kAllBytes].otherwise = 1; }},
      {"flags", [](ImageParts& p) { action_of(p, kAllTicks, 0).flags = 2; }},
      {"priority 8", [](ImageParts& p) { action_of(p, kAllTicks, 0).priority = 8; }},
      {"no extra", [](ImageParts& p) { action_of(p, kAllTicks, 0).extra = 2; }},
      {"of another kind",
       [](ImageParts& p) { action_of(p, kAllTicks, 0).kind = ActionKind::kPool; }},
      {"no pool", [](ImageParts& p) { action_of(p, kAllTicks, 0).target = 2; }},
      {"taps", [](ImageParts& p) { p.extras[0].taps = 3; }},
      {"taps", [](ImageParts& p) { p.extras[1].tap_count = 3; }},
      {"a tap of no message", [](ImageParts& p) { p.taps[0].every = 0; }},
      {"action of a tap",
       [](ImageParts& p) { p.taps[0].action = static_cast<uint32_t>(p.actions.size()); }},
      {"a tap with taps",
       [](ImageParts& p) { p.taps[0].action = p.slots[p.routes[kFirstTicks].actions]; }},
      {"copies of a message",
       [](ImageParts& p) {
         p.taps.resize(80, p.taps[0]);
         p.extras[0] = {0, 80, kNoIndex, 0, {}};
       }},
      {"copies of a message",
       [](ImageParts& p) {
         p.pools[0].member_count = 65;
         p.pool_members.insert(p.pool_members.begin(), 65, p.pool_members[0]);
         p.pools[0].members = 0;
         p.pools[1].members += 65;
       }},
      {"no single message",
       [](ImageParts& p) {
         p.routes[kFirstTicks].reject = p.slots[p.routes[kFirstTicks].actions];
       }},
  };
  const ImageParts whole = ImageParts::of(read_vector("fan-out"));
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

TEST(ImageVerifierFanOut, RefusesAMatcherThatNamesOneRuleWhereAllCount) {
  ImageParts parts = ImageParts::of(read_vector("fan-out"));
  MatcherRecord& matcher = parts.matchers.at(parts.routes[kAllBytes].matchers);
  matcher.kind = MatcherKind::kTable;
  matcher.table = static_cast<uint32_t>(parts.cells.size());
  matcher.count = 1;
  parts.cells.push_back(0);
  RouteImage image;
  const Status status = RouteImage::load(parts.image(), image);
  EXPECT_EQ(status.code, StatusCode::kImageCorrupt);
  EXPECT_NE(std::string(status.context).find("names one rule"), std::string::npos);
}

}  // namespace
}  // namespace hyperroute
