// Calls functions of plug-ins, and believes nothing of what they answer.
//
// Thread: any (the functions are called by all workers). Data path: conditions, checks and
// transforms that are compiled C++ of the user's. The loader has shown that each use names a
// function of its kind, for messages of the view it is shown; here only answers are checked.
#pragma once

#include <cstdint>

#include "include/hyperroute/codes.h"
#include "route/image.h"

namespace hyperroute {

inline constexpr uint32_t kPluginFaultCode = static_cast<uint32_t>(RejectCode::kPluginFault);

// The n-th code that a use names, from 1.
inline uint32_t plugin_code(const ImageTables& tables, const PluginRecord& use,
                            uint64_t number) noexcept {
  if (number - 1 >= use.code_count) return kPluginFaultCode;
  return static_cast<uint32_t>(tables.bounds[use.codes + static_cast<uint32_t>(number) - 1]);
}

inline bool plugin_matches(const ImageTables& tables, uint32_t index,
                           const uint8_t* view) noexcept {
  const PluginCall& call = tables.plugin_calls[index];
  return call.function->match(call.instance, view) != 0;
}

// Returns 0 or the reject code.
inline uint32_t plugin_check(const ImageTables& tables, uint32_t index,
                             const uint8_t* view) noexcept {
  const PluginCall& call = tables.plugin_calls[index];
  const uint32_t answer = call.function->validate(call.instance, view);
  return answer == 0 ? 0 : plugin_code(tables, tables.plugins[index], answer);
}

// Returns 0 or the reject code; then nothing of the output is used.
inline uint32_t plugin_transform(const ImageTables& tables, uint32_t index, const uint8_t* view,
                                 uint8_t* output) noexcept {
  const PluginCall& call = tables.plugin_calls[index];
  const PluginRecord& use = tables.plugins[index];
  const int64_t answer = call.function->transform(call.instance, view, output, use.output_bytes);
  if (answer == use.output_bytes) return 0;
  return answer < 0 ? plugin_code(tables, use, static_cast<uint64_t>(-answer)) : kPluginFaultCode;
}

}  // namespace hyperroute
