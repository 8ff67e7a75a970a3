// Writing a recording. Thread: control for what recording.h says, else the writer's own.
#include "engine/recording.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "base/cpu.h"

namespace hyperroute {
namespace {

// Between each worker and the file: a quarter of it is the longest note.
constexpr uint32_t kNotesRingBytes = 16u << 20;
// Notes of one worker in one chunk, but for a single one that is longer.
constexpr uint32_t kNotesChunkBytes = 256u << 10;
constexpr long kWriterSleepNs = 1'000'000;
constexpr uint64_t kEndChunkBytes = sizeof(ChunkHeader) + sizeof(EndChunk);

template <typename Record>
void append(std::vector<uint8_t>& bytes, const Record& record) {
  const auto* const first = reinterpret_cast<const uint8_t*>(&record);
  bytes.insert(bytes.end(), first, first + sizeof record);
}

void append_bytes(std::vector<uint8_t>& bytes, const void* data, size_t data_bytes) {
  const auto* const first = static_cast<const uint8_t*>(data);
  bytes.insert(bytes.end(), first, first + data_bytes);
}

uint64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

}  // namespace

Status RecordingNotes::open() {
  auto memory = MemoryRegion::anonymous(ring_bytes(kNotesRingBytes), Prefault::kYes);
  if (!memory.ok()) return memory.status();
  memory_ = memory.take();
  auto ring = ring_init(memory_.data(), memory_.bytes(), kNotesRingBytes);
  if (!ring.ok()) return ring.status();
  producer_ = SpscProducer(ring.value());
  consumer_ = SpscConsumer(ring.value(), RingVisibility::kCommitWord);
  return Status::success();
}

Recording::Recording(const RecordingOptions& options, uint32_t worker_count)
    : options_(options), chunks_(worker_count) {
  for (uint32_t worker = 0; worker < worker_count; ++worker) {
    notes_.push_back(std::make_unique<RecordingNotes>());
  }
}

Result<std::unique_ptr<Recording>> Recording::begin(const RecordingOptions& options,
                                                    uint32_t worker_count) {
  if (options.bytes_max < kRecordingBytesMin) {
    return Status::error(StatusCode::kConfig, "a recording of %llu bytes; the least is %llu",
                         static_cast<unsigned long long>(options.bytes_max),
                         static_cast<unsigned long long>(kRecordingBytesMin));
  }
  std::unique_ptr<Recording> recording(new Recording(options, worker_count));
  for (const auto& notes : recording->notes_) HR_TRY(notes->open());
  if (const Status status = recording->open(); !status.ok()) {
    // Only what was made here: a file that was there before has not been opened.
    if (recording->file_.is_open()) (void)::unlink(options.path.c_str());
    return status;
  }
  return recording;
}

Status Recording::open() {
  const char* const path = options_.path.c_str();
  // Never over what is there: it may be the recording of what went wrong before.
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) {
    const StatusCode code = errno == EACCES ? StatusCode::kPermission : StatusCode::kSystem;
    return Status::system(code, errno, "making the recording %s", path);
  }
  file_ = UniqueFd(fd);
  RecordingHeader header;
  header.worker_count = static_cast<uint32_t>(notes_.size());
  header.begun_ms = now_ms();
  header.crc = crc32c(&header, offsetof(RecordingHeader, crc));
  if (!write_bytes(&header, sizeof header)) {
    return Status::system(StatusCode::kSystem, failure_errno_, "writing the recording %s", path);
  }
  const int error = ::pthread_create(&thread_, nullptr, &Recording::thread_main, this);
  if (error != 0) return Status::system(StatusCode::kSystem, error, "starting a thread");
  is_running_ = true;
  return Status::success();
}

Recording::~Recording() {
  if (!is_running_) return;
  stop();
  ::pthread_join(thread_, nullptr);
}

void Recording::add_image(const RecordedImage& image) {
  // N5 acquire: pairs with N6.
  const bool is_over = reason_.load(std::memory_order_acquire) != RecordingEnd::kNone;
  if (is_over || image.number <= image_number_) return;
  image_number_ = image.number;
  std::vector<uint8_t> payload;
  append(payload, ImageChunk{image.number, static_cast<uint32_t>(image.image.size()),
                             static_cast<uint32_t>(image.description.size()),
                             static_cast<uint32_t>(image.libraries.size())});
  append_bytes(payload, image.image.data(), image.image.size());
  append_bytes(payload, image.description.data(), image.description.size());
  for (const std::string& path : image.libraries) {
    append(payload, static_cast<uint32_t>(path.size()));
    append_bytes(payload, path.data(), path.size());
  }
  const std::lock_guard lock(images_mutex_);
  images_.push_back(std::move(payload));
}

void Recording::stop() {
  // N3 release: what the workers noted is in their rings; pairs with N4.
  stop_.store(true, std::memory_order_release);
}

Recording::Report Recording::report() const {
  Report report{};
  // N5 acquire: pairs with N6; the file is complete, and the words below are the last ones.
  report.reason = reason_.load(std::memory_order_acquire);
  // Relaxed: numbers for people while it goes on.
  report.system_errno = system_errno_.load(std::memory_order_relaxed);
  report.file_bytes = file_bytes_.load(std::memory_order_relaxed);
  for (const auto& notes : notes_) {
    report.message_count += notes->message_count();
    report.missed_count += notes->missed_count();
  }
  return report;
}

void* Recording::thread_main(void* self) {
  static_cast<Recording*>(self)->run();
  return nullptr;
}

void Recording::run() {
  set_thread_name("recording");
  for (;;) {
    const RecordingEnd wanted = reason_to_end();
    const uint32_t note_count = drain();
    if (failure_ != RecordingEnd::kNone) return finish(failure_);
    if (note_count > 0) continue;
    // Seen before the rings were empty: nothing has been noted since.
    if (wanted != RecordingEnd::kNone) return finish(wanted);
    const timespec pause{0, kWriterSleepNs};
    ::nanosleep(&pause, nullptr);
  }
}

// A worker that ended the recording ends it for all: what the others note goes no further.
RecordingEnd Recording::reason_to_end() const {
  for (const auto& notes : notes_) {
    const RecordingEnd reason = notes->end_reason();
    if (reason != RecordingEnd::kNone) return reason;
  }
  // N4 acquire: pairs with N3.
  return stop_.load(std::memory_order_acquire) ? RecordingEnd::kStopped : RecordingEnd::kNone;
}

uint32_t Recording::collect(RecordingNotes& notes, std::vector<uint8_t>& chunk) {
  SpscConsumer& consumer = notes.consumer();
  chunk.clear();
  RingRecord record;
  uint32_t note_count = 0;
  while (chunk.size() < kNotesChunkBytes && consumer.next(record)) {
    append_bytes(chunk, record.data, record.bytes);
    chunk.resize(padded_note_bytes(static_cast<uint32_t>(chunk.size())));
    ++note_count;
  }
  if (note_count > 0) consumer.release_all();
  return note_count;
}

uint32_t Recording::drain() {
  uint32_t note_count = 0;
  for (size_t worker = 0; worker < notes_.size(); ++worker) {
    note_count += collect(*notes_[worker], chunks_[worker]);
  }
  // After the notes are taken and before they are written: the image of a note was added before
  // its worker could see it, so it stands before the note.
  write_images();
  for (uint32_t worker = 0; worker < notes_.size(); ++worker) {
    if (!chunks_[worker].empty()) write_chunk(ChunkKind::kNotes, worker, chunks_[worker]);
  }
  return note_count;
}

void Recording::write_images() {
  std::vector<std::vector<uint8_t>> images;
  {
    const std::lock_guard lock(images_mutex_);
    images.swap(images_);
  }
  for (const auto& payload : images) write_chunk(ChunkKind::kImage, 0, payload);
}

void Recording::write_chunk(ChunkKind kind, uint32_t worker, std::span<const uint8_t> payload) {
  if (failure_ != RecordingEnd::kNone) return;
  const uint64_t bytes = sizeof(ChunkHeader) + payload.size();
  // Relaxed: this thread is the only writer.
  const uint64_t file_bytes = file_bytes_.load(std::memory_order_relaxed);
  const bool is_end = kind == ChunkKind::kEnd;
  const uint64_t reserved_bytes = is_end ? 0 : kEndChunkBytes;
  if (payload.size() > kChunkBytesMax || file_bytes + bytes + reserved_bytes > options_.bytes_max) {
    return fail(RecordingEnd::kFull, 0);
  }
  ChunkHeader header;
  header.kind = kind;
  header.worker = static_cast<uint16_t>(worker);
  header.sequence = sequence_++;
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  header.crc = crc_of_chunk(header, payload.data());
  frame_.clear();
  append(frame_, header);
  append_bytes(frame_, payload.data(), payload.size());
  if (write_bytes(frame_.data(), frame_.size())) return;
  // What is written of it goes, so that the end can follow if there is room for that.
  --sequence_;
  const auto end = static_cast<off_t>(file_bytes);
  if (::ftruncate(file_.get(), end) == 0) (void)::lseek(file_.get(), end, SEEK_SET);
}

bool Recording::write_bytes(const void* data, size_t bytes) {
  const auto* at = static_cast<const uint8_t*>(data);
  size_t left_bytes = bytes;
  while (left_bytes > 0) {
    const ssize_t written_bytes = ::write(file_.get(), at, left_bytes);
    if (written_bytes < 0 && errno == EINTR) continue;
    if (written_bytes <= 0) {
      fail(RecordingEnd::kFailed, errno);
      return false;
    }
    at += written_bytes;
    left_bytes -= static_cast<size_t>(written_bytes);
  }
  // Relaxed: this thread is the only writer, or there is no thread yet.
  file_bytes_.store(file_bytes_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  return true;
}

void Recording::fail(RecordingEnd reason, int32_t system_errno) {
  failure_ = reason;
  failure_errno_ = system_errno;
}

// The workers see that nobody reads their rings and note nothing more.
void Recording::finish(RecordingEnd reason) {
  uint64_t missed_count = 0;
  for (const auto& notes : notes_) {
    notes->consumer().close();
    missed_count += notes->missed_count();
  }
  const EndChunk end{reason, failure_errno_, missed_count};
  failure_ = RecordingEnd::kNone;
  write_chunk(ChunkKind::kEnd, 0, {reinterpret_cast<const uint8_t*>(&end), sizeof end});
  file_.reset();
  // Relaxed: N6 orders it.
  system_errno_.store(end.system_errno, std::memory_order_relaxed);
  // N6 release: the file is complete; pairs with N5.
  reason_.store(reason, std::memory_order_release);
}

}  // namespace hyperroute
