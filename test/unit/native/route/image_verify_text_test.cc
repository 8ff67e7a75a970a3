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

TEST(ImageVerifier, AcceptsTextMapsOfEveryKind) {
  ImageParts parts = ImageParts::of(read_vector("texts"));
  for (const auto kind : {TextMapKind::kExact, TextMapKind::kPrefix, TextMapKind::kTopic}) {
    map_of(parts, kind);
  }
  RouteImage image;
  EXPECT_TRUE(RouteImage::load(parts.image(), image).ok());
}

TEST(ImageVerifier, RefusesTextsThatAreNotInTheirMessage) {
  expect_refused("unknown kind of text",
                 [](ImageParts& p) { p.text_maps[0].kind = TextMapKind{3}; });
  expect_refused("unknown kind of text",
                 [](ImageParts& p) { p.text_maps[0].source = TextSource{4}; });
  expect_refused("without answers", [](ImageParts& p) { p.text_maps[0].answer_count = 0; });
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

TEST(ImageVerifier, RefusesHashTablesOfTextsThatLeadAstray) {
  const auto exact = [](ImageParts& p) -> TextMapRecord& { return map_of(p, TextMapKind::kExact); };
  expect_refused("hash table of 0", [&](ImageParts& p) { exact(p).count = 0; });
  expect_refused("hash table:", [&](ImageParts& p) { exact(p).first = 0xFFFFFF; });
  expect_refused("texts:", [&](ImageParts& p) { exact(p).entries = 0xFFFFFF; });
  expect_refused("names a text", [&](ImageParts& p) { p.words[exact(p).first] = 0xFFFF; });
  expect_refused("text outside",
                 [&](ImageParts& p) { p.text_entries[exact(p).entries].text_bytes = 0xFFFFFFFF; });
  expect_refused("answer 99", [&](ImageParts& p) { p.text_entries[exact(p).entries].answer = 99; });
}

TEST(ImageVerifier, RefusesPrefixesThatLeadAstray) {
  const auto prefix = [](ImageParts& p) -> TextMapRecord& {
    return map_of(p, TextMapKind::kPrefix);
  };
  const auto node = [&](ImageParts& p) -> PrefixNodeRecord& {
    return p.prefix_nodes[prefix(p).first];
  };
  expect_refused("without a node", [&](ImageParts& p) { prefix(p).count = 0; });
  expect_refused("prefixes:", [&](ImageParts& p) { prefix(p).first = 0xFFFFFF; });
  expect_refused("search", [&](ImageParts& p) { node(p).steps = 40; });
  expect_refused("kind of search", [&](ImageParts& p) { node(p).is_tree = 2; });
  expect_refused("a tree of", [&](ImageParts& p) {
    node(p).is_tree = 1;
    node(p).steps = 9;
  });
  expect_refused("search keys", [&](ImageParts& p) { node(p).keys = 0xFFFFFF; });
  expect_refused("answers:", [&](ImageParts& p) { node(p).results = 0xFFFFFF; });
  expect_refused("with answer 99", [&](ImageParts& p) { p.words[node(p).results] = 99; });
  expect_refused("in node 77", [&](ImageParts& p) { p.words[node(p).results] = 77ull << 32; });
}

TEST(ImageVerifier, RefusesTopicsThatLeadAstray) {
  const auto topic = [](ImageParts& p) -> TextMapRecord& { return map_of(p, TextMapKind::kTopic); };
  const auto edge = [&](ImageParts& p) -> TopicEdgeRecord& {
    const TextMapRecord& map = topic(p);
    for (uint32_t index = 0; index < map.entry_count; ++index) {
      TopicEdgeRecord& found = p.topic_edges[map.entries + index];
      if (found.state != kNoRecord && found.level_bytes > kEdgeBytes) return found;
    }
    ADD_FAILURE() << "no long level";
    return p.topic_edges.at(0);
  };
  expect_refused("topics of 1 states", [&](ImageParts& p) { topic(p).count = 1; });
  expect_refused("0 edges", [&](ImageParts& p) { topic(p).entry_count = 0; });
  expect_refused("state 1",
                 [&](ImageParts& p) { p.topic_states[topic(p).first + 1].is_final = 2; });
  expect_refused("state 0", [&](ImageParts& p) { p.topic_states[topic(p).first].has_edges = 2; });
  expect_refused("topics of", [&](ImageParts& p) { topic(p).separator = 0; });
  expect_refused("states:", [&](ImageParts& p) { topic(p).first = 0xFFFFFF; });
  expect_refused("edges:", [&](ImageParts& p) { topic(p).entries = 0xFFFFFF; });
  expect_refused("leads to 99", [&](ImageParts& p) { p.topic_states[topic(p).first].other = 99; });
  expect_refused("with answer 99",
                 [&](ImageParts& p) { p.topic_states[topic(p).first].answer = 99; });
  expect_refused("an edge to state 99", [&](ImageParts& p) { edge(p).next = 99; });
  expect_refused("level:", [&](ImageParts& p) { edge(p).level = 0xFFFFFF; });
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
