// Records and values of the counters memory. Control plane only; workers hold plain pointers.
#include "ring/counters.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/clock.h"
#include "ring/counters_file.h"

namespace hyperroute {
namespace {

constexpr uint32_t kRecordCountLimit = 1u << 20;
constexpr uint64_t kValuesBytesLimit = uint64_t{1} << 32;
constexpr uint32_t kWorkerCountLimit = 4096;
// Two lines, not one: CPUs that fetch lines in pairs would still share between neighbours.
constexpr uint64_t kWorkerChunkBytes = 2 * kCacheLineBytes;

Status check_options(const CountersOptions& options) {
  if (!counters_name_is_valid(options.name)) {
    return Status::error(StatusCode::kConfig,
                         "router name \"%.64s\"; expected 1 to 64 of A-Z a-z 0-9 . _ -, not "
                         "beginning with a dot",
                         options.name.c_str());
  }
  if (options.record_count_max == 0 || options.record_count_max > kRecordCountLimit) {
    return Status::error(StatusCode::kConfig, "%u counter records; expected 1 to %u",
                         options.record_count_max, kRecordCountLimit);
  }
  if (options.values_bytes < kWorkerChunkBytes || options.values_bytes > kValuesBytesLimit) {
    return Status::error(StatusCode::kConfig, "%llu bytes of counter values; expected %llu to %llu",
                         static_cast<unsigned long long>(options.values_bytes),
                         static_cast<unsigned long long>(kWorkerChunkBytes),
                         static_cast<unsigned long long>(kValuesBytesLimit));
  }
  if (options.worker_count_max == 0 || options.worker_count_max > kWorkerCountLimit) {
    return Status::error(StatusCode::kConfig, "%u workers; expected 1 to %u",
                         options.worker_count_max, kWorkerCountLimit);
  }
  return Status::success();
}

uint32_t values_offset_of(uint32_t record_count_max) {
  const uint32_t records_bytes = record_count_max * static_cast<uint32_t>(sizeof(CounterRecord));
  return align_up(static_cast<uint32_t>(sizeof(CountersHeader)) + records_bytes, 4096u);
}

uint32_t value_bytes_of(CounterType type) {
  if (type == CounterType::kHistogram) return kHistogramBytes;
  return type == CounterType::kSessions ? kSessionTableBytes : uint32_t{sizeof(uint64_t)};
}

std::atomic_ref<uint32_t> word(uint32_t& shared) { return std::atomic_ref<uint32_t>(shared); }

}  // namespace

CountersHeader* Counters::header() const noexcept {
  return reinterpret_cast<CountersHeader*>(region_.data());
}

CounterRecord* Counters::records() const noexcept {
  return reinterpret_cast<CounterRecord*>(region_.data() + header()->records_offset);
}

Status Counters::open(const CountersOptions& options) {
  HR_ASSERT(!is_open());
  HR_TRY(check_options(options));
  const uint64_t values_bytes = align_up(options.values_bytes, kWorkerChunkBytes);
  const uint64_t total_bytes = values_offset_of(options.record_count_max) + values_bytes;
  int fd = -1;
  if (!options.path.empty()) {
    Result<int> created = counters_file_create(options.path, total_bytes);
    if (!created.ok()) return created.status();
    fd = created.value();
  }
  Result<MemoryRegion> region = fd >= 0 ? MemoryRegion::shared_file(fd, total_bytes, Prefault::kNo)
                                        : MemoryRegion::anonymous(total_bytes, Prefault::kNo);
  if (!region.ok()) {
    if (fd >= 0) counters_file_remove(options.path, fd);
    return region.status();
  }
  region_ = region.take();
  path_ = options.path;
  fd_ = fd;
  next_id_ = 1;
  live_count_ = 0;
  free_record_hint_ = 0;
  lines_.assign(options.worker_count_max, LineOfWorker{});
  free_histogram_offsets_.clear();
  free_session_offsets_.clear();
  format(options, values_bytes);
  return Status::success();
}

void Counters::format(const CountersOptions& options, uint64_t values_bytes) noexcept {
  CountersHeader* head = header();
  head->version = kCountersVersion;
  head->header_bytes = sizeof(CountersHeader);
  head->pid = static_cast<uint32_t>(::getpid());
  head->start_time_ns = realtime_ns();
  head->record_count_max = options.record_count_max;
  head->record_bytes = sizeof(CounterRecord);
  head->records_offset = sizeof(CountersHeader);
  head->values_offset = values_offset_of(options.record_count_max);
  head->values_bytes = values_bytes;
  head->histogram_bucket_count = kHistogramBucketCount;
  head->histogram_sub_bucket_bits = kHistogramSubBucketBits;
  head->total_bytes = region_.bytes();
  std::memcpy(head->name, options.name.data(), options.name.size());
  fresh_offset_ = head->values_offset;
  // C1 release: the magic comes last, so a reader that finds it finds a whole header.
  std::atomic_ref<uint64_t>(head->magic).store(kCountersMagic, std::memory_order_release);
}

void Counters::close() noexcept {
  if (!is_open()) return;
  // C1 release: every value before it is final; pairs with the reader's load of the flags.
  word(header()->flags).store(kCountersFlagClosed, std::memory_order_release);
  if (fd_ >= 0) counters_file_remove(path_, fd_);
  fd_ = -1;
  path_.clear();
  region_.reset();
  lines_.clear();
  free_histogram_offsets_.clear();
  free_session_offsets_.clear();
  live_count_ = 0;
}

Result<uint64_t> Counters::take_lines(uint64_t wanted_bytes) {
  const uint64_t end_offset = header()->values_offset + header()->values_bytes;
  if (end_offset - fresh_offset_ < wanted_bytes) {
    return Status::error(StatusCode::kLimit, "the %llu bytes of counter values are used up",
                         static_cast<unsigned long long>(header()->values_bytes));
  }
  const uint64_t offset = fresh_offset_;
  fresh_offset_ += wanted_bytes;
  return offset;
}

// Whole lines, so any worker may have a freed one.
Result<uint64_t> Counters::take_area(std::vector<uint64_t>& free_offsets, uint32_t area_bytes) {
  static_assert(kHistogramBytes % kWorkerChunkBytes == 0);
  static_assert(kSessionTableBytes % kWorkerChunkBytes == 0);
  if (free_offsets.empty()) return take_lines(area_bytes);
  const uint64_t offset = free_offsets.back();
  free_offsets.pop_back();
  std::memset(region_.data() + offset, 0, area_bytes);
  return offset;
}

// Zero: as its pages came if it was never used, which takes no memory yet, else cleared here.
Result<uint64_t> Counters::take_value(const Spec& spec) {
  if (spec.type == CounterType::kHistogram) {
    return take_area(free_histogram_offsets_, kHistogramBytes);
  }
  if (spec.type == CounterType::kSessions) {
    return take_area(free_session_offsets_, kSessionTableBytes);
  }
  // A line once given to a worker stays that worker's.
  LineOfWorker& line = lines_[spec.worker_index];
  if (!line.free_offsets.empty()) {
    const uint64_t offset = line.free_offsets.back();
    line.free_offsets.pop_back();
    std::memset(region_.data() + offset, 0, sizeof(uint64_t));
    return offset;
  }
  if (line.next_offset == line.end_offset) {
    Result<uint64_t> taken = take_lines(kWorkerChunkBytes);
    if (!taken.ok()) return taken;
    line.next_offset = taken.value();
    line.end_offset = taken.value() + kWorkerChunkBytes;
  }
  const uint64_t offset = line.next_offset;
  line.next_offset += sizeof(uint64_t);
  return offset;
}

uint32_t Counters::find_free_record() const noexcept {
  const uint32_t record_count = header()->record_count;
  for (uint32_t index = free_record_hint_; index < record_count; ++index) {
    if (records()[index].state == static_cast<uint32_t>(CounterState::kFree)) return index;
  }
  return record_count;
}

Result<Counters::Value> Counters::add(const Spec& spec) {
  HR_ASSERT(is_open());
  if (spec.label.empty() || spec.label.size() > kCounterLabelBytesMax) {
    return Status::error(StatusCode::kConfig, "a counter's label of %zu bytes; expected 1 to %u",
                         spec.label.size(), kCounterLabelBytesMax);
  }
  if (spec.worker_index >= lines_.size()) {
    return Status::error(StatusCode::kConfig, "a counter of worker %u; expected 0 to %zu",
                         spec.worker_index, lines_.size() - 1);
  }
  if (spec.names.size() > kSessionNamesBytesMax) {
    return Status::error(StatusCode::kConfig, "names of %zu bytes; expected %u at most",
                         spec.names.size(), kSessionNamesBytesMax);
  }
  const uint32_t index = find_free_record();
  if (index == header()->record_count_max) {
    return Status::error(StatusCode::kLimit, "all %u counter records are in use",
                         header()->record_count_max);
  }
  Result<uint64_t> offset = take_value(spec);
  if (!offset.ok()) return offset.status();

  uint8_t* value = region_.data() + offset.value();
  if (spec.type == CounterType::kSessions) SessionRows::format(value, spec.names);
  CounterRecord& record = records()[index];
  record = CounterRecord{};
  record.id = next_id_++;
  record.type = static_cast<uint32_t>(spec.type);
  record.unit = static_cast<uint32_t>(spec.unit);
  record.worker_index = spec.worker_index;
  record.value_bytes = value_bytes_of(spec.type);
  record.value_offset = offset.value();
  record.label_bytes = static_cast<uint32_t>(spec.label.size());
  std::memcpy(record.label, spec.label.data(), spec.label.size());
  // C2 release: the record is whole before it is live; pairs with the reader's load of state.
  word(record.state).store(static_cast<uint32_t>(CounterState::kLive), std::memory_order_release);
  if (index == header()->record_count) {
    // C3 release: the record is whole before it counts; pairs with the reader's load.
    word(header()->record_count).store(index + 1, std::memory_order_release);
  }
  ++live_count_;
  free_record_hint_ = index + 1;

  Value added;
  added.id = record.id;
  added.value = reinterpret_cast<std::atomic<uint64_t>*>(value);
  if (spec.type == CounterType::kHistogram) {
    added.histogram = Histogram(reinterpret_cast<uint64_t*>(value));
  }
  if (spec.type == CounterType::kSessions) added.sessions = SessionRows(value);
  return added;
}

bool Counters::remove(uint32_t id) noexcept {
  for (uint32_t index = 0; index < header()->record_count; ++index) {
    CounterRecord& record = records()[index];
    if (record.id != id || record.state != static_cast<uint32_t>(CounterState::kLive)) continue;
    // C2 release: after the writer's last value, which the caller has waited for.
    word(record.state)
        .store(static_cast<uint32_t>(CounterState::kRemoved), std::memory_order_release);
    --live_count_;
    return true;
  }
  return false;
}

void Counters::next_generation() noexcept {
  CountersHeader* head = header();
  // C4: odd before any record changes. The exchange is acquire-release so that the changes below
  // stay after it without a stand-alone fence; pairs with the reader's first load.
  word(head->generation).exchange(head->generation + 1, std::memory_order_acq_rel);
  for (uint32_t index = 0; index < head->record_count; ++index) {
    CounterRecord& record = records()[index];
    if (record.state != static_cast<uint32_t>(CounterState::kRemoved)) continue;
    if (record.type == static_cast<uint32_t>(CounterType::kHistogram)) {
      free_histogram_offsets_.push_back(record.value_offset);
    } else if (record.type == static_cast<uint32_t>(CounterType::kSessions)) {
      free_session_offsets_.push_back(record.value_offset);
    } else {
      lines_[record.worker_index].free_offsets.push_back(record.value_offset);
    }
    free_record_hint_ = std::min(free_record_hint_, index);
    // Relaxed: C4 below publishes it; a reader in between sees the odd generation.
    word(record.state).store(static_cast<uint32_t>(CounterState::kFree), std::memory_order_relaxed);
  }
  // C4 release: even again after every change; pairs with the reader's second load.
  word(head->generation).store(head->generation + 1, std::memory_order_release);
}

}  // namespace hyperroute
