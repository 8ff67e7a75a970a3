// Values that bind leaves alone: check_values refuses each that its field's type does not have.
#include <gtest/gtest.h>

#include "codec/value_check.h"
#include "unit/native/codec/everything.h"

namespace hyperroute {
namespace {

class Values : public testing::Test {
 protected:
  MessageFault result() {
    Message message;
    EXPECT_EQ(bind(layout, frame.data(), frame.size(), message), MessageFault::kNone);
    return check_values(layout, message);
  }
  uint8_t* at(std::string_view path) {
    return frame.data() + kMessageHeaderBytes + layout.find_place(path).record->offset;
  }

  LayoutImage image = load_layout_vector("everything-2");
  const MessageLayout& layout = image.layout();
  EverythingFields fields{layout};
  std::vector<uint8_t> frame = write_everything(layout, fields);
};

TEST_F(Values, OfASoundMessageAreSound) { EXPECT_EQ(result(), MessageFault::kNone); }

TEST_F(Values, BoolsAreZeroOrOne) {
  *at("yes") = 2;
  EXPECT_EQ(result(), MessageFault::kBadValue);
}

TEST_F(Values, ElementsOfArraysAreChecked) {
  at("flagged")[1] = 2;
  EXPECT_EQ(result(), MessageFault::kBadValue);
}

TEST_F(Values, EnumerationsRejectNumbersWithoutASymbolOnlyIfTheySaySo) {
  octets::store<int16_t>(at("kind"), 77);    // Raw.
  octets::store<uint32_t>(at("venue"), 77);  // Has a default.
  EXPECT_EQ(result(), MessageFault::kNone);
  *at("side") = 2;
  EXPECT_EQ(result(), MessageFault::kNone);
  *at("side") = 3;
  EXPECT_EQ(result(), MessageFault::kBadValue);
}

TEST_F(Values, SafeIntegersAreAtMost2To53Less1) {
  octets::store<uint64_t>(at("exact"), (1ull << 53) - 1);
  EXPECT_EQ(result(), MessageFault::kNone);
  octets::store<uint64_t>(at("exact"), 1ull << 53);
  EXPECT_EQ(result(), MessageFault::kBadValue);
}

TEST_F(Values, AsciiHasNoHighBytesAndNothingBehindItsEnd) {
  *at("note") = 0x80;
  EXPECT_EQ(result(), MessageFault::kBadValue);
  *at("note") = 0;
  EXPECT_EQ(result(), MessageFault::kNone);
  at("note")[4] = 'x';
  EXPECT_EQ(result(), MessageFault::kBadValue);
}

TEST_F(Values, UnknownFlagBitsAreIgnored) {
  octets::store<uint16_t>(at("status"), 0xffff);
  EXPECT_EQ(result(), MessageFault::kNone);
}

TEST_F(Values, OfAbsentFieldsAreNotLookedAt) {
  *at("late") = 9;
  EXPECT_EQ(result(), MessageFault::kNone);
  const auto late = find_or_die<Optional<Field<bool>>>(layout, "late");
  frame[kMessageHeaderBytes + late.presence.offset] |= static_cast<uint8_t>(late.presence.mask);
  EXPECT_EQ(result(), MessageFault::kBadValue);
}

TEST_F(Values, OfEntriesAreChecked) {
  const size_t name = std::string(frame.begin(), frame.end()).find("first");
  ASSERT_NE(name, std::string::npos);
  frame[name] = 0xff;
  EXPECT_EQ(result(), MessageFault::kBadValue);
}

TEST(Utf8, AcceptsTheFirstAndLastCharacterOfEachSize) {
  for (const std::string text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "eight by\xc2\x80tes"}) {
    EXPECT_TRUE(is_utf8(reinterpret_cast<const uint8_t*>(text.data()), text.size())) << text;
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsCut) {
  for (const std::string text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf",
        "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf", "\xef\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "eight byt\xc2"}) {
    // Of exactly its size, so that a sanitizer sees a look behind a cut character.
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    EXPECT_FALSE(is_utf8(bytes.data(), bytes.size())) << text;
  }
}

}  // namespace
}  // namespace hyperroute
