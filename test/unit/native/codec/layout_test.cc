// Layout images: fields are found by name and type, and every kind of damage is refused.
#include <gtest/gtest.h>

#include "unit/native/codec/everything.h"
#include "unit/native/codec/layout_parts.h"

namespace hyperroute {
namespace {

TEST(MessageLayout, FindsFieldsByPathAndExactType) {
  const LayoutImage image = load_layout_vector("everything-1");
  Field<uint32_t> u32;
  EXPECT_TRUE(image.find("n32", u32).ok());
  EXPECT_TRUE(image.find("venue", u32).ok());
  EXPECT_TRUE(image.find("legs.qty", u32).ok());
  for (const char* const path : {"n64", "n16", "s32", "yes", "single", "tag", "legs", "values"}) {
    EXPECT_EQ(image.find(path, u32).code, StatusCode::kSchema) << path;
  }
  for (const char* const path : {"", ".", "nothing", "qty", "legs.", "legs.nothing", "n32.qty",
                                 "legs.parts.deep.x.y", "N32"}) {
    EXPECT_EQ(image.find(path, u32).code, StatusCode::kNotFound) << path;
  }
  Field<uint8_t> u8;
  EXPECT_EQ(image.find("yes", u8).code, StatusCode::kSchema);
  EXPECT_TRUE(image.find("side", u8).ok());
  EXPECT_TRUE(image.find("legs.parts.deep.x", u8).ok());
  Field<int16_t> i16;
  EXPECT_TRUE(image.find("kind", i16).ok());
  Field<int64_t> i64;
  EXPECT_TRUE(image.find("price", i64).ok());
  StringField string;
  EXPECT_EQ(image.find("data", string).code, StatusCode::kSchema);
  BytesField bytes;
  EXPECT_TRUE(image.find("codes", bytes).ok());
  EXPECT_TRUE(image.find("symbol", bytes).ok());
  EXPECT_EQ(bytes.field_bytes, 8u);
  EXPECT_EQ(image.find("values", bytes).code, StatusCode::kSchema);
  ArrayField<float> floats;
  EXPECT_TRUE(image.find("values", floats).ok());
  EXPECT_EQ(floats.count, 3u);
  EXPECT_EQ(image.find("single", floats).code, StatusCode::kSchema);
  ArrayField<bool> bools;
  EXPECT_TRUE(image.find("flagged", bools).ok());
}

// Found as what every message has, and as what a message can lack.
template <typename Handle>
std::pair<bool, bool> found(const LayoutImage& image, const char* path) {
  Handle always;
  Optional<Handle> optional;
  return {image.find(path, always).ok(), image.find(path, optional).ok()};
}

TEST(MessageLayout, OnlyOptionalHandlesTakeWhatAMessageCanLack) {
  const LayoutImage first = load_layout_vector("everything-1");
  const LayoutImage third = load_layout_vector("everything-3");
  const std::pair<bool, bool> both(true, true);
  const std::pair<bool, bool> optional_alone(false, true);
  for (const LayoutImage* const image : {&first, &third}) {
    EXPECT_EQ(found<Field<uint32_t>>(*image, "n32"), both);
    EXPECT_EQ(found<AsciiField>(*image, "symbol"), both);
    EXPECT_EQ(found<ArrayField<float>>(*image, "values"), both);
    EXPECT_EQ(found<BytesField>(*image, "key"), both);
    EXPECT_EQ(found<StringField>(*image, "legs.name"), both);
    EXPECT_EQ(found<BlobField>(*image, "data"), both);
    EXPECT_EQ(found<GroupField>(*image, "legs"), both);
    // Of a group that is optional itself: where there is an entry there is its field.
    EXPECT_EQ(found<Field<uint64_t>>(*image, "legs.parts.id"), both);
    EXPECT_EQ(found<GroupField>(*image, "legs.parts"), optional_alone);
    EXPECT_EQ(found<BlobField>(*image, "legs.parts.memo"), optional_alone);
  }
  EXPECT_EQ(found<Field<uint32_t>>(first, "odd"), optional_alone);
  EXPECT_EQ(found<StringField>(first, "tag"), optional_alone);
  EXPECT_EQ(found<Field<uint32_t>>(first, "fee"), both);
  // Later ones, whose fallback older messages have.
  EXPECT_EQ(found<Field<double>>(third, "rate"), optional_alone);
  EXPECT_EQ(found<AsciiField>(third, "desk"), optional_alone);
  EXPECT_EQ(found<StringField>(third, "memo"), optional_alone);
  EXPECT_EQ(found<Field<uint32_t>>(third, "legs.fee"), optional_alone);
  EXPECT_EQ(found<ArrayField<int16_t>>(third, "scale"), optional_alone);
  EXPECT_EQ(found<GroupField>(third, "extra"), optional_alone);
  EXPECT_EQ(found<StringField>(third, "extra.b"), both);
  EXPECT_EQ(found<Field<uint16_t>>(third, "extra.a"), optional_alone);
  // The type counts all the same.
  EXPECT_EQ(found<Field<uint64_t>>(third, "rate"), std::pair(false, false));
}

TEST(MessageLayout, AnOptionalHandleThatWasNeverFoundReadsAsNothing) {
  const LayoutImage image = load_layout_vector("everything-1");
  std::vector<uint8_t> frame = write_everything(image.layout(), EverythingFields(image.layout()));
  Message message;
  ASSERT_EQ(bind(image.layout(), frame.data(), frame.size(), message), MessageFault::kNone);
  EXPECT_EQ(message.get(Optional<Field<uint64_t>>()), 0u);
  EXPECT_EQ(message.get(Optional<StringField>()), "");
  EXPECT_EQ(message.get(Optional<GroupField>()).count(), 0u);
  EXPECT_EQ(message.get(Optional<AsciiField>()), "");
}

TEST(MessageLayout, NamesTheFirstFieldOfAFinderThatFails) {
  const LayoutImage image = load_layout_vector("tick");
  Field<uint32_t> bid;
  Field<uint32_t> other;
  FieldFinder find(image.layout());
  find("bid", bid)("on", other)("nothing", other);
  EXPECT_EQ(find.fault(), FieldFault::kWrongType);
  EXPECT_EQ(find.path(), "on");
}

TEST(MessageLayout, KnowsTheSymbolsOfEnumerationsAndFlags) {
  const LayoutImage image = load_layout_vector("everything-2");
  int16_t kind = 0;
  EXPECT_EQ(image.layout().find_symbol("kind", "low", kind), FieldFault::kNone);
  EXPECT_EQ(kind, -2);
  uint8_t side = 0;
  EXPECT_EQ(image.layout().find_symbol("side", "short", side), FieldFault::kNone);
  EXPECT_EQ(side, 2);
  uint32_t bit = 0;
  EXPECT_EQ(image.layout().find_symbol("status", "urgent", bit), FieldFault::kNone);
  EXPECT_EQ(bit, 3u);
  EXPECT_EQ(image.layout().find_symbol("side", "neither", side), FieldFault::kMissing);
  EXPECT_EQ(image.layout().find_symbol("n32", "buy", side), FieldFault::kWrongType);
}

TEST(MessageLayout, RefusesASymbolThatTheIntegerDoesNotHold) {
  LayoutDraft draft("everything-2");
  const LayoutField& venue = draft.field("venue");
  LayoutSymbol& home = draft.symbols()[venue.symbols + venue.symbol_count - 1];
  home.value = 300;
  ASSERT_TRUE(draft.load().ok());
  const MessageLayout layout(draft.image.data());
  uint8_t narrow = 9;
  EXPECT_EQ(layout.find_symbol("venue", "home", narrow), FieldFault::kWrongType);
  EXPECT_EQ(narrow, 9);
  uint16_t fits = 0;
  EXPECT_EQ(layout.find_symbol("venue", "home", fits), FieldFault::kNone);
  EXPECT_EQ(fits, 300);
  EXPECT_EQ(layout.find_symbol("kind", "low", narrow), FieldFault::kWrongType);
  uint64_t wide = 9;
  EXPECT_EQ(layout.find_symbol("kind", "low", wide), FieldFault::kWrongType);
  int8_t small = 0;
  EXPECT_EQ(layout.find_symbol("kind", "low", small), FieldFault::kNone);
  EXPECT_EQ(small, -2);
}

TEST(MessageLayout, GivesNoHandlesOfForeignFields) {
  const LayoutImage image = load_layout_vector("packet");
  Field<uint16_t> port;
  EXPECT_EQ(image.find("port", port).code, StatusCode::kSchema);
}

// One way to damage a layout so that its check sum is right.
struct Damage {
  const char* what;
  const char* layout;
  void (*apply)(LayoutDraft& draft);
};

const Damage kDamages[] = {
    {"another magic", "tick", [](LayoutDraft& d) { d.header().magic ^= 1; }},
    {"another format", "tick", [](LayoutDraft& d) { d.header().format_version += 1; }},
    {"fewer sections", "tick", [](LayoutDraft& d) { d.header().section_count -= 1; }},
    {"another size", "tick", [](LayoutDraft& d) { d.header().image_bytes += 8; }},
    {"no kind", "tick", [](LayoutDraft& d) { d.header().kind = 3; }},
    {"version 0", "tick", [](LayoutDraft& d) { d.header().version = 0; }},
    {"more versions", "tick", [](LayoutDraft& d) { d.header().version = 2; }},
    {"a wide template", "tick", [](LayoutDraft& d) { d.header().template_id = 1 << 16; }},
    {"another template", "tick", [](LayoutDraft& d) { d.header().template_id ^= 1; }},
    {"a name outside", "tick", [](LayoutDraft& d) { d.header().name = UINT32_MAX; }},
    {"a foreign kind", "everything-1", [](LayoutDraft& d) { d.header().kind = 1; }},
    {"a native kind", "packet", [](LayoutDraft& d) { d.header().kind = 0; }},
    {"a section outside", "tick",
     [](LayoutDraft& d) { d.header().sections[kLayoutFields].offset += 4096; }},
    {"a section at 4", "tick",
     [](LayoutDraft& d) { d.header().sections[kLayoutBytes].offset += 4; }},
    {"a long section", "tick",
     [](LayoutDraft& d) { d.header().sections[kLayoutFields].count = UINT32_MAX; }},
    {"a field too many", "tick", [](LayoutDraft& d) { d.blocks()->field_count += 1; }},
    {"a field too few", "tick", [](LayoutDraft& d) { d.blocks()->field_count -= 1; }},
    {"a block of its own size", "tick", [](LayoutDraft& d) { d.blocks()->block_bytes += 8; }},
    {"a version of 4 bytes", "tick", [](LayoutDraft& d) { d.versions()[0] += 4; }},
    {"versions that shrink", "everything-3", [](LayoutDraft& d) { d.versions()[0] += 1024; }},
    {"initial bytes outside", "tick", [](LayoutDraft& d) { d.blocks()->initial = UINT32_MAX; }},
    {"shared initial bytes", "everything-1",
     [](LayoutDraft& d) { d.blocks()[1].initial = d.blocks()[0].initial; }},
    {"a root with a parent", "tick", [](LayoutDraft& d) { d.blocks()->parent = 0; }},
    {"a group in itself", "everything-1", [](LayoutDraft& d) { d.slots()[2].block = 0; }},
    {"a group of another", "everything-1", [](LayoutDraft& d) { d.slots()[2].block = 2; }},
    {"a group outside", "everything-1", [](LayoutDraft& d) { d.slots()[2].block = 99; }},
    {"a block too deep", "everything-1", [](LayoutDraft& d) { d.blocks()[1].depth = 2; }},
    {"a block of no group", "everything-1",
     [](LayoutDraft& d) { d.slots()[2].type = FieldType::kBlob; }},
    {"entries without bytes", "everything-1", [](LayoutDraft& d) { d.versions()[1] = 0; }},
    {"a slot outside", "new-order", [](LayoutDraft& d) { d.slots()[1].offset = 64; }},
    {"a slot at 2", "new-order", [](LayoutDraft& d) { d.slots()[0].offset += 2; }},
    {"slots out of order", "new-order",
     [](LayoutDraft& d) { std::swap(d.slots()[0].offset, d.slots()[1].offset); }},
    {"a slot of a number", "new-order",
     [](LayoutDraft& d) { d.slots()[0].type = FieldType::kInteger; }},
    {"a presence of two bits", "everything-1",
     [](LayoutDraft& d) { d.slots()[0].presence_mask = 6; }},
    {"a presence behind", "everything-1",
     [](LayoutDraft& d) { d.slots()[0].presence_offset = d.slots()[0].offset; }},
    {"a presence the field lacks", "everything-1",
     [](LayoutDraft& d) { d.slots()[0].presence_mask <<= 3; }},
    {"an empty name", "tick", [](LayoutDraft& d) { d.field("bid").name_bytes = 0; }},
    {"a name with a dot", "tick", [](LayoutDraft& d) { d.bytes()[d.field("bid").name + 1] = '.'; }},
    {"a name outside the bytes", "tick", [](LayoutDraft& d) { d.field("bid").name = UINT32_MAX; }},
    {"names out of order", "tick",
     [](LayoutDraft& d) { std::swap(d.field("ask").name, d.field("bid").name); }},
    {"a version to come", "tick", [](LayoutDraft& d) { d.field("bid").since = 2; }},
    {"a field before all", "tick", [](LayoutDraft& d) { d.field("bid").since = 0; }},
    {"a field of another version", "everything-3",
     [](LayoutDraft& d) { d.field("rate").since = 1; }},
    {"a field outside", "tick", [](LayoutDraft& d) { d.field("on").offset = 16; }},
    {"a field not aligned", "tick", [](LayoutDraft& d) { d.field("bid").offset = 9; }},
    {"fields that overlap", "tick", [](LayoutDraft& d) { d.field("bid").offset = 4; }},
    {"a size of another type", "tick", [](LayoutDraft& d) { d.field("bid").bytes = 2; }},
    {"a base of another type", "tick",
     [](LayoutDraft& d) { d.field("on").base = FieldBase::kU16; }},
    {"no type", "tick", [](LayoutDraft& d) { d.field("on").type = static_cast<FieldType>(14); }},
    {"no base", "tick", [](LayoutDraft& d) { d.field("bid").base = static_cast<FieldBase>(14); }},
    {"a foreign base", "tick", [](LayoutDraft& d) { d.field("bid").base = FieldBase::kU24; }},
    {"big-endian", "tick", [](LayoutDraft& d) { d.field("bid").flags = kFieldIsBigEndian; }},
    {"an array that wraps", "everything-1",
     [](LayoutDraft& d) { d.field("values").count = 0x40000003; }},
    {"an array of slots", "everything-1", [](LayoutDraft& d) { d.field("data").count = 1; }},
    {"a field that is moved", "tick", [](LayoutDraft& d) { d.field("bid").base_field = 0; }},
    {"a slot it has not", "tick", [](LayoutDraft& d) { d.field("bid").slot = 0; }},
    {"a slot twice", "everything-1", [](LayoutDraft& d) { d.field("tag").slot = 1; }},
    {"a presence bit twice", "everything-1",
     [](LayoutDraft& d) {
       d.field("tag").presence_bit = d.field("odd").presence_bit;
       d.slots()[0].presence_mask = 1u << d.field("odd").presence_bit;
     }},
    {"a presence bit 32", "everything-1", [](LayoutDraft& d) { d.field("odd").presence_bit = 32; }},
    {"symbols outside", "tick", [](LayoutDraft& d) { d.field("bid").symbols = 1; }},
    {"symbols of a number", "everything-1",
     [](LayoutDraft& d) { d.field("n32").symbol_count = 1; }},
    {"symbols out of order", "new-order",
     [](LayoutDraft& d) { std::swap(d.symbols()[0].value, d.symbols()[1].value); }},
    {"a symbol too large", "new-order", [](LayoutDraft& d) { d.symbols()[1].value = 256; }},
    {"a symbol without name", "new-order", [](LayoutDraft& d) { d.symbols()[0].name_bytes = 0; }},
    {"no such default symbol", "everything-1",
     [](LayoutDraft& d) { d.field("venue").unknown_symbol = 2; }},
    {"a fallback of no value", "tick",
     [](LayoutDraft& d) {
       d.field("on").flags = kFieldHasFallback;
       d.bytes()[d.blocks()->initial + kMessageHeaderBytes + d.field("on").offset] = 2;
     }},
    {"initial bytes of no fallback", "tick",
     [](LayoutDraft& d) { d.bytes()[d.blocks()->initial + kMessageHeaderBytes] = 1; }},
    {"another header", "tick", [](LayoutDraft& d) { d.bytes()[d.blocks()->initial + 3] = 1; }},
    {"removed without a fallback", "tick",
     [](LayoutDraft& d) { d.field("on").flags = kFieldRemoved; }},
    {"a base that moves itself", "packet",
     [](LayoutDraft& d) { d.field("ihl").base_field = d.field("port").base_field; }},
    {"a base outside", "packet", [](LayoutDraft& d) { d.field("port").base_field = 8; }},
    {"a base of text", "packet", [](LayoutDraft& d) { d.field("port").base_field = 4; }},
    {"bits outside", "packet", [](LayoutDraft& d) { d.field("ihl").shift = 5; }},
    {"a foreign field outside", "packet", [](LayoutDraft& d) { d.field("name").offset = 60; }},
};

TEST(LayoutImage, RefusesEveryKindOfDamage) {
  for (const Damage& damage : kDamages) {
    LayoutDraft sound(damage.layout);
    ASSERT_TRUE(sound.load().ok()) << damage.what;
    LayoutDraft draft(damage.layout);
    damage.apply(draft);
    EXPECT_EQ(draft.load().code, StatusCode::kImageCorrupt) << damage.what;
  }
}

TEST(LayoutImage, RefusesEveryCutAndEveryByteThatIsNotCoveredByAFix) {
  const std::vector<uint8_t> image = read_layout_vector("everything-3");
  LayoutImage loaded;
  for (size_t bytes = 0; bytes < image.size(); ++bytes) {
    const std::vector<uint8_t> cut(image.begin(), image.begin() + static_cast<ptrdiff_t>(bytes));
    ASSERT_FALSE(LayoutImage::load(cut, loaded).ok()) << bytes;
  }
  for (size_t position = 0; position < image.size(); ++position) {
    std::vector<uint8_t> changed = image;
    changed[position] ^= 0x10;
    ASSERT_FALSE(LayoutImage::load(changed, loaded).ok()) << position;
  }
}

TEST(LayoutImage, StaysAsItWasWhenLoadingFails) {
  LayoutImage image = load_layout_vector("tick");
  EXPECT_FALSE(LayoutImage::load({}, image).ok());
  EXPECT_EQ(image.layout().name(), "Tick");
}

}  // namespace
}  // namespace hyperroute
