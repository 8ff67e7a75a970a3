// The records of a route image about plug-ins; image_format.h has the others.
// Thread: any (plain data). Laid over an image's bytes only after they were verified.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperroute {

// One use of a function of a plug-in. Names and configuration lie in bytes, codes in bounds.
struct PluginRecord {
  uint32_t kind;     // PluginKind
  uint32_t library;  // Which of the libraries that the image is installed with.
  uint32_t name;
  uint32_t name_bytes;
  uint32_t configuration;
  uint32_t configuration_bytes;
  uint32_t fields;
  uint32_t field_count;
  uint32_t output_fields;  // kTransform, as the count and the bytes.
  uint32_t output_field_count;
  uint32_t codes;  // kValidate, kTransform.
  uint32_t code_count;
  uint32_t view_bytes;
  uint32_t output_bytes;
  uint32_t member_count;  // kPick.
  uint32_t reserved;
};
static_assert(sizeof(PluginRecord) == 64 && offsetof(PluginRecord, view_bytes) == 48);

struct PluginFieldRecord {
  uint32_t name;
  uint32_t offset;
  uint16_t name_bytes;
  uint16_t bytes;
  uint8_t type;  // PluginFieldType
  uint8_t is_big_endian;
  uint16_t reserved;
};
static_assert(sizeof(PluginFieldRecord) == 16 && offsetof(PluginFieldRecord, name_bytes) == 8);

}  // namespace hyperroute
