// The connecting end of a probe: the session, the hello, and what both tools take from the answers.
// What goes wrong is printed and ends the program with exit code 1.
// Thread: main.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bench/native/raptor/probe_end.h"
#include "bench/native/raptor/probe_events.h"
#include "bench/native/raptor/probe_latencies.h"
#include "bench/native/raptor/probe_message.h"

namespace hyperroute::probe {

// What was done so far, for the lines of a progress and for its differences.
struct ProgressMark {
  uint64_t time_ns = 0;
  uint64_t messages = 0;
  uint64_t bytes = 0;
  uint64_t lost = 0;
};

class ProbeClient {
 public:
  explicit ProbeClient(const ProbeOptions& options);

  // Opens the socket, begins the session and learns who answers; prints "connected".
  void connect();

  // Receives, and ends the program where the session has ended.
  void poll();
  // Sends what was offered.
  void flush();
  // One round of waiting: nothing to do before `until_ns` but what arrives.
  void idle(uint64_t until_ns);
  [[nodiscard]] uint64_t now_ns() const noexcept { return loop_.now_ns(); }

  [[nodiscard]] uint16_t open_stream(const raptor::StreamOptions& options);
  // False: the stream takes no more now.
  [[nodiscard]] bool offer(uint16_t stream, std::span<const uint8_t> message);
  [[nodiscard]] uint64_t unacked_bytes(uint16_t stream) const {
    return session_->unacked_bytes(stream);
  }
  [[nodiscard]] uint16_t control_stream() const noexcept { return control_stream_; }

  // Answers that came back, and how long each took. The second histogram is the caller's to clear.
  [[nodiscard]] uint64_t answered() const noexcept { return answered_; }
  [[nodiscard]] const Latencies& round_trip() const noexcept { return round_trip_; }

  // Asks the listener for its figures; false: no room to ask now. has_report(): they are there.
  [[nodiscard]] bool ask_report();
  [[nodiscard]] bool has_report() const noexcept { return has_report_; }
  [[nodiscard]] const Report& report() const noexcept { return report_; }
  // Asks until they are there.
  void await_report();

  // Prints how the last second went; `done` so far in all.
  void tell_progress(uint64_t messages, uint64_t bytes);
  [[nodiscard]] uint64_t next_progress_ns() const noexcept { return mark_.time_ns + kNsPerSecond; }
  // Prints the end: what the caller adds, the times and everything that was counted.
  void tell_done(JsonObject members);

  // Ends the program: the listener did not do for `patience_ns` what it was to do.
  [[noreturn]] void fail_silent(const char* what, uint64_t patience_ns) const;

 private:
  static uint32_t deliver(void* context, std::span<const raptor::MessageView> views);
  void take(std::span<const uint8_t> message);
  void take_events();
  [[noreturn]] void fail_ended(const raptor::SessionEvent& event) const;
  void await_session();
  void exchange_hello();

  const ProbeOptions& options_;
  const std::string address_;
  const uint64_t host_id_;
  SocketLoop loop_;
  raptor::SessionRef ref_;
  raptor::Session* session_ = nullptr;
  uint16_t control_stream_ = 0;
  bool has_offered_ = false;
  bool has_hello_ = false;
  bool shares_clock_ = false;
  bool has_report_ = false;
  uint64_t report_number_ = 0;
  uint64_t answered_ = 0;
  uint64_t connected_ns_ = 0;
  Report report_;
  ProgressMark mark_;
  Latencies round_trip_;
  Latencies round_trip_lately_;
};

}  // namespace hyperroute::probe
