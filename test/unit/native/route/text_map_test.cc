// What a prefix map answers when texts that it does not have share their prints with those that it
// has: the hash decides nothing. And how the levels that a shape of topics names are one text.
#include "route/topic_map_datapath.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "unit/native/route/image_parts.h"

namespace hyperroute {
namespace {

Text text_from(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), static_cast<uint32_t>(text.size())};
}

// The prefixes AB, ABCDEFGH and ABCDEFGHIJ.
const TextMapRecord& prefixes_of(const RouteImage& image) {
  const Table<TextMapRecord>& maps = image.tables().text_maps;
  for (uint32_t index = 0; index < maps.count; ++index) {
    if (maps[index].kind == TextMapKind::kPrefix && maps[index].count == 3) return maps[index];
  }
  ADD_FAILURE() << "the image has no map of three prefixes";
  return maps[0];
}

uint32_t answer_of(const RouteImage& image, std::string_view text) {
  return prefix_answer(image.tables(), prefixes_of(image), text_from(text));
}

RouteImage load(const ImageParts& parts) {
  RouteImage image;
  EXPECT_TRUE(RouteImage::load(parts.image(), image).ok());
  return image;
}

// Gives the slot where the text would be the text's print. False: another text stands there.
bool forge_print(ImageParts& parts, const RouteImage& image, std::string_view text) {
  const TextMapRecord& map = prefixes_of(image);
  uint64_t words[kTextWordsMax] = {};
  const uint64_t hash = hash_text(map, 0, text_from(text), words);
  const uint32_t slot = text_slot(image.tables(), map, hash);
  const uint32_t entry_words = header_words_of(map.kind) + map.text_words;
  const uint64_t key = image.tables().words[map.entries + slot * entry_words];
  if (static_cast<uint32_t>(key) != kFreeEntry) return false;
  parts.slots[map.pilots + map.pilot_count + slot] = static_cast<uint16_t>(print_of(hash));
  return true;
}

TEST(TextMap, FindsTheLongestPrefix) {
  const RouteImage image = load(ImageParts::of(read_vector("texts")));
  const uint32_t two = answer_of(image, "AB");
  const uint32_t eight = answer_of(image, "ABCDEFGH");
  const uint32_t ten = answer_of(image, "ABCDEFGHIJ");
  // Between some of them no rule makes a difference.
  EXPECT_TRUE(two != 0 && eight != 0 && ten != 0 && two != eight);
  EXPECT_EQ(answer_of(image, "A"), 0u);
  EXPECT_EQ(answer_of(image, "BCDEFGHIJK"), 0u);
  EXPECT_EQ(answer_of(image, "ABCDEFG"), two);
  EXPECT_EQ(answer_of(image, "ABCDEFGHI"), eight);
  EXPECT_EQ(answer_of(image, "ABCDEFGHIJK"), ten);
}

TEST(TextMap, ComparesWhatPrintsHaveFound) {
  const ImageParts whole = ImageParts::of(read_vector("texts"));
  const RouteImage image = load(whole);
  uint32_t forged = 0;
  for (char last = 'K'; last <= 'Z'; ++last) {
    const std::string known = std::string("ABCDEFGHI") + last;
    const std::string unknown = std::string("ZBCDEFG") + last;
    for (const std::string& text : {known, unknown}) {
      ImageParts parts = whole;
      if (!forge_print(parts, image, text)) continue;
      ++forged;
      EXPECT_EQ(answer_of(load(parts), text), answer_of(image, text)) << text;
    }
  }
  EXPECT_GT(forged, 0u);
}

// The levels that are named, as the text by which they are looked up; "-": not of that shape.
std::string key_text(std::string_view topic, uint32_t named, uint32_t count, bool goes_on = false) {
  TextMapRecord map{};
  map.first = named;
  map.count = count;
  map.goes_on = goes_on ? 1 : 0;
  TopicLevels levels;
  find_levels(text_from(topic), '/', levels);
  uint64_t room[kApartWordsMax];
  Text key;
  if (!named_levels(map, levels, room, key)) return "-";
  return {reinterpret_cast<const char*>(key.data), key.bytes};
}

TEST(TextMap, TakesLevelsSideBySideAsTheyStand) {
  EXPECT_EQ(key_text("a/b/c", 0b111, 3), "a/b/c");
  EXPECT_EQ(key_text("a/b/c", 0b011, 3), "a/b");
  EXPECT_EQ(key_text("a/bcdefghij/c", 0b110, 3), "bcdefghij/c");
  EXPECT_EQ(key_text("a//c", 0b010, 3), "");
  EXPECT_EQ(key_text("a/b", 0, 2), "");
  EXPECT_EQ(key_text("", 1, 1), "");
}

TEST(TextMap, TellsLevelsThatLieApartApart) {
  EXPECT_EQ(key_text("a/b/c", 0b101, 3), std::string("a/\0\0\0\0\0\0c", 9));
  EXPECT_EQ(key_text("a/b/", 0b101, 3), std::string("a/\0\0\0\0\0\0", 8));
  EXPECT_EQ(key_text("1234567/b/c/d/e", 0b11001, 5), "1234567/d/e");
  EXPECT_EQ(key_text("12345678/b/c", 0b101, 3), std::string("12345678/\0\0\0\0\0\0\0c", 17));
  const std::string_view with_zero("a\0/b/c", 6);
  EXPECT_NE(key_text(with_zero, 0b101, 3), key_text("a/b/c", 0b101, 3));
}

TEST(TextMap, KnowsTopicsOfAnotherShape) {
  EXPECT_EQ(key_text("a/b", 1, 1), "-");
  EXPECT_EQ(key_text("a", 1, 2), "-");
  EXPECT_EQ(key_text("a/", 1, 1), "-");
  EXPECT_EQ(key_text("a", 1, 2, true), "-");
  EXPECT_EQ(key_text("a", 1, 1, true), "a");
  EXPECT_EQ(key_text("a/b/c", 1, 1, true), "a");
  EXPECT_EQ(key_text("a/b/c", 0, 0, true), "");
}

TEST(TextMap, CountsNoMoreLevelsThanShapesHave) {
  std::string topic = "x";
  for (uint32_t level = 1; level < kTopicLevelsMax; ++level) topic += "/x";
  EXPECT_EQ(key_text(topic, 1u << 31, kTopicLevelsMax), "x");
  EXPECT_EQ(key_text(topic + "/y", 1u << 31, kTopicLevelsMax), "-");
  EXPECT_EQ(key_text(topic + "/y", 1u << 31, kTopicLevelsMax, true), "x");
}

TEST(TextMap, HasRoomForSoMuchOfLevelsThatLieApart) {
  const std::string most(kApartWordsMax * 8 - 9, 'm');
  EXPECT_EQ(key_text(most + "/b/c", 0b101, 3), most + "/c");
  EXPECT_EQ(key_text(most + "/b/12345678", 0b101, 3), most + "/12345678");
  EXPECT_EQ(key_text(most + "/b/123456789", 0b101, 3), "-");
  EXPECT_EQ(key_text(most + most + "/b/c", 0b101, 3), "-");
}

}  // namespace
}  // namespace hyperroute
