// The layouts that C++ tests use, as test/vectors/layouts/ has them, and NewOrder's fields.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/assert.h"
#include "codec/layout.h"
#include "include/hyperroute/message.h"

namespace hyperroute {

inline std::vector<uint8_t> read_layout_vector(const std::string& name) {
  const auto tests = std::filesystem::path(__FILE__).parent_path() / "../../..";
  std::ifstream file(tests / "vectors/layouts" / (name + ".layout"), std::ios::binary);
  HR_ASSERT(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline LayoutImage load_layout_vector(const std::string& name) {
  LayoutImage image;
  const Status status = LayoutImage::load(read_layout_vector(name), image);
  HR_ASSERT(status.ok());
  return image;
}

struct NewOrderFields {
  Field<uint64_t> id;
  Field<uint32_t> price;
  Field<uint32_t> qty;
  Field<uint8_t> side;
  Field<uint8_t> type;
  AsciiField symbol;
  Field<uint64_t> ts;
  StringField text;
  GroupField fills;
  Field<uint32_t> fill_qty;
  Field<uint32_t> fill_price;

  explicit NewOrderFields(const MessageLayout& layout) {
    FieldFinder find(layout);
    find("id", id)("price", price)("qty", qty)("side", side)("type", type);
    find("symbol", symbol)("ts", ts)("text", text)("fills", fills);
    find("fills.qty", fill_qty)("fills.price", fill_price);
    HR_ASSERT(find.fault() == FieldFault::kNone);
  }
};

// 0 when the memory has no room.
inline uint32_t write_new_order(const MessageLayout& layout, const NewOrderFields& order,
                                std::span<uint8_t> memory) {
  MessageWriter writer;
  writer.begin(layout, memory);
  writer.set(order.id, 0x0102030405060708);
  writer.set(order.price, 101);
  writer.set(order.qty, 7);
  writer.set(order.side, 1);
  writer.set(order.type, 2);
  writer.set(order.symbol, "ABCD");
  writer.set(order.ts, 0x1122334455667788);
  writer.set(order.text, "sixteen letters!");
  EntryWriter fill = writer.group(order.fills, 2);
  fill.set(order.fill_qty, 3);
  fill.set(order.fill_price, 100);
  fill.next();
  fill.set(order.fill_qty, 4);
  fill.set(order.fill_price, 102);
  return writer.finish();
}

}  // namespace hyperroute
