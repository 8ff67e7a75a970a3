// Makes the plans of an image's transforms: the ops whose order makes no difference by what they
// do, the others as they are. Thread: control thread, when an image is loaded. Not on the data
// path.
#include "route/plan_transforms.h"

#include <cstring>

#include "codec/field_datapath.h"

namespace hyperroute {
namespace {

void plan_shuffle(const ImageTables& tables, const OpRecord& op, TransformPlans& plans) {
  ShufflePlan plan{};
  const uint8_t* const picks = tables.bytes.from(op.argument);
  std::memcpy(plan.picks, picks, kShuffleBytes);
  if (op.kind == OpKind::kShuffle) std::memcpy(plan.fill, picks + kShuffleBytes, kShuffleBytes);
  plan.source = op.source;
  plan.target = op.target;
  plans.shuffles.push_back(plan);
}

// Those that add come last. None of the others touches what they have written, or it would not
// stay. Returns how many add nothing.
size_t plan_shuffles(const ImageTables& tables, const TransformRecord& record,
                     TransformPlans& plans) {
  const size_t first = plans.shuffles.size();
  const OpRecord* const ops = tables.ops.from(record.ops);
  size_t plain_count = 0;
  for (const bool adds : {false, true}) {
    for (uint32_t at = 0; at < record.shuffle_count; ++at) {
      if ((ops[at].kind == OpKind::kShuffleMore) == adds) plan_shuffle(tables, ops[at], plans);
    }
    if (!adds) plain_count = plans.shuffles.size() - first;
  }
  return plain_count;
}

bool is_word(FieldKind store) { return !is_bit_kind(store) && field_bytes(store) == 8; }

// False: the op, or the one that it leads, is something else.
bool plan_word(const OpRecord* op, WordPlan& plan) {
  plan = {.source = WordSource::kReturnAddress,
          .swaps = (op->store & kFieldBigEndian) != 0,
          .offset = 0,
          .target = op->target};
  switch (op->kind) {
    case OpKind::kReturnAddress:
      return is_word(op->store);
    case OpKind::kCorrelationId:
      plan.source = op->steps == 0 ? WordSource::kOpeningId : WordSource::kFoundId;
      return is_word(op->store);
    case OpKind::kFromSaved:
      plan.source = WordSource::kSaved;
      plan.swaps = op[1].kind == OpKind::kSwap8;
      plan.offset = op[1].source;
      plan.target = op[1].target;
      return plan.swaps || op[1].kind == OpKind::kCopy8;
    default:
      return false;
  }
}

// Each byte is written once, and changed by the ops behind only: what writes bytes that nothing has
// to do with may come first.
void plan_op(const ImageTables& tables, const OpRecord* op, TransformPlans& plans) {
  WordPlan word;
  if (op->kind == OpKind::kMapByte && field_bytes(op->store) == 1) {
    plans.maps.push_back(
        {.values = tables.slots.from(op->argument), .source = op->source, .target = op->target});
  } else if (plan_word(op, word)) {
    plans.words.push_back(word);
  } else {
    plans.ops.push_back(*op);
    if (op->kind == OpKind::kFromSaved) plans.ops.push_back(op[1]);
  }
}

void plan_ops(const ImageTables& tables, const TransformRecord& record, TransformPlans& plans) {
  const OpRecord* const end = tables.ops.from(record.ops) + record.op_count;
  for (const OpRecord* op = tables.ops.from(record.ops) + record.shuffle_count; op < end; ++op) {
    plan_op(tables, op, plans);
    if (op->kind == OpKind::kFromSaved) ++op;
    // What it leads may be skipped, and has been written before.
    if (op->kind == OpKind::kGuard) plans.ops.push_back(*++op);
  }
}

uint64_t count_ops(const ImageTables& tables) {
  uint64_t count = 0;
  for (uint32_t index = 0; index < tables.transforms.count; ++index) {
    count += tables.transforms[index].op_count;
  }
  return count;
}

}  // namespace

uint64_t transforms_bytes(const ImageTables& tables) {
  constexpr uint64_t kOpBytes =
      sizeof(ShufflePlan) + sizeof(MapPlan) + sizeof(WordPlan) + sizeof(OpRecord);
  return count_ops(tables) * kOpBytes + tables.transforms.count * sizeof(TransformPlan);
}

TransformPlans plan_transforms(const ImageTables& tables) {
  TransformPlans plans;
  const uint64_t op_count = count_ops(tables);
  plans.shuffles.reserve(op_count);
  plans.maps.reserve(op_count);
  plans.words.reserve(op_count);
  plans.ops.reserve(op_count);
  plans.transforms.reserve(tables.transforms.count);
  for (uint32_t index = 0; index < tables.transforms.count; ++index) {
    const TransformRecord& record = tables.transforms[index];
    const size_t first_shuffle = plans.shuffles.size();
    const size_t first_map = plans.maps.size();
    const size_t first_word = plans.words.size();
    const size_t first_op = plans.ops.size();
    const size_t plain_count = plan_shuffles(tables, record, plans);
    plan_ops(tables, record, plans);
    const Run<ShufflePlan> shuffles = run_from(plans.shuffles, first_shuffle);
    const ShufflePlan* const adding = shuffles.first + plain_count;
    plans.transforms.push_back({.shuffles = {shuffles.first, adding},
                                .adding = {adding, shuffles.last},
                                .maps = run_from(plans.maps, first_map),
                                .words = run_from(plans.words, first_word),
                                .ops = run_from(plans.ops, first_op),
                                .record = &record,
                                .patch = {.offset = record.patch_offset,
                                          .bytes = record.patch_bytes,
                                          .big_endian = record.patch_big_endian},
                                .has_variables = record.variable_count != 0});
  }
  return plans;
}

}  // namespace hyperroute
