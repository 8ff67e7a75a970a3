// Verification of a route image: text maps. A verified map reads within its message and its tables,
// ends, and answers with numbers that there are.
// Thread: control thread, before the image is installed. Not on the data path.
#include "base/bits.h"
#include "route/image_verify.h"

namespace hyperroute {

Status ImageVerifier::verify_text_map(const TextMapRecord& map) {
  HR_IMAGE_REQUIRE(map.kind <= TextMapKind::kTopic && map.source <= TextSource::kSlot,
                   "an unknown kind of text map");
  HR_IMAGE_REQUIRE(map.answer_count >= 1, "a text map without answers");
  if (map.source == TextSource::kSlot) {
    // Only what bind() has looked at has slots, and a header before them.
    HR_IMAGE_REQUIRE(map.view < tables_.views.count &&
                         tables_.views[map.view].kind == ViewKind::kNative &&
                         tables_.views[map.view].view_bytes == map.message_bytes,
                     "a slot of a message that has none");
    HR_IMAGE_REQUIRE(map.offset + 8u <= map.message_bytes, "a slot lies outside its message");
  } else {
    HR_IMAGE_REQUIRE(map.bytes >= 1 && map.offset + map.bytes <= map.message_bytes,
                     "a text lies outside its message");
  }
  if (map.kind == TextMapKind::kExact) return verify_exact_texts(map);
  if (map.kind == TextMapKind::kPrefix) return verify_prefixes(map);
  return verify_topics(map);
}

Status ImageVerifier::verify_text_of(uint32_t map, const RouteRecord& route) const {
  HR_IMAGE_REQUIRE(map < tables_.text_maps.count, "no text map %u", map);
  const TextMapRecord& record = tables_.text_maps[map];
  HR_IMAGE_REQUIRE(record.message_bytes == route.message_bytes && record.view == route.view,
                   "text map %u is for another message type", map);
  return Status::success();
}

Status ImageVerifier::verify_exact_texts(const TextMapRecord& map) {
  HR_IMAGE_REQUIRE(map.count >= 1, "a hash table of %u places", map.count);
  HR_TRY(verify_run(map.first, map.count, tables_.words.count, "hash table"));
  HR_TRY(verify_run(map.entries, map.entry_count, tables_.text_entries.count, "texts"));
  for (uint32_t index = 0; index < map.count; ++index) {
    const uint64_t word = tables_.words[map.first + index];
    if (word == 0) continue;
    const uint32_t number = static_cast<uint32_t>(word) - 1;
    HR_IMAGE_REQUIRE(number < map.entry_count, "a hash table names a text that does not exist");
    const TextEntryRecord& entry = tables_.text_entries[map.entries + number];
    const uint64_t room = (map.entry_count - number - 1ull) * sizeof entry;
    HR_IMAGE_REQUIRE(entry.text_bytes <= room, "a text outside its records");
    HR_IMAGE_REQUIRE(entry.answer < map.answer_count, "answer %u of %u", entry.answer,
                     map.answer_count);
  }
  return Status::success();
}

Status ImageVerifier::verify_prefixes(const TextMapRecord& map) {
  HR_IMAGE_REQUIRE(map.count >= 1, "prefixes without a node");
  HR_TRY(verify_run(map.first, map.count, tables_.prefix_nodes.count, "prefixes"));
  for (uint32_t index = 0; index < map.count; ++index) {
    const PrefixNodeRecord& node = tables_.prefix_nodes[map.first + index];
    HR_IMAGE_REQUIRE(node.is_tree <= 1, "an unknown kind of search");
    HR_TRY(node.is_tree != 0 ? verify_tree(node.keys, node.key_count, node.steps)
                             : verify_keys(node.keys, node.key_count, node.steps));
    HR_TRY(verify_run(node.results, node.key_count + 1ull, tables_.words.count, "answers"));
    for (uint32_t place = 0; place <= node.key_count; ++place) {
      const uint64_t result = tables_.words[node.results + place];
      // Each step down takes eight bytes of the text, so that nodes may even go round.
      HR_IMAGE_REQUIRE(static_cast<uint32_t>(result) < map.answer_count && result >> 32 < map.count,
                       "a prefix with answer %u of %u in node %u", static_cast<uint32_t>(result),
                       map.answer_count, static_cast<uint32_t>(result >> 32));
    }
  }
  return Status::success();
}

Status ImageVerifier::verify_topics(const TextMapRecord& map) {
  HR_IMAGE_REQUIRE(map.count > kTopicStart && map.entry_count >= 1 && map.separator != 0,
                   "topics of %u states, %u edges", map.count, map.entry_count);
  HR_TRY(verify_run(map.first, map.count, tables_.topic_states.count, "states"));
  HR_TRY(verify_run(map.entries, map.entry_count, tables_.topic_edges.count, "edges"));
  for (uint32_t index = 0; index < map.count; ++index) {
    const TopicStateRecord& state = tables_.topic_states[map.first + index];
    HR_IMAGE_REQUIRE(state.has_edges <= 1 && state.is_final <= 1, "state %u", index);
    HR_IMAGE_REQUIRE(state.other < map.count && state.answer < map.answer_count,
                     "state %u leads to %u of %u with answer %u of %u", index, state.other,
                     map.count, state.answer, map.answer_count);
  }
  for (uint32_t index = 0; index < map.entry_count; ++index) {
    const TopicEdgeRecord& edge = tables_.topic_edges[map.entries + index];
    if (edge.state == kNoRecord) continue;
    HR_IMAGE_REQUIRE(edge.next < map.count, "an edge to state %u of %u", edge.next, map.count);
    if (edge.level_bytes <= kEdgeBytes) continue;
    HR_TRY(verify_run(edge.level, edge.level_bytes, tables_.bytes.count, "level"));
  }
  return Status::success();
}

}  // namespace hyperroute
