// A route image taken apart into its records, to be changed and put together again: tests make
// each kind of damage with a check sum that is right, so that only the verifier can notice.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/crc32c.h"
#include "route/image.h"

namespace hyperroute {

// Makes the check sum right after bytes were changed.
inline void fix_check_sum(std::vector<uint8_t>& image) {
  if (image.size() <= kImageCrcStart) return;
  const uint32_t crc = crc32c(image.data() + kImageCrcStart, image.size() - kImageCrcStart);
  std::memcpy(image.data() + offsetof(ImageHeader, crc), &crc, sizeof crc);
}

struct ImageParts {
  uint32_t reject_code_max = 0;
  std::vector<EndpointRecord> endpoints;
  std::vector<uint16_t> endpoint_routes;
  std::vector<FamilyRecord> families;
  std::vector<MemberRecord> members;
  std::vector<RouteRecord> routes;
  std::vector<CheckRecord> checks;
  std::vector<MatchFieldRecord> match_fields;
  std::vector<TermRecord> terms;
  std::vector<ActionRecord> actions;
  std::vector<PoolRecord> pools;
  std::vector<PoolMemberRecord> pool_members;
  std::vector<CarriersRecord> carriers;
  std::vector<TransformRecord> transforms;
  std::vector<OpRecord> ops;
  std::vector<Instruction> instructions;
  std::vector<uint64_t> bounds;
  std::vector<uint16_t> slots;
  std::vector<uint64_t> words;
  std::vector<GroupRecord> groups;
  std::vector<WideRecord> wides;
  std::vector<uint8_t> bytes;
  std::vector<ViewRecord> views;
  std::vector<ViewOpRecord> view_ops;
  std::vector<VariableRecord> variables;
  std::vector<uint64_t> layout_words;
  std::vector<TextMapRecord> text_maps;
  std::vector<TopicStateRecord> topic_states;
  std::vector<MatcherRecord> matchers;
  std::vector<uint32_t> cells;
  std::vector<KeyFieldRecord> key_fields;
  std::vector<PluginRecord> plugins;
  std::vector<PluginFieldRecord> plugin_fields;
  std::vector<ExtraRecord> extras;
  std::vector<TapRecord> taps;
  std::vector<CorrelationRecord> correlations;
  std::vector<LookupRecord> lookups;
  std::vector<OpeningRecord> openings;
  std::vector<KeptFieldRecord> kept_fields;

  // Calls `visit` with each section in the order of the section table.
  template <typename Parts, typename Visitor>
  static void each(Parts& parts, Visitor visit) {
    visit(parts.endpoints);
    visit(parts.endpoint_routes);
    visit(parts.families);
    visit(parts.members);
    visit(parts.routes);
    visit(parts.checks);
    visit(parts.match_fields);
    visit(parts.terms);
    visit(parts.actions);
    visit(parts.pools);
    visit(parts.pool_members);
    visit(parts.carriers);
    visit(parts.transforms);
    visit(parts.ops);
    visit(parts.instructions);
    visit(parts.bounds);
    visit(parts.slots);
    visit(parts.words);
    visit(parts.groups);
    visit(parts.wides);
    visit(parts.bytes);
    visit(parts.views);
    visit(parts.view_ops);
    visit(parts.variables);
    visit(parts.layout_words);
    visit(parts.matchers);
    visit(parts.cells);
    visit(parts.key_fields);
    visit(parts.plugins);
    visit(parts.plugin_fields);
    visit(parts.text_maps);
    visit(parts.topic_states);
    visit(parts.extras);
    visit(parts.taps);
    visit(parts.correlations);
    visit(parts.lookups);
    visit(parts.openings);
    visit(parts.kept_fields);
  }

  // Takes a valid image apart.
  static ImageParts of(const std::vector<uint8_t>& image) {
    ImageParts parts;
    ImageHeader header;
    std::memcpy(&header, image.data(), sizeof header);
    parts.reject_code_max = header.reject_code_max;
    uint32_t section = 0;
    each(parts, [&](auto& records) {
      SectionEntry entry;
      std::memcpy(&entry, image.data() + sizeof header + section++ * sizeof entry, sizeof entry);
      records.resize(entry.count);
      const size_t record_bytes = sizeof records[0];
      if (entry.count == 0) return;
      std::memcpy(records.data(), image.data() + entry.offset, entry.count * record_bytes);
    });
    return parts;
  }

  std::vector<uint8_t> image() const {
    // As the emitter does, each section starts a line of the cache.
    const auto aligned = [](size_t bytes) { return (bytes + 63) / 64 * 64; };
    std::vector<uint8_t> result(aligned(kImageTableBytes), 0);
    uint32_t section = 0;
    each(*this, [&](const auto& records) {
      const SectionEntry entry{static_cast<uint32_t>(result.size()),
                               static_cast<uint32_t>(records.size())};
      std::memcpy(result.data() + sizeof(ImageHeader) + section++ * sizeof entry, &entry,
                  sizeof entry);
      const size_t section_bytes = records.size() * sizeof records[0];
      const size_t start = result.size();
      result.resize(start + aligned(section_bytes), 0);
      if (section_bytes != 0) std::memcpy(result.data() + start, records.data(), section_bytes);
    });
    ImageHeader header{};
    header.magic = kImageMagic;
    header.format_version = kImageFormatVersion;
    header.section_count = kSectionCount;
    header.image_bytes = static_cast<uint32_t>(result.size());
    header.reject_code_max = reject_code_max;
    std::memcpy(result.data(), &header, sizeof header);
    fix_check_sum(result);
    return result;
  }
};

// A pool of the first pool members that takes them in turn.
inline PoolRecord pool_of(uint16_t member_count) {
  PoolRecord pool{};
  pool.member_count = member_count;
  return pool;
}

// Everything to one endpoint, as it came.
inline ActionRecord action_to(uint16_t endpoint) {
  ActionRecord action{};
  action.kind = ActionKind::kEndpoint;
  action.target = endpoint;
  action.transform = kNoIndex;
  action.carriers = kNoIndex;
  action.key = kNoRecord;
  action.extra = kNoIndex;
  return action;
}

// A checked-in image: `order-gateway`, `every-kind` or `relay`.
inline std::vector<uint8_t> read_vector(const std::string& name) {
  const auto tests = std::filesystem::path(__FILE__).parent_path() / "../../..";
  std::ifstream file(tests / "vectors" / (name + ".image"), std::ios::binary);
  std::vector<uint8_t> image{std::istreambuf_iterator<char>(file), {}};
  HR_ASSERT(!image.empty());
  return image;
}

}  // namespace hyperroute
