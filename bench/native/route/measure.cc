// One reading of the clock a message, or one a burst.
#include "bench/native/route/measure.h"

#include <cstring>

#include "bench/native/allocations.h"
#include "bench/native/options.h"

namespace hyperroute {
namespace {

void check_same(const RouteSubject& one, const Routed& ours, const Routed& theirs, size_t index) {
  const bool is_same =
      ours.endpoint == theirs.endpoint && ours.bytes == theirs.bytes &&
      ours.reject_code == theirs.reject_code &&
      (ours.bytes == 0 || std::memcmp(ours.output, theirs.output, ours.bytes) == 0);
  if (is_same) return;
  fail(1, "message %zu: ours goes to %u with code %u, that of '%s' to %u with code %u", index,
       ours.endpoint, ours.reject_code, one.name(), theirs.endpoint, theirs.reject_code);
}

// Only ever whole bursts, so that each sample is of as many messages.
std::span<const RouteInput> whole_bursts(std::span<const RouteInput> inputs) {
  return inputs.first(inputs.size() - inputs.size() % kBurstCount);
}

class Measurement {
 public:
  Measurement(std::span<const RouteInput> inputs, const RouteRun& run, double clock_ns)
      : inputs_(inputs), bursts_(whole_bursts(inputs)), run_(run), clock_ns_(clock_ns) {}

  void singles(RouteSubject& subject, Output& output) {
    Samples samples(static_cast<uint32_t>(inputs_.size()) * run_.pass_count);
    const uint64_t allocated = allocation_count();
    uint32_t rejected = 0;
    for (uint32_t pass = 0; pass < run_.pass_count; ++pass) {
      rejected = subject.run_timed(inputs_, samples);
    }
    const uint64_t allocations = allocation_count() - allocated;
    check_rejected(subject, rejected, inputs_);
    output.add_latency(std::string(run_.name) + ": one at a time", subject.name(), samples,
                       clock_ns_, {.counts_allocations = true, .allocations = allocations});
  }

  void bursts(RouteSubject& subject, Output& output) {
    Samples samples(static_cast<uint32_t>(bursts_.size()) / kBurstCount * run_.pass_count);
    const uint64_t allocated = allocation_count();
    uint32_t rejected = 0;
    for (uint32_t pass = 0; pass < run_.pass_count; ++pass) rejected = one_pass(subject, samples);
    const uint64_t allocations = allocation_count() - allocated;
    check_rejected(subject, rejected, bursts_);
    output.add_latency(
        std::string(run_.name) + ": bursts of 32", subject.name(), samples, clock_ns_,
        {.operation_count = kBurstCount, .counts_allocations = true, .allocations = allocations});
  }

 private:
  uint32_t one_pass(RouteSubject& subject, Samples& samples) {
    uint32_t rejected = 0;
    for (size_t start = 0; start < bursts_.size(); start += kBurstCount) {
      const uint64_t before = ticks();
      rejected += subject.run(bursts_.subspan(start, kBurstCount));
      samples.add(ticks() - before);
    }
    return rejected;
  }

  static void check_rejected(const RouteSubject& subject, uint32_t rejected,
                             std::span<const RouteInput> inputs) {
    uint32_t expected = 0;
    for (const RouteInput& input : inputs) expected += input.expected == kNowhere ? 1 : 0;
    if (rejected != expected) fail(1, "'%s' has rejected %u messages", subject.name(), rejected);
  }

  std::span<const RouteInput> inputs_;
  std::span<const RouteInput> bursts_;
  const RouteRun& run_;
  double clock_ns_;
};

}  // namespace

void check_routers(std::span<RouteSubject* const> subjects, std::span<const RouteInput> inputs) {
  for (size_t index = 0; index < inputs.size(); ++index) {
    const Routed ours = subjects.front()->route(inputs[index]);
    if (ours.endpoint != inputs[index].expected) {
      fail(1, "message %zu went to %u, expected %u", index, ours.endpoint, inputs[index].expected);
    }
    for (RouteSubject* const subject : subjects.subspan(1)) {
      check_same(*subject, ours, subject->route(inputs[index]), index);
    }
  }
}

void measure_routers(std::span<RouteSubject* const> subjects, std::span<const RouteInput> inputs,
                     const RouteRun& run, double clock_ns, Output& output) {
  Measurement measurement(inputs, run, clock_ns);
  // The first round only warms up.
  Output discarded;
  for (uint32_t round = 0; round <= run.round_count; ++round) {
    Output& to = round == 0 ? discarded : output;
    for (size_t turn = 0; turn < subjects.size(); ++turn) {
      measurement.singles(*subjects[(turn + round) % subjects.size()], to);
    }
    for (size_t turn = 0; turn < subjects.size(); ++turn) {
      measurement.bursts(*subjects[(turn + round) % subjects.size()], to);
    }
  }
}

}  // namespace hyperroute
