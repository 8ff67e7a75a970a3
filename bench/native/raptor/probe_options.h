// What `hyperroute ping` and `perf` tell the executable. The command line has been checked there;
// what is wrong nevertheless ends the program with exit code 2.
// Thread: main, before the socket is opened.
#pragma once

#include <cstdint>
#include <vector>

#include "crypto/noise.h"
#include "io/address.h"
#include "io/lossy/lossy.h"
#include "raptor/stream_mode.h"

namespace hyperroute::probe {

enum class Role : uint8_t { kListen, kPing, kPerf };

// Bounds that lib/cli/probe-options.ts checks as well.
inline constexpr uint32_t kMessageBytesMax = raptor::kStreamMessageBytesDefault;
inline constexpr uint32_t kDataStreamsMax = 32;

struct ProbeOptions {
  Role role = Role::kListen;
  SocketAddress address;  // To bind, or to connect to.
  bool insecure = false;
  crypto::PrivateKey
      private_key;  // Of this end; read from stdin, where no list of processes has it.
  crypto::PublicKey server_key{};
  uint32_t loss_share = 0;  // Of kLossyShareMax, in both directions.
  uint64_t seed = 1;
  std::vector<uint32_t> cpus;  // Empty: wherever the kernel likes.
  bool is_spinning = false;    // Else it sleeps in the kernel while there is nothing to do.

  uint32_t message_bytes = 32;
  uint64_t count = 0;        // Of ping.
  uint64_t interval_ns = 0;  // Of ping; 0: the next leaves when the last is back.
  uint64_t duration_ns = 0;  // Of perf.
  uint64_t rate = 0;         // Of perf, messages a second in all; 0: as fast as they are taken.
  uint32_t stream_count = 1;
  raptor::StreamMode mode = raptor::StreamMode::kReliableOrdered;
  uint32_t deadline_us = 0;
};

// ROLE HOST PORT and pairs of an option and its value.
ProbeOptions parse_probe_options(int argument_count, char** arguments);

}  // namespace hyperroute::probe
