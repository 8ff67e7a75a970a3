// Recordings that begin and end while workers are busy, or that cannot begin.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <atomic>
#include <csignal>

#include "recording_fixture.h"
#include "unit/native/route/correlated_image.h"

namespace hyperroute {
namespace {

// Whether it comes true within ten seconds.
template <typename Condition>
bool comes_true(Condition condition) {
  for (uint32_t tries = 0; tries < 100'000; ++tries) {
    if (condition()) return true;
    ::usleep(100);
  }
  return false;
}

std::atomic<bool> is_held{false};
std::atomic<bool> is_let_go{false};

void hold_thread(int) {
  is_held.store(true);
  while (!is_let_go.load()) ::usleep(100);
  is_held.store(false);
}

// Keeps a thread of this process from going on, wherever it is, until it is let go.
class HeldThread {
 public:
  explicit HeldThread(const std::string& name) {
    struct sigaction action {};
    action.sa_handler = &hold_thread;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, &before_);
    is_let_go.store(false);
    // One that was started just now has no name yet.
    pid_t thread = 0;
    EXPECT_TRUE(comes_true([&] { return (thread = find_thread(name)) != 0; }));
    EXPECT_EQ(::syscall(SYS_tgkill, ::getpid(), thread, SIGUSR1), 0);
    EXPECT_TRUE(comes_true([] { return is_held.load(); }));
  }
  ~HeldThread() {
    is_let_go.store(true);
    EXPECT_TRUE(comes_true([] { return !is_held.load(); }));
    ::sigaction(SIGUSR1, &before_, nullptr);
  }

 private:
  static pid_t find_thread(const std::string& name) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream file(task.path() / "comm");
      std::string found;
      std::getline(file, found);
      if (found == name) return std::stoi(task.path().filename());
    }
    return 0;
  }

  struct sigaction before_ {};
};

RelayOptions threads(uint32_t worker_count) {
  RelayOptions options;
  options.worker_count = worker_count;
  options.inline_model = false;
  options.idle = IdleMode::kSpin;
  return options;
}

// The worker of the endpoint has no room for another command then.
void fill_commands(Relay& relay, Relay::Endpoint endpoint) {
  uint32_t posted = 0;
  while (relay.router->post(CommandKind::kReport, relay.slots[endpoint], nullptr).ok()) {
    ASSERT_LT(++posted, 1u << 20);
  }
}

// Commands are carried out in order: what was posted before has been, by the worker that decides.
void wait_for_commands(Relay& relay) {
  const auto ticket = relay.router->post(CommandKind::kReport, relay.slots[Relay::kLeft], nullptr);
  ASSERT_TRUE(ticket.ok());
  ASSERT_TRUE(comes_true([&] { return relay.router->is_done(ticket.value()); }));
}

void exchange(Relay& relay, uint64_t count) {
  wait_for_commands(relay);

  for (uint64_t value = 0; value < count; ++value) {
    ASSERT_TRUE(relay.send(Relay::kLeft, value));
    uint64_t received = ~uint64_t{0};
    ASSERT_TRUE(comes_true([&] { return relay.receive(Relay::kRight, received); }));
    ASSERT_EQ(received, value);
  }
}

TEST_F(RecordingTest, CannotBeginWhereAWorkerTakesNoCommandAndCanLater) {
  Relay relay(threads(2));
  {
    const HeldThread held("worker1");
    fill_commands(relay, Relay::kRight);
    EXPECT_EQ(relay.router->begin_recording(options(), "").code, StatusCode::kLimit);
    EXPECT_FALSE(std::filesystem::exists(path_));
    Recording::Report report{};
    EXPECT_FALSE(relay.router->read_recording(report));
  }
  ::usleep(50'000);
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  exchange(relay, 20);
  ASSERT_TRUE(relay.router->end_recording().ok());
  EXPECT_EQ(wait_for_end(*relay.router).message_count, 20u);
}

TEST_F(RecordingTest, GoesOnWhereAWorkerCannotBeToldOfItsEnd) {
  Relay relay(threads(2));
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  exchange(relay, 20);
  Recording::Report report{};
  {
    const HeldThread held("worker1");
    fill_commands(relay, Relay::kRight);
    EXPECT_EQ(relay.router->end_recording().code, StatusCode::kLimit);
    // The other worker would have had the time to be done with its notes.
    ::usleep(20'000);
    ASSERT_TRUE(relay.router->read_recording(report));
    EXPECT_EQ(report.reason, RecordingEnd::kNone);
    EXPECT_EQ(relay.router->begin_recording(options(), "").code, StatusCode::kState);
  }
  exchange(relay, 20);
  ::usleep(50'000);
  ASSERT_TRUE(relay.router->end_recording().ok());
  report = wait_for_end(*relay.router);
  EXPECT_EQ(report.reason, RecordingEnd::kStopped);
  EXPECT_EQ(report.message_count, 40u);
  Replay replay;
  EXPECT_EQ(play(bytes(), replay), Ending::kWhole);
  EXPECT_EQ(replay.report().different_count, 0u);
}

// A worker that is held has begun its cycle with the image before, more often than not; the
// recording's first note may then be about that one.
TEST_F(RecordingTest, KnowsTheImageThatAWorkerStillUses) {
  Relay relay(threads(1));
  for (uint32_t round = 0; round < 60; ++round) {
    {
      const HeldThread held("worker0");
      relay.install();
      ASSERT_TRUE(relay.applications[Relay::kLeft].send(round));
      ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
    }
    uint64_t received = 0;
    ASSERT_TRUE(comes_true([&] { return relay.receive(Relay::kRight, received); }));
    ASSERT_TRUE(relay.router->end_recording().ok());
    (void)wait_for_end(*relay.router);
    Replay replay;
    ASSERT_EQ(play(bytes(), replay), Ending::kWhole) << "round " << round;
    EXPECT_EQ(replay.report().different_count, 0u);
    ASSERT_TRUE(comes_true([&] { return relay.router->grace_passed(); }));
    std::filesystem::remove(path_);
  }
}

TEST_F(RecordingTest, LeavesNoFileWhereItsBeginningCannotBeWritten) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto begun = Recording::begin(options(), 1);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  (void)std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(begun.ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(RecordingTest, AFileThatWasThereBeforeStays) {
  std::ofstream(path_) << "orders";
  EXPECT_FALSE(Recording::begin(options(), 1).ok());
  EXPECT_EQ(std::filesystem::file_size(path_), 6u);
}

TEST_F(RecordingTest, SaysThatItsStateIsTooLargeWhereThereAreTooManyCorrelations) {
  ImageParts parts = correlated_parts(12);
  RelayOptions relay_options;
  relay_options.route_names = {"orders", "replaces", "finals", "partials"};
  while (parts.correlations.size() < 65) parts.correlations.push_back(parts.correlations[0]);
  for (size_t index = 0; index < parts.correlations.size(); ++index) {
    relay_options.correlation_names.push_back("orders" + std::to_string(index));
  }
  relay_options.image = parts.image();
  Relay relay(relay_options);
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  ASSERT_TRUE(relay.applications[Relay::kLeft].send_bytes(order_bytes(1, 1, 1)));
  (void)relay.router->poll();
  EXPECT_EQ(wait_for_end(*relay.router).reason, RecordingEnd::kTooLarge);
}

}  // namespace
}  // namespace hyperroute
