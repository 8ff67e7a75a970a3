// Clock, CPU affinity, memory regions and the generator of base/, on the machine at hand.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/prng.h"

namespace hyperroute {
namespace {

// Ticks, converted, against the kernel's clock around the same sleep. The bounds are wide: what is
// tested is the conversion, not the machine's punctuality.
void expect_ticks_follow_the_kernel() {
  const uint64_t start_ns = monotonic_ns();
  const uint64_t start = ticks();
  ::usleep(20'000);
  const uint64_t inner_ns = ticks_to_ns(ticks() - start);
  const uint64_t outer_ns = monotonic_ns() - start_ns;
  EXPECT_LE(inner_ns, outer_ns + outer_ns / 100);
  EXPECT_GE(inner_ns, uint64_t{20'000'000} - 20'000'000 / 100);
}

TEST(Clock, CalibratedTicksFollowTheKernelsClock) {
  clock_init(ClockSource::kAuto);
  expect_ticks_follow_the_kernel();
}

TEST(Clock, WithoutAConstantCounterTicksAreNanoseconds) {
  clock_init(ClockSource::kMonotonic);
  EXPECT_FALSE(clock_scale.counter);
  EXPECT_EQ(ticks_to_ns(12345), 12345u);
  expect_ticks_follow_the_kernel();
  clock_init(ClockSource::kCounter);
  expect_ticks_follow_the_kernel();
}

TEST(Clock, ConversionsAreInverseAndDoNotOverflow) {
  clock_init(ClockSource::kAuto);
  const uint64_t day_ns = uint64_t{86'400'000'000'000};
  const uint64_t back_ns = ticks_to_ns(ns_to_ticks(1000 * day_ns));
  EXPECT_NEAR(static_cast<double>(back_ns), static_cast<double>(1000 * day_ns), 10.0);
}

TEST(Cpu, PinningMovesTheThreadAndCanBeUndone) {
  std::thread([] {
    const std::vector<uint32_t> before = allowed_cpus();
    ASSERT_FALSE(before.empty());
    const uint32_t last = before.back();
    ASSERT_TRUE(pin_to_cpu(last).ok());
    EXPECT_EQ(allowed_cpus(), std::vector<uint32_t>{last});
    EXPECT_EQ(current_cpu(), last);
    ASSERT_TRUE(set_allowed_cpus(before).ok());
    EXPECT_EQ(allowed_cpus(), before);
  }).join();
}

TEST(Cpu, AThreadStartedByAPinnedOneCanUseTheOtherCpus) {
  std::thread([] {
    const std::vector<uint32_t> all = available_cpus();
    ASSERT_TRUE(pin_to_cpu(all.front()).ok());
    EXPECT_EQ(available_cpus(), all);
    EXPECT_EQ(allowed_cpus(), std::vector<uint32_t>{all.front()});
    std::thread([&all] { EXPECT_TRUE(pin_to_cpu(all.back()).ok()); }).join();
  }).join();
}

TEST(Cpu, AMissingCpuIsAnErrorThatNamesItAndTheAvailableOnes) {
  for (const uint32_t cpu : {1000u, 4'000'000'000u}) {
    const Status status = pin_to_cpu(cpu);
    EXPECT_EQ(status.code, StatusCode::kCpuUnavailable);
    EXPECT_NE(std::string(status.context).find(std::to_string(cpu)), std::string::npos);
    const std::string first = std::to_string(available_cpus().front());
    EXPECT_NE(std::string(status.context).find("CPUs " + first), std::string::npos);
    EXPECT_EQ(check_cpu(cpu).code, StatusCode::kCpuUnavailable);
  }
  EXPECT_FALSE(set_allowed_cpus({4'000'000'000u}).ok());
}

TEST(Cpu, AThreadsNameIsCutToWhatTheKernelKeeps) {
  std::thread([] {
    set_thread_name("hyperroute-worker-7");
    char name[32] = {};
    ASSERT_EQ(::pthread_getname_np(::pthread_self(), name, sizeof name), 0);
    EXPECT_STREQ(name, "hyperroute-work");
  }).join();
}

TEST(Cpu, TheTimerSlackIsSetForTheCallingThread) {
  std::thread([] {
    ASSERT_TRUE(set_timer_slack_ns(1).ok());
    EXPECT_EQ(::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 1);
  }).join();
}

TEST(Memory, ARegionIsZeroedAlignedAndMovable) {
  Result<MemoryRegion> made = MemoryRegion::anonymous(100'000, Prefault::kYes);
  ASSERT_TRUE(made.ok());
  MemoryRegion region = made.take();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(region.data()) % 4096, 0u);
  EXPECT_EQ(region.bytes(), 100'000u);
  for (size_t index = 0; index < region.bytes(); ++index) ASSERT_EQ(region.data()[index], 0);
  uint8_t* const data = region.data();
  data[99'999] = 7;
  MemoryRegion moved = std::move(region);
  EXPECT_EQ(moved.data(), data);
  EXPECT_EQ(moved.data()[99'999], 7);
  moved.reset();
  EXPECT_TRUE(moved.empty());
}

TEST(Memory, TablesStartAtAHugePageAndAreAsLargeAsAsked) {
  for (const size_t bytes : {size_t{100}, kHugePageBytes - 1, kHugePageBytes, 5'000'001ul}) {
    Result<MemoryRegion> made = MemoryRegion::anonymous_huge(bytes);
    ASSERT_TRUE(made.ok());
    MemoryRegion region = made.take();
    ASSERT_GE(region.bytes(), bytes);
    const size_t alignment = bytes < kHugePageBytes ? 4096 : kHugePageBytes;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(region.data()) % alignment, 0u);
    for (size_t at = 0; at < bytes; at += 99) ASSERT_EQ(region.data()[at], 0);
    region.data()[bytes - 1] = 7;
    region.reset();
    EXPECT_TRUE(region.empty());
  }
}

TEST(Memory, TwoMappingsOfAFileShareTheirBytes) {
  char path[] = "/tmp/hyperroute-memory-XXXXXX";
  const int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::unlink(path), 0);
  ASSERT_EQ(::ftruncate(fd, 8192), 0);
  MemoryRegion writable = MemoryRegion::shared_file(fd, 8192, Prefault::kNo).take();
  MemoryRegion readable = MemoryRegion::shared_file_read_only(fd, 8192).take();
  ::close(fd);
  writable.data()[8191] = 42;
  EXPECT_EQ(readable.data()[8191], 42);
}

TEST(Memory, WhatCannotBeMappedIsAnErrorWithItsBytes) {
  EXPECT_EQ(MemoryRegion::anonymous(0, Prefault::kNo).status().code, StatusCode::kLimit);
  const Result<MemoryRegion> closed = MemoryRegion::shared_file(-1, 4096, Prefault::kNo);
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(closed.status().code, StatusCode::kSystem);
  EXPECT_NE(std::string(closed.status().context).find("4096"), std::string::npos);
}

TEST(Prng, ASeedGivesTheSameSequenceEverywhere) {
  // The first numbers of SplitMix64 from seed 0 are published with the algorithm.
  uint64_t state = 0;
  EXPECT_EQ(splitmix64_next(state), 0xe220a8397b1dcdafu);
  EXPECT_EQ(splitmix64_next(state), 0x6e789e6aa1b965f4u);
  Prng first(7);
  Prng second(7);
  Prng other(8);
  int equal_count = 0;
  for (int index = 0; index < 100; ++index) {
    const uint64_t value = first.next_u64();
    ASSERT_EQ(value, second.next_u64());
    equal_count += value == other.next_u64() ? 1 : 0;
  }
  EXPECT_EQ(equal_count, 0);
}

TEST(Prng, BoundedNumbersReachEveryValueAndNoOther) {
  Prng prng(9);
  std::set<uint32_t> seen;
  for (int index = 0; index < 1000; ++index) {
    const uint32_t value = prng.between(5, 11);
    ASSERT_GE(value, 5u);
    ASSERT_LE(value, 11u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7u);
}

}  // namespace
}  // namespace hyperroute
