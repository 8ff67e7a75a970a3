// hyperroute-bench-codec: encoding and checked decoding of NewOrder in C++, ours beside the code
// that SBE generates. Never shipped: an installed package has no such peer to build.
//
//   hyperroute-bench-codec CPU ROUNDS CHUNKS LAYOUT MESSAGES
//
// LAYOUT is the layout image of the schema; MESSAGES holds the pool as JavaScript encoded it, each
// message after its size as a u32. Prints one JSON object to stdout. Subjects alternate.
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "base/cpu.h"
#include "bench/native/allocations.h"
#include "bench/native/codec/subject.h"
#include "bench/native/options.h"
#include "bench/native/output.h"
#include "bench/native/samples.h"

namespace hyperroute {
namespace {

// One order is far below what a clock resolves: a sample is the mean over this many.
constexpr uint32_t kChunkCount = 1'024;
constexpr uint32_t kWarmupChunkCount = 200;
constexpr uint32_t kRoundCountMax = 1'000;
constexpr uint32_t kChunksMax = 100'000;
constexpr long kFileBytesMax = 1 << 20;

using Orders = std::vector<Order>;
using Frames = std::vector<Frame>;

std::span<Order, kPoolCount> pool(Orders& orders) {
  return std::span<Order, kPoolCount>(orders.data(), kPoolCount);
}
std::span<Frame, kPoolCount> pool(Frames& frames) {
  return std::span<Frame, kPoolCount>(frames.data(), kPoolCount);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::vector<uint8_t> read_file(const char* path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path, "rb"));
  if (file == nullptr) fail(2, "cannot read %s", path);
  std::vector<uint8_t> bytes(kFileBytesMax);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  return bytes;
}

uint32_t parse_count(const char* text, uint32_t high) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value > high) fail(2, "not a number: '%s'", text);
  return static_cast<uint32_t>(value);
}

Frames parse_messages(std::span<const uint8_t> bytes) {
  Frames frames(kPoolCount);
  for (Frame& frame : frames) {
    if (bytes.size() < sizeof(frame.bytes)) fail(2, "too few messages");
    std::memcpy(&frame.bytes, bytes.data(), sizeof frame.bytes);
    bytes = bytes.subspan(sizeof frame.bytes);
    if (frame.bytes > kFrameBytesMax || frame.bytes > bytes.size()) fail(2, "a message too long");
    std::memcpy(frame.data, bytes.data(), frame.bytes);
    bytes = bytes.subspan(frame.bytes);
  }
  return frames;
}

std::string_view up_to_zero(std::string_view text) { return text.substr(0, text.find('\0')); }

bool is_same(const Order& one, const Order& other) {
  return one.id == other.id && one.price == other.price && one.qty == other.qty &&
         one.side == other.side && one.type == other.type &&
         up_to_zero(one.symbol) == up_to_zero(other.symbol) && one.sent_at == other.sent_at &&
         one.account == other.account && one.leg_count == other.leg_count &&
         std::memcmp(one.legs, other.legs, one.leg_count * sizeof(Leg)) == 0;
}

// What a subject made of the orders, checked: encoded, then decoded to the same values.
Frames checked_frames(CodecSubject& subject, Orders& orders) {
  Frames frames(kPoolCount);
  Orders decoded(kPoolCount);
  if (!subject.encode(pool(orders), pool(frames), kPoolCount) ||
      !subject.decode(pool(frames), pool(decoded), kPoolCount)) {
    fail(1, "%s refuses a message", subject.name());
  }
  for (uint32_t index = 0; index < kPoolCount; ++index) {
    if (!is_same(orders[index], decoded[index])) fail(1, "%s decodes other values", subject.name());
  }
  return frames;
}

// Both languages write the same bytes.
void check_same_bytes(const Frames& ours, const Frames& expected) {
  for (uint32_t index = 0; index < kPoolCount; ++index) {
    const Frame& frame = ours[index];
    const bool same = frame.bytes == expected[index].bytes &&
                      std::memcmp(frame.data, expected[index].data, frame.bytes) == 0;
    if (!same) fail(1, "message %u differs from JavaScript's", index);
  }
}

struct Measured {
  CodecSubject* subject;
  Frames frames;
  uint32_t bytes;  // Of one message, on average.
};

template <typename Run>
void measure_round(const char* name, const Measured& measured, uint32_t chunk_count, Run run,
                   double clock_ns, Output& output) {
  Samples samples(chunk_count);
  bool good = true;
  const uint64_t allocated = allocation_count();
  for (uint32_t chunk = 0; chunk < chunk_count; ++chunk) {
    const uint64_t start = ticks();
    good &= run();
    samples.add(ticks() - start);
  }
  const uint64_t allocations = allocation_count() - allocated;
  if (!good) fail(1, "%s failed while it was measured", measured.subject->name());
  output.add_latency(name, measured.subject->name(), samples, clock_ns,
                     {.operation_count = kChunkCount,
                      .bytes = measured.bytes,
                      .counts_allocations = true,
                      .allocations = allocations});
}

void measure(std::span<Measured> subjects, Orders& orders, uint32_t round_count,
             uint32_t chunk_count, Output& output) {
  const double clock_ns = add_clock(output);
  Orders decoded(kPoolCount);
  // The first round only warms up.
  Output discarded;
  for (uint32_t round = 0; round <= round_count; ++round) {
    Output& to = round == 0 ? discarded : output;
    const uint32_t chunks = round == 0 ? kWarmupChunkCount : chunk_count;
    for (uint32_t turn = 0; turn < subjects.size(); ++turn) {
      Measured& one = subjects[(turn + round) % subjects.size()];
      measure_round(
          "NewOrder in C++: encode", one, chunks,
          [&] { return one.subject->encode(pool(orders), pool(one.frames), kChunkCount); },
          clock_ns, to);
    }
    for (uint32_t turn = 0; turn < subjects.size(); ++turn) {
      Measured& one = subjects[(turn + round) % subjects.size()];
      measure_round(
          "NewOrder in C++: checked decode", one, chunks,
          [&] { return one.subject->decode(pool(one.frames), pool(decoded), kChunkCount); },
          clock_ns, to);
    }
  }
}

Measured prepare(CodecSubject& subject, Orders& orders) {
  Frames frames = checked_frames(subject, orders);
  uint64_t bytes = 0;
  for (const Frame& frame : frames) bytes += frame.bytes;
  return {&subject, std::move(frames), static_cast<uint32_t>(bytes / kPoolCount)};
}

int run(char** arguments) {
  const uint32_t cpu = parse_count(arguments[0], UINT16_MAX);
  const uint32_t round_count = parse_count(arguments[1], kRoundCountMax);
  const uint32_t chunk_count = parse_count(arguments[2], kChunksMax);
  const std::vector<uint8_t> layout_image = read_file(arguments[3]);
  Frames messages = parse_messages(read_file(arguments[4]));
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (!pin_to_cpu(cpu).ok()) fail(1, "cannot run on CPU %u", cpu);
  clock_init();

  CodecSubject& ours = our_codec(layout_image);
  Orders orders(kPoolCount);
  if (!ours.decode(pool(messages), pool(orders), kPoolCount)) fail(1, "a message is refused");
  for (Order& order : orders) order.symbol = up_to_zero(order.symbol);
  std::vector<Measured> subjects;
  subjects.push_back(prepare(ours, orders));
  check_same_bytes(subjects.front().frames, messages);
#ifdef HR_BENCH_SBE
  subjects.push_back(prepare(sbe_codec(), orders));
#endif
  Output output;
  measure(subjects, orders, round_count, chunk_count, output);
  if (!output.print()) fail(1, "cannot write to stdout");
  return 0;
}

}  // namespace
}  // namespace hyperroute

int main(int argument_count, char** arguments) {
  if (argument_count != 6) hyperroute::fail(2, "expected CPU ROUNDS CHUNKS LAYOUT MESSAGES");
  return hyperroute::run(arguments + 1);
}
