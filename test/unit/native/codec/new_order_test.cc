// A message written and read through handles, byte by byte as the format has it.
#include <gtest/gtest.h>

#include "unit/native/codec/new_order.h"

namespace hyperroute {
namespace {

std::vector<uint8_t> from_hex(const std::string& text) {
  std::vector<uint8_t> bytes;
  std::string digits;
  for (const char character : text) {
    if (character != ' ') digits += character;
  }
  for (size_t index = 0; index < digits.size(); index += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(index, 2), nullptr, 16)));
  }
  return bytes;
}

class NewOrderMessage : public testing::Test {
 protected:
  LayoutImage image = load_layout_vector("new-order");
  const MessageLayout& layout = image.layout();
  NewOrderFields order{layout};
};

TEST_F(NewOrderMessage, IsWrittenInCanonicalForm) {
  std::vector<uint8_t> memory(104, 0xA5);
  ASSERT_EQ(write_new_order(layout, order, memory), 104u);
  const uint16_t fingerprint = layout.fingerprint(1);
  std::vector<uint8_t> expected = from_hex(
      "01000100 38000000"                    // header, the fingerprint comes below
      "08070605 04030201 41424344 00000000"  // id, symbol
      "88776655 44332211 65000000 07000000"  // ts, price, qty
      "38000000 10000000 48000000 02000000"  // text, fills
      "01020000 00000000"                    // side, type, padding
      "73697874 65656e20 6c657474 65727321"  // text's bytes
      "08000000 00000000"                    // stride
      "03000000 64000000"                    // entries
      "04000000 66000000");
  expected[6] = static_cast<uint8_t>(fingerprint);
  expected[7] = static_cast<uint8_t>(fingerprint >> 8);
  EXPECT_EQ(memory, expected);
}

TEST_F(NewOrderMessage, ReadsBackWhatWasWritten) {
  std::vector<uint8_t> memory(104, 0xA5);
  ASSERT_EQ(write_new_order(layout, order, memory), 104u);
  Message message;
  ASSERT_EQ(bind(layout, memory.data(), memory.size(), message), MessageFault::kNone);
  EXPECT_EQ(message.version(), 1);
  EXPECT_EQ(message.get(order.id), 0x0102030405060708u);
  EXPECT_EQ(message.get(order.price), 101u);
  EXPECT_EQ(message.get(order.qty), 7u);
  EXPECT_EQ(message.get(order.side), 1);
  EXPECT_EQ(message.get(order.type), 2);
  EXPECT_EQ(message.get(order.symbol), "ABCD");
  EXPECT_EQ(message.get(order.ts), 0x1122334455667788);
  EXPECT_EQ(message.get(order.text), "sixteen letters!");
  std::vector<uint32_t> fills;
  for (const Block fill : message.get(order.fills)) {
    fills.push_back(fill.get(order.fill_qty));
    fills.push_back(fill.get(order.fill_price));
  }
  EXPECT_EQ(fills, (std::vector<uint32_t>{3, 100, 4, 102}));
}

}  // namespace
}  // namespace hyperroute
