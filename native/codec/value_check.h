// Whether bytes hold a value of their field's type: what binding leaves to whoever decodes.
// Thread: any (pure functions). Data path: where whole messages are checked before they are used.
#pragma once

#include <cstddef>
#include <cstdint>

#include "include/hyperroute/codes.h"
#include "include/hyperroute/layout.h"
#include "include/hyperroute/read_datapath.h"

namespace hyperroute {

// `from` has the field's bytes; `symbols` are the field's. Of an array every element is checked.
// Strings, blobs and groups are not fixed fields and have no place here.
[[nodiscard]] bool is_field_value(const LayoutField& field, const LayoutSymbol* symbols,
                                  const uint8_t* from) noexcept;

// Whether it is well-formed UTF-8 (Unicode 15, table 3-7): no surrogates, nothing overlong.
[[nodiscard]] bool is_utf8(const uint8_t* text, size_t text_bytes) noexcept;

// The symbol of an enumeration's value; nullptr when it has none.
[[nodiscard]] const LayoutSymbol* find_value(const LayoutField& field, const LayoutSymbol* symbols,
                                             uint64_t value) noexcept;

// Checks every value of a message that bind() has accepted: bools, enumerations that reject what
// they do not name, integers up to 2^53 - 1, ascii, UTF-8. Absent fields, and those that the
// message is too old for, are not looked at. kNone or kBadValue. Of native layouts.
[[nodiscard]] MessageFault check_values(const MessageLayout& layout,
                                        const Message& message) noexcept;

}  // namespace hyperroute
