// Correlations in the step: what a route finds, what its rules open and close, and what they write.
#include <gtest/gtest.h>

#include "route/correlate_datapath.h"
#include "unit/native/route/correlated_image.h"
#include "unit/native/route/image_walk.h"

namespace hyperroute {
namespace {

constexpr uint64_t kFrom = 0x0102030405060708;

class Correlate : public testing::Test {
 protected:
  explicit Correlate(const ImageParts& parts = correlated_parts()) {
    const Status status = RouteImage::load(parts.image(), image_);
    HR_ASSERT(status.ok());
    state_ = std::make_unique<WalkState>(image_);
  }

  Walk send(uint16_t source, const std::vector<uint8_t>& bytes) {
    return walk(image_, *state_, source, bytes, kFrom);
  }
  CorrelatedMessage sent(uint16_t source, const std::vector<uint8_t>& bytes) {
    const Walk result = send(source, bytes);
    EXPECT_EQ(result.reject_code, 0u);
    return CorrelatedMessage::of(result.output);
  }
  CorrelationTable& table() { return *state_->tables[0]; }

  RouteImage image_;
  std::unique_ptr<WalkState> state_;
};

TEST_F(Correlate, AnOrderLeavesWithTheIdOfItsEntry) {
  const CorrelatedMessage order = sent(kClient, order_bytes(5, 77, 100));
  EXPECT_EQ(order.type, 1);
  EXPECT_EQ(order.qty, 100u);
  const uint32_t entry = table().find_id(order.number);
  ASSERT_NE(entry, kNoEntry);
  EXPECT_EQ(table().entry(entry).source, kFrom);
  EXPECT_EQ(table().entry(entry).destination, kVenue);
}

TEST_F(Correlate, AReportGoesToWhereItsOrderCameFromWithTheClientsNumber) {
  const uint64_t id = sent(kClient, order_bytes(5, 77, 100)).number;
  const Walk partial = send(kVenue, partial_bytes(id, 40));
  ASSERT_EQ(partial.reject_code, 0u);
  EXPECT_EQ(partial.decision.first.target, TargetKind::kCorrelated);
  EXPECT_EQ(partial.decision.first.return_address, kFrom);
  EXPECT_EQ(CorrelatedMessage::of(partial.output).number, 77u);
  EXPECT_EQ(CorrelatedMessage::of(partial.output).qty, 40u);
  EXPECT_EQ(table().open_count(), 1u);
  EXPECT_EQ(sent(kVenue, final_bytes(id, 60)).number, 77u);
  EXPECT_EQ(table().open_count(), 0u);
}

TEST_F(Correlate, WhatBelongsToNothingIsRejected) {
  const uint64_t id = sent(kClient, order_bytes(5, 77, 100)).number;
  EXPECT_EQ(send(kVenue, final_bytes(id + 1, 1)).reject_code,
            static_cast<uint32_t>(RejectCode::kNotCorrelated));
  EXPECT_EQ(send(kVenue, final_bytes(id, 1)).reject_code, 0u);
  const Walk late = send(kVenue, final_bytes(id, 1));
  EXPECT_EQ(late.reject_code, static_cast<uint32_t>(RejectCode::kNotCorrelated));
  EXPECT_EQ(late.decision.rule, kNoRule);
  EXPECT_EQ(table().counts().not_found, 2u);
}

TEST_F(Correlate, AReplaceGoesToWhereTheOrderWentAndTakesItsPlace) {
  const uint64_t id = sent(kClient, order_bytes(5, 77, 100)).number;
  const Walk replace = send(kOtherClient, replace_bytes(5, 77, 78));
  ASSERT_EQ(replace.reject_code, 0u);
  EXPECT_EQ(replace.decision.first.return_address, uint64_t{kVenue});
  const CorrelatedMessage message = CorrelatedMessage::of(replace.output);
  EXPECT_EQ(message.qty, 100u);
  EXPECT_NE(message.number, id);
  EXPECT_EQ(table().find_id(id), kNoEntry);
  EXPECT_NE(table().find_id(message.number), kNoEntry);
  EXPECT_EQ(send(kOtherClient, replace_bytes(5, 77, 79)).reject_code,
            static_cast<uint32_t>(RejectCode::kNotCorrelated));
  EXPECT_EQ(send(kOtherClient, replace_bytes(5, 78, 79)).reject_code, 0u);
}

TEST_F(Correlate, AFullTableRejectsBeforeAnythingIsSent) {
  for (uint64_t number = 0; number < 4; ++number) (void)sent(kClient, order_bytes(1, number, 1));
  const Walk refused = send(kClient, order_bytes(1, 4, 1));
  EXPECT_EQ(refused.reject_code, static_cast<uint32_t>(RejectCode::kCorrelationFull));
  EXPECT_EQ(refused.decision.rule, 0u);
  EXPECT_EQ(table().open_count(), 4u);
  EXPECT_EQ(table().counts().refused, 1u);
  EXPECT_EQ(table().sweep(1'000'000'000, 1), 1u);
  EXPECT_EQ(send(kClient, order_bytes(1, 4, 1)).reject_code, 0u);
}

TEST_F(Correlate, AnEntryThatIsEvictedByTheOneItIsReplacedWithClosesOnce) {
  const Status status = RouteImage::load(correlated_parts(1, 1).image(), image_);
  ASSERT_TRUE(status.ok());
  state_ = std::make_unique<WalkState>(image_);
  (void)sent(kClient, order_bytes(5, 77, 100));
  const uint64_t id = sent(kClient, replace_bytes(5, 77, 78)).number;
  EXPECT_NE(table().find_id(id), kNoEntry);
  EXPECT_EQ(table().counts().evicted, 1u);
  EXPECT_EQ(table().counts().closed, 0u);
}

TEST_F(Correlate, NothingIsRememberedOfAMessageThatIsDecidedAndNotSent) {
  const std::vector<uint8_t> order = order_bytes(5, 77, 100);
  StepMessage message{order.data(), kCorrelatedBytes, kClient};
  StepState step = state_->step();
  EXPECT_EQ(decide(image_, step, message).correlates, kOpensEntry);
  EXPECT_EQ(table().open_count(), 0u);
  EXPECT_EQ(sent(kClient, order).number, uint64_t{1} << 32);
}

TEST_F(Correlate, TheIdOfTheEntryFoundCanBeWrittenToo) {
  ImageParts parts = correlated_parts();
  // The one that is replaced, where the venue gets the quantity otherwise.
  const OpRecord found{OpKind::kCorrelationId, 0, kU64, 1, 0, 16, 0, 0};
  const OpRecord head{OpKind::kConst8, 0, 0, 0, 0, 0, 0, 0};
  const OpRecord id{OpKind::kCorrelationId, 0, kU64, 0, 0, 8, 0, 0};
  parts.transforms[1].ops = static_cast<uint32_t>(parts.ops.size());
  parts.transforms[1].op_count = 3;
  parts.ops.insert(parts.ops.end(), {head, id, found});
  ASSERT_TRUE(RouteImage::load(parts.image(), image_).ok());
  state_ = std::make_unique<WalkState>(image_);
  const uint64_t first = sent(kClient, order_bytes(5, 77, 100)).number;
  const CorrelatedMessage replace = sent(kClient, replace_bytes(5, 77, 78));
  EXPECT_EQ(replace.qty, first);
  EXPECT_NE(replace.number, first);
}

TEST_F(Correlate, TextIsKeptAndComparedInWords) {
  ImageParts parts = correlated_parts();
  // Client and number as eleven bytes of text, in two words.
  parts.kept_fields = {{KeptKind::kBytes, 0, 5, 11, 0},
                       {KeptKind::kNumber, kU64, 8, 0, 0},
                       {KeptKind::kNumber, kU64, 16, 0, 0},
                       {KeptKind::kBytes, 0, 5, 11, 0},
                       {KeptKind::kNumber, kU64, 8, 0, 0}};
  parts.openings = {{0, 1, 2, 0, 0}, {0, 1, 2, 0, 0}};
  parts.lookups[0] = {0, LookupBy::kKey, 0, 3, 1, 0};
  parts.lookups[1].fields = 4;
  parts.lookups[2].fields = 4;
  ASSERT_TRUE(RouteImage::load(parts.image(), image_).ok());
  state_ = std::make_unique<WalkState>(image_);
  (void)sent(kClient, order_bytes(0x01020300, 77, 100));
  EXPECT_EQ(send(kClient, replace_bytes(0x01020400, 77, 1)).reject_code,
            static_cast<uint32_t>(RejectCode::kNotCorrelated));
  EXPECT_EQ(send(kClient, replace_bytes(0x01020301, 77, 1)).reject_code, 0u);
  // Whole words, whatever was there before.
  uint64_t words[3] = {~0ull, ~0ull, ~0ull};
  keep_fields(image_, 0, 2, order_bytes(0x0A0B0C0D, 0x0102030405060708, 1).data(), words);
  EXPECT_EQ(words[0], 0x04050607080A0B0Cu);
  EXPECT_EQ(words[1], 0x010203u);
  EXPECT_EQ(words[2], 0x0102030405060708u);
}

}  // namespace
}  // namespace hyperroute
