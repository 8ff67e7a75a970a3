// The two sides of every case, over any link. The measuring side sends; the answering side echoes,
// counts or times what it gets, as each message's kind asks, and so needs no case of its own.
//
// A message begins with its kind and number (u64, the kind in the top byte) and a time (u64 ns of
// CLOCK_MONOTONIC, the same for both processes of a host).
// Thread: main.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/bits.h"
#include "base/clock.h"
#include "bench/native/links/link.h"
#include "bench/native/options.h"
#include "bench/native/output.h"
#include "bench/native/pair.h"
#include "bench/native/samples.h"

namespace hyperroute::links {

enum class Kind : uint8_t {
  kEcho = 0,         // Comes back as it is.
  kCounted = 1,      // Counted; its number must be the next one.
  kCountReport = 2,  // Comes back with the count and the time from the first to the last.
  kTimed = 3,        // Counted; its age, from the time it was meant to leave, is a sample.
  kTimedReport = 4,  // Prints the samples, and comes back as kCountReport does.
  kCpuReport = 5,    // Comes back with the CPU time that this end has taken so far.
};

struct Case {
  std::string name;
  std::string subject;
  uint32_t message_bytes = 32;
  uint32_t message_count = 10'000;
  uint32_t rate = 0;      // Messages a second in the open loop; 0: as many as the link takes.
  uint32_t pause_us = 0;  // Between two round trips; 0: none. How long an idle link is watched.
};

constexpr uint32_t kKindShift = 56;
constexpr uint64_t kNumberMask = (uint64_t{1} << kKindShift) - 1;
constexpr uint64_t kHelloNumber = kNumberMask;
constexpr uint32_t kHelloTryCountMax = 500;
constexpr uint64_t kHelloPauseNs = 20'000'000;
constexpr uint64_t kSilenceNsMax = 20'000'000'000;
constexpr uint32_t kWarmupDivisor = 10;
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kNsPerUs = 1'000;
constexpr double kPercent = 100;

inline void write_head(uint8_t* message, Kind kind, uint64_t number, uint64_t time_ns) {
  store_u64_le(message, uint64_t{static_cast<uint8_t>(kind)} << kKindShift | number);
  store_u64_le(message + 8, time_ns);
}
inline Kind kind_of(const uint8_t* message) { return static_cast<Kind>(message[7]); }
inline uint64_t number_of(const uint8_t* message) { return load_u64_le(message) & kNumberMask; }

// The CPU time that the threads of this process have taken, in the kernel and outside.
inline uint64_t cpu_time_ns() {
  timespec taken{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &taken);
  return static_cast<uint64_t>(taken.tv_sec) * kNsPerSecond + static_cast<uint64_t>(taken.tv_nsec);
}

// The answering side; returns when its parent is gone (the runner ends it).
template <Link L>
class Answerer {
 public:
  Answerer(L& link, const Case& asked, bool is_blocking)
      : link_(link),
        case_(asked),
        samples_(asked.message_count),
        ticks_per_ns_(static_cast<double>(ns_to_ticks(kNsPerSecond)) / double{kNsPerSecond}),
        is_blocking_(is_blocking) {}

  [[noreturn]] void run() {
    for (;;) {
      taken_count_ = 0;
      link_.poll([this](const uint8_t* message, uint32_t bytes) { take(message, bytes); });
      link_.flush();
      if (is_blocking_) link_.wait();
    }
  }

 private:
  void take(const uint8_t* message, uint32_t bytes) {
    if (bytes < kMessageBytesMin || bytes > kMessageBytesMax) fail(1, "a message of %u B", bytes);
    switch (kind_of(message)) {
      case Kind::kEcho:
        answer(message, bytes);
        return;
      case Kind::kCounted:
        count(number_of(message));
        return;
      case Kind::kCountReport:
        report(Kind::kCountReport, next_, last_ns_ - first_ns_);
        next_ = 0;
        return;
      case Kind::kTimed:
        count(number_of(message));
        time(message);
        return;
      case Kind::kTimedReport:
        print_samples();
        report(Kind::kTimedReport, next_, last_ns_ - first_ns_);
        next_ = 0;
        return;
      case Kind::kCpuReport:
        report(Kind::kCpuReport, 0, cpu_time_ns());
        return;
    }
    fail(1, "a message of an unknown kind");
  }

  // The link is empty or nearly so: an answer is taken at once, or after what lies in it has left.
  void answer(const uint8_t* message, uint32_t bytes) {
    SpinGuard guard;
    while (!link_.send(message, bytes)) {
      link_.flush();
      link_.poll(DiscardMessage{});
      if (guard.is_over()) fail(1, "an answer was not taken");
    }
  }

  void report(Kind kind, uint64_t number, uint64_t time_ns) {
    uint8_t bytes[kMessageBytesMin];
    write_head(bytes, kind, number, time_ns);
    answer(bytes, sizeof bytes);
  }

  void count(uint64_t number) {
    if (number != next_) {
      fail(1, "expected message %llu, received %llu", static_cast<unsigned long long>(next_),
           static_cast<unsigned long long>(number));
    }
    if (next_ == 0) first_ns_ = monotonic_ns();
    ++next_;
    if ((next_ & kCountClockMask) == 0 || next_ == case_.message_count) last_ns_ = monotonic_ns();
  }

  // What a link hands out at once has arrived at once, so that the clock is read for some of it
  // only: for the first message, and again before the handling of the others shows.
  void time(const uint8_t* message) {
    if ((taken_count_++ & kTimedClockMask) == 0) now_ns_ = monotonic_ns();
    const uint64_t meant_ns = load_u64_le(message + 8);
    if (meant_ns == 0) return;
    const uint64_t age_ns = now_ns_ > meant_ns ? now_ns_ - meant_ns : 0;
    samples_.add(static_cast<uint64_t>(static_cast<double>(age_ns) * ticks_per_ns_));
  }

  void print_samples() {
    if (samples_.count() == 0) return;
    Output output;
    output.add_latency(case_.name, case_.subject, samples_, 0);
    samples_.clear();
    if (!output.print()) fail(1, "cannot write to stdout");
  }

  static constexpr uint64_t kCountClockMask = 0x3FF;
  static constexpr uint32_t kTimedClockMask = 0xF;

  L& link_;
  const Case& case_;
  Samples samples_;
  double ticks_per_ns_;
  bool is_blocking_;
  uint32_t taken_count_ = 0;  // Of this poll().
  uint64_t now_ns_ = 0;
  uint64_t next_ = 0;
  uint64_t first_ns_ = 0;
  uint64_t last_ns_ = 0;
};

template <Link L>
class Measurer {
 public:
  Measurer(L& link, const Case& asked, bool is_blocking)
      : link_(link), case_(asked), is_blocking_(is_blocking) {
    for (uint32_t index = kMessageBytesMin; index < kMessageBytesMax; ++index) {
      message_[index] = static_cast<uint8_t>(index);
    }
  }

  // Waits until the other side answers; late answers to earlier tries are read away.
  void connect() {
    for (uint32_t attempt = 0; attempt < kHelloTryCountMax; ++attempt) {
      write_head(message_, Kind::kEcho, kHelloNumber, 0);
      const bool is_sent = link_.send(message_, kMessageBytesMin);
      link_.flush();
      if (!poll_for(kHelloPauseNs, kHelloNumber) || !is_sent) continue;
      while (poll_for(kHelloPauseNs, kHelloNumber)) {
      }
      return;
    }
    fail(1, "%s: nobody answers", case_.subject.c_str());
  }

  void round_trips(Output& output, double cost_ns) {
    Samples samples(case_.message_count);
    const uint32_t warmup_count = std::max(1u, case_.message_count / kWarmupDivisor);
    for (uint32_t done = 0; done < warmup_count; ++done) exchange(done);
    uint64_t number = warmup_count;
    for (uint32_t done = 0; done < case_.message_count; ++done) {
      pause();
      const uint64_t before = ticks();
      exchange(number++);
      samples.add(ticks() - before);
    }
    output.add_latency(case_.name, case_.subject, samples, cost_ns);
  }

  // As fast as the link takes them; the rate is the answering side's, first to last message.
  void stream(Output& output) {
    for (uint64_t number = 0; number < case_.message_count; ++number) {
      write_head(message_, Kind::kCounted, number, 0);
      send_all(message_, case_.message_bytes);
    }
    add_rate(output, Kind::kCountReport);
  }

  // The open loop without a schedule: what it can carry at the most.
  void timed_stream(Output& output) {
    send_timed();
    add_rate(output, Kind::kTimedReport);
  }

  // At a fixed rate. The samples are the answering side's to print.
  void open_loop() {
    send_timed();
    report(Kind::kTimedReport);
    expect_all();
  }

  // The shares of a CPU that either end takes while nothing is sent.
  void idle(Output& output) {
    const uint64_t start_ns = monotonic_ns();
    const uint64_t own_ns = cpu_time_ns();
    const uint64_t other_ns = report(Kind::kCpuReport);
    link_.rest(start_ns + uint64_t{case_.pause_us} * kNsPerUs);
    const uint64_t own_taken_ns = cpu_time_ns() - own_ns;
    const uint64_t other_taken_ns = report(Kind::kCpuReport) - other_ns;
    const double taken_ns = static_cast<double>(std::max(own_taken_ns, other_taken_ns));
    const double elapsed_ns = static_cast<double>(monotonic_ns() - start_ns);
    output.add_figure(case_.name, case_.subject, "%", kPercent * taken_ns / elapsed_ns);
  }

 private:
  // Each message carries the time at which it was meant to leave. A turn reads the clock once and
  // sends what is due by then, a burst at the most, so that what comes back is read in between. The
  // schedule stays as it is while the link takes nothing: waiting for it counts. What carries no
  // time is no sample: it warms the link up.
  void send_timed() {
    const uint32_t warmup_count = case_.message_count / kWarmupDivisor;
    const double interval_ns = case_.rate == 0 ? 0 : double{kNsPerSecond} / case_.rate;
    const uint64_t start_ns = monotonic_ns();
    for (uint64_t number = 0; number < case_.message_count;) {
      const uint64_t now_ns = monotonic_ns();
      for (uint32_t sent = 0; sent < kTurnCountMax && number < case_.message_count; ++sent) {
        const double offset_ns = static_cast<double>(number) * interval_ns;
        const uint64_t meant_ns =
            case_.rate == 0 ? now_ns : start_ns + static_cast<uint64_t>(offset_ns);
        if (meant_ns > now_ns) break;
        write_head(message_, Kind::kTimed, number, number < warmup_count ? 0 : meant_ns);
        send_all(message_, case_.message_bytes);
        ++number;
      }
      link_.flush();
      link_.poll(DiscardMessage{});
    }
  }

  void add_rate(Output& output, Kind kind) {
    const uint64_t elapsed_ns = report(kind);
    expect_all();
    output.add_rate(case_.name, case_.subject, case_.message_count - 1,
                    std::max<uint64_t>(1, elapsed_ns));
  }

  void expect_all() {
    if (reported_ == case_.message_count) return;
    fail(1, "%s: %llu messages of %u came", case_.subject.c_str(),
         static_cast<unsigned long long>(reported_), case_.message_count);
  }

  // Asleep: between two exchanges nothing is to spin.
  void pause() {
    if (case_.pause_us == 0) return;
    link_.rest(monotonic_ns() + uint64_t{case_.pause_us} * kNsPerUs);
  }

  void exchange(uint64_t number) {
    write_head(message_, Kind::kEcho, number, 0);
    send_all(message_, case_.message_bytes);
    link_.flush();
    if (!poll_for(kSilenceNsMax, number)) {
      fail(1, "%s: answer %llu is missing", case_.subject.c_str(),
           static_cast<unsigned long long>(number));
    }
  }

  void send_all(const uint8_t* bytes, uint32_t byte_count) {
    SpinGuard guard;
    while (!link_.send(bytes, byte_count)) {
      link_.flush();
      link_.poll(DiscardMessage{});
      if (guard.is_over()) fail(1, "%s: takes no more", case_.subject.c_str());
    }
  }

  // True when the answer with this number came, with the bytes it left with.
  bool poll_for(uint64_t silence_ns, uint64_t number) {
    bool has_come = false;
    const uint64_t start_ns = monotonic_ns();
    for (uint32_t turn = 1;; ++turn) {
      link_.poll([&](const uint8_t* answer, uint32_t bytes) {
        if (number_of(answer) != number) return;
        has_come = kind_of(answer) != Kind::kEcho || number == kHelloNumber ||
                   (bytes == case_.message_bytes && std::memcmp(answer, message_, bytes) == 0);
      });
      if (has_come) return true;
      link_.flush();
      if (is_blocking_) link_.wait();
      if ((is_blocking_ || (turn & kClockMask) == 0) && monotonic_ns() - start_ns > silence_ns) {
        return false;
      }
    }
  }

  // Asks for a report and returns the time in it.
  uint64_t report(Kind kind) {
    uint8_t asked[kMessageBytesMin];
    write_head(asked, kind, 0, 0);
    send_all(asked, sizeof asked);
    link_.flush();
    bool has_come = false;
    uint64_t elapsed_ns = 0;
    const uint64_t start_ns = monotonic_ns();
    while (!has_come) {
      link_.poll([&](const uint8_t* answer, uint32_t) {
        if (kind_of(answer) != kind) return;
        has_come = true;
        reported_ = number_of(answer);
        elapsed_ns = load_u64_le(answer + 8);
      });
      link_.flush();
      if (monotonic_ns() - start_ns > kSilenceNsMax)
        fail(1, "%s: no report", case_.subject.c_str());
    }
    return elapsed_ns;
  }

  static constexpr uint32_t kClockMask = 0xFF;
  // Messages of a turn: about what one system call sends.
  static constexpr uint32_t kTurnCountMax = 256;

  L& link_;
  const Case& case_;
  bool is_blocking_;
  uint64_t reported_ = 0;
  uint8_t message_[kMessageBytesMax] = {};
};

}  // namespace hyperroute::links
