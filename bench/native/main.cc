// hyperroute-bench: the native subjects of the benches as one executable without dependencies.
//
//   hyperroute-bench ring|udp [--cpus A,B] [--payload BYTES]… [--rounds N] [--exchanges N]
//                             [--messages N] [--target SUBJECT:PORT:PID]…
//   hyperroute-bench route FLOW CPU ROUNDS PASSES NAME IMAGE MESSAGES
//   hyperroute-bench probe listen|ping|perf HOST PORT [OPTION VALUE]…
//
// Prints one JSON object to stdout. Subjects alternate round by round in one run. `probe` is one
// end of `hyperroute ping` and `perf`, and prints an object a line.
#include <signal.h>
#include <sys/prctl.h>

#include <string_view>

#include "base/clock.h"
#include "base/cpu.h"
#include "bench/native/options.h"
#include "bench/native/output.h"
#include "bench/native/raptor/probe_end.h"
#include "bench/native/route/main.h"
#include "bench/native/subjects.h"

int main(int argument_count, char** arguments) {
  using namespace hyperroute;
  if (argument_count < 2) fail(2, "expected a bench: ring, udp, route or probe");
  const std::string_view bench = arguments[1];
  // Whoever started this must not leave it spinning behind.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  clock_init();
  if (bench == "probe") return probe::run_probe(argument_count - 2, arguments + 2);
  Output output;
  if (bench == "ring") {
    bench_ring(parse_options(argument_count - 2, arguments + 2), output);
  } else if (bench == "udp") {
    bench_udp(parse_options(argument_count - 2, arguments + 2), output);
  } else if (bench == "route") {
    bench_route(argument_count - 2, arguments + 2, output);
  } else {
    fail(2, "no bench '%s'", arguments[1]);
  }
  if (!output.print()) fail(1, "cannot write to stdout");
  return 0;
}
