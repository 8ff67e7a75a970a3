// Verification of a route image: text maps. A verified map reads within its message and its tables,
// ends, and answers with numbers that there are.
// Thread: control thread, before the image is installed. Not on the data path.
#include <bit>

#include "route/image_verify.h"

namespace hyperroute {

Status ImageVerifier::verify_text_map(const TextMapRecord& map) {
  HR_IMAGE_REQUIRE(map.kind <= TextMapKind::kLevels && map.source <= TextSource::kSlot,
                   "an unknown kind of text map");
  HR_IMAGE_REQUIRE(map.answer_count >= 1 && map.answer_count <= kAnswersMax,
                   "a text map of %u answers", map.answer_count);
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
  if (map.kind == TextMapKind::kTopic) HR_TRY(verify_topics(map));
  if (map.kind == TextMapKind::kLevels) HR_TRY(verify_levels(map));
  if (map.kind == TextMapKind::kPrefix) {
    // Whatever they are, they are held against the text.
    HR_TRY(verify_run(map.first, map.count, tables_.cells.count, "lengths"));
  }
  return verify_text_entries(map);
}

Status ImageVerifier::verify_text_of(uint32_t map, const RouteRecord& route) const {
  HR_IMAGE_REQUIRE(map < tables_.text_maps.count, "no text map %u", map);
  const TextMapRecord& record = tables_.text_maps[map];
  HR_IMAGE_REQUIRE(record.message_bytes == route.message_bytes && record.view == route.view,
                   "text map %u is for another message type", map);
  return Status::success();
}

Status ImageVerifier::verify_text_entries(const TextMapRecord& map) {
  HR_IMAGE_REQUIRE(map.entry_count >= 1 && map.pilot_count >= 1, "a map of %u texts, %u pilots",
                   map.entry_count, map.pilot_count);
  HR_IMAGE_REQUIRE(map.text_words >= 1 && map.text_words <= kTextWordsMax, "texts of %u words",
                   map.text_words);
  const uint32_t entry_words = header_words_of(map.kind) + map.text_words;
  HR_TRY(verify_run(map.entries, uint64_t{map.entry_count} * entry_words, tables_.words.count,
                    "texts"));
  const uint64_t prints = map.kind == TextMapKind::kPrefix ? map.entry_count : 0;
  HR_TRY(verify_run(map.pilots, map.pilot_count + prints, tables_.slots.count, "pilots"));
  for (uint32_t index = 0; index < map.entry_count; ++index) {
    HR_TRY(verify_text_entry(map, tables_.words.from(map.entries + index * entry_words)));
  }
  return Status::success();
}

Status ImageVerifier::verify_text_entry(const TextMapRecord& map, const uint64_t* entry) {
  const auto key = static_cast<uint32_t>(*entry);
  if (key == kFreeEntry) return Status::success();
  if (key >> 24 == kLongText) {
    const uint64_t text = entry[header_words_of(map.kind)];
    HR_TRY(verify_run(static_cast<uint32_t>(text >> 32), static_cast<uint32_t>(text),
                      tables_.bytes.count, "long text"));
  }
  const auto value = static_cast<uint32_t>(*entry >> 32);
  if (map.kind != TextMapKind::kTopic) {
    HR_IMAGE_REQUIRE(value < map.answer_count, "a text with answer %u of %u", value,
                     map.answer_count);
    return Status::success();
  }
  const uint32_t next = value & kTextStatesMax;
  HR_IMAGE_REQUIRE(next < map.count, "an edge to state %u of %u", next, map.count);
  return verify_topic_state(map, std::bit_cast<TopicFound>(entry[1]), value >> 24);
}

// Which levels are named is asked of as many as were found.
Status ImageVerifier::verify_levels(const TextMapRecord& map) const {
  HR_IMAGE_REQUIRE(map.separator != 0 && map.count <= kTopicLevelsMax && map.goes_on <= 1 &&
                       (map.count >= 1 || map.goes_on == 1),
                   "topics of %u levels between %u", map.count, map.separator);
  HR_IMAGE_REQUIRE(uint64_t{map.first} >> map.count == 0, "levels %x of %u", map.first, map.count);
  return Status::success();
}

Status ImageVerifier::verify_topics(const TextMapRecord& map) {
  HR_IMAGE_REQUIRE(map.count > kTopicStart && map.count <= kTextStatesMax && map.separator != 0,
                   "topics of %u states between %u", map.count, map.separator);
  HR_TRY(verify_run(map.first, map.count, tables_.topic_states.count, "states"));
  for (uint32_t index = 0; index < map.count; ++index) {
    const TopicStateRecord& state = tables_.topic_states[map.first + index];
    HR_TRY(verify_topic_state(map, state.found, state.levels));
    HR_IMAGE_REQUIRE(state.other < map.count, "state %u leads to %u of %u", index, state.other,
                     map.count);
  }
  return Status::success();
}

// Each step takes a level, so that states may even go round.
Status ImageVerifier::verify_topic_state(const TextMapRecord& map, const TopicFound& found,
                                         uint32_t levels) const {
  HR_IMAGE_REQUIRE(levels >= 1, "a state with edges of %u levels", levels);
  HR_IMAGE_REQUIRE(found.own_answer() < map.answer_count && found.other_answer() < map.answer_count,
                   "a state with answers %u, %u of %u", found.own_answer(), found.other_answer(),
                   map.answer_count);
  return Status::success();
}

}  // namespace hyperroute
