// What one worker notes for a recording: the state it starts from, and each message with what was
// decided of it.
//
// Thread: the worker, but for what is marked as control's or the writer's. Data path: around the
// decisions of a burst, only while a recording runs. Notes go through a ring to the thread that
// writes the file (recording.cc). Nothing here waits for it: where the ring is full the recording
// ends, since one with a gap could not be replayed.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "engine/installed.h"
#include "engine/recording_format.h"
#include "ring/spsc_ring.h"

namespace hyperroute {

class RecordingNotes {
 public:
  // Control; before the worker has it.
  Status open();

  // Whether this burst is noted. If so, the step sees the alive bytes as they are now until
  // end_burst(), whatever other workers write meanwhile.
  [[nodiscard]] bool begin_burst(const Installed& installed, WorkerView& view,
                                 uint64_t now_ns) noexcept {
    if (is_over_) return false;
    if (producer_.consumer_closed()) {
      is_over_ = true;
      return false;
    }
    endpoint_count_ = installed.summary.endpoint_count;
    for (uint32_t endpoint = 0; endpoint < endpoint_count_; ++endpoint) {
      // Relaxed: each byte is a hint by itself (worker.cc).
      alive_[endpoint] = std::atomic_ref(installed.alive[endpoint]).load(std::memory_order_relaxed);
    }
    view.step.alive = alive_;
    compares_loads_ = view.compares_loads;
    if (installed.sequence != sequence_) {
      begin(installed, view);
    } else if (std::memcmp(alive_, alive_told_, endpoint_count_) != 0) {
      tell_changes(view.step.load);
    }
    put(BurstNote{{sizeof(BurstNote), NoteKind::kBurst}, now_ns});
    return true;
  }

  void end_burst(const Installed& installed, WorkerView& view) noexcept {
    view.step.alive = installed.alive.get();
    producer_.publish_to_poller();
  }

  // Around the decisions of one message.
  void begin_message(const WorkerView& view, const StepMessage& message) noexcept {
    if (compares_loads_ &&
        std::memcmp(view.step.load, loads_told_, endpoint_count_ * sizeof(EndpointLoad)) != 0) {
      tell_changes(view.step.load);
    }
    decisions_offset_ = padded_note_bytes(sizeof(MessageNote) + message.bytes);
    note_ = claim(uint64_t{decisions_offset_} + kDecisionsMax * kDecisionBytesMax +
                  sizeof(SettledNote));
    if (note_ == nullptr) return;
    settled_ = {};
    message_ = MessageNote{{0, NoteKind::kMessage}, message.bytes, message.source, 0, 0};
    const uint32_t end_offset = sizeof(MessageNote) + message.bytes;
    std::memcpy(note_ + sizeof(MessageNote), message.data, message.bytes);
    std::memset(note_ + end_offset, 0, decisions_offset_ - end_offset);
    note_bytes_ = decisions_offset_;
  }

  void decided(const Decision& decision, const StepState& state) noexcept {
    if (note_ == nullptr) return;
    note_bytes_ += write_decision(decision, state, note_ + note_bytes_);
    ++message_.decision_count;
  }

  // Entries were opened or closed for the message.
  void settled(uint64_t source, uint64_t destination) noexcept {
    settled_ = {source, destination};
    message_.flags |= kMessageSettled;
  }

  void end_message(bool is_held) noexcept {
    if (note_ == nullptr) {
      missed(1);
      return;
    }
    if ((message_.flags & kMessageSettled) != 0) {
      std::memcpy(note_ + note_bytes_, &settled_, sizeof settled_);
      note_bytes_ += static_cast<uint32_t>(sizeof settled_);
    }
    message_.header.note_bytes = note_bytes_;
    if (is_held) message_.flags |= kMessageHeld;
    std::memcpy(note_, &message_, sizeof message_);
    producer_.commit(note_bytes_);
    note_ = nullptr;
    if (!is_held) add(message_count_, 1);
  }

  // Between bursts: a table has closed entries that waited too long. One that has not been noted
  // yet is empty when it is, or it is not noted at all.
  void swept(uint32_t table, uint32_t entry_count, uint64_t now_ns) noexcept {
    if (is_over_ || !is_told(table)) return;
    put(SweepNote{{sizeof(SweepNote), NoteKind::kSweep}, table, entry_count, now_ns});
  }

  // Messages that are not noted, because the recording is over.
  void missed(uint32_t count) noexcept { add(missed_count_, count); }

  // The writer's.
  [[nodiscard]] SpscConsumer& consumer() noexcept { return consumer_; }
  // Why the worker ended the recording; what it noted before is in the ring by then.
  [[nodiscard]] RecordingEnd end_reason() const noexcept {
    // N2 acquire: pairs with N1; the records before it are in the ring.
    return end_reason_.load(std::memory_order_acquire);
  }

  // Any thread.
  [[nodiscard]] uint64_t message_count() const noexcept {
    // Relaxed: a number for people.
    return message_count_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t missed_count() const noexcept {
    // Relaxed: a number for people.
    return missed_count_.load(std::memory_order_relaxed);
  }

 private:
  // Of correlations an image has no more (lib/compiler/limits.ts).
  static constexpr uint32_t kTablesMax = 64;

  static void add(std::atomic<uint64_t>& counter, uint64_t count) noexcept {
    // Relaxed, no read-modify-write: the worker is the only writer.
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  // Room for a note; nullptr: there is none, and the recording is over.
  [[nodiscard]] uint8_t* claim(uint64_t bytes) noexcept {
    if (is_over_) return nullptr;
    if (bytes > producer_.record_bytes_max()) return end(RecordingEnd::kTooLarge);
    uint8_t* const room = producer_.claim(static_cast<uint32_t>(bytes));
    return room == nullptr ? end(RecordingEnd::kOverrun) : room;
  }

  uint8_t* end(RecordingEnd reason) noexcept {
    is_over_ = true;
    // N1 release: after the last note; pairs with N2.
    end_reason_.store(reason, std::memory_order_release);
    return nullptr;
  }

  template <typename Note>
  void put(const Note& note) noexcept {
    uint8_t* const room = claim(sizeof note);
    if (room == nullptr) return;
    std::memcpy(room, &note, sizeof note);
    producer_.commit();
  }

  [[nodiscard]] bool is_told(uint32_t table) const noexcept {
    for (uint32_t index = 0; index < tables_told_count_; ++index) {
      if (tables_told_[index] == table) return true;
    }
    return false;
  }

  // Which tables the worker has. False: one of them holds what no reader of the notes can know.
  [[nodiscard]] bool note_tables(const WorkerView& view, uint8_t* out) noexcept {
    uint32_t numbers[kTablesMax];
    const size_t count = view.correlations.size();
    for (size_t index = 0; index < count; ++index) {
      CorrelationNote note{};
      if (const auto& kept = view.correlations[index].kept; kept != nullptr) {
        const CorrelationTable& table = *kept->table;
        if (!is_told(kept->number) && table.counts().opened != 0) return false;
        note = {kept->number, table.entry(0).generation};
      }
      numbers[index] = note.number;
      std::memcpy(out + index * sizeof note, &note, sizeof note);
    }
    std::memcpy(tables_told_, numbers, count * sizeof(uint32_t));
    tables_told_count_ = static_cast<uint32_t>(count);
    return true;
  }

  // Returns the place behind it. What a router has none of has no address either.
  static uint8_t* append(uint8_t* at, const void* from, size_t bytes) noexcept {
    if (bytes > 0) std::memcpy(at, from, bytes);
    return at + padded_note_bytes(static_cast<uint32_t>(bytes));
  }

  // The state that the worker starts from with this image.
  void begin(const Installed& installed, const WorkerView& view) noexcept {
    const ImageSummary& summary = installed.summary;
    if (summary.correlation_count > kTablesMax) return void(end(RecordingEnd::kTooLarge));
    const uint64_t bytes = begin_note_bytes(summary.endpoint_count, summary.pool_count,
                                            summary.tap_count, summary.correlation_count);
    uint8_t* const room = claim(bytes);
    if (room == nullptr) return;
    const BeginNote note{{static_cast<uint32_t>(bytes), NoteKind::kBegin},
                         installed.image_number,
                         summary.endpoint_count,
                         summary.pool_count,
                         summary.tap_count,
                         view.step.random};
    std::memset(room, 0, bytes);
    std::memcpy(room, &note, sizeof note);
    uint8_t* at = append(room + sizeof note, alive_, summary.endpoint_count);
    at = append(at, view.step.load, summary.endpoint_count * sizeof(EndpointLoad));
    at = append(at, view.step.pool_positions, summary.pool_count * sizeof(uint32_t));
    at = append(at, view.step.tap_counts, summary.tap_count * sizeof(uint32_t));
    if (!note_tables(view, at)) {
      producer_.abort();
      return void(end(RecordingEnd::kOpenEntries));
    }
    producer_.commit();
    sequence_ = installed.sequence;
    std::memcpy(alive_told_, alive_, summary.endpoint_count);
    std::memcpy(loads_told_, view.step.load, summary.endpoint_count * sizeof(EndpointLoad));
  }

  // Endpoints that are not as the notes so far say.
  void tell_changes(const EndpointLoad* loads) noexcept {
    uint8_t* const room = claim(sizeof(ChangeNote) + endpoint_count_ * sizeof(EndpointChange));
    if (room == nullptr) return;
    ChangeNote note{{sizeof(ChangeNote), NoteKind::kChange}, 0, 0};
    for (uint32_t endpoint = 0; endpoint < endpoint_count_; ++endpoint) {
      const bool is_same =
          alive_[endpoint] == alive_told_[endpoint] &&
          std::memcmp(&loads[endpoint], &loads_told_[endpoint], sizeof(EndpointLoad)) == 0;
      if (is_same) continue;
      const EndpointChange change{static_cast<uint16_t>(endpoint), alive_[endpoint], 0,
                                  loads[endpoint]};
      std::memcpy(room + note.header.note_bytes, &change, sizeof change);
      note.header.note_bytes += static_cast<uint32_t>(sizeof change);
      ++note.change_count;
      alive_told_[endpoint] = alive_[endpoint];
      loads_told_[endpoint] = loads[endpoint];
    }
    std::memcpy(room, &note, sizeof note);
    producer_.commit(note.header.note_bytes);
  }

  // The worker's own.
  SpscProducer producer_;
  bool is_over_ = false;
  bool compares_loads_ = false;
  uint32_t endpoint_count_ = 0;
  uint64_t sequence_ = 0;    // Of what is installed; 0: nothing has been noted yet.
  uint8_t* note_ = nullptr;  // Room for the message at hand.
  uint32_t note_bytes_ = 0;
  uint32_t decisions_offset_ = 0;
  MessageNote message_{};
  SettledNote settled_{};
  // Numbers of the tables that a reader of the notes knows.
  uint32_t tables_told_[kTablesMax]{};
  uint32_t tables_told_count_ = 0;
  // By endpoint: what the step sees, and what a reader of the notes knows.
  uint8_t alive_[kSlotCountMax]{};
  uint8_t alive_told_[kSlotCountMax]{};
  EndpointLoad loads_told_[kSlotCountMax]{};
  std::atomic<uint64_t> message_count_{0};
  std::atomic<uint64_t> missed_count_{0};
  std::atomic<RecordingEnd> end_reason_{RecordingEnd::kNone};

  // The writer's.
  alignas(kCacheLineBytes) SpscConsumer consumer_;

  MemoryRegion memory_;
};

}  // namespace hyperroute
