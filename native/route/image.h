// A verified route image: the compiled form of a configuration, ready for the step.
//
// Thread: loaded by the control thread; immutable afterwards, read by every worker without
// synchronisation. Nothing in it is ever written: what changes while it runs is in StepState.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/assert.h"
#include "base/memory.h"
#include "base/status.h"
#include "include/hyperroute/layout.h"
#include "include/hyperroute/plugin.h"
#include "route/image_format.h"
#include "route/plan.h"
#include "route/plugin_format.h"
#include "route/step.h"
#include "route/text_map_format.h"

namespace hyperroute {

// One section of an image. The index is verified at load, so only debug builds check it again.
template <typename Record>
struct Table {
  const Record* records = nullptr;
  uint32_t count = 0;

  const Record& operator[](uint32_t index) const noexcept {
    HR_DASSERT(index < count);
    return records[index];
  }
  // Where a run of records starts; the run may be empty and start at the end.
  const Record* from(uint32_t index) const noexcept {
    HR_DASSERT(index <= count);
    return records + index;
  }
};

// A function of a plug-in, made for one use.
struct PluginCall {
  const PluginFunction* function;
  void* instance;
};

struct ImageTables {
  Table<EndpointRecord> endpoints;
  Table<uint16_t> endpoint_routes;
  Table<FamilyRecord> families;
  Table<MemberRecord> members;
  Table<RouteRecord> routes;
  Table<CheckRecord> checks;
  Table<MatchFieldRecord> match_fields;
  Table<TermRecord> terms;
  Table<ActionRecord> actions;
  Table<PoolRecord> pools;
  Table<PoolMemberRecord> pool_members;
  Table<CarriersRecord> carriers;
  Table<TransformRecord> transforms;
  Table<OpRecord> ops;
  Table<Instruction> instructions;
  Table<uint64_t> bounds;
  Table<uint16_t> slots;
  Table<uint64_t> words;
  Table<GroupRecord> groups;
  Table<WideRecord> wides;
  Table<uint8_t> bytes;
  Table<ViewRecord> views;
  Table<ViewOpRecord> view_ops;
  Table<VariableRecord> variables;
  Table<uint64_t> layout_words;
  Table<MatcherRecord> matchers;
  Table<uint32_t> cells;
  Table<KeyFieldRecord> key_fields;
  Table<PluginRecord> plugins;
  Table<PluginFieldRecord> plugin_fields;
  Table<TextMapRecord> text_maps;
  Table<TopicStateRecord> topic_states;
  Table<ExtraRecord> extras;
  Table<TapRecord> taps;
  Table<CorrelationRecord> correlations;
  Table<LookupRecord> lookups;
  Table<OpeningRecord> openings;
  Table<KeptFieldRecord> kept_fields;
  // By view; of those of native messages.
  const MessageLayout* layouts = nullptr;
  // By plugin; each can be called.
  const PluginCall* plugin_calls = nullptr;
};

class RouteImage {
 public:
  RouteImage() noexcept = default;

  // Copies the image into memory of its own and verifies every offset, bound, index and op in
  // it. On failure (kImageCorrupt with the reason, kSystem without memory) `image` is unchanged.
  [[nodiscard]] static Status load(std::span<const uint8_t> image_bytes, RouteImage& image);

  ImageSummary summary() const noexcept;
  const ImageTables& tables() const noexcept { return tables_; }
  const StepPlan& plan() const noexcept { return plan_; }
  // What calls of plug-ins go to, by record: before anything is decided by the image. The functions
  // outlive it.
  void bind_plugins(std::vector<PluginCall> calls);
  // Whether an endpoint carries the message type of `carriers`, as a decision for a return
  // address names it.
  bool carries(uint16_t carriers, uint16_t endpoint) const noexcept {
    HR_DASSERT(endpoint < kEndpointsMax);
    return (tables_.carriers[carriers].endpoints[endpoint / 64] >> (endpoint % 64) & 1) != 0;
  }

 private:
  MemoryRegion memory_;
  // They point into the memory.
  std::vector<MessageLayout> layouts_;
  std::vector<PluginCall> plugin_calls_;
  ImageTables tables_;
  StepPlan plan_;
  uint32_t reject_code_max_ = 0;
};

}  // namespace hyperroute
