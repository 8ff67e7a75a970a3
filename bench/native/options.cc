// Parsing of the command line.
#include "bench/native/options.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace hyperroute {
namespace {

constexpr int kUsageExit = 2;
constexpr uint32_t kCpuMax = 4095;
constexpr uint32_t kRoundCountMax = 1'000;
constexpr uint32_t kExchangeCountMax = 50'000'000;
constexpr uint32_t kMessageCountMax = 1'000'000'000;
constexpr uint32_t kPidMax = 1u << 22;

uint32_t parse_number(const char* name, std::string_view text, uint32_t low, uint32_t high) {
  uint64_t value = 0;
  bool valid = !text.empty() && text.size() <= 10;
  for (const char digit : text) {
    valid = valid && digit >= '0' && digit <= '9';
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  if (!valid || value < low || value > high) {
    fail(kUsageExit, "%s: expected a number from %u to %u, received '%.*s'", name, low, high,
         static_cast<int>(text.size()), text.data());
  }
  return static_cast<uint32_t>(value);
}

void parse_cpus(Options& options, std::string_view text) {
  const size_t comma = text.find(',');
  if (comma == std::string_view::npos) fail(kUsageExit, "--cpus: expected two CPUs, such as 0,1");
  options.client_cpu = parse_number("--cpus", text.substr(0, comma), 0, kCpuMax);
  options.server_cpu = parse_number("--cpus", text.substr(comma + 1), 0, kCpuMax);
  if (options.client_cpu == options.server_cpu) fail(kUsageExit, "--cpus: the two must differ");
}

// subject:port:pid
void parse_target(Options& options, std::string_view text) {
  const size_t first = text.find(':');
  const size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos || options.targets.size() >= kTargetCountMax) {
    fail(kUsageExit, "--target: expected subject:port:pid, at most %u times", kTargetCountMax);
  }
  UdpTarget target;
  target.subject = text.substr(0, first);
  const std::string_view port = text.substr(first + 1, second - first - 1);
  target.port = static_cast<uint16_t>(parse_number("--target", port, 1, UINT16_MAX));
  target.pid = static_cast<int32_t>(parse_number("--target", text.substr(second + 1), 1, kPidMax));
  options.targets.push_back(target);
}

void apply(Options& options, std::string_view name, const char* value) {
  if (name == "--cpus") {
    parse_cpus(options, value);
  } else if (name == "--payload") {
    options.payloads.push_back(
        parse_number("--payload", value, kPayloadBytesMin, kPayloadBytesMax));
  } else if (name == "--rounds") {
    options.round_count = parse_number("--rounds", value, 1, kRoundCountMax);
  } else if (name == "--exchanges") {
    options.exchange_count = parse_number("--exchanges", value, 1, kExchangeCountMax);
  } else if (name == "--messages") {
    options.message_count = parse_number("--messages", value, 1, kMessageCountMax);
  } else if (name == "--target") {
    parse_target(options, value);
  } else {
    fail(kUsageExit, "unknown option %.*s", static_cast<int>(name.size()), name.data());
  }
}

}  // namespace

Options parse_options(int argument_count, char** arguments) {
  Options options;
  for (int index = 0; index < argument_count; index += 2) {
    if (index + 1 >= argument_count) fail(kUsageExit, "%s needs a value", arguments[index]);
    apply(options, arguments[index], arguments[index + 1]);
  }
  if (options.payloads.empty()) options.payloads.push_back(kPayloadBytesMin);
  return options;
}

void fail(int exit_code, const char* format, ...) {
  char text[300];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "hyperroute-bench: %s\n", text);
  std::exit(exit_code);
}

}  // namespace hyperroute
