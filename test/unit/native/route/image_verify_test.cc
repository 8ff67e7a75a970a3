// Each rule of the verifier, broken by itself in an image that is right otherwise.
#include "route/image_verify.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "unit/native/route/image_parts.h"

namespace hyperroute {
namespace {

struct Damage {
  const char* reason;  // Part of the context that the refusal must carry.
  std::function<void(ImageParts&)> make;
};

void expect_refused(const char* vector, const std::vector<Damage>& damages) {
  const ImageParts whole = ImageParts::of(read_vector(vector));
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

// The first record of a kind: where damage has something to hit.
OpRecord& op_of(ImageParts& parts, OpKind kind) {
  for (OpRecord& op : parts.ops) {
    if (op.kind == kind) return op;
  }
  ADD_FAILURE() << "the image has no op of kind " << static_cast<int>(kind);
  return parts.ops.at(0);
}

CheckRecord& check_of(ImageParts& parts, CheckKind kind) {
  for (CheckRecord& check : parts.checks) {
    if (check.kind == kind) return check;
  }
  ADD_FAILURE() << "the image has no check of kind " << static_cast<int>(kind);
  return parts.checks.at(0);
}

TEST(ImageVerifier, RefusesHeadersOfOtherFormats) {
  const std::vector<uint8_t> whole = read_vector("order-gateway");
  const std::vector<std::pair<size_t, const char*>> places = {
      {offsetof(ImageHeader, magic), "not a route image"},
      {offsetof(ImageHeader, format_version), "format version"},
      {offsetof(ImageHeader, section_count), "sections"},
      {offsetof(ImageHeader, image_bytes), "the header says"},
      {offsetof(ImageHeader, crc), "check sum"},
      {offsetof(ImageHeader, reserved), "reserved"}};
  for (const auto& [position, reason] : places) {
    std::vector<uint8_t> image = whole;
    image[position] ^= 1;
    if (position != offsetof(ImageHeader, crc)) fix_check_sum(image);
    RouteImage loaded;
    const Status status = RouteImage::load(image, loaded);
    EXPECT_NE(std::string(status.context).find(reason), std::string::npos) << status.context;
  }
}

TEST(ImageVerifier, RefusesFamiliesAndEndpointsThatPointAstray) {
  expect_refused(
      "order-gateway",
      {{"endpoints", [](ImageParts& p) { p.endpoints.clear(); }},
       {"no family", [](ImageParts& p) { p.endpoints[0].family = 99; }},
       {"endpoint routes", [](ImageParts& p) { p.endpoints[0].routes = 1000; }},
       {"no route", [](ImageParts& p) { p.endpoint_routes[0] = 7; }},
       {"another message type", [](ImageParts& p) { p.endpoint_routes[0] = 1; }},
       {"unknown kind", [](ImageParts& p) { p.families[1].kind = static_cast<FamilyKind>(9); }},
       {"members", [](ImageParts& p) { p.families[1].member_count = 0; }},
       {"members", [](ImageParts& p) { p.families[1].members = 100; }},
       {"discriminator", [](ImageParts& p) { p.families[1].message_bytes_min = 2; }},
       {"discriminator", [](ImageParts& p) { p.families[1].load = 0xFF; }},
       {"discriminator", [](ImageParts& p) { p.families[1].slots = 100000; }},
       {"names no member", [](ImageParts& p) { p.slots[p.families[1].slots + 1] = 3; }},
       {"message type of 0", [](ImageParts& p) { p.members[0].message_bytes = 0; }},
       {"size field", [](ImageParts& p) { p.members[0].size_offset = 26; }},
       {"size flag", [](ImageParts& p) { p.members[0].has_size = 2; }},
       {"without a schema", [](ImageParts& p) { p.members[0].schema = kNoIndex; }}});
}

TEST(ImageVerifier, RefusesActionsAndPoolsThatPointAstray) {
  expect_refused("order-gateway",
                 {{"is empty", [](ImageParts& p) { p.pools[0].member_count = 0; }},
                  {"pool", [](ImageParts& p) { p.pools[0].members = 2; }},
                  {"names an endpoint", [](ImageParts& p) { p.pool_members[1].endpoint = 5; }},
                  {"no endpoint", [](ImageParts& p) { p.actions[0].target = 5; }},
                  {"no pool", [](ImageParts& p) { p.actions[1].target = 1; }},
                  {"kind of action", [](ImageParts& p) { p.actions[0].kind = ActionKind{99}; }},
                  {"no transform", [](ImageParts& p) { p.actions[0].transform = 3; }},
                  {"another message type", [](ImageParts& p) { p.actions[0].transform = 2; }},
                  {"another message type", [](ImageParts& p) { p.actions[0].output_bytes = 41; }},
                  {"without a transform", [](ImageParts& p) { p.actions[0].transform = kNoIndex; }},
                  {"return address", [](ImageParts& p) { p.actions[3].target = 44; }},
                  {"rules", [](ImageParts& p) { p.routes[0].rule_count = 60000; }},
                  {"no action 77", [](ImageParts& p) { p.slots[p.routes[0].actions] = 77; }},
                  {"reject action", [](ImageParts& p) { p.routes[0].reject = 4; }},
                  {"disagree", [](ImageParts& p) { p.routes[0].schema = kNoIndex; }},
                  {"disagree", [](ImageParts& p) { p.routes[0].message_bytes = 0; }}});
}

TEST(ImageVerifier, RefusesReturnAddressesThatCouldReachStrangers) {
  expect_refused(
      "order-gateway",
      {{"no carriers", [](ImageParts& p) { p.actions[3].carriers = 1; }},
       {"no carriers", [](ImageParts& p) { p.actions[3].carriers = kNoIndex; }},
       {"65535 carriers", [](ImageParts& p) { p.carriers.assign(kNoIndex, p.carriers[0]); }},
       {"without a return address", [](ImageParts& p) { p.actions[0].carriers = 0; }},
       {"another message type", [](ImageParts& p) { p.carriers[0].schema = 2; }},
       {"wrong about endpoint 0", [](ImageParts& p) { p.carriers[0].message_bytes = 25; }},
       {"another message type", [](ImageParts& p) { p.transforms[2].output_schema = 2; }},
       {"wrong about endpoint 1", [](ImageParts& p) { p.carriers[0].endpoints[0] |= 2; }},
       {"wrong about endpoint 0", [](ImageParts& p) { p.carriers[0].endpoints[0] = 0; }},
       {"wrong about endpoint 5", [](ImageParts& p) { p.carriers[0].endpoints[0] |= 32; }},
       {"wrong about endpoint 255", [](ImageParts& p) { p.carriers[0].endpoints[3] = 1ull << 63; }},
       {"as if of messages", [](ImageParts& p) { p.transforms[0].output_schema = kNoIndex; }},
       {"257 endpoints", [](ImageParts& p) { p.endpoints.resize(257, p.endpoints[0]); }}});
}

TEST(ImageVerifier, RefusesChecksAndProgramsThatReadAstray) {
  const auto instruction = [](ImageParts& p) -> Instruction& {
    return p.instructions[check_of(p, CheckKind::kProgram).table];
  };
  expect_refused(
      "every-kind",
      {{"reject code", [](ImageParts& p) { p.checks[0].code = 0; }},
       {"reject code", [](ImageParts& p) { p.checks[0].code = 0xFFFFFF; }},
       {"reject codes up to 65536", [](ImageParts& p) { p.reject_code_max = 65536; }},
       {"kind of check", [](ImageParts& p) { p.checks[0].kind = CheckKind{9}; }},
       {"a check reads outside",
        [](ImageParts& p) { check_of(p, CheckKind::kRange).offset = 60000; }},
       {"limits", [](ImageParts& p) { check_of(p, CheckKind::kRange).table = 0xFFFFFFFF; }},
       {"limits that wrap",
        [](ImageParts& p) {
          p.bounds[check_of(p, CheckKind::kRange).table + 1] = ~0ull - 1;
          p.bounds[check_of(p, CheckKind::kRange).table] = 2;
        }},
       {"search keys", [](ImageParts& p) { check_of(p, CheckKind::kSearch).table = 0xFFFFFF; }},
       {"instructions", [](ImageParts& p) { check_of(p, CheckKind::kProgram).count = 60000; }},
       {"empty program", [](ImageParts& p) { check_of(p, CheckKind::kProgram).count = 0; }},
       {"unknown instruction",
        [&](ImageParts& p) { instruction(p).code = static_cast<Opcode>(99); }},
       {"empty stack", [&](ImageParts& p) { instruction(p).code = Opcode::kAdd; }},
       {"not forward", [&](ImageParts& p) {
          instruction(p) = {Opcode::kJumpIfTrue, 0, 0, 0};
        }}});
}

TEST(ImageVerifier, RefusesTransformsThatReadOrWriteAstray) {
  expect_refused(
      "order-gateway",
      {{"unknown op", [](ImageParts& p) { p.ops[0].kind = OpKind{99}; }},
       {"ops", [](ImageParts& p) { p.transforms[0].op_count = 500; }},
       {"a transform of 0", [](ImageParts& p) { p.transforms[0].source_bytes = 0; }},
       {"a transform to 0", [](ImageParts& p) { p.transforms[0].output_bytes = 0; }},
       {"reads outside", [](ImageParts& p) { op_of(p, OpKind::kShuffle).source = 14; }},
       {"writes outside", [](ImageParts& p) { op_of(p, OpKind::kReturnAddress).target = 33; }},
       {"written twice", [](ImageParts& p) { op_of(p, OpKind::kReturnAddress).target = 16; }},
       {"bytes are written", [](ImageParts& p) { p.transforms[0].op_count -= 1; }},
       {"kind of field", [](ImageParts& p) { op_of(p, OpKind::kReturnAddress).store = 99; }},
       {"reject code", [](ImageParts& p) { op_of(p, OpKind::kRejectCode).code = 0; }},
       {"sequence field", [](ImageParts& p) { p.transforms[0].patch_bytes = 3; }},
       {"sequence field", [](ImageParts& p) { p.transforms[0].patch_offset = 33; }},
       {"sequence field", [](ImageParts& p) { p.transforms[0].patch_big_endian = 2; }}});
  const auto behind_kept = [](ImageParts& p) {
    const CorrelationRecord& kept = p.correlations[op_of(p, OpKind::kFromSaved).argument];
    op_of(p, OpKind::kCopy8).source = static_cast<uint16_t>(8 * kept.saved_words - 7);
  };
  expect_refused("correlated",
                 {{"reads outside", behind_kept},
                  {"writes outside", [](ImageParts& p) { op_of(p, OpKind::kCopy8).target = 17; }},
                  {"written twice", [](ImageParts& p) { op_of(p, OpKind::kCopy8).target -= 1; }}});
  expect_refused(
      "plugged",
      {{"constant bytes", [](ImageParts& p) { op_of(p, OpKind::kConst16).argument = 1u << 24; }}});
}

TEST(ImageVerifier, RefusesConversionsWithBrokenTables) {
  expect_refused(
      "every-kind",
      {{"limits outside", [](ImageParts& p) { op_of(p, OpKind::kNarrowChecked).argument = ~0u; }},
       {"reads outside", [](ImageParts& p) { op_of(p, OpKind::kNarrowChecked).source = 60000; }},
       {"reject code", [](ImageParts& p) { op_of(p, OpKind::kNarrowChecked).code = 0; }},
       {"map", [](ImageParts& p) { op_of(p, OpKind::kMap).argument = ~0u; }},
       {"map", [](ImageParts& p) { op_of(p, OpKind::kMap).steps = 40; }},
       {"keys", [](ImageParts& p) { p.bounds[op_of(p, OpKind::kMap).argument] = 5000; }}});
}

TEST(ImageVerifier, RefusesTablesThatReferToEachOtherWithoutEnd) {
  ImageParts parts = ImageParts::of(read_vector("order-gateway"));
  // Many routes that all name one large table would take hours to verify.
  const RouteRecord route = parts.routes[0];
  MatcherRecord matcher{};
  matcher.kind = MatcherKind::kWord;
  matcher.field_count = 60;
  parts.matchers.assign(1, matcher);
  parts.words.assign(200000, 0);
  parts.bounds.assign(262143, ~0ull);
  MatchFieldRecord field{};
  field.kind = ClassMapKind::kDirect;
  field.bound_count = 199999;
  parts.slots.assign(256, 0);
  parts.match_fields.assign(60, field);
  parts.routes.assign(60000, route);
  for (RouteRecord& each : parts.routes) {
    each.actions = 0;
    each.matchers = 0;
    each.matcher_count = 1;
    each.check_count = 0;
  }
  parts.families.resize(1);
  for (EndpointRecord& endpoint : parts.endpoints) endpoint.family = 0;
  RouteImage image;
  const Status status = RouteImage::load(parts.image(), image);
  EXPECT_NE(std::string(status.context).find("too often"), std::string::npos) << status.context;
}

}  // namespace
}  // namespace hyperroute
