// Formatting of a probe's events.
#include "bench/native/raptor/probe_events.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace hyperroute::probe {
namespace {

constexpr const char* kReasonNames[] = {
    "none",    "closed",         "peer-closed", "peer-dead", "handshake-timeout",
    "refused", "protocol-error", "replaced",    "drained",   "local-limit",
};

// Escapes what JSON does not take as it is; control characters become spaces.
std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') json += '\\';
    json += static_cast<unsigned char>(character) < ' ' ? ' ' : character;
  }
  return json + "\"";
}

}  // namespace

JsonObject& JsonObject::add_raw(std::string_view name, std::string_view json) {
  if (!members_.empty()) members_ += ",";
  members_ += quoted(name);
  members_ += ":";
  members_ += json;
  return *this;
}

JsonObject& JsonObject::add(std::string_view name, uint64_t value) {
  return add_raw(name, std::to_string(value));
}

JsonObject& JsonObject::add(std::string_view name, double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", value);
  return add_raw(name, text);
}

JsonObject& JsonObject::add(std::string_view name, std::string_view text) {
  return add_raw(name, quoted(text));
}

JsonObject& JsonObject::add_flag(std::string_view name, bool value) {
  return add_raw(name, value ? "true" : "false");
}

JsonObject json_of(const LatencySummary& summary) {
  JsonObject json;
  json.add("count", summary.count)
      .add("minNs", summary.min_ns)
      .add("p50Ns", summary.p50_ns)
      .add("p90Ns", summary.p90_ns)
      .add("p99Ns", summary.p99_ns)
      .add("p999Ns", summary.p999_ns)
      .add("maxNs", summary.max_ns);
  return json;
}

JsonObject json_of(const Latencies& latencies) {
  std::string buckets;
  for (uint32_t index = 0; index < kHistogramBucketCount; ++index) {
    const uint64_t count = latencies.count_at(index);
    if (count == 0) continue;
    if (!buckets.empty()) buckets += ",";
    buckets += "[" + std::to_string(Histogram::bucket_low(index)) + "," + std::to_string(count);
    buckets += "]";
  }
  JsonObject json = json_of(latencies.summary());
  return json.add_raw("buckets", "[" + buckets + "]");
}

JsonObject json_of(const raptor::SessionCounters& counters) {
  JsonObject json;
  for (const auto& [name, value] : raptor::kSessionCounterNames) json.add(name, counters.*value);
  return json;
}

JsonObject json_of(const RaptorSocketCounters& counters) {
  JsonObject json;
  json.add("datagramsSent", counters.tx_datagrams)
      .add("sendCalls", counters.tx_calls)
      .add("datagramsReceived", counters.rx_datagrams)
      .add("receiveCalls", counters.rx_calls)
      .add("kernelDrops", counters.kernel_drops);
  return json;
}

JsonObject json_of(const Report& report) {
  JsonObject json;
  json.add("messages", report.messages)
      .add("bytes", report.bytes)
      .add("elapsedNs", report.elapsed_ns)
      .add("outOfOrder", report.out_of_order)
      .add("malformed", report.malformed)
      .add("packetsReceived", report.packets_received)
      .add("bytesReceived", report.bytes_received)
      .add("kernelDrops", report.kernel_drops);
  return json;
}

std::string text_of(const SocketAddress& address) {
  char text[kAddressTextBytes];
  return address.print(text);
}

std::string_view name_of(raptor::CloseReason reason) {
  const auto index = static_cast<size_t>(reason);
  return index < std::size(kReasonNames) ? kReasonNames[index] : "unknown";
}

void emit(std::string_view event, const JsonObject& members) {
  JsonObject line;
  line.add("event", event);
  std::string text = line.text();
  const std::string rest = members.text();
  text.pop_back();
  if (rest.size() > 2) text += ",";
  text += rest.substr(1) + "\n";
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!is_written) std::exit(1);
}

void emit_failure(const Status& status) {
  JsonObject members;
  members.add("code", std::string_view(hyperroute::name_of(status.code)))
      .add("message", std::string_view(status.context))
      .add("errno", uint64_t{static_cast<uint32_t>(status.system_errno)});
  emit("failed", members);
  std::exit(1);
}

}  // namespace hyperroute::probe
