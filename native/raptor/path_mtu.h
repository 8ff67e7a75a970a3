// How large a datagram the path carries: packetization-layer path MTU discovery (RFC 8899), which
// needs no ICMP. A probe is a PING padded to the size asked for; an acknowledged one raises the
// datagram size, one lost kProbeTriesMax times ends the search below it. Sizes are those of the
// UDP payload.
// Owner: the session's thread. Data path: on_acked and on_lost, a compare each; the rest at probes.
#pragma once

#include <cstdint>

#include "raptor/rtt.h"
#include "raptor/sent_packets.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

class PathMtu {
 public:
  // What every path has to carry (RFC 8899 section 5.1.2: BASE_PLPMTU, 1200).
  static constexpr uint32_t kBaseBytes = kDatagramBytesMin;
  // Ethernet less IPv6 and UDP (1500 - 48), a page, and jumbo frames (9000 - 48). Other sizes are
  // rare, and a finer search costs a time-out for each size too large.
  static constexpr uint32_t kLadder[] = {kBaseBytes, 1452, 4096, kDatagramBytesMax};
  // RFC 8899 section 5.1.2: MAX_PROBES 3.
  static constexpr uint32_t kProbeTriesMax = 3;
  // A probe lost is sent again after so long: a burst that took it may take the next.
  static constexpr uint64_t kProbeIntervalNs = 10'000'000;
  // Losses in a row of packets above the base, and of none else, that make a black hole likely:
  // from there on packets are no larger than the base, until an ACK tells. It is one when only
  // such small ones arrive; none when a large one does after all, as behind a peer that was just
  // not running.
  static constexpr uint32_t kBlackHoleLosses = 3;
  // When a search that ended is taken up again: PMTU_RAISE_TIMER (RFC 8899 section 5.1.1), and
  // after a black hole sooner, doubling up to it.
  static constexpr uint64_t kRaiseNs = 600'000'000'000;
  static constexpr uint64_t kBlackHoleNs = 10'000'000'000;

  // `datagram_bytes_max`: the lesser of both ends'; below the base it counts as the base.
  explicit PathMtu(uint32_t datagram_bytes_max = kBaseBytes) noexcept;

  // The largest datagram that may carry data now.
  [[nodiscard]] uint32_t datagram_bytes() const noexcept {
    return is_suspect_ ? kBaseBytes : datagram_bytes_;
  }
  // The size of the probe to send now; 0: none. At most one is in flight.
  [[nodiscard]] uint32_t probe_bytes(uint64_t now_ns) const noexcept {
    return is_probing_ || is_suspect_ || now_ns < next_probe_ns_ ? 0 : candidate_bytes_;
  }
  // When probe_bytes() has one again.
  [[nodiscard]] uint64_t deadline_ns() const noexcept {
    return is_probing_ || is_suspect_ || candidate_bytes_ == 0 ? kNoDeadlineNs : next_probe_ns_;
  }
  void on_probe_sent(uint32_t bytes) noexcept;
  // The fate of the item of kind kMtuProbe; `bytes` is SentItem::bytes, the size of the probe.
  void on_probe_acked(uint64_t now_ns, uint32_t bytes) noexcept;
  void on_probe_lost(uint64_t now_ns, uint32_t bytes) noexcept;
  // The kernel would not send a datagram so large (EMSGSIZE): as if every try were lost. `bytes`:
  // of the packet as it was to be sent.
  void on_too_large(uint64_t now_ns, uint32_t bytes) noexcept;

  // Every ACK and every loss, for black holes: datagram_bytes() may have changed after each.
  // on_lost() returns true where it fell to the base: what is sent again has to be cut smaller.
  // `is_guess`: given up by a time-out, not overtaken.
  void on_acked(uint64_t now_ns, const AckSummary& ack) noexcept {
    if (large_losses_ != 0) [[unlikely]]
      judge_losses(now_ns, ack);
  }
  [[nodiscard]] bool on_lost(const LossSummary& loss, bool is_guess) noexcept;

  [[nodiscard]] uint32_t black_holes() const noexcept { return black_holes_; }

 private:
  [[nodiscard]] uint32_t rung_above(uint32_t bytes) const noexcept;
  void judge_losses(uint64_t now_ns, const AckSummary& ack) noexcept;
  void fall_back(uint64_t now_ns) noexcept;
  void pause(uint64_t now_ns, uint64_t interval_ns) noexcept;

  uint32_t datagram_bytes_max_;
  uint32_t datagram_bytes_ = kBaseBytes;
  uint32_t candidate_bytes_ = 0;  // To be probed; 0: nothing above.
  uint32_t probe_tries_ = 0;      // Of the candidate, that were lost.
  bool is_probing_ = false;       // A probe is in flight.
  uint64_t next_probe_ns_ = 0;
  uint64_t black_hole_ns_ = kBlackHoleNs;  // How long the next black hole keeps from searching.
  uint32_t large_losses_ = 0;
  bool is_suspect_ = false;  // Enough of them.
  uint32_t black_holes_ = 0;
};

}  // namespace hyperroute::raptor
