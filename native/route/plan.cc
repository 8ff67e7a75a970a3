// Makes the plan of an image: unfolds its records into what the step reads.
// Thread: control thread, when an image is loaded. Not on the data path.
#include "route/plan.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "route/image.h"
#include "route/image_verify.h"
#include "route/pool_datapath.h"

namespace hyperroute {
namespace {

__extension__ typedef __int128 Wide;

// What a field's key is to become.
enum class Meaning : uint8_t { kValue, kKey };

constexpr uint32_t kTopBytes = 8;
// Checks, fields of matchers and shuffles. Records that many others share would be unfolded for
// each of them.
constexpr uint64_t kPlannedMax = 1u << 22;

// How many bits the field has, and by how much its key is greater than its value.
uint32_t field_bits(FieldKind kind) { return is_bit_kind(kind) ? 1 : 8 * field_bytes(kind); }
uint64_t key_excess(FieldKind kind) {
  return (kind & kFieldSigned) != 0 && !is_bit_kind(kind) ? 1ull << (field_bits(kind) - 1) : 0;
}

// False: the eight bytes would not lie within a message of `message_bytes`.
bool plan_field(FieldKind kind, uint32_t offset, uint32_t message_bytes, Meaning meaning,
                FieldPlan& plan) {
  const uint32_t end = offset + load_bytes(kind);
  const uint32_t at = end > kTopBytes ? end - kTopBytes : 0;
  if (at + kTopBytes > message_bytes) return false;
  const uint32_t bits = field_bits(kind);
  const bool is_bit = is_bit_kind(kind);
  const bool is_swapped = !is_bit && (kind & kFieldBigEndian) != 0;
  // The field's highest bit, counted from the lowest one of the eight bytes as they are loaded.
  const uint32_t top = is_bit       ? 8 * (offset - at) + (kind >> kFieldBitShift)
                       : is_swapped ? 63 - 8 * (offset - at)
                                    : 8 * (end - at) - 1;
  const uint64_t excess = key_excess(kind);
  plan.flip = excess != 0 ? kSignBit : 0;
  plan.bias = meaning == Meaning::kValue ? 0 - excess : excess != 0 ? kSignBit - excess : 0;
  plan.offset = static_cast<uint16_t>(at);
  plan.left = static_cast<uint8_t>(63 - top);
  plan.right = static_cast<uint8_t>(64 - bits);
  plan.swaps = is_swapped ? 1 : 0;
  return true;
}

// A key of the image as the field's own, which has no more bits than the field. May lie outside.
Wide own_key(FieldKind kind, uint64_t key) {
  const uint64_t excess = key_excess(kind);
  if (excess == 0) return static_cast<Wide>(key);
  return static_cast<Wide>(static_cast<int64_t>(key ^ kSignBit)) + static_cast<Wide>(excess);
}

// False: it never holds, or cannot be planned.
bool plan_range(const ImageTables& tables, const CheckRecord& check, uint32_t message_bytes,
                RangePlan& plan) {
  FieldPlan field;
  if (!plan_field(check.load, check.offset, message_bytes, Meaning::kKey, field)) return false;
  const uint64_t* const limits = tables.bounds.from(check.table);
  const Wide greatest = (static_cast<Wide>(1) << field_bits(check.load)) - 1;
  const Wide low = std::max<Wide>(own_key(check.load, limits[0]), 0);
  const Wide high = std::min(own_key(check.load, limits[0] + limits[1]), greatest);
  if (low > high) return false;
  const uint32_t below = field.right;
  const auto low_bits = static_cast<uint64_t>(low) << below;
  // What stands below the field in the eight bytes may be anything.
  const uint64_t any_below = below == 0 ? 0 : (1ull << below) - 1;
  // To flip the top bit is to add it.
  plan = {.low = low_bits - field.flip,
          .span = static_cast<uint64_t>(high - low) << below | any_below,
          .offset = field.offset,
          .left = field.left,
          .reserved = 0,
          .swaps = field.swaps};
  return true;
}

}  // namespace

// Fills the plan's arrays, then lets pointers point into them: they do not grow any more.
class StepPlanner {
 public:
  explicit StepPlanner(const ImageTables& tables) : tables_(tables) {}

  Status make(StepPlan& plan) {
    HR_TRY(reserve());
    for (uint32_t index = 0; index < tables_.kept_fields.count; ++index) plan_kept(index);
    find_message_bytes();
    // No rule names others.
    const uint32_t action_count = std::min<uint32_t>(tables_.actions.count, kNoIndex);
    for (uint32_t index = 0; index < action_count; ++index) plan_action(index);
    for (uint32_t index = 0; index < tables_.transforms.count; ++index) plan_transform(index);
    for (uint32_t index = 0; index < tables_.routes.count; ++index) plan_route(index);
    for (uint32_t index = 0; index < tables_.members.count; ++index) plan_member(index);
    for (uint32_t index = 0; index < tables_.endpoints.count; ++index) plan_source(index);
    plan = std::move(plan_);
    return Status::success();
  }

 private:
  Status reserve() {
    uint64_t check_count = 0;
    uint64_t field_count = 0;
    uint64_t shuffle_count = 0;
    for (uint32_t index = 0; index < tables_.routes.count; ++index) {
      const RouteRecord& route = tables_.routes[index];
      check_count += route.check_count;
      if (route.matcher_count == 1) field_count += tables_.matchers[route.matchers].field_count;
    }
    for (uint32_t index = 0; index < tables_.transforms.count; ++index) {
      shuffle_count += tables_.transforms[index].shuffle_count;
    }
    HR_IMAGE_REQUIRE(check_count + field_count + shuffle_count <= kPlannedMax,
                     "the tables refer to each other too often");
    plan_.ranges_.reserve(check_count);
    plan_.sets_.reserve(check_count);
    plan_.rest_.reserve(check_count);
    plan_.direct_.reserve(field_count);
    plan_.few_.reserve(field_count);
    plan_.others_.reserve(field_count);
    plan_.bounds_.reserve(field_count * kFewMax);
    plan_.shuffles_.reserve(shuffle_count);
    return Status::success();
  }

  // Of the smallest messages that each action is for.
  void find_message_bytes() {
    message_bytes_.assign(tables_.actions.count, UINT32_MAX);
    for (uint32_t index = 0; index < tables_.routes.count; ++index) {
      const RouteRecord& route = tables_.routes[index];
      for (uint32_t rule = 0; rule < route.rule_count; ++rule) {
        uint32_t& least = message_bytes_[tables_.slots[route.actions + rule]];
        least = std::min(least, route.message_bytes);
      }
    }
  }

  void plan_kept(uint32_t index) {
    const KeptFieldRecord& record = tables_.kept_fields[index];
    KeptPlan kept{};
    // It lies within every message it is read from, however long that is.
    const uint32_t known_bytes = uint32_t{record.offset} + load_bytes(record.load);
    kept.is_planned = record.kind == KeptKind::kNumber &&
                      plan_field(record.load, record.offset, known_bytes, Meaning::kValue,
                                 kept.field);
    plan_.kept_.push_back(kept);
  }

  void plan_action(uint32_t index) {
    const ActionRecord& record = tables_.actions[index];
    ActionPlan plan{};
    plan.record = &record;
    plan.opening = kNoIndex;
    plan.pick = pick_of(record, message_bytes_[index], plan);
    plan.keeps_size = record.transform == kNoIndex;
    const bool is_discard = record.kind == ActionKind::kDiscard;
    plan.decision = {
        .outcome = is_discard ? Outcome::kDiscard : Outcome::kDeliver,
        .delivery_count = static_cast<uint8_t>(is_discard ? 0 : 1),
        .skipped_count = 0,
        .tap_count = 0,
        .is_single = record.extra == kNoIndex && plan.pick != PickPlanKind::kCorrelated,
        .correlates = 0,
        .route = kNoIndex,
        .rule = kNoRule,
        .reject_code = 0,
        .first = {.target = target_of(record.kind),
                  .best_effort = (record.flags & kActionBestEffort) != 0,
                  .priority = record.priority,
                  .is_picked = record.kind == ActionKind::kPool,
                  .endpoint = record.kind == ActionKind::kEndpoint ? record.target : kNoIndex,
                  .transform = record.transform,
                  .carriers = record.carriers,
                  .rule = kNoRule,
                  .output_bytes = record.output_bytes,
                  .return_address = 0},
    };
    if (record.extra != kNoIndex) {
      const ExtraRecord& extra = tables_.extras[record.extra];
      plan.opening = extra.opening;
      if (extra.opening != kNoIndex) plan.decision.correlates |= kOpensEntry;
      if (extra.closes != 0) plan.decision.correlates |= kClosesEntry;
    }
    plan_.actions_.push_back(plan);
  }

  static TargetKind target_of(ActionKind kind) {
    switch (kind) {
      case ActionKind::kReturnSource:
        return TargetKind::kReturnSource;
      case ActionKind::kReturnField:
        return TargetKind::kReturnAddress;
      case ActionKind::kCorrelatedSource:
      case ActionKind::kCorrelatedDestination:
        return TargetKind::kCorrelated;
      default:
        return TargetKind::kEndpoint;
    }
  }

  PickPlanKind pick_of(const ActionRecord& record, uint32_t message_bytes, ActionPlan& plan) const {
    const bool is_best_effort = (record.flags & kActionBestEffort) != 0;
    if (record.extra != kNoIndex &&
        (is_best_effort || tables_.extras[record.extra].tap_count != 0)) {
      return PickPlanKind::kOther;
    }
    if (record.transform != kNoIndex && tables_.transforms[record.transform].variable_count != 0) {
      return PickPlanKind::kOther;
    }
    switch (record.kind) {
      case ActionKind::kEndpoint:
      case ActionKind::kReturnSource:
        return PickPlanKind::kDone;
      case ActionKind::kDiscard:
        return record.extra == kNoIndex ? PickPlanKind::kDone : PickPlanKind::kOther;
      case ActionKind::kReturnField:
        return plan_field(record.load, record.target, message_bytes, Meaning::kValue, plan.field)
                   ? PickPlanKind::kAddress
                   : PickPlanKind::kOther;
      case ActionKind::kPool:
        return plan_ranks(record, message_bytes, plan) ? PickPlanKind::kRanked
                                                       : PickPlanKind::kPool;
      case ActionKind::kBroadcast:
        return PickPlanKind::kOther;
      default:
        plan.to_source = record.kind == ActionKind::kCorrelatedSource;
        return PickPlanKind::kCorrelated;
    }
  }

  bool plan_ranks(const ActionRecord& record, uint32_t message_bytes, ActionPlan& plan) const {
    const PoolRecord& pool = tables_.pools[record.target];
    if (pool.kind != PoolKind::kHash && pool.kind != PoolKind::kTable) return false;
    if (record.key == kNoRecord || pool.ranks == 0 || pool.slot_count == 0) return false;
    const KeyFieldRecord& key = tables_.key_fields[record.key];
    if (key.kind != KeyFieldKind::kInteger || key.more != 0) return false;
    plan.slots = tables_.bytes.from(pool.slots);
    plan.members = tables_.pool_members.from(pool.members);
    plan.slot_count = pool.slot_count;
    plan.ranks = pool.ranks;
    return plan_field(key.load, key.offset, message_bytes, Meaning::kValue, plan.field);
  }

  void plan_transform(uint32_t index) {
    const TransformRecord& record = tables_.transforms[index];
    const size_t first = plan_.shuffles_.size();
    const OpRecord* const ops = tables_.ops.from(record.ops);
    size_t plain_count = 0;
    // Those that add come last. None of the others touches what they have written, or it would not
    // stay.
    for (const bool adds : {false, true}) {
      for (uint32_t at = 0; at < record.shuffle_count; ++at) {
        if ((ops[at].kind == OpKind::kShuffleMore) == adds) plan_shuffle(ops[at]);
      }
      if (!adds) plain_count = plan_.shuffles_.size() - first;
    }
    const ShufflePlan* const shuffles = plan_.shuffles_.data() + first;
    plan_.transforms_.push_back({.shuffles = shuffles,
                                 .adding = shuffles + plain_count,
                                 .shuffles_end = shuffles + record.shuffle_count,
                                 .ops = ops + record.shuffle_count,
                                 .ops_end = ops + record.op_count,
                                 .patch = {.offset = record.patch_offset,
                                           .bytes = record.patch_bytes,
                                           .big_endian = record.patch_big_endian},
                                 .has_variables = record.variable_count != 0});
  }

  void plan_shuffle(const OpRecord& op) {
    ShufflePlan plan{};
    const uint8_t* const picks = tables_.bytes.from(op.argument);
    std::memcpy(plan.picks, picks, kShuffleBytes);
    if (op.kind == OpKind::kShuffle) std::memcpy(plan.fill, picks + kShuffleBytes, kShuffleBytes);
    plan.source = op.source;
    plan.target = op.target;
    plan_.shuffles_.push_back(plan);
  }

  void plan_route(uint32_t index) {
    const RouteRecord& record = tables_.routes[index];
    RoutePlan plan{};
    plan.mode = record.mode;
    plan.otherwise = record.otherwise;
    plan.record = &record;
    plan.actions = tables_.slots.from(record.actions);
    plan_checks(record, plan);
    plan_match(record, plan);
    plan_.routes_.push_back(plan);
  }

  void plan_checks(const RouteRecord& record, RoutePlan& plan) {
    const size_t first_range = plan_.ranges_.size();
    const size_t first_set = plan_.sets_.size();
    const size_t first_rest = plan_.rest_.size();
    for (uint32_t at = 0; at < record.check_count; ++at) {
      const CheckRecord& check = tables_.checks[record.checks + at];
      RangePlan range{};
      SetPlan set{};
      if (check.kind == CheckKind::kRange &&
          plan_range(tables_, check, record.message_bytes, range)) {
        plan_.ranges_.push_back(range);
      } else if (check.kind == CheckKind::kSet &&
                 plan_field(check.load, check.offset, record.message_bytes, Meaning::kKey,
                            set.field)) {
        set.words = tables_.words.from(check.table);
        set.bits = check.steps;
        set.hash_shift = 64u - check.steps;
        set.probe_max = check.count;
        plan_.sets_.push_back(set);
      } else {
        plan_.rest_.push_back(check);
      }
    }
    RangePlan* const ranges = plan_.ranges_.data() + first_range;
    RangePlan* const ranges_end = plan_.ranges_.data() + plan_.ranges_.size();
    plan.ranges = ranges;
    plan.plain_end = std::partition(ranges, ranges_end, [](const RangePlan& range) {
      return range.left == 0 && range.swaps == 0;
    });
    plan.ranges_end = ranges_end;
    plan.sets = plan_.sets_.data() + first_set;
    plan.sets_end = plan_.sets_.data() + plan_.sets_.size();
    plan.rest = plan_.rest_.data() + first_rest;
    plan.rest_end = plan_.rest_.data() + plan_.rest_.size();
  }

  void plan_match(const RouteRecord& record, RoutePlan& plan) {
    plan.match = record.matcher_count == 0 ? MatchPlanKind::kNone : MatchPlanKind::kOther;
    if (record.matcher_count != 1) return;
    const MatcherRecord& matcher = tables_.matchers[record.matchers];
    const bool is_table = matcher.kind == MatcherKind::kTable;
    if (!is_table && matcher.kind != MatcherKind::kWord) return;
    plan.match = is_table ? MatchPlanKind::kTable : MatchPlanKind::kWord;
    plan.matcher = &matcher;
    const size_t first_direct = plan_.direct_.size();
    const size_t first_few = plan_.few_.size();
    const size_t first_other = plan_.others_.size();
    for (uint32_t at = 0; at < matcher.field_count; ++at) {
      plan_class(tables_.match_fields[matcher.fields + at], record.message_bytes);
    }
    plan.direct = plan_.direct_.data() + first_direct;
    plan.direct_end = plan_.direct_.data() + plan_.direct_.size();
    plan.few = plan_.few_.data() + first_few;
    plan.few_end = plan_.few_.data() + plan_.few_.size();
    plan.others = plan_.others_.data() + first_other;
    plan.others_end = plan_.others_.data() + plan_.others_.size();
  }

  void plan_class(const MatchFieldRecord& record, uint32_t message_bytes) {
    FewPlan few{};
    if (record.kind == ClassMapKind::kDirect) {
      plan_.direct_.push_back({.slots = tables_.slots.from(record.table),
                               .rows = record.rows,
                               .offset = record.offset});
    } else if (record.kind == ClassMapKind::kSearch && record.bound_count <= kFewMax &&
               plan_field(record.load, record.offset, message_bytes, Meaning::kKey, few.field)) {
      few.rows = record.rows;
      plan_bounds(record, few);
      plan_.few_.push_back(few);
    } else {
      plan_.others_.push_back(&record);
    }
  }

  // Those that no value of the field reaches are left out, those that every value reaches are 0.
  void plan_bounds(const MatchFieldRecord& record, FewPlan& plan) {
    const Wide greatest = (static_cast<Wide>(1) << field_bits(record.load)) - 1;
    const uint64_t* const bounds = tables_.bounds.from(record.table);
    plan.bounds = plan_.bounds_.data() + plan_.bounds_.size();
    for (uint32_t at = 0; at < record.bound_count; ++at) {
      const Wide bound = std::max<Wide>(own_key(record.load, bounds[at]), 0);
      if (bound > greatest) continue;
      plan_.bounds_.push_back(static_cast<uint64_t>(bound) << plan.field.right);
      ++plan.bound_count;
    }
  }

  void plan_member(uint32_t index) {
    const MemberRecord& record = tables_.members[index];
    MemberPlan plan{};
    plan.message_bytes = record.message_bytes;
    plan.has_size = record.has_size != 0;
    const bool is_plain = record.view == kNoRecord &&
                          (!plan.has_size || plan_field(record.size_load, record.size_offset,
                                                        record.message_bytes, Meaning::kValue,
                                                        plan.size));
    plan.frame = is_plain ? FramePlan::kPlain : FramePlan::kOther;
    plan_.members_.push_back(plan);
  }

  void plan_source(uint32_t index) {
    const EndpointRecord& endpoint = tables_.endpoints[index];
    const FamilyRecord& family = tables_.families[endpoint.family];
    SourcePlan plan{};
    plan.family = &family;
    plan.is_raw = family.kind == FamilyKind::kRaw;
    plan.routes = tables_.endpoint_routes.from(endpoint.routes);
    plan.recognise = recognise_by(family, plan);
    if (!plan.is_raw) {
      plan.members = plan_.members_.data() + family.members;
      plan.records = tables_.members.from(family.members);
    }
    plan_.sources_.push_back(plan);
  }

  RecognisePlan recognise_by(const FamilyRecord& family, SourcePlan& plan) const {
    if (family.kind <= FamilyKind::kSingle) return RecognisePlan::kAlways;
    const bool is_direct = family.kind == FamilyKind::kDirect;
    if (!is_direct && family.member_count > kFewMax) return RecognisePlan::kOther;
    plan.message_bytes_min = std::max(family.message_bytes_min, kTopBytes);
    if (!plan_field(family.load, family.offset, plan.message_bytes_min, Meaning::kKey,
                    plan.discriminator)) {
      return RecognisePlan::kOther;
    }
    plan.slots = tables_.slots.from(family.slots);
    if (is_direct) return RecognisePlan::kDirect;
    plan.key_count = family.member_count;
    plan.keys = tables_.bounds.from(family.keys);
    return RecognisePlan::kFew;
  }

  const ImageTables& tables_;
  StepPlan plan_;
  std::vector<uint32_t> message_bytes_;  // By action.
};

Status StepPlan::make(const ImageTables& tables, StepPlan& plan) {
  return StepPlanner(tables).make(plan);
}

}  // namespace hyperroute
