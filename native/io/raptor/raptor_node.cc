// Set-up of a node, its publications and subscriptions. The owner's thread; not per message.
#include "io/raptor/raptor_node.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "io/socket_setup.h"

namespace hyperroute {
namespace {

// A place's generation, never 0, so that no number is.
uint16_t next_generation(uint16_t generation) noexcept {
  return generation == UINT16_MAX ? uint16_t{1} : static_cast<uint16_t>(generation + 1);
}

}  // namespace

template <typename Item>
size_t RaptorNode::take_place(std::vector<std::unique_ptr<Item>>& items, size_t count_max) {
  size_t index = 0;
  while (index < items.size() && items[index]->is_taken) ++index;
  if (index == count_max) return count_max;
  if (index == items.size()) items.push_back(std::make_unique<Item>());
  const uint16_t generation = next_generation(items[index]->generation);
  *items[index] = Item{};
  items[index]->generation = generation;
  items[index]->is_taken = true;
  return index;
}

Status RaptorNode::check(const RaptorNodeOptions& options) const {
  const RaptorSocketOptions& socket = options.socket;
  if (socket.endpoint.insecure && !options.insecure_exposed && socket.endpoint.is_listener &&
      !socket.local.is_loopback()) {
    return Status::error(StatusCode::kConfig,
                         "insecure: expected a loopback address, or to be said twice");
  }
  return Status::success();
}

Status RaptorNode::open(uint64_t now_ns, const RaptorNodeOptions& options) {
  HR_ASSERT(!socket_.is_open());
  HR_TRY(check(options));
  options_ = options;
  now_ns_ = now_ns;
  jitter_ = Prng(now_ns);
  HR_TRY(socket_.open(now_ns, options.socket));
  const Status status = open_timer();
  if (!status.ok()) close();
  return status;
}

Status RaptorNode::open_timer() {
  timer_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer_.is_open()) return Status::system(StatusCode::kSystem, errno, "timerfd_create");
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(socket_.wait_fd(), EPOLL_CTL_ADD, timer_.get(), &event) != 0) {
    return Status::system(StatusCode::kSystem, errno, "epoll_ctl(timer)");
  }
  armed_ns_ = raptor::kNeverNs;
  return Status::success();
}

Result<uint32_t> RaptorNode::connect(uint64_t now_ns, const RaptorLinkOptions& options) {
  if (!socket_.is_open()) return Status::error(StatusCode::kClosed, "connect: the node is closed");
  HR_TRY(check_remote_address(options.to, socket_.local_address().family()));
  const bool insecure = options_.socket.endpoint.insecure;
  if (insecure && !options_.insecure_exposed && !options.to.is_loopback()) {
    return Status::error(StatusCode::kConfig,
                         "insecure: expected a loopback address, or to be said twice");
  }
  if (!insecure && options.key == crypto::PublicKey{}) {
    return Status::error(StatusCode::kConfig, "key: expected the public key of the listener");
  }
  if (options.reconnect_ns_min < kNodeReconnectNsMin ||
      options.reconnect_ns_max < options.reconnect_ns_min) {
    return Status::error(StatusCode::kConfig, "reconnect: expected 1 ms ≤ least ≤ most");
  }
  if (options_.socket.reuses_port) {
    return Status::error(StatusCode::kConfig,
                         "connect: the node shares its port: an answer might come to another");
  }
  const auto is_taken = [](const auto& link) { return link->is_taken; };
  const auto is_same = [&options](const auto& link) {
    return link->is_taken && link->options.to == options.to && link->options.key == options.key;
  };
  // The listener takes the later of two sessions with one peer for its return, for ever.
  if (std::ranges::any_of(links_, is_same)) {
    char text[kAddressTextBytes];
    return Status::error(StatusCode::kConfig,
                         "connect: expected each listener once, %s with that key is there already",
                         options.to.print(text));
  }
  if (options_.socket.has_one_peer && std::ranges::any_of(links_, is_taken)) {
    return Status::error(StatusCode::kState, "connect: the node was opened for one peer");
  }
  const size_t index = take_place(links_, kNodeLinksMax);
  if (index == kNodeLinksMax) {
    return Status::error(StatusCode::kLimit, "connect: %u links are there", kNodeLinksMax);
  }
  Link& link = *links_[index];
  link.options = options;
  link.delay.reset(options.reconnect_ns_min);
  link.attempt_ns = now_ns;
  attempt_ns_ = std::min(attempt_ns_, now_ns);
  now_ns_ = std::max(now_ns_, now_ns);
  start_attempts();
  return id_of(links_, index);
}

void RaptorNode::disconnect(uint64_t now_ns, uint32_t id) {
  Link* const link = find(links_, id);
  if (link == nullptr) return;
  link->is_taken = false;
  if (!socket_.is_open()) return;
  if (link->is_attempting) socket_.endpoint().cancel(link->session);
  close_session(now_ns, link->session.value);
}

void RaptorNode::close_session(uint64_t now_ns, uint32_t ref) {
  NodeSession* const session = session_at(ref);
  if (session == nullptr || !socket_.is_open()) return;
  raptor::Session* const core = socket_.endpoint().session(session->ref);
  if (core == nullptr) return;
  core->close(std::max(now_ns_, now_ns), raptor::CloseReason::kClosed);
  socket_.endpoint().touch(session->ref);
}

Result<uint32_t> RaptorNode::add_publication(const RaptorPublicationOptions& options) {
  if (!socket_.is_open()) return Status::error(StatusCode::kClosed, "publish: the node is closed");
  if (const char* const wrong = options.stream.invalid(); wrong != nullptr) {
    return Status::error(StatusCode::kConfig, "publication: %s", wrong);
  }
  if (options.misses_max == 0) {
    return Status::error(StatusCode::kConfig, "publication: missesMax is 0");
  }
  const size_t index = take_place(publications_, kNodePublicationsMax);
  if (index == kNodePublicationsMax) {
    return Status::error(StatusCode::kLimit, "%u publications are there", kNodePublicationsMax);
  }
  Publication& publication = *publications_[index];
  publication.options = options;
  const uint32_t id = id_of(publications_, index);
  for (const auto& session : sessions_) {
    if (session == nullptr) continue;
    if (options.session != 0 && session->ref.value != options.session) continue;
    open_branch(publication, id, session->ref);
  }
  return id;
}

bool RaptorNode::open_branch(Publication& publication, uint32_t id, raptor::SessionRef ref) {
  raptor::Session* const session = socket_.endpoint().session(ref);
  if (session == nullptr) return false;
  const Result<uint16_t> stream = session->open_stream(publication.options.stream);
  if (!stream.ok()) {
    RaptorNodeEvent event;
    event.kind = RaptorNodeEventKind::kReceiverLeftOut;
    event.session = ref.value;
    event.publication = id;
    push_event(event);
    return false;
  }
  publication.branches.push_back(Branch{ref, stream.value(), 0});
  socket_.endpoint().touch(ref);
  return true;
}

void RaptorNode::end_branch(const Branch& branch) {
  raptor::Session* const session = socket_.endpoint().session(branch.session);
  if (session == nullptr) return;
  session->end_stream(branch.stream);
  socket_.endpoint().touch(branch.session);
  endings_.push_back({branch.session, branch.stream});
}

void RaptorNode::end_publication(uint32_t id) {
  Publication* const publication = find(publications_, id);
  if (publication == nullptr) return;
  publication->is_taken = false;
  if (!socket_.is_open()) return;
  prune_endings();
  for (const Branch& branch : publication->branches) end_branch(branch);
  publication->branches.clear();
}

void RaptorNode::prune_endings() {
  std::erase_if(endings_, [this](const Ending& ending) {
    const raptor::Session* session = socket_.endpoint().session(ending.session);
    return session == nullptr || session->state() == raptor::SessionState::kClosed ||
           session->is_stream_finished(ending.stream);
  });
}

RaptorPublicationCounters RaptorNode::publication_counters(uint32_t id) const {
  const Publication* const publication = find(publications_, id);
  if (publication == nullptr) return {};
  RaptorPublicationCounters counters = publication->counters;
  counters.receivers = static_cast<uint32_t>(publication->branches.size());
  return counters;
}

Result<uint32_t> RaptorNode::add_subscription(const RaptorSubscriptionOptions& options) {
  if (!socket_.is_open()) {
    return Status::error(StatusCode::kClosed, "subscribe: the node is closed");
  }
  HR_ASSERT(options.sink.deliver != nullptr);
  for (const auto& subscription : subscriptions_) {
    if (subscription->is_taken && subscription->options.label == options.label) {
      return Status::error(StatusCode::kState, "the label has a subscription already");
    }
  }
  const size_t index = take_place(subscriptions_, kNodeSubscriptionsMax);
  if (index == kNodeSubscriptionsMax) {
    return Status::error(StatusCode::kLimit, "%u subscriptions are there", kNodeSubscriptionsMax);
  }
  subscriptions_[index]->options = options;
  forget_routes();
  return id_of(subscriptions_, index);
}

void RaptorNode::remove_subscription(uint32_t id) {
  Subscription* const subscription = find(subscriptions_, id);
  if (subscription == nullptr) return;
  subscription->is_taken = false;
  const auto index = static_cast<uint16_t>(id & 0xFFFF);
  std::erase_if(remainders_, [this, index](const Remainder& remainder) {
    if (remainder.subscription != index) return false;
    remainder_bytes_ -= remainder.kept_bytes();
    return true;
  });
  forget_routes();
}

void RaptorNode::pause_subscription(uint32_t id, bool is_paused) {
  Subscription* const subscription = find(subscriptions_, id);
  if (subscription == nullptr) return;
  subscription->is_paused = is_paused;
  if (is_paused) return;
  is_refused_due_ = !refused_.empty();
  is_remainder_due_ = !remainders_.empty();
}

void RaptorNode::forget_routes() {
  for (const auto& session : sessions_) {
    if (session == nullptr) continue;
    for (StreamRoute& route : session->routes) route.is_known = false;
  }
  is_refused_due_ = !refused_.empty();
}

void RaptorNode::drain() {
  for (size_t index = 0; index < publications_.size(); ++index) {
    if (publications_[index]->is_taken) end_publication(id_of(publications_, index));
  }
}

bool RaptorNode::is_drained() {
  if (!socket_.is_open()) return true;
  prune_endings();
  return endings_.empty();
}

uint32_t RaptorNode::sessions(std::span<RaptorSessionInfo> out) {
  uint32_t count = 0;
  for (const auto& session : sessions_) {
    if (session == nullptr) continue;
    raptor::Endpoint& endpoint = socket_.endpoint();
    const raptor::Session* const core = endpoint.session(session->ref);
    if (core == nullptr) continue;
    if (count < out.size()) {
      RaptorSessionInfo& info = out[count];
      info.session = session->ref.value;
      info.link = session->link;
      info.remote = socket_address_of(*endpoint.path_of(session->ref));
      info.key = *endpoint.peer_key_of(session->ref);
      info.counters = core->counters();
    }
    ++count;
  }
  return count;
}

void RaptorNode::close() noexcept {
  if (!socket_.is_open()) return;
  socket_.close();
  timer_.reset();
  attempt_ns_ = raptor::kNeverNs;
  has_more_to_send_ = false;
  sessions_.clear();
  session_count_ = 0;
  refused_.clear();
  endings_.clear();
  publications_.clear();
  links_.clear();
}

}  // namespace hyperroute
