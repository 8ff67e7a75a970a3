// Verification of a route image: correlations, what routes look up in them and what rules open.
// Thread: control thread, before the image is installed. Not on the data path.
#include "route/image_verify.h"

namespace hyperroute {

Status ImageVerifier::verify_correlations() const {
  HR_IMAGE_REQUIRE(tables_.correlations.count < kNoIndex, "%u correlations",
                   tables_.correlations.count);
  for (uint32_t index = 0; index < tables_.correlations.count; ++index) {
    const CorrelationRecord& record = tables_.correlations[index];
    HR_IMAGE_REQUIRE(record.capacity >= 1 && record.capacity <= kCorrelationCapacityMax,
                     "correlation %u: a capacity of %u", index, record.capacity);
    HR_IMAGE_REQUIRE(record.timeout_ms >= 1 && record.timeout_ms <= kCorrelationTimeoutMsMax,
                     "correlation %u: a time-out of %u ms", index, record.timeout_ms);
    HR_IMAGE_REQUIRE(record.key_words <= kCorrelationKeyWordsMax &&
                         record.saved_words <= kCorrelationSavedWordsMax,
                     "correlation %u: entries of %u and %u words", index, record.key_words,
                     record.saved_words);
    HR_IMAGE_REQUIRE(record.evicts <= 1 && record.reserved[0] == 0 && record.reserved[1] == 0 &&
                         record.reserved[2] == 0,
                     "correlation %u: an unknown policy", index);
  }
  return Status::success();
}

// Fields that fill exactly so many words.
Status ImageVerifier::verify_kept(uint32_t first, uint32_t count, uint32_t word_count,
                                  const RouteRecord& route) {
  HR_TRY(verify_run(first, count, tables_.kept_fields.count, "kept fields"));
  uint32_t found_count = 0;
  for (uint32_t index = 0; index < count; ++index) {
    const KeptFieldRecord& field = tables_.kept_fields[first + index];
    HR_IMAGE_REQUIRE(field.kind <= KeptKind::kBytes && field.reserved == 0,
                     "an unknown kind of kept field");
    if (field.kind == KeptKind::kNumber) {
      HR_IMAGE_REQUIRE(field_fits(field.load, field.offset, route.message_bytes),
                       "a kept field lies outside its message");
    } else {
      HR_IMAGE_REQUIRE(field.bytes >= 1 && field.bytes <= kKeptBytesMax, "a kept field of %u bytes",
                       field.bytes);
      HR_IMAGE_REQUIRE(uint32_t{field.offset} + field.bytes <= route.message_bytes,
                       "a kept field lies outside its message");
    }
    found_count += kept_words(field);
    HR_IMAGE_REQUIRE(found_count <= word_count, "kept fields of more than %u words", word_count);
  }
  HR_IMAGE_REQUIRE(found_count == word_count, "kept fields of %u words, not %u", found_count,
                   word_count);
  return Status::success();
}

Status ImageVerifier::verify_lookup(uint32_t index, const RouteRecord& route) {
  HR_IMAGE_REQUIRE(index < tables_.lookups.count, "no lookup %u", index);
  const LookupRecord& lookup = tables_.lookups[index];
  HR_IMAGE_REQUIRE(lookup.correlation < tables_.correlations.count, "a lookup in correlation %u",
                   lookup.correlation);
  HR_IMAGE_REQUIRE(lookup.by <= LookupBy::kKey && lookup.reserved == 0 && lookup.reserved_end == 0,
                   "an unknown kind of lookup");
  if (lookup.by == LookupBy::kKey) {
    const uint32_t key_words = tables_.correlations[lookup.correlation].key_words;
    HR_IMAGE_REQUIRE(key_words >= 1, "a lookup by a key that there is not");
    return verify_kept(lookup.fields, lookup.field_count, key_words, route);
  }
  HR_IMAGE_REQUIRE(lookup.field_count == 1, "an id of %u fields", lookup.field_count);
  HR_TRY(verify_kept(lookup.fields, 1, 1, route));
  const KeptFieldRecord& field = tables_.kept_fields[lookup.fields];
  HR_IMAGE_REQUIRE(field.kind == KeptKind::kNumber && is_id_kind(field.load),
                   "an id that is no u64");
  return Status::success();
}

// The correlation in which the route's lookup finds something, or kNoIndex.
uint16_t ImageVerifier::found_by(const RouteRecord& route) const {
  if (route.check_count == 0) return kNoIndex;
  const CheckRecord& last = tables_.checks[route.checks + route.check_count - 1u];
  return last.kind == CheckKind::kLookup ? tables_.lookups[last.table].correlation : kNoIndex;
}

// An entry waits for one message, which leaves for certain.
Status ImageVerifier::verify_opening(const ActionRecord& action, const ExtraRecord& extra,
                                     const RouteRecord& route) {
  HR_IMAGE_REQUIRE(extra.opening < tables_.openings.count, "no opening %u", extra.opening);
  const OpeningRecord& opening = tables_.openings[extra.opening];
  HR_IMAGE_REQUIRE(opening.correlation < tables_.correlations.count, "an opening in correlation %u",
                   opening.correlation);
  HR_IMAGE_REQUIRE(opening.reserved == 0, "an unknown kind of opening");
  HR_IMAGE_REQUIRE(action.kind != ActionKind::kDiscard && action.kind != ActionKind::kBroadcast &&
                       (action.flags & kActionBestEffort) == 0,
                   "an opening that waits for no single message");
  const CorrelationRecord& record = tables_.correlations[opening.correlation];
  HR_TRY(verify_kept(opening.fields, opening.key_count, record.key_words, route));
  return verify_kept(opening.fields + opening.key_count, opening.saved_count, record.saved_words,
                     route);
}

// What an action and its transform need must be there when the message gets to them.
Status ImageVerifier::verify_needs(const ActionRecord& action, const Correlated& known) const {
  const bool is_correlated = action.kind == ActionKind::kCorrelatedSource ||
                             action.kind == ActionKind::kCorrelatedDestination;
  if (is_correlated) {
    HR_IMAGE_REQUIRE(known.found != kNoIndex, "a target that no lookup has found");
    HR_IMAGE_REQUIRE(action.target == 0 && action.load == 0, "a correlated target with a field");
  }
  if (action.transform == kNoIndex) return Status::success();
  const Correlated& needs = transform_needs_[action.transform];
  HR_IMAGE_REQUIRE(needs.found == kNoIndex || needs.found == known.found,
                   "transform %u writes what no lookup has found", action.transform);
  HR_IMAGE_REQUIRE(needs.opened == kNoIndex || needs.opened == known.opened,
                   "transform %u writes the id of an entry that is not opened", action.transform);
  return Status::success();
}

// An op about a correlation; `needs` takes what its transform needs of it.
Status ImageVerifier::verify_correlated_op(const OpRecord& op, const TransformRecord& transform,
                                           Correlated& needs) const {
  HR_IMAGE_REQUIRE(op.argument < tables_.correlations.count, "an op of correlation %u",
                   op.argument);
  HR_IMAGE_REQUIRE(transform.output_schema != kNoIndex, "a correlation in an entry of a group");
  HR_IMAGE_REQUIRE(op.kind == OpKind::kFromSaved || op.steps <= 1, "the id of an unknown entry");
  const bool is_of_found = op.kind == OpKind::kFromSaved || op.steps == 1;
  uint16_t& needed = is_of_found ? needs.found : needs.opened;
  HR_IMAGE_REQUIRE(needed == kNoIndex || needed == op.argument, "a transform of two correlations");
  needed = static_cast<uint16_t>(op.argument);
  HR_IMAGE_REQUIRE(op.kind == OpKind::kFromSaved || is_id_kind(op.store), "an id that is no u64");
  return Status::success();
}

}  // namespace hyperroute
