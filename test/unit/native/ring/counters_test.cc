// The counters file: records, values, generations, and its life as a locked file.
#include "ring/counters.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <set>

#include "ring/counters_file.h"
#include "unit/native/ring/counters_reader.h"

namespace hyperroute {
namespace {

Counters::Spec spec(std::string_view label, uint32_t worker_index = 0,
                    CounterType type = CounterType::kCounter) {
  return Counters::Spec{type, CounterUnit::kMessages, worker_index, label};
}

CountersOptions options_of_test(const char* name) {
  CountersOptions options;
  options.name = std::string(name) + "-" + std::to_string(::getpid());
  options.path = counters_path(options.name);
  return options;
}

void bump(const Counters::Value& value, uint64_t amount) {
  // Relaxed: one writer.
  value.value->store(value.value->load(std::memory_order_relaxed) + amount,
                     std::memory_order_relaxed);
}

CountersSample sample_of(const Counters& counters) {
  CountersReader reader;
  EXPECT_TRUE(reader.attach(counters.data(), counters.bytes()).ok());
  return reader.sample().take();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

TEST(Counters, WhatAWorkerCountsIsReadWithItsLabel) {
  Counters counters;
  ASSERT_TRUE(counters.open(CountersOptions{}).ok());
  const Counters::Value messages = counters.add(spec("endpoint.in.rx_messages", 3)).take();
  const Counters::Value latency =
      counters.add({CounterType::kHistogram, CounterUnit::kNanoseconds, 1, "route.0.latency"})
          .take();
  bump(messages, 41);
  bump(messages, 1);
  for (int index = 0; index < 5; ++index) Histogram(latency.histogram).record(1000);
  const CountersSample sample = sample_of(counters);
  EXPECT_EQ(sample.name, "router");
  EXPECT_EQ(sample.pid, static_cast<uint32_t>(::getpid()));
  EXPECT_GT(sample.start_time_ns, uint64_t{1'600'000'000'000'000'000});
  EXPECT_FALSE(sample.closed);
  ASSERT_EQ(sample.counters.size(), 2u);
  EXPECT_EQ(sample.counters[0].id, messages.id);
  EXPECT_EQ(sample.counters[0].label, "endpoint.in.rx_messages");
  EXPECT_EQ(sample.counters[0].type, CounterType::kCounter);
  EXPECT_EQ(sample.counters[0].unit, CounterUnit::kMessages);
  EXPECT_EQ(sample.counters[0].worker_index, 3u);
  EXPECT_EQ(sample.counters[0].value, 42u);
  EXPECT_EQ(sample.counters[1].label, "route.0.latency");
  EXPECT_EQ(sample.counters[1].value, 5u);
  HistogramSnapshot snapshot;
  snapshot.add(sample.counters[1].buckets);
  EXPECT_EQ(snapshot.percentile_ns(50), Histogram::bucket_middle(Histogram::bucket_index(1000)));
}

TEST(Counters, TwoWorkersNeverShareACacheLine) {
  Counters counters;
  ASSERT_TRUE(counters.open(CountersOptions{}).ok());
  std::set<uintptr_t> lines[4];
  for (uint32_t index = 0; index < 400; ++index) {
    const uint32_t worker = index % 4;
    const bool histogram = index % 50 == 7;
    const CounterType type = histogram ? CounterType::kHistogram : CounterType::kCounter;
    const Counters::Value value = counters.add(spec("c", worker, type)).take();
    const uintptr_t first = reinterpret_cast<uintptr_t>(value.value);
    const uintptr_t last = first + (histogram ? kHistogramBytes : 8) - 1;
    for (uintptr_t line = first / 64; line <= last / 64; ++line) lines[worker].insert(line);
    // A freed histogram goes to any worker, as whole lines; a freed counter stays its worker's.
    if (index % 3 == 0 && !histogram) {
      ASSERT_TRUE(counters.remove(value.id));
      counters.next_generation();
    }
  }
  for (int first = 0; first < 4; ++first) {
    for (int second = first + 1; second < 4; ++second) {
      for (const uintptr_t line : lines[first]) {
        if (lines[second].contains(line)) ADD_FAILURE() << "a shared line";
      }
    }
  }
}

TEST(Counters, ARemovedRecordIsReusedOnlyInTheNextGeneration) {
  CountersOptions options;
  options.record_count_max = 2;
  Counters counters;
  ASSERT_TRUE(counters.open(options).ok());
  const Counters::Value first = counters.add(spec("first")).take();
  const Counters::Value second = counters.add(spec("second")).take();
  bump(first, 7);
  EXPECT_EQ(counters.add(spec("third")).status().code, StatusCode::kLimit);
  ASSERT_TRUE(counters.remove(first.id));
  EXPECT_FALSE(counters.remove(first.id));
  EXPECT_EQ(counters.live_count(), 1u);
  EXPECT_EQ(sample_of(counters).counters.size(), 1u);
  EXPECT_EQ(counters.add(spec("third")).status().code, StatusCode::kLimit);
  const uint32_t generation = sample_of(counters).generation;
  counters.next_generation();
  const Counters::Value third = counters.add(spec("third")).take();
  EXPECT_NE(third.id, first.id) << "an id names one counter for ever";
  EXPECT_EQ(third.value, first.value) << "the slot is used again";
  const CountersSample sample = sample_of(counters);
  EXPECT_EQ(sample.generation, generation + 2);
  ASSERT_EQ(sample.counters.size(), 2u);
  EXPECT_EQ(sample.counters[0].label, "third");
  EXPECT_EQ(sample.counters[0].value, 0u);
  EXPECT_EQ(sample.counters[1].id, second.id);
}

TEST(Counters, EveryBoundIsAnErrorThatSaysSo) {
  CountersOptions options;
  options.values_bytes = 2 * kHistogramBytes;
  options.worker_count_max = 2;
  Counters counters;
  ASSERT_TRUE(counters.open(options).ok());
  EXPECT_EQ(counters.add(spec("")).status().code, StatusCode::kConfig);
  EXPECT_EQ(counters.add(spec(std::string(113, 'x'))).status().code, StatusCode::kConfig);
  EXPECT_EQ(counters.add(spec("x", 2)).status().code, StatusCode::kConfig);
  ASSERT_TRUE(counters.add(spec(std::string(112, 'x'))).ok());
  ASSERT_TRUE(counters.add(spec("h", 0, CounterType::kHistogram)).ok());
  EXPECT_EQ(counters.add(spec("h", 1, CounterType::kHistogram)).status().code, StatusCode::kLimit);
  EXPECT_EQ(sample_of(counters).counters[0].label, std::string(112, 'x'));
}

TEST(Counters, UnusableOptionsAreRefused) {
  const auto code_of = [](auto change) {
    CountersOptions options;
    change(options);
    Counters counters;
    return counters.open(options).code;
  };
  for (const char* name : {"", ".", "..", "a/b", "a b", ".hidden", "\xc3\xa9"}) {
    EXPECT_EQ(code_of([name](CountersOptions& o) { o.name = name; }), StatusCode::kConfig) << name;
  }
  EXPECT_EQ(code_of([](CountersOptions& o) { o.name = std::string(65, 'a'); }),
            StatusCode::kConfig);
  EXPECT_EQ(code_of([](CountersOptions& o) { o.record_count_max = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code_of([](CountersOptions& o) { o.values_bytes = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code_of([](CountersOptions& o) { o.worker_count_max = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code_of([](CountersOptions& o) { o.path = "/nowhere/at/all"; }), StatusCode::kSystem);
}

TEST(CountersFile, IsPrivateToTheUserAndRemovedAtTheClose) {
  const CountersOptions options = options_of_test("private");
  Counters counters;
  ASSERT_TRUE(counters.open(options).ok());
  struct stat found {};
  ASSERT_EQ(::stat(options.path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(counters_directory().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700u);
  bump(counters.add(spec("shared")).take(), 9);
  CountersReader reader;
  ASSERT_TRUE(reader.open(options.path).ok());
  EXPECT_EQ(reader.sample().take().counters.at(0).value, 9u);
  counters.close();
  counters.close();
  EXPECT_FALSE(exists(options.path));
  EXPECT_TRUE(reader.sample().take().closed) << "who has it mapped still reads the last values";
  EXPECT_EQ(CountersReader().open(options.path).code, StatusCode::kNotFound);
}

TEST(CountersFile, ALivingOwnersFileIsNotTaken) {
  const CountersOptions options = options_of_test("living");
  Counters first;
  ASSERT_TRUE(first.open(options).ok());
  EXPECT_TRUE(counters_owner_is_alive(options.path).value());
  Counters second;
  const Status status = second.open(options);
  EXPECT_EQ(status.code, StatusCode::kAddressInUse);
  EXPECT_NE(std::string(status.context).find(std::to_string(::getpid())), std::string::npos);
  EXPECT_FALSE(second.is_open());
  EXPECT_TRUE(exists(options.path));
  EXPECT_TRUE(first.add(spec("still mine")).ok());
}

TEST(CountersFile, AKilledOwnersFileIsReadAsDeadAndReplaced) {
  const CountersOptions options = options_of_test("killed");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Counters counters;
    const bool made = counters.open(options).ok() && counters.add(spec("last words")).ok();
    const char answer = made ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_TRUE(counters_owner_is_alive(options.path).value());
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ready[0]);
  ::close(ready[1]);

  ASSERT_TRUE(exists(options.path));
  EXPECT_FALSE(counters_owner_is_alive(options.path).value());
  CountersReader reader;
  ASSERT_TRUE(reader.open(options.path).ok());
  Counters successor;
  ASSERT_TRUE(successor.open(options).ok());
  EXPECT_TRUE(counters_owner_is_alive(options.path).value());
  EXPECT_EQ(sample_of(successor).counters.size(), 0u);
  const CountersSample old = reader.sample().take();
  ASSERT_EQ(old.counters.size(), 1u) << "the old mapping is another file and stays whole";
  EXPECT_EQ(old.pid, static_cast<uint32_t>(child));
}

TEST(CountersFile, AClosedFileThatWasReplacedByHandIsLeftAlone) {
  const CountersOptions options = options_of_test("replaced");
  Counters counters;
  ASSERT_TRUE(counters.open(options).ok());
  ASSERT_EQ(::unlink(options.path.c_str()), 0);
  const int other = ::open(options.path.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
  ASSERT_GE(other, 0);
  ::close(other);
  counters.close();
  EXPECT_TRUE(exists(options.path));
  ::unlink(options.path.c_str());
}

TEST(CountersReader, MemoryThatIsNoCountersFileIsRefused) {
  Counters counters;
  ASSERT_TRUE(counters.open(CountersOptions{}).ok());
  ASSERT_TRUE(counters.add(spec("x")).ok());
  std::vector<uint8_t> bytes(counters.data(), counters.data() + counters.bytes());
  const auto code_of = [&](size_t count_bytes) {
    return CountersReader().attach(bytes.data(), count_bytes).code;
  };
  ASSERT_EQ(code_of(bytes.size()), StatusCode::kOk);
  EXPECT_EQ(code_of(100), StatusCode::kConfig);
  EXPECT_EQ(code_of(bytes.size() - 1), StatusCode::kConfig) << "cut off";
  CountersHeader* const header = reinterpret_cast<CountersHeader*>(bytes.data());
  CounterRecord* const record =
      reinterpret_cast<CounterRecord*>(bytes.data() + header->records_offset);
  record->value_offset = bytes.size() - 4;
  CountersReader reader;
  ASSERT_TRUE(reader.attach(bytes.data(), bytes.size()).ok());
  EXPECT_EQ(reader.sample().take().counters.size(), 0u) << "an offset outside is not followed";
  record->value_offset = UINT64_MAX - 7;
  EXPECT_EQ(reader.sample().take().counters.size(), 0u);
  header->generation = 1;
  EXPECT_EQ(reader.sample().status().code, StatusCode::kTimeout) << "bounded, not for ever";
  header->version = kCountersVersion + 1;
  EXPECT_EQ(code_of(bytes.size()), StatusCode::kConfig);
  header->magic = 0;
  EXPECT_EQ(code_of(bytes.size()), StatusCode::kConfig);
}

TEST(Counters, HoldTheMostRoutesOfAWorkerAndAnUpdateThatReplacesThemAll) {
  constexpr uint32_t kRoutesMax = 4096;
  Counters counters;
  ASSERT_TRUE(counters.open(CountersOptions{}).ok());
  for (uint32_t route = 0; route < 2 * kRoutesMax; ++route) {
    const std::string label = "route/" + std::to_string(route);
    ASSERT_TRUE(counters.add({CounterType::kHistogram, CounterUnit::kNanoseconds, 0, label}).ok())
        << route;
    for (const char* what : {"/delivered", "/rejected", "/discarded"}) {
      ASSERT_TRUE(
          counters.add({CounterType::kCounter, CounterUnit::kMessages, 0, label + what}).ok())
          << route;
    }
  }
}

TEST(Counters, AnUpdateOfManyRecordsUsesTheFreedOnesAgainFromZero) {
  Counters counters;
  ASSERT_TRUE(counters.open(CountersOptions{}).ok());
  Counters::Value values[8];
  for (Counters::Value& value : values) value = counters.add({.label = "old"}).take();
  for (const uint32_t index : {1u, 6u, 3u}) {
    values[index].value->store(7, std::memory_order_relaxed);
    ASSERT_TRUE(counters.remove(values[index].id));
  }
  counters.next_generation();
  const uint32_t live_count = counters.live_count();
  for (int i = 0; i < 4; ++i) {
    const Counters::Value added = counters.add({.label = "new"}).take();
    EXPECT_EQ(added.value->load(std::memory_order_relaxed), 0u);
  }
  EXPECT_EQ(counters.live_count(), live_count + 4);
  // Three of the four stand where the removed ones stood.
  CountersHeader header;
  std::memcpy(&header, counters.data(), sizeof header);
  EXPECT_EQ(header.record_count, 9u);
}

}  // namespace
}  // namespace hyperroute
