// A running router's recording: begun and ended while messages flow. Thread: control.
#include <utility>

#include "engine/router.h"

namespace hyperroute {

Status Router::begin_recording(const RecordingOptions& options, std::string_view description) {
  Recording::Report report{};
  if (read_recording(report) && report.reason == RecordingEnd::kNone) {
    return Status::error(StatusCode::kState, "a recording is going on");
  }
  // One that ended by itself is still with the workers, who would go on with what is freed.
  if (recording_ != nullptr && !is_recording_detached_) {
    return Status::error(StatusCode::kState, "the recording before has not been stopped");
  }
  auto begun = Recording::begin(options, worker_count());
  if (!begun.ok()) return begun.status();
  recording_ = begun.take();
  if (installed_) {
    if (!description.empty()) installed_->description = description;
    tell_recording(*installed_);
  }
  return post_notes(true);
}

Status Router::end_recording() {
  if (recording_ == nullptr || is_recording_detached_) return Status::success();
  return post_notes(false);
}

bool Router::read_recording(Recording::Report& report) {
  if (recording_ == nullptr) return false;
  // Only after every worker has given its notes back are they complete.
  if (!is_recording_detached_ && !recording_tickets_.empty()) {
    bool are_done = true;
    for (const Ticket& ticket : recording_tickets_) are_done = are_done && is_done(ticket);
    if (are_done) {
      recording_tickets_.clear();
      is_recording_detached_ = true;
      recording_->stop();
    }
  }
  report = recording_->report();
  return true;
}

// A ring of commands that is full now has room later, so the caller may try again.
Status Router::post_notes(bool is_recorded) {
  recording_tickets_.clear();
  is_recording_detached_ = false;
  for (uint32_t index = 0; index < worker_count(); ++index) {
    const void* const notes = is_recorded ? &recording_->notes(index) : nullptr;
    const uint64_t number = workers_[index]->post(Command{CommandKind::kRecord, 0, nullptr, notes});
    if (number == 0) {
      return Status::error(StatusCode::kLimit, "worker %s has too many commands waiting",
                           workers_[index]->options().name.c_str());
    }
    if (!is_recorded) recording_tickets_.push_back(Ticket{index, number});
  }
  return Status::success();
}

void Router::tell_recording(const Installed& installed) {
  if (recording_ == nullptr) return;
  recording_->add_image(RecordedImage{installed.image_number, installed.image_bytes,
                                      installed.description, installed.plugin_paths});
}

}  // namespace hyperroute
