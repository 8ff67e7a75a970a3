// What another process makes of a counters file, for tests of its writer: every offset is checked
// and every sample belongs together. The product's reader is lib/router/counters.ts.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu.h"
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
  // A table of session rows, likewise.
  const uint8_t* sessions = nullptr;
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

inline constexpr int kSampleTryCountMax = 1000;

template <typename T>
T load_acquire(const T& shared) {
  // C1 to C4 acquire: pairs with the release of the same word in counters.cc.
  return std::atomic_ref<T>(const_cast<T&>(shared)).load(std::memory_order_acquire);
}

inline uint64_t load_value(const uint8_t* at) {
  // Relaxed: a value stands for itself; nothing else is read through it.
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(const_cast<uint8_t*>(at)))
      .load(std::memory_order_relaxed);
}

inline bool area_fits(uint64_t offset, uint64_t area_bytes, uint64_t total_bytes) {
  return offset <= total_bytes && area_bytes <= total_bytes - offset;
}

inline Status CountersReader::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const StatusCode code = errno == ENOENT   ? StatusCode::kNotFound
                            : errno == EACCES ? StatusCode::kPermission
                                              : StatusCode::kSystem;
    return Status::system(code, errno, "opening the counters file %s", path.c_str());
  }
  struct stat found {};
  if (::fstat(fd, &found) != 0 || found.st_size < static_cast<off_t>(sizeof(CountersHeader))) {
    ::close(fd);
    return Status::error(StatusCode::kConfig, "%s is not a counters file", path.c_str());
  }
  Result<MemoryRegion> region =
      MemoryRegion::shared_file_read_only(fd, static_cast<size_t>(found.st_size));
  ::close(fd);
  if (!region.ok()) return region.status();
  region_ = region.take();
  data_ = region_.data();
  bytes_ = region_.bytes();
  return check();
}

inline Status CountersReader::attach(const uint8_t* data, size_t data_bytes) {
  data_ = data;
  bytes_ = data_bytes;
  return check();
}

inline Status CountersReader::check() const {
  if (bytes_ < sizeof(CountersHeader)) {
    return Status::error(StatusCode::kConfig, "%zu bytes are no counters file", bytes_);
  }
  const CountersHeader* header = reinterpret_cast<const CountersHeader*>(data_);
  if (load_acquire(header->magic) != kCountersMagic) {
    return Status::error(StatusCode::kConfig, "not a counters file: wrong magic");
  }
  if (header->version != kCountersVersion || header->record_bytes != sizeof(CounterRecord) ||
      header->histogram_bucket_count != kHistogramBucketCount) {
    return Status::error(StatusCode::kConfig, "counters file of version %u; expected %u",
                         header->version, kCountersVersion);
  }
  const uint64_t records_bytes = uint64_t{header->record_count_max} * sizeof(CounterRecord);
  if (!area_fits(header->records_offset, records_bytes, bytes_) ||
      !area_fits(header->values_offset, header->values_bytes, bytes_)) {
    return Status::error(StatusCode::kConfig, "counters file cut off at %zu bytes", bytes_);
  }
  return Status::success();
}

inline bool CountersReader::sample_record(uint32_t index, CounterSample& out) const {
  const CountersHeader* header = reinterpret_cast<const CountersHeader*>(data_);
  const CounterRecord* records =
      reinterpret_cast<const CounterRecord*>(data_ + header->records_offset);
  const CounterRecord& record = records[index];
  if (load_acquire(record.state) != static_cast<uint32_t>(CounterState::kLive)) return false;
  const bool histogram = record.type == static_cast<uint32_t>(CounterType::kHistogram);
  const bool sessions = record.type == static_cast<uint32_t>(CounterType::kSessions);
  const uint64_t offset = record.value_offset;
  const uint64_t value_bytes = histogram  ? kHistogramBytes
                               : sessions ? kSessionTableBytes
                                          : sizeof(uint64_t);
  if (offset % sizeof(uint64_t) != 0 || !area_fits(offset, value_bytes, bytes_)) return false;
  out.id = record.id;
  out.type = static_cast<CounterType>(record.type);
  out.unit = static_cast<CounterUnit>(record.unit);
  out.worker_index = record.worker_index;
  out.label.assign(record.label, std::min(record.label_bytes, kCounterLabelBytesMax));
  if (sessions) {
    out.sessions = data_ + offset;
    return true;
  }
  if (!histogram) {
    out.value = load_value(data_ + offset);
    return true;
  }
  out.buckets = reinterpret_cast<const uint64_t*>(data_ + offset);
  for (uint32_t bucket = 0; bucket < kHistogramBucketCount; ++bucket) {
    out.value += load_value(data_ + offset + bucket * sizeof(uint64_t));
  }
  return true;
}

inline bool CountersReader::sample_once(CountersSample& out) const {
  const CountersHeader* header = reinterpret_cast<const CountersHeader*>(data_);
  const uint32_t generation = load_acquire(header->generation);
  if (generation % 2 != 0) return false;
  out = CountersSample{};
  out.generation = generation;
  out.pid = header->pid;
  out.start_time_ns = header->start_time_ns;
  out.closed = (load_acquire(header->flags) & kCountersFlagClosed) != 0;
  out.name.assign(header->name, ::strnlen(header->name, kCountersNameBytesMax));
  const uint32_t record_count =
      std::min(load_acquire(header->record_count), header->record_count_max);
  for (uint32_t index = 0; index < record_count; ++index) {
    CounterSample counter;
    if (sample_record(index, counter)) out.counters.push_back(std::move(counter));
  }
  return load_acquire(header->generation) == generation;
}

inline Result<CountersSample> CountersReader::sample() const {
  HR_ASSERT(data_ != nullptr);
  CountersSample out;
  for (int round = 0; round < kSampleTryCountMax; ++round) {
    if (sample_once(out)) return out;
    cpu_pause();
  }
  return Status::error(StatusCode::kTimeout, "the counters' records kept changing");
}

// Whether the process that made the file still holds it. kNotFound where there is no file.
inline Result<bool> counters_owner_is_alive(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return Status::system(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kSystem, errno,
                          "opening the counters file %s", path.c_str());
  }
  const bool locked_by_owner = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return locked_by_owner;
}

}  // namespace hyperroute
