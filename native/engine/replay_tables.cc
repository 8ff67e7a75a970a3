// Playing a recording: the tables of its correlations. Thread: whoever made the Replay.
#include <algorithm>
#include <cstring>
#include <set>

#include "engine/replay.h"

namespace hyperroute {

// What the tables of all workers take.
uint64_t Replay::table_bytes() const {
  uint64_t bytes = 0;
  for (const Worker& worker : workers_) {
    for (const auto& [number, table] : worker.tables) bytes += table->bytes();
    for (const auto& table : worker.strange_tables) bytes += table->bytes();
  }
  return bytes;
}

// The tables of the worker's image, from as many CorrelationNotes.
Status Replay::take_tables(Worker& worker, std::span<const uint8_t> bytes) {
  const ImageTables& tables = worker.image->image.tables();
  std::vector<CorrelationNote> notes(worker.image->image.summary().correlation_count);
  if (bytes.size() < notes.size() * sizeof(CorrelationNote)) {
    return damaged("a state of another image");
  }
  if (!notes.empty()) std::memcpy(notes.data(), bytes.data(), notes.size() * sizeof notes[0]);
  *worker.correlating = Correlating{};
  worker.tables_in_use.clear();
  worker.strange_tables.clear();
  // A table that an image has not taken over is gone: its number never comes back.
  std::set<uint32_t> numbers;
  for (const CorrelationNote& note : notes) numbers.insert(note.number);
  std::erase_if(worker.tables, [&](const auto& table) { return !numbers.contains(table.first); });
  uint64_t bytes_now = table_bytes();
  for (uint32_t index = 0; index < notes.size(); ++index) {
    const CorrelationRecord& record = tables.correlations[index];
    const bool is_known = worker.tables.contains(notes[index].number);
    HR_TRY(is_known ? take_table(worker, record, notes[index].number)
                    : make_table(worker, record, notes[index], bytes_now));
  }
  worker.correlating->tables = worker.tables_in_use.data();
  return Status::success();
}

// One that the image before had.
Status Replay::take_table(Worker& worker, const CorrelationRecord& record, uint32_t number) {
  CorrelationTable* const table = worker.tables.find(number)->second.get();
  const auto& used = worker.tables_in_use;
  const bool is_taken = std::find(used.begin(), used.end(), table) != used.end();
  if (is_taken || !(table->record() == record)) return damaged("a table of another kind");
  worker.tables_in_use.push_back(table);
  return Status::success();
}

// A new one; `table_bytes`: what all take, with it afterwards.
Status Replay::make_table(Worker& worker, CorrelationRecord record, const CorrelationNote& note,
                          uint64_t& table_bytes) const {
  const bool is_strange = note.number == 0;
  if (is_strange) record.capacity = 1;
  table_bytes += CorrelationTable::bytes_of(record);
  if (table_bytes > options_.table_bytes_max) {
    return Status::error(StatusCode::kRecording,
                         "the recording's correlations take more than the %llu bytes that they may",
                         static_cast<unsigned long long>(options_.table_bytes_max));
  }
  auto made = CorrelationTable::create(record, note.first_generation);
  if (!made.ok()) return made.status();
  worker.tables_in_use.push_back(made.value().get());
  if (is_strange) {
    worker.strange_tables.push_back(made.take());
  } else {
    worker.tables.emplace(note.number, made.take());
  }
  return Status::success();
}

}  // namespace hyperroute
