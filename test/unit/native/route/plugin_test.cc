// Uses of plug-ins in an image: what the verifier refuses, and what unbound and lying functions
// come to.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "route/image_verify.h"
#include "route/plugin_datapath.h"
#include "unit/native/route/image_parts.h"

namespace hyperroute {
namespace {

struct Damage {
  const char* reason;  // Part of the context that the refusal must carry.
  std::function<void(ImageParts&)> make;
};

uint32_t place_of(const ImageParts& parts, PluginKind kind) {
  for (uint32_t index = 0; index < parts.plugins.size(); ++index) {
    if (parts.plugins[index].kind == static_cast<uint32_t>(kind)) return index;
  }
  ADD_FAILURE() << "the image has no plug-in of kind " << static_cast<uint32_t>(kind);
  return 0;
}

PluginRecord& use_of(ImageParts& parts, PluginKind kind) {
  return parts.plugins[place_of(parts, kind)];
}

OpRecord& op_of(ImageParts& parts, OpKind kind) {
  for (OpRecord& op : parts.ops) {
    if (op.kind == kind) return op;
  }
  ADD_FAILURE() << "the image has no op of kind " << static_cast<int>(kind);
  return parts.ops.at(0);
}

CheckRecord& check_of(ImageParts& parts) {
  for (CheckRecord& check : parts.checks) {
    if (check.kind == CheckKind::kPlugin) return check;
  }
  ADD_FAILURE() << "the image has no check by a plug-in";
  return parts.checks.at(0);
}

Instruction& instruction_of(ImageParts& parts) {
  for (Instruction& instruction : parts.instructions) {
    if (instruction.code == Opcode::kPlugin) return instruction;
  }
  ADD_FAILURE() << "the image has no instruction that asks a plug-in";
  return parts.instructions.at(0);
}

constexpr PluginKind kMatch = PluginKind::kMatch;
constexpr PluginKind kValidate = PluginKind::kValidate;
constexpr PluginKind kPick = PluginKind::kPick;
constexpr PluginKind kTransform = PluginKind::kTransform;

const std::vector<Damage> kDamages = {
    {"of kind 4", [](ImageParts& p) { use_of(p, kMatch).kind = 4; }},
    {"cannot give", [](ImageParts& p) { use_of(p, kValidate).kind = 0; }},
    {"without a name", [](ImageParts& p) { use_of(p, kMatch).name_bytes = 0; }},
    {"text of 65 bytes", [](ImageParts& p) { use_of(p, kMatch).name_bytes = 65; }},
    {"text of a plug-in", [](ImageParts& p) { use_of(p, kMatch).name = UINT32_MAX; }},
    {"text of 65536 bytes", [](ImageParts& p) { use_of(p, kMatch).configuration_bytes = 65536; }},
    {"a zero in", [](ImageParts& p) { p.bytes[use_of(p, kMatch).configuration + 1] = 0; }},
    {"fields of a plug-in", [](ImageParts& p) { use_of(p, kMatch).fields = UINT32_MAX; }},
    {"fields of a plug-in", [](ImageParts& p) { use_of(p, kMatch).field_count = UINT32_MAX; }},
    {"for 65537 bytes", [](ImageParts& p) { use_of(p, kMatch).view_bytes = 65537; }},
    {"outside its message", [](ImageParts& p) { use_of(p, kMatch).view_bytes = 0; }},
    {"for something else", [](ImageParts& p) { ++use_of(p, kMatch).view_bytes; }},
    {"for something else", [](ImageParts& p) { ++use_of(p, kValidate).view_bytes; }},
    {"for something else", [](ImageParts& p) { ++use_of(p, kTransform).view_bytes; }},
    {"writes 0 bytes", [](ImageParts& p) { use_of(p, kTransform).output_bytes = 0; }},
    {"writes 1 bytes", [](ImageParts& p) { use_of(p, kMatch).output_bytes = 1; }},
    {"writes 65537 bytes", [](ImageParts& p) { use_of(p, kTransform).output_bytes = 65537; }},
    {"another message", [](ImageParts& p) { ++use_of(p, kTransform).output_bytes; }},
    {"fields of a plug-in",
     [](ImageParts& p) { use_of(p, kTransform).output_field_count = UINT32_MAX; }},
    {"cannot give", [](ImageParts& p) { use_of(p, kMatch).code_count = 1; }},
    {"codes of a plug-in", [](ImageParts& p) { use_of(p, kValidate).codes = UINT32_MAX; }},
    {"reject code 0", [](ImageParts& p) { p.bounds[use_of(p, kValidate).codes] = 0; }},
    {"too large", [](ImageParts& p) { p.bounds[use_of(p, kValidate).codes] = 1ull << 32; }},
    {"for 1 members", [](ImageParts& p) { use_of(p, kMatch).member_count = 1; }},
    {"for 0 members", [](ImageParts& p) { use_of(p, kMatch).kind = 2; }},
    {"for 0 members", [](ImageParts& p) { use_of(p, kPick).member_count = 0; }},
    {"a plug-in for 3 members", [](ImageParts& p) { use_of(p, kPick).member_count = 3; }},
    {"no plug-in", [](ImageParts& p) { p.pools[0].ids = 1000; }},
    {"for something else", [](ImageParts& p) { p.pools[0].ids = place_of(p, kMatch); }},
    {"ids of a strategy without any", [](ImageParts& p) { p.pools[0].id_count = 1; }},
    {"slots of a strategy without any", [](ImageParts& p) { p.pools[0].slot_count = 1; }},
    {"text of 256 bytes", [](ImageParts& p) { p.plugin_fields[0].name_bytes = 256; }},
    {"text of a plug-in", [](ImageParts& p) { p.plugin_fields[0].name = UINT32_MAX; }},
    {"outside its message", [](ImageParts& p) { p.plugin_fields[0].offset = UINT32_MAX; }},
    {"outside its message", [](ImageParts& p) { p.plugin_fields[0].bytes = UINT16_MAX; }},
    {"no known type", [](ImageParts& p) { p.plugin_fields[0].type = 3; }},
    {"no known type", [](ImageParts& p) { p.plugin_fields[0].is_big_endian = 2; }},
    {"integer of 0 bytes", [](ImageParts& p) { p.plugin_fields[0].bytes = 0; }},
    {"integer of 9 bytes",
     [](ImageParts& p) {
       p.plugin_fields[0].offset = 0;
       p.plugin_fields[0].bytes = 9;
       p.plugin_fields[0].type = 0;
     }},
    {"no plug-in", [](ImageParts& p) { instruction_of(p).argument = 1000; }},
    {"for something else",
     [](ImageParts& p) { instruction_of(p).argument = place_of(p, kValidate); }},
    {"no plug-in", [](ImageParts& p) { check_of(p).table = 1000; }},
    {"for something else", [](ImageParts& p) { check_of(p).table = place_of(p, kMatch); }},
    {"no plug-in", [](ImageParts& p) { op_of(p, OpKind::kPlugin).argument = 1000; }},
    {"for something else",
     [](ImageParts& p) { op_of(p, OpKind::kPlugin).argument = place_of(p, kMatch); }},
    {"another message", [](ImageParts& p) { op_of(p, OpKind::kPlugin).source = 1; }},
    {"writes outside", [](ImageParts& p) { op_of(p, OpKind::kPlugin).target = 1; }},
    {"restored bytes", [](ImageParts& p) { op_of(p, OpKind::kRestore).argument = UINT32_MAX; }},
    {"writes outside", [](ImageParts& p) { op_of(p, OpKind::kRestore).target = UINT16_MAX; }},
    {"changed before it is written",
     [](ImageParts& p) { std::swap(p.ops.at(0), op_of(p, OpKind::kPlugin)); }},
};

TEST(ImagePlugins, EachFieldOfAUseIsVerified) {
  const ImageParts whole = ImageParts::of(read_vector("plugged"));
  for (size_t index = 0; index < kDamages.size(); ++index) {
    ImageParts parts = whole;
    kDamages[index].make(parts);
    RouteImage image;
    const Status status = RouteImage::load(parts.image(), image);
    EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << index << ": " << kDamages[index].reason;
    EXPECT_NE(std::string(status.context).find(kDamages[index].reason), std::string::npos)
        << index << ": expected \"" << kDamages[index].reason << "\", got \"" << status.context
        << '"';
  }
}

struct Plugged : ::testing::Test {
  void SetUp() override {
    ASSERT_TRUE(RouteImage::load(read_vector("plugged"), image).ok());
    parts = ImageParts::of(read_vector("plugged"));
  }

  const ImageTables& tables() const { return image.tables(); }
  // Binds every use to one function.
  void bind(const PluginFunction& function) {
    image.bind_plugins(std::vector<PluginCall>(parts.plugins.size(), {&function, nullptr}));
  }

  RouteImage image;
  ImageParts parts;
  const std::vector<uint8_t> view = std::vector<uint8_t>(64, 0);
  std::vector<uint8_t> output = std::vector<uint8_t>(64, 0);
};

TEST_F(Plugged, FunctionsThatNobodyBoundSayNoOrFail) {
  EXPECT_FALSE(plugin_matches(tables(), place_of(parts, kMatch), view.data()));
  EXPECT_EQ(plugin_check(tables(), place_of(parts, kValidate), view.data()), kPluginFaultCode);
  EXPECT_EQ(plugin_transform(tables(), place_of(parts, kTransform), view.data(), output.data()),
            kPluginFaultCode);
}

uint32_t validate_answer = 0;
int32_t transform_answer = 0;

PluginFunction liar() {
  PluginFunction function{};
  function.validate = [](void*, const uint8_t*) { return validate_answer; };
  function.transform = [](void*, const uint8_t*, uint8_t*, uint32_t) { return transform_answer; };
  return function;
}

TEST_F(Plugged, AnswersAreTheCodesThatTheUseNames) {
  const PluginFunction function = liar();
  bind(function);
  const uint32_t check = place_of(parts, kValidate);
  const PluginRecord& use = parts.plugins[check];
  ASSERT_EQ(use.code_count, 2u);
  validate_answer = 0;
  EXPECT_EQ(plugin_check(tables(), check, view.data()), 0u);
  for (uint32_t number = 1; number <= 2; ++number) {
    validate_answer = number;
    EXPECT_EQ(plugin_check(tables(), check, view.data()), parts.bounds[use.codes + number - 1]);
  }
  for (const uint32_t beyond : {3u, 255u, UINT32_MAX}) {
    validate_answer = beyond;
    EXPECT_EQ(plugin_check(tables(), check, view.data()), kPluginFaultCode) << beyond;
  }
}

TEST_F(Plugged, ATransformWritesExactlyItsMessage) {
  const PluginFunction function = liar();
  bind(function);
  const uint32_t index = place_of(parts, kTransform);
  const PluginRecord& use = parts.plugins[index];
  ASSERT_EQ(use.code_count, 1u);
  const auto answer = [&](int32_t given) {
    transform_answer = given;
    return plugin_transform(tables(), index, view.data(), output.data());
  };
  const auto bytes = static_cast<int32_t>(use.output_bytes);
  EXPECT_EQ(answer(bytes), 0u);
  EXPECT_EQ(answer(-1), parts.bounds[use.codes]);
  for (const int32_t nonsense : {0, bytes - 1, bytes + 1, INT32_MAX, -2, INT32_MIN}) {
    EXPECT_EQ(answer(nonsense), kPluginFaultCode) << nonsense;
  }
}

}  // namespace
}  // namespace hyperroute
