// Parsing of a probe's arguments, and of the private key on stdin.
#include "bench/native/raptor/probe_options.h"

#include <charconv>
#include <cstdio>
#include <string_view>

#include "bench/native/options.h"
#include "bench/native/raptor/probe_message.h"

namespace hyperroute::probe {
namespace {

constexpr int kUsageExit = 2;
constexpr uint64_t kNumberMax = uint64_t{1} << 53;  // What JavaScript writes exactly.
constexpr uint32_t kCpuMax = 4095;
constexpr uint64_t kNsMax = 1'000'000'000'000'000;  // 11 days.
constexpr uint32_t kHexBase = 16;
constexpr uint32_t kPositionalCount = 3;

[[noreturn]] void refuse(std::string_view name, std::string_view text) {
  fail(kUsageExit, "%.*s cannot be '%.*s'", static_cast<int>(name.size()), name.data(),
       static_cast<int>(text.size()), text.data());
}

uint64_t number(std::string_view name, std::string_view text, uint64_t low, uint64_t high) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end || value < low || value > high) refuse(name, text);
  return value;
}

// A key as 64 hexadecimal digits. Never repeated in a message: it may be the private one.
bool parse_key(std::string_view text, std::span<uint8_t, crypto::kKeyBytes> key) {
  if (text.size() != size_t{crypto::kKeyBytes} * 2) return false;
  for (uint32_t index = 0; index < crypto::kKeyBytes; ++index) {
    const char* const digits = text.data() + size_t{index} * 2;
    const auto [stopped, error] = std::from_chars(digits, digits + 2, key[index], kHexBase);
    if (error != std::errc{} || stopped != digits + 2) return false;
  }
  return true;
}

void read_private_key(ProbeOptions& options) {
  char line[crypto::kKeyBytes * 2 + 2] = {};
  const bool is_read = std::fgets(line, sizeof line, stdin) != nullptr;
  std::string_view text(line);
  if (text.ends_with('\n')) text.remove_suffix(1);
  const bool is_key = is_read && parse_key(text, options.private_key);
  crypto::wipe(line, sizeof line);
  if (!is_key) fail(kUsageExit, "expected this end's private key on stdin, 64 hexadecimal digits");
}

Role role_of(std::string_view text) {
  if (text == "listen") return Role::kListen;
  if (text == "ping") return Role::kPing;
  if (text == "perf") return Role::kPerf;
  fail(kUsageExit, "a probe can listen, ping or perf");
}

void add_cpus(ProbeOptions& options, std::string_view name, std::string_view text) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view cpu = text.substr(0, comma);
    options.cpus.push_back(static_cast<uint32_t>(number(name, cpu, 0, kCpuMax)));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
}

void apply_perf(ProbeOptions& options, std::string_view name, std::string_view text) {
  if (name == "--duration-ns") {
    options.duration_ns = number(name, text, 1, kNsMax);
  } else if (name == "--rate") {
    options.rate = number(name, text, 0, kNumberMax);
  } else if (name == "--streams") {
    options.stream_count = static_cast<uint32_t>(number(name, text, 1, kDataStreamsMax));
  } else if (name == "--mode") {
    const uint64_t mode = number(name, text, 0, raptor::kStreamModeCount - 1);
    options.mode = static_cast<raptor::StreamMode>(mode);
  } else if (name == "--deadline-us") {
    options.deadline_us = static_cast<uint32_t>(number(name, text, 1, UINT32_MAX));
  } else {
    refuse("an option", name);
  }
}

void apply(ProbeOptions& options, std::string_view name, std::string_view text) {
  if (name == "--insecure") {
    options.insecure = number(name, text, 0, 1) == 1;
  } else if (name == "--server-key") {
    if (!parse_key(text, options.server_key)) refuse(name, text);
  } else if (name == "--loss") {
    options.loss_share = static_cast<uint32_t>(number(name, text, 0, kLossyShareMax));
  } else if (name == "--seed") {
    options.seed = number(name, text, 0, kNumberMax);
  } else if (name == "--cpus") {
    add_cpus(options, name, text);
  } else if (name == "--spin") {
    options.is_spinning = number(name, text, 0, 1) == 1;
  } else if (name == "--bytes") {
    options.message_bytes = static_cast<uint32_t>(number(name, text, kHeadBytes, kMessageBytesMax));
  } else if (name == "--count") {
    options.count = number(name, text, 1, kNumberMax);
  } else if (name == "--interval-ns") {
    options.interval_ns = number(name, text, 0, kNsMax);
  } else {
    apply_perf(options, name, text);
  }
}

}  // namespace

ProbeOptions parse_probe_options(int argument_count, char** arguments) {
  const auto count = static_cast<uint32_t>(argument_count);
  if (count < kPositionalCount || (count - kPositionalCount) % 2 != 0) {
    fail(kUsageExit, "expected ROLE HOST PORT and pairs of an option and its value");
  }
  ProbeOptions options;
  options.role = role_of(arguments[0]);
  const auto port = static_cast<uint16_t>(number("a port", arguments[2], 0, UINT16_MAX));
  const Result<SocketAddress> address = SocketAddress::parse(arguments[1], port);
  if (!address.ok()) fail(kUsageExit, "%s", address.status().context);
  options.address = address.value();
  for (uint32_t index = kPositionalCount; index < count; index += 2) {
    apply(options, arguments[index], arguments[index + 1]);
  }
  if (!options.insecure) read_private_key(options);
  return options;
}

}  // namespace hyperroute::probe
