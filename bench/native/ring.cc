// SPSC ring core to core. Two processes, a ring each way, one message in flight; beside it the
// least that two cores can do: one cache line each way with a u64, release store, acquire spin.
// Thread: the client functions run in the parent, the serve functions in the child.
#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"
#include "bench/native/pair.h"
#include "bench/native/subjects.h"
#include "ring/spsc_ring.h"

namespace hyperroute {
namespace {

constexpr uint32_t kRingCapacityBytes = 1u << 16;
constexpr uint32_t kBatchCount = 32;
constexpr uint32_t kCheckCount = 2'000;
constexpr uint32_t kWarmupDivisor = 10;
constexpr uint32_t kExchangeBatchMin = 1'000;
constexpr const char* kBareName = "shared-memory ping-pong";

enum Subject : uint32_t { kBare, kRing, kRingOneWay };

struct BareLines {
  alignas(kCacheLineBytes) std::atomic<uint64_t> ping;
  alignas(kCacheLineBytes) std::atomic<uint64_t> pong;
};

// Both processes hold a copy of this; each uses its own ends only.
struct RingBench {
  BareLines* bare;
  uint64_t bare_sequence = 0;  // Of the last exchange; each side counts for itself.
  SpscProducer client_tx;
  SpscConsumer client_rx;
  SpscProducer server_tx;
  SpscConsumer server_rx;
  uint64_t* received_sum;  // Shared: what the one-way consumer read.
};

bool bare_exchange(RingBench& bench) {
  const uint64_t sequence = ++bench.bare_sequence;
  // B1 release: pairs with the spin in serve_bare().
  bench.bare->ping.store(sequence, std::memory_order_release);
  SpinGuard guard;
  // B2 acquire: pairs with the store in serve_bare().
  while (bench.bare->pong.load(std::memory_order_acquire) != sequence) {
    if (guard.is_over()) return false;
  }
  return true;
}

bool serve_bare(RingBench& bench, uint64_t exchange_count) {
  for (uint64_t done = 0; done < exchange_count; ++done) {
    const uint64_t sequence = ++bench.bare_sequence;
    SpinGuard guard;
    // B1 acquire: pairs with the store in bare_exchange().
    while (bench.bare->ping.load(std::memory_order_acquire) != sequence) {
      if (guard.is_over()) return false;
    }
    // B2 release: pairs with the spin in bare_exchange().
    bench.bare->pong.store(sequence, std::memory_order_release);
  }
  return true;
}

bool await(SpscConsumer& consumer, RingRecord& record) {
  SpinGuard guard;
  while (!consumer.next(record)) {
    if (guard.is_over()) return false;
  }
  return true;
}

// The ring is never full here: one message is in flight.
bool send(SpscProducer& producer, const uint8_t* payload, uint32_t payload_bytes) {
  uint8_t* slot = producer.claim(payload_bytes);
  if (slot == nullptr) return false;
  std::memcpy(slot, payload, payload_bytes);
  producer.commit();
  producer.publish_to_poller();
  return true;
}

bool ring_exchange(RingBench& bench, const uint8_t* payload, uint32_t payload_bytes,
                   RingRecord& record) {
  return send(bench.client_tx, payload, payload_bytes) && await(bench.client_rx, record);
}

bool serve_ring(RingBench& bench, uint64_t exchange_count) {
  for (uint64_t done = 0; done < exchange_count; ++done) {
    RingRecord record;
    if (!await(bench.server_rx, record)) return false;
    if (!send(bench.server_tx, record.data, record.bytes)) return false;
    bench.server_rx.release_all();
  }
  return true;
}

bool serve_one_way(RingBench& bench, uint64_t message_count) {
  uint64_t sum = 0;
  uint64_t done = 0;
  while (done < message_count) {
    RingRecord record;
    if (!await(bench.server_rx, record)) return false;
    uint32_t batch_count = 0;
    do {
      uint64_t value;
      std::memcpy(&value, record.data, sizeof value);
      sum += value;
      ++done;
    } while (++batch_count < kBatchCount && done < message_count && bench.server_rx.next(record));
    bench.server_rx.release_all();
  }
  *bench.received_sum = sum;
  return true;
}

bool serve(void* context, const Phase& phase) {
  RingBench& bench = *static_cast<RingBench*>(context);
  switch (phase.subject) {
    case kBare:
      return serve_bare(bench, phase.message_count);
    case kRing:
      return serve_ring(bench, phase.message_count);
    case kRingOneWay:
      return serve_one_way(bench, phase.message_count);
    default:
      return false;
  }
}

// Every payload comes back with the bytes it left with.
void check_ring(Pair& pair, RingBench& bench, uint32_t payload_bytes) {
  Prng prng(payload_bytes);
  pair.start(Phase{kRing, payload_bytes, kCheckCount});
  std::vector<uint8_t> payload(payload_bytes);
  for (uint32_t done = 0; done < kCheckCount; ++done) {
    for (uint8_t& byte : payload) byte = static_cast<uint8_t>(prng.next_u32());
    RingRecord record;
    if (!ring_exchange(bench, payload.data(), payload_bytes, record)) {
      fail(1, "ring: no answer to message %u of the check", done);
    }
    if (record.bytes != payload_bytes ||
        std::memcmp(record.data, payload.data(), payload_bytes) != 0) {
      fail(1, "ring: message %u of the check came back changed (seed %u)", done, payload_bytes);
    }
    bench.client_rx.release_all();
  }
  if (!pair.finish()) fail(1, "ring: the check did not end");
}

bool time_bare(RingBench& bench, uint32_t exchange_count, Samples& samples) {
  uint64_t before = ticks();
  for (uint32_t done = 0; done < exchange_count; ++done) {
    if (!bare_exchange(bench)) return false;
    const uint64_t after = ticks();
    samples.add(after - before);
    before = after;
  }
  return true;
}

bool time_ring(RingBench& bench, uint32_t exchange_count, uint32_t payload_bytes,
               Samples& samples) {
  uint8_t payload[kPayloadBytesMax] = {};
  uint64_t before = ticks();
  for (uint64_t done = 0; done < exchange_count; ++done) {
    std::memcpy(payload, &done, sizeof done);
    RingRecord record;
    if (!ring_exchange(bench, payload, payload_bytes, record)) return false;
    if (std::memcmp(record.data, &done, sizeof done) != 0) return false;
    bench.client_rx.release_all();
    const uint64_t after = ticks();
    samples.add(after - before);
    before = after;
  }
  return true;
}

void run_round(Pair& pair, RingBench& bench, Subject subject, uint32_t payload_bytes,
               uint32_t exchange_count, Samples& samples) {
  samples.clear();
  pair.start(Phase{subject, payload_bytes, exchange_count});
  const bool answered = subject == kBare ? time_bare(bench, exchange_count, samples)
                                         : time_ring(bench, exchange_count, payload_bytes, samples);
  if (!pair.finish() || !answered) fail(1, "ring: an answer was missing or wrong");
}

void run_one_way(Pair& pair, RingBench& bench, uint32_t payload_bytes, uint32_t message_count,
                 Output& output, const std::string& name) {
  pair.start(Phase{kRingOneWay, payload_bytes, message_count});
  const uint64_t start_ns = monotonic_ns();
  for (uint64_t sent = 0; sent < message_count; ++sent) {
    uint8_t* slot = bench.client_tx.claim(payload_bytes);
    if (slot == nullptr) {
      bench.client_tx.publish_to_poller();
      SpinGuard guard;
      while ((slot = bench.client_tx.claim(payload_bytes)) == nullptr) {
        if (guard.is_over()) fail(1, "ring: the consumer stopped reading");
      }
    }
    std::memset(slot, 0, payload_bytes);
    std::memcpy(slot, &sent, sizeof sent);
    bench.client_tx.commit();
    if (sent % kBatchCount == kBatchCount - 1) bench.client_tx.publish_to_poller();
  }
  bench.client_tx.publish_to_poller();
  if (!pair.finish()) fail(1, "ring: the consumer stopped reading");
  const uint64_t elapsed_ns = monotonic_ns() - start_ns;
  const uint64_t count = message_count;
  if (*bench.received_sum != count * (count - 1) / 2) fail(1, "ring: messages were lost");
  output.add_rate(name, "ours", message_count, elapsed_ns);
}

std::string sized(const char* what, uint32_t payload_bytes) {
  return std::string(what) + " " + std::to_string(payload_bytes) + " B";
}

void run_payload(Pair& pair, RingBench& bench, const Options& options, uint32_t payload_bytes,
                 double cost_ns, Output& output) {
  const std::string name = sized("ping-pong", payload_bytes);
  const uint32_t warmup_count =
      std::max(kExchangeBatchMin, options.exchange_count / kWarmupDivisor);
  Samples samples(std::max(options.exchange_count, warmup_count));
  check_ring(pair, bench, payload_bytes);
  for (uint32_t round = 0; round < options.round_count; ++round) {
    for (uint32_t turn = 0; turn < 2; ++turn) {
      // Who comes first changes from round to round.
      const Subject subject = (round + turn) % 2 == 0 ? kBare : kRing;
      run_round(pair, bench, subject, payload_bytes, warmup_count, samples);
      run_round(pair, bench, subject, payload_bytes, options.exchange_count, samples);
      output.add_latency(name, subject == kBare ? kBareName : "ours", samples, cost_ns);
    }
    run_one_way(pair, bench, payload_bytes, options.message_count, output,
                sized("one way", payload_bytes));
  }
}

}  // namespace

void bench_ring(const Options& options, Output& output) {
  const size_t ring_span_bytes = align_up(ring_bytes(kRingCapacityBytes), size_t{kCacheLineBytes});
  const size_t rings_offset = sizeof(BareLines) + kCacheLineBytes;
  const MemoryRegion memory = take_or_fail(
      MemoryRegion::anonymous_shared(rings_offset + 2 * ring_span_bytes, Prefault::kYes));
  const auto ring_at = [&](size_t index) {
    return take_or_fail(ring_init(memory.data() + rings_offset + index * ring_span_bytes,
                                  ring_span_bytes, kRingCapacityBytes));
  };
  const RingView to_server = ring_at(0);
  const RingView to_client = ring_at(1);
  RingBench bench{
      .bare = new (memory.data()) BareLines{},
      .client_tx = SpscProducer(to_server),
      .client_rx = SpscConsumer(to_client, RingVisibility::kCommitWord),
      .server_tx = SpscProducer(to_client),
      .server_rx = SpscConsumer(to_server, RingVisibility::kCommitWord),
      .received_sum = reinterpret_cast<uint64_t*>(memory.data() + sizeof(BareLines)),
  };
  Pair pair(options, serve, &bench);
  const double cost_ns = add_clock(output);
  for (const uint32_t payload_bytes : options.payloads) {
    run_payload(pair, bench, options, payload_bytes, cost_ns, output);
  }
}

}  // namespace hyperroute
