// Fate of each datagram: lost, late, doubled, bent or delivered (network.h).
#include "sim/network.h"

#include <algorithm>
#include <utility>

#include "wire/raptor_packet.h"

namespace hyperroute::sim {

bool Network::is_lost(Link& link, size_t bytes) {
  const LinkFaults& faults = link.faults;
  if (link.is_cut) return true;
  if (bytes > faults.mtu_bytes) {
    ++counters_.too_long;
    return true;
  }
  if (link.is_in_burst ? chance(faults.burst_end_ppm) : chance(faults.burst_begin_ppm)) {
    link.is_in_burst = !link.is_in_burst;
  }
  return chance(link.is_in_burst ? faults.burst_loss_ppm : faults.loss_ppm);
}

// UINT64_MAX: the bottleneck's queue is full.
uint64_t Network::arrival_ns(Link& link, size_t bytes) {
  const LinkFaults& faults = link.faults;
  uint64_t leaves_ns = run_.now_ns;
  if (faults.bytes_per_second != 0) {
    leaves_ns = std::max(leaves_ns, link.free_at_ns);
    if (leaves_ns - run_.now_ns > faults.queue_ns_max) return UINT64_MAX;
    leaves_ns += bytes * kSecondNs / faults.bytes_per_second;
    link.free_at_ns = leaves_ns;
  }
  const auto upto = [this](uint64_t ns) { return ns == 0 ? 0 : random_.next_u64() % ns; };
  const uint64_t arrives_ns = leaves_ns + faults.delay_ns + upto(faults.jitter_ns);
  if (chance(faults.reorder_ppm)) return arrives_ns + upto(faults.reorder_ns);
  link.newest_arrival_ns = std::max(link.newest_arrival_ns, arrives_ns);
  return link.newest_arrival_ns;
}

void Network::send(uint32_t from, uint32_t to, std::span<const uint8_t> bytes) {
  ++counters_.sent;
  Link& path = link(from, to);
  if (is_lost(path, bytes.size())) {
    ++counters_.lost;
    run_.trace.event(run_.now_ns, "lost", from, to, bytes.size());
    return;
  }
  const uint32_t copies = chance(path.faults.duplicate_ppm) ? 2 : 1;
  counters_.duplicated += copies - 1;
  for (uint32_t copy = 0; copy < copies; ++copy) {
    const uint64_t at_ns = arrival_ns(path, bytes.size());
    if (at_ns == UINT64_MAX) {
      ++counters_.queue_full;
      run_.trace.event(run_.now_ns, "queue full", from, to, bytes.size());
      continue;
    }
    if (!chance(path.faults.corrupt_ppm)) {
      put(at_ns, from, to, Origin::kSent, bytes);
      continue;
    }
    const bool is_data =
        raptor::kind_of(bytes.data(), 1) == static_cast<uint8_t>(raptor::PacketKind::kData);
    if (spares_handshakes_ && !is_data) continue;
    ++counters_.changed;
    put(at_ns, from, to, Origin::kChanged, bytes);
    std::vector<uint8_t>& changed = slots_[newest_slot_].bytes;
    const uint32_t bits = random_.between(1, 3);
    // Different bits, or two flips would undo each other.
    const uint32_t first = random_.below(static_cast<uint32_t>(changed.size() * 8 - bits));
    for (uint32_t bit = first; bit < first + bits; ++bit) {
      changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
    }
  }
}

void Network::inject(uint64_t at_ns, uint32_t from, uint32_t to, Origin origin,
                     std::span<const uint8_t> bytes) {
  put(at_ns, from, to, origin, bytes);
}

void Network::put(uint64_t at_ns, uint32_t from, uint32_t to, Origin origin,
                  std::span<const uint8_t> bytes) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  newest_slot_ = free_slots_.back();
  free_slots_.pop_back();
  Datagram& datagram = slots_[newest_slot_];
  datagram.from = from;
  datagram.to = to;
  datagram.origin = origin;
  datagram.bytes.assign(bytes.begin(), bytes.end());
  arrivals_.push_back({at_ns, order_++, newest_slot_});
  std::push_heap(arrivals_.begin(), arrivals_.end());
}

uint64_t Network::next_arrival_ns() const {
  return arrivals_.empty() ? UINT64_MAX : arrivals_.front().at_ns;
}

Datagram Network::take() {
  std::pop_heap(arrivals_.begin(), arrivals_.end());
  const uint32_t slot = arrivals_.back().slot;
  arrivals_.pop_back();
  taken_slot_ = slot;
  return std::move(slots_[slot]);
}

void Network::recycle(Datagram&& datagram) {
  slots_[taken_slot_] = std::move(datagram);
  free_slots_.push_back(taken_slot_);
}

void Network::drop_all() {
  for (const Arrival& arrival : arrivals_) free_slots_.push_back(arrival.slot);
  arrivals_.clear();
}

}  // namespace hyperroute::sim
