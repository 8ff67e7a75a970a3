// Draws a scenario from a seed (scenario.h).
#include "sim/scenario.h"

#include <algorithm>
#include <array>

#include "sim/network.h"

namespace hyperroute::sim {
namespace {

constexpr uint32_t kMebibyte = 1u << 20;
constexpr uint32_t kKibibyte = 1u << 10;

// A value of a list, each as likely as the others.
template <typename T, size_t kCount>
T pick(Prng& random, const T (&values)[kCount]) {
  return values[random.below(kCount)];
}

uint64_t between_ns(Prng& random, uint64_t low_ns, uint64_t high_ns) {
  return low_ns + random.next_u64() % (high_ns - low_ns + 1);
}

HostPlan draw_host(Prng& random, const Scenario& scenario, uint32_t index) {
  HostPlan host;
  host.is_listener = index == 0 || random.one_in(4);
  raptor::EndpointOptions& options = host.options;
  options.is_listener = host.is_listener;
  options.insecure = scenario.is_insecure;
  if (!scenario.is_insecure) options.static_keys = host_key_pair(index);
  if (random.one_in(3)) options.cipher = crypto::AeadKind::kChaCha20Poly1305;
  if (random.one_in(4)) options.connect_timeout_ns = between_ns(random, 30'000'000, 3 * kSecondNs);
  options.is_inline = random.one_in(8);
  if (random.one_in(6)) options.liveness_us = random.between(50'000, 500'000);
  options.ack_delay_us = pick(random, {50u, 50u, 0u, 1'000u, 5'000u});
  options.in_flight_bytes_max = pick(random, {kMebibyte, kMebibyte, 64u << 10, 212'992u});
  const uint32_t datagram_bytes = pick(random, {8'952u, 8'952u, 1'452u, 1'200u, 4'096u});
  options.datagram_bytes_max = datagram_bytes;
  options.message_bytes_max = scenario.is_huge ? raptor::kMessageBytesLimit : 512u << 10;
  options.stream_window_bytes = pick(random, {256u << 10, 256u << 10, 16u << 10, 1u << 20});
  options.streams_max = static_cast<uint16_t>(pick(random, {64u, 64u, 8u, 4u}));
  options.half_open_max = pick(random, {256u, 256u, 4u, 64u});
  options.cookie_threshold = pick(random, {32u, 32u, 0u, 2u});
  options.uses_static_window = random.one_in(6);
  if (options.uses_static_window)
    options.static_window_bytes = random.between(16u << 10, kMebibyte);
  return host;
}

// Listeners that let in only some keys; those left out must never get a session.
void draw_allow_lists(Prng& random, Scenario& scenario) {
  if (scenario.is_insecure || !random.one_in(4)) return;
  std::vector<crypto::PublicKey> allowed;
  for (uint32_t index = 0; index < scenario.hosts.size(); ++index) {
    HostPlan& host = scenario.hosts[index];
    host.is_allowed = host.is_listener || !random.one_in(4);
    if (host.is_allowed) allowed.push_back(host_key_pair(index).public_key);
  }
  for (HostPlan& host : scenario.hosts) {
    if (host.is_listener) host.options.allow_list = allowed;
  }
}

Disturbance draw_disturbance(Prng& random, const Scenario& scenario) {
  Disturbance disturbance;
  disturbance.at_ns = between_ns(random, kMillisecondNs, scenario.busy_ns);
  disturbance.host = random.below(static_cast<uint32_t>(scenario.hosts.size()));
  disturbance.kind = static_cast<DisturbanceKind>(random.below(kDisturbanceKinds));
  switch (disturbance.kind) {
    case DisturbanceKind::kCut:
      disturbance.duration_ns = random.one_in(3)
                                    ? between_ns(random, kMillisecondNs, 60 * kMillisecondNs)
                                    : between_ns(random, kMillisecondNs, 3 * kSecondNs);
      break;
    case DisturbanceKind::kKill:
    case DisturbanceKind::kStop:
      disturbance.duration_ns =
          between_ns(random, kMicrosecondNs, (random.one_in(2) ? 500 : 50) * kMillisecondNs);
      break;
    case DisturbanceKind::kClockJump: {
      constexpr uint64_t kHourNs = 3600 * kSecondNs;
      const uint64_t limits_ns[] = {5 * kMillisecondNs, 90 * kMillisecondNs, kSecondNs,
                                    5 * kHourNs};
      disturbance.duration_ns = between_ns(random, kMillisecondNs, limits_ns[random.below(4)]);
      break;
    }
    case DisturbanceKind::kBlackHole:
      disturbance.amount = pick(random, {1'200u, 1'452u, 1'400u, 4'500u});
      break;
    case DisturbanceKind::kFlood:
      disturbance.amount = random.between(10, random.one_in(6) ? 1'000 : 100);
      break;
    default:
      break;
  }
  return disturbance;
}

// How large the messages of a flow are, and about how many bytes it offers in all.
struct SizeClass {
  uint32_t bytes_max;
  uint32_t budget_bytes;
};

SizeClass draw_size(Prng& random, const Scenario& scenario) {
  if (scenario.is_huge && random.one_in(3)) return {random.between(kMebibyte, 16 * kMebibyte), 0};
  switch (random.below(8)) {
    case 0:
      return {0, 1'000};
    case 1:
    case 2:
      return {random.between(8, 64), 64 * kKibibyte};
    case 3:
    case 4:
      return {random.between(64, 1'104), 256 * kKibibyte};
    case 5:
    case 6:
      return {random.between(1'000, 9'000), 512 * kKibibyte};
    default:
      return {random.between(9'000, 300 * kKibibyte), kMebibyte};
  }
}

}  // namespace

const crypto::KeyPair& host_key_pair(uint32_t host) {
  static const std::array<crypto::KeyPair, kHostsMax> kPairs = [] {
    std::array<crypto::KeyPair, kHostsMax> pairs;
    for (uint32_t index = 0; index < kHostsMax; ++index) {
      std::array<uint8_t, crypto::kKeyBytes> secret{};
      secret.fill(static_cast<uint8_t>(index + 1));
      pairs[index] = crypto::key_pair_of(secret).take();
    }
    return pairs;
  }();
  return kPairs[host];
}

LinkFaults draw_faults(Prng& random, bool has_static_window) {
  LinkFaults faults;
  faults.delay_ns = random.one_in(3) ? between_ns(random, 0, 20 * kMillisecondNs)
                                     : between_ns(random, 5'000, 500'000);
  if (random.one_in(2)) faults.jitter_ns = between_ns(random, 0, faults.delay_ns + 20'000);
  if (random.one_in(2)) faults.loss_ppm = random.below(random.one_in(3) ? 300'001 : 50'001);
  if (random.one_in(4)) {
    faults.burst_begin_ppm = random.between(100, 20'000);
    faults.burst_end_ppm = random.between(20'000, 500'000);
    faults.burst_loss_ppm = random.between(300'000, kPpm);
  }
  if (random.one_in(3)) {
    faults.reorder_ppm = random.below(200'001);
    faults.reorder_ns = between_ns(random, 1'000, 2 * faults.delay_ns + 100'000);
  }
  if (random.one_in(3)) faults.duplicate_ppm = random.below(100'001);
  if (random.one_in(3)) faults.corrupt_ppm = random.below(50'001);
  if (random.one_in(3)) faults.mtu_bytes = pick(random, {1'200u, 1'452u, 1'472u, 8'972u});
  if (random.one_in(4) && !has_static_window) {
    faults.bytes_per_second = random.between(250'000, 50'000'000);
    faults.queue_ns_max = between_ns(random, 2 * kMillisecondNs, 60 * kMillisecondNs);
  }
  return faults;
}

FlowPlan draw_flow(Prng& random, const Scenario& scenario, uint64_t label) {
  constexpr raptor::StreamMode kModes[] = {
      raptor::StreamMode::kReliableOrdered,   raptor::StreamMode::kReliableOrdered,
      raptor::StreamMode::kReliableOrdered,   raptor::StreamMode::kReliableUnordered,
      raptor::StreamMode::kReliableUnordered, raptor::StreamMode::kLatest,
      raptor::StreamMode::kDeadline,          raptor::StreamMode::kUnreliable,
  };
  constexpr uint32_t kMessagesMax = 2'000;
  FlowPlan flow;
  const SizeClass size = draw_size(random, scenario);
  raptor::StreamOptions& options = flow.options;
  options.mode = pick(random, kModes);
  options.priority = static_cast<uint8_t>(random.below(8));
  options.label = label;
  if (options.mode == raptor::StreamMode::kDeadline) {
    options.deadline_us = pick(random, {500u, 5'000u, 50'000u, 1'000'000u});
  }
  PayloadPlan& payload = flow.payload;
  payload.label = label;
  const bool may_be_tiny = options.mode == raptor::StreamMode::kReliableOrdered ||
                           options.mode == raptor::StreamMode::kReliableUnordered ||
                           options.mode == raptor::StreamMode::kUnreliable;
  payload.bytes_min = may_be_tiny && random.one_in(3) ? 0 : kIdentifiedBytesMin;
  payload.bytes_max = std::max(payload.bytes_min, size.bytes_max);
  payload.large_one_in = pick(random, {1u, 1u, 10u, 50u});
  payload.small_bytes_max = std::min(payload.bytes_max, 64u);
  options.message_bytes_max = std::max(payload.bytes_max, 1u);
  if (random.one_in(3)) {
    options.ring_bytes = raptor::stream_ring_bytes(options.message_bytes_max, 4u << 10);
  }
  flow.interval_ns = between_ns(random, 10'000, random.one_in(2) ? 500'000 : 20'000'000);
  flow.per_interval = random.one_in(3) ? random.between(1, 64) : 1;
  const uint32_t mean_bytes = payload.bytes_max / (2 * payload.large_one_in) + 16;
  flow.message_count = std::clamp(size.budget_bytes / mean_bytes, 1u, kMessagesMax);
  flow.message_count = random.between(1, flow.message_count);
  flow.claims = random.one_in(3);
  flow.ends = random.one_in(2);
  flow.reopens = flow.ends && random.one_in(2);
  return flow;
}

Reader draw_reader(Prng& random) {
  Reader reader;
  const uint32_t dice = random.below(10);
  if (dice < 6) return reader;
  reader.kind = dice < 8   ? ReaderKind::kPartial
                : dice < 9 ? ReaderKind::kSlow
                           : ReaderKind::kStopped;
  reader.interval_ns = between_ns(random, 50'000, 5 * kMillisecondNs);
  reader.per_interval = random.between(1, 40);
  return reader;
}

Scenario draw_scenario(uint64_t seed) {
  Prng random(seed);
  Scenario scenario;
  scenario.is_insecure = random.one_in(3);
  scenario.is_huge = random.one_in(50);
  scenario.busy_ns = between_ns(random, 20 * kMillisecondNs,
                                random.one_in(4) ? 2 * kSecondNs : 300 * kMillisecondNs);
  scenario.flows_max = random.one_in(6) ? 10 : 3;
  if (random.one_in(2)) scenario.forger_interval_ns = random.between(20'000, 5'000'000);
  const uint32_t host_count = random.one_in(2) ? 2 : random.between(3, kHostsMax);
  for (uint32_t index = 0; index < host_count; ++index) {
    scenario.hosts.push_back(draw_host(random, scenario, index));
  }
  draw_allow_lists(random, scenario);
  scenario.faults.resize(kHostsMax * kHostsMax);
  // A third of the networks is clean, so that what must never happen there is seen not to.
  const bool is_clean = random.one_in(3);
  for (uint32_t at = 0; at < scenario.faults.size(); ++at) {
    LinkFaults& faults = scenario.faults[at];
    const uint32_t from = at / kHostsMax;
    faults =
        draw_faults(random, from < host_count && scenario.hosts[from].options.uses_static_window);
    if (!is_clean) continue;
    const LinkFaults drawn = faults;
    faults = LinkFaults{};
    faults.delay_ns = drawn.delay_ns;
    faults.mtu_bytes = drawn.mtu_bytes;
  }
  const uint32_t disturbance_count = random.one_in(3) ? 0 : random.between(1, 6);
  for (uint32_t index = 0; index < disturbance_count; ++index) {
    scenario.disturbances.push_back(draw_disturbance(random, scenario));
  }
  std::stable_sort(scenario.disturbances.begin(), scenario.disturbances.end(),
                   [](const Disturbance& a, const Disturbance& b) { return a.at_ns < b.at_ns; });
  return scenario;
}

}  // namespace hyperroute::sim
