// Messages out of a node and into it. The owner's thread; allocates nothing.
#include <sys/timerfd.h>

#include <algorithm>

#include "io/raptor/raptor_node.h"

namespace hyperroute {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

int64_t code_of(OfferCode code) noexcept { return static_cast<int64_t>(code); }

}  // namespace

int64_t RaptorNode::offer(uint64_t now_ns, uint32_t id, std::span<const uint8_t> message) noexcept {
  Publication* const publication = find(publications_, id);
  if (publication == nullptr) return code_of(OfferCode::kClosed);
  if (message.size() > publication->options.stream.message_bytes_max) {
    return code_of(OfferCode::kTooLarge);
  }
  publication->has_claim = false;
  const uint32_t message_bytes = static_cast<uint32_t>(message.size());
  // One receiver alone says itself whether it has room.
  int64_t answer = code_of(OfferCode::kBackPressure);
  if (!waits_for_all(*publication) || has_room_everywhere(*publication, message_bytes)) {
    answer = offer_to_all(now_ns, *publication, message);
  }
  if (answer == code_of(OfferCode::kBackPressure)) ++publication->counters.back_pressure;
  return answer < 0 ? answer : taken(*publication, message_bytes);
}

int64_t RaptorNode::taken(Publication& publication, uint32_t message_bytes) noexcept {
  ++publication.counters.messages;
  publication.position += static_cast<int64_t>(raptor::message_record_bytes(message_bytes));
  return publication.position;
}

int64_t RaptorNode::claim(uint32_t id, uint32_t message_bytes, std::span<uint8_t>& room) noexcept {
  Publication* const publication = find(publications_, id);
  if (publication == nullptr) return code_of(OfferCode::kClosed);
  abort(id);
  if (message_bytes > publication->options.stream.message_bytes_max ||
      message_bytes > kNodeClaimBytesMax) {
    return code_of(OfferCode::kTooLarge);
  }
  bool has_receiver = false;
  const bool may_claim =
      !waits_for_all(*publication) || has_room_everywhere(*publication, message_bytes);
  for (const Branch& branch : publication->branches) {
    raptor::Session* const session = socket_.endpoint().session(branch.session);
    if (session == nullptr || session->state() == raptor::SessionState::kClosed) continue;
    has_receiver = true;
    uint8_t* const data = may_claim ? session->claim(branch.stream, message_bytes) : nullptr;
    if (data == nullptr) continue;
    room = {data, message_bytes};
    publication->has_claim = true;
    publication->claim = {branch.session, branch.stream, room};
    return 0;
  }
  if (!has_receiver) return code_of(OfferCode::kNotConnected);
  ++publication->counters.back_pressure;
  return code_of(OfferCode::kBackPressure);
}

int64_t RaptorNode::commit(uint64_t now_ns, uint32_t id) noexcept {
  Publication* const publication = find(publications_, id);
  if (publication == nullptr || !publication->has_claim) return code_of(OfferCode::kClosed);
  Branch* const claimed = claimed_branch(*publication);
  const std::span<const uint8_t> message = publication->claim.message;
  const uint32_t message_bytes = static_cast<uint32_t>(message.size());
  if (claimed == nullptr) {
    publication->has_claim = false;
    return code_of(OfferCode::kNotConnected);
  }
  // There was room for all, unless something else was offered since.
  if (waits_for_all(*publication) && !has_room_everywhere(*publication, message_bytes)) {
    abort(id);
    return code_of(OfferCode::kBackPressure);
  }
  // Before it is committed, which may move it.
  static_cast<void>(offer_to_all(now_ns, *publication, message, claimed));
  publication->has_claim = false;
  const int64_t position =
      socket_.endpoint().session(claimed->session)->commit(now_ns, claimed->stream);
  if (position < 0) return position;
  claimed->misses = 0;
  offered_bytes_ += message_bytes;
  socket_.endpoint().touch(claimed->session);
  return taken(*publication, message_bytes);
}

void RaptorNode::abort(uint32_t id) noexcept {
  Publication* const publication = find(publications_, id);
  if (publication == nullptr || !publication->has_claim) return;
  publication->has_claim = false;
  if (const Branch* const claimed = claimed_branch(*publication); claimed != nullptr) {
    socket_.endpoint().session(claimed->session)->abort(claimed->stream);
  }
}

// Null: the receiver has gone, and what was claimed with it.
RaptorNode::Branch* RaptorNode::claimed_branch(Publication& publication) noexcept {
  const Claim& claim = publication.claim;
  for (Branch& branch : publication.branches) {
    if (branch.session != claim.session || branch.stream != claim.stream) continue;
    const raptor::Session* const session = socket_.endpoint().session(branch.session);
    const bool is_gone = session == nullptr || session->state() == raptor::SessionState::kClosed;
    return is_gone ? nullptr : &branch;
  }
  return nullptr;
}

bool RaptorNode::has_room_everywhere(const Publication& publication,
                                     uint32_t message_bytes) noexcept {
  for (const Branch& branch : publication.branches) {
    const raptor::Session* session = socket_.endpoint().session(branch.session);
    // One that has ended is not waited for.
    if (session == nullptr || session->state() == raptor::SessionState::kClosed) continue;
    if (!session->would_take(branch.stream, message_bytes)) return false;
  }
  return true;
}

// 0: taken by one at least, or missed by one.
int64_t RaptorNode::offer_to_all(uint64_t now_ns, Publication& publication,
                                 std::span<const uint8_t> message, const Branch* but) noexcept {
  const bool drops = publication.options.slow_receivers == SlowReceivers::kDrop;
  bool has_receiver = false;
  for (Branch& branch : publication.branches) {
    raptor::Session* session = socket_.endpoint().session(branch.session);
    if (session == nullptr || &branch == but) continue;
    const int64_t position = session->offer(now_ns, branch.stream, message);
    if (position >= 0) [[likely]] {
      has_receiver = true;
      branch.misses = 0;
      offered_bytes_ += message.size();
      socket_.endpoint().touch(branch.session);
      continue;
    }
    if (position != code_of(OfferCode::kBackPressure)) continue;
    if (!drops) return position;
    has_receiver = true;
    ++publication.counters.missed;
    if (++branch.misses >= publication.options.misses_max) has_slow_receivers_ = true;
  }
  return has_receiver ? 0 : code_of(OfferCode::kNotConnected);
}

uint32_t RaptorNode::poll(uint64_t now_ns) noexcept {
  if (!socket_.is_open()) return 0;
  now_ns_ = std::max(now_ns_, now_ns);
  delivered_count_ = 0;
  if (has_slow_receivers_) [[unlikely]]
    drop_slow_receivers();
  if (is_remainder_due_) [[unlikely]]
    give_remainders();
  if (is_refused_due_) [[unlikely]]
    poll_refused();
  if (!socket_.has_received(now_ns_)) static_cast<void>(socket_.fill());
  while (socket_.deliver_next(now_ns_, sink())) {
    take_events();
    // The rest stays where it is rather than being copied for a sink that is full.
    if (is_refused_due_) break;
  }
  socket_.run_timers(now_ns_);
  take_events();
  if (attempt_ns_ <= now_ns_) [[unlikely]]
    start_attempts();
  counters_.received += delivered_count_;
  return delivered_count_;
}

bool RaptorNode::transmit(uint64_t now_ns) noexcept {
  if (!socket_.is_open()) return false;
  if (!socket_.is_blocked() && !socket_.endpoint().has_transmit()) {
    has_more_to_send_ = false;
    return false;
  }
  has_more_to_send_ = socket_.transmit(std::max(now_ns_, now_ns), offered_bytes_);
  offered_bytes_ = 0;
  return has_more_to_send_;
}

uint32_t RaptorNode::deliver(void* self, std::span<const raptor::MessageView> views) {
  return static_cast<RaptorNode*>(self)->take_views(views);
}

RaptorNode::StreamRoute& RaptorNode::route_of(NodeSession& session, uint16_t stream) noexcept {
  StreamRoute& route = session.routes[stream % raptor::kStreamSlotsMax];
  if (route.is_known && route.stream == stream) [[likely]]
    return route;
  route = StreamRoute{stream, kNoSubscription, true};
  raptor::Session* const core = socket_.endpoint().session(session.ref);
  const raptor::StreamOptions* const options =
      core == nullptr ? nullptr : core->remote_stream(stream);
  if (options == nullptr) return route;
  for (size_t index = 0; index < subscriptions_.size(); ++index) {
    const Subscription& subscription = *subscriptions_[index];
    if (!subscription.is_taken || subscription.options.label != options->label) continue;
    route.subscription = static_cast<uint16_t>(index);
  }
  return route;
}

// Views of one call belong to one stream of one session.
uint32_t RaptorNode::take_views(std::span<const raptor::MessageView> views) noexcept {
  NodeSession* const session = session_at(views[0].session);
  // A message in the packet that completed the handshake: adopt() asks for it again.
  if (session == nullptr) return 0;
  const StreamRoute& route = route_of(*session, views[0].stream);
  const auto view_count = static_cast<uint32_t>(views.size());
  if (route.subscription == kNoSubscription) [[unlikely]] {
    if (options_.drops_unsubscribed) {
      counters_.unsubscribed += view_count;
      return view_count;
    }
    note_refused(*session);
    return 0;
  }
  const Subscription& subscription = *subscriptions_[route.subscription];
  if (subscription.is_paused || subscription.remainder_count > 0) [[unlikely]] {
    note_refused(*session);
    return 0;
  }
  const raptor::MessageSink& sink = subscription.options.sink;
  const uint32_t taken_count = std::min(sink.deliver(sink.context, views), view_count);
  delivered_count_ += taken_count;
  if (taken_count < view_count) {
    note_refused(*session);
    is_refused_due_ = true;
  }
  return taken_count;
}

void RaptorNode::note_refused(NodeSession& session) noexcept {
  if (session.has_refused) return;
  session.has_refused = true;
  // There was room for every session when the last one came.
  refused_.push_back(session.ref.value);
}

// Offers again what was refused. Who still refuses takes its place in the list again.
void RaptorNode::poll_refused() noexcept {
  is_refused_due_ = false;
  const size_t count = refused_.size();
  for (size_t i = 0; i < count; ++i) {
    NodeSession* const session = session_at(refused_[i]);
    if (session == nullptr) continue;
    session->has_refused = false;
    raptor::Session* const core = socket_.endpoint().session(session->ref);
    if (core == nullptr) continue;
    static_cast<void>(core->poll(sink()));
    socket_.endpoint().touch(session->ref);
  }
  refused_.erase(refused_.begin(), refused_.begin() + static_cast<ptrdiff_t>(count));
}

uint64_t RaptorNode::next_deadline_ns() noexcept {
  if (!socket_.is_open()) return raptor::kNeverNs;
  return std::min(socket_.next_deadline_ns(), attempt_ns_);
}

bool RaptorNode::prepare_wait(uint64_t now_ns) noexcept {
  return prepare_timer(now_ns) && socket_.prepare_wait(true);
}

bool RaptorNode::prepare_timer(uint64_t now_ns) noexcept {
  if (has_more_to_send_ || has_slow_receivers_ || socket_.has_received(now_ns)) return false;
  const uint64_t deadline_ns = next_deadline_ns();
  if (deadline_ns <= now_ns) return false;
  // Each packet moves the deadline. A timer left where it was would cost less by this call, and
  // come too early by every third packet of a round trip: a wake-up, a look and the call all the
  // same. One that has come is set in any case, which also ends its being readable.
  if (deadline_ns != armed_ns_ || armed_ns_ <= now_ns) arm_timer(deadline_ns);
  return true;
}

void RaptorNode::arm_timer(uint64_t deadline_ns) noexcept {
  armed_ns_ = deadline_ns;
  itimerspec when{};
  if (deadline_ns != raptor::kNeverNs) {
    when.it_value.tv_sec = static_cast<time_t>(deadline_ns / kNsPerSecond);
    when.it_value.tv_nsec = static_cast<long>(deadline_ns % kNsPerSecond);
  }
  // Fails for no time that can be written here.
  static_cast<void>(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr));
}

}  // namespace hyperroute
