// The grace period of a swap, step by step on one thread.
#include "engine/qsbr.h"

#include <gtest/gtest.h>

namespace hyperroute {
namespace {

TEST(Qsbr, NobodyHoldsUpAGraceWhereNoWorkerIsOnline) {
  Qsbr qsbr;
  EXPECT_TRUE(qsbr.passed(qsbr.begin_grace()));
}

TEST(Qsbr, AnOnlineWorkerHoldsItUpUntilItIsQuiescent) {
  Qsbr qsbr;
  qsbr.online(0);
  const uint64_t epoch = qsbr.begin_grace();
  EXPECT_FALSE(qsbr.passed(epoch));
  EXPECT_TRUE(qsbr.quiescent(0));
  EXPECT_TRUE(qsbr.passed(epoch));
}

TEST(Qsbr, AWorkerLearnsOfEachSwapOnceWhateverThePointerIs) {
  Qsbr qsbr;
  qsbr.online(0);
  EXPECT_FALSE(qsbr.quiescent(0));
  qsbr.begin_grace();
  EXPECT_TRUE(qsbr.quiescent(0));
  EXPECT_FALSE(qsbr.quiescent(0));
  // Two swaps between two cycles are one: only the last image was ever reachable.
  qsbr.begin_grace();
  qsbr.begin_grace();
  EXPECT_TRUE(qsbr.quiescent(0));
  EXPECT_FALSE(qsbr.quiescent(0));
}

TEST(Qsbr, AWorkerThatGoesOfflineLetsItPass) {
  Qsbr qsbr;
  qsbr.online(3);
  const uint64_t epoch = qsbr.begin_grace();
  qsbr.offline(3);
  EXPECT_TRUE(qsbr.passed(epoch));
}

TEST(Qsbr, AWorkerThatComesOnlineAfterTheSwapDoesNotHoldItUp) {
  Qsbr qsbr;
  const uint64_t epoch = qsbr.begin_grace();
  qsbr.online(1);
  EXPECT_TRUE(qsbr.passed(epoch));
}

TEST(Qsbr, TheSlowestOfManyWorkersDecides) {
  Qsbr qsbr;
  for (uint32_t worker = 0; worker < kWorkerCountMax; ++worker) qsbr.online(worker);
  const uint64_t first = qsbr.begin_grace();
  const uint64_t second = qsbr.begin_grace();
  for (uint32_t worker = 1; worker < kWorkerCountMax; ++worker) {
    EXPECT_TRUE(qsbr.quiescent(worker));
  }
  EXPECT_FALSE(qsbr.passed(first));
  EXPECT_TRUE(qsbr.quiescent(0));
  EXPECT_TRUE(qsbr.passed(first));
  EXPECT_TRUE(qsbr.passed(second));
}

}  // namespace
}  // namespace hyperroute
