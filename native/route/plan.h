// The plan of an image: what the step reads of it for the usual message, laid out for that.
//
// An image is compact and its records name each other by number; a plan has the same content
// unfolded: pointers in place of numbers, each field as the top bits of eight bytes, each action
// with the decision that it nearly always gives. What is rare is left to the records, which the
// plan points to. It says nothing that the image does not say.
//
// Thread: made by the control thread when an image is loaded; immutable, read by every worker.
#pragma once

#include <cstdint>
#include <vector>

#include "base/shuffle.h"
#include "base/status.h"
#include "route/image_format.h"
#include "route/step.h"

namespace hyperroute {

struct ImageTables;

// Records that follow each other.
template <typename Record>
struct Run {
  const Record* first = nullptr;
  const Record* last = nullptr;  // Behind the last one.

  [[nodiscard]] const Record* begin() const noexcept { return first; }
  [[nodiscard]] const Record* end() const noexcept { return last; }
  [[nodiscard]] bool empty() const noexcept { return first == last; }
};

// Those that stand at `first` and behind it.
template <typename Record>
Run<Record> run_from(const std::vector<Record>& records, size_t first) {
  return {records.data() + first, records.data() + records.size()};
}

// One integer, or one bit, wherever its message is at least as long as it was planned for. Eight
// bytes are loaded, all within the message; the field's bits are shifted to their top.
struct FieldPlan {
  uint64_t flip;    // The top bit, if the field is signed: keys are in the order of values.
  uint64_t bias;    // What is added to a key, once it is shifted down, to have what is asked for.
  uint16_t offset;  // Of the eight bytes.
  uint8_t left;
  uint8_t right;
  uint32_t swaps;  // 1: big-endian.
};

// The field lies between two values. Compared where it stands, at the top of its eight bytes.
struct RangePlan {
  uint64_t low;
  uint64_t span;
  uint16_t offset;
  uint8_t left;
  uint32_t swaps;
};

// The sum, difference or product of two fields lies between two values; no result needs more than
// 64 bits.
struct PairPlan {
  FieldPlan left;
  FieldPlan right;
  uint64_t low;
  uint64_t span;
  Opcode operation;
};

// The field is one of many values.
struct SetPlan {
  FieldPlan field;
  const uint64_t* words;
  uint32_t bits;
  uint32_t hash_shift;
  uint32_t probe_max;
};

// The classes of one field of a matcher.
struct DirectPlan {
  const uint16_t* slots;  // By the value of one byte.
  uint32_t rows;          // As in the record.
  uint16_t offset;
};

// The class is how many bounds lie at or below the field, all of which are compared.
inline constexpr uint32_t kFewMax = 12;
struct FewPlan {
  FieldPlan field;
  const uint64_t* bounds;  // At the top of eight bytes.
  uint32_t bound_count;
  uint32_t rows;
};

// More than these are among the other fields.
inline constexpr uint32_t kDirectMax = 4;
struct MatcherPlan {
  MatcherKind kind;
  uint32_t rule_first;
  uint32_t table;
  // Of kTable and kWord, the fields; their order makes no difference. Nearly all have such, and
  // what a message's rule waits for is one load less where they stand here.
  uint32_t direct_count;
  DirectPlan direct[kDirectMax];
  Run<FewPlan> few;
  Run<const MatchFieldRecord*> others;
  const MatcherRecord* record;
};

enum class PickPlanKind : uint8_t {
  kDone,        // Nothing depends on the message.
  kAddress,     // The message says where.
  kRanked,      // The first member of the slot that the hash of one number picks, if it is well.
  kPool,        // As the records say.
  kCorrelated,  // Where the opening message came from, or went.
  kOther,       // A decision that only the records give.
};

struct alignas(64) ActionPlan {
  // But for the route and the rule, and what depends on the message.
  Decision decision;
  PickPlanKind pick;
  bool is_plain;     // None of the three below.
  bool keeps_size;   // The message goes out as it came.
  uint16_t opening;  // kNoIndex: none.
  bool closes;       // What was found.
  bool to_source;    // kCorrelated.
  const ActionRecord* record;
  FieldPlan field;  // kAddress: the address; kRanked: the key.
  // kRanked.
  uint32_t key;  // Equal for equal keys, and only for those.
  const uint8_t* slots;
  const PoolMemberRecord* members;
  uint32_t slot_count;
};

struct RoutePlan {
  RouteMode mode;
  uint16_t number;
  // The key of the first action that is kRanked; kNoRecord: none is. Hashed before it is known
  // which action it will be: most of the others have the same, and nothing waits for it then.
  uint32_t key;
  FieldPlan key_field;
  uint32_t otherwise;
  // Checks whose order makes no difference while all of them hold. Plain ranges are of fields that
  // stand on top of their eight bytes as they are loaded.
  Run<RangePlan> plain_ranges;
  Run<RangePlan> ranges;
  Run<SetPlan> sets;
  Run<PairPlan> pairs;
  // The others, in order.
  Run<CheckRecord> rest;
  const LookupRecord* lookup;    // nullptr: none.
  const OpeningRecord* opening;  // Of the first rule that has one; nullptr: none.
  Run<MatcherPlan> matchers;
  const uint16_t* actions;  // By rule.
  const RouteRecord* record;
};

// Messages of one type, where all that tells them from others lies in their first sixteen bytes:
// the discriminator, and the field that says the size.
struct HeaderPlan {
  uint64_t mask[2];
  uint64_t expected[2];
  uint32_t message_bytes;
  const RoutePlan* route;  // nullptr: nothing serves them.
};

// More types than these are not compared one after the other.
inline constexpr uint32_t kHeadersMax = 8;

struct SourcePlan {
  // All compared; none: there are more, or the records say which type a message is of.
  Run<HeaderPlan> headers;
  // Where there are more: by the member that the discriminator names; nullptr: not planned.
  const HeaderPlan* by_member;
  FieldPlan discriminator;  // Its key.
  const FamilyRecord* family;
  const uint16_t* routes;  // By member.
};

struct ShufflePlan {
  uint8_t picks[kShuffleBytes];
  uint8_t fill[kShuffleBytes];  // Of those that do not add.
  uint16_t source;
  uint16_t target;
};

// A byte for each value of one byte; kNoIndex: there is none.
struct MapPlan {
  const uint16_t* values;
  uint16_t source;
  uint16_t target;
};

// What the step knows besides the message.
enum class WordSource : uint8_t { kReturnAddress, kOpeningId, kFoundId, kSaved };

// Eight bytes that are not the message's.
struct WordPlan {
  WordSource source;
  bool swaps;       // To big-endian.
  uint16_t offset;  // kSaved: in what is kept.
  uint16_t target;
};

struct TransformPlan {
  Run<ShufflePlan> shuffles;
  Run<ShufflePlan> adding;  // Then these: what they write is or'ed with what is there.
  // Whose order makes no difference while all values have an entry.
  Run<MapPlan> maps;
  Run<WordPlan> words;
  Run<OpRecord> ops;  // The others, in order.
  const TransformRecord* record;
  SequencePatch patch;
  bool has_variables;
};

// All of an image, by number, and what they point to.
struct TransformPlans {
  std::vector<TransformPlan> transforms;
  std::vector<ShufflePlan> shuffles;
  std::vector<MapPlan> maps;
  std::vector<WordPlan> words;
  std::vector<OpRecord> ops;
};

// A number that is kept of a message, or bytes as the record says.
struct KeptPlan {
  bool is_planned;
  FieldPlan field;
};

// Moves with its image; what it points to stays.
class StepPlan {
 public:
  // Of tables that were verified, and that stay where they are.
  // kImageCorrupt: they refer to each other so often that a plan would be too large.
  static Status make(const ImageTables& tables, StepPlan& plan);

  [[nodiscard]] const SourcePlan& source(uint16_t endpoint) const noexcept {
    return sources_[endpoint];
  }
  [[nodiscard]] const RoutePlan& route(uint16_t number) const noexcept { return routes_[number]; }
  [[nodiscard]] const ActionPlan& action(uint16_t number) const noexcept {
    return actions_[number];
  }
  [[nodiscard]] const TransformPlan& transform(uint16_t number) const noexcept {
    return transforms_.transforms[number];
  }
  [[nodiscard]] const KeptPlan* kept(uint32_t number) const noexcept {
    return kept_.data() + number;
  }

 private:
  friend class StepPlanner;

  std::vector<SourcePlan> sources_;
  std::vector<HeaderPlan> headers_;
  std::vector<RoutePlan> routes_;
  std::vector<RangePlan> ranges_;
  std::vector<SetPlan> sets_;
  std::vector<PairPlan> pairs_;
  std::vector<CheckRecord> rest_;
  std::vector<MatcherPlan> matchers_;
  std::vector<FewPlan> few_;
  std::vector<const MatchFieldRecord*> others_;
  std::vector<uint64_t> bounds_;
  std::vector<ActionPlan> actions_;
  TransformPlans transforms_;
  std::vector<KeptPlan> kept_;
};

}  // namespace hyperroute
