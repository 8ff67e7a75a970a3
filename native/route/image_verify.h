// What the loader holds a route image to, so that the step carries no check.
//
// Thread: control thread, before the image is installed. Not on the data path. The rules are in
// docs/route-image.md; each violation is a kImageCorrupt status whose context names it.
#pragma once

#include <cstdint>
#include <vector>

#include "route/image.h"

#define HR_IMAGE_REQUIRE(condition, ...)                                            \
  do {                                                                              \
    if (!(condition)) return Status::error(StatusCode::kImageCorrupt, __VA_ARGS__); \
  } while (false)

namespace hyperroute {

// Records may be referred to from several places, so a small hostile image could name a large
// table many times; a real one stays far below this many records looked at.
inline constexpr uint64_t kVerifyWorkMax = 256u << 20;

// What an op writes: `bytes` from the record's target on.
struct OpTarget {
  uint32_t bytes = 0;
  bool is_update = false;  // It changes what earlier ops have written.
  bool is_shuffle = false;
};

// What ops have done to a byte of the output.
enum class ByteState : uint8_t { kUntouched, kZeroed, kWritten };

// Correlations that an action or a transform has to do with; kNoIndex: none.
struct Correlated {
  uint16_t found = kNoIndex;   // Its lookup is in this one.
  uint16_t opened = kNoIndex;  // Its rule opens an entry of this one.
};

// The state of one verification: the tables, and the bound on the work they may cause.
class ImageVerifier {
 public:
  ImageVerifier(const ImageTables& tables, uint32_t reject_code_max,
                std::vector<MessageLayout>& layouts) noexcept
      : tables_(tables), layouts_(layouts), reject_code_max_(reject_code_max) {}

  Status verify();

 private:
  Status verify_counts() const;
  Status verify_views();
  Status verify_native_view(const ViewRecord& view, uint32_t index);
  Status verify_foreign_view(const ViewRecord& view, uint32_t index);
  Status verify_families();
  Status verify_discriminator(const FamilyRecord& family, uint32_t index);
  Status verify_member(const MemberRecord& member) const;
  Status verify_endpoints();
  Status verify_carriers();
  Status verify_pools();
  Status verify_pool_members(const PoolRecord& pool, uint32_t index);
  Status verify_pool_slots(const PoolRecord& pool, uint32_t index);
  Status verify_pool_ids(const PoolRecord& pool, uint32_t index);
  Status verify_key(const ActionRecord& action, const RouteRecord& route);
  Status verify_key_field(const KeyFieldRecord& field, const RouteRecord& route) const;
  Status verify_route(const RouteRecord& route, uint32_t index);
  Status verify_action(const ActionRecord& action, const RouteRecord& route,
                       const Correlated& known);
  Status verify_rule_action(const ActionRecord& action, const RouteRecord& route);
  Status verify_reject(const RouteRecord& route, uint32_t index);
  Status verify_mode(const RouteRecord& route, uint32_t index) const;
  Status verify_extra(const ExtraRecord& extra, const RouteRecord& route, const Correlated& known);
  Status verify_correlations() const;
  Status verify_kept(uint32_t first, uint32_t count, uint32_t word_count, const RouteRecord& route);
  Status verify_lookup(uint32_t index, const RouteRecord& route);
  [[nodiscard]] uint16_t found_by(const RouteRecord& route) const;
  Status verify_opening(const ActionRecord& action, const ExtraRecord& extra,
                        const RouteRecord& route);
  Status verify_needs(const ActionRecord& action, const Correlated& known) const;
  Status verify_correlated_op(const OpRecord& op, const TransformRecord& transform,
                              Correlated& needs) const;
  [[nodiscard]] bool opens(const ActionRecord& action) const {
    return action.extra != kNoIndex && tables_.extras[action.extra].opening != kNoIndex;
  }
  [[nodiscard]] uint64_t deliveries_of(const ActionRecord& action) const;
  Status verify_carriers_of(const ActionRecord& action, const RouteRecord& route) const;
  Status verify_check(const CheckRecord& check, const RouteRecord& route);
  Status verify_matcher(const MatcherRecord& matcher, const RouteRecord& route);
  Status verify_rule(uint32_t rule, const MatcherRecord& matcher, const RouteRecord& route) const;
  Status verify_terms(const MatcherRecord& matcher, const RouteRecord& route);
  Status verify_cells(const MatcherRecord& matcher, const RouteRecord& route);
  Status verify_exact(const MatcherRecord& matcher, const RouteRecord& route);
  Status verify_text_rules(const MatcherRecord& matcher, const RouteRecord& route);
  Status verify_class_map(const MatchFieldRecord& field, const RouteRecord& route);
  Status verify_classes(const MatchFieldRecord& field, uint32_t value_count);
  Status verify_buckets(const MatchFieldRecord& field);
  Status verify_rows(const MatchFieldRecord& field, const MatcherRecord& matcher);
  Status verify_word_rows(const MatchFieldRecord& field, const MatcherRecord& matcher) const;
  Status verify_group_rows(const MatchFieldRecord& field, const MatcherRecord& matcher);
  Status verify_plugins();
  Status verify_plugin(const PluginRecord& use);
  Status verify_plugin_fields(uint32_t first, uint32_t count, uint32_t message_bytes);
  Status verify_plugin_text(uint32_t first, uint32_t bytes, uint32_t bytes_max);
  // A use of that kind, for messages of `view_bytes`.
  Status verify_plugin_use(uint32_t index, PluginKind kind, uint32_t view_bytes) const;
  Status verify_text_map(const TextMapRecord& map);
  Status verify_levels(const TextMapRecord& map) const;
  Status verify_text_entries(const TextMapRecord& map);
  Status verify_topics(const TextMapRecord& map);
  Status verify_text_entry(const TextMapRecord& map, const uint64_t* entry);
  Status verify_topic_state(const TextMapRecord& map, const TopicFound& found,
                            uint32_t levels) const;
  // A text map of the messages of the route.
  Status verify_text_of(uint32_t map, const RouteRecord& route) const;
  Status verify_program(uint32_t first, uint32_t count, const RouteRecord& route);
  Status verify_instruction(const Instruction& instruction, const RouteRecord& route);
  Status verify_transform(const TransformRecord& transform);
  Status verify_patch(const TransformRecord& transform) const;
  Status verify_source(const OpRecord* op, const TransformRecord& transform, Correlated& needs,
                       uint32_t& source_bytes) const;
  Status verify_op(const OpRecord& op, const TransformRecord& transform, uint32_t source_bytes,
                   OpTarget& target);
  Status verify_field_op(const OpRecord& op, OpTarget& target);
  Status verify_scale(const OpRecord& op) const;
  Status verify_shuffle(const OpRecord& op);
  Status verify_map_byte(const OpRecord& op);
  Status verify_written(const OpRecord& op, const OpTarget& target,
                        std::vector<ByteState>& states) const;
  Status verify_map(const OpRecord& op);
  Status verify_limits(uint64_t first) const;
  Status verify_message_variables(uint32_t index);
  Status verify_variables(uint32_t index, const MessageLayout& layout, uint32_t block);
  Status verify_entry(const VariableRecord& variable, uint32_t parent, const MessageLayout& layout,
                      uint32_t block);

  // A run of `count` records from `first` lies within a table of `total`; counted as work.
  Status verify_run(uint32_t first, uint64_t count, uint32_t total, const char* what);
  // Sorted keys padded to 2^steps - 1 entries from bounds[first], `count` of them real.
  Status verify_keys(uint32_t first, uint32_t count, uint32_t steps);
  // Leaves from bounds[first], `count` of their keys real, and the levels above them.
  Status verify_tree(uint32_t first, uint32_t count, uint32_t levels);
  Status verify_tree_level(uint32_t first, uint32_t level, uint64_t below, uint64_t leaf_keys);
  Status verify_code(uint32_t code) const;
  Status charge(uint64_t work);

  const ImageTables& tables_;
  std::vector<MessageLayout>& layouts_;  // By view, filled in as the views are verified.
  const uint32_t reject_code_max_;
  uint64_t work_ = 0;
  std::vector<Correlated> transform_needs_;  // By transform, filled in as they are verified.
};

// `layouts` receives those of the image's native views.
[[nodiscard]] Status verify_tables(const ImageTables& tables, uint32_t reject_code_max,
                                   std::vector<MessageLayout>& layouts);

// Whether a string or blob of native messages has its slot at this offset of the view.
[[nodiscard]] bool is_text_slot(const MessageLayout& layout, uint32_t offset);

// Whether a field lies within a message of `message_bytes`, and its kind is one there is.
inline bool field_fits(FieldKind kind, uint32_t offset, uint32_t message_bytes) noexcept {
  return is_load_kind(kind) && offset + load_bytes(kind) <= message_bytes;
}

// The kinds of field that hold an entry's id: a u64 in either byte order.
constexpr bool is_id_kind(FieldKind kind) noexcept {
  return (kind & static_cast<FieldKind>(~kFieldBigEndian)) == 7;
}

}  // namespace hyperroute
