// Native messages through the engine: views and variable data, with full queues in the way.
#include <gtest/gtest.h>

#include "relay_fixture.h"
#include "unit/native/route/native_image.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPollsMax = 10'000;
constexpr uint32_t kMessages = 3000;

void settle(Relay& relay) {
  uint32_t polls = 0;
  while (relay.router->poll() > 0 && polls < kPollsMax) ++polls;
  ASSERT_LT(polls, kPollsMax);
}

TradeValue trade_of(uint32_t number) {
  TradeValue value{.id = number, .fee = number + 1, .text = std::string(number % 30, 'x')};
  value.legs.resize(number % 4);
  for (LegValue& leg : value.legs) {
    leg = {.qty = number, .rank = 3, .name = "leg", .fills = {{7, std::string(number % 9, 'y')}}};
  }
  value.notes.resize(number % 3, "note");
  return value;
}

TEST(NativeMessages, OfEveryVersionArriveInOrderThoughTheirDestinationIsFull) {
  ImageParts parts = trade_parts();
  parts.endpoints.push_back(parts.endpoints[1]);
  parts.routes.resize(3, parts.routes[0]);
  RelayOptions options;
  options.image = parts.image();
  options.queue.queue_bytes = 4096;
  options.queue.full = FullPolicy::kBlock;
  Relay relay(options);
  const LayoutImage trades[] = {load_layout(trade_source().as_of(1)),
                                load_layout(trade_source().as_of(2)), load_layout(trade_source())};
  const LayoutImage copy = load_layout(copy_source());
  const ValueWriter writers[] = {ValueWriter(trades[0].layout()), ValueWriter(trades[1].layout()),
                                 ValueWriter(trades[2].layout())};
  uint32_t sent = 0;
  uint32_t received = 0;
  uint32_t times_full = 0;
  for (uint32_t round = 0; round < kMessages && received < kMessages; ++round) {
    while (sent < kMessages) {
      const std::vector<uint8_t> message = writers[sent % 3].write(trade_of(sent));
      if (!relay.applications[Relay::kLeft].send_bytes(message)) break;
      ++sent;
    }
    settle(relay);
    if (sent < kMessages) ++times_full;
    // A few at a time, so that messages are held with others of another version around them.
    std::vector<uint8_t> message;
    for (uint32_t count = 0; count < 7; ++count) {
      if (!relay.applications[Relay::kRight].receive_bytes(message)) break;
      TradeValue value = trade_of(received);
      value.forget_what_is_newer(static_cast<uint8_t>(1 + received % 3));
      ASSERT_EQ(message, ValueWriter(copy.layout()).write(value)) << received;
      ++received;
    }
  }
  EXPECT_EQ(received, kMessages);
  EXPECT_GT(times_full, 10u);
}

}  // namespace
}  // namespace hyperroute
