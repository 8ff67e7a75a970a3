// Loading a route image: header, check sum, sections; image_verify.cc does the rest.
// Thread: control thread, before the image is installed. Not on the data path.
#include "route/image.h"

#include <cstring>
#include <utility>

#include "base/crc32c.h"
#include "route/image_verify.h"

namespace hyperroute {
namespace {

// What plug-ins are before they are bound: each answer is one that is not allowed, or no.
constexpr PluginFunction kMissingFunction{
    .struct_bytes = sizeof(PluginFunction),
    .kind = PluginKind::kMatch,
    .name = "missing",
    .create = nullptr,
    .destroy = nullptr,
    .match = [](void*, const uint8_t*) -> uint32_t { return 0; },
    .validate = [](void*, const uint8_t*) -> uint32_t { return UINT32_MAX; },
    .pick = [](void*, const PluginPick*) -> uint32_t { return UINT32_MAX; },
    .transform = [](void*, const uint8_t*, uint8_t*, uint32_t) -> int32_t { return INT32_MIN; },
};

Status verify_header(std::span<const uint8_t> image_bytes, ImageHeader& header) {
  HR_IMAGE_REQUIRE(image_bytes.size() >= kImageTableBytes && image_bytes.size() <= kImageBytesMax,
                   "an image of %zu bytes is shorter than its header or too large",
                   image_bytes.size());
  std::memcpy(&header, image_bytes.data(), sizeof header);
  HR_IMAGE_REQUIRE(header.magic == kImageMagic, "not a route image");
  HR_IMAGE_REQUIRE(header.format_version == kImageFormatVersion,
                   "format version %u, this engine reads %u", header.format_version,
                   kImageFormatVersion);
  HR_IMAGE_REQUIRE(header.section_count == kSectionCount, "%u sections, expected %u",
                   header.section_count, kSectionCount);
  HR_IMAGE_REQUIRE(header.image_bytes == image_bytes.size(), "the header says %u bytes, %zu given",
                   header.image_bytes, image_bytes.size());
  const auto covered = image_bytes.subspan(kImageCrcStart);
  HR_IMAGE_REQUIRE(crc32c(covered.data(), covered.size()) == header.crc,
                   "the check sum does not match");
  for (const uint32_t word : header.reserved) {
    HR_IMAGE_REQUIRE(word == 0, "reserved header bytes are not zero");
  }
  return Status::success();
}

template <typename Record>
Status find_section(const uint8_t* base, uint32_t image_bytes, Section section,
                    Table<Record>& table) {
  SectionEntry entry;
  std::memcpy(&entry, base + sizeof(ImageHeader) + section * sizeof entry, sizeof entry);
  HR_IMAGE_REQUIRE(entry.offset % 8 == 0 && entry.offset >= kImageTableBytes &&
                       entry.offset <= image_bytes &&
                       entry.count <= (image_bytes - entry.offset) / sizeof(Record),
                   "section %u lies outside the image", section);
  table.records = reinterpret_cast<const Record*>(base + entry.offset);
  table.count = entry.count;
  return Status::success();
}

Status bind_sections(const uint8_t* base, uint32_t image_bytes, ImageTables& tables) {
  HR_TRY(find_section(base, image_bytes, kSectionEndpoints, tables.endpoints));
  HR_TRY(find_section(base, image_bytes, kSectionEndpointRoutes, tables.endpoint_routes));
  HR_TRY(find_section(base, image_bytes, kSectionFamilies, tables.families));
  HR_TRY(find_section(base, image_bytes, kSectionMembers, tables.members));
  HR_TRY(find_section(base, image_bytes, kSectionRoutes, tables.routes));
  HR_TRY(find_section(base, image_bytes, kSectionChecks, tables.checks));
  HR_TRY(find_section(base, image_bytes, kSectionMatchFields, tables.match_fields));
  HR_TRY(find_section(base, image_bytes, kSectionTerms, tables.terms));
  HR_TRY(find_section(base, image_bytes, kSectionActions, tables.actions));
  HR_TRY(find_section(base, image_bytes, kSectionPools, tables.pools));
  HR_TRY(find_section(base, image_bytes, kSectionPoolMembers, tables.pool_members));
  HR_TRY(find_section(base, image_bytes, kSectionCarriers, tables.carriers));
  HR_TRY(find_section(base, image_bytes, kSectionTransforms, tables.transforms));
  HR_TRY(find_section(base, image_bytes, kSectionOps, tables.ops));
  HR_TRY(find_section(base, image_bytes, kSectionInstructions, tables.instructions));
  HR_TRY(find_section(base, image_bytes, kSectionBounds, tables.bounds));
  HR_TRY(find_section(base, image_bytes, kSectionSlots, tables.slots));
  HR_TRY(find_section(base, image_bytes, kSectionWords, tables.words));
  HR_TRY(find_section(base, image_bytes, kSectionGroups, tables.groups));
  HR_TRY(find_section(base, image_bytes, kSectionWides, tables.wides));
  HR_TRY(find_section(base, image_bytes, kSectionBytes, tables.bytes));
  HR_TRY(find_section(base, image_bytes, kSectionViews, tables.views));
  HR_TRY(find_section(base, image_bytes, kSectionViewOps, tables.view_ops));
  HR_TRY(find_section(base, image_bytes, kSectionVariables, tables.variables));
  HR_TRY(find_section(base, image_bytes, kSectionLayouts, tables.layout_words));
  HR_TRY(find_section(base, image_bytes, kSectionMatchers, tables.matchers));
  HR_TRY(find_section(base, image_bytes, kSectionCells, tables.cells));
  HR_TRY(find_section(base, image_bytes, kSectionKeyFields, tables.key_fields));
  HR_TRY(find_section(base, image_bytes, kSectionPlugins, tables.plugins));
  HR_TRY(find_section(base, image_bytes, kSectionPluginFields, tables.plugin_fields));
  HR_TRY(find_section(base, image_bytes, kSectionTextMaps, tables.text_maps));
  HR_TRY(find_section(base, image_bytes, kSectionTopicStates, tables.topic_states));
  HR_TRY(find_section(base, image_bytes, kSectionExtras, tables.extras));
  HR_TRY(find_section(base, image_bytes, kSectionTaps, tables.taps));
  HR_TRY(find_section(base, image_bytes, kSectionCorrelations, tables.correlations));
  HR_TRY(find_section(base, image_bytes, kSectionLookups, tables.lookups));
  HR_TRY(find_section(base, image_bytes, kSectionOpenings, tables.openings));
  HR_TRY(find_section(base, image_bytes, kSectionKeptFields, tables.kept_fields));
  return Status::success();
}

}  // namespace

void RouteImage::bind_plugins(std::vector<PluginCall> calls) {
  HR_ASSERT(calls.size() == tables_.plugins.count);
  plugin_calls_ = std::move(calls);
  tables_.plugin_calls = plugin_calls_.data();
}

Status RouteImage::load(std::span<const uint8_t> image_bytes, RouteImage& image) {
  ImageHeader header;
  HR_TRY(verify_header(image_bytes, header));
  Result<MemoryRegion> memory = MemoryRegion::anonymous_huge(image_bytes.size());
  if (!memory.ok()) return memory.status();
  // Copied before it is verified: the caller's bytes may be shared with a thread that changes
  // them. The header was read once; its copy decides.
  RouteImage loaded;
  loaded.memory_ = memory.take();
  std::memcpy(loaded.memory_.data(), image_bytes.data(), image_bytes.size());
  HR_TRY(bind_sections(loaded.memory_.data(), header.image_bytes, loaded.tables_));
  HR_TRY(verify_tables(loaded.tables_, header.reject_code_max, loaded.layouts_));
  loaded.tables_.layouts = loaded.layouts_.data();
  loaded.bind_plugins(std::vector<PluginCall>(loaded.tables_.plugins.count,
                                              PluginCall{&kMissingFunction, nullptr}));
  HR_TRY(StepPlan::make(loaded.tables_, loaded.plan_));
  loaded.reject_code_max_ = header.reject_code_max;
  image = std::move(loaded);
  return Status::success();
}

ImageSummary RouteImage::summary() const noexcept {
  // The verifier holds each of these counts below kNoIndex.
  return ImageSummary{
      .endpoint_count = static_cast<uint16_t>(tables_.endpoints.count),
      .pool_count = static_cast<uint16_t>(tables_.pools.count),
      .route_count = static_cast<uint16_t>(tables_.routes.count),
      .transform_count = static_cast<uint16_t>(tables_.transforms.count),
      .correlation_count = static_cast<uint16_t>(tables_.correlations.count),
      .tap_count = tables_.taps.count,
      .reject_code_max = reject_code_max_,
  };
}

}  // namespace hyperroute
