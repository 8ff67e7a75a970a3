// Fuzzes the reader of recordings: whatever a file says is refused or played, and no byte outside
// of it is read.
//
// Input: u8; of 4 values one says that the rest is a file, whose check sums are made right; of the
// others the rest is made into notes about known images, chunk by chunk. Each note is {u8 kind,
// what it says}; each chunk ends with {u8 worker, u8 patches of {u16 place, u8 value}}.
#include <cstring>
#include <span>

#include "base/assert.h"
#include "engine/replay.h"
#include "fuzz/input.h"
#include "unit/native/route/correlated_image.h"
#include "unit/native/route/image_parts.h"

namespace hyperroute {
namespace {

constexpr uint32_t kWorkerCount = 2;
constexpr uint32_t kNotesMax = 64;
constexpr uint32_t kImageCount = 2;

template <typename Record>
void append(std::vector<uint8_t>& bytes, const Record& record) {
  const auto* const from = reinterpret_cast<const uint8_t*>(&record);
  bytes.insert(bytes.end(), from, from + sizeof record);
}

void pad(std::vector<uint8_t>& bytes) { bytes.resize((bytes.size() + 7) / 8 * 8); }

// Numbers from 0 on; test images whose messages open entries, and are copied.
const std::vector<uint8_t>& image_bytes(uint32_t number) {
  static const std::vector<uint8_t> images[kImageCount] = {correlated_parts().image(),
                                                           read_vector("fan-out")};
  return images[number % kImageCount];
}

const ImageSummary& summary_of(uint32_t number) {
  static const auto summaries = [] {
    std::vector<ImageSummary> made;
    for (uint32_t index = 0; index < kImageCount; ++index) {
      RouteImage image;
      HR_ASSERT(RouteImage::load(image_bytes(index), image).ok());
      made.push_back(image.summary());
    }
    return made;
  }();
  return summaries[number % kImageCount];
}

// A recording as it is played: every chunk has the number and the check sum that it should have.
class Player {
 public:
  Player() {
    RecordingHeader header{};
    header.worker_count = kWorkerCount;
    header.crc = crc32c(&header, offsetof(RecordingHeader, crc));
    std::vector<uint8_t> bytes;
    append(bytes, header);
    HR_ASSERT(replay_.open(bytes).ok());
  }

  void play_known_images() {
    for (uint32_t number = 0; number < kImageCount; ++number) {
      std::vector<uint8_t> payload;
      const auto bytes = static_cast<uint32_t>(image_bytes(number).size());
      append(payload, ImageChunk{number, bytes, 0, 0});
      payload.insert(payload.end(), image_bytes(number).begin(), image_bytes(number).end());
      HR_ASSERT(play(ChunkKind::kImage, 0, payload));
    }
  }

  // Whether it was played.
  bool play(ChunkKind kind, uint16_t worker, const std::vector<uint8_t>& payload) {
    ChunkHeader header{};
    header.kind = kind;
    header.worker = worker;
    header.sequence = sequence_++;
    header.payload_bytes = static_cast<uint32_t>(payload.size());
    header.crc = crc_of_chunk(header, payload.data());
    std::vector<uint8_t> bytes;
    append(bytes, header);
    HR_ASSERT(replay_.payload_bytes(bytes).ok());
    return replay_.play(bytes, payload).ok();
  }

  const Replay::Report& report() const { return replay_.report(); }

 private:
  Replay replay_;
  uint32_t sequence_ = 0;
};

// What a worker notes, as the input says.
class Notes {
 public:
  explicit Notes(FuzzInput& input) : input_(input) {}

  std::vector<uint8_t> take() {
    bytes_.clear();
    for (uint32_t count = 1 + input_.u8() % kNotesMax; count > 0 && !input_.is_empty(); --count) {
      put(note());
    }
    return bytes_;
  }

 private:
  void put(std::vector<uint8_t> note) {
    const auto note_bytes = static_cast<uint32_t>(note.size());
    if (note.size() >= sizeof note_bytes) std::memcpy(note.data(), &note_bytes, sizeof note_bytes);
    bytes_.insert(bytes_.end(), note.begin(), note.end());
    pad(bytes_);
  }

  std::vector<uint8_t> note() {
    std::vector<uint8_t> made;
    switch (input_.u8() % 8) {
      case 0:
        return begin();
      case 1:
        append(made, ChangeNote{{0, NoteKind::kChange}, 1, 0});
        append(made, EndpointChange{input_.u8(), input_.u8(), 0, {input_.u8(), input_.u8()}});
        return made;
      case 2:
        append(made, BurstNote{{0, NoteKind::kBurst}, now_ns_ += uint64_t{input_.u8()} << 24});
        return made;
      case 3:
        append(made, SweepNote{{0, NoteKind::kSweep}, input_.u8() % 4u, input_.u8() % 4u, now_ns_});
        return made;
      case 4:
        append(made, NoteHeader{0, static_cast<NoteKind>(input_.u8() % 8)});
        for (const uint8_t byte : input_.up_to(input_.u8())) made.push_back(byte);
        return made;
      default:
        return message();
    }
  }

  std::vector<uint8_t> begin() {
    image_ = input_.u8();
    const ImageSummary& summary = summary_of(image_);
    std::vector<uint8_t> made;
    append(made, BeginNote{{0, NoteKind::kBegin},
                           image_ % kImageCount,
                           summary.endpoint_count,
                           summary.pool_count,
                           summary.tap_count,
                           1u + input_.u8()});
    const auto skip = [&made](uint64_t bytes) {
      made.resize(made.size() + bytes);
      pad(made);
    };
    const size_t shares_at = made.size();
    skip(summary.endpoint_count);
    for (uint32_t endpoint = 0; endpoint < summary.endpoint_count; ++endpoint) {
      made[shares_at + endpoint] = static_cast<uint8_t>(~input_.u8());
    }
    skip(summary.endpoint_count * sizeof(EndpointLoad));
    skip(summary.pool_count * sizeof(uint32_t));
    const size_t taps_at = made.size();
    skip(summary.tap_count * sizeof(uint32_t));
    if (summary.tap_count > 0) made[taps_at] = input_.u8();
    for (uint32_t index = 0; index < summary.correlation_count; ++index) {
      append(made, CorrelationNote{input_.u8() % 4u, input_.u8() & ~1u});
    }
    return made;
  }

  std::vector<uint8_t> message() {
    std::vector<uint8_t> bytes = input_.up_to(input_.u8() % 32);
    if (input_.u8() % 4 != 0) {
      // One of the first image, about an entry that may be open.
      bytes = CorrelatedMessage{static_cast<uint8_t>(1 + input_.u8() % 3), input_.u8() % 2u,
                                uint64_t{input_.u8() % 4u} << 32 | (input_.u8() % 8u), 1}
                  .bytes();
    }
    const uint8_t flags = input_.u8() % 4;
    const auto decision_count = static_cast<uint8_t>(1 + input_.u8() % 8 / 6);
    const auto source = static_cast<uint16_t>(input_.u8() % summary_of(image_).endpoint_count);
    std::vector<uint8_t> made;
    const auto message_bytes = static_cast<uint32_t>(bytes.size());
    append(made,
           MessageNote{{0, NoteKind::kMessage}, message_bytes, source, flags, decision_count});
    made.insert(made.end(), bytes.begin(), bytes.end());
    pad(made);
    for (uint32_t decision = 0; decision < decision_count; ++decision) {
      const uint8_t delivery_count = input_.u8() % 3;
      append(made, DecisionNote{Outcome::kDeliver, delivery_count, 0, 0, 0, 0, 0, 0, 0});
      for (uint32_t delivery = 0; delivery < delivery_count; ++delivery) {
        append(made, DeliveryNote{});
      }
    }
    if ((flags & kMessageSettled) != 0) append(made, SettledNote{input_.u8(), input_.u8()});
    return made;
  }

  FuzzInput& input_;
  std::vector<uint8_t> bytes_;
  uint64_t now_ns_ = 0;
  uint32_t image_ = 0;
};

void play_notes(FuzzInput& input, Player& player) {
  player.play_known_images();
  Notes notes(input);
  while (!input.is_empty()) {
    std::vector<uint8_t> payload = notes.take();
    const uint8_t worker = input.u8();
    for (uint32_t patches = input.u8() % 4; patches > 0 && !payload.empty(); --patches) {
      const uint32_t place = input.u16();
      payload[place % payload.size()] = input.u8();
    }
    const ChunkKind kind = worker == 255 ? ChunkKind::kEnd : ChunkKind::kNotes;
    if (!player.play(kind, worker % kWorkerCount, payload)) return;
  }
}

void play_file(FuzzInput& input, Player& player) {
  while (!input.is_empty()) {
    const auto kind = static_cast<ChunkKind>(input.u8() % 5);
    const uint8_t worker = input.u8();
    if (!player.play(kind, worker, input.up_to(input.u16()))) return;
  }
}

}  // namespace
}  // namespace hyperroute

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace hyperroute;
  FuzzInput input(data, bytes);
  Player player;
  if (input.u8() % 4 == 0) {
    play_file(input, player);
  } else {
    play_notes(input, player);
  }
  const Replay::Report& report = player.report();
  HR_ASSERT(report.different_count <= report.message_count + report.held_count);
  return 0;
}
