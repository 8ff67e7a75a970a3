// A running router's recording: begun and ended while messages flow. Thread: control.
#include <utility>

#include "base/assert.h"
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
  HR_TRY(has_room());
  auto begun = Recording::begin(options, worker_count());
  if (!begun.ok()) return begun.status();
  recording_ = begun.take();
  if (installed_) {
    if (!description.empty()) installed_->description = description;
    // A worker may carry out the command in a cycle that it began with a former image. One that is
    // bound once more has the number, and is told below.
    for (const Retired& former : retired_) {
      if (former.installed->image_number != installed_->image_number) {
        tell_recording(*former.installed);
      }
    }
    tell_recording(*installed_);
  }
  post_notes(true);
  return Status::success();
}

Status Router::end_recording() {
  if (recording_ == nullptr || is_recording_detached_) return Status::success();
  HR_TRY(has_room());
  post_notes(false);
  return Status::success();
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

// A ring of commands that is full now has room later, so the caller may try again. Asked of all
// workers before any is told: a recording that some have and others have not is neither on nor off.
Status Router::has_room() const {
  for (const auto& worker : workers_) {
    if (worker->has_room()) continue;
    return Status::error(StatusCode::kLimit, "worker %s has too many commands waiting",
                         worker->options().name.c_str());
  }
  return Status::success();
}

void Router::post_notes(bool is_recorded) {
  recording_tickets_.clear();
  is_recording_detached_ = false;
  for (uint32_t index = 0; index < worker_count(); ++index) {
    const void* const notes = is_recorded ? &recording_->notes(index) : nullptr;
    const uint64_t number = workers_[index]->post(Command{CommandKind::kRecord, 0, nullptr, notes});
    HR_ASSERT(number != 0);
    if (!is_recorded) recording_tickets_.push_back(Ticket{index, number});
  }
}

void Router::tell_recording(const Installed& installed) {
  if (recording_ == nullptr) return;
  recording_->add_image(RecordedImage{installed.image_number, installed.image_bytes,
                                      installed.description, installed.plugin_paths});
}

}  // namespace hyperroute
