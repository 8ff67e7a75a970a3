// How a node lives in the event loop, and how what comes reaches JavaScript. Thread: JavaScript.
#include <uv.h>

#include <cstring>

#include "addon/raptor_node.h"
#include "addon/values.h"
#include "base/clock.h"
#include "include/hyperroute/codes.h"

// Hosts that are not Node may load the addon and lack these; they are looked at before use.
#pragma weak uv_poll_init
#pragma weak uv_poll_start
#pragma weak uv_ref
#pragma weak uv_unref
#pragma weak uv_close

namespace hyperroute {
namespace {

// Rounds of receiving and sending in one turn of the loop: others have theirs, too.
constexpr uint32_t kRoundsPerWakeMax = 16;
// The buffer begins with where its last message ends and whether events wait.
constexpr uint32_t kBatchHeadBytes = 16;
// A message: its bytes, its subscription, its session, zero; then the bytes, padded to 8.
constexpr uint32_t kBatchRecordBytes = 16;
constexpr uint32_t kBatchAlignment = 8;

}  // namespace

// Lives until the loop has let go of the handles, which may be after the object is gone.
struct RaptorWake {
  uv_poll_t socket;
  uv_poll_t timer;
  RaptorNodeObject* object = nullptr;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  uint32_t open_count = 0;  // Of the handles.
  bool waits_for_room = false;
};

namespace {

int watch(RaptorWake& wake, uv_poll_t& handle);

// The loop stops watching a socket that has an error to tell: of a datagram that was sent to where
// nobody listens. Reading takes the error away.
void on_ready(uv_poll_t* handle, int status, int) {
  auto* const wake = static_cast<RaptorWake*>(handle->data);
  if (status < 0) watch(*wake, *handle);
  if (wake->object != nullptr) wake->object->serve();
}

int watch(RaptorWake& wake, uv_poll_t& handle) {
  const bool for_room = &handle == &wake.socket && wake.waits_for_room;
  return uv_poll_start(&handle, for_room ? UV_READABLE | UV_WRITABLE : UV_READABLE, &on_ready);
}

int open_handle(uv_loop_t* loop, RaptorWake& wake, uv_poll_t& handle, int fd) {
  if (const int error = uv_poll_init(loop, &handle, fd); error != 0) return error;
  ++wake.open_count;
  handle.data = &wake;
  return watch(wake, handle);
}

void on_closed(uv_handle_t* handle) {
  auto* const wake = static_cast<RaptorWake*>(handle->data);
  if (--wake->open_count > 0) return;
  // The environment waits for this when it ends.
  if (wake->cleanup != nullptr) (void)napi_remove_async_cleanup_hook(wake->cleanup);
  delete wake;
}

// Stops watching at once; what was watched may be closed then.
void close_wake(RaptorWake* wake) {
  wake->object = nullptr;
  const uint32_t count = wake->open_count;
  // The socket's is opened first.
  if (count > 0) uv_close(reinterpret_cast<uv_handle_t*>(&wake->socket), &on_closed);
  if (count > 1) uv_close(reinterpret_cast<uv_handle_t*>(&wake->timer), &on_closed);
  if (count == 0) delete wake;
}

void on_environment_end(napi_async_cleanup_hook_handle, void* context) {
  auto* const wake = static_cast<RaptorWake*>(context);
  if (wake->object != nullptr) wake->object->shut_down();
}

}  // namespace

Status RaptorNodeObject::open_wake() {
  uv_loop_t* loop = nullptr;
  if (&uv_poll_init == nullptr || napi_get_uv_event_loop(env_, &loop) != napi_ok) {
    return Status::error(StatusCode::kState,
                         "this host has no event loop of libuv: use poll: true");
  }
  wake_ = new RaptorWake;
  wake_->object = this;
  int error = open_handle(loop, *wake_, wake_->socket, node_.socket_fd());
  if (error == 0) error = open_handle(loop, *wake_, wake_->timer, node_.timer_fd());
  if (error != 0) return Status::system(StatusCode::kSystem, -error, "uv_poll");
  (void)napi_add_async_cleanup_hook(env_, &on_environment_end, wake_, &wake_->cleanup);
  return Status::success();
}

void RaptorNodeObject::shut_down() {
  if (wake_ != nullptr) close_wake(wake_);
  wake_ = nullptr;
  node_.close();
}

Napi::Value RaptorNodeObject::set_referenced(const Napi::CallbackInfo& info) {
  if (wake_ == nullptr) return info.Env().Undefined();
  const bool is_referenced = info[0].ToBoolean().Value();
  for (uv_poll_t* const poll : {&wake_->socket, &wake_->timer}) {
    auto* const handle = reinterpret_cast<uv_handle_t*>(poll);
    is_referenced ? uv_ref(handle) : uv_unref(handle);
  }
  return info.Env().Undefined();
}

void RaptorNodeObject::serve() {
  const Napi::HandleScope scope(env_);
  for (uint32_t round = 0; round < kRoundsPerWakeMax; ++round) {
    receive(monotonic_ns());
    if ((batch_bytes_ > kBatchHeadBytes || node_.has_event()) && !call_javascript()) return;
    if (settle()) return;
  }
  node_.wake_at_once();
}

// Sends what there is. True: the node may sleep until one of its descriptors is ready.
bool RaptorNodeObject::settle() {
  if (!node_.is_open()) return true;
  const uint64_t now_ns = monotonic_ns();
  static_cast<void>(node_.transmit(now_ns));
  if (node_.waits_for_room() != wake_->waits_for_room) [[unlikely]] {
    wake_->waits_for_room = node_.waits_for_room();
    if (watch(*wake_, wake_->socket) != 0) return false;
  }
  // What did not fit into the buffer is not waited for.
  return !is_full_ && node_.prepare_timer(now_ns);
}

// Of a SharedArrayBuffer, which nobody can take away: looked up once.
bool RaptorNodeObject::find_buffer() {
  const OptionReader::Bytes bytes = typed_array_bytes(env_, buffer_.Value());
  batch_ = bytes.data;
  batch_capacity_bytes_ = static_cast<uint32_t>(bytes.bytes);
  return batch_ != nullptr &&
         bytes.bytes >= kBatchHeadBytes + kBatchRecordBytes + message_bytes_max_;
}

void RaptorNodeObject::receive(uint64_t now_ns) {
  batch_bytes_ = kBatchHeadBytes;
  is_full_ = false;
  static_cast<void>(node_.poll(now_ns));
  const uint32_t head[] = {batch_bytes_, node_.has_event() ? 1u : 0u, 0, 0};
  static_assert(sizeof head == kBatchHeadBytes);
  std::memcpy(batch_, head, sizeof head);
}

uint32_t RaptorNodeObject::take(void* context, std::span<const raptor::MessageView> views) {
  const Inbox& inbox = *static_cast<Inbox*>(context);
  return inbox.object->take_views(inbox.subscription, views);
}

uint32_t RaptorNodeObject::take_views(uint32_t subscription,
                                      std::span<const raptor::MessageView> views) noexcept {
  uint32_t taken_count = 0;
  for (const raptor::MessageView& view : views) {
    const uint32_t bytes = (view.bytes + kBatchAlignment - 1) & ~(kBatchAlignment - 1);
    if (batch_capacity_bytes_ - batch_bytes_ < kBatchRecordBytes + bytes) {
      is_full_ = true;
      break;
    }
    uint8_t* const to = batch_ + batch_bytes_;
    const uint32_t head[] = {view.bytes, subscription, view.session, 0};
    static_assert(sizeof head == kBatchRecordBytes);
    std::memcpy(to, head, sizeof head);
    if (view.bytes > 0) std::memcpy(to + sizeof head, view.data, view.bytes);
    batch_bytes_ += kBatchRecordBytes + bytes;
    ++taken_count;
  }
  return taken_count;
}

// False: JavaScript does not run any more, or has closed the node.
bool RaptorNodeObject::call_javascript() {
  napi_value result = nullptr;
  const napi_value function = on_wake_.Value();
  is_serving_ = true;
  // Runs microtasks before it returns, so that what they offer leaves together with the rest.
  const napi_status status =
      napi_make_callback(env_, nullptr, Value(), function, 0, nullptr, &result);
  is_serving_ = false;
  if (status == napi_pending_exception) {
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(env_, &error) != napi_ok) return false;
    (void)napi_fatal_exception(env_, error);
  } else if (status != napi_ok) {
    return false;
  }
  return node_.is_open();
}

int64_t RaptorNodeObject::offer(uint32_t publication, std::span<const uint8_t> message) noexcept {
  return node_.offer(monotonic_ns(), publication, message);
}

void RaptorNodeObject::poll() {
  if (!node_.is_open()) return;
  const uint64_t now_ns = monotonic_ns();
  static_cast<void>(node_.transmit(now_ns));
  receive(now_ns);
}

void RaptorNodeObject::flush() {
  if (wake_ == nullptr || is_serving_) {
    static_cast<void>(node_.transmit(monotonic_ns()));
  } else if (!settle()) {
    node_.wake_at_once();
  }
}

}  // namespace hyperroute
