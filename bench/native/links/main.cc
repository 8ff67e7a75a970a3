// hyperroute-bench-links: Raptor and its C++ peers as two-ended links. One process answers, another
// measures; bench/latency/raptor.ts starts both.
//
//   hyperroute-bench-links LINK answer|rtt|stream|timed-stream|open-loop|idle --name CASE
//     --subject NAME --port P --cpu N [--bytes N] [--count N] [--rate N] [--pause-us N]
//     [--loss PERMILLE] [--seed N] [--blocking 1]
//   hyperroute-bench-links raptor memory --name CASE --subject NAME --cpu N [--count N]
//   hyperroute-bench-links host pauses --name CASE --subject NAME --cpu N --peer-cpu N
//     --share PERCENT --pause-us N
//   hyperroute-bench-links list
//
// Each prints one JSON object to stdout, as hyperroute-bench does. The answering side runs until it
// is ended.
#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/clock.h"
#include "bench/native/links/host_pauses.h"
#include "bench/native/links/measure.h"
#include "bench/native/links/raptor_link.h"
#include "bench/native/links/session_memory.h"
#include "bench/native/links/udp_link.h"
#if defined(HR_LINK_ENET)
#include "bench/native/links/enet_link.h"
#endif
#if defined(HR_LINK_ZEROMQ)
#include "bench/native/links/zeromq_link.h"
#endif

namespace hyperroute::links {
namespace {

constexpr uint32_t kCountMax = 100'000'000;
constexpr uint32_t kPercentMax = 100;
constexpr uint32_t kPermille = 1000;

struct Arguments {
  std::string_view role;
  LinkOptions link;
  Case asked;
  uint32_t cpu = 0;
  uint32_t peer_cpu = 0;
  uint32_t share_percent = 0;
};

uint32_t number_or_fail(std::string_view name, const char* text, uint32_t high) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || value > high) {
    fail(2, "%.*s: expected a number up to %u, received '%s'", static_cast<int>(name.size()),
         name.data(), high, text);
  }
  return static_cast<uint32_t>(value);
}

void apply(Arguments& arguments, std::string_view name, const char* value) {
  if (name == "--name") {
    arguments.asked.name = value;
  } else if (name == "--subject") {
    arguments.asked.subject = value;
  } else if (name == "--port") {
    arguments.link.port = static_cast<uint16_t>(number_or_fail(name, value, UINT16_MAX));
  } else if (name == "--cpu") {
    arguments.cpu = number_or_fail(name, value, UINT16_MAX);
  } else if (name == "--peer-cpu") {
    arguments.peer_cpu = number_or_fail(name, value, UINT16_MAX);
  } else if (name == "--share") {
    arguments.share_percent = number_or_fail(name, value, kPercentMax);
  } else if (name == "--bytes") {
    arguments.asked.message_bytes = number_or_fail(name, value, kMessageBytesMax);
  } else if (name == "--count") {
    arguments.asked.message_count = number_or_fail(name, value, kCountMax);
  } else if (name == "--rate") {
    arguments.asked.rate = number_or_fail(name, value, kCountMax);
  } else if (name == "--pause-us") {
    arguments.asked.pause_us = number_or_fail(name, value, kCountMax);
  } else if (name == "--loss") {
    arguments.link.loss_permille = number_or_fail(name, value, kPermille);
  } else if (name == "--seed") {
    arguments.link.seed = number_or_fail(name, value, UINT32_MAX - 1);
  } else if (name == "--blocking") {
    arguments.link.is_blocking = number_or_fail(name, value, 1) == 1;
  } else {
    fail(2, "no option '%.*s'", static_cast<int>(name.size()), name.data());
  }
}

Arguments parse(int argument_count, char** values) {
  if (argument_count < 3 || argument_count % 2 == 0) {
    fail(2, "expected LINK, what to do, and pairs of an option and its value");
  }
  Arguments arguments;
  arguments.role = values[2];
  for (int index = 3; index + 1 < argument_count; index += 2) {
    apply(arguments, values[index], values[index + 1]);
  }
  arguments.link.is_server = arguments.role == "answer";
  if (arguments.asked.message_bytes < kMessageBytesMin || arguments.asked.message_count == 0) {
    fail(2, "--bytes is at least %u, --count at least 1", kMessageBytesMin);
  }
  if (arguments.role == "open-loop" && arguments.asked.rate == 0) fail(2, "--rate is missing");
  return arguments;
}

// Has its other ends in a process of its own.
void run_memory(const Arguments& arguments) {
  pin_or_fail(arguments.cpu);
  Output output;
  measure_session_memory(output, arguments.asked.name, arguments.asked.subject,
                         arguments.asked.message_count);
  if (!output.print()) fail(1, "cannot write to stdout");
}

void run_host_pauses(const Arguments& arguments) {
  if (arguments.share_percent == 0) fail(2, "--share is missing");
  Output output;
  measure_host_pauses(output, arguments.asked.name, arguments.asked.subject,
                      {arguments.cpu, arguments.peer_cpu},
                      double(arguments.share_percent) / kPercentMax, arguments.asked.pause_us);
  if (!output.print()) fail(1, "cannot write to stdout");
}

template <Link L>
void run(const Arguments& arguments) {
  L link(arguments.link);
  // After the link has made its own threads, which stay free to run where they like.
  pin_or_fail(arguments.cpu);
  if (arguments.link.is_server)
    Answerer<L>(link, arguments.asked, arguments.link.is_blocking).run();
  Output output;
  Measurer<L> measurer(link, arguments.asked, arguments.link.is_blocking);
  measurer.connect();
  if (arguments.role == "rtt") {
    const double cost_ns = add_clock(output);
    measurer.round_trips(output, cost_ns);
  } else if (arguments.role == "stream") {
    measurer.stream(output);
  } else if (arguments.role == "timed-stream") {
    measurer.timed_stream(output);
  } else if (arguments.role == "open-loop") {
    measurer.open_loop();
    return;
  } else if (arguments.role == "idle") {
    measurer.idle(output);
  } else {
    fail(2, "expected answer, rtt, stream, timed-stream, open-loop or idle");
  }
  if (!output.print()) fail(1, "cannot write to stdout");
}

// The links of this build, one a line.
int list() {
  std::puts("udp\nraptor\nraptor-insecure");
#if defined(HR_LINK_ENET)
  std::puts("enet");
#endif
#if defined(HR_LINK_ZEROMQ)
  std::puts("zeromq");
#endif
  return 0;
}

}  // namespace
}  // namespace hyperroute::links

int main(int argument_count, char** values) {
  using namespace hyperroute;
  using namespace hyperroute::links;
  if (argument_count == 2 && std::string_view(values[1]) == "list") return list();
  const Arguments arguments = parse(argument_count, values);
  // Whoever started this must not leave it spinning behind.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  clock_init();
  const std::string_view link = values[1];
  if (link == "raptor" && arguments.role == "memory") {
    run_memory(arguments);
  } else if (link == "host" && arguments.role == "pauses") {
    run_host_pauses(arguments);
  } else if (link == "udp") {
    run<UdpLink>(arguments);
  } else if (link == "raptor") {
    run<RaptorLink<false>>(arguments);
  } else if (link == "raptor-insecure") {
    run<RaptorLink<true>>(arguments);
#if defined(HR_LINK_ENET)
  } else if (link == "enet") {
    run<EnetLink>(arguments);
#endif
#if defined(HR_LINK_ZEROMQ)
  } else if (link == "zeromq") {
    run<ZeromqLink>(arguments);
#endif
  } else {
    fail(2, "this build has no link '%s'", values[1]);
  }
  return 0;
}
