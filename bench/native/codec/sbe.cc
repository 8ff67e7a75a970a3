// NewOrder by the code that SBE generates from bench/peers/sbe/new-order.xml, with its bounds
// checks, which throw: this file alone is compiled with exceptions. What they leave to the caller
// is checked here: the message's type, and blocks too short for the fields that are read from them.
// Thread: main.
#include <codec_peer/NewOrder.h>

#include <exception>

#include "bench/native/codec/subject.h"

namespace hyperroute {
namespace {

class SbeCodec : public CodecSubject {
 public:
  const char* name() const override { return "SBE"; }

  bool encode(std::span<const Order, kPoolCount> orders, std::span<Frame, kPoolCount> frames,
              uint32_t count) override {
    try {
      codec_peer::NewOrder message;
      for (uint32_t index = 0; index < count; ++index) {
        const Order& order = orders[index % kPoolCount];
        Frame& frame = frames[index % kPoolCount];
        message.wrapAndApplyHeader(reinterpret_cast<char*>(frame.data), 0, kFrameBytesMax);
        message.id(order.id).price(order.price).qty(order.qty);
        message.side(static_cast<codec_peer::Side::Value>(order.side));
        message.orderType(static_cast<codec_peer::OrderType::Value>(order.type));
        message.putSymbol(order.symbol).sentAt(order.sent_at);
        auto& legs = message.legsCount(static_cast<uint16_t>(order.leg_count));
        for (uint32_t entry = 0; entry < order.leg_count; ++entry) {
          legs.next().qty(order.legs[entry].qty).price(order.legs[entry].price);
        }
        message.putAccount(order.account.data(), static_cast<uint16_t>(order.account.size()));
        frame.bytes = static_cast<uint32_t>(codec_peer::MessageHeader::encodedLength() +
                                            message.encodedLength());
        consume(&frame);
      }
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  bool decode(std::span<const Frame, kPoolCount> frames, std::span<Order, kPoolCount> orders,
              uint32_t count) override {
    try {
      codec_peer::MessageHeader header;
      codec_peer::NewOrder message;
      for (uint32_t index = 0; index < count; ++index) {
        const Frame& frame = frames[index % kPoolCount];
        Order& order = orders[index % kPoolCount];
        // The generated code takes no const memory; it does not write to this.
        char* const data = reinterpret_cast<char*>(const_cast<uint8_t*>(frame.data));
        header.wrap(data, 0, 0, frame.bytes);
        if (header.templateId() != codec_peer::NewOrder::SBE_TEMPLATE_ID ||
            header.schemaId() != codec_peer::NewOrder::SBE_SCHEMA_ID ||
            header.blockLength() < codec_peer::NewOrder::sbeBlockLength()) {
          return false;
        }
        message.wrapForDecode(data, codec_peer::MessageHeader::encodedLength(),
                              header.blockLength(), header.version(), frame.bytes);
        order.id = message.id();
        order.price = message.price();
        order.qty = message.qty();
        order.side = message.sideRaw();
        order.type = message.orderTypeRaw();
        order.symbol = {message.symbol(), kSymbolBytes};
        order.sent_at = message.sentAt();
        order.leg_count = 0;
        auto& legs = message.legs();
        if (legs.sbeActingBlockLength() < codec_peer::NewOrder::Legs::sbeBlockLength()) {
          return false;
        }
        while (legs.hasNext()) {
          if (order.leg_count == kLegCountMax) return false;
          legs.next();
          order.legs[order.leg_count++] = {legs.qty(), legs.price()};
        }
        order.account = message.getAccountAsStringView();
        consume(&order);
      }
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }
};

}  // namespace

CodecSubject& sbe_codec() {
  static SbeCodec codec;
  return codec;
}

}  // namespace hyperroute
