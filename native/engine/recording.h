// A recording that runs: the rings between the workers and a file, and the thread that writes it.
//
// Thread: control makes and ends it and tells it of images; a thread of its own writes. Not on the
// data path: the workers' side is recording_datapath.h.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/recording_datapath.h"
#include "engine/recording_format.h"
#include "io/unique_fd.h"

namespace hyperroute {

inline constexpr uint64_t kRecordingBytesMin = 64u << 10;

struct RecordingOptions {
  std::string path;  // A file that is not there yet.
  // The file's bound: a recording that comes to it ends.
  uint64_t bytes_max = 256u << 20;
};

struct RecordedImage {
  uint32_t number;
  std::span<const uint8_t> image;
  std::string_view description;
  std::span<const std::string> libraries;
};

class Recording {
 public:
  struct Report {
    // kNone while it goes on. Once there is a reason the file is complete and closed.
    RecordingEnd reason;
    int32_t system_errno;
    uint64_t file_bytes;
    uint64_t message_count;
    uint64_t missed_count;
  };

  // Makes the file and begins to write.
  static Result<std::unique_ptr<Recording>> begin(const RecordingOptions& options,
                                                  uint32_t worker_count);
  // Writes what is left and ends the thread. The workers must not have their notes any more.
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // Control, before a worker can decide by the image; a number that is known already is skipped.
  void add_image(const RecordedImage& image);
  [[nodiscard]] RecordingNotes& notes(uint32_t worker) { return *notes_[worker]; }
  // Control, once no worker has its notes any more: what they noted is written, then the end.
  void stop();
  [[nodiscard]] Report report() const;

 private:
  Recording(const RecordingOptions& options, uint32_t worker_count);
  Status open();
  static void* thread_main(void* self);
  void run();
  // Moves what is noted by now to the file; returns how many notes that were.
  uint32_t drain();
  uint32_t collect(RecordingNotes& notes, std::vector<uint8_t>& chunk);
  void write_images();
  void write_chunk(ChunkKind kind, uint32_t worker, std::span<const uint8_t> payload);
  bool write_bytes(const void* data, size_t bytes);
  [[nodiscard]] RecordingEnd reason_to_end() const;
  void fail(RecordingEnd reason, int32_t system_errno);
  void finish(RecordingEnd reason);

  const RecordingOptions options_;
  std::vector<std::unique_ptr<RecordingNotes>> notes_;
  UniqueFd file_;
  pthread_t thread_{};
  bool is_running_ = false;

  // Control.
  uint32_t image_number_ = 0;

  // Between control and the writer.
  std::mutex images_mutex_;
  std::vector<std::vector<uint8_t>> images_;  // Payloads of chunks that are to be written.
  std::atomic<bool> stop_{false};

  // The writer's.
  uint32_t sequence_ = 0;
  std::vector<std::vector<uint8_t>> chunks_;  // By worker.
  std::vector<uint8_t> frame_;
  RecordingEnd failure_ = RecordingEnd::kNone;
  int32_t failure_errno_ = 0;

  // Written by the writer, read by control.
  std::atomic<uint64_t> file_bytes_{0};
  std::atomic<int32_t> system_errno_{0};
  std::atomic<RecordingEnd> reason_{RecordingEnd::kNone};
};

}  // namespace hyperroute
