// Native messages through a route image: versions, views, strings, blobs and groups in groups.
#include <gtest/gtest.h>

#include <memory>

#include "base/prng.h"
#include "unit/native/route/image_walk.h"
#include "unit/native/route/native_image.h"

namespace hyperroute {
namespace {

constexpr uint64_t kSeed = 20261122;

constexpr uint32_t code(RejectCode reject_code) { return static_cast<uint32_t>(reject_code); }

std::string random_text(Prng& random, uint64_t bytes_max) {
  std::string text(random.next_u64() % (bytes_max + 1), '\0');
  for (char& character : text) character = static_cast<char>(random.next_u64());
  return text;
}

TradeValue random_trade(Prng& random) {
  TradeValue value;
  value.id = random.next_u64();
  value.price = static_cast<int32_t>(random.next_u64());
  value.fee = static_cast<uint32_t>(random.next_u64());
  value.text = random_text(random, kTextBytesMax);
  value.data = random_text(random, 100);
  value.legs.resize(random.next_u64() % (kLegsMax + 1));
  for (LegValue& leg : value.legs) {
    leg.qty = static_cast<uint32_t>(random.next_u64());
    leg.rank = static_cast<uint16_t>(random.next_u64());
    leg.name = random_text(random, 20);
    leg.fills.resize(random.next_u64() % 6);
    for (FillValue& fill : leg.fills) {
      fill.px = static_cast<int32_t>(random.next_u64());
      fill.tag = random_text(random, 30);
    }
  }
  value.notes.resize(random.next_u64() % 4);
  for (std::string& note : value.notes) note = random_text(random, 50);
  return value;
}

class NativeRoute : public testing::Test {
 protected:
  void SetUp() override { use(trade_parts()); }

  void use(const ImageParts& parts) {
    const Status status = RouteImage::load(parts.image(), image_);
    ASSERT_TRUE(status.ok()) << status.context;
    state_ = std::make_unique<WalkState>(image_);
  }
  Walk send(const std::vector<uint8_t>& message) { return walk(image_, *state_, 0, message); }
  std::vector<uint8_t> trade(uint8_t version, const TradeValue& value) const {
    const LayoutImage& image = layouts_[version - 1];
    return ValueWriter(image.layout()).write(value);
  }
  // What the transform makes of a value in a message of a version, in canonical form.
  std::vector<uint8_t> copy_of(uint8_t version, TradeValue value) const {
    value.forget_what_is_newer(version);
    return ValueWriter(copy_.layout()).write(value);
  }

  RouteImage image_;
  std::unique_ptr<WalkState> state_;
  LayoutImage layouts_[kTradeVersions] = {load_layout(trade_source().as_of(1)),
                                          load_layout(trade_source().as_of(2)),
                                          load_layout(trade_source())};
  LayoutImage copy_ = load_layout(copy_source());
};

TEST_F(NativeRoute, CopiesMessagesOfOlderSameAndNewerVersionsInCanonicalForm) {
  Prng random(kSeed);
  for (int round = 0; round < 300; ++round) {
    const TradeValue value = random_trade(random);
    for (uint8_t version = 1; version <= kTradeVersions; ++version) {
      const Walk result = send(trade(version, value));
      ASSERT_EQ(result.reject_code, 0u) << round << ", seed " << kSeed;
      // The buffer was claimed for the measured size and filled with another pattern.
      ASSERT_EQ(result.output, copy_of(version, value))
          << "version " << int{version} << ", round " << round << ", seed " << kSeed;
    }
  }
}

TEST_F(NativeRoute, CopiesAnEmptyMessageOfEachVersion) {
  for (uint8_t version = 1; version <= kTradeVersions; ++version) {
    const Walk result = send(trade(version, TradeValue{.id = 3}));
    EXPECT_EQ(result.output, copy_of(version, TradeValue{.id = 3})) << int{version};
    EXPECT_EQ(result.output.size(), 64u);
  }
}

TEST_F(NativeRoute, LeavesWhatNewerWritersPutBehindAMessageAlone) {
  const TradeValue value{.id = 3, .text = "hello"};
  std::vector<uint8_t> message = trade(3, value);
  message.insert(message.end(), 100, 0xFF);
  EXPECT_EQ(send(message).output, copy_of(3, value));
}

TEST_F(NativeRoute, ReadsFieldsWhereTheyLieUnlessTheMessageIsOlder) {
  for (uint8_t version = 1; version <= kTradeVersions; ++version) {
    const std::vector<uint8_t> bytes = trade(version, TradeValue{.id = 3, .fee = 77});
    StepMessage message{bytes.data(), static_cast<uint32_t>(bytes.size()), 0};
    StepState step = state_->step();
    ASSERT_EQ(decide(image_, step, message).outcome, Outcome::kDeliver);
    EXPECT_EQ(message.view == message.data, version >= 2) << int{version};
    EXPECT_EQ(load_u32_le(message.view + 48), version >= 2 ? 77u : 5u) << int{version};
    EXPECT_EQ(load_u64_le(message.view + 52), 0u) << "a slot that the version does not have";
  }
}

TEST_F(NativeRoute, ChecksAndMatchesFallbacksOfOlderMessages) {
  ImageParts parts = trade_parts();
  CheckRecord check{};
  check.kind = CheckKind::kRange;
  check.load = 3;
  check.offset = 48;
  check.code = kTestCode;
  parts.checks = {check};
  parts.bounds = {5, 0};
  parts.routes[0].check_count = 1;
  use(parts);
  EXPECT_EQ(send(trade(1, TradeValue{.fee = 6})).reject_code, 0u);
  EXPECT_EQ(send(trade(2, TradeValue{.fee = 6})).reject_code, kTestCode);
  EXPECT_EQ(send(trade(3, TradeValue{.fee = 5})).reject_code, 0u);
}

TEST_F(NativeRoute, ReadsPresenceAsABit) {
  ImageParts parts = trade_parts();
  CheckRecord check{};
  check.kind = CheckKind::kRange;
  check.load = bit_kind(0);
  check.offset = 8;
  check.code = kTestCode;
  parts.checks = {check};
  parts.bounds = {1, 0};
  parts.routes[0].check_count = 1;
  use(parts);
  EXPECT_EQ(send(trade(1, TradeValue{.text = "here"})).reject_code, 0u);
  EXPECT_EQ(send(trade(1, TradeValue{})).reject_code, kTestCode);
}

TEST_F(NativeRoute, CallsOtherTemplatesUnknownAndBrokenMessagesMalformed) {
  const std::vector<uint8_t> whole =
      trade(2, TradeValue{.id = 3, .text = "text", .legs = {{.qty = 1, .fills = {{1, "tag"}}}}});
  ASSERT_EQ(send(whole).reject_code, 0u);
  std::vector<uint8_t> other = whole;
  other[0] ^= 1;
  EXPECT_EQ(send(other).reject_code, code(RejectCode::kUnknownType));
  // Version 0, the block of another version, flags, another block, another fingerprint.
  const std::vector<std::pair<size_t, uint8_t>> damages = {{2, 0}, {2, 1}, {3, 1}, {4, 72}, {6, 0}};
  for (const auto& [position, value] : damages) {
    std::vector<uint8_t> broken = whole;
    broken[position] = value;
    EXPECT_EQ(send(broken).reject_code, code(RejectCode::kMalformed)) << position;
  }
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const Walk result = send({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes)});
    EXPECT_EQ(result.reject_code, code(RejectCode::kMalformed)) << bytes;
    EXPECT_EQ(result.decision.route, kNoIndex);
  }
}

TEST_F(NativeRoute, RejectsWhatIsLongerThanTheOutputAllows) {
  struct Case {
    uint32_t variable;
    uint32_t limit;
    TradeValue fits;
    TradeValue exceeds;
  };
  const std::vector<Case> cases = {
      {0, 3, {.text = "abc"}, {.text = "abcd"}},
      {1, 3, {.legs = std::vector<LegValue>(3)}, {.legs = std::vector<LegValue>(4)}},
      {3, 2, {.notes = {"", "x"}}, {.notes = {"", "", "x"}}},
      {4, 3, {.legs = {{.fills = {{}, {}, {}}}}}, {.legs = {{}, {.fills = {{}, {}, {}, {}}}}}},
      {5, 3, {.legs = {{.name = "abc"}}}, {.legs = {{}, {.name = "abcd"}}}},
      {6, 3, {.legs = {{.fills = {{1, "abc"}}}}}, {.legs = {{.fills = {{}, {1, "abcd"}}}}}},
      {7, 3, {.notes = {"abc"}}, {.notes = {"", "abcd"}}},
  };
  for (const Case& each : cases) {
    ImageParts parts = trade_parts();
    parts.variables[each.variable].limit = each.limit;
    use(parts);
    EXPECT_EQ(send(trade(2, each.fits)).output, copy_of(2, each.fits)) << each.variable;
    EXPECT_EQ(send(trade(2, each.exceeds)).reject_code, kLimitCode) << each.variable;
  }
}

// A blob of 7 MiB that goes to two slots fits, one of 9 MiB does not.
TEST_F(NativeRoute, RejectsOutputsOfMoreThan16MiBBeforeAnythingIsPicked) {
  ImageParts parts = trade_parts();
  parts.variables[0] = parts.variables[2];
  parts.variables[0].target = 20;
  parts.actions[0].kind = ActionKind::kPool;
  parts.actions[0].target = 0;
  parts.pools = {pool_of(2)};
  parts.pool_members = {{1, 1}, {1, 1}};
  use(parts);
  const Walk large = send(trade(2, TradeValue{.data = std::string(9u << 20, 'x')}));
  EXPECT_EQ(large.decision.outcome, Outcome::kReject);
  EXPECT_EQ(large.reject_code, code(RejectCode::kOutOfRange));
  EXPECT_EQ(state_->positions[0], 0u);
  const Walk small = send(trade(2, TradeValue{.data = std::string(7u << 20, 'x')}));
  EXPECT_EQ(small.reject_code, 0u);
  EXPECT_EQ(small.output.size(), 64u + (14u << 20));
  // To the byte: 16 MiB, header and block included.
  const uint32_t room = (16u << 20) - 64;
  ASSERT_EQ(room % 2, 0u);
  EXPECT_EQ(send(trade(2, TradeValue{.data = std::string(room / 2, 'x')})).output.size(),
            16u << 20);
  EXPECT_EQ(send(trade(2, TradeValue{.data = std::string(room / 2 + 1, 'x')})).reject_code,
            code(RejectCode::kOutOfRange));
}

// Entries that grow: 64 KiB of output for each of eight bytes.
TEST_F(NativeRoute, RejectsGroupsThatGrowBeyond16MiB) {
  LayoutSource source = trade_source().as_of(2);
  for (FieldPart& field : source.blocks[0].fields) {
    if (field.name == "notes") field.max = UINT32_MAX;
  }
  ImageParts parts = trade_parts();
  parts.layout_words.clear();
  parts.views.clear();
  add_native_view(parts, source.image());
  parts.variables[3].limit = UINT32_MAX;
  parts.transforms[3].output_bytes = 65528;
  parts.transforms[3].variable_count = 0;
  parts.transforms[3].ops = static_cast<uint32_t>(parts.ops.size());
  parts.transforms[3].op_count = 1;
  parts.ops.push_back(fill_op(parts, 0, 65528, 0));
  use(parts);
  const LayoutImage layout = load_layout(source);
  const ValueWriter writer(layout.layout());
  for (const uint32_t count : {255u, 256u, 257u, 100'000u}) {
    const TradeValue value{.notes = std::vector<std::string>(count)};
    const Walk result = send(writer.write(value));
    const bool fits = 64 + 8 + 65528ull * count <= 16u << 20;
    EXPECT_EQ(result.reject_code, fits ? 0u : code(RejectCode::kOutOfRange)) << count;
    EXPECT_EQ(result.output.size(), fits ? 72 + 65528ull * count : 0) << count;
  }
}

TEST_F(NativeRoute, GivesTheCodeOfAnOpThatFailsInAnEntry) {
  ImageParts parts = trade_parts();
  OpRecord& op = parts.ops[parts.transforms[1].ops];
  op.kind = OpKind::kNarrowChecked;
  op.load = 1;
  op.store = 1;
  op.argument = 0;
  op.code = kTestCode;
  parts.bounds = {9, 1};
  use(parts);
  EXPECT_EQ(send(trade(1, TradeValue{.legs = {{}, {}}})).reject_code, 0u);
  EXPECT_EQ(send(trade(2, TradeValue{.legs = {{.rank = 10}, {.rank = 9}}})).reject_code, 0u);
  const Walk result = send(trade(2, TradeValue{.legs = {{.rank = 10}, {.rank = 11}}}));
  EXPECT_EQ(result.reject_code, kTestCode);
  EXPECT_TRUE(result.output.empty());
}

TEST_F(NativeRoute, ReadsNothingOutsideMessagesThatWereDamaged) {
  Prng random(kSeed);
  uint32_t accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto version = static_cast<uint8_t>(1 + random.next_u64() % kTradeVersions);
    std::vector<uint8_t> message = trade(version, random_trade(random));
    for (uint64_t flips = 1 + random.next_u64() % 3; flips > 0; --flips) {
      // Mostly slots and headers: their bytes are small numbers.
      const size_t position = 2 + random.next_u64() % (message.size() - 2);
      message[position] = static_cast<uint8_t>(random.next_u64() % 2 == 0 ? random.next_u64()
                                                                          : message[position] + 8);
    }
    const Walk result = send(message);
    if (result.reject_code != 0) continue;
    ++accepted;
    // Whatever it means, what leaves is a sound message.
    Message bound;
    EXPECT_EQ(bind(copy_.layout(), result.output.data(), result.output.size(), bound),
              MessageFault::kNone)
        << "round " << round << ", seed " << kSeed;
  }
  EXPECT_GT(accepted, 300u);
}

// A writer that shares its memory with the router can change a message at any time.
TEST_F(NativeRoute, StaysInsideBothMessagesWhateverChangesAfterTheDecision) {
  Prng random(kSeed);
  int delivered = 0;
  int malformed = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto version = static_cast<uint8_t>(1 + round % kTradeVersions);
    std::vector<uint8_t> bytes = trade(version, random_trade(random));
    StepMessage message{bytes.data(), static_cast<uint32_t>(bytes.size()), 0, nullptr};
    StepState step = state_->step();
    const Decision decision = decide(image_, step, message);
    ASSERT_EQ(decision.outcome, Outcome::kDeliver);
    for (uint64_t changes = random.next_u64() % 4; changes > 0; --changes) {
      // Mostly in the fixed part, where the slots are, and the most telling values.
      const size_t place = random.next_u64() % (round % 2 == 0 ? 72 : bytes.size());
      const uint8_t values[] = {0, 1, 0x7f, 0xff, static_cast<uint8_t>(random.next_u64())};
      if (place < bytes.size()) bytes[place] = values[random.next_u64() % 5];
    }
    // Of exactly the claimed size, so that a sanitizer sees any write behind it.
    std::vector<uint8_t> output(decision.first.output_bytes, 0xA5);
    const TransformResult result =
        run_transform(image_, step, decision.first.transform, message, {0, 0}, output);
    delivered += result.reject_code == 0 ? 1 : 0;
    malformed += result.reject_code == code(RejectCode::kMalformed) ? 1 : 0;
  }
  EXPECT_GT(delivered, 100);
  EXPECT_GT(malformed, 100);
}

}  // namespace
}  // namespace hyperroute
