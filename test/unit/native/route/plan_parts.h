// What tests of plans have in common: random messages and values, and tables that are no image.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "codec/field_datapath.h"
#include "route/image.h"
#include "unit/native/route/image_parts.h"

namespace hyperroute {

inline constexpr uint32_t kMessageBytes = 24;
using MessageBytes = std::array<uint8_t, kMessageBytes>;

inline std::vector<FieldKind> load_kinds() {
  std::vector<FieldKind> kinds;
  for (uint32_t kind = 0; kind < 256; ++kind) {
    if (is_load_kind(static_cast<FieldKind>(kind))) kinds.push_back(static_cast<FieldKind>(kind));
  }
  return kinds;
}

class Random {
 public:
  uint64_t next() { return engine_(); }
  // Often one that is small, or near the ends of a kind's values.
  uint64_t number() {
    const uint64_t word = next();
    switch (word % 4) {
      case 0:
        return word >> 32 & 0xF;
      case 1:
        return 0 - (word >> 32 & 0xF);
      default:
        return next() >> (word >> 8) % 64;
    }
  }
  MessageBytes message() {
    MessageBytes made;
    for (uint8_t& byte : made) {
      const uint64_t word = next();
      byte = static_cast<uint8_t>(word % 3 == 0 ? 0 : word % 3 == 1 ? 0xFF : word >> 8);
    }
    return made;
  }

 private:
  std::mt19937_64 engine_{20260101};
};

template <typename Record>
Table<Record> table_of(const std::vector<Record>& records) {
  return {records.data(), static_cast<uint32_t>(records.size())};
}

// Those sections of an image that a plan is made of.
inline ImageTables tables_of(const ImageParts& parts) {
  ImageTables tables;
  tables.routes = table_of(parts.routes);
  tables.checks = table_of(parts.checks);
  tables.match_fields = table_of(parts.match_fields);
  tables.actions = table_of(parts.actions);
  tables.pools = table_of(parts.pools);
  tables.pool_members = table_of(parts.pool_members);
  tables.transforms = table_of(parts.transforms);
  tables.ops = table_of(parts.ops);
  tables.bounds = table_of(parts.bounds);
  tables.slots = table_of(parts.slots);
  tables.words = table_of(parts.words);
  tables.wides = table_of(parts.wides);
  tables.bytes = table_of(parts.bytes);
  tables.matchers = table_of(parts.matchers);
  tables.cells = table_of(parts.cells);
  tables.extras = table_of(parts.extras);
  tables.taps = table_of(parts.taps);
  tables.key_fields = table_of(parts.key_fields);
  tables.openings = table_of(parts.openings);
  tables.lookups = table_of(parts.lookups);
  tables.kept_fields = table_of(parts.kept_fields);
  return tables;
}

}  // namespace hyperroute
