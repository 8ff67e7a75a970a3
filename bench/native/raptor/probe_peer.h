// One client of a listener: what came from it, what it is to be answered.
// Thread: the listener's. Place: take() for every message.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "bench/native/raptor/probe_answers.h"
#include "bench/native/raptor/probe_latencies.h"
#include "bench/native/raptor/probe_message.h"
#include "raptor/endpoint.h"

namespace hyperroute::probe {

class Peer {
 public:
  Peer(raptor::SessionRef ref, std::string address, uint64_t host_id, uint64_t now_ns)
      : ref_(ref), address_(std::move(address)), host_id_(host_id), opened_ns_(now_ns) {}

  [[nodiscard]] raptor::SessionRef ref() const noexcept { return ref_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] uint64_t opened_ns() const noexcept { return opened_ns_; }
  [[nodiscard]] uint64_t messages() const noexcept { return report_.messages; }
  [[nodiscard]] uint64_t bytes() const noexcept { return report_.bytes; }

  // In a sink. False: no room for its answer, so it must come again.
  [[nodiscard]] bool take(uint64_t now_ns, uint16_t stream, std::span<const uint8_t> message);

  // Offers what waits. True: something was offered, so the session is to be touched.
  [[nodiscard]] bool answer(uint64_t now_ns, raptor::Session& session, uint64_t kernel_drops);

  void open_stream(raptor::Session& session);
  // Messages wait in the session, because take() had no room.
  bool has_refused = false;

 private:
  struct StreamTally {
    uint16_t stream = 0;
    uint64_t next_number = 0;
  };
  // As many as a session may have at a time, one more than data streams.
  static constexpr uint32_t kTallyCount = 64;
  static_assert(kDataStreamsMax < kTallyCount);

  void begin(uint64_t host_id);
  void count(uint64_t now_ns, uint16_t stream, const Head& head, uint64_t message_bytes);
  [[nodiscard]] Report report(const raptor::Session& session, uint64_t kernel_drops) const;

  raptor::SessionRef ref_;
  std::string address_;
  uint64_t host_id_;
  uint64_t opened_ns_;
  uint16_t stream_ = 0;
  bool has_stream_ = false;
  bool shares_clock_ = false;
  bool is_report_asked_ = false;
  Head report_asked_;
  uint64_t first_ns_ = 0;
  Report report_;  // The counts in it; the rest is filled in when it is asked for.
  std::array<StreamTally, kTallyCount> tallies_{};
  AnswerQueue answers_;
  Latencies one_way_;
};

}  // namespace hyperroute::probe
