// hyperroute-bench: the native subjects of the benches as one executable without dependencies.
//
//   hyperroute-bench ring|udp [--cpus A,B] [--payload BYTES]… [--rounds N] [--exchanges N]
//                             [--messages N] [--target SUBJECT:PORT:PID]…
//
// Prints one JSON object to stdout. Subjects alternate round by round in one run.
#include <signal.h>
#include <sys/prctl.h>

#include <cstring>

#include "base/clock.h"
#include "base/cpu.h"
#include "bench/native/options.h"
#include "bench/native/output.h"
#include "bench/native/subjects.h"

int main(int argument_count, char** arguments) {
  using namespace hyperroute;
  if (argument_count < 2) fail(2, "expected a bench: ring or udp");
  const bool ring = std::strcmp(arguments[1], "ring") == 0;
  if (!ring && std::strcmp(arguments[1], "udp") != 0) fail(2, "no bench '%s'", arguments[1]);
  const Options options = parse_options(argument_count - 2, arguments + 2);
  // Whoever started this must not leave it spinning behind.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  clock_init();
  Output output;
  if (ring) {
    bench_ring(options, output);
  } else {
    bench_udp(options, output);
  }
  if (!output.print()) fail(1, "cannot write to stdout");
  return 0;
}
