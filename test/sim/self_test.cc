// Plants faults where the checks look, and in what a host may do, and sees each found by the check
// that is meant for it (self_test.h).
#include "sim/self_test.h"

#include <cstdio>
#include <string>

#include "sim/world.h"

namespace hyperroute::sim {
namespace {

struct Planted {
  Fault fault;
  const char* name;
  const char* report;  // a part of the violation that tells that the right check found it
};

constexpr Planted kPlanted[] = {
    {Fault::kDeliverTwice, "a message delivered twice", "again"},
    {Fault::kDeliverLate, "two messages in the wrong order", "left out"},
    {Fault::kLoseMessage, "a message lost", "left out"},
    {Fault::kBendMessage, "a bit of a message bent", "differs"},
    {Fault::kMisdeliver, "a message to the wrong session", "instead of"},
    {Fault::kReuseNonce, "a nonce used twice", "nonce"},
    {Fault::kAcceptForged, "a forged packet accepted", "forged"},
    {Fault::kAcceptReplay, "a packet accepted twice", "twice"},
    {Fault::kHoard, "memory that grows", "holds"},
    {Fault::kStall, "a session that stands still", "healed"},
    {Fault::kHideDeath, "a death that nobody tells of", "without an event"},
    {Fault::kLateDeath, "a death told of late", "did not tell"},
    {Fault::kFalseDeath, "a death that is none", "heard just before"},
    {Fault::kSilence, "an end that falls silent", "sent nothing"},
    {Fault::kChatter, "an end that never is quiet", "idle second"},
    {Fault::kWaste, "an end that sends far too much", "offered in"},
    {Fault::kOverfill, "a stream that takes too much", "two buffers"},
};
constexpr uint64_t kSeedsMax = 30;

// A seed may have no occasion for a fault; the first that has one decides.
bool is_found(const Planted& planted) {
  std::string last = "nothing";
  for (uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    const Outcome outcome = World(seed, false, planted.fault).play();
    if (outcome.violation.find(planted.report) != std::string::npos) {
      std::printf("found: %s (seed %llu: %s)\n", planted.name,
                  static_cast<unsigned long long>(seed), outcome.violation.c_str());
      return true;
    }
    if (!outcome.violation.empty()) last = outcome.violation;
  }
  std::printf("NOT FOUND: %s; instead: %s\n", planted.name, last.c_str());
  return false;
}

bool is_foreign_random_found() {
  for (uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    const Outcome first = World(seed, false, Fault::kForeignRandom).play();
    const Outcome second = World(seed, false, Fault::kForeignRandom).play();
    if (first.trace_hash != second.trace_hash) {
      std::printf("found: a draw that is not the seed's (seed %llu)\n",
                  static_cast<unsigned long long>(seed));
      return true;
    }
  }
  std::printf("NOT FOUND: a draw that is not the seed's\n");
  return false;
}

}  // namespace

int self_test() {
  static_assert(sizeof kPlanted / sizeof kPlanted[0] + 2 == kFaultCount,
                "every fault but kNone and kForeignRandom stands in the table");
  uint32_t missed = is_foreign_random_found() ? 0 : 1;
  for (const Planted& planted : kPlanted) missed += is_found(planted) ? 0 : 1;
  std::printf("%u of %u faults found\n", kFaultCount - 1 - missed, kFaultCount - 1);
  return missed == 0 ? 0 : 1;
}

}  // namespace hyperroute::sim
