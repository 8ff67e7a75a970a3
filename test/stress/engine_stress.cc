// The whole engine under the thread sanitizer: three workers, messages that cross them, and the
// control thread swapping images, moving endpoints and reading reports meanwhile.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "../unit/native/engine/relay_fixture.h"

namespace hyperroute {
namespace {

uint64_t message_count() { return std::getenv("HYPERROUTE_LONG") != nullptr ? 2'000'000 : 100'000; }

// Sends `count` numbers at one end and expects them, in order, at the other.
void pump(Relay& relay, Relay::Endpoint from, Relay::Endpoint to, uint64_t count) {
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t value = 0;
  while (received < count) {
    // Tiny pauses let the workers park in between, at ever other moments.
    for (int burst = 0; burst < 16 && sent < count && relay.send(from, sent); ++burst) ++sent;
    if (sent % 64 == 0) std::this_thread::yield();
    while (relay.receive(to, value)) ASSERT_EQ(value, received++);
  }
}

void run(IdleMode idle) {
  RelayOptions options;
  options.worker_count = 3;
  options.inline_model = false;
  options.idle = idle;
  options.queue.full = FullPolicy::kBlock;
  options.queue.queue_bytes = 16 * 1024;
  Relay relay(options);
  std::atomic<bool> over{false};
  const uint64_t count = message_count();
  std::thread forth([&] { pump(relay, Relay::kLeft, Relay::kRight, count); });
  std::thread echo([&] {
    pump(relay, Relay::kEcho, Relay::kEcho, count / 4);
    over.store(true, std::memory_order_release);
  });
  uint32_t swaps = 0;
  // Bounded by the messages: each pump ends when all of its own have arrived.
  while (!over.load(std::memory_order_acquire)) {
    relay.install();
    while (!relay.router->grace_passed()) std::this_thread::yield();
    for (const uint8_t slot : relay.slots) (void)relay.router->port(slot)->report();
    ++swaps;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  forth.join();
  echo.join();
  EXPECT_GT(swaps, 0u);
  relay.router->stop();
}

TEST(EngineStress, SwapsWhileMessagesCrossBlockingWorkers) { run(IdleMode::kBlock); }
TEST(EngineStress, SwapsWhileMessagesCrossYieldingWorkers) { run(IdleMode::kYield); }

}  // namespace
}  // namespace hyperroute
