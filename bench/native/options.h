// Options of the executable: `--name value` pairs, some repeated. Every mistake ends the program
// with exit code 2 and a sentence on stderr.
// Thread: main, before anything is measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hyperroute {

// A process that answers like an echo and is driven by the bare client.
struct UdpTarget {
  std::string subject;
  uint16_t port;
  int32_t pid;  // Stopped while another subject is measured.
};

struct Options {
  uint32_t client_cpu = 0;
  uint32_t server_cpu = 1;
  std::vector<uint32_t> payloads;  // Bytes; at least one after parsing.
  uint32_t round_count = 31;
  uint32_t exchange_count = 10'000;  // Timed exchanges a round.
  uint32_t message_count = 500'000;  // Messages of a throughput round.
  std::vector<UdpTarget> targets;
};

inline constexpr uint32_t kTargetCountMax = 8;
inline constexpr uint32_t kPayloadBytesMin = 8;
inline constexpr uint32_t kPayloadBytesMax = 1024;

Options parse_options(int argument_count, char** arguments);

// Prints "hyperroute-bench: <message>" and ends the program.
[[noreturn]] void fail(int exit_code, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

}  // namespace hyperroute
