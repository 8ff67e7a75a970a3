// Frames: ranges of an ACK as packet numbers, a writer that stays in its room, the bytes that
// messages take in a stream.
#include "wire/raptor_frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/prng.h"

namespace hyperroute::raptor {
namespace {

using Bytes = std::vector<uint8_t>;
using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;

Ranges ranges_of(uint64_t largest, const std::vector<AckRange>& ranges) {
  Bytes bytes(kAckBytesMax);
  const uint32_t written = write_ack(bytes.data(), 0, largest, ranges);
  FrameReader reader(bytes.data(), written);
  Frame frame;
  EXPECT_EQ(reader.next(frame), FrameResult::kFrame);
  Ranges found;
  frame.ack.for_each_range([&](uint64_t first, uint64_t last) { found.push_back({first, last}); });
  return found;
}

TEST(AckFrame, NamesThePacketsOfEachRangeNewestFirst) {
  EXPECT_EQ(ranges_of(70, {{0, 11}, {2, 5}}), (Ranges{{60, 70}, {53, 57}}));
}

TEST(AckFrame, NamesPacketZeroAlone) { EXPECT_EQ(ranges_of(0, {{0, 1}}), (Ranges{{0, 0}})); }

TEST(AckFrame, ReachesFromTheLargestOfAllNumbers) {
  EXPECT_EQ(ranges_of(UINT64_MAX, {{0, 2}, {1, 1}}),
            (Ranges{{UINT64_MAX - 1, UINT64_MAX}, {UINT64_MAX - 3, UINT64_MAX - 3}}));
}

TEST(AckFrame, ReachesDownToPacketZeroAndNoFurther) {
  EXPECT_EQ(ranges_of(9, {{0, 4}, {2, 4}}), (Ranges{{6, 9}, {0, 3}}));
  Bytes bytes(kAckBytesMax);
  const uint32_t written = write_ack(bytes.data(), 0, 9, std::vector<AckRange>{{0, 4}, {2, 5}});
  FrameReader reader(bytes.data(), written);
  Frame frame;
  EXPECT_EQ(reader.next(frame), FrameResult::kMalformed);
  EXPECT_STREQ(reader.reason(), "ACK range goes below packet 0");
}

TEST(AckFrame, SaysTheSameAsASetOfPacketsWhateverIsMissing) {
  constexpr uint64_t kSeed = 20;
  Prng random(kSeed);
  for (uint32_t turn = 0; turn < 200; ++turn) {
    // Packets 0 to 40 of which some came; the newest did.
    std::vector<bool> came(41);
    for (size_t number = 0; number < came.size(); ++number)
      came[number] = random.next_u64() % 3 != 0;
    came.back() = true;
    std::vector<AckRange> ranges;
    uint32_t gap = 0;
    for (size_t number = came.size(); number-- > 0;) {
      const bool begins = came[number] && (number + 1 == came.size() || !came[number + 1]);
      if (begins && ranges.size() < kAckRangesMax) ranges.push_back({gap, 0});
      if (came[number]) {
        ++ranges.back().run;
        gap = 0;
      } else {
        ++gap;
      }
    }
    std::vector<bool> named(41);
    for (const auto& [first, last] : ranges_of(40, ranges)) {
      for (uint64_t number = first; number <= last; ++number) named[number] = true;
    }
    EXPECT_EQ(named, came) << "seed " << kSeed << ", turn " << turn;
  }
}

TEST(FrameReader, GivesOutNothingAfterPadding) {
  Bytes bytes(16);
  write_ping(bytes.data() + 8);
  FrameReader reader(bytes.data(), 16);
  Frame frame;
  EXPECT_EQ(reader.next(frame), FrameResult::kEnd);
  EXPECT_EQ(reader.next(frame), FrameResult::kEnd);
}

TEST(FrameReader, ReadsWhereNothingIsAligned) {
  Bytes bytes(1 + 48);
  const RecordHeader header{4, kRecordWhole, 0, 0};
  uint32_t at = 1 + write_ack(bytes.data() + 1, 5, 9, std::vector<AckRange>{{0, 2}});
  at += write_stream_header(bytes.data() + at, 7, 8, 16);
  store_record_header(bytes.data() + at, header);
  FrameReader reader(bytes.data() + 1, 48);
  Frame frame;
  ASSERT_EQ(reader.next(frame), FrameResult::kFrame);
  EXPECT_EQ(frame.ack.range(0).run, 2u);
  ASSERT_EQ(reader.next(frame), FrameResult::kFrame);
  EXPECT_EQ(frame.stream.position, 16u);
  EXPECT_EQ(frame.stream.run, bytes.data() + at) << "the run is not copied";
}

TEST(FrameTypes, AreAcknowledgedUnlessTheyWouldBeAnsweredForEver) {
  for (uint8_t type = 0; type < kFrameTypeCount; ++type) {
    const bool is_silent = type == 0 || type == 2 || type == 9;
    EXPECT_EQ(is_ack_eliciting(static_cast<FrameType>(type)), !is_silent) << int{type};
  }
}

constexpr OpenFrame kOpen{0, 2, 3, 1 << 18, 0, 7};

// Each kind of frame into so much room.
std::vector<bool> put_into(uint32_t room_bytes, Bytes& bytes) {
  const std::vector<AckRange> ranges(1, AckRange{0, 1});
  std::vector<bool> put;
  const auto attempt = [&](auto write) {
    FrameWriter writer(bytes.data(), room_bytes);
    put.push_back(write(writer));
    EXPECT_EQ(writer.bytes() == 0, !put.back());
    EXPECT_EQ(writer.bytes() + writer.room_bytes(), room_bytes);
  };
  attempt([](FrameWriter& writer) { return writer.ping(); });
  attempt([](FrameWriter& writer) { return writer.drain(); });
  attempt([](FrameWriter& writer) { return writer.close(1); });
  attempt([](FrameWriter& writer) { return writer.window(1, 8); });
  attempt([](FrameWriter& writer) { return writer.skip(1, 8); });
  attempt([](FrameWriter& writer) { return writer.end(1, 8); });
  attempt([](FrameWriter& writer) { return writer.stream(1, 8, 0) != nullptr; });
  attempt([](FrameWriter& writer) { return writer.open(kOpen); });
  attempt([&](FrameWriter& writer) { return writer.ack(0, 1, ranges); });
  return put;
}

TEST(FrameWriter, PutsAFrameOnlyWhereAllOfItHasRoom) {
  const std::vector<uint32_t> needed{8, 8, 8, 16, 16, 16, 24, 24, 24};
  for (uint32_t room_bytes = 0; room_bytes <= 32; ++room_bytes) {
    Bytes bytes(room_bytes);  // Of exactly that size: the sanitizers see a write beyond it.
    const std::vector<bool> put = put_into(room_bytes, bytes);
    for (size_t at = 0; at < needed.size(); ++at) {
      EXPECT_EQ(put[at], room_bytes >= needed[at]) << at << " into " << room_bytes;
    }
  }
}

TEST(FrameWriter, LeavesOutTheOldestRangesThatHaveNoRoom) {
  std::vector<AckRange> ranges(kAckRangesMax + 3, AckRange{1, 1});
  ranges[0].gap = 0;
  for (uint32_t room_bytes = 0; room_bytes <= kAckBytesMax + 16; room_bytes += 4) {
    Bytes bytes(room_bytes);
    FrameWriter writer(bytes.data(), room_bytes);
    const bool is_put = writer.ack(0, 1000, ranges);
    ASSERT_EQ(is_put, room_bytes >= 24);
    if (!is_put) continue;
    FrameReader reader(bytes.data(), writer.bytes());
    Frame frame;
    ASSERT_EQ(reader.next(frame), FrameResult::kFrame);
    EXPECT_EQ(frame.ack.range_count, std::min((room_bytes - 16) / 8, kAckRangesMax));
    EXPECT_EQ(frame.ack.range(0).gap, 0u);
  }
}

TEST(FrameWriter, PutsNoAckWithoutRanges) {
  Bytes bytes(64);
  FrameWriter writer(bytes.data(), 64);
  EXPECT_FALSE(writer.ack(0, 1, {}));
  EXPECT_EQ(writer.bytes(), 0u);
}

TEST(FrameWriter, PadsWithZerosUpToASizeAndNotBeyondItsRoom) {
  Bytes bytes(64, 0xAA);
  FrameWriter writer(bytes.data(), 48);
  ASSERT_TRUE(writer.ping());
  EXPECT_FALSE(writer.pad_to(56));
  EXPECT_FALSE(writer.pad_to(0));
  EXPECT_EQ(writer.bytes(), 8u);
  ASSERT_TRUE(writer.pad_to(48));
  EXPECT_EQ(writer.room_bytes(), 0u);
  EXPECT_TRUE(std::all_of(bytes.begin() + 8, bytes.begin() + 48, [](uint8_t b) { return b == 0; }));
  EXPECT_TRUE(std::all_of(bytes.begin() + 48, bytes.end(), [](uint8_t b) { return b == 0xAA; }));
}

TEST(FrameReader, NeverReadsOutsideOfRandomBytes) {
  constexpr uint64_t kSeed = 6;
  Prng random(kSeed);
  for (uint32_t turn = 0; turn < 20'000; ++turn) {
    Bytes bytes(random.next_u64() % 96);
    for (uint8_t& byte : bytes) {
      const uint64_t bits = random.next_u64();
      byte = static_cast<uint8_t>((bits & 3) == 0 ? bits >> 8 : bits >> 8 & 9);
    }
    FrameReader reader(bytes.data(), static_cast<uint32_t>(bytes.size()));
    Frame frame;
    uint32_t left = reader.remaining_bytes();
    while (reader.next(frame) == FrameResult::kFrame) {
      ASSERT_LT(reader.remaining_bytes(), left) << "seed " << kSeed << ", turn " << turn;
      left = reader.remaining_bytes();
      if (frame.type != FrameType::kStream) continue;
      ASSERT_GE(frame.stream.run, bytes.data());
      ASSERT_LE(frame.stream.run + frame.stream.run_bytes, bytes.data() + bytes.size());
    }
  }
}

TEST(DataHeader, IsReadOfPacketsUpToTheLargestAndNoLonger) {
  std::vector<uint8_t> packet(kDatagramBytesMax + 8);
  DataHeader header;
  header.session = 1;
  header.bytes = kDatagramBytesMax;
  write_data_header(packet.data(), header);
  EXPECT_EQ(read_data_header(packet.data(), kDatagramBytesMax, header), nullptr);
  EXPECT_STREQ(read_data_header(packet.data(), kDatagramBytesMax - 8, header),
               "DATA packet says another length");
  EXPECT_STREQ(read_data_header(packet.data(), kDatagramBytesMax + 8, header),
               "DATA packet is too long");
}

TEST(Records, TakeTheirHeaderAndPaddingToo) {
  EXPECT_EQ(record_bytes(0), 8u);
  EXPECT_EQ(record_bytes(1), 16u);
  EXPECT_EQ(record_bytes(8), 16u);
  EXPECT_EQ(record_bytes(9), 24u);
  EXPECT_EQ(kRecordBytesMax, 1112u);
}

TEST(Records, OfAMessageAreAllFullButTheLast) {
  EXPECT_EQ(message_record_bytes(0), 8u);
  EXPECT_EQ(message_record_bytes(1104), 1112u);
  EXPECT_EQ(message_record_bytes(1105), 1112u + 16);
  EXPECT_EQ(message_record_bytes(2208), 2 * 1112u);
  EXPECT_EQ(message_record_bytes(kMessageBytesLimit), 15'196 * 1112u + record_bytes(832));
}

}  // namespace
}  // namespace hyperroute::raptor
