// Class maps: which class of a field's values a message's value belongs to.
//
// Thread: any (pure functions). Data path: the first half of a matcher. Within a class it makes no
// difference to any rule which value a message has, so all that follows works on class numbers:
// rows of bits and tables of rules are indexed by them.
#pragma once

#include <cstdint>

#include "codec/field_datapath.h"
#include "route/image.h"
#include "route/search_datapath.h"

namespace hyperroute {

// The class of the message's value in one field: which row of the field applies.
inline uint32_t class_of(const ImageTables& tables, const MatchFieldRecord& field,
                         const uint8_t* message) noexcept {
  if (field.kind == ClassMapKind::kDirect) {
    return tables.slots[field.table + message[field.offset]];
  }
  return count_not_above(tables.bounds.from(field.table), field.bound_count, field.steps,
                         load_field_key(message + field.offset, field.load));
}

}  // namespace hyperroute
