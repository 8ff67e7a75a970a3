// Views of messages whose fields share bytes or move: built by hand, op by op.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "unit/native/route/image_walk.h"
#include "unit/native/route/native_image.h"

namespace hyperroute {
namespace {

constexpr FieldKind kU8 = 0;
constexpr FieldKind kU16 = 1;
constexpr FieldKind kU32 = 3;
constexpr FieldKind kU64 = 7;
constexpr uint32_t kMalformed = static_cast<uint32_t>(RejectCode::kMalformed);

ViewOpRecord section_op(FieldKind load, uint16_t source, uint16_t target, uint16_t bytes,
                        uint16_t plus, uint16_t scale) {
  ViewOpRecord op{};
  op.kind = ViewOpKind::kSection;
  op.load = load;
  op.source = source;
  op.target = target;
  op.bytes = bytes;
  op.plus = plus;
  op.scale = scale;
  return op;
}

ViewOpRecord bits_op(FieldKind load, uint16_t source, uint16_t target, uint8_t shift,
                     uint8_t width) {
  ViewOpRecord op{};
  op.kind = ViewOpKind::kBits;
  op.load = load;
  op.source = source;
  op.target = target;
  op.bytes = 4;
  op.shift = shift;
  op.width = width;
  return op;
}

ImageParts foreign_parts(uint32_t fixed_bytes, uint32_t view_bytes,
                         const std::vector<ViewOpRecord>& ops, uint32_t message_bytes_max = 0) {
  ImageParts parts = plain_parts(1);
  parts.view_ops = ops;
  ViewRecord view{};
  view.kind = ViewKind::kForeign;
  view.view_bytes = view_bytes;
  view.message_bytes_min = fixed_bytes;
  view.message_bytes_max = message_bytes_max;
  view.layout = kNoRecord;
  view.op_count = static_cast<uint32_t>(ops.size());
  add_view(parts, view);
  return parts;
}

struct Viewed {
  uint32_t reject_code;
  std::vector<uint8_t> view;
};

Viewed view_of(const ImageParts& parts, const std::vector<uint8_t>& bytes) {
  RouteImage image;
  const Status status = RouteImage::load(parts.image(), image);
  EXPECT_TRUE(status.ok()) << status.context;
  if (!status.ok()) return {};
  WalkState state(image);
  StepState step = state.step();
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  StepMessage message{copy.data(), static_cast<uint32_t>(copy.size()), 0};
  const Decision decision = decide(image, step, message);
  if (decision.reject_code != 0) return {decision.reject_code, {}};
  return {0, {message.view, message.view + parts.views[0].view_bytes}};
}

// As in an IP packet: four bits of the first byte say where, in words, the next header starts.
TEST(ForeignView, PutsFieldsInPlaceThatOthersPointAt) {
  const ImageParts parts =
      foreign_parts(2, 9, {bits_op(kU8, 0, 2, 0, 4), section_op(kU32, 2, 6, 3, 1, 4)});
  const auto view = [&](const std::vector<uint8_t>& bytes) { return view_of(parts, bytes); };
  EXPECT_EQ(view({0xF1, 7, 2, 3, 4, 5, 6, 7}).view,
            (std::vector<uint8_t>{0xF1, 7, 1, 0, 0, 0, 5, 6, 7}));
  EXPECT_EQ(view({0xF0, 7, 2, 3}).view, (std::vector<uint8_t>{0xF0, 7, 0, 0, 0, 0, 7, 2, 3}));
  EXPECT_EQ(view({0xF1, 7, 2, 3, 4, 5, 6}).reject_code, kMalformed);
  EXPECT_EQ(view({0xFF, 7, 2, 3, 4, 5, 6, 7}).reject_code, kMalformed);
  EXPECT_EQ(view({0xF0}).reject_code, kMalformed);
  EXPECT_EQ(view({}).reject_code, kMalformed);
}

TEST(ForeignView, TakesBitsOfContainersOfEachWidthAndOrder) {
  Prng random(5);
  for (const uint32_t width_bytes : {1u, 2u, 3u, 4u, 8u}) {
    for (const FieldKind order : {FieldKind{0}, kFieldBigEndian}) {
      const auto load = static_cast<FieldKind>((width_bytes - 1) | order);
      const auto width = static_cast<uint8_t>(width_bytes == 8 ? 32 : 8 * width_bytes - 3);
      const auto shift = static_cast<uint8_t>(8 * width_bytes - width);
      const auto start = static_cast<uint16_t>(width_bytes);
      const ImageParts parts =
          foreign_parts(width_bytes, width_bytes + 4, {bits_op(load, 0, start, shift, width)});
      std::vector<uint8_t> message(width_bytes);
      for (uint8_t& byte : message) byte = static_cast<uint8_t>(random.next_u64());
      const std::vector<uint8_t> view = view_of(parts, message).view;
      ASSERT_EQ(view.size(), width_bytes + 4);
      EXPECT_EQ(load_u32_le(view.data() + width_bytes), load_field(message.data(), load) >> shift);
    }
  }
}

TEST(ForeignView, RefusesPlacesThatNoMessageHas) {
  const ImageParts parts = foreign_parts(8, 10, {section_op(kU64, 0, 8, 2, 65535, 65535)});
  const uint64_t values[] = {UINT64_MAX, UINT64_MAX / 65535, 1ull << 48, 1ull << 32, 0};
  for (const uint64_t value : values) {
    std::vector<uint8_t> message(64, 0xCC);
    store_u64_le(message.data(), value);
    EXPECT_EQ(view_of(parts, message).reject_code, kMalformed) << value;
  }
  // The place itself may be the message's end, but nothing lies there.
  const ImageParts near = foreign_parts(1, 2, {section_op(kU8, 0, 1, 1, 0, 1)});
  EXPECT_EQ(view_of(near, {3, 1, 2, 9}).view, (std::vector<uint8_t>{3, 9}));
  EXPECT_EQ(view_of(near, {4, 1, 2, 9}).reject_code, kMalformed);
  EXPECT_EQ(view_of(near, {5, 1, 2, 9}).reject_code, kMalformed);
}

TEST(ForeignView, HoldsMessagesToTheirSizes) {
  const std::vector<ViewOpRecord> ops = {bits_op(kU8, 0, 2, 1, 2)};
  const ImageParts one_size = foreign_parts(2, 6, ops, 2);
  EXPECT_EQ(view_of(one_size, {6, 1}).view, (std::vector<uint8_t>{6, 1, 3, 0, 0, 0}));
  EXPECT_EQ(view_of(one_size, {6}).reject_code, kMalformed);
  EXPECT_EQ(view_of(one_size, {6, 1, 1}).reject_code, kMalformed);
  const ImageParts any_size = foreign_parts(2, 6, ops);
  EXPECT_EQ(view_of(any_size, std::vector<uint8_t>(100'000, 0)).reject_code, 0u);
  ImageParts sized = foreign_parts(2, 6, ops);
  sized.members[0].has_size = 1;
  sized.members[0].size_load = kU32;
  sized.members[0].size_offset = 2;
  EXPECT_EQ(view_of(sized, {4, 0}).reject_code, 0u);
  EXPECT_EQ(view_of(sized, {4, 0, 0}).reject_code, kMalformed);
  EXPECT_EQ(view_of(sized, {6, 0, 0}).reject_code, 0u);
}

TEST(ForeignView, IsWhatTransformsReadWhileOthersGetTheMessageAsItCame) {
  ImageParts parts = foreign_parts(1, 5, {bits_op(kU8, 0, 1, 4, 4)});
  RouteImage image;
  ASSERT_TRUE(RouteImage::load(parts.image(), image).ok());
  WalkState plain(image);
  EXPECT_EQ(walk(image, plain, 0, {0xA1, 7}).output, (std::vector<uint8_t>{0xA1, 7}));
  add_transform(parts, {.source_bytes = 5,
                        .output_bytes = 1,
                        .output_schema = 1,
                        .source_view = 0,
                        .ops = {copy_op(OpKind::kCopy1, 1, 0)}});
  use_transform(parts);
  ASSERT_TRUE(RouteImage::load(parts.image(), image).ok());
  WalkState state(image);
  EXPECT_EQ(walk(image, state, 0, {0xA1, 7}).output, (std::vector<uint8_t>{0x0A}));
}

TEST(ForeignView, GivesReturnAddressesOfTheView) {
  ImageParts parts = foreign_parts(1, 9, {section_op(kU8, 0, 1, 8, 0, 1)});
  parts.actions[0].kind = ActionKind::kReturnField;
  parts.actions[0].load = kU64;
  parts.actions[0].target = 1;
  parts.actions[0].carriers = 0;
  CarriersRecord carriers{};
  carriers.message_bytes = 9;
  carriers.endpoints[0] = 3;
  parts.carriers = {carriers};
  RouteImage image;
  const Status status = RouteImage::load(parts.image(), image);
  ASSERT_TRUE(status.ok()) << status.context;
  WalkState state(image);
  const Walk result = walk(image, state, 0, {2, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(result.decision.first.return_address, 0x0807060504030201u);
}

struct Refusal {
  const char* reason;
  ImageParts parts;
};

void expect_refused(const std::vector<Refusal>& refusals) {
  for (size_t index = 0; index < refusals.size(); ++index) {
    RouteImage image;
    const Status status = RouteImage::load(refusals[index].parts.image(), image);
    EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << index << ": " << refusals[index].reason;
    EXPECT_NE(std::string(status.context).find(refusals[index].reason), std::string::npos)
        << index << ": expected \"" << refusals[index].reason << "\", got \"" << status.context
        << '"';
  }
}

TEST(ForeignView, IsRefusedWhereItReadsOrFillsAstray) {
  const auto of = [](const std::vector<ViewOpRecord>& ops) { return foreign_parts(4, 8, ops); };
  const auto with = [&](auto change) {
    ImageParts parts = of({bits_op(kU32, 0, 4, 0, 8)});
    change(parts);
    return parts;
  };
  ViewOpRecord unknown = bits_op(kU32, 0, 4, 0, 8);
  unknown.kind = ViewOpKind{2};
  ViewOpRecord narrow = bits_op(kU32, 0, 4, 0, 8);
  narrow.bytes = 3;
  const FieldKind signed_u8 = kU8 | kFieldSigned;
  expect_refused({
      {"reads astray", of({unknown})},
      {"reads astray", of({narrow})},
      {"reads astray", of({bits_op(kU32, 1, 4, 0, 8)})},
      {"reads astray", of({bits_op(kU32, 4, 4, 0, 8)})},
      {"reads astray", of({bits_op(kU32, 0, 4, 25, 8)})},
      {"reads astray", of({bits_op(kU64, 0, 4, 0, 8)})},
      {"reads astray", of({bits_op(kU32, 0, 4, 0, 0)})},
      {"reads astray", foreign_parts(8, 12, {bits_op(kU64, 0, 8, 0, 33)})},
      {"reads astray", of({bits_op(bit_kind(1), 0, 4, 0, 1)})},
      {"reads astray", of({bits_op(signed_u8, 0, 4, 0, 1)})},
      {"reads astray", of({bits_op(0x20, 0, 4, 0, 1)})},
      {"reads astray", of({section_op(kU16, 3, 4, 4, 0, 1)})},
      {"reads astray", of({section_op(kU16, 0, 4, 0, 0, 1)})},
      {"does not go on", of({section_op(kU16, 0, 5, 4, 0, 1)})},
      {"does not go on", of({section_op(kU16, 0, 3, 4, 0, 1)})},
      {"does not go on", of({section_op(kU16, 0, 4, 5, 0, 1)})},
      {"of 8 bytes are filled", of({section_op(kU16, 0, 4, 3, 0, 1)})},
      {"of 8 bytes are filled", of({})},
      {"unknown kind", with([](ImageParts& p) { p.views[0].kind = ViewKind{2}; })},
      {"has 0 bytes", with([](ImageParts& p) { p.views[0].view_bytes = 0; })},
      {"has 65537 bytes", with([](ImageParts& p) { p.views[0].view_bytes = 65537; })},
      {"has a layout", with([](ImageParts& p) { p.views[0].layout = 0; })},
      {"has a layout", with([](ImageParts& p) { p.views[0].layout_bytes = 8; })},
      {"messages of", with([](ImageParts& p) { p.views[0].message_bytes_max = 3; })},
      {"messages of", with([](ImageParts& p) { p.views[0].message_bytes_min = 9; })},
      {"view ops", with([](ImageParts& p) { p.views[0].op_count = 2; })},
      {"view ops", with([](ImageParts& p) { p.views[0].ops = kNoRecord; })},
      {"a member with view 1", with([](ImageParts& p) { p.members[0].view = 1; })},
      {"with a view of 8", with([](ImageParts& p) { p.members[0].message_bytes = 9; })},
      {"view 1 is for another", with([](ImageParts& p) { p.routes[0].view = 1; })},
      {"view 0 is for another", with([](ImageParts& p) { p.routes[0].message_bytes = 9; })},
      {"route 0 is for another", with([](ImageParts& p) { p.routes[0].view = kNoIndex; })},
      {"route 0 is for another", with([](ImageParts& p) { p.members[0].view = kNoRecord; })},
      {"65535 views", with([](ImageParts& p) { p.views.assign(kNoIndex, p.views[0]); })},
      {"size field", with([](ImageParts& p) {
         p.members[0].has_size = 1;
         p.members[0].size_load = kU32;
         p.members[0].size_offset = 5;
       })},
  });
}

TEST(NativeView, IsRefusedWhereItAndItsLayoutDisagree) {
  const ImageParts whole = trade_parts();
  const auto with = [&](auto change) {
    ImageParts parts = whole;
    change(parts);
    return parts;
  };
  expect_refused({
      {"outside its section", with([](ImageParts& p) { p.views[0].layout = 4; })},
      {"outside its section", with([](ImageParts& p) { p.views[0].layout = kNoRecord & ~7u; })},
      {"outside its section", with([](ImageParts& p) { p.views[0].layout_bytes += 8; })},
      {"shorter than its header", with([](ImageParts& p) { p.views[0].layout_bytes = 80; })},
      {"the header says", with([](ImageParts& p) { p.views[0].layout_bytes -= 8; })},
      {"not a layout image", with([](ImageParts& p) { p.layout_words[0] ^= 1; })},
      {"check sum", with([](ImageParts& p) { p.layout_words.back() ^= 1; })},
      {"as large as its layout", with([](ImageParts& p) {
         p.views[0].view_bytes += 8;
         p.members[0].message_bytes += 8;
       })},
      {"as large as its layout", with([](ImageParts& p) { p.views[0].message_bytes_min = 16; })},
      {"as large as its layout", with([](ImageParts& p) { p.views[0].message_bytes_max = 72; })},
      {"native and has ops", with([](ImageParts& p) { p.views[0].op_count = 1; })},
      {"a size field of a native", with([](ImageParts& p) { p.members[0].has_size = 1; })},
      {"too often", with([](ImageParts& p) {
         p.layout_words.resize(1u << 19, 0);
         p.views.assign(60000, p.views[0]);
       })},
  });
}

TEST(Variables, AreRefusedWhereTheyReadOrWriteAstray) {
  const ImageParts whole = trade_parts();
  const auto with = [&](auto change) {
    ImageParts parts = whole;
    change(parts);
    return parts;
  };
  expect_refused({
      {"unknown kind of variable",
       with([](ImageParts& p) { p.variables[0].kind = VariableKind{2}; })},
      {"reject code", with([](ImageParts& p) { p.variables[0].code = 0; })},
      {"no such slot", with([](ImageParts& p) { p.variables[0].source = 25; })},
      {"no such slot", with([](ImageParts& p) { p.variables[0].source = 16; })},
      {"no such slot", with([](ImageParts& p) { p.variables[0].source = 0; })},
      {"no such slot", with([](ImageParts& p) { p.variables[0].source = 65535; })},
      {"no such slot", with([](ImageParts& p) { p.variables[0].source = 32; })},
      {"no such slot", with([](ImageParts& p) { p.variables[1].source = 24; })},
      {"no such slot", with([](ImageParts& p) { p.variables[7].source = 8; })},
      {"no slot at 4", with([](ImageParts& p) { p.variables[0].target = 4; })},
      {"no slot at 22", with([](ImageParts& p) { p.variables[0].target = 22; })},
      {"no slot at 24", with([](ImageParts& p) { p.variables[1].target = 24; })},
      {"no slot at 16", with([](ImageParts& p) { p.variables[1].target = 16; })},
      {"no slot at 60", with([](ImageParts& p) { p.variables[3].target = 60; })},
      {"no transform 0", with([](ImageParts& p) { p.variables[1].entry = 0; })},
      {"no transform 4", with([](ImageParts& p) { p.variables[1].entry = 4; })},
      {"no transform 1", with([](ImageParts& p) { p.variables[4].entry = 1; })},
      {"is for other entries", with([](ImageParts& p) { p.variables[1].entry = 3; })},
      {"is none of entries", with([](ImageParts& p) {
         p.transforms[3].output_schema = 1;
         p.transforms[3].variable_count = 0;
       })},
      {"initial entry", with([](ImageParts& p) { p.variables[1].initial = 0xFFFFFF; })},
      {"initial entry", with([](ImageParts& p) {
         p.variables[1].initial = static_cast<uint32_t>(p.bytes.size()) - 31;
       })},
      {"variables: ", with([](ImageParts& p) { p.transforms[0].variable_count = 9; })},
      {"variables: ", with([](ImageParts& p) { p.transforms[1].variables = kNoRecord; })},
      {"messages that have none",
       with([](ImageParts& p) { p.transforms[0].source_view = kNoIndex; })},
      {"view 1 is for another", with([](ImageParts& p) { p.transforms[0].source_view = 1; })},
      {"as if of messages", with([](ImageParts& p) { p.transforms[1].source_view = 0; })},
      {"as if of messages", with([](ImageParts& p) { p.transforms[1].patch_offset = 0; })},
      {"an entry's transform", with([](ImageParts& p) { p.actions[0].transform = 1; })},
      {"entries of 20 bytes", with([](ImageParts& p) { p.transforms[1].output_bytes = 20; })},
      {"entries of 65536 bytes", with([](ImageParts& p) { p.transforms[1].output_bytes = 65536; })},
      {"behind 60 bytes", with([](ImageParts& p) {
         p.transforms[0].output_bytes = 60;
         p.ops[4].source = 8;
         p.actions[0].output_bytes = 60;
       })},
      {"is for another message type", with([](ImageParts& p) {
         p.transforms[0].variable_count = 0;
         p.transforms[0].source_view = kNoIndex;
       })},
  });
}

// Groups that name one entry's transform from many slots: each path is looked at, so their number
// is bounded.
TEST(Variables, AreRefusedWhereTheyReferToEachOtherWithoutEnd) {
  ImageParts parts = trade_parts();
  const uint32_t initial = parts.variables[1].initial;
  parts.variables.clear();
  for (uint32_t index = 0; index < 3; ++index) {
    TransformRecord& transform = parts.transforms[index];
    transform.output_bytes = 65528;
    transform.variables = static_cast<uint32_t>(parts.variables.size());
    transform.variable_count = 8190;
    for (uint16_t slot = 0; slot < 8190; ++slot) {
      const auto target = static_cast<uint16_t>(8 + 8 * slot);
      if (index == 0) parts.variables.push_back(group_variable(32, target, 1, 1, initial));
      if (index == 1) parts.variables.push_back(group_variable(8, target, 1, 2, initial));
      if (index == 2) parts.variables.push_back(bytes_variable(8, target, 1));
    }
    transform.ops = static_cast<uint32_t>(parts.ops.size());
    transform.op_count = 1;
    parts.ops.push_back(fill_op(parts, 0, 65528, 0));
  }
  parts.actions[0].output_bytes = 65528;
  expect_refused({{"too often", parts}});
}

}  // namespace
}  // namespace hyperroute
