// Makes the plan of an image: unfolds its records into what the step reads.
// Thread: control thread, when an image is loaded. Not on the data path.
#include "route/plan.h"

#include <algorithm>
#include <utility>

#include "route/image.h"
#include "route/image_verify.h"
#include "route/plan_fields.h"
#include "route/plan_transforms.h"

namespace hyperroute {
namespace {

// Records that many others share are unfolded for each of them.
constexpr uint64_t kPlanBytesMax = 128u << 20;
// Types of an endpoint that have a header each.
constexpr uint32_t kMembersMax = 256;

}  // namespace

// Fills the plan's arrays, then lets pointers point into them: they do not grow any more.
class StepPlanner {
 public:
  explicit StepPlanner(const ImageTables& tables) : tables_(tables) {}

  Status make(StepPlan& plan) {
    HR_TRY(reserve());
    for (uint32_t index = 0; index < tables_.kept_fields.count; ++index) {
      plan_.kept_.push_back(plan_kept(tables_.kept_fields[index]));
    }
    message_bytes_ = smallest_messages(tables_);
    for (uint32_t index = 0; index < tables_.actions.count; ++index) plan_action(index);
    plan_.transforms_ = plan_transforms(tables_);
    for (uint32_t index = 0; index < tables_.routes.count; ++index) plan_route(index);
    for (uint32_t index = 0; index < tables_.endpoints.count; ++index) plan_source(index);
    plan = std::move(plan_);
    return Status::success();
  }

 private:
  Status reserve() {
    uint64_t check_count = 0;
    uint64_t matcher_count = 0;
    uint64_t field_count = 0;
    uint64_t header_count = 0;
    for (uint32_t index = 0; index < tables_.routes.count; ++index) {
      const RouteRecord& route = tables_.routes[index];
      check_count += route.check_count;
      matcher_count += route.matcher_count;
      for (uint32_t at = 0; at < route.matcher_count; ++at) {
        field_count += tables_.matchers[route.matchers + at].field_count;
      }
    }
    for (uint32_t index = 0; index < tables_.endpoints.count; ++index) {
      const uint32_t member_count = tables_.families[tables_.endpoints[index].family].member_count;
      if (member_count <= kMembersMax) header_count += member_count;
    }
    // Of each record no more than one of its plans.
    constexpr uint64_t kCheckBytes = std::max(sizeof(PairPlan), sizeof(CheckRecord));
    constexpr uint64_t kFieldBytes = sizeof(FewPlan) + kFewMax * sizeof(uint64_t);
    HR_IMAGE_REQUIRE(check_count * kCheckBytes + matcher_count * sizeof(MatcherPlan) +
                             field_count * kFieldBytes + header_count * sizeof(HeaderPlan) +
                             transforms_bytes(tables_) +
                             tables_.kept_fields.count * sizeof(KeptPlan) <=
                         kPlanBytesMax,
                     "the tables refer to each other too often");
    plan_.ranges_.reserve(count_checks(tables_, CheckKind::kRange));
    plan_.sets_.reserve(count_checks(tables_, CheckKind::kSet));
    plan_.pairs_.reserve(count_checks(tables_, CheckKind::kPair));
    plan_.rest_.reserve(check_count);
    plan_.kept_.reserve(tables_.kept_fields.count);
    plan_.matchers_.reserve(matcher_count);
    plan_.few_.reserve(field_count);
    plan_.others_.reserve(field_count);
    plan_.bounds_.reserve(field_count * kFewMax);
    plan_.headers_.reserve(header_count);
    return Status::success();
  }

  void plan_action(uint32_t index) {
    const ActionRecord& record = tables_.actions[index];
    ActionPlan plan{};
    plan.record = &record;
    plan.pick = PickPlanKind::kOther;
    // Nothing is known of an action that no rule names.
    if (message_bytes_[index] == UINT32_MAX) return plan_.actions_.push_back(plan);
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
      plan.closes = extra.closes != 0;
      if (plan.closes) plan.decision.correlates |= kClosesEntry;
    }
    plan.is_plain = plan.opening == kNoIndex && !plan.keeps_size && !plan.closes;
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
    if (record.key == kNoRecord || pool.slot_count == 0) return false;
    const KeyFieldRecord& key = tables_.key_fields[record.key];
    if (key.kind != KeyFieldKind::kInteger || key.more != 0) return false;
    plan.slots = tables_.bytes.from(pool.slots);
    plan.members = tables_.pool_members.from(pool.members);
    plan.slot_count = pool.slot_count;
    plan.key = uint32_t{key.load} << 16 | key.offset;
    return plan_field(key.load, key.offset, message_bytes, Meaning::kValue, plan.field);
  }

  void plan_route(uint32_t index) {
    const RouteRecord& record = tables_.routes[index];
    RoutePlan plan{};
    plan.key = kNoRecord;
    plan.mode = record.mode;
    plan.otherwise = record.otherwise;
    plan.record = &record;
    plan.actions = tables_.slots.from(record.actions);
    plan.opening = find_opening(tables_, record);
    plan.number = static_cast<uint16_t>(index);
    if (plan.mode == RouteMode::kFirst) plan_key(record, plan);
    plan_checks(record, plan);
    plan_matchers(record, plan);
    plan_.routes_.push_back(plan);
  }

  void plan_key(const RouteRecord& record, RoutePlan& plan) const {
    for (uint32_t rule = 0; rule < record.rule_count && plan.key == kNoRecord; ++rule) {
      const ActionPlan& action = plan_.actions_[plan.actions[rule]];
      if (action.pick != PickPlanKind::kRanked) continue;
      plan.key = action.key;
      plan.key_field = action.field;
    }
  }

  void plan_checks(const RouteRecord& record, RoutePlan& plan) {
    const size_t first_range = plan_.ranges_.size();
    const size_t first_set = plan_.sets_.size();
    const size_t first_rest = plan_.rest_.size();
    const size_t first_pair = plan_.pairs_.size();
    for (uint32_t at = 0; at < record.check_count; ++at) {
      const CheckRecord& check = tables_.checks[record.checks + at];
      if (check.kind == CheckKind::kLookup) {
        plan.lookup = &tables_.lookups[check.table];
      } else if (!plan_check(check, record.message_bytes)) {
        plan_.rest_.push_back(check);
      }
    }
    RangePlan* const ranges = plan_.ranges_.data() + first_range;
    RangePlan* const ranges_end = plan_.ranges_.data() + plan_.ranges_.size();
    const RangePlan* const shifted = std::partition(ranges, ranges_end, [](const RangePlan& range) {
      return range.left == 0 && range.swaps == 0;
    });
    plan.plain_ranges = {ranges, shifted};
    plan.ranges = {shifted, ranges_end};
    plan.sets = run_from(plan_.sets_, first_set);
    plan.pairs = run_from(plan_.pairs_, first_pair);
    plan.rest = run_from(plan_.rest_, first_rest);
  }

  bool plan_check(const CheckRecord& check, uint32_t message_bytes) {
    RangePlan range{};
    SetPlan set{};
    PairPlan pair{};
    if (check.kind == CheckKind::kRange && plan_range(tables_, check, message_bytes, range)) {
      plan_.ranges_.push_back(range);
      return true;
    }
    if (check.kind == CheckKind::kPair && plan_pair(tables_, check, message_bytes, pair)) {
      plan_.pairs_.push_back(pair);
      return true;
    }
    if (check.kind != CheckKind::kSet ||
        !plan_field(check.load, check.offset, message_bytes, Meaning::kKey, set.field)) {
      return false;
    }
    set.words = tables_.words.from(check.table);
    set.bits = check.steps;
    set.hash_shift = 64u - check.steps;
    set.probe_max = check.count;
    plan_.sets_.push_back(set);
    return true;
  }

  void plan_matchers(const RouteRecord& record, RoutePlan& plan) {
    const size_t first = plan_.matchers_.size();
    for (uint32_t at = 0; at < record.matcher_count; ++at) {
      plan_matcher(tables_.matchers[record.matchers + at], record.message_bytes);
    }
    plan.matchers = run_from(plan_.matchers_, first);
  }

  void plan_matcher(const MatcherRecord& record, uint32_t message_bytes) {
    MatcherPlan plan{};
    plan.kind = record.kind;
    plan.rule_first = record.rule_first;
    plan.table = record.table;
    plan.record = &record;
    if (record.kind == MatcherKind::kTable || record.kind == MatcherKind::kWord) {
      const size_t first_few = plan_.few_.size();
      const size_t first_other = plan_.others_.size();
      for (uint32_t at = 0; at < record.field_count; ++at) {
        plan_class(tables_.match_fields[record.fields + at], message_bytes, plan);
      }
      plan.few = run_from(plan_.few_, first_few);
      plan.others = run_from(plan_.others_, first_other);
    }
    plan_.matchers_.push_back(plan);
  }

  void plan_class(const MatchFieldRecord& record, uint32_t message_bytes, MatcherPlan& plan) {
    FewPlan few{};
    if (record.kind == ClassMapKind::kDirect && plan.direct_count < kDirectMax) {
      plan.direct[plan.direct_count++] = {
          .slots = tables_.slots.from(record.table), .rows = record.rows, .offset = record.offset};
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

  void plan_source(uint32_t index) {
    const EndpointRecord& endpoint = tables_.endpoints[index];
    const FamilyRecord& family = tables_.families[endpoint.family];
    SourcePlan plan{};
    plan.family = &family;
    plan.routes = tables_.endpoint_routes.from(endpoint.routes);
    const size_t first = plan_.headers_.size();
    if (family.kind != FamilyKind::kRaw) plan_headers(family, plan.routes);
    const Run<HeaderPlan> headers = run_from(plan_.headers_, first);
    if (headers.end() - headers.begin() <= kHeadersMax) {
      plan.headers = headers;
    } else if (plan_field(family.load, family.offset, kHeaderBytes, Meaning::kKey,
                          plan.discriminator)) {
      plan.by_member = headers.first;
    }
    plan_.sources_.push_back(plan);
  }

  // One for each member, in order; messages that it takes more to tell match none.
  void plan_headers(const FamilyRecord& family, const uint16_t* routes) {
    if (family.member_count > kMembersMax) return;
    for (uint32_t number = 0; number < family.member_count; ++number) {
      HeaderPlan plan;
      if (!plan_header(tables_, family, number, plan)) plan.message_bytes = UINT32_MAX;
      plan.route = routes[number] == kNoIndex ? nullptr : &plan_.routes_[routes[number]];
      plan_.headers_.push_back(plan);
    }
  }

  const ImageTables& tables_;
  StepPlan plan_;
  std::vector<uint32_t> message_bytes_;  // By action.
};

Status StepPlan::make(const ImageTables& tables, StepPlan& plan) {
  return StepPlanner(tables).make(plan);
}

}  // namespace hyperroute
