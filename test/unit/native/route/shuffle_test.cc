// Ops that move 16 bytes at once, maps of single bytes, and sets of values: by hand, and broken.
#include "base/shuffle.h"

#include <gtest/gtest.h>

#include <numeric>

#include "route/set_datapath.h"
#include "unit/native/route/image_walk.h"
#include "unit/native/route/native_image.h"

namespace hyperroute {
namespace {

constexpr uint8_t kLeft = kPickLeft;
constexpr uint8_t kNone = kPickNone;

// Picks and constants of a shuffle in the image's bytes.
OpRecord shuffle_op(ImageParts& parts, OpKind kind, uint16_t source, uint16_t target,
                    std::vector<uint8_t> picks, uint8_t constant = 0) {
  picks.resize(kShuffleBytes, kLeft);
  OpRecord op = copy_op(kind, source, target);
  op.argument = static_cast<uint32_t>(parts.bytes.size());
  parts.bytes.insert(parts.bytes.end(), picks.begin(), picks.end());
  for (const uint8_t pick : picks) parts.bytes.push_back(pick == kNone ? constant : 0);
  return op;
}

// A message of 32 bytes, each of them its own number, to one of 20.
struct Shuffled {
  ImageParts parts = plain_parts(32);
  std::vector<OpRecord> ops;

  Shuffled() {
    // The block at the end comes first; its beginning is the other block's to write.
    ops.push_back(shuffle_op(parts, OpKind::kShuffle, 16, 4,
                             {kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft,
                              kLeft, kLeft, 15, 14, 13, 12}));
    ops.push_back(shuffle_op(parts, OpKind::kShuffle, 0, 0,
                             {3, 2, 1, 0, kNone, kNone, kLeft, kLeft, 7, 7}, 0x5A));
    ops.push_back(shuffle_op(
        parts, OpKind::kShuffleMore, 16, 0,
        {kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, 0, 1, 2, 3, 4, 5}));
    ops.push_back(copy_op(OpKind::kCopy2, 20, 6));
  }

  Status load(RouteImage& image, uint16_t shuffle_count = 3) {
    ImageParts whole = parts;
    add_transform(whole, {.source_bytes = 32, .output_bytes = 20, .output_schema = 1, .ops = ops});
    whole.transforms[0].shuffle_count = shuffle_count;
    use_transform(whole);
    return RouteImage::load(whole.image(), image);
  }

  void expect_refused(const char* reason, uint16_t shuffle_count = 3) {
    RouteImage image;
    const Status status = load(image, shuffle_count);
    EXPECT_EQ(status.code, StatusCode::kImageCorrupt);
    EXPECT_NE(std::string(status.context).find(reason), std::string::npos) << status.context;
  }
};

TEST(Shuffle, PicksBytesOrNothing) {
  std::vector<uint8_t> from(kShuffleBytes);
  std::iota(from.begin(), from.end(), uint8_t{0x40});
  const std::vector<uint8_t> picks = {15, 0,  kNone, kLeft, 1, 1, 14, 2,
                                      3,  13, 12,    4,     5, 6, 7,  kNone};
  std::vector<uint8_t> fill(kShuffleBytes, 0);
  fill[2] = 0xFE;
  std::vector<uint8_t> to(kShuffleBytes, 0xA5);
  shuffle_bytes(to.data(), from.data(), picks.data(), fill.data());
  EXPECT_EQ(to, (std::vector<uint8_t>{0x4F, 0x40, 0xFE, 0, 0x41, 0x41, 0x4E, 0x42, 0x43, 0x4D, 0x4C,
                                      0x44, 0x45, 0x46, 0x47, 0}));
}

TEST(Shuffle, WritesBlocksThatOverlapAndFillsThemIn) {
  Shuffled shuffled;
  RouteImage image;
  const Status status = shuffled.load(image);
  ASSERT_TRUE(status.ok()) << status.context;
  std::vector<uint8_t> message(32);
  std::iota(message.begin(), message.end(), uint8_t{0});
  WalkState state(image);
  EXPECT_EQ(walk(image, state, 0, message).output,
            (std::vector<uint8_t>{3,  2,  1,  0,  0x5A, 0x5A, 20, 21, 7,  7,
                                  16, 17, 18, 19, 20,   21,   31, 30, 29, 28}));
}

TEST(Shuffle, IsRefusedWhereItReadsOrWritesAstray) {
  Shuffled().expect_refused("2 shuffles, which come first", 2);
  Shuffled().expect_refused("4 shuffles, which come first", 4);
  const auto broken = [](const char* reason, auto damage) {
    Shuffled shuffled;
    damage(shuffled);
    shuffled.expect_refused(reason);
  };
  const auto pick = [](Shuffled& s, uint32_t op, uint32_t at) -> uint8_t& {
    return s.parts.bytes[s.ops[op].argument + at];
  };
  broken("reads outside", [](Shuffled& s) { s.ops[0].source = 17; });
  broken("writes outside", [](Shuffled& s) { s.ops[0].target = 5; });
  broken("shuffle", [](Shuffled& s) { s.ops[0].argument = 1000; });
  broken("picks byte 16", [&](Shuffled& s) { pick(s, 1, 0) = 16; });
  broken("picks byte 254", [&](Shuffled& s) { pick(s, 1, 0) = 0xFE; });
  broken("another's byte", [&](Shuffled& s) { pick(s, 1, kShuffleBytes) = 1; });
  broken("another's byte", [&](Shuffled& s) { pick(s, 1, kShuffleBytes + 6) = 1; });
  broken("constants that fill in", [&](Shuffled& s) { pick(s, 2, 0) = kNone; });
  broken("that is not zero", [&](Shuffled& s) { pick(s, 2, 0) = 1; });
  broken("that is not zero", [](Shuffled& s) { s.ops[0].kind = OpKind::kShuffleMore; });
  broken("written twice", [&](Shuffled& s) { pick(s, 0, 0) = 1; });
  broken("written twice", [](Shuffled& s) { s.ops[3].target = 0; });
  broken("bytes are written", [&](Shuffled& s) { pick(s, 1, 9) = kLeft; });
}

// A message of one byte that is mapped to two.
Status load_byte_map(RouteImage& image, uint32_t code, uint32_t table, FieldKind load) {
  ImageParts parts = plain_parts(2);
  const auto first = static_cast<uint32_t>(parts.slots.size());
  parts.slots.resize(first + 256, kNoIndex);
  parts.slots[first + 7] = 0x1234;
  OpRecord op = copy_op(OpKind::kMapByte, 0, 0);
  op.load = load;
  op.store = 1;
  op.argument = first + table;
  op.code = code;
  add_transform(parts, {.source_bytes = 2, .output_bytes = 2, .output_schema = 1, .ops = {op}});
  use_transform(parts);
  return RouteImage::load(parts.image(), image);
}

TEST(Shuffle, IsRefusedWhereMoreAreCountedThanThereAre) {
  Shuffled shuffled;
  shuffled.ops.back() = shuffle_op(shuffled.parts, OpKind::kShuffleMore, 16, 0,
                                   {kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, 4, 5});
  RouteImage image;
  ASSERT_TRUE(shuffled.load(image, 4).ok());
  shuffled.expect_refused("5 shuffles among 4 ops", 5);
}

TEST(ByteMap, GivesTheValueOfAByteOrTheCode) {
  RouteImage image;
  ASSERT_TRUE(load_byte_map(image, kTestCode, 0, 0).ok());
  WalkState state(image);
  EXPECT_EQ(walk(image, state, 0, {7, 1}).output, (std::vector<uint8_t>{0x34, 0x12}));
  EXPECT_EQ(walk(image, state, 0, {8, 1}).reject_code, kTestCode);
}

TEST(ByteMap, IsRefusedWithoutAValueForEachByteOrACode) {
  RouteImage image;
  EXPECT_FALSE(load_byte_map(image, 0, 0, 0).ok());
  EXPECT_FALSE(load_byte_map(image, kTestCode, 1, 0).ok());
  EXPECT_FALSE(load_byte_map(image, kTestCode, 0, 1).ok());
  EXPECT_FALSE(load_byte_map(image, kTestCode, 0, bit_kind(1)).ok());
}

TEST(Set, FindsItsKeysAndNoOthers) {
  // Every slot but two is full, so that keys lie far from where their hash points.
  constexpr uint32_t kBits = 4;
  std::vector<uint64_t> words(1 + (1u << kBits), 0);
  for (uint64_t key = 1; key <= 14; ++key) {
    uint32_t slot = static_cast<uint32_t>(key * 0x9E3779B97F4A7C15 >> (64 - kBits));
    while (words[1 + slot] != 0) slot = (slot + 1) % (1u << kBits);
    words[1 + slot] = key;
  }
  for (uint64_t key = 0; key < 100; ++key) {
    EXPECT_EQ(is_in_set(words.data(), kBits, 15, key), key >= 1 && key <= 14) << key;
  }
  EXPECT_FALSE(is_in_set(words.data(), kBits, 15, ~0ull));
}

TEST(Set, IsRefusedOutsideTheImagesWords) {
  const auto load = [](uint8_t bits, uint32_t probe_max, size_t word_count) {
    ImageParts parts = plain_parts(8);
    CheckRecord check{};
    check.kind = CheckKind::kSet;
    check.load = 7;
    check.code = kTestCode;
    check.count = probe_max;
    check.steps = bits;
    parts.checks = {check};
    parts.routes[0].check_count = 1;
    parts.words.assign(word_count, 0);
    RouteImage image;
    return RouteImage::load(parts.image(), image).ok();
  };
  EXPECT_TRUE(load(3, 7, 9));
  EXPECT_FALSE(load(3, 8, 9));
  EXPECT_FALSE(load(3, 7, 8));
  EXPECT_FALSE(load(0, 0, 9));
  EXPECT_FALSE(load(21, 0, 9));
}

}  // namespace
}  // namespace hyperroute
