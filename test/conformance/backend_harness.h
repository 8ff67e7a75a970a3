// Drives one backend on the test's own thread, as a worker would: bursts, progress, sleep.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "base/clock.h"
#include "conformance/counter_block.h"
#include "conformance/raw_socket.h"
#include "io/endpoint.h"

namespace hyperroute {

struct Received {
  PeerRef peer;
  Bytes message;
};

template <class Backend>
class BackendHarness {
 public:
  // Declared first: the backend counts until it is closed.
  CounterBlock counters;
  Backend backend;
  std::vector<Received> received;
  size_t burst_count_max = 64;
  // For peers that need turns of their own to get anywhere.
  std::function<void()> drive_peers;

  // One duty cycle in which every message is taken. Returns how many there were.
  uint32_t cycle() {
    std::vector<RxView> views(burst_count_max);
    const uint32_t view_count = backend.rx_burst(std::span(views), monotonic_ns());
    for (uint32_t i = 0; i < view_count; ++i) {
      keep(views[i]);
      backend.release(views[i]);
    }
    static_cast<void>(backend.progress(monotonic_ns()));
    return view_count;
  }

  void keep(const RxView& view) {
    received.push_back({view.peer, Bytes(view.data, view.data + view.bytes)});
  }

  // Cycles until it is so, asleep on wait_fd() in between. False: it never was.
  bool run_until(const std::function<bool()>& is_so) {
    const uint64_t give_up_ns = monotonic_ns() + uint64_t{kTestWaitMs} * 1'000'000;
    while (!is_so()) {
      if (monotonic_ns() > give_up_ns) return false;
      if (drive_peers) drive_peers();
      if (cycle() > 0 || !backend.prepare_wait()) continue;
      // Peers that the test drives on this same thread do not always wake it.
      wait_readable(backend.wait_fd(), 1);
    }
    return true;
  }

  bool run_until_received(size_t message_count) {
    return run_until([&] { return received.size() >= message_count; });
  }

  // Cycles a few times, for what must not happen.
  void run_a_while() {
    const size_t before = received.size();
    for (int i = 0; i < 20 && received.size() == before; ++i) {
      cycle();
      ::usleep(500);
    }
  }

  // The message as its destination's queue would hold it.
  Bytes sealed(const Bytes& message) {
    const FrameRoom room = backend.frame_room();
    Bytes frame(room.head_bytes + message.size() + room.tail_bytes, 0xEE);
    std::copy(message.begin(), message.end(),
              frame.begin() + static_cast<ptrdiff_t>(room.head_bytes));
    frame.resize(backend.seal(frame.data(), static_cast<uint32_t>(message.size())));
    return frame;
  }

  // Offers one frame once.
  TxVerdict offer(PeerRef peer, Bytes frame, uint8_t producer = 0) {
    TxFrame offered{frame.data(), static_cast<uint32_t>(frame.size()), peer, TxVerdict::kPending,
                    producer};
    const uint32_t final_count = backend.tx_burst(std::span(&offered, 1));
    EXPECT_EQ(final_count, offered.verdict == TxVerdict::kPending ? 0u : 1u);
    EXPECT_EQ(backend.tx_blocked(), offered.verdict == TxVerdict::kPending);
    return offered.verdict;
  }

  // Offers a message until its verdict is final.
  TxVerdict send(PeerRef peer, const Bytes& message) {
    TxVerdict verdict = TxVerdict::kPending;
    run_until([&] {
      verdict = offer(peer, sealed(message));
      return verdict != TxVerdict::kPending;
    });
    return verdict;
  }
};

}  // namespace hyperroute
