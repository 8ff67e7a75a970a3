// The search for the largest datagram. The session's thread; once for each probe or black hole.
#include "raptor/path_mtu.h"

#include <algorithm>

namespace hyperroute::raptor {

PathMtu::PathMtu(uint32_t datagram_bytes_max) noexcept
    : datagram_bytes_max_(std::max(datagram_bytes_max, kBaseBytes)) {
  candidate_bytes_ = rung_above(kBaseBytes);
}

// The next size worth a probe; what both ends allow is the last. 0: none.
uint32_t PathMtu::rung_above(uint32_t bytes) const noexcept {
  for (const uint32_t rung : kLadder) {
    const uint32_t candidate = std::min(rung, datagram_bytes_max_);
    if (candidate > bytes) return candidate;
  }
  return 0;
}

void PathMtu::pause(uint64_t now_ns, uint64_t interval_ns) noexcept {
  probe_tries_ = 0;
  next_probe_ns_ = time_after(now_ns, interval_ns);
}

void PathMtu::on_probe_sent(uint32_t bytes) noexcept {
  HR_DASSERT(!is_probing_ && bytes == candidate_bytes_);
  is_probing_ = bytes == candidate_bytes_;
}

void PathMtu::on_probe_acked(uint64_t now_ns, uint32_t bytes) noexcept {
  is_probing_ = false;
  // Not asked for any more where the path fell back while it was under way.
  if (bytes != candidate_bytes_) return;
  datagram_bytes_ = bytes;
  large_losses_ = 0;
  is_suspect_ = false;
  candidate_bytes_ = rung_above(bytes);
  pause(now_ns, 0);
}

void PathMtu::on_probe_lost(uint64_t now_ns, uint32_t bytes) noexcept {
  // Not of one that the kernel refused: its verdict stands.
  const bool was_probing = is_probing_;
  is_probing_ = false;
  if (!was_probing || bytes != candidate_bytes_) return;
  if (++probe_tries_ == kProbeTriesMax) {
    pause(now_ns, kRaiseNs);
  } else {
    next_probe_ns_ = time_after(now_ns, kProbeIntervalNs);
  }
}

void PathMtu::on_too_large(uint64_t now_ns, uint32_t bytes) noexcept {
  if (bytes > kBaseBytes && bytes <= datagram_bytes_) {
    fall_back(now_ns);
  } else if (bytes > datagram_bytes_ && bytes <= candidate_bytes_) {
    // What is as large or larger is refused as well. The packet of a probe may be up to 7 bytes
    // shorter than its size, since packets are multiples of 8.
    is_probing_ = false;
    pause(now_ns, kRaiseNs);
  }
}

void PathMtu::fall_back(uint64_t now_ns) noexcept {
  datagram_bytes_ = kBaseBytes;
  candidate_bytes_ = rung_above(kBaseBytes);
  large_losses_ = 0;
  is_suspect_ = false;
  pause(now_ns, black_hole_ns_);
  black_hole_ns_ = std::min(2 * black_hole_ns_, kRaiseNs);
}

bool PathMtu::on_lost(const LossSummary& loss, bool is_guess) noexcept {
  // Where small ones are lost too it is not their size. A time-out says nothing of them: it gives
  // up the PING behind a large packet as well.
  if (loss.packets == 0 || loss.datagram_bytes_max <= kBaseBytes) return false;
  if (!is_guess && loss.datagram_bytes_min <= kBaseBytes) return false;
  if (datagram_bytes_ == kBaseBytes || is_suspect_) return false;
  is_suspect_ = ++large_losses_ >= kBlackHoleLosses;
  return is_suspect_;
}

void PathMtu::judge_losses(uint64_t now_ns, const AckSummary& ack) noexcept {
  if (ack.datagram_bytes_max > kBaseBytes) {
    large_losses_ = 0;
    is_suspect_ = false;
  } else if (is_suspect_ && ack.packets != 0) {
    ++black_holes_;
    fall_back(now_ns);
  }
}

}  // namespace hyperroute::raptor
