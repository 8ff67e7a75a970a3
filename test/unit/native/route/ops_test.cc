// Ops that change what was written, skip, require, scale and widen: each by hand, with every
// value it takes and every one it rejects.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "unit/native/route/image_walk.h"
#include "unit/native/route/native_image.h"

namespace hyperroute {
namespace {

constexpr FieldKind kU8 = 0;
constexpr FieldKind kU16 = 1;
constexpr FieldKind kU32 = 3;
constexpr FieldKind kU64 = 7;
constexpr FieldKind kI16 = 1 | kFieldSigned;
constexpr FieldKind kI32 = 3 | kFieldSigned;
constexpr FieldKind kI64 = 7 | kFieldSigned;

OpRecord field_op(OpKind kind, FieldKind load, FieldKind store, uint16_t source, uint16_t target) {
  OpRecord op = copy_op(kind, source, target);
  op.load = load;
  op.store = store;
  op.code = kTestCode;
  return op;
}

// Runs a transform of `ops` on a message, in an image that the loader has verified.
Walk run(ImageParts parts, const std::vector<OpRecord>& ops, uint32_t output_bytes,
         const std::vector<uint8_t>& message) {
  const auto message_bytes = static_cast<uint32_t>(message.size());
  parts.members[0].message_bytes = message_bytes;
  parts.routes[0].message_bytes = message_bytes;
  add_transform(parts, {.source_bytes = message_bytes,
                        .output_bytes = output_bytes,
                        .output_schema = 1,
                        .ops = ops});
  use_transform(parts);
  RouteImage image;
  const Status status = RouteImage::load(parts.image(), image);
  EXPECT_TRUE(status.ok()) << status.context;
  if (!status.ok()) return {};
  WalkState state(image);
  return walk(image, state, 0, message);
}

template <typename T>
std::vector<uint8_t> bytes_of(T value) {
  std::vector<uint8_t> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

TEST(Ops, MovePresenceFromAnyBitToAnyOther) {
  for (uint32_t from = 0; from < 8; ++from) {
    for (uint32_t to = 0; to < 8; ++to) {
      for (const uint32_t value : {0u, 1u << from, 0xFFu & ~(1u << from), 0xFFu}) {
        ImageParts parts = plain_parts(1);
        const OpRecord zero = fill_op(parts, 0, 2, 0x10);
        const OpRecord presence =
            field_op(OpKind::kOrPresence, bit_kind(from), static_cast<FieldKind>(to), 0, 1);
        const Walk result = run(parts, {zero, presence}, 2, {static_cast<uint8_t>(value)});
        const uint32_t expected = 0x10 | ((value >> from & 1) << to);
        EXPECT_EQ(result.output, (std::vector<uint8_t>{0x10, static_cast<uint8_t>(expected)}));
      }
    }
  }
}

TEST(Ops, PutBitsIntoContainersOfEachWidthAndOrder) {
  for (const uint32_t width_bytes : {1u, 2u, 4u, 8u}) {
    for (const FieldKind order : {FieldKind{0}, kFieldBigEndian}) {
      const auto container = static_cast<FieldKind>((width_bytes - 1) | order);
      ImageParts parts = plain_parts(1);
      const auto top_shift = static_cast<uint8_t>(8 * width_bytes - 3);
      OpRecord low = field_op(OpKind::kOrBits, kU16, container, 0, 0);
      low.argument = 31;
      OpRecord high = field_op(OpKind::kOrBits, kU16, container, 2, 0);
      high.argument = 7;
      high.steps = top_shift;
      const OpRecord zero = fill_op(parts, 0, static_cast<uint16_t>(width_bytes), 0);
      const std::vector<OpRecord> ops = {zero, low, high};
      const Walk fits = run(parts, ops, width_bytes, {31, 0, 5, 0});
      ASSERT_EQ(fits.reject_code, 0u);
      EXPECT_EQ(load_field(fits.output.data(), container), 31 | 5ull << top_shift);
      EXPECT_EQ(run(parts, ops, width_bytes, {32, 0, 5, 0}).reject_code, kTestCode);
      EXPECT_EQ(run(parts, ops, width_bytes, {0, 0, 8, 0}).reject_code, kTestCode);
      EXPECT_EQ(run(parts, ops, width_bytes, {0, 1, 0, 0}).reject_code, kTestCode);
    }
  }
}

TEST(Ops, RejectNegativeNumbersAsBits) {
  ImageParts parts = plain_parts(1);
  OpRecord bits = field_op(OpKind::kOrBits, kI16, kU64, 0, 0);
  bits.argument = UINT32_MAX;
  bits.steps = 32;
  const std::vector<OpRecord> ops = {fill_op(parts, 0, 8, 0), bits};
  EXPECT_EQ(run(parts, ops, 8, bytes_of(int16_t{-1})).reject_code, kTestCode);
  const Walk result = run(parts, ops, 8, bytes_of(int16_t{32767}));
  EXPECT_EQ(load_u64_le(result.output.data()), 32767ull << 32);
}

TEST(Ops, SkipTheGuardedOpWhereTheBitIsZeroAndNoOther) {
  ImageParts parts = plain_parts(1);
  const OpRecord guard = field_op(OpKind::kGuard, bit_kind(3), 0, 0, 0);
  const std::vector<OpRecord> ops = {fill_op(parts, 0, 2, 0x77), guard,
                                     copy_op(OpKind::kCopy1, 1, 0), copy_op(OpKind::kCopy1, 1, 2)};
  EXPECT_EQ(run(parts, ops, 3, {0x08, 9}).output, (std::vector<uint8_t>{9, 0x77, 9}));
  EXPECT_EQ(run(parts, ops, 3, {0xF7, 9}).output, (std::vector<uint8_t>{0x77, 0x77, 9}));
}

// An absent value is not converted, whatever it holds.
TEST(Ops, DoNotFailWhereTheyAreSkipped) {
  ImageParts parts = plain_parts(1);
  parts.bounds = {5, 0};
  const OpRecord guard = field_op(OpKind::kGuard, bit_kind(0), 0, 0, 0);
  const OpRecord narrow = field_op(OpKind::kNarrowChecked, kU8, kU8, 1, 0);
  const std::vector<OpRecord> ops = {fill_op(parts, 0, 1, 3), guard, narrow};
  EXPECT_EQ(run(parts, ops, 1, {0, 9}).output, (std::vector<uint8_t>{3}));
  EXPECT_EQ(run(parts, ops, 1, {1, 5}).output, (std::vector<uint8_t>{5}));
  EXPECT_EQ(run(parts, ops, 1, {1, 9}).reject_code, kTestCode);
  OpRecord require = field_op(OpKind::kRequire, bit_kind(1), 0, 0, 0);
  const std::vector<OpRecord> both = {fill_op(parts, 0, 1, 3), guard, require};
  EXPECT_EQ(run(parts, both, 1, {0, 0}).reject_code, 0u);
  EXPECT_EQ(run(parts, both, 1, {1, 0}).reject_code, kTestCode);
  EXPECT_EQ(run(parts, both, 1, {3, 0}).reject_code, 0u);
}

TEST(Ops, RequireABitAndWriteNothing) {
  ImageParts parts = plain_parts(1);
  const std::vector<OpRecord> ops = {field_op(OpKind::kRequire, bit_kind(7), 0, 0, 0),
                                     copy_op(OpKind::kCopy1, 0, 0)};
  EXPECT_EQ(run(parts, ops, 1, {0x80}).output, (std::vector<uint8_t>{0x80}));
  EXPECT_EQ(run(parts, ops, 1, {0x7F}).reject_code, kTestCode);
}

struct Scaled {
  bool is_rejected;
  uint64_t bits;
};

// Limits are those of the whole target unless they are given.
Scaled scale(FieldKind load, uint64_t value, uint64_t factor, bool divides, FieldKind store,
             uint64_t low_key = 0, uint64_t span = UINT64_MAX) {
  ImageParts parts = plain_parts(1);
  OpRecord op = field_op(OpKind::kScale, load, store, 0, 0);
  op.steps = divides ? 1 : 0;
  parts.bounds = {factor, low_key, span};
  std::vector<uint8_t> message(load_bytes(load));
  store_field(message.data(), load, value);
  const Walk result = run(parts, {op}, field_bytes(store), message);
  if (result.reject_code != 0) {
    EXPECT_EQ(result.reject_code, kTestCode);
    return {true, 0};
  }
  return {false, load_field(result.output.data(), store)};
}

TEST(Ops, ScaleExactlyUpToTheEdgesOfTheTarget) {
  constexpr uint64_t kTen = 10;
  EXPECT_EQ(scale(kU32, 123, kTen, false, kU64).bits, 1230u);
  EXPECT_EQ(scale(kU64, UINT64_MAX / 10, kTen, false, kU64).bits, UINT64_MAX / 10 * 10);
  EXPECT_TRUE(scale(kU64, UINT64_MAX / 10 + 1, kTen, false, kU64).is_rejected);
  EXPECT_TRUE(scale(kU64, UINT64_MAX, (1ull << 63) - 1, false, kU64).is_rejected);
  EXPECT_TRUE(scale(kU64, UINT64_MAX, (1ull << 63) - 1, false, kI64).is_rejected);
  EXPECT_EQ(scale(kU64, 1ull << 62, 2, false, kU64).bits, 1ull << 63);
  EXPECT_TRUE(scale(kU64, 1ull << 62, 2, false, kI64).is_rejected);
  EXPECT_EQ(scale(kU64, 0, (1ull << 63) - 1, false, kU8).bits, 0u);
}

TEST(Ops, ScaleSignedValues) {
  const auto bits = [](int64_t value) { return static_cast<uint64_t>(value); };
  EXPECT_EQ(scale(kI32, bits(-7), 100, false, kI64).bits, bits(-700));
  EXPECT_EQ(scale(kI64, bits(INT64_MIN / 2), 2, false, kI64).bits, bits(INT64_MIN));
  EXPECT_TRUE(scale(kI64, bits(INT64_MIN / 2 - 1), 2, false, kI64).is_rejected);
  EXPECT_TRUE(scale(kI64, bits(INT64_MIN), (1ull << 63) - 1, false, kI64).is_rejected);
  EXPECT_TRUE(scale(kI32, bits(-1), 2, false, kU64).is_rejected);
  EXPECT_EQ(scale(kI32, bits(-700), 100, true, kI16).bits, bits(-7));
  EXPECT_TRUE(scale(kI32, bits(-701), 100, true, kI16).is_rejected);
  EXPECT_TRUE(scale(kI32, bits(-700), 100, true, kU16).is_rejected);
}

TEST(Ops, DivideWithoutARemainderOrReject) {
  EXPECT_EQ(scale(kU64, UINT64_MAX, 5, true, kU64).bits, UINT64_MAX / 5);
  EXPECT_TRUE(scale(kU64, UINT64_MAX - 1, 5, true, kU64).is_rejected);
  EXPECT_EQ(scale(kU64, 0, 1'000'000, true, kU8).bits, 0u);
  EXPECT_TRUE(scale(kU64, 999'999, 1'000'000, true, kU8).is_rejected);
}

TEST(Ops, HoldScaledValuesToTheirLimits) {
  // A u8 target: keys 0 to 255.
  EXPECT_EQ(scale(kU16, 25, 10, false, kU8, 0, 255).bits, 250u);
  EXPECT_TRUE(scale(kU16, 26, 10, false, kU8, 0, 255).is_rejected);
  // An i16 target: keys around the sign bit.
  const uint64_t low = kSignBit - 32768;
  EXPECT_EQ(scale(kI32, static_cast<uint64_t>(-3276), 10, false, kI16, low, 65535).bits,
            static_cast<uint64_t>(-32760));
  EXPECT_TRUE(scale(kI32, static_cast<uint64_t>(-3277), 10, false, kI16, low, 65535).is_rejected);
  EXPECT_TRUE(scale(kI32, 3277, 10, false, kI16, low, 65535).is_rejected);
}

TEST(Ops, WidenFloatsInEitherOrder) {
  const float values[] = {0.0f,
                          -0.0f,
                          1.5f,
                          -3.25e-30f,
                          std::numeric_limits<float>::max(),
                          std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()};
  for (const FieldKind load : {kU32, FieldKind{kU32 | kFieldBigEndian}}) {
    for (const FieldKind store : {kU64, FieldKind{kU64 | kFieldBigEndian}}) {
      const auto widen = [&](uint32_t bits) {
        std::vector<uint8_t> message(4);
        store_field(message.data(), load, bits);
        const OpRecord op = field_op(OpKind::kFloatWiden, load, store, 0, 0);
        const Walk result = run(plain_parts(1), {op}, 8, message);
        return load_field(result.output.data(), store);
      };
      for (const float value : values) {
        EXPECT_EQ(widen(std::bit_cast<uint32_t>(value)), std::bit_cast<uint64_t>(double{value}));
      }
      for (const uint32_t nan : {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu}) {
        EXPECT_EQ(widen(nan), 0x7ff8000000000000) << nan;
      }
    }
  }
}

struct Refusal {
  const char* reason;
  std::vector<OpRecord> ops;
};

// Each for a message and an output of 8 bytes; the first op writes all of it.
TEST(Ops, AreRefusedWhereTheyMakeNoSense) {
  ImageParts whole = plain_parts(8);
  whole.bounds = {10, 0, 100, 1, 1ull << 63, UINT64_MAX, 5, UINT64_MAX};
  const OpRecord all = fill_op(whole, 0, 8, 0);
  const auto with = [](OpRecord op, uint32_t argument, uint8_t steps = 0) {
    op.argument = argument;
    op.steps = steps;
    return op;
  };
  const auto without_code = [](OpRecord op) {
    op.code = 0;
    return op;
  };
  const OpRecord guard = field_op(OpKind::kGuard, bit_kind(0), 0, 0, 0);
  const OpRecord copy = copy_op(OpKind::kCopy8, 0, 0);
  const std::vector<Refusal> refusals = {
      {"presence that is no bit", {all, field_op(OpKind::kOrPresence, kU8, 0, 0, 0)}},
      {"presence that is no bit", {all, field_op(OpKind::kOrPresence, bit_kind(0), 8, 0, 0)}},
      {"reads outside", {all, field_op(OpKind::kOrPresence, bit_kind(0), 0, 8, 0)}},
      {"writes outside", {all, field_op(OpKind::kOrPresence, bit_kind(0), 0, 0, 8)}},
      {"before it is written", {field_op(OpKind::kOrPresence, bit_kind(0), 0, 0, 0), all}},
      {"before it is written", {with(field_op(OpKind::kOrBits, kU8, kU8, 0, 0), 1), all}},
      {"bits that do not fit", {all, with(field_op(OpKind::kOrBits, kU8, kU8, 0, 0), 15, 5)}},
      {"bits that do not fit", {all, with(field_op(OpKind::kOrBits, kU8, kU64, 0, 0), 1, 200)}},
      {"a container of 3", {all, with(field_op(OpKind::kOrBits, kU8, 2, 0, 0), 1)}},
      {"kind of field", {all, with(field_op(OpKind::kOrBits, kU8, bit_kind(0), 0, 0), 1)}},
      {"reads outside", {all, with(field_op(OpKind::kOrBits, kU32, kU8, 5, 0), 1)}},
      {"writes outside", {all, with(field_op(OpKind::kOrBits, kU8, kU32, 0, 5), 1)}},
      {"reject code", {all, without_code(with(field_op(OpKind::kOrBits, kU8, kU8, 0, 0), 1))}},
      {"presence that is no bit", {all, field_op(OpKind::kGuard, kU8, 0, 0, 0), copy}},
      {"a guard of no op", {all, guard}},
      {"a guard of no op", {all, guard, guard, copy}},
      {"before it is written", {guard, all}},
      {"before it is written", {guard, copy, all}},
      {"written twice", {all, guard, copy, copy}},
      {"reads outside", {all, field_op(OpKind::kGuard, bit_kind(0), 0, 8, 0), copy}},
      {"presence that is no bit", {field_op(OpKind::kRequire, kU8, 0, 0, 0), all}},
      {"reject code", {without_code(field_op(OpKind::kRequire, bit_kind(0), 0, 0, 0)), all}},
      {"a factor outside", {with(field_op(OpKind::kScale, kU8, kU64, 0, 0), 8)}},
      {"a factor of 0", {with(field_op(OpKind::kScale, kU8, kU64, 0, 0), 1)}},
      {"a factor of 1", {with(field_op(OpKind::kScale, kU8, kU64, 0, 0), 3)}},
      {"a factor of 9223372036854775808", {with(field_op(OpKind::kScale, kU8, kU64, 0, 0), 4)}},
      {"a factor of 10", {with(field_op(OpKind::kScale, kU8, kU64, 0, 0), 0, 2)}},
      {"limits outside", {with(field_op(OpKind::kScale, kU8, kU64, 0, 0), 6)}},
      {"reject code", {without_code(field_op(OpKind::kScale, kU8, kU64, 0, 0))}},
      {"kind of field", {field_op(OpKind::kScale, kU8, 6, 0, 0)}},
      {"a float of 8 bytes from one of 8", {field_op(OpKind::kFloatWiden, kU64, kU64, 0, 0)}},
      {"a float of 4 bytes from one of 4", {field_op(OpKind::kFloatWiden, kU32, kU32, 0, 0)}},
      {"a float of 8 bytes from one of 1",
       {field_op(OpKind::kFloatWiden, bit_kind(1), kU64, 0, 0)}},
      {"reads outside", {field_op(OpKind::kFloatWiden, kU32, kU64, 5, 0)}},
      {"moves no bytes", {copy_op(OpKind::kCopyMany, 0, 0), copy}},
  };
  for (size_t index = 0; index < refusals.size(); ++index) {
    ImageParts parts = whole;
    add_transform(
        parts,
        {.source_bytes = 8, .output_bytes = 8, .output_schema = 1, .ops = refusals[index].ops});
    use_transform(parts);
    RouteImage image;
    const Status status = RouteImage::load(parts.image(), image);
    EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << index;
    EXPECT_NE(std::string(status.context).find(refusals[index].reason), std::string::npos)
        << index << ": expected \"" << refusals[index].reason << "\", got \"" << status.context
        << '"';
  }
}

}  // namespace
}  // namespace hyperroute
