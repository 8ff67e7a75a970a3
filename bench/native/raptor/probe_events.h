// What a probe prints: one JSON object a line, which lib/cli/probe.ts turns into text.
// Thread: main. Place: at the begin, the end and once a second, never beside a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "bench/native/raptor/probe_latencies.h"
#include "bench/native/raptor/probe_message.h"
#include "io/address.h"
#include "io/raptor/raptor_socket.h"
#include "raptor/session.h"

namespace hyperroute::probe {

// A JSON object under construction.
class JsonObject {
 public:
  JsonObject& add(std::string_view name, uint64_t value);
  JsonObject& add(std::string_view name, double value);
  JsonObject& add(std::string_view name, std::string_view text);
  JsonObject& add_flag(std::string_view name, bool value);
  JsonObject& add_null(std::string_view name) { return add_raw(name, "null"); }
  JsonObject& add(std::string_view name, const JsonObject& value) {
    return add_raw(name, value.text());
  }
  // `json` is a value as it stands.
  JsonObject& add_raw(std::string_view name, std::string_view json);
  [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

JsonObject json_of(const LatencySummary& summary);
// With the buckets that hold something, as pairs of their low bound in ns and their count.
JsonObject json_of(const Latencies& latencies);
JsonObject json_of(const raptor::SessionCounters& counters);
JsonObject json_of(const RaptorSocketCounters& counters);
JsonObject json_of(const Report& report);
std::string text_of(const SocketAddress& address);
// As in documents and for programs: "peer-dead".
std::string_view name_of(raptor::CloseReason reason);

// Prints one event; a reader that is gone ends the program.
void emit(std::string_view event, const JsonObject& members);
// Prints why nothing more comes, and ends the program with exit code 1.
[[noreturn]] void emit_failure(const Status& status);

}  // namespace hyperroute::probe
