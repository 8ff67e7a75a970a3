// What a Raptor session takes of memory while it is idle: a listener with 1 and with 101 sessions,
// each with a stream either way that has carried a message. What they differ by, for each session,
// is told twice: the session's own memory (anonymous), and the rings of its streams (shared
// mappings), of which only the pages count that were touched. The other ends are endpoints of a
// forked process, since one peer has one session.
// Thread: main of either process.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bench/native/links/link.h"
#include "bench/native/options.h"
#include "bench/native/output.h"
#include "bench/native/pair.h"
#include "bench/native/raptor/socket_loop.h"

namespace hyperroute::links {

inline constexpr uint8_t kListenerKeyByte = 0x51;
inline constexpr uint8_t kConnectorKeyByte = 0x52;
inline constexpr uint32_t kCrowdLivenessUs = 20'000'000;
inline constexpr uint64_t kCrowdSettleNs = 300'000'000;

inline crypto::KeyPair crowd_keys(uint8_t byte) {
  std::array<uint8_t, 32> private_key;
  private_key.fill(byte);
  return take_or_fail(crypto::key_pair_of(private_key));
}

// An end that opens a stream in each session that comes to be, and sends a message.
class CrowdEnd {
 public:
  explicit CrowdEnd(bool is_listener) {
    RaptorSocketOptions options;
    options.local = take_or_fail(SocketAddress::parse("127.0.0.1", 0));
    options.endpoint.is_listener = is_listener;
    options.endpoint.liveness_us = kCrowdLivenessUs;
    options.endpoint.static_keys = crowd_keys(is_listener ? kListenerKeyByte : kConnectorKeyByte);
    const Status status = loop_.open(options);
    if (!status.ok()) fail(1, "Raptor: %s", status.context);
  }
  CrowdEnd(const CrowdEnd&) = delete;
  CrowdEnd& operator=(const CrowdEnd&) = delete;

  SocketAddress address() { return loop_.socket().local_address(); }
  uint32_t received_count() const { return received_count_; }

  void connect(const SocketAddress& listener) {
    const auto session =
        loop_.socket().connect(monotonic_ns(), listener, crowd_keys(kListenerKeyByte).public_key);
    if (!session.ok()) fail(1, "Raptor: %s", session.status().context);
  }

  void serve() {
    loop_.poll({&received_count_, [](void* context, std::span<const raptor::MessageView> views) {
                  *static_cast<uint32_t*>(context) += static_cast<uint32_t>(views.size());
                  return static_cast<uint32_t>(views.size());
                }});
    raptor::SessionEvent event;
    while (loop_.endpoint().next_event(event)) {
      if (event.kind == raptor::SessionEventKind::kEnded) {
        fail(1, "Raptor: a session ended, reason %u", static_cast<unsigned>(event.reason));
      }
      raptor::Session& session = *loop_.endpoint().session(event.session);
      const uint16_t stream = take_or_fail(session.open_stream(raptor::StreamOptions{}));
      const uint8_t message[kMessageBytesMin] = {};
      if (session.offer(loop_.now_ns(), stream, message) < 0) fail(1, "a message was not taken");
      loop_.endpoint().touch(event.session);
    }
    loop_.flush();
  }

 private:
  SocketLoop loop_;
  uint32_t received_count_ = 0;
};

// The forked process: one endpoint for each number that comes through `asked`.
[[noreturn]] inline void run_connectors(int asked, const SocketAddress& listener) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<std::unique_ptr<CrowdEnd>> ends;
  for (;;) {
    uint32_t count = 0;
    const ssize_t bytes = ::recv(asked, &count, sizeof count, MSG_DONTWAIT);
    if (bytes == 0) std::_Exit(0);
    for (; bytes == sizeof count && count > 0; --count) {
      ends.push_back(std::make_unique<CrowdEnd>(false));
      ends.back()->connect(listener);
      // One handshake at a time: a listener that is flooded asks for cookies, and that is slower.
      while (ends.back()->received_count() == 0) ends.back()->serve();
    }
    for (const auto& end : ends) end->serve();
  }
}

// Resident memory of this process in KiB, of the kind of that line of /proc/self/status.
inline uint64_t resident_kib(const char* kind) {
  std::FILE* const status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) fail(1, "cannot read /proc/self/status");
  char line[256];
  uint64_t kib = 0;
  bool is_found = false;
  while (!is_found && std::fgets(line, sizeof line, status) != nullptr) {
    is_found = std::strncmp(line, kind, std::strlen(kind)) == 0;
    if (is_found) kib = std::strtoull(line + std::strlen(kind), nullptr, 10);
  }
  std::fclose(status);
  if (!is_found) fail(1, "/proc/self/status has no %s", kind);
  return kib;
}

// `session_count` more sessions than one. The round of the rings has ", rings" after the subject.
inline void measure_session_memory(Output& output, const std::string& name,
                                   const std::string& subject, uint32_t session_count) {
  if (const Status status = crypto::load(); !status.ok()) fail(1, "Raptor: %s", status.context);
  CrowdEnd listener(true);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail(1, "no socket pair");
  const pid_t child = ::fork();
  if (child < 0) fail(1, "cannot fork");
  if (child == 0) {
    ::close(ends[0]);
    run_connectors(ends[1], listener.address());
  }
  ::close(ends[1]);
  const auto grow = [&](uint32_t more_count) {
    if (::send(ends[0], &more_count, sizeof more_count, 0) < 0) fail(1, "nobody connects");
    const uint32_t wanted_count = listener.received_count() + more_count;
    SpinGuard guard;
    for (uint32_t seen_count = 0; seen_count < wanted_count;) {
      listener.serve();
      if (seen_count != listener.received_count()) {
        seen_count = listener.received_count();
        guard = SpinGuard{};
      }
      if (guard.is_over()) fail(1, "%u of %u sessions", seen_count, wanted_count);
    }
    // What was sent is acknowledged meanwhile.
    const uint64_t until_ns = monotonic_ns() + kCrowdSettleNs;
    while (monotonic_ns() < until_ns) listener.serve();
  };
  grow(1);
  const uint64_t own_kib = resident_kib("RssAnon:");
  const uint64_t rings_kib = resident_kib("RssShmem:");
  grow(session_count);
  const auto each = [session_count](const char* kind, uint64_t before_kib) {
    return static_cast<double>(resident_kib(kind) - before_kib) / session_count;
  };
  output.add_figure(name, subject, "KiB", each("RssAnon:", own_kib));
  output.add_figure(name, subject + ", rings", "KiB", each("RssShmem:", rings_kib));
  ::kill(child, SIGKILL);
}

}  // namespace hyperroute::links
