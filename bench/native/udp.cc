// UDP round trip on loopback. One bare client, pinned and spinning on a connected non-blocking
// socket, drives in turn: a bare echo (connected socket, non-blocking recv and send, spinning) and
// every target, such as the router, at its port. While one answers the others take no CPU: the
// bare echo sleeps, targets are stopped by signal.
// Thread: the client functions run in the parent, serve() in the child.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"
#include "bench/native/pair.h"
#include "bench/native/subjects.h"

namespace hyperroute {
namespace {

constexpr uint32_t kCheckCount = 200;
constexpr uint32_t kWarmupDivisor = 10;
constexpr uint32_t kWarmupCountMin = 500;
constexpr uint32_t kFirstAnswerTryCount = 50;
constexpr uint64_t kFirstAnswerNs = 100'000'000;
constexpr const char* kBareName = "raw UDP ping-pong";
constexpr uint32_t kBare = 0;  // Index of the subject; targets follow from 1.

struct UdpBench {
  std::vector<int> client_fds;  // By subject, each connected to its echo.
  int server_fd = -1;
  const Options* options = nullptr;
};

int open_socket() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, generic, sizeof address) != 0) {
    fail(1, "udp: cannot bind a socket to 127.0.0.1: %s", std::strerror(errno));
  }
  return fd;
}

uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t address_bytes = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &address_bytes) != 0) {
    fail(1, "udp: getsockname: %s", std::strerror(errno));
  }
  return ntohs(address.sin_port);
}

void connect_to(int fd, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail(1, "udp: cannot connect to 127.0.0.1:%u: %s", port, std::strerror(errno));
  }
}

// Spins until a datagram is there. -1: nothing came, or an error.
ssize_t receive(int fd, uint8_t* buffer, uint64_t silence_ns_max) {
  const uint64_t start_ns = silence_ns_max == 0 ? 0 : monotonic_ns();
  SpinGuard guard;
  for (;;) {
    const ssize_t received_bytes = ::recv(fd, buffer, kPayloadBytesMax, 0);
    if (received_bytes >= 0) return received_bytes;
    if (errno != EAGAIN && errno != ECONNREFUSED) return -1;
    if (guard.is_over()) return -1;
    if (silence_ns_max != 0 && monotonic_ns() - start_ns > silence_ns_max) return -1;
  }
}

bool serve(void* context, const Phase& phase) {
  const UdpBench& bench = *static_cast<const UdpBench*>(context);
  uint8_t buffer[kPayloadBytesMax];
  for (uint64_t done = 0; done < phase.message_count; ++done) {
    const ssize_t bytes = receive(bench.server_fd, buffer, 0);
    if (bytes < 0) return false;
    if (::send(bench.server_fd, buffer, static_cast<size_t>(bytes), 0) != bytes) return false;
  }
  return true;
}

bool exchange(int fd, uint8_t* payload, uint32_t payload_bytes, uint64_t sequence) {
  std::memcpy(payload, &sequence, sizeof sequence);
  if (::send(fd, payload, payload_bytes, 0) != static_cast<ssize_t>(payload_bytes)) return false;
  uint8_t answer[kPayloadBytesMax];
  const ssize_t answer_bytes = receive(fd, answer, 0);
  return answer_bytes == static_cast<ssize_t>(payload_bytes) &&
         std::memcmp(answer, &sequence, sizeof sequence) == 0;
}

const char* name_of(const UdpBench& bench, uint32_t subject) {
  return subject == kBare ? kBareName : bench.options->targets[subject - 1].subject.c_str();
}

// Targets must not stay stopped however this process ends. Plain data: it is read by a signal
// handler, and at exit, when everything else is gone.
int32_t target_pids[kTargetCountMax];
uint32_t target_pid_count = 0;

void continue_targets() {
  for (uint32_t index = 0; index < target_pid_count; ++index) ::kill(target_pids[index], SIGCONT);
}

void end_early(int) {
  continue_targets();
  ::_exit(1);
}

void continue_targets_at_any_end(const Options& options) {
  for (const UdpTarget& target : options.targets) target_pids[target_pid_count++] = target.pid;
  ::atexit(continue_targets);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, end_early);
}

// Lets a subject run, or takes the CPU away from it.
void set_running(const UdpBench& bench, uint32_t subject, bool running) {
  if (subject == kBare) return;  // Sleeps by itself between phases.
  ::kill(bench.options->targets[subject - 1].pid, running ? SIGCONT : SIGSTOP);
}

// Waits for the first answer of a target that was started or continued just now. Late answers to
// earlier tries are read away.
void await_first_answer(const UdpBench& bench, uint32_t subject, uint32_t payload_bytes) {
  const int fd = bench.client_fds[subject];
  uint8_t buffer[kPayloadBytesMax] = {};
  for (uint32_t attempt = 0; attempt < kFirstAnswerTryCount; ++attempt) {
    if (::send(fd, buffer, payload_bytes, 0) < 0 && errno != ECONNREFUSED) continue;
    if (receive(fd, buffer, kFirstAnswerNs) < 0) continue;
    for (uint32_t late = 0; late < attempt; ++late) {
      if (receive(fd, buffer, kFirstAnswerNs) < 0) break;
    }
    return;
  }
  fail(1, "udp: '%s' does not answer", name_of(bench, subject));
}

bool is_zero(const uint8_t* bytes, uint32_t byte_count) {
  return std::all_of(bytes, bytes + byte_count, [](uint8_t byte) { return byte == 0; });
}

// Every payload comes back with the bytes it left with.
void check_subject(Pair& pair, const UdpBench& bench, uint32_t subject, uint32_t payload_bytes) {
  Prng prng(payload_bytes);
  const int fd = bench.client_fds[subject];
  if (subject == kBare) pair.start(Phase{kBare, payload_bytes, kCheckCount});
  for (uint32_t done = 0; done < kCheckCount; ++done) {
    uint8_t payload[kPayloadBytesMax];
    uint8_t answer[kPayloadBytesMax];
    for (uint32_t index = 0; index < payload_bytes; ++index) {
      payload[index] = static_cast<uint8_t>(prng.next_u32());
    }
    const ssize_t expected_bytes = static_cast<ssize_t>(payload_bytes);
    bool is_same = false;
    if (::send(fd, payload, payload_bytes, 0) == expected_bytes) {
      ssize_t answer_bytes = receive(fd, answer, 0);
      // Answers to tries before the first that was answered in time may still come: zeros.
      for (uint32_t late = 0; late < kFirstAnswerTryCount && done == 0 &&
                              answer_bytes == expected_bytes && is_zero(answer, payload_bytes);
           ++late) {
        answer_bytes = receive(fd, answer, 0);
      }
      is_same = answer_bytes == expected_bytes && std::memcmp(payload, answer, payload_bytes) == 0;
    }
    if (!is_same) {
      fail(1, "udp: '%s' did not return datagram %u of the check (seed %u)",
           name_of(bench, subject), done, payload_bytes);
    }
  }
  if (subject == kBare && !pair.finish()) fail(1, "udp: the bare echo failed");
}

void time_subject(Pair& pair, const UdpBench& bench, uint32_t subject, uint32_t payload_bytes,
                  uint32_t exchange_count, Samples& samples) {
  samples.clear();
  uint8_t payload[kPayloadBytesMax] = {};
  const int fd = bench.client_fds[subject];
  if (subject == kBare) pair.start(Phase{kBare, payload_bytes, exchange_count});
  uint64_t before = ticks();
  for (uint32_t done = 0; done < exchange_count; ++done) {
    if (!exchange(fd, payload, payload_bytes, done)) {
      fail(1, "udp: '%s': answer %u is missing or wrong", name_of(bench, subject), done);
    }
    const uint64_t after = ticks();
    samples.add(after - before);
    before = after;
  }
  if (subject == kBare && !pair.finish()) fail(1, "udp: the bare echo failed");
}

void run_payload(Pair& pair, const UdpBench& bench, uint32_t payload_bytes, double cost_ns,
                 Output& output) {
  const Options& options = *bench.options;
  const uint32_t subject_count = static_cast<uint32_t>(bench.client_fds.size());
  const uint32_t warmup_count = std::max(kWarmupCountMin, options.exchange_count / kWarmupDivisor);
  Samples samples(std::max(options.exchange_count, warmup_count));
  const std::string name = "round trip " + std::to_string(payload_bytes) + " B";
  for (uint32_t round = 0; round < options.round_count; ++round) {
    for (uint32_t turn = 0; turn < subject_count; ++turn) {
      // Who comes first changes from round to round.
      const uint32_t subject = (round + turn) % subject_count;
      set_running(bench, subject, true);
      if (subject != kBare) await_first_answer(bench, subject, payload_bytes);
      if (round == 0) check_subject(pair, bench, subject, payload_bytes);
      time_subject(pair, bench, subject, payload_bytes, warmup_count, samples);
      time_subject(pair, bench, subject, payload_bytes, options.exchange_count, samples);
      set_running(bench, subject, false);
      output.add_latency(name, name_of(bench, subject), samples, cost_ns);
    }
  }
}

}  // namespace

void bench_udp(const Options& options, Output& output) {
  UdpBench bench{.client_fds = {open_socket()}, .server_fd = open_socket(), .options = &options};
  connect_to(bench.client_fds[kBare], port_of(bench.server_fd));
  connect_to(bench.server_fd, port_of(bench.client_fds[kBare]));
  for (const UdpTarget& target : options.targets) {
    bench.client_fds.push_back(open_socket());
    connect_to(bench.client_fds.back(), target.port);
  }
  Pair pair(options, serve, &bench);
  continue_targets_at_any_end(options);
  const double cost_ns = add_clock(output);
  const uint32_t subject_count = static_cast<uint32_t>(bench.client_fds.size());
  for (uint32_t subject = 0; subject < subject_count; ++subject) {
    set_running(bench, subject, false);
  }
  for (const uint32_t payload_bytes : options.payloads) {
    run_payload(pair, bench, payload_bytes, cost_ns, output);
  }
  for (const int fd : bench.client_fds) ::close(fd);
  ::close(bench.server_fd);
}

}  // namespace hyperroute
