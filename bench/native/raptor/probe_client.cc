// Session, hello, answers and figures of the connecting end of a probe.
#include "bench/native/raptor/probe_client.h"

#include "base/cpu.h"

namespace hyperroute::probe {
namespace {

constexpr uint64_t kAnswerPatienceNs = 3 * kNsPerSecond;
constexpr uint64_t kNsPerMs = 1'000'000;

const char* text_of(raptor::HandshakeStatus refusal) {
  switch (refusal) {
    case raptor::HandshakeStatus::kKeyNotAllowed:
      return "this end's key is not allowed";
    case raptor::HandshakeStatus::kBusy:
      return "it has as many sessions as it takes";
    case raptor::HandshakeStatus::kVersion:
      return "it speaks another version of the protocol";
    case raptor::HandshakeStatus::kShuttingDown:
      return "it is shutting down";
    case raptor::HandshakeStatus::kAccepted:
      break;
  }
  return "without a reason";
}

uint64_t lost_of(const raptor::SessionCounters& counters) {
  return counters.lost_by_reorder + counters.lost_by_probe;
}

}  // namespace

ProbeClient::ProbeClient(const ProbeOptions& options)
    : options_(options), address_(probe::text_of(options.address)), host_id_(clock_host_id()) {}

void ProbeClient::connect() {
  if (const Status status = open_end(loop_, options_); !status.ok()) emit_failure(status);
  const uint64_t begin_ns = loop_.now_ns();
  const auto ref = loop_.socket().connect(loop_.now_ns(), options_.address, options_.server_key);
  if (!ref.ok()) emit_failure(ref.status());
  ref_ = ref.value();
  await_session();
  const uint64_t handshake_ns = loop_.now_ns() - begin_ns;
  exchange_hello();
  connected_ns_ = loop_.now_ns();
  mark_ = {.time_ns = connected_ns_};
  JsonObject members;
  members.add("address", address_)
      .add("localAddress", probe::text_of(loop_.socket().local_address()))
      .add_flag("secure", !options_.insecure)
      .add_flag("sameHost", shares_clock_)
      .add("handshakeNs", handshake_ns);
  emit("connected", members);
}

void ProbeClient::await_session() {
  // The endpoint gives up by itself (connect_timeout_ns).
  while (session_ == nullptr) {
    poll();
    flush();
    if (is_stop_asked()) {
      emit_failure(
          Status::error(StatusCode::kTimeout, "stopped before %s answered", address_.c_str()));
    }
    if (session_ == nullptr) loop_.wait(now_ns() + kPatienceNs);
  }
}

void ProbeClient::exchange_hello() {
  raptor::StreamOptions stream;
  stream.message_bytes_max = kMessageBytesMax;
  control_stream_ = open_stream(stream);
  uint8_t hello[kHelloBytes];
  write_hello(hello, host_id_);
  const uint64_t until_ns = now_ns() + kAnswerPatienceNs;
  bool is_sent = false;
  while (!has_hello_) {
    is_sent = is_sent || offer(control_stream_, hello);
    flush();
    idle(until_ns);
    poll();
    if (now_ns() < until_ns && !is_stop_asked()) continue;
    emit_failure(Status::error(StatusCode::kTimeout,
                               "%s takes the session, but does not answer as "
                               "`hyperroute perf --listen` does",
                               address_.c_str()));
  }
}

void ProbeClient::poll() {
  loop_.poll({this, deliver});
  take_events();
}

void ProbeClient::flush() {
  if (has_offered_) {
    loop_.endpoint().touch(ref_);
    has_offered_ = false;
  }
  loop_.flush();
}

void ProbeClient::idle(uint64_t until_ns) {
  if (options_.is_spinning) {
    cpu_pause();
  } else {
    loop_.wait(std::min(until_ns, now_ns() + kPatienceNs));
  }
}

uint16_t ProbeClient::open_stream(const raptor::StreamOptions& options) {
  const Result<uint16_t> stream = session_->open_stream(options);
  if (!stream.ok()) emit_failure(stream.status());
  return stream.value();
}

bool ProbeClient::offer(uint16_t stream, std::span<const uint8_t> message) {
  if (session_->offer(now_ns(), stream, message) < 0) return false;
  has_offered_ = true;
  return true;
}

uint32_t ProbeClient::deliver(void* context, std::span<const raptor::MessageView> views) {
  auto& self = *static_cast<ProbeClient*>(context);
  for (const raptor::MessageView& view : views) self.take({view.data, view.bytes});
  return static_cast<uint32_t>(views.size());
}

// A listener may answer anything; what makes no sense is passed over.
void ProbeClient::take(std::span<const uint8_t> message) {
  Head head;
  if (!read_head(message, head)) return;
  if (head.kind == MessageKind::kHello) {
    uint64_t host_id = 0;
    if (!read_hello(message, host_id)) return;
    has_hello_ = true;
    shares_clock_ = host_id == host_id_;
  } else if (head.kind == MessageKind::kReport) {
    if (head.number == report_number_) has_report_ = read_report(message, report_);
  } else {
    const uint64_t now_ns = monotonic_ns();
    const uint64_t latency_ns = now_ns > head.time_ns ? now_ns - head.time_ns : 0;
    ++answered_;
    round_trip_.record(latency_ns);
    round_trip_lately_.record(latency_ns);
  }
}

void ProbeClient::take_events() {
  raptor::SessionEvent event;
  while (loop_.endpoint().next_event(event)) {
    if (event.kind == raptor::SessionEventKind::kEnded) fail_ended(event);
    session_ = loop_.endpoint().session(event.session);
  }
}

void ProbeClient::fail_ended(const raptor::SessionEvent& event) const {
  using raptor::CloseReason;
  const char* const address = address_.c_str();
  const auto& endpoint = const_cast<SocketLoop&>(loop_).endpoint().options();
  switch (event.reason) {
    case CloseReason::kHandshakeTimeout:
      emit_failure(Status::error(
          StatusCode::kTimeout, "no answer from %s within %llu s: nobody listens there, %s",
          address, static_cast<unsigned long long>(endpoint.connect_timeout_ns / kNsPerSecond),
          options_.insecure ? "or not with --insecure"
                            : "or with another key than --server-key, to which it is silent"));
    case CloseReason::kRefused:
      emit_failure(Status::error(event.refusal == raptor::HandshakeStatus::kBusy
                                     ? StatusCode::kLimit
                                     : StatusCode::kPermission,
                                 "%s refuses: %s", address, text_of(event.refusal)));
    case CloseReason::kPeerDead:
      emit_failure(Status::error(StatusCode::kClosed,
                                 "nothing came from %s for %llu ms: it is taken for dead", address,
                                 static_cast<unsigned long long>(endpoint.liveness_us / 1000)));
    case CloseReason::kPeerClosed:
      emit_failure(Status::error(StatusCode::kClosed, "%s has closed the session", address));
    default:
      emit_failure(Status::error(StatusCode::kClosed, "the session with %s has ended: %s", address,
                                 probe::name_of(event.reason).data()));
  }
}

bool ProbeClient::ask_report() {
  uint8_t asked[kHeadBytes];
  write_head(asked, {.kind = MessageKind::kReport, .number = report_number_ + 1});
  if (!offer(control_stream_, asked)) return false;
  ++report_number_;
  has_report_ = false;
  return true;
}

void ProbeClient::await_report() {
  bool is_asked = false;
  const uint64_t until_ns = now_ns() + kAnswerPatienceNs;
  while (!is_asked || !has_report_) {
    is_asked = is_asked || ask_report();
    flush();
    idle(until_ns);
    poll();
    if (now_ns() > until_ns) fail_silent("told its figures", kAnswerPatienceNs);
  }
}

void ProbeClient::tell_progress(uint64_t messages, uint64_t bytes) {
  const raptor::SessionCounters counters = session_->counters();
  const ProgressMark mark{
      .time_ns = now_ns(), .messages = messages, .bytes = bytes, .lost = lost_of(counters)};
  JsonObject members;
  members.add("elapsedNs", mark.time_ns - connected_ns_)
      .add("intervalNs", mark.time_ns - mark_.time_ns)
      .add("messages", mark.messages - mark_.messages)
      .add("bytes", mark.bytes - mark_.bytes)
      .add("lost", mark.lost - mark_.lost)
      .add("windowBytes", counters.cwnd_bytes)
      .add("roundTrip", json_of(round_trip_lately_.summary()));
  emit("progress", members);
  mark_ = mark;
  round_trip_lately_.clear();
}

void ProbeClient::tell_done(JsonObject members) {
  loop_.socket().count_kernel_drops();
  members.add("elapsedNs", now_ns() - connected_ns_).add("roundTrip", json_of(round_trip_));
  if (shares_clock_) {
    const LatencySummary one_way{.count = report_.one_way_count,
                                 .min_ns = report_.one_way_min_ns,
                                 .p50_ns = report_.one_way_p50_ns,
                                 .p90_ns = report_.one_way_p90_ns,
                                 .p99_ns = report_.one_way_p99_ns,
                                 .p999_ns = report_.one_way_p999_ns,
                                 .max_ns = report_.one_way_max_ns};
    members.add("oneWay", json_of(one_way));
  } else {
    members.add_null("oneWay");
  }
  members.add("listener", json_of(report_))
      .add("session", json_of(session_->counters()))
      .add("socket", json_of(loop_.socket().counters()));
  emit("done", members);
}

void ProbeClient::fail_silent(const char* what, uint64_t patience_ns) const {
  emit_failure(Status::error(StatusCode::kTimeout, "%s has not %s for %llu ms", address_.c_str(),
                             what, static_cast<unsigned long long>(patience_ns / kNsPerMs)));
}

}  // namespace hyperroute::probe
