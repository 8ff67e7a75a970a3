// The application of a host: it offers messages to its streams and reads those of others, as
// eagerly as the scenario wants (host.h).
#include <algorithm>
#include <span>

#include "sim/allocations.h"
#include "sim/host.h"
#include "wire/raptor_frames.h"

namespace hyperroute::sim {
namespace {

// A stream that found no room asks again after this.
constexpr uint64_t kBackPressurePauseNs = 100 * kMicrosecondNs;
// Between the openings of an end's streams.
constexpr uint64_t kOpenPauseNsMax = 5 * kMillisecondNs;
constexpr uint32_t kFlowsPerEndMax = 20;

}  // namespace

uint64_t Host::label_of(SessionEnd& end, uint16_t stream) {
  if (const auto known = end.labels.find(stream); known != end.labels.end()) return known->second;
  raptor::Session* session = session_of(end);
  const raptor::StreamOptions* options =
      session == nullptr ? nullptr : session->remote_stream(stream);
  if (options == nullptr) return 0;
  end.labels[stream] = options->label;
  return options->label;
}

uint32_t Host::deliver(void* context, std::span<const raptor::MessageView> views) {
  const OwnerScope own(0);
  auto& host = *static_cast<Host*>(context);
  uint32_t taken = 0;
  // Views of one call may be of several streams, yet of one session.
  while (taken < views.size()) {
    SessionEnd* end = host.adopt({views[taken].session}, false);
    if (end == nullptr) return static_cast<uint32_t>(views.size());
    uint32_t same = taken + 1;
    while (same < views.size() && views[same].session == views[taken].session) ++same;
    const uint32_t wanted = same - taken;
    const uint32_t took = host.take(*end, views.subspan(taken, wanted));
    taken += took;
    if (took < wanted) break;
  }
  return taken;
}

uint32_t Host::take(SessionEnd& end, std::span<const raptor::MessageView> views) {
  auto count = static_cast<uint32_t>(views.size());
  switch (is_settled() ? ReaderKind::kEager : end.reader.kind) {
    case ReaderKind::kEager:
      break;
    case ReaderKind::kPartial:
      if (random_.one_in(8)) count = random_.below(count + 1);
      break;
    case ReaderKind::kSlow:
      count = std::min(count, end.reader_left);
      end.reader_left -= count;
      break;
    case ReaderKind::kStopped:
      count = 0;
      break;
  }
  for (const raptor::MessageView& view : views.first(count)) {
    const uint64_t label = label_of(end, view.stream);
    if (label == 0) {
      stage_.run.fail("session %" PRIx64 ": a message of stream %u, which is not open",
                      end.local_id, view.stream);
      return count;
    }
    stage_.transfers.on_delivered(label, end.local_id, {view.data, view.bytes});
  }
  return count;
}

void Host::read(SessionEnd& end, raptor::Session& session) {
  end.reader_left = end.reader.per_interval;
  end.read_ns = stage_.run.now_ns + end.reader.interval_ns;
  if (end.reader.kind == ReaderKind::kEager) end.read_ns = UINT64_MAX;
  if (is_settled()) {
    end.reader.kind = ReaderKind::kEager;
    end.read_ns = UINT64_MAX;
  }
  const OwnerScope scope(index_ + 1);
  // A call hands out a batch; an eager reader leaves nothing.
  const bool takes_all = end.reader.kind == ReaderKind::kEager;
  while (session.poll(sink()) > 0 && takes_all) {
  }
}

void Host::open_flow(SessionEnd& end, raptor::Session& session) {
  --end.flows_to_open;
  end.open_ns = stage_.run.now_ns + random_.next_u64() % kOpenPauseNsMax;
  if (end.flows.size() >= kFlowsPerEndMax) return;
  Flow flow;
  flow.plan = draw_flow(random_, stage_.scenario, stage_.transfers.next_label());
  const OwnerScope scope(index_ + 1);
  const auto stream = session.open_stream(flow.plan.options);
  const OwnerScope own(0);
  if (!stream.ok()) {
    if (stream.status().code == StatusCode::kLimit) return;
    if (session.state() != raptor::SessionState::kOpen) return;
    return stage_.run.fail("host %u cannot open a stream: %s", index_, stream.status().context);
  }
  flow.stream = stream.value();
  flow.left = flow.plan.message_count;
  flow.next_ns = stage_.run.now_ns;
  const raptor::EndpointOptions& peer = stage_.scenario.hosts[end.peer_host].options;
  flow.transfer =
      &stage_.transfers.open(flow.plan, end.local_id, end.remote_id, peer.stream_window_bytes);
  stage_.run.trace.event(stage_.run.now_ns, "opens stream", flow.plan.options.label, flow.stream,
                         static_cast<uint64_t>(flow.plan.options.mode));
  end.flows.push_back(flow);
}

// The position behind the message, or a code.
int64_t Host::offer_next(raptor::Session& session, Flow& flow) {
  const PayloadPlan& payload = flow.plan.payload;
  const uint32_t sequence = flow.transfer->check.offered();
  const uint32_t bytes = payload_bytes(payload, sequence);
  const uint64_t now_ns = clock_ns();
  if (flow.plan.claims && bytes <= raptor::kRecordPayloadBytesMax) {
    uint8_t* room = session.claim(flow.stream, bytes);
    if (room == nullptr) return 0;
    if (random_.one_in(8)) {
      session.abort(flow.stream);
      room = session.claim(flow.stream, bytes);
      if (room == nullptr) return 0;
    }
    fill_payload(payload, sequence, {room, bytes});
    return session.commit(now_ns, flow.stream);
  }
  message_buffer_.resize(std::max<size_t>(message_buffer_.size(), bytes));
  const std::span<uint8_t> message = std::span(message_buffer_).first(bytes);
  fill_payload(payload, sequence, message);
  const OwnerScope scope(index_ + 1);
  return session.offer(now_ns, flow.stream, message);
}

void Host::run_flow(SessionEnd& end, raptor::Session& session, Flow& flow) {
  if (is_settled()) flow.left = 0;
  flow.next_ns = stage_.run.now_ns + flow.plan.interval_ns;
  for (uint32_t offered = 0; offered < flow.plan.per_interval && flow.left > 0; ++offered) {
    const uint32_t bytes = payload_bytes(flow.plan.payload, flow.transfer->check.offered());
    const int64_t position = offer_next(session, flow);
    if (position <= 0) {
      // Whether it is back-pressure or the session's end shows when it is asked again.
      const bool may_be = session.state() != raptor::SessionState::kOpen || position == 0 ||
                          position == static_cast<int64_t>(OfferCode::kBackPressure);
      if (!may_be) {
        stage_.run.fail("host %u: an offer of %u bytes was answered with %" PRId64, index_, bytes,
                        position);
      }
      flow.next_ns = stage_.run.now_ns + kBackPressurePauseNs + flow.plan.interval_ns;
      break;
    }
    stage_.transfers.on_offered(*flow.transfer, bytes);
    --flow.left;
  }
  if (flow.left > 0) return;
  flow.next_ns = UINT64_MAX;
  if (!flow.plan.ends || flow.is_ended) return;
  flow.is_ended = true;
  session.end_stream(flow.stream);
  if (flow.plan.reopens && !is_settled()) {
    ++end.flows_to_open;
    end.open_ns = stage_.run.now_ns + random_.next_u64() % kOpenPauseNsMax;
  }
}

// When the end wants to be asked again.
uint64_t Host::run_end(SessionEnd& end) {
  raptor::Session* session = session_of(end);
  if (session == nullptr) return UINT64_MAX;
  const uint64_t now_ns = stage_.run.now_ns;
  if (is_settled()) {
    end.read_ns = end.reader.kind == ReaderKind::kEager ? end.read_ns : now_ns;
    end.flows_to_open = 0;
    for (Flow& flow : end.flows) flow.next_ns = flow.is_ended ? UINT64_MAX : now_ns;
  }
  bool was_touched = false;
  if (end.read_ns <= now_ns) {
    read(end, *session);
    was_touched = true;
  }
  if (end.flows_to_open > 0 && end.open_ns <= now_ns) open_flow(end, *session);
  uint64_t due_ns = end.read_ns;
  // By index: a flow that ends may let another open, behind it.
  for (size_t index = 0; index < end.flows.size(); ++index) {
    if (end.flows[index].next_ns <= now_ns) {
      run_flow(end, *session, end.flows[index]);
      was_touched = true;
    }
    due_ns = std::min(due_ns, end.flows[index].next_ns);
  }
  if (end.flows_to_open > 0) due_ns = std::min(due_ns, end.open_ns);
  if (was_touched) {
    const OwnerScope scope(index_ + 1);
    endpoint_->touch(end.ref);
  }
  return due_ns;
}

void Host::run_application() {
  application_due_ns_ = UINT64_MAX;
  if (!is_up()) return;
  turns_without_effect_ = 0;
  uint64_t due_ns = UINT64_MAX;
  for (SessionEnd* end : open_ends()) due_ns = std::min(due_ns, run_end(*end));
  application_due_ns_ = std::min(application_due_ns_, due_ns);
  pump();
}

void Host::update_keys() {
  for (SessionEnd* end : open_ends()) {
    if (raptor::Session* session = session_of(*end); session != nullptr) session->update_key();
  }
  pump();
}

void Host::close(SessionEnd& end) {
  raptor::Session* session = session_of(end);
  if (session == nullptr) return;
  end.has_closed = true;
  stage_.run.trace.event(stage_.run.now_ns, "closes", end.local_id);
  const OwnerScope scope(index_ + 1);
  session->close(clock_ns(), raptor::CloseReason::kClosed);
  endpoint_->touch(end.ref);
  const OwnerScope own(0);
  pump();
}

void Host::drain(SessionEnd& end) {
  raptor::Session* session = session_of(end);
  if (session == nullptr) return;
  end.has_drained = true;
  for (Flow& flow : end.flows) flow.left = 0;
  stage_.run.trace.event(stage_.run.now_ns, "drains", end.local_id);
  const OwnerScope scope(index_ + 1);
  session->drain(clock_ns());
  endpoint_->touch(end.ref);
  const OwnerScope own(0);
  pump();
}

}  // namespace hyperroute::sim
