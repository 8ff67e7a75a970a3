// Raptor without a router: publications and subscriptions over one socket.
//
// A publication sends each message to every session, or to one; a subscription gets what any
// session sends under its label. Labels are the applications' own numbers for streams. The node
// keeps links to listeners up, and tells of sessions by events. Nothing runs by itself: the owner
// polls, offers and transmits, and sleeps on wait_fd() in between (docs/raptor.md has an example).
// Owner: one thread. Data path: offer, poll and transmit (raptor_node_datapath.cc); sessions,
// publications and subscriptions allocate, messages do not.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/prng.h"
#include "base/status.h"
#include "io/raptor/raptor_node_types.h"
#include "io/raptor/raptor_socket.h"
#include "io/reconnect_delay.h"
#include "io/unique_fd.h"

namespace hyperroute {

class RaptorNode {
 public:
  RaptorNode() = default;
  ~RaptorNode() { close(); }
  RaptorNode(const RaptorNode&) = delete;
  RaptorNode& operator=(const RaptorNode&) = delete;

  // Opens the socket. kConfig, kAddressInUse, kAddressInvalid, kPermission, kCryptoUnavailable,
  // kSystem.
  Status open(uint64_t now_ns, const RaptorNodeOptions& options);
  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  [[nodiscard]] SocketAddress local_address() const noexcept { return socket_.local_address(); }

  // Keeps a session with a listener up until disconnect(). kConfig; kLimit; kState: the socket is
  // for one peer and has it.
  Result<uint32_t> connect(uint64_t now_ns, const RaptorLinkOptions& options);
  // Ends the link's session or attempt; the sessions of others are not touched.
  void disconnect(uint64_t now_ns, uint32_t link);
  // Ends a session; a link makes it again.
  void close_session(uint64_t now_ns, uint32_t session);

  // A stream to the sessions that are there and to those that will be, or to one. For one that has
  // ended meanwhile it has no receiver. kConfig, kLimit, kClosed.
  Result<uint32_t> add_publication(const RaptorPublicationOptions& options);
  // Takes all of the message or nothing. Returns the publication's position behind it, which only
  // grows, or an OfferCode: BACK_PRESSURE (kWait: a receiver has no room), NOT_CONNECTED (no
  // session takes it), TOO_LARGE, CLOSED. What was taken leaves with the next transmit().
  [[nodiscard]] int64_t offer(uint64_t now_ns, uint32_t publication,
                              std::span<const uint8_t> message) noexcept;
  // The same for a message of up to kNodeClaimBytesMax that the caller writes in place: `room` is
  // where its first receiver is sent it from, and only further ones cost a copy. Returns 0 or an
  // OfferCode; BACK_PRESSURE also where kDrop has a receiver without room alone. Then commit() or
  // abort() before any other call on the node; an offer or another claim drops the one before.
  [[nodiscard]] int64_t claim(uint32_t publication, uint32_t message_bytes,
                              std::span<uint8_t>& room) noexcept;
  // As offer(). NOT_CONNECTED: the first receiver has gone meanwhile. CLOSED: nothing is claimed.
  [[nodiscard]] int64_t commit(uint64_t now_ns, uint32_t publication) noexcept;
  void abort(uint32_t publication) noexcept;
  // Nothing more is offered; what was still arrives. The number means nothing any more.
  void end_publication(uint32_t publication);
  [[nodiscard]] RaptorPublicationCounters publication_counters(uint32_t publication) const;

  // Whoever gets the messages of a label; one subscription a label (kState). What came before it
  // was there has waited in its sessions' windows. kLimit.
  Result<uint32_t> add_subscription(const RaptorSubscriptionOptions& options);
  void remove_subscription(uint32_t subscription);
  // While paused it gets nothing: its messages wait, and in the end their publishers.
  void pause_subscription(uint32_t subscription, bool is_paused);

  // Handles what has arrived and what is due: messages go to the sinks, which must not call the
  // node. A sink that took less than it was given is asked again by the next poll(). Returns the
  // messages that were taken.
  uint32_t poll(uint64_t now_ns) noexcept;
  // Sends what there is to send. True: there may be more right away.
  bool transmit(uint64_t now_ns) noexcept;
  // The next thing that happened.
  [[nodiscard]] bool next_event(RaptorNodeEvent& event);
  [[nodiscard]] bool has_event() const noexcept { return !events_.empty(); }

  // When poll() is due next whatever arrives; raptor::kNeverNs: not before something happens.
  [[nodiscard]] uint64_t next_deadline_ns() noexcept;
  // Becomes readable when something arrived or is due, once prepare_wait() has said true.
  [[nodiscard]] int wait_fd() const noexcept { return socket_.wait_fd(); }
  // To be called before sleeping on wait_fd(). False: there is something to do now.
  [[nodiscard]] bool prepare_wait(uint64_t now_ns) noexcept;
  // The two descriptors behind wait_fd(), for an event loop that watches them itself: a wake-up
  // through a descriptor of descriptors costs the kernel more, at both ends. Either is to be
  // watched for reading, the socket also for writing while waits_for_room(). prepare_timer() takes
  // the place of prepare_wait() then.
  [[nodiscard]] int socket_fd() const noexcept { return socket_.fd(); }
  [[nodiscard]] int timer_fd() const noexcept { return timer_.get(); }
  [[nodiscard]] bool waits_for_room() const noexcept { return socket_.is_blocked(); }
  [[nodiscard]] bool prepare_timer(uint64_t now_ns) noexcept;
  // Makes wait_fd() readable at once, for an owner that has to give way before it is done.
  void wake_at_once() noexcept { arm_timer(1); }

  // Ends every publication. is_drained(): every receiver has taken all of it, or is gone.
  void drain();
  [[nodiscard]] bool is_drained();
  // Tells every peer that this end is gone and closes the socket. Idempotent.
  void close() noexcept;

  [[nodiscard]] uint32_t session_count() const noexcept { return session_count_; }
  // Up to `out.size()` sessions; returns how many there are.
  uint32_t sessions(std::span<RaptorSessionInfo> out);
  [[nodiscard]] const RaptorNodeCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const raptor::RaptorCounters& endpoint_counters() const noexcept {
    return socket_.endpoint().counters();
  }
  [[nodiscard]] const RaptorSocket& socket() const noexcept { return socket_; }
  // Asks the kernel what it dropped, which is a system call; once closed, as of the last call.
  [[nodiscard]] const RaptorSocketCounters& socket_counters() const noexcept {
    if (socket_.is_open()) socket_.count_kernel_drops();
    return socket_.counters();
  }

 private:
  static constexpr uint16_t kNoSubscription = 0xFFFF;
  static constexpr uint32_t kNoLink = 0;

  // Which subscription a stream of a session belongs to, once it has been looked up.
  struct StreamRoute {
    uint16_t stream = 0;
    uint16_t subscription = kNoSubscription;
    bool is_known = false;
  };
  struct NodeSession {
    raptor::SessionRef ref;
    uint32_t link = kNoLink;
    bool is_initiator = false;
    bool has_refused = false;  // In refused_.
    // Streams that are open at a time have different numbers modulo the slots.
    std::array<StreamRoute, raptor::kStreamSlotsMax> routes{};
  };
  // A publication's stream to one session.
  struct Branch {
    raptor::SessionRef session;
    uint16_t stream = 0;
    uint32_t misses = 0;  // In a row.
  };
  // A message that is being written where its first receiver is sent it from.
  struct Claim {
    raptor::SessionRef session;
    uint16_t stream = 0;
    std::span<const uint8_t> message;
  };
  struct Publication {
    RaptorPublicationOptions options;
    uint16_t generation = 0;
    bool is_taken = false;
    int64_t position = 0;
    RaptorPublicationCounters counters;
    bool has_claim = false;
    Claim claim;
    std::vector<Branch> branches;
  };
  struct Subscription {
    RaptorSubscriptionOptions options;
    uint16_t generation = 0;
    bool is_taken = false;
    bool is_paused = false;
    uint32_t remainder_count = 0;
  };
  struct Link {
    RaptorLinkOptions options;
    uint16_t generation = 0;
    bool is_taken = false;
    bool is_attempting = false;
    raptor::SessionRef session;  // Of the attempt, or once it has succeeded.
    uint64_t attempt_ns = raptor::kNeverNs;
    ReconnectDelay delay;
  };
  // A stream that has been ended and is not acknowledged yet.
  struct Ending {
    raptor::SessionRef session;
    uint16_t stream;
  };
  // What a session that ended had received and nobody had taken.
  struct Remainder {
    uint32_t session;
    uint16_t stream;
    uint16_t subscription;
    std::vector<uint8_t> bytes;
    // What it costs to keep: a message without bytes takes room too.
    [[nodiscard]] uint64_t kept_bytes() const noexcept { return sizeof *this + bytes.size(); }
  };

  // raptor_node.cc
  Status check(const RaptorNodeOptions& options) const;
  Status open_timer();
  bool open_branch(Publication& publication, uint32_t id, raptor::SessionRef ref);
  void end_branch(const Branch& branch);
  void prune_endings();
  void forget_routes();

  // raptor_node_sessions.cc
  void take_events();
  void on_event(const raptor::SessionEvent& event);
  void adopt(const raptor::SessionEvent& event);
  void lose(NodeSession& session, const raptor::SessionEvent& event);
  void take_remainder(NodeSession& session);
  static uint32_t keep_remainder(void* self, std::span<const raptor::MessageView> views);
  void give_remainders();
  void push_event(const RaptorNodeEvent& event);
  void start_attempts();
  void link_failed(Link& link, const raptor::SessionEvent& event);
  void schedule(Link& link);
  void drop_slow_receivers();
  Link* link_of(raptor::SessionRef ref) noexcept;
  template <typename Item>
  static uint32_t id_of(const std::vector<std::unique_ptr<Item>>& items, size_t index) noexcept {
    return uint32_t{items[index]->generation} << 16 | static_cast<uint32_t>(index);
  }
  template <typename Item>
  static Item* find(const std::vector<std::unique_ptr<Item>>& items, uint32_t id) noexcept {
    const uint32_t index = id & 0xFFFF;
    if (index >= items.size()) return nullptr;
    Item* item = items[index].get();
    return item->is_taken && item->generation == id >> 16 ? item : nullptr;
  }
  // A free place in the list, which grows up to `count_max`; its number, or count_max.
  template <typename Item>
  static size_t take_place(std::vector<std::unique_ptr<Item>>& items, size_t count_max);

  // raptor_node_datapath.cc
  static uint32_t deliver(void* self, std::span<const raptor::MessageView> views);
  uint32_t take_views(std::span<const raptor::MessageView> views) noexcept;
  StreamRoute& route_of(NodeSession& session, uint16_t stream) noexcept;
  NodeSession* session_at(uint32_t ref) noexcept {
    const uint32_t index = ref & 0xFFFF;
    if (index >= sessions_.size()) return nullptr;
    NodeSession* session = sessions_[index].get();
    return session != nullptr && session->ref.value == ref ? session : nullptr;
  }
  void note_refused(NodeSession& session) noexcept;
  void poll_refused() noexcept;
  bool has_room_everywhere(const Publication& publication, uint32_t message_bytes) noexcept;
  int64_t offer_to_all(uint64_t now_ns, Publication& publication, std::span<const uint8_t> message,
                       const Branch* but = nullptr) noexcept;
  Branch* claimed_branch(Publication& publication) noexcept;
  static bool waits_for_all(const Publication& publication) noexcept {
    return publication.options.slow_receivers == SlowReceivers::kWait &&
           publication.branches.size() > 1;
  }
  static int64_t taken(Publication& publication, uint32_t message_bytes) noexcept;
  void arm_timer(uint64_t deadline_ns) noexcept;
  raptor::MessageSink sink() noexcept { return {this, &RaptorNode::deliver}; }

  // Fixed after open().
  RaptorNodeOptions options_;
  mutable RaptorSocket socket_;  // Its endpoint looks sessions up.
  UniqueFd timer_;

  uint64_t now_ns_ = 0;
  uint64_t armed_ns_ = raptor::kNeverNs;
  uint64_t attempt_ns_ = raptor::kNeverNs;  // The first attempt of a link that is due.
  uint64_t offered_bytes_ = 0;              // To sessions, since the last transmit().
  bool has_more_to_send_ = false;
  bool is_refused_due_ = false;  // What sinks refused is to be offered again.
  bool is_remainder_due_ = false;
  bool has_slow_receivers_ = false;
  uint32_t delivered_count_ = 0;
  uint32_t session_count_ = 0;
  std::vector<std::unique_ptr<NodeSession>> sessions_;  // By the index of their reference.
  std::vector<uint32_t> refused_;                       // Sessions that keep refused messages.
  std::vector<std::unique_ptr<Publication>> publications_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Ending> endings_;
  std::deque<Remainder> remainders_;
  uint64_t remainder_bytes_ = 0;
  std::deque<RaptorNodeEvent> events_;
  RaptorNodeCounters counters_;
  Prng jitter_{0};
};

}  // namespace hyperroute
