// NewOrder by our codec: fields found by name once, then begin, set and finish; bind and get.
// Thread: main. Place: the timed loops are what a plug-in does for each message.
#include "bench/native/codec/subject.h"
#include "bench/native/options.h"
#include "codec/layout.h"
#include "include/hyperroute/message.h"

namespace hyperroute {
namespace {

struct OrderFields {
  Field<uint64_t> id;
  Field<uint32_t> price;
  Field<uint32_t> qty;
  Field<uint8_t> side;
  Field<uint8_t> type;
  AsciiField symbol;
  BytesField symbol_bytes;
  Field<uint64_t> sent_at;
  StringField account;
  GroupField legs;
  Field<uint32_t> leg_qty;
  Field<uint32_t> leg_price;
};

class OurCodec : public CodecSubject {
 public:
  explicit OurCodec(std::span<const uint8_t> layout_image) {
    const Status status = LayoutImage::load(layout_image, image_);
    if (!status.ok()) fail(1, "the layout image is refused");
    FieldFinder find(image_.layout());
    find("id", fields_.id)("price", fields_.price)("qty", fields_.qty)("side", fields_.side);
    find("orderType", fields_.type)("sentAt", fields_.sent_at);
    find("symbol", fields_.symbol)("symbol", fields_.symbol_bytes);
    find("account", fields_.account)("legs", fields_.legs);
    find("legs.qty", fields_.leg_qty)("legs.price", fields_.leg_price);
    if (find.fault() != FieldFault::kNone) {
      const std::string_view path = find.path();
      fail(1, "the layout has no '%.*s'", static_cast<int>(path.size()), path.data());
    }
  }

  const char* name() const override { return "ours"; }

  bool encode(std::span<const Order, kPoolCount> orders, std::span<Frame, kPoolCount> frames,
              uint32_t count) override {
    const OrderFields fields = fields_;
    const MessageLayout& layout = image_.layout();
    MessageWriter writer;
    bool good = true;
    for (uint32_t index = 0; index < count; ++index) {
      const Order& order = orders[index % kPoolCount];
      Frame& frame = frames[index % kPoolCount];
      writer.begin(layout, frame.data);
      writer.set(fields.id, order.id);
      writer.set(fields.price, order.price);
      writer.set(fields.qty, order.qty);
      writer.set(fields.side, order.side);
      writer.set(fields.type, order.type);
      writer.set(fields.symbol, order.symbol);
      writer.set(fields.sent_at, order.sent_at);
      writer.set(fields.account, order.account);
      EntryWriter leg = writer.group(fields.legs, order.leg_count);
      for (uint32_t entry = 0; entry < order.leg_count; ++entry) {
        leg.set(fields.leg_qty, order.legs[entry].qty);
        leg.set(fields.leg_price, order.legs[entry].price);
        leg.next();
      }
      frame.bytes = writer.finish();
      good &= frame.bytes != 0;
      consume(&frame);
    }
    return good;
  }

  bool decode(std::span<const Frame, kPoolCount> frames, std::span<Order, kPoolCount> orders,
              uint32_t count) override {
    const OrderFields fields = fields_;
    const MessageLayout& layout = image_.layout();
    Message message;
    for (uint32_t index = 0; index < count; ++index) {
      const Frame& frame = frames[index % kPoolCount];
      Order& order = orders[index % kPoolCount];
      if (bind(layout, frame.data, frame.bytes, message) != MessageFault::kNone) return false;
      order.id = message.get(fields.id);
      order.price = message.get(fields.price);
      order.qty = message.get(fields.qty);
      order.side = message.get(fields.side);
      order.type = message.get(fields.type);
      const std::span<const uint8_t> symbol = message.get(fields.symbol_bytes);
      order.symbol = {reinterpret_cast<const char*>(symbol.data()), symbol.size()};
      order.sent_at = message.get(fields.sent_at);
      order.account = message.get(fields.account);
      order.leg_count = 0;
      for (const Block leg : message.get(fields.legs)) {
        if (order.leg_count == kLegCountMax) return false;
        order.legs[order.leg_count++] = {leg.get(fields.leg_qty), leg.get(fields.leg_price)};
      }
      consume(&order);
    }
    return true;
  }

 private:
  LayoutImage image_;
  OrderFields fields_;
};

}  // namespace

CodecSubject& our_codec(std::span<const uint8_t> layout_image) {
  static OurCodec codec(layout_image);
  return codec;
}

}  // namespace hyperroute
