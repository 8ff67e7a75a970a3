// Framings: every form, every way to be wrong, and sealing as the inverse of scanning.
#include "io/tcp/framing.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/bits.h"
#include "base/clock.h"
#include "base/prng.h"

namespace hyperroute {
namespace {

using Bytes = std::vector<uint8_t>;

FramingOptions prefix(uint8_t bytes, bool big_endian, uint32_t offset, int64_t adjust,
                      bool includes_header, bool strip) {
  FramingOptions options;
  options.prefix_bytes = bytes;
  options.big_endian = big_endian;
  options.prefix_offset = offset;
  options.adjust = adjust;
  options.includes_header = includes_header;
  options.strip = strip;
  return options;
}

FramingOptions delimiter(const char* text) {
  FramingOptions options;
  options.kind = FramingKind::kDelimiter;
  options.delimiter_bytes = static_cast<uint8_t>(std::strlen(text));
  std::memcpy(options.delimiter, text, options.delimiter_bytes);
  return options;
}

FramingOptions fixed(uint32_t bytes) {
  FramingOptions options;
  options.kind = FramingKind::kFixed;
  options.fixed_bytes = bytes;
  return options;
}

Framing make(const FramingOptions& options, uint32_t frame_bytes_max = 256) {
  Result<Framing> framing = Framing::create(options, frame_bytes_max);
  EXPECT_TRUE(framing.ok()) << framing.status().context;
  return framing.take();
}

ScanResult scan(const Framing& framing, const Bytes& bytes) {
  return framing.scan(bytes.data(), static_cast<uint32_t>(bytes.size()), 0,
                      framing.frame_bytes_max());
}

void expect_frame(const ScanResult& result, uint32_t offset, uint32_t message, uint32_t frame) {
  EXPECT_EQ(result.status, ScanStatus::kFrame);
  EXPECT_EQ(result.message_offset, offset);
  EXPECT_EQ(result.message_bytes, message);
  EXPECT_EQ(result.frame_bytes, frame);
}

TEST(Framing, ReadsALengthThatCountsTheWholeFrame) {
  const Framing framing = make(prefix(4, false, 0, 0, true, false));
  expect_frame(scan(framing, {6, 0, 0, 0, 'a', 'b', 'c'}), 0, 6, 6);
}

TEST(Framing, ReadsALengthThatCountsWhatFollowsIt) {
  const Framing framing = make(prefix(2, true, 1, 0, false, true));
  expect_frame(scan(framing, {'X', 0, 2, 'a', 'b', 'c'}), 3, 2, 5);
}

TEST(Framing, AddsTheAdjustmentToTheLength) {
  expect_frame(scan(make(prefix(1, false, 0, 3, true, true)), {1, 'a', 'b', 'c'}), 1, 3, 4);
  expect_frame(scan(make(prefix(1, false, 0, -3, true, true)), {7, 'a', 'b', 'c'}), 1, 3, 4);
}

TEST(Framing, ReadsEveryWidthInBothOrders) {
  for (uint8_t width = 1; width <= 8; ++width) {
    for (const bool big_endian : {false, true}) {
      const Framing framing = make(prefix(width, big_endian, 3, 0, true, true));
      Bytes bytes(20, 0x55);
      store_uint(bytes.data() + 3, 20, width, big_endian);
      expect_frame(scan(framing, bytes), 3u + width, 17u - width, 20);
    }
  }
}

TEST(Framing, WaitsForTheRestOfAFrameCutAnywhere) {
  for (const FramingOptions& options :
       {prefix(4, false, 2, 0, true, false), delimiter("\r\n"), fixed(12)}) {
    const Framing framing = make(options);
    const Bytes whole{'x', 'y', 12, 0, 0, 0, 'a', 'b', 'c', 'd', '\r', '\n'};
    uint32_t searched_bytes = 0;
    for (uint32_t available = 0; available < whole.size(); ++available) {
      const Bytes part(whole.begin(), whole.begin() + available);
      const ScanResult result = framing.scan(part.data(), available, searched_bytes, 256);
      EXPECT_EQ(result.status, ScanStatus::kNeedMore) << available;
      searched_bytes = available;
    }
    const ScanResult result = framing.scan(whole.data(), 12, searched_bytes, 256);
    EXPECT_EQ(result.status, ScanStatus::kFrame);
    EXPECT_EQ(result.frame_bytes, 12u);
  }
}

TEST(Framing, CallsALengthBelowItsOwnHeaderBad) {
  const Framing whole = make(prefix(4, false, 2, 0, true, false));
  EXPECT_EQ(scan(whole, {'x', 'y', 5, 0, 0, 0}).status, ScanStatus::kBad);
  EXPECT_EQ(scan(whole, {'x', 'y', 6, 0, 0, 0}).status, ScanStatus::kFrame);
  const Framing adjusted = make(prefix(1, false, 0, -9, false, true));
  EXPECT_EQ(scan(adjusted, {8, 0, 0, 0}).status, ScanStatus::kBad);
  expect_frame(scan(adjusted, {9, 0, 0, 0}), 1, 0, 1);
}

TEST(Framing, CallsALengthOverTheLimitOversizeBeforeTheFrameIsThere) {
  for (const uint8_t width : {uint8_t{4}, uint8_t{8}}) {
    const Framing framing = make(prefix(width, false, 0, 0, true, false), 100);
    for (const uint64_t value : {uint64_t{101}, uint64_t{0x7FFFFFFF}, uint64_t{0xFFFFFFFF},
                                 uint64_t{1} << 40, uint64_t{1} << 63, UINT64_MAX}) {
      if (width == 4 && value > UINT32_MAX) continue;
      Bytes bytes(8);
      store_uint(bytes.data(), value, width, false);
      EXPECT_EQ(scan(framing, bytes).status, ScanStatus::kOversize) << value;
    }
  }
}

TEST(Framing, NeverOverflowsWithTheLargestAdjustments) {
  for (const int64_t adjust : {int64_t{INT32_MAX}, -int64_t{INT32_MAX}}) {
    const Framing framing = make(prefix(8, true, 0, adjust, false, true));
    for (const uint64_t value : {uint64_t{0}, uint64_t{INT32_MAX}, uint64_t{1} << 40, UINT64_MAX}) {
      Bytes bytes(8);
      store_u64_be(bytes.data(), value);
      const ScanStatus status = scan(framing, bytes).status;
      const bool is_empty_frame = adjust < 0 && value == INT32_MAX;
      EXPECT_EQ(status == ScanStatus::kFrame, is_empty_frame) << adjust << ' ' << value;
    }
  }
}

TEST(Framing, FindsADelimiterSplitOverTwoReads) {
  const Framing framing = make(delimiter("\r\n"));
  const Bytes bytes{'a', '\r', '\n', 'b'};
  EXPECT_EQ(framing.scan(bytes.data(), 2, 0, 256).status, ScanStatus::kNeedMore);
  expect_frame(framing.scan(bytes.data(), 4, 2, 256), 0, 1, 3);
}

TEST(Framing, LimitsAFrameWithItsDelimiter) {
  const Framing framing = make(delimiter("\n"), 4);
  expect_frame(scan(framing, {'a', 'b', 'c', '\n'}), 0, 3, 4);
  EXPECT_EQ(scan(framing, {'a', 'b', 'c', 'd'}).status, ScanStatus::kOversize);
  EXPECT_EQ(scan(framing, {'a', 'b', 'c', 'd', '\n'}).status, ScanStatus::kOversize);
}

TEST(Framing, WritesItsHeaderOverStaleBytes) {
  const Framing framing = make(prefix(2, true, 3, 0, true, true));
  EXPECT_EQ(framing.room().head_bytes, 5u);
  Bytes frame{9, 9, 9, 9, 9, 'h', 'i'};
  EXPECT_EQ(framing.seal(frame.data(), 2), 7u);
  EXPECT_EQ(frame, (Bytes{0, 0, 0, 0, 7, 'h', 'i'}));
}

TEST(Framing, WritesTheLengthIntoAMessageThatHoldsIt) {
  const Framing framing = make(prefix(2, false, 1, 0, true, false));
  EXPECT_EQ(framing.room().head_bytes, 0u);
  Bytes frame{'T', 0, 0, 'x'};
  EXPECT_EQ(framing.seal(frame.data(), 4), 4u);
  EXPECT_EQ(frame, (Bytes{'T', 4, 0, 'x'}));
  EXPECT_EQ(framing.seal(frame.data(), 2), 0u);
}

TEST(Framing, RefusesToSealWhatItsLengthCannotSay) {
  Bytes frame(600, 'x');
  EXPECT_EQ(make(prefix(1, false, 0, 0, true, true), 512).seal(frame.data(), 255), 0u);
  EXPECT_EQ(make(prefix(1, false, 0, 0, true, true), 512).seal(frame.data(), 254), 255u);
  EXPECT_EQ(make(prefix(1, false, 0, 20, true, true), 512).seal(frame.data(), 18), 0u);
  EXPECT_EQ(make(prefix(1, false, 0, 20, true, true), 512).seal(frame.data(), 19), 20u);
  EXPECT_EQ(make(fixed(8)).seal(frame.data(), 7), 0u);
  EXPECT_EQ(make(fixed(8)).seal(frame.data(), 8), 8u);
}

TEST(Framing, RefusesToSealAMessageThatWouldEndEarly) {
  const Framing lines = make(delimiter("\n"));
  Bytes frame{'a', '\n', 'b', 0};
  EXPECT_EQ(lines.seal(frame.data(), 3), 0u);
  // No delimiter inside, but one that begins in the message and ends in the delimiter itself.
  const Framing overlapping = make(delimiter("aba"));
  Bytes shifted{'a', 'b', 0, 0, 0};
  EXPECT_EQ(overlapping.seal(shifted.data(), 2), 0u);
}

TEST(Framing, RefusesOptionsThatCannotBe) {
  const auto code = [](const FramingOptions& options, uint32_t frame_bytes_max) {
    return Framing::create(options, frame_bytes_max).status().code;
  };
  EXPECT_EQ(code(prefix(0, false, 0, 0, true, false), 64), StatusCode::kConfig);
  EXPECT_EQ(code(prefix(9, false, 0, 0, true, false), 64), StatusCode::kConfig);
  EXPECT_EQ(code(prefix(4, false, 5000, 0, true, false), 64), StatusCode::kConfig);
  EXPECT_EQ(code(prefix(4, false, 62, 0, true, false), 64), StatusCode::kConfig);
  EXPECT_EQ(code(prefix(4, false, 0, int64_t{1} << 32, true, false), 64), StatusCode::kConfig);
  EXPECT_EQ(code(delimiter(""), 64), StatusCode::kConfig);
  EXPECT_EQ(code(fixed(0), 64), StatusCode::kConfig);
  EXPECT_EQ(code(fixed(65), 64), StatusCode::kConfig);
  EXPECT_EQ(code(fixed(4), 0), StatusCode::kConfig);
  EXPECT_EQ(code(fixed(4), kFrameBytesMax + 1), StatusCode::kConfig);
}

FramingOptions random_options(Prng& prng) {
  switch (prng.below(3)) {
    case 0: {
      return prefix(static_cast<uint8_t>(prng.between(1, 8)), prng.one_in(2), prng.below(6),
                    int64_t{prng.below(20)} - 10, prng.one_in(2), prng.one_in(2));
    }
    case 1: {
      FramingOptions options = delimiter("zzz");
      options.delimiter_bytes = static_cast<uint8_t>(prng.between(1, 3));
      for (uint8_t& byte : options.delimiter) byte = static_cast<uint8_t>('a' + prng.below(2));
      return options;
    }
    default:
      return fixed(prng.between(1, 40));
  }
}

TEST(Framing, ScansExactlyWhatItSealed) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  uint32_t sealed_count = 0;
  for (uint32_t round = 0; round < 20'000; ++round) {
    const Framing framing = make(random_options(prng));
    const FrameRoom room = framing.room();
    const uint32_t message_bytes = prng.below(room.message_bytes_max + 1);
    Bytes frame(room.head_bytes + message_bytes + room.tail_bytes);
    for (uint8_t& byte : frame) byte = static_cast<uint8_t>('a' + prng.below(3));
    const uint32_t frame_bytes = framing.seal(frame.data(), message_bytes);
    if (frame_bytes == 0) continue;
    ++sealed_count;
    ASSERT_EQ(frame_bytes, frame.size());
    // Bytes that follow never change where a frame ends.
    frame.resize(frame_bytes + prng.below(8), 'a');
    expect_frame(scan(framing, frame), room.head_bytes, message_bytes, frame_bytes);
  }
  EXPECT_GT(sealed_count, 1000u);
}

}  // namespace
}  // namespace hyperroute
