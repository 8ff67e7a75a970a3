// Reading counters: of this process's router, or of another one through its file. Every offset is
// checked, since the memory is another process's.
// Thread: any; the owner goes on writing meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "base/memory.h"
#include "base/status.h"
#include "ring/counters_layout.h"

namespace hyperroute {

struct CounterSample {
  uint32_t id = 0;
  CounterType type = CounterType::kCounter;
  CounterUnit unit = CounterUnit::kCount;
  uint32_t worker_index = 0;
  std::string label;
  // A counter's or gauge's value; of a histogram the number of its values.
  uint64_t value = 0;
  // A histogram's buckets, valid while the reader is; nullptr for the others.
  const uint64_t* buckets = nullptr;
};

struct CountersSample {
  std::string name;
  uint32_t pid = 0;
  uint64_t start_time_ns = 0;
  bool closed = false;
  uint32_t generation = 0;
  std::vector<CounterSample> counters;
};

class CountersReader {
 public:
  // Maps a file, read-only. kNotFound, kPermission, or kConfig where it is no counters file.
  Status open(const std::string& path);

  // Reads memory of this process: Counters::data() and bytes(), which outlive the reader.
  Status attach(const uint8_t* data, size_t data_bytes);

  // All live counters at one moment. kTimeout if the owner kept rewriting its records.
  Result<CountersSample> sample() const;

 private:
  Status check() const;
  bool sample_once(CountersSample& out) const;
  bool sample_record(uint32_t index, CounterSample& out) const;

  MemoryRegion region_;
  const uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace hyperroute
