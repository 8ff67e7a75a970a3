// The counters of a running router: made by the control thread, written by workers with plain
// stores, read by anybody (layout: counters_layout.h).
// Thread: every function here belongs to the control thread; each value has one writer, the worker
// it was made for.
// Place on the data path: only the returned pointers; a count is one relaxed load and store.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "base/memory.h"
#include "base/status.h"
#include "ring/counters_layout.h"
#include "ring/session_rows.h"

namespace hyperroute {

// The directory of this user's counters files: /dev/shm/hyperroute-<uid>.
[[nodiscard]] std::string counters_directory();

// The file of the router of that name there.
[[nodiscard]] std::string counters_path(std::string_view router_name);

struct CountersOptions {
  // Names the router in the file: 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot.
  std::string name = "router";
  // The file to make; empty for memory that no other process sees. A path inside
  // counters_directory() has that directory made for it.
  std::string path;
  // Enough for the most routes on one worker, or for a thousand on sixteen. Only what is used
  // takes memory.
  uint32_t record_count_max = 65'536;
  // Rounded up to whole lines. 128 MiB hold 16,384 histograms: the most routes of one worker twice,
  // since an update needs the old ones beside the new ones. The rest holds the session rows of 256
  // endpoints, and single values.
  uint64_t values_bytes = 136u << 20;
  // Workers are numbered 0 to worker_count_max − 1; the control thread may take a number too.
  uint32_t worker_count_max = 64;
};

class Counters {
 public:
  Counters() noexcept = default;
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  ~Counters() { close(); }

  // Makes the file (0600, its directory 0700) and locks it. A dead router's file of that name is
  // replaced; kAddressInUse names the process if its owner lives. Allocates; may block for a
  // moment while a reader probes the lock.
  Status open(const CountersOptions& options);

  // Marks the file as closed and removes it. No worker may write a value any more. Idempotent.
  void close() noexcept;

  bool is_open() const noexcept { return !region_.empty(); }
  const std::string& path() const noexcept { return path_; }
  const uint8_t* data() const noexcept { return region_.data(); }
  size_t bytes() const noexcept { return region_.bytes(); }

  struct Spec {
    CounterType type = CounterType::kCounter;
    CounterUnit unit = CounterUnit::kCount;
    uint32_t worker_index = 0;
    // UTF-8, 1 to 112 bytes.
    std::string_view label;
    // Of session rows: the names of their counters (counters_layout.h).
    std::string_view names = {};
  };

  struct Value {
    uint32_t id = 0;
    // The value, or a histogram's first bucket (then `histogram` is valid too), or where session
    // rows are (then `sessions` is). 0 at first.
    std::atomic<uint64_t>* value = nullptr;
    Histogram histogram;
    SessionRows sessions;
  };

  // Adds a counter, gauge, histogram or session rows, visible to readers when this returns. kLimit
  // where the records or the values are used up, kConfig for a bad label or worker.
  Result<Value> add(const Spec& spec);

  // Marks a record as removed; its writer has stopped (the grace period of a swap is over). Its
  // place is used again only after next_generation(). False if there is no such live record.
  bool remove(uint32_t id) noexcept;

  // Frees removed records and their values for new ones. Once an update, after its removals.
  void next_generation() noexcept;

  uint32_t live_count() const noexcept { return live_count_; }

 private:
  struct LineOfWorker {
    uint64_t next_offset = 0;
    uint64_t end_offset = 0;
    std::vector<uint64_t> free_offsets;
  };

  void format(const CountersOptions& options, uint64_t values_bytes) noexcept;
  Result<uint64_t> take_value(const Spec& spec);
  Result<uint64_t> take_lines(uint64_t wanted_bytes);
  Result<uint64_t> take_area(std::vector<uint64_t>& free_offsets, uint32_t area_bytes);
  uint32_t find_free_record() const noexcept;
  CounterRecord* records() const noexcept;
  CountersHeader* header() const noexcept;

  MemoryRegion region_;
  std::string path_;
  int fd_ = -1;
  uint32_t next_id_ = 1;
  uint32_t live_count_ = 0;
  // No record before this one is free.
  uint32_t free_record_hint_ = 0;
  // Where the never used part of the values begins.
  uint64_t fresh_offset_ = 0;
  std::vector<LineOfWorker> lines_;
  std::vector<uint64_t> free_histogram_offsets_;
  std::vector<uint64_t> free_session_offsets_;
};

}  // namespace hyperroute
