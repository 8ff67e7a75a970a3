// The step on the image of the order gateway: where orders and reports go and what they become.
#include "route/step.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "unit/native/route/image_parts.h"
#include "unit/native/route/image_walk.h"

namespace hyperroute {
namespace {

enum Endpoint : uint16_t { kClients, kVenue1, kVenue2, kVenue3, kBlock };

constexpr uint32_t kNotional = 1000;  // The user's code of the price × quantity check.

constexpr uint32_t code(RejectCode reject_code) { return static_cast<uint32_t>(reject_code); }

class Bytes {
 public:
  Bytes& u8(uint8_t value) { return add(value); }
  Bytes& u32(uint32_t value) { return add(value); }
  Bytes& u64(uint64_t value) { return add(value); }
  const std::vector<uint8_t>& get() const { return bytes_; }

 private:
  template <typename T>
  Bytes& add(T value) {
    bytes_.resize(bytes_.size() + sizeof value);
    store_le(bytes_.data() + bytes_.size() - sizeof value, value);
    return *this;
  }

  std::vector<uint8_t> bytes_;
};

// NewOrder of protocol A.
std::vector<uint8_t> order(uint32_t price, uint32_t quantity, uint64_t client_id = 77) {
  return Bytes().u32(29).u8(1).u64(5).u32(price).u32(quantity).u64(client_id).get();
}

// ExecReport of protocol B.
std::vector<uint8_t> report(uint64_t order_id) {
  return Bytes().u32(48).u32(3).u64(9).u32(100).u32(20).u64(order_id).u64(555).u64(77).get();
}

class Step : public testing::Test {
 protected:
  void SetUp() override {
    const Status status = RouteImage::load(read_vector("order-gateway"), image_);
    ASSERT_TRUE(status.ok()) << status.context;
    state_ = std::make_unique<WalkState>(image_);
  }

  Walk send(uint16_t source, const std::vector<uint8_t>& message, uint64_t return_address = 0) {
    return walk(image_, *state_, source, message, return_address);
  }

  RouteImage image_;
  std::unique_ptr<WalkState> state_;
};

TEST_F(Step, SpreadsOrdersOverTheVenuesInTurn) {
  for (const uint16_t venue : {kVenue1, kVenue2, kVenue3, kVenue1}) {
    const Walk result = send(kClients, order(100, 50));
    EXPECT_EQ(result.decision.outcome, Outcome::kDeliver);
    EXPECT_EQ(result.decision.first.target, TargetKind::kEndpoint);
    EXPECT_EQ(result.decision.first.endpoint, venue);
    EXPECT_EQ(result.decision.route, 0);
    EXPECT_EQ(result.decision.rule, 1);
  }
}

TEST_F(Step, SendsLargeOrdersToTheBlockVenueFromTheVeryBound) {
  EXPECT_EQ(send(kClients, order(1, 9'999)).decision.first.endpoint, kVenue1);
  EXPECT_EQ(send(kClients, order(1, 10'000)).decision.first.endpoint, kBlock);
  EXPECT_EQ(send(kClients, order(1, UINT32_MAX)).reject_code, kNotional);
}

TEST_F(Step, BuildsTheVenuesOrderFieldByField) {
  const Walk result = send(kClients, order(123, 456, 789), 0x0102030405060708);
  const auto expected =
      Bytes().u32(40).u32(1).u64(0).u32(123).u32(456).u64(0x0102030405060708).u64(789).get();
  EXPECT_EQ(result.output, expected);
  EXPECT_EQ(result.transform.patch.offset, 8);
  EXPECT_EQ(result.transform.patch.bytes, 8);
  EXPECT_EQ(result.transform.patch.big_endian, 0);
}

TEST_F(Step, SendsReportsToTheReturnAddressTheyCarry) {
  const Walk result = send(kVenue2, report(0xAABBCCDD11223344));
  EXPECT_EQ(result.decision.first.target, TargetKind::kReturnAddress);
  EXPECT_EQ(result.decision.first.return_address, 0xAABBCCDD11223344);
  const auto expected = Bytes()
                            .u32(53)
                            .u8(3)
                            .u64(0)
                            .u32(100)
                            .u32(20)
                            .u64(77)
                            .u64(0)
                            .u64(0xAABBCCDD11223344)
                            .u64(555)
                            .get();
  EXPECT_EQ(result.output, expected);
}

TEST_F(Step, NamesTheEndpointsThatAReturnAddressMayReach) {
  const Decision decision = send(kVenue2, report(0xAABBCCDD11223344)).decision;
  ASSERT_EQ(decision.first.target, TargetKind::kReturnAddress);
  for (uint16_t endpoint = 0; endpoint < kEndpointsMax; ++endpoint) {
    EXPECT_EQ(image_.carries(decision.first.carriers, endpoint), endpoint == kClients) << endpoint;
  }
  EXPECT_EQ(send(kClients, order(100, 50)).decision.first.carriers, kNoIndex);
}

TEST_F(Step, RejectsOrdersOverTheLimitBackToTheirSender) {
  EXPECT_EQ(send(kClients, order(1'000'000, 1'000)).reject_code, 0u);
  const Walk result = send(kClients, order(1'000'001, 1'000, 42));
  EXPECT_EQ(result.decision.outcome, Outcome::kReject);
  EXPECT_EQ(result.reject_code, kNotional);
  EXPECT_EQ(result.decision.route, 0);
  EXPECT_EQ(result.decision.rule, kNoRule);
  EXPECT_EQ(result.reject.outcome, Outcome::kDeliver);
  EXPECT_EQ(result.reject.first.target, TargetKind::kReturnSource);
  EXPECT_EQ(result.output, Bytes().u32(25).u8(4).u64(0).u32(kNotional).u64(42).get());
}

TEST_F(Step, RejectsProductsThatDoNotFitSixtyFourBits) {
  EXPECT_EQ(send(kClients, order(UINT32_MAX, UINT32_MAX)).reject_code, kNotional);
}

TEST_F(Step, CallsMessagesOfTheWrongSizeMalformed) {
  const std::vector<uint8_t> whole = order(1, 1);
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const Walk result =
        send(kClients, {whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes)});
    EXPECT_EQ(result.reject_code, code(RejectCode::kMalformed)) << bytes;
    EXPECT_EQ(result.decision.route, kNoIndex);
    EXPECT_EQ(result.reject.outcome, Outcome::kDiscard);
  }
  std::vector<uint8_t> longer = whole;
  longer.push_back(0);
  EXPECT_EQ(send(kClients, longer).reject_code, code(RejectCode::kMalformed));
  std::vector<uint8_t> lying = whole;
  lying[0] = 28;
  EXPECT_EQ(send(kClients, lying).reject_code, code(RejectCode::kMalformed));
}

TEST_F(Step, CallsTypesOutsideTheFamilyUnknown) {
  std::vector<uint8_t> message = order(1, 1);
  constexpr uint8_t kOtherTypes[] = {0, 2, 5, 255};
  for (const uint8_t type : kOtherTypes) {
    message[4] = type;
    EXPECT_EQ(send(kClients, message).reject_code, code(RejectCode::kUnknownType)) << +type;
  }
  // A u32 discriminator above the table of 256.
  std::vector<uint8_t> far = report(1);
  far[5] = 1;
  EXPECT_EQ(send(kVenue1, far).reject_code, code(RejectCode::kUnknownType));
}

TEST_F(Step, FindsNoRouteForTypesThatNoneServes) {
  const auto reject = Bytes().u32(25).u8(4).u64(0).u32(1).u64(42).get();
  const Walk result = send(kClients, reject);
  EXPECT_EQ(result.reject_code, code(RejectCode::kNoRoute));
  EXPECT_EQ(result.reject.outcome, Outcome::kDiscard);
}

TEST_F(Step, SkipsPoolMembersThatAreNotAlive) {
  state_->alive[kVenue2] = 0;
  for (const uint16_t venue : {kVenue1, kVenue3, kVenue1, kVenue3}) {
    EXPECT_EQ(send(kClients, order(1, 1)).decision.first.endpoint, venue);
  }
  state_->alive[kVenue2] = kAlive;
  EXPECT_EQ(send(kClients, order(1, 1)).decision.first.endpoint, kVenue1);
  EXPECT_EQ(send(kClients, order(1, 1)).decision.first.endpoint, kVenue2);
}

TEST_F(Step, RejectsWhenNoMemberIsAliveAndKeepsTheTurn) {
  EXPECT_EQ(send(kClients, order(1, 1)).decision.first.endpoint, kVenue1);
  for (const uint16_t venue : {kVenue1, kVenue2, kVenue3}) state_->alive[venue] = 0;
  const Walk result = send(kClients, order(1, 1, 42));
  EXPECT_EQ(result.reject_code, code(RejectCode::kNoDestination));
  EXPECT_EQ(result.decision.rule, 1);
  EXPECT_EQ(result.reject.first.target, TargetKind::kReturnSource);
  // An endpoint named directly is the queue's concern, not the step's.
  state_->alive[kBlock] = 0;
  EXPECT_EQ(send(kClients, order(1, 10'000)).decision.first.endpoint, kBlock);
  for (const uint16_t venue : {kVenue1, kVenue2, kVenue3}) state_->alive[venue] = kAlive;
  EXPECT_EQ(send(kClients, order(1, 1)).decision.first.endpoint, kVenue2);
}

TEST_F(Step, StartsOverWhenAPositionComesFromALargerPool) {
  state_->positions[0] = 40;
  EXPECT_EQ(send(kClients, order(1, 1)).decision.first.endpoint, kVenue1);
}

TEST_F(Step, SendsADecisionThatFailedLaterToItsRejectDestination) {
  const std::vector<uint8_t> message = order(1, 1);
  StepState step = state_->step();
  StepMessage view{message.data(), static_cast<uint32_t>(message.size()), kClients};
  Decision decision = decide(image_, step, view);
  ASSERT_EQ(decision.outcome, Outcome::kDeliver);
  decision.reject_code = code(RejectCode::kDestinationFull);
  const Decision reject = decide_reject(image_, step, view, decision);
  EXPECT_EQ(reject.outcome, Outcome::kDeliver);
  EXPECT_EQ(reject.first.target, TargetKind::kReturnSource);
  EXPECT_EQ(reject.first.output_bytes, 25u);
}

TEST_F(Step, DropsRejectsOfRoutesThatNameNoRejectDestination) {
  const std::vector<uint8_t> message = report(1);
  StepState step = state_->step();
  StepMessage view{message.data(), static_cast<uint32_t>(message.size()), kVenue1};
  Decision decision = decide(image_, step, view);
  decision.reject_code = code(RejectCode::kStaleReturnAddress);
  EXPECT_EQ(decide_reject(image_, step, view, decision).outcome, Outcome::kDiscard);
}

}  // namespace
}  // namespace hyperroute
