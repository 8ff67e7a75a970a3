// The lossy decorator: shares, repeats, order, and the same again from the same seed.
#include "io/lossy/lossy.h"

#include <gtest/gtest.h>

#include <vector>

namespace hyperroute {
namespace {

const SocketAddress kFrom = SocketAddress::parse("127.0.0.1", 9).take();

std::unique_ptr<Lossy> lossy(const LossyOptions& options) { return Lossy::create(options).take(); }

// Which of `count` datagrams pass at once, as they come one a microsecond.
std::vector<bool> passes(Lossy& lossy, uint32_t count) {
  std::vector<bool> passed;
  for (uint32_t i = 0; i < count; ++i) {
    const std::vector<uint8_t> datagram(100, static_cast<uint8_t>(i));
    passed.push_back(lossy.arrived(1000 * i, datagram, kFrom) == Lossy::Fate::kPass);
  }
  return passed;
}

TEST(Lossy, LosesTheShareThatItWasToldAndTheSameOnesForASeed) {
  LossyOptions options;
  options.seed = 42;
  options.loss_share = 50'000;
  const std::vector<bool> first = passes(*lossy(options), 20'000);
  const auto lost = std::count(first.begin(), first.end(), false);
  EXPECT_GT(lost, 800);
  EXPECT_LT(lost, 1200);
  EXPECT_EQ(passes(*lossy(options), 20'000), first);
  options.seed = 43;
  EXPECT_NE(passes(*lossy(options), 20'000), first);
}

TEST(Lossy, LosesNothingOfWhatIsSentUnlessTold) {
  LossyOptions options;
  options.loss_share = kLossyShareMax;
  EXPECT_TRUE(lossy(options)->loses_sent());
  options.drops_sent = false;
  EXPECT_FALSE(lossy(options)->loses_sent());
}

TEST(Lossy, RepeatsADatagramThatPasses) {
  LossyOptions options;
  options.duplicate_share = kLossyShareMax;
  const auto decorator = lossy(options);
  const std::vector<uint8_t> datagram{1, 2, 3};
  EXPECT_EQ(decorator->arrived(5, datagram, kFrom), Lossy::Fate::kPass);
  const Lossy::Kept again = decorator->next_due(5);
  ASSERT_NE(again.data, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(again.data) % 8, 0u);
  EXPECT_TRUE(decorator->owns(again.data));
  EXPECT_EQ(std::vector<uint8_t>(again.data, again.data + again.bytes), datagram);
  EXPECT_EQ(*again.from, kFrom);
  EXPECT_EQ(decorator->next_due(5).data, nullptr);
}

TEST(Lossy, DelaysWithinItsBoundAndGivesInOrderOfTime) {
  LossyOptions options;
  options.reorder_share = kLossyShareMax;
  options.reorder_ns_max = 1000;
  const auto decorator = lossy(options);
  for (uint8_t i = 0; i < 10; ++i) {
    EXPECT_EQ(decorator->arrived(0, std::vector<uint8_t>{i}, kFrom), Lossy::Fate::kTaken);
  }
  uint64_t now_ns = 0;
  uint32_t count = 0;
  while (decorator->next_due_ns() != UINT64_MAX) {
    EXPECT_GE(decorator->next_due_ns(), now_ns);
    now_ns = decorator->next_due_ns();
    EXPECT_LE(now_ns, 1000u);
    EXPECT_NE(decorator->next_due(now_ns).data, nullptr);
    ++count;
  }
  EXPECT_EQ(count, 10u);
}

TEST(Lossy, LetsPassWhatItHasNoRoomFor) {
  LossyOptions options;
  options.reorder_share = kLossyShareMax;
  const auto decorator = lossy(options);
  for (uint32_t i = 0; i < kLossyKeptMax; ++i) {
    EXPECT_EQ(decorator->arrived(0, std::vector<uint8_t>{1}, kFrom), Lossy::Fate::kTaken);
  }
  EXPECT_EQ(decorator->arrived(0, std::vector<uint8_t>{1}, kFrom), Lossy::Fate::kPass);
  const std::vector<uint8_t> long_one(kLossyDatagramBytesMax + 1);
  EXPECT_EQ(lossy(options)->arrived(0, long_one, kFrom), Lossy::Fate::kPass);
  // What was given out keeps its room until it is released.
  while (decorator->next_due(UINT64_MAX - 1).data != nullptr) {
  }
  EXPECT_EQ(decorator->arrived(0, std::vector<uint8_t>{1}, kFrom), Lossy::Fate::kPass);
  decorator->release_due();
  EXPECT_EQ(decorator->arrived(0, std::vector<uint8_t>{1}, kFrom), Lossy::Fate::kTaken);
}

TEST(Lossy, RefusesSharesAboveTheWhole) {
  LossyOptions options;
  options.duplicate_share = kLossyShareMax + 1;
  EXPECT_EQ(Lossy::create(options).status().code, StatusCode::kConfig);
}

}  // namespace
}  // namespace hyperroute
