// What a plug-in gives and gets: functions in a shared library that decide, check, pick or build
// where no table can. docs/plugins.md explains it; examples/plugins is one.
//
// A plug-in is compiled C++20 and exports one function, `hyperroute_plugin`. Everything that
// passes between it and the router has the layout of C: no exceptions, no classes of a library.
//
// Thread: `create` and `destroy` are called by the control thread. The other functions are called
// by every worker, also at the same time and with the same instance: what they share they only
// read, or synchronise with atomics. Data path: they run once for each message, so they allocate
// nothing, lock nothing, call no system, throw nothing and end soon; nothing stops one that does
// not. They have the same answer for the same arguments: simulations and replays rely on it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperroute {

// Raised when anything below changes: a router takes plug-ins of its own version alone.
inline constexpr uint32_t kPluginAbi = 1;

// What the router takes from one plug-in, and from one use of a function.
inline constexpr uint32_t kPluginFunctionsMax = 256;
inline constexpr uint32_t kPluginErrorBytes = 160;

enum class PluginKind : uint32_t { kMatch = 0, kValidate = 1, kPick = 2, kTransform = 3 };

enum class PluginFieldType : uint32_t {
  kUnsigned = 0,
  kSigned = 1,  // Two's complement.
  kBytes = 2,   // Text with its padding, flags, floating-point numbers, arrays.
};

// Where a field lies in the view of a message, at no particular alignment.
struct PluginField {
  const char* name;  // Ends with a zero; gone after `create`.
  uint32_t offset;
  uint32_t bytes;
  PluginFieldType type;
  uint32_t is_big_endian;
};

// What one use of a function is made for.
struct PluginSetup {
  uint32_t struct_bytes;
  uint32_t view_bytes;        // Of every message that it will be shown; 0: none.
  const char* configuration;  // Of this use, ends with a zero; gone after `create`.
  const PluginField* fields;  // Named by this use; of a transform all of the source's.
  uint32_t field_count;
  uint32_t output_field_count;
  const PluginField* output_fields;  // Of a transform: the output's.
  uint32_t output_bytes;             // Of a transform: of every message that it writes.
  uint32_t member_count;             // Of a pick.
};

// How busy an endpoint is.
struct PluginLoad {
  uint32_t queued_bytes;
  uint32_t outstanding;  // Requests that were sent to it and have no answer yet.
};

// A message for which a member of a pool is looked for. Use the functions: where the arrays have a
// member is not theirs to know.
struct PluginPick {
  uint64_t key_hash;   // Of the pool's key; 0 where it has none.
  uint64_t random;     // Another number for each message.
  uint32_t* position;  // The worker's own word for this pool; 0 at first.
  uint32_t member_count;
  uint32_t member_bytes;
  const uint8_t* members;
  const uint8_t* alive;
  const PluginLoad* load;

  // Of the two arrays that follow. `member` is less than member_count.
  uint32_t endpoint_of(uint32_t member) const noexcept {
    const uint8_t* const record = members + static_cast<size_t>(member) * member_bytes;
    return record[0] | static_cast<uint32_t>(record[1]) << 8;
  }
  // Whether it can take messages now.
  bool is_usable(uint32_t member) const noexcept {
    return __atomic_load_n(alive + endpoint_of(member), __ATOMIC_RELAXED) != 0;
  }
  uint32_t queued_bytes(uint32_t member) const noexcept {
    return __atomic_load_n(&load[endpoint_of(member)].queued_bytes, __ATOMIC_RELAXED);
  }
  uint32_t outstanding(uint32_t member) const noexcept {
    return __atomic_load_n(&load[endpoint_of(member)].outstanding, __ATOMIC_RELAXED);
  }
};

// One function of a plug-in. Of the last four pointers the one of its kind is set, no other.
struct PluginFunction {
  uint32_t struct_bytes;  // sizeof(PluginFunction)
  PluginKind kind;
  const char* name;  // As configurations name it; letters, digits, `-` and `_`, at most 64.
  // Makes an instance for one use. Returns false after writing why, zero-terminated, to `error`.
  // May be null: there is no instance then.
  bool (*create)(const PluginSetup* setup, void** instance, char* error, uint32_t error_bytes);
  // Frees it, when no worker uses it any more. May be null.
  void (*destroy)(void* instance);
  // Not 0: the condition holds.
  uint32_t (*match)(void* instance, const uint8_t* view);
  // 0: the message is sound; n: it is rejected with the n-th code that the use names.
  uint32_t (*validate)(void* instance, const uint8_t* view);
  // The number of a member, from 0.
  uint32_t (*pick)(void* instance, const PluginPick* pick);
  // Writes the message, whose header and defaults are there already, into `output`, never more than
  // `capacity` bytes. Returns the bytes of the message, which are `capacity`; -n rejects with the
  // n-th code that the use names.
  int32_t (*transform)(void* instance, const uint8_t* view, uint8_t* output, uint32_t capacity);
};

// What `hyperroute_plugin` returns: lives as long as the library.
struct PluginTable {
  uint32_t abi;           // kPluginAbi
  uint32_t struct_bytes;  // sizeof(PluginTable)
  uint32_t function_count;
  uint32_t reserved;
  const PluginFunction* functions;
};

// The field of that name, or null.
inline const PluginField* find_field(const PluginField* fields, uint32_t count,
                                     const char* name) noexcept {
  for (uint32_t index = 0; index < count; ++index) {
    const char* left = fields[index].name;
    const char* right = name;
    while (*left != 0 && *left == *right) {
      ++left;
      ++right;
    }
    if (*left == *right) return &fields[index];
  }
  return nullptr;
}

// An integer field's bits, without its sign. Of at most 8 bytes.
inline uint64_t load_field_value(const PluginField& field, const uint8_t* view) noexcept {
  uint64_t value = 0;
  for (uint32_t index = 0; index < field.bytes; ++index) {
    const uint32_t place = field.is_big_endian != 0 ? index : field.bytes - 1 - index;
    value = value << 8 | view[field.offset + place];
  }
  return value;
}

inline void store_field_value(const PluginField& field, uint8_t* output, uint64_t value) noexcept {
  for (uint32_t index = 0; index < field.bytes; ++index) {
    const uint32_t place = field.is_big_endian != 0 ? field.bytes - 1 - index : index;
    output[field.offset + place] = static_cast<uint8_t>(value >> (8 * index));
  }
}

}  // namespace hyperroute

// The one function that a plug-in exports, by this name.
extern "C" __attribute__((visibility("default"))) const hyperroute::PluginTable*
hyperroute_plugin();
