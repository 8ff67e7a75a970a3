// Two message types for tests of native messages: Trade, of three versions, with strings, blobs
// and groups in groups, and Copy, which a transform makes of it.
#pragma once

#include <span>

#include "base/assert.h"
#include "codec/layout.h"
#include "include/hyperroute/message.h"
#include "unit/native/route/layout_parts.h"

namespace hyperroute {

inline constexpr uint32_t kTextBytesMax = 40;
inline constexpr uint32_t kLegsMax = 6;
inline constexpr uint8_t kTradeVersions = 3;

// Version 2 brings fee, data, notes, legs.name, legs.rank and fills.tag; version 3 adds extra.
inline LayoutSource trade_source() {
  using enum FieldType;
  using enum FieldBase;
  LayoutSource source;
  source.template_id = 7;
  source.fingerprints = {0x1111, 0x2222, 0x3333};
  source.blocks.resize(4);
  source.blocks[0].version_bytes = {40, 64, 72};
  source.blocks[0].fields = {
      {.name = "price", .base = kI32, .offset = 4},
      {.name = "id", .base = kU64, .offset = 8},
      {.name = "text",
       .type = kString,
       .offset = 16,
       .presence_offset = 0,
       .presence_bit = 0,
       .max = kTextBytesMax},
      {.name = "legs", .type = kGroup, .offset = 24, .max = kLegsMax, .child = 1},
      {.name = "venue", .base = kU16, .offset = 32, .presence_offset = 0, .presence_bit = 9},
      {.name = "fee", .base = kU32, .offset = 40, .since = 2, .fallback = {5, 0, 0, 0}},
      {.name = "data", .type = kBlob, .offset = 44, .since = 2, .max = 1u << 24},
      {.name = "notes", .type = kGroup, .offset = 52, .since = 2, .max = 3, .child = 3},
      {.name = "extra", .base = kU64, .offset = 64, .since = 3},
  };
  source.blocks[1] = {.version_bytes = {16, 32, 40}, .fields = {}, .parent = 0, .depth = 1};
  source.blocks[1].fields = {
      {.name = "qty", .base = kU32, .offset = 0},
      {.name = "fills", .type = kGroup, .offset = 8, .max = 5, .child = 2},
      {.name = "name", .type = kString, .offset = 16, .since = 2, .max = 20},
      {.name = "rank", .base = kU16, .offset = 24, .since = 2, .fallback = {9, 0}},
      {.name = "extra", .base = kU32, .offset = 32, .since = 3},
  };
  source.blocks[2] = {.version_bytes = {8, 16, 16}, .fields = {}, .parent = 1, .depth = 2};
  source.blocks[2].fields = {
      {.name = "px", .base = kI32, .offset = 0},
      {.name = "tag", .type = kBlob, .offset = 8, .since = 2, .max = 30},
  };
  source.blocks[3] = {.version_bytes = {0, 8, 8}, .fields = {}, .parent = 0, .depth = 1};
  source.blocks[3].fields = {
      {.name = "note", .type = kString, .offset = 0, .since = 2, .max = 1000}};
  return source;
}

inline LayoutSource copy_source() {
  using enum FieldType;
  using enum FieldBase;
  LayoutSource source;
  source.template_id = 9;
  source.fingerprints = {0x9999};
  source.blocks.resize(4);
  source.blocks[0].version_bytes = {56};
  source.blocks[0].fields = {
      {.name = "id", .base = kU64, .offset = 0},
      {.name = "fee", .base = kU32, .offset = 8},
      {.name = "text", .type = kString, .offset = 12, .max = 1u << 24},
      {.name = "legs", .type = kGroup, .offset = 20, .max = 1000, .child = 1},
      {.name = "data", .type = kBlob, .offset = 28, .max = 1u << 24},
      {.name = "notes", .type = kGroup, .offset = 36, .max = 1000, .child = 3},
  };
  source.blocks[1] = {.version_bytes = {24}, .fields = {}, .parent = 0, .depth = 1};
  source.blocks[1].fields = {
      {.name = "rank", .base = kU16, .offset = 0},
      {.name = "qty", .base = kU32, .offset = 4},
      {.name = "fills", .type = kGroup, .offset = 8, .max = 1000, .child = 2},
      {.name = "name", .type = kString, .offset = 16, .max = 1000},
  };
  source.blocks[2] = {.version_bytes = {16}, .fields = {}, .parent = 1, .depth = 2};
  source.blocks[2].fields = {
      {.name = "px", .base = kI32, .offset = 0},
      {.name = "tag", .type = kBlob, .offset = 4, .max = 1000},
  };
  source.blocks[3] = {.version_bytes = {16}, .fields = {}, .parent = 0, .depth = 1};
  source.blocks[3].fields = {{.name = "note", .type = kString, .offset = 8, .max = 1000}};
  return source;
}

inline LayoutImage load_layout(const LayoutSource& source) {
  LayoutImage image;
  const Status status = LayoutImage::load(source.image(), image);
  HR_ASSERT(status.ok());
  return image;
}

struct FillValue {
  int32_t px = 0;
  std::string tag = {};
};

struct LegValue {
  uint32_t qty = 0;
  uint16_t rank = 9;
  std::string name = {};
  std::vector<FillValue> fills = {};
};

struct TradeValue {
  uint64_t id = 0;
  int32_t price = 0;
  uint32_t fee = 5;
  std::string text = {};
  std::string data = {};
  std::vector<LegValue> legs = {};
  std::vector<std::string> notes = {};

  // What a reader of any version finds in a message of an older one.
  void forget_what_is_newer(uint8_t version) {
    if (version >= 2) return;
    fee = 5;
    data.clear();
    notes.clear();
    for (LegValue& leg : legs) {
      leg.rank = 9;
      leg.name.clear();
      for (FillValue& fill : leg.fills) fill.tag.clear();
    }
  }
};

// Writes a value as a message of a layout: Trade of any version, or Copy. Fields that the layout
// does not have are left out.
class ValueWriter {
 public:
  explicit ValueWriter(const MessageLayout& layout) : layout_(layout) {
    (void)layout.find("id", id_);
    has_price_ = layout.find("price", price_) == FieldFault::kNone;
    has_fee_ = layout.find("fee", fee_) == FieldFault::kNone;
    (void)layout.find("text", text_);
    has_data_ = layout.find("data", data_) == FieldFault::kNone;
    (void)layout.find("legs", legs_);
    has_notes_ = layout.find("notes", notes_) == FieldFault::kNone;
    (void)layout.find("notes.note", note_);
    (void)layout.find("legs.qty", qty_);
    has_rank_ = layout.find("legs.rank", rank_) == FieldFault::kNone;
    has_name_ = layout.find("legs.name", name_) == FieldFault::kNone;
    (void)layout.find("legs.fills", fills_);
    (void)layout.find("legs.fills.px", px_);
    has_tag_ = layout.find("legs.fills.tag", tag_) == FieldFault::kNone;
    has_extra_ = layout.find("extra", extra_) == FieldFault::kNone;
  }

  std::vector<uint8_t> write(const TradeValue& value) const {
    std::vector<uint8_t> memory(2000 + value.text.size() + value.data.size() +
                                16 * 1024 * value.legs.size());
    for (const std::string& note : value.notes) memory.resize(memory.size() + note.size() + 16);
    MessageWriter writer;
    writer.begin(layout_, memory);
    writer.set(id_, value.id);
    if (has_price_) writer.set(price_, value.price);
    if (has_fee_) writer.set(fee_, value.fee);
    if (has_extra_) writer.set(extra_, ~0ull);
    if (!value.text.empty()) writer.set(text_, value.text);
    write_legs(writer, value.legs);
    if (has_data_ && !value.data.empty()) writer.set(data_, bytes_of(value.data));
    if (has_notes_ && !value.notes.empty()) {
      EntryWriter note = writer.group(notes_, static_cast<uint32_t>(value.notes.size()));
      for (const std::string& text : value.notes) {
        if (!text.empty()) note.set(note_, text);
        (void)note.next();
      }
    }
    const uint32_t bytes = writer.finish();
    HR_ASSERT(bytes != 0);
    memory.resize(bytes);
    return memory;
  }

 private:
  static std::span<const uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }

  void write_legs(MessageWriter& writer, const std::vector<LegValue>& legs) const {
    if (legs.empty()) return;
    EntryWriter leg = writer.group(legs_, static_cast<uint32_t>(legs.size()));
    for (const LegValue& value : legs) {
      leg.set(qty_, value.qty);
      if (has_rank_) leg.set(rank_, value.rank);
      if (!value.fills.empty()) {
        EntryWriter fill = leg.group(fills_, static_cast<uint32_t>(value.fills.size()));
        for (const FillValue& each : value.fills) {
          fill.set(px_, each.px);
          if (has_tag_ && !each.tag.empty()) fill.set(tag_, bytes_of(each.tag));
          (void)fill.next();
        }
      }
      if (has_name_ && !value.name.empty()) leg.set(name_, value.name);
      (void)leg.next();
    }
  }

  const MessageLayout& layout_;
  Field<uint64_t> id_;
  Field<int32_t> price_, px_;
  Field<uint32_t> qty_;
  Optional<Field<uint64_t>> extra_;
  Optional<Field<uint32_t>> fee_;
  Optional<Field<uint16_t>> rank_;
  StringField note_;
  Optional<StringField> text_, name_;
  Optional<BlobField> data_, tag_;
  GroupField legs_, fills_;
  Optional<GroupField> notes_;
  bool has_price_ = false, has_fee_ = false, has_data_ = false, has_notes_ = false;
  bool has_rank_ = false, has_name_ = false, has_tag_ = false, has_extra_ = false;
};

}  // namespace hyperroute
