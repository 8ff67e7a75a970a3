// hyperroute-sim: the protocol core in a world of seeds, see docs/raptor-simulation.md.
//
//   hyperroute-sim --seeds N [--first F] [--step K] [--progress]   seeds F, F + K, … (N of them)
//   hyperroute-sim --seed S [--trace]                              one, and what happens in it
//   hyperroute-sim --self-test                                     every check finds its fault
//
// Prints `seed S: at T ms: what was violated` for each seed that fails and exits with 1; one line
// of totals at the end. --progress prints a line `done N` to stdout now and then, for sim.mjs.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "crypto/crypto.h"
#include "sim/self_test.h"
#include "sim/world.h"

namespace hyperroute::sim {
namespace {

struct Arguments {
  uint64_t first = 1;
  uint64_t seeds = 0;
  uint64_t step = 1;
  bool is_single = false;
  bool prints_trace = false;
  bool prints_progress = false;
  bool is_self_test = false;
};

// One run in so many is played twice, and both must go the same way.
constexpr uint64_t kTwiceOneIn = 20;
constexpr uint64_t kProgressEvery = 10;
constexpr uint32_t kFailuresMax = 10;
// By the wall clock: a seed takes a fraction of a second, so one that takes this hangs.
constexpr unsigned kHangSeconds = 120;

volatile uint64_t g_seed = 0;

// An assertion of the core aborts, and a loop without end is ended: the seed is what matters.
void on_signal(int number) {
  char text[100];
  const char* what = number == SIGALRM ? "hangs" : "crashed";
  const int length = std::snprintf(text, sizeof text, "seed %llu: %s (signal %d)\n",
                                   static_cast<unsigned long long>(g_seed), what, number);
  if (::write(STDOUT_FILENO, text, static_cast<size_t>(length)) < 0) ::_exit(4);
  ::_exit(3);
}

bool parse_number(const char* text, uint64_t& number) {
  char* end = nullptr;
  number = std::strtoull(text, &end, 10);
  return *text != '\0' && *end == '\0' && *text != '-';
}

bool parse(int count, char** values, Arguments& arguments) {
  for (int at = 1; at < count; ++at) {
    const std::string_view name = values[at];
    if (name == "--trace") {
      arguments.prints_trace = true;
    } else if (name == "--progress") {
      arguments.prints_progress = true;
    } else if (name == "--self-test") {
      arguments.is_self_test = true;
    } else {
      uint64_t number = 0;
      if (++at >= count || !parse_number(values[at], number)) return false;
      if (name == "--seeds") {
        arguments.seeds = number;
      } else if (name == "--first") {
        arguments.first = number;
      } else if (name == "--step") {
        arguments.step = number;
      } else if (name == "--seed") {
        arguments.first = number;
        arguments.seeds = 1;
        arguments.is_single = true;
      } else {
        return false;
      }
    }
  }
  return arguments.is_self_test || arguments.seeds > 0;
}

Outcome play(uint64_t seed, bool prints) {
  World world(seed, prints, Fault::kNone);
  return world.play();
}

int run(const Arguments& arguments) {
  uint64_t failures = 0;
  Coverage coverage;
  for (uint64_t index = 0; index < arguments.seeds && failures < kFailuresMax; ++index) {
    g_seed = arguments.first + index * arguments.step;
    ::alarm(kHangSeconds);
    Outcome outcome = play(g_seed, arguments.prints_trace);
    if (outcome.violation.empty() && (arguments.is_single || g_seed % kTwiceOneIn == 0)) {
      if (play(g_seed, false).trace_hash != outcome.trace_hash) {
        outcome.violation = "the same seed went another way the second time";
      }
    }
    coverage.add(outcome.coverage);
    if (!outcome.violation.empty()) {
      ++failures;
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(g_seed),
                  outcome.violation.c_str());
    } else if (arguments.is_single) {
      std::printf("seed %llu: trace %016llx\n", static_cast<unsigned long long>(g_seed),
                  static_cast<unsigned long long>(outcome.trace_hash));
    }
    if (arguments.prints_progress && (index + 1) % kProgressEvery == 0) {
      std::printf("done %llu\n", static_cast<unsigned long long>(index + 1));
    }
    std::fflush(stdout);
  }
  std::printf("total violations %llu", static_cast<unsigned long long>(failures));
#define HR_PRINT(name) \
  std::printf(", " #name " %llu", static_cast<unsigned long long>(coverage.name));
  HR_SIM_COVERAGE(HR_PRINT)
#undef HR_PRINT
  std::printf("\n");
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace hyperroute::sim

int main(int argument_count, char** values) {
  using namespace hyperroute;
  sim::Arguments arguments;
  if (!sim::parse(argument_count, values, arguments)) {
    std::fprintf(stderr,
                 "hyperroute-sim: expected --seeds N [--first F] [--step K] [--progress], "
                 "--seed S [--trace] or --self-test\n");
    return 2;
  }
  if (const Status loaded = crypto::load(); !loaded.ok()) {
    std::fprintf(stderr, "hyperroute-sim: %s\n", loaded.context);
    return 2;
  }
  std::signal(SIGABRT, sim::on_signal);
  std::signal(SIGSEGV, sim::on_signal);
  std::signal(SIGALRM, sim::on_signal);
  return arguments.is_self_test ? sim::self_test() : sim::run(arguments);
}
