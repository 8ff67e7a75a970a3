// Set-up of either end of a probe.
#include "bench/native/raptor/probe_end.h"

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/cpu.h"
#include "bench/native/raptor/probe_events.h"

namespace hyperroute::probe {
namespace {

volatile std::sig_atomic_t stop_asked = 0;

void on_stop_signal(int) { stop_asked = 1; }

// Where an end that connects binds: where the kernel likes, on this host only if the other end is.
Result<SocketAddress> local_for(const SocketAddress& remote) {
  if (remote.is_loopback()) return SocketAddress::parse(remote.is_ipv6() ? "::1" : "127.0.0.1", 0);
  return SocketAddress::parse(remote.is_ipv6() ? "::" : "0.0.0.0", 0);
}

}  // namespace

Status open_end(SocketLoop& loop, const ProbeOptions& options) {
  if (!options.cpus.empty()) HR_TRY(set_allowed_cpus(options.cpus));
  // The least that the kernel offers: a wait for the next message ends when it is due.
  static_cast<void>(set_timer_slack_ns(1));
  const bool is_listener = options.role == Role::kListen;
  RaptorSocketOptions socket;
  socket.local = options.address;
  if (!is_listener) {
    const Result<SocketAddress> local = local_for(options.address);
    if (!local.ok()) return local.status();
    socket.local = local.value();
  }
  // Whoever names an address that others reach means it.
  socket.exposed = true;
  socket.lossy.loss_share = options.loss_share;
  socket.lossy.seed = options.seed;
  socket.endpoint.is_listener = is_listener;
  socket.endpoint.insecure = options.insecure;
  socket.endpoint.sessions_max = kListenerSessionsMax;
  socket.endpoint.message_bytes_max = kMessageBytesMax;
  if (!options.insecure) {
    HR_TRY(crypto::load());
    const Result<crypto::KeyPair> keys = crypto::key_pair_of(options.private_key);
    if (!keys.ok()) return keys.status();
    socket.endpoint.static_keys = keys.value();
  }
  return loop.open(socket);
}

uint64_t clock_host_id() {
  char text[256] = {};
  size_t bytes = 0;
  if (std::FILE* const file = std::fopen("/proc/sys/kernel/random/boot_id", "re")) {
    bytes = std::fread(text, 1, sizeof text / 2, file);
    std::fclose(file);
  }
  uint64_t id = 0;
  if (bytes == 0) {
    uint8_t random[sizeof id] = {};
    static_cast<void>(crypto::random_bytes(random));
    std::memcpy(&id, random, sizeof id);
    return id;
  }
  const ssize_t space = ::readlink("/proc/self/ns/time", text + bytes, sizeof text - bytes);
  if (space > 0) bytes += static_cast<size_t>(space);
  const crypto::Hash hash = crypto::sha256({reinterpret_cast<const uint8_t*>(text), bytes});
  std::memcpy(&id, hash.data(), sizeof id);
  return id;
}

void watch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_stop_signal;
  // No SA_RESTART: a sleep ends at once.
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool is_stop_asked() noexcept { return stop_asked != 0; }

int run_probe(int argument_count, char** arguments) {
  const ProbeOptions options = parse_probe_options(argument_count, arguments);
  watch_stop_signals();
  switch (options.role) {
    case Role::kListen:
      return run_listener(options);
    case Role::kPing:
      return run_ping(options);
    case Role::kPerf:
      return run_perf(options);
  }
  return 1;
}

}  // namespace hyperroute::probe
