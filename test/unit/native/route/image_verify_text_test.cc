// Each rule of the verifier about text maps, broken by itself in an image that is right otherwise.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "route/image_verify.h"
#include "unit/native/route/image_parts.h"

namespace hyperroute {
namespace {

using Damage = std::function<void(ImageParts&)>;

// Refused, and for the reason that is expected.
void expect_refused(const char* reason, const Damage& damage) {
  ImageParts parts = ImageParts::of(read_vector("texts"));
  damage(parts);
  RouteImage image;
  const Status status = RouteImage::load(parts.image(), image);
  EXPECT_EQ(status.code, StatusCode::kImageCorrupt) << reason;
  EXPECT_NE(std::string(status.context).find(reason), std::string::npos)
      << "expected \"" << reason << "\", got \"" << status.context << '"';
}

TextMapRecord& map_of(ImageParts& parts, TextMapKind kind) {
  for (TextMapRecord& map : parts.text_maps) {
    if (map.kind == kind) return map;
  }
  ADD_FAILURE() << "the image has no text map of kind " << static_cast<int>(kind);
  return parts.text_maps.at(0);
}

TextMapRecord& map_from(ImageParts& parts, TextSource source) {
  for (TextMapRecord& map : parts.text_maps) {
    if (map.source == source) return map;
  }
  ADD_FAILURE() << "the image has no text map from " << static_cast<int>(source);
  return parts.text_maps.at(0);
}

constexpr TextMapKind kKinds[] = {TextMapKind::kExact, TextMapKind::kPrefix, TextMapKind::kTopic,
                                  TextMapKind::kLevels};

TEST(ImageVerifier, AcceptsTextMapsOfEveryKind) {
  ImageParts parts = ImageParts::of(read_vector("texts"));
  for (const TextMapKind kind : kKinds) map_of(parts, kind);
  RouteImage image;
  EXPECT_TRUE(RouteImage::load(parts.image(), image).ok());
}

TEST(ImageVerifier, RefusesTextsThatAreNotInTheirMessage) {
  expect_refused("unknown kind of text",
                 [](ImageParts& p) { p.text_maps[0].kind = TextMapKind{4}; });
  expect_refused("unknown kind of text",
                 [](ImageParts& p) { p.text_maps[0].source = TextSource{4}; });
  expect_refused("map of 0 answers", [](ImageParts& p) { p.text_maps[0].answer_count = 0; });
  expect_refused("map of 1073741825",
                 [](ImageParts& p) { p.text_maps[0].answer_count = kAnswersMax + 1; });
  expect_refused("a slot lies outside", [](ImageParts& p) {
    TextMapRecord& map = map_from(p, TextSource::kSlot);
    map.offset = static_cast<uint16_t>(map.message_bytes - 7);
  });
  expect_refused("a message that has none",
                 [](ImageParts& p) { map_from(p, TextSource::kSlot).view = kNoIndex; });
  expect_refused("a message that has none",
                 [](ImageParts& p) { map_from(p, TextSource::kSlot).message_bytes += 8; });
  expect_refused("a text lies outside",
                 [](ImageParts& p) { map_from(p, TextSource::kFixed).bytes = 60000; });
  expect_refused("a text lies outside",
                 [](ImageParts& p) { map_from(p, TextSource::kPaddedWithSpaces).bytes = 0; });
  expect_refused("another message type", [](ImageParts& p) {
    TextMapRecord& map = map_from(p, TextSource::kPaddedWithSpaces);
    map.message_bytes += 1;
  });
}

// The first entry of a map of that kind, or the first whose text is long.
uint64_t* entry_of(ImageParts& parts, TextMapKind kind, bool is_long = false) {
  const TextMapRecord& map = map_of(parts, kind);
  const uint32_t entry_words = header_words_of(kind) + map.text_words;
  for (uint32_t index = 0; index < map.entry_count; ++index) {
    uint64_t* const entry = &parts.words[map.entries + index * entry_words];
    const auto key = static_cast<uint32_t>(*entry);
    if (key != kFreeEntry && (!is_long || key >> 24 == kLongText)) return entry;
  }
  ADD_FAILURE() << "no such text";
  return &parts.words.at(0);
}

// With another high half.
uint64_t with_high(uint64_t word, uint32_t high) {
  return static_cast<uint32_t>(word) | static_cast<uint64_t>(high) << 32;
}

TEST(ImageVerifier, RefusesHashTablesOfTextsThatLeadAstray) {
  for (const TextMapKind kind : kKinds) {
    expect_refused("map of 0 texts", [&](ImageParts& p) { map_of(p, kind).entry_count = 0; });
    expect_refused(" 0 pilots", [&](ImageParts& p) { map_of(p, kind).pilot_count = 0; });
    expect_refused("of 0 words", [&](ImageParts& p) { map_of(p, kind).text_words = 0; });
    expect_refused("of 5 words", [&](ImageParts& p) { map_of(p, kind).text_words = 5; });
    expect_refused("texts:", [&](ImageParts& p) { map_of(p, kind).entries = 0xFFFFFF; });
    expect_refused("texts:", [&](ImageParts& p) { map_of(p, kind).entry_count = 0xFFFFFFFF; });
    expect_refused("pilots:", [&](ImageParts& p) { map_of(p, kind).pilots = 0xFFFFFF; });
    expect_refused("pilots:", [&](ImageParts& p) { map_of(p, kind).pilot_count = 0xFFFFFFFF; });
    expect_refused("long text:", [&](ImageParts& p) {
      uint64_t* const entry = entry_of(p, kind);
      *entry |= uint64_t{kLongText} << 24;
      entry[header_words_of(kind)] = with_high(kTextWordsMax * 8 + 1, 0xFFFFFF);
    });
    expect_refused("long text:", [&](ImageParts& p) {
      uint64_t* const entry = entry_of(p, kind);
      *entry |= uint64_t{kLongText} << 24;
      entry[header_words_of(kind)] = 0xFFFFFFFF;
    });
  }
  for (const auto kind : {TextMapKind::kExact, TextMapKind::kPrefix, TextMapKind::kLevels}) {
    expect_refused("text with answer 99", [&](ImageParts& p) {
      uint64_t* const entry = entry_of(p, kind);
      *entry = with_high(*entry, 99);
    });
  }
}

TEST(ImageVerifier, RefusesPrefixesWhoseTablesAreElsewhere) {
  const auto prefix = [](ImageParts& p) -> TextMapRecord& {
    return map_of(p, TextMapKind::kPrefix);
  };
  expect_refused("lengths:", [&](ImageParts& p) { prefix(p).first = 0xFFFFFF; });
  expect_refused("lengths:", [&](ImageParts& p) { prefix(p).count = 0xFFFFFF; });
  expect_refused("pilots:", [&](ImageParts& p) {
    const auto slot_count = static_cast<uint32_t>(p.slots.size());
    prefix(p).pilots = slot_count - prefix(p).pilot_count - prefix(p).entry_count + 1;
  });
}

TEST(ImageVerifier, RefusesTopicsThatLeadAstray) {
  const auto topic = [](ImageParts& p) -> TextMapRecord& { return map_of(p, TextMapKind::kTopic); };
  const auto state = [&](ImageParts& p) -> TopicStateRecord& {
    return p.topic_states[topic(p).first + 1];
  };
  const auto edge = [](ImageParts& p) { return entry_of(p, TextMapKind::kTopic); };
  expect_refused("topics of 1 states", [&](ImageParts& p) { topic(p).count = 1; });
  expect_refused("topics of", [&](ImageParts& p) { topic(p).count = 0xFFFFFFFF; });
  expect_refused("topics of", [&](ImageParts& p) { topic(p).separator = 0; });
  expect_refused("states:", [&](ImageParts& p) { topic(p).first = 0xFFFFFF; });
  expect_refused("edges of 0 levels", [&](ImageParts& p) { state(p).levels = 0; });
  expect_refused("leads to 99", [&](ImageParts& p) { state(p).other = 99; });
  expect_refused("with answers 99", [&](ImageParts& p) { state(p).found.answer = 99; });
  expect_refused(", 99 of", [&](ImageParts& p) { state(p).found.other = 99; });
  expect_refused("an edge to state 99",
                 [&](ImageParts& p) { *edge(p) = with_high(*edge(p), 1u << 24 | 99); });
  expect_refused("edges of 0 levels", [&](ImageParts& p) { *edge(p) = with_high(*edge(p), 1); });
  expect_refused("with answers 99", [&](ImageParts& p) { edge(p)[1] = 99; });
  expect_refused(", 99 of", [&](ImageParts& p) { edge(p)[1] = with_high(0, 99); });
  expect_refused("long text:", [&](ImageParts& p) {
    entry_of(p, TextMapKind::kTopic, true)[2] = with_high(40, 0xFFFFFF);
  });
}

TEST(ImageVerifier, RefusesLevelsThatTopicsCannotHave) {
  const auto levels = [](ImageParts& p) -> TextMapRecord& {
    return map_of(p, TextMapKind::kLevels);
  };
  expect_refused("topics of", [&](ImageParts& p) { levels(p).separator = 0; });
  expect_refused("topics of 33 levels", [&](ImageParts& p) { levels(p).count = 33; });
  expect_refused("topics of 0 levels", [&](ImageParts& p) {
    levels(p).count = 0;
    levels(p).first = 0;
  });
  expect_refused("topics of", [&](ImageParts& p) { levels(p).goes_on = 2; });
  expect_refused("levels 1b of 4", [&](ImageParts& p) { levels(p).first |= 1u << 4; });
  expect_refused("levels 80000000 of", [&](ImageParts& p) { levels(p).first = 1u << 31; });
}

TEST(ImageVerifier, RefusesTextsWhoseAnswersAreNoRules) {
  const auto matcher = [](ImageParts& p) -> MatcherRecord& {
    for (MatcherRecord& each : p.matchers) {
      if (each.kind == MatcherKind::kText) return each;
    }
    ADD_FAILURE() << "the image has no matcher of texts";
    return p.matchers.at(0);
  };
  expect_refused("matcher of 0 texts", [&](ImageParts& p) { matcher(p).count = 0; });
  expect_refused("matcher of 9 texts", [&](ImageParts& p) { matcher(p).count = 9; });
  expect_refused("texts with fields", [&](ImageParts& p) { matcher(p).field_count = 1; });
  expect_refused("texts with fields", [&](ImageParts& p) { matcher(p).fields = 1; });
  expect_refused("text maps:", [&](ImageParts& p) { matcher(p).table = 60000; });
  expect_refused("text maps:", [&](ImageParts& p) { matcher(p).table = UINT32_MAX; });
  expect_refused("another message type", [&](ImageParts& p) {
    // The first map is of the first route's messages.
    matcher(p).table = 0;
  });
  expect_refused("rules of", [&](ImageParts& p) {
    p.text_maps[matcher(p).table + 1].answer_count = p.routes.back().rule_count + 2;
  });
}

TEST(ImageVerifier, RefusesTextThatIsFittedOutsideItsMessages) {
  const auto fit = [](ImageParts& p) -> OpRecord& {
    for (OpRecord& op : p.ops) {
      if (op.kind == OpKind::kFitText) return op;
    }
    ADD_FAILURE() << "no text is fitted";
    return p.ops.at(0);
  };
  expect_refused("reads outside", [&](ImageParts& p) { fit(p).store = 1; });
  expect_refused("reads outside", [&](ImageParts& p) { fit(p).load = 0; });
  expect_refused("reads outside", [&](ImageParts& p) { fit(p).source = 30; });
  expect_refused("text of 0 bytes", [&](ImageParts& p) { fit(p).argument = 0; });
  expect_refused("text of 12 bytes", [&](ImageParts& p) { fit(p).steps = 4; });
  expect_refused("writes outside", [&](ImageParts& p) { fit(p).argument = 5000; });
  expect_refused("bytes are written", [&](ImageParts& p) { fit(p).argument = 11; });
  expect_refused("reject code", [&](ImageParts& p) { fit(p).code = 0; });
}

TEST(ImageVerifier, RefusesTextMapsThatNobodyCanAsk) {
  expect_refused("no text map 50", [](ImageParts& p) {
    for (MatchFieldRecord& field : p.match_fields) {
      if (field.kind == ClassMapKind::kText) field.table = 50;
    }
  });
  expect_refused("answers for", [](ImageParts& p) {
    for (TextMapRecord& map : p.text_maps) map.answer_count += 1;
  });
  expect_refused("no text map 60", [](ImageParts& p) {
    for (Instruction& instruction : p.instructions) {
      if (instruction.code == Opcode::kPushText) instruction.argument = 60;
    }
  });
}

}  // namespace
}  // namespace hyperroute
