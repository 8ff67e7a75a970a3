// A link carries whole messages between two processes; each peer, and Raptor, is one class that
// satisfies `Link`. The measuring loops (measure.h) are templates over it, so that a link's own
// cost is all that differs between subjects. Thread: main.
#pragma once

#include <time.h>

#include <concepts>
#include <cstdint>

#include "base/clock.h"

namespace hyperroute::links {

inline constexpr uint32_t kMessageBytesMin = 16;
inline constexpr uint32_t kMessageBytesMax = 1024;

struct LinkOptions {
  bool is_server = false;
  uint16_t port = 0;
  // Sleeps in the kernel while there is nothing to do, instead of spinning.
  bool is_blocking = false;
  // Datagrams that get lost on their way to this end, of 1,000; links on TCP have none.
  uint32_t loss_permille = 0;
  uint64_t seed = 1;
};

// Takes a received message; the bytes are valid during the call.
struct DiscardMessage {
  void operator()(const uint8_t*, uint32_t) const {}
};

// The rest() of links that have timers.
template <class T>
void rest_serving(T& link, uint64_t until_ns) {
  while (monotonic_ns() < until_ns) {
    link.wait();
    link.poll(DiscardMessage{});
    link.flush();
  }
}

// The rest() of those that have none, or another thread for them.
inline void rest_idle(uint64_t until_ns) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  const timespec until{.tv_sec = static_cast<time_t>(until_ns / kNsPerSecond),
                       .tv_nsec = static_cast<long>(until_ns % kNsPerSecond)};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

template <class T>
concept Link = requires(T link, const LinkOptions& options, const uint8_t* bytes) {
  // Opens both ends' sockets; ends the program with a sentence where it cannot.
  T(options);
  // Takes a message, or says no: then poll() and try again.
  { link.send(bytes, uint32_t{}) } -> std::same_as<bool>;
  // Moves what is ready in both directions and hands out received messages.
  { link.poll(DiscardMessage{}) } -> std::same_as<void>;
  // What was sent leaves now.
  { link.flush() } -> std::same_as<void>;
  // Sleeps until something may have arrived, at most 10 ms.
  { link.wait() } -> std::same_as<void>;
  // Sleeps until then and does what the link itself has to do; what arrives is dropped.
  { link.rest(uint64_t{}) } -> std::same_as<void>;
};

}  // namespace hyperroute::links
