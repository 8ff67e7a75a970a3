// Playing a recording. Thread: whoever made the Replay.
#include "engine/replay.h"

#include <algorithm>
#include <utility>

#include "engine/qsbr.h"
#include "route/correlate_datapath.h"

namespace hyperroute {
namespace {

// The record at the start of the bytes; false where they are too few.
template <typename Record>
bool read(std::span<const uint8_t> bytes, Record& record) {
  if (bytes.size() < sizeof record) return false;
  std::memcpy(&record, bytes.data(), sizeof record);
  return true;
}

// Takes `bytes` from the front; false where there are not as many.
bool take(std::span<const uint8_t>& from, uint64_t bytes, std::span<const uint8_t>& taken) {
  if (bytes > from.size()) return false;
  taken = from.first(static_cast<size_t>(bytes));
  from = from.subspan(static_cast<size_t>(bytes));
  return true;
}

template <typename Value>
void copy_values(std::span<const uint8_t>& from, std::vector<Value>& values) {
  const size_t bytes = values.size() * sizeof(Value);
  if (bytes > 0) std::memcpy(values.data(), from.data(), bytes);
  from = from.subspan(padded_note_bytes(static_cast<uint32_t>(bytes)));
}

std::string text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Whether the bytes are as many decisions as the note says.
bool are_decisions(std::span<const uint8_t> bytes, uint32_t count) {
  for (uint32_t index = 0; index < count; ++index) {
    DecisionNote note;
    std::span<const uint8_t> taken;
    if (!read(bytes, note) || note.delivery_count > kDeliveriesMax) return false;
    if (!take(bytes, sizeof note + note.delivery_count * sizeof(DeliveryNote), taken)) return false;
  }
  return bytes.empty();
}

}  // namespace

Status Replay::damaged(const char* what) {
  return Status::error(StatusCode::kRecording, "the recording is damaged: %s", what);
}

Status Replay::open(std::span<const uint8_t> bytes) {
  if (!workers_.empty()) {
    return Status::error(StatusCode::kState, "a replay plays one recording; this has one");
  }
  RecordingHeader header;
  if (!read(bytes, header) || header.magic != kRecordingMagic) {
    return Status::error(StatusCode::kRecording, "the file is no recording");
  }
  if (header.version != kRecordingVersion) {
    return Status::error(StatusCode::kRecording, "a recording of version %u; expected %u",
                         header.version, kRecordingVersion);
  }
  if (header.crc != crc32c(&header, offsetof(RecordingHeader, crc)) || header.worker_count == 0 ||
      header.worker_count > kWorkerCountMax) {
    return damaged("its header");
  }
  report_ = Report{};
  report_.worker_count = header.worker_count;
  report_.begun_ms = header.begun_ms;
  workers_ = std::vector<Worker>(header.worker_count);
  for (Worker& worker : workers_) {
    worker.scratch.resize(kScratchBytes);
    worker.fan_out = std::make_unique<FanOut>();
    worker.correlating = std::make_unique<Correlating>();
  }
  return Status::success();
}

Result<uint32_t> Replay::payload_bytes(std::span<const uint8_t> bytes) const {
  ChunkHeader header;
  if (!read(bytes, header) || header.magic != kChunkMagic ||
      header.payload_bytes > kChunkBytesMax) {
    return damaged("a chunk's header");
  }
  return header.payload_bytes;
}

Status Replay::play(std::span<const uint8_t> header_bytes, std::span<const uint8_t> payload) {
  ChunkHeader header;
  if (!read(header_bytes, header) || header.magic != kChunkMagic ||
      header.payload_bytes != payload.size() ||
      header.crc != crc_of_chunk(header, payload.data())) {
    return damaged("a chunk's check");
  }
  if (header.sequence != sequence_) return damaged("a chunk is missing");
  if (is_ended_) return damaged("a chunk behind the end");
  ++sequence_;
  switch (header.kind) {
    case ChunkKind::kImage:
      return play_image(payload);
    case ChunkKind::kNotes:
      return play_notes(header.worker, payload);
    case ChunkKind::kEnd:
      return play_end(payload);
  }
  return damaged("a chunk of no kind");
}

Status Replay::play_image(std::span<const uint8_t> payload) {
  ImageChunk chunk;
  if (!read(payload, chunk) || images_.contains(chunk.number) ||
      chunk.library_count > kPluginLibrariesMax) {
    return damaged("an image");
  }
  std::span<const uint8_t> rest = payload.subspan(sizeof chunk);
  std::span<const uint8_t> image;
  std::span<const uint8_t> description;
  if (!take(rest, chunk.image_bytes, image) || !take(rest, chunk.description_bytes, description)) {
    return damaged("an image");
  }
  auto made = std::make_unique<Image>();
  made->number = chunk.number;
  made->description = text_of(description);
  for (uint32_t index = 0; index < chunk.library_count; ++index) {
    uint32_t path_bytes = 0;
    std::span<const uint8_t> path;
    if (!read(rest, path_bytes)) return damaged("an image");
    rest = rest.subspan(sizeof path_bytes);
    if (!take(rest, path_bytes, path)) return damaged("an image");
    made->libraries.push_back(text_of(path));
  }
  HR_TRY(RouteImage::load(image, made->image));
  if (made->image.tables().plugins.count > 0) {
    if (!options_.loads_plugins) {
      return Status::error(StatusCode::kPlugin,
                           "image %u of the recording uses plug-ins, whose code runs here only "
                           "where that is asked for",
                           chunk.number);
    }
    HR_TRY(made->plugins.bind(made->libraries, made->image));
  }
  images_.emplace(chunk.number, std::move(made));
  return Status::success();
}

Status Replay::play_end(std::span<const uint8_t> payload) {
  EndChunk end;
  const bool is_whole = read(payload, end) && payload.size() == sizeof end;
  if (!is_whole || end.reason == RecordingEnd::kNone ||
      static_cast<uint32_t>(end.reason) >= kRecordingEndCount) {
    return damaged("its end");
  }
  report_.end = end;
  is_ended_ = true;
  return Status::success();
}

Status Replay::play_notes(uint16_t index, std::span<const uint8_t> payload) {
  if (index >= workers_.size()) return damaged("notes of no worker");
  std::span<const uint8_t> rest = payload;
  while (!rest.empty()) {
    NoteHeader header;
    if (!read(rest, header) || header.note_bytes < sizeof header ||
        header.note_bytes > kChunkBytesMax) {
      return damaged("a note");
    }
    std::span<const uint8_t> padded;
    if (!take(rest, padded_note_bytes(header.note_bytes), padded)) return damaged("a note");
    const std::span<const uint8_t> note = padded.first(header.note_bytes);
    Worker& worker = workers_[index];
    switch (header.kind) {
      case NoteKind::kBegin:
        HR_TRY(begin(worker, note));
        continue;
      case NoteKind::kChange:
        HR_TRY(change(worker, note));
        continue;
      case NoteKind::kBurst:
        HR_TRY(burst(worker, note));
        continue;
      case NoteKind::kSweep:
        HR_TRY(sweep(worker, note));
        continue;
      case NoteKind::kMessage:
        HR_TRY(message(index, note));
        continue;
    }
    return damaged("a note of no kind");
  }
  return Status::success();
}

Status Replay::begin(Worker& worker, std::span<const uint8_t> bytes) {
  BeginNote note;
  if (!read(bytes, note)) return damaged("a state");
  const auto found = images_.find(note.image);
  if (found == images_.end()) return damaged("a state of no image");
  const ImageSummary summary = found->second->image.summary();
  const uint64_t wanted_bytes = begin_note_bytes(note.endpoint_count, note.pool_count,
                                                 note.tap_count, summary.correlation_count);
  if (note.endpoint_count != summary.endpoint_count || note.pool_count != summary.pool_count ||
      note.tap_count != summary.tap_count || bytes.size() != wanted_bytes || note.random == 0) {
    return damaged("a state of another image");
  }
  worker.image = found->second.get();
  worker.alive.resize(note.endpoint_count);
  worker.loads.resize(note.endpoint_count);
  worker.pool_positions.resize(note.pool_count);
  worker.tap_counts.resize(note.tap_count);
  std::span<const uint8_t> rest = bytes.subspan(sizeof note);
  copy_values(rest, worker.alive);
  copy_values(rest, worker.loads);
  copy_values(rest, worker.pool_positions);
  copy_values(rest, worker.tap_counts);
  if (const Status status = take_tables(worker, rest); !status.ok()) {
    worker.image = nullptr;
    return status;
  }
  worker.state = StepState{.pool_positions = worker.pool_positions.data(),
                           .alive = worker.alive.data(),
                           .load = worker.loads.data(),
                           .scratch = worker.scratch.data(),
                           .random = note.random,
                           .fan_out = worker.fan_out.get(),
                           .tap_counts = worker.tap_counts.data(),
                           .correlating = worker.correlating.get()};
  return Status::success();
}

Status Replay::burst(Worker& worker, std::span<const uint8_t> bytes) {
  BurstNote note;
  if (!read(bytes, note) || bytes.size() != sizeof note) return damaged("a burst");
  worker.now_ns = note.now_ns;
  return Status::success();
}

Status Replay::sweep(Worker& worker, std::span<const uint8_t> bytes) {
  SweepNote note;
  if (!read(bytes, note) || bytes.size() != sizeof note) return damaged("a sweep");
  const auto found = worker.tables.find(note.table);
  if (found == worker.tables.end() ||
      found->second->sweep(note.now_ns, note.entry_count) != note.entry_count) {
    return damaged("a sweep");
  }
  return Status::success();
}

Status Replay::change(Worker& worker, std::span<const uint8_t> bytes) {
  ChangeNote note;
  if (!read(bytes, note) ||
      bytes.size() != sizeof note + uint64_t{note.change_count} * sizeof(EndpointChange)) {
    return damaged("a change");
  }
  std::span<const uint8_t> rest = bytes.subspan(sizeof note);
  for (uint32_t index = 0; index < note.change_count; ++index) {
    EndpointChange change;
    if (!read(rest, change) || change.endpoint >= worker.alive.size()) return damaged("a change");
    rest = rest.subspan(sizeof change);
    worker.alive[change.endpoint] = change.alive;
    worker.loads[change.endpoint] = change.load;
  }
  return Status::success();
}

Status Replay::message(uint16_t index, std::span<const uint8_t> bytes) {
  Worker& worker = workers_[index];
  MessageNote note;
  if (worker.image == nullptr) return damaged("a message before the state of its worker");
  if (!read(bytes, note) || note.source >= worker.alive.size() || note.decision_count == 0 ||
      note.decision_count > kDecisionsMax) {
    return damaged("a message");
  }
  std::span<const uint8_t> rest = bytes.subspan(sizeof note);
  std::span<const uint8_t> padded;
  const uint64_t padded_bytes = (uint64_t{note.message_bytes} + 7) / 8 * 8;
  if (!take(rest, padded_bytes, padded)) return damaged("a message");
  SettledNote settled{};
  if ((note.flags & kMessageSettled) != 0) {
    if (rest.size() < sizeof settled) return damaged("a message");
    (void)read(rest.last(sizeof settled), settled);
    rest = rest.first(rest.size() - sizeof settled);
  }
  if (!are_decisions(rest, note.decision_count)) return damaged("a message");
  const std::span<const uint8_t> data = padded.first(note.message_bytes);
  decide_again(worker, note, data, settled);
  const bool is_held = (note.flags & kMessageHeld) != 0;
  if (!std::equal(replayed_.begin(), replayed_.end(), rest.begin(), rest.end())) {
    ++report_.different_count;
    if (difference_ == nullptr) {
      difference_ = std::make_unique<Difference>(
          Difference{index, worker.message_count, worker.image->number, note.source,
                     std::vector<uint8_t>(data.begin(), data.end()),
                     std::vector<uint8_t>(rest.begin(), rest.end()), replayed_});
    }
  }
  if (is_held) {
    ++report_.held_count;
  } else {
    ++worker.message_count;
    ++report_.message_count;
  }
  return Status::success();
}

// The engine's way, as far as it depends on decisions: whether a notice was due, and whether the
// message had to wait, depended on sockets, so the recording says it.
void Replay::decide_again(Worker& worker, const MessageNote& note, std::span<const uint8_t> bytes,
                          const SettledNote& settled) {
  // A copy of exactly the message's size, so that a sanitizer sees a read behind it.
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  const RouteImage& image = worker.image->image;
  StepMessage message{copy.data(), note.message_bytes, note.source};
  const bool is_held = (note.flags & kMessageHeld) != 0;
  replayed_.resize(kDecisionsMax * kDecisionBytesMax);
  const Decision decision = decide(image, worker.state, message);
  uint32_t used_bytes = write_decision(decision, worker.state, replayed_.data());
  const bool has_notice = note.decision_count > 1;
  if (!is_held) tally(worker, decision, note.decision_count);
  if (has_notice) {
    const Decision notice = decide_reject(image, worker.state, message, decision);
    used_bytes += write_decision(notice, worker.state, replayed_.data() + used_bytes);
    if (!is_held) tally(worker, notice, 0);
  } else if (!is_held && decision.outcome != Outcome::kReject) {
    settle(image, worker.state, decision);
    if ((note.flags & kMessageSettled) != 0 && decision.correlates != 0) {
      settle_correlations(worker.state, decision,
                          {settled.source, settled.destination, worker.now_ns});
    }
  }
  replayed_.resize(used_bytes);
}

// `decision_count`: of the message; 0: this is its notice.
void Replay::tally(const Worker& worker, const Decision& decision, uint32_t decision_count) {
  const uint32_t image = worker.image->number;
  const auto add = [this, image](TallyKind kind, uint32_t first, uint32_t second) {
    ++tallies_[TallyKey{image, static_cast<uint32_t>(kind), first, second}];
  };
  if (decision_count > 0) {
    add(TallyKind::kRule, decision.route, decision.rule);
    if (decision.outcome == Outcome::kDiscard) return add(TallyKind::kDiscard, 0, 0);
    if (decision.outcome == Outcome::kReject) {
      return add(TallyKind::kReject, decision.reject_code, 0);
    }
    // The engine could not deliver it, and why is not a matter of decisions.
    if (decision_count > 1) return add(TallyKind::kReject, 0, 0);
  }
  for (uint32_t index = 0; index < decision.delivery_count; ++index) {
    const Delivery& delivery = delivery_at(decision, worker.state, index);
    switch (delivery.target) {
      case TargetKind::kEndpoint:
        add(TallyKind::kEndpoint, delivery.endpoint, 0);
        continue;
      case TargetKind::kReturnSource:
        add(TallyKind::kReturnSource, 0, 0);
        continue;
      case TargetKind::kReturnAddress:
        add(TallyKind::kReturnAddress, 0, 0);
        continue;
      case TargetKind::kCorrelated:
        add(TallyKind::kCorrelated, 0, 0);
        continue;
    }
  }
}

}  // namespace hyperroute
