// Sessions of a node: coming, going, made again. The owner's thread; a session allocates.
#include <algorithm>

#include "io/raptor/raptor_node.h"

namespace hyperroute {

void RaptorNode::push_event(const RaptorNodeEvent& event) {
  if (events_.size() >= kNodeEventsMax) {
    ++counters_.events_lost;
    return;
  }
  events_.push_back(event);
}

bool RaptorNode::next_event(RaptorNodeEvent& event) {
  if (events_.empty()) return false;
  event = events_.front();
  events_.pop_front();
  return true;
}

void RaptorNode::take_events() {
  raptor::SessionEvent event;
  while (socket_.endpoint().next_event(event)) on_event(event);
}

RaptorNode::Link* RaptorNode::link_of(raptor::SessionRef ref) noexcept {
  for (const auto& link : links_) {
    if (link->is_taken && link->session == ref) return link.get();
  }
  return nullptr;
}

void RaptorNode::on_event(const raptor::SessionEvent& event) {
  if (event.kind == raptor::SessionEventKind::kEstablished) return adopt(event);
  if (NodeSession* const session = session_at(event.session.value); session != nullptr) {
    lose(*session, event);
    return;
  }
  if (Link* const link = event.is_initiator ? link_of(event.session) : nullptr; link != nullptr) {
    link_failed(*link, event);
  }
}

void RaptorNode::adopt(const raptor::SessionEvent& event) {
  raptor::Endpoint& endpoint = socket_.endpoint();
  const uint32_t index = event.session.value & 0xFFFF;
  if (endpoint.session(event.session) == nullptr) return;
  if (sessions_.size() <= index) sessions_.resize(index + 1);
  if (sessions_[index] == nullptr) ++session_count_;
  sessions_[index] = std::make_unique<NodeSession>();
  NodeSession& session = *sessions_[index];
  session.ref = event.session;
  session.is_initiator = event.is_initiator;
  // note_refused() must find room, also while the list is gone through.
  refused_.reserve(2 * size_t{session_count_});
  RaptorNodeEvent told;
  told.kind = RaptorNodeEventKind::kSessionOpened;
  told.session = event.session.value;
  told.remote = socket_address_of(*endpoint.path_of(event.session));
  told.key = *endpoint.peer_key_of(event.session);
  for (size_t i = 0; event.is_initiator && i < links_.size(); ++i) {
    Link& link = *links_[i];
    if (!link.is_taken || link.session != event.session) continue;
    link.is_attempting = false;
    link.delay.connected(now_ns_);
    session.link = id_of(links_, i);
    told.link = session.link;
  }
  push_event(told);
  for (size_t i = 0; i < publications_.size(); ++i) {
    Publication& publication = *publications_[i];
    if (!publication.is_taken || publication.options.session != 0) continue;
    open_branch(publication, id_of(publications_, i), event.session);
  }
  // A message may have come with the packet that completed the handshake.
  note_refused(session);
  is_refused_due_ = true;
}

// Messages that it had received whole are still handed out.
void RaptorNode::lose(NodeSession& session, const raptor::SessionEvent& event) {
  take_remainder(session);
  RaptorNodeEvent told;
  told.kind = RaptorNodeEventKind::kSessionEnded;
  told.session = event.session.value;
  told.link = session.link;
  told.reason = event.reason;
  const raptor::Session* const core = socket_.endpoint().session(event.session);
  if (core != nullptr) told.unacknowledged = core->unacked_messages();
  counters_.unacknowledged += told.unacknowledged;
  push_event(told);
  for (const auto& publication : publications_) {
    std::erase_if(publication->branches,
                  [&](const Branch& branch) { return branch.session == event.session; });
  }
  std::erase(refused_, event.session.value);
  Link* const link = find(links_, session.link);
  sessions_[event.session.value & 0xFFFF].reset();
  --session_count_;
  if (link == nullptr) return;
  link->delay.lost(now_ns_, link->options.reconnect_ns_min, link->options.reconnect_ns_max);
  schedule(*link);
}

void RaptorNode::take_remainder(NodeSession& session) {
  raptor::Session* const core = socket_.endpoint().session(session.ref);
  if (core == nullptr || !session.has_refused) return;
  static_cast<void>(core->poll({this, &RaptorNode::keep_remainder}));
}

uint32_t RaptorNode::keep_remainder(void* context, std::span<const raptor::MessageView> views) {
  auto& self = *static_cast<RaptorNode*>(context);
  const auto view_count = static_cast<uint32_t>(views.size());
  NodeSession* const session = self.session_at(views[0].session);
  if (session == nullptr) return view_count;
  const uint16_t subscription = self.route_of(*session, views[0].stream).subscription;
  for (const raptor::MessageView& view : views) {
    if (subscription == kNoSubscription) {
      ++self.counters_.unsubscribed;
      continue;
    }
    if (self.remainder_bytes_ + sizeof(Remainder) + view.bytes > kNodeRemainderBytesMax) {
      ++self.counters_.lost_at_end;
      continue;
    }
    self.remainders_.push_back(
        {view.session, view.stream, subscription, {view.data, view.data + view.bytes}});
    self.remainder_bytes_ += self.remainders_.back().kept_bytes();
    ++self.subscriptions_[subscription]->remainder_count;
    self.is_remainder_due_ = true;
  }
  return view_count;
}

// In order for each subscription; one that takes nothing stops only its own.
void RaptorNode::give_remainders() {
  is_remainder_due_ = false;
  std::vector<uint16_t> stopped;
  const auto give = [&](const Remainder& remainder) {
    Subscription& subscription = *subscriptions_[remainder.subscription];
    const bool is_stopped =
        subscription.is_paused || std::ranges::count(stopped, remainder.subscription) > 0;
    const raptor::MessageView view{remainder.bytes.data(),
                                   static_cast<uint32_t>(remainder.bytes.size()), remainder.stream,
                                   remainder.session};
    const raptor::MessageSink& sink = subscription.options.sink;
    if (is_stopped) return false;
    if (sink.deliver(sink.context, {&view, 1}) == 0) {
      stopped.push_back(remainder.subscription);
      is_remainder_due_ = true;
      return false;
    }
    ++delivered_count_;
    remainder_bytes_ -= remainder.kept_bytes();
    if (--subscription.remainder_count == 0) is_refused_due_ = !refused_.empty();
    return true;
  };
  std::deque<Remainder> left;
  for (Remainder& remainder : remainders_) {
    if (!give(remainder)) left.push_back(std::move(remainder));
  }
  remainders_ = std::move(left);
}

void RaptorNode::start_attempts() {
  attempt_ns_ = raptor::kNeverNs;
  for (const auto& link : links_) {
    if (!link->is_taken) continue;
    if (link->attempt_ns <= now_ns_) {
      link->attempt_ns = raptor::kNeverNs;
      const auto attempt = socket_.connect(now_ns_, link->options.to, link->options.key);
      if (attempt.ok()) {
        link->session = attempt.value();
        link->is_attempting = true;
      } else {
        schedule(*link);
      }
    }
    attempt_ns_ = std::min(attempt_ns_, link->attempt_ns);
  }
}

void RaptorNode::link_failed(Link& link, const raptor::SessionEvent& event) {
  RaptorNodeEvent told;
  told.kind = RaptorNodeEventKind::kConnectFailed;
  for (size_t index = 0; index < links_.size(); ++index) {
    if (links_[index].get() == &link) told.link = id_of(links_, index);
  }
  told.reason = event.reason;
  told.refusal = event.refusal;
  told.remote = link.options.to;
  push_event(told);
  schedule(link);
}

void RaptorNode::schedule(Link& link) {
  link.is_attempting = false;
  link.session = raptor::SessionRef{};
  link.attempt_ns = link.delay.next_attempt_ns(now_ns_, link.options.reconnect_ns_max, jitter_);
  attempt_ns_ = std::min(attempt_ns_, link.attempt_ns);
}

// Ends the streams of receivers that missed too much.
void RaptorNode::drop_slow_receivers() {
  has_slow_receivers_ = false;
  for (size_t index = 0; index < publications_.size(); ++index) {
    Publication& publication = *publications_[index];
    if (!publication.is_taken) continue;
    std::erase_if(publication.branches, [&](const Branch& branch) {
      if (branch.misses < publication.options.misses_max) return false;
      end_branch(branch);
      ++publication.counters.receivers_ended;
      RaptorNodeEvent told;
      told.kind = RaptorNodeEventKind::kReceiverEnded;
      told.session = branch.session.value;
      told.publication = id_of(publications_, index);
      push_event(told);
      return true;
    });
  }
}

}  // namespace hyperroute
