// The listening end of a probe: takes sessions, counts and answers what they ask, until a signal.
// Thread: main.
#include <array>
#include <memory>

#include "bench/native/raptor/probe_end.h"
#include "bench/native/raptor/probe_events.h"
#include "bench/native/raptor/probe_peer.h"

namespace hyperroute::probe {
namespace {

class Listener {
 public:
  explicit Listener(const ProbeOptions& options) : options_(options), host_id_(clock_host_id()) {}

  int run() {
    if (const Status status = open_end(loop_, options_); !status.ok()) emit_failure(status);
    JsonObject members;
    members.add("address", text_of(loop_.socket().local_address()))
        .add_flag("secure", !options_.insecure);
    emit("listening", members);
    const raptor::MessageSink sink{this, deliver};
    while (!is_stop_asked()) {
      loop_.poll(sink);
      take_events(sink);
      for (const auto& peer : peers_) {
        if (peer != nullptr) serve(*peer, sink);
      }
      loop_.flush();
      tell_ignored();
      if (!options_.is_spinning) loop_.wait(loop_.now_ns() + kPatienceNs);
    }
    emit("stopped", JsonObject{});
    return 0;
  }

 private:
  using PeerSlot = std::unique_ptr<Peer>;

  static uint32_t deliver(void* context, std::span<const raptor::MessageView> views) {
    auto& self = *static_cast<Listener*>(context);
    const uint64_t now_ns = monotonic_ns();
    uint32_t taken = 0;
    for (const raptor::MessageView& view : views) {
      // A session's first message may come before its event is taken: it comes again.
      PeerSlot* const slot = self.find({view.session});
      if (slot == nullptr) break;
      if (!(*slot)->take(now_ns, view.stream, {view.data, view.bytes})) {
        (*slot)->has_refused = true;
        break;
      }
      ++taken;
    }
    return taken;
  }

  PeerSlot* find(raptor::SessionRef ref) noexcept {
    for (PeerSlot& slot : peers_) {
      if (slot != nullptr && slot->ref() == ref) return &slot;
    }
    return nullptr;
  }

  void take_events(const raptor::MessageSink& sink) {
    raptor::SessionEvent event;
    while (loop_.endpoint().next_event(event)) {
      if (event.kind == raptor::SessionEventKind::kEstablished) {
        opened(event.session);
      } else {
        ended(event, sink);
      }
    }
  }

  void opened(raptor::SessionRef ref) {
    raptor::Session* const session = loop_.endpoint().session(ref);
    const raptor::PathAddress* const path = loop_.endpoint().path_of(ref);
    if (session == nullptr || path == nullptr) return;
    const std::string address = text_of(socket_address_of(*path));
    for (PeerSlot& slot : peers_) {
      if (slot != nullptr) continue;
      slot = std::make_unique<Peer>(ref, address, host_id_, loop_.now_ns());
      // What came in front of the event waits in the session.
      slot->has_refused = true;
      JsonObject members;
      emit("opened", members.add("peer", address));
      return;
    }
    // Sessions that are about to go may take the place of one more for a moment.
    session->close(loop_.now_ns(), raptor::CloseReason::kLocalLimit);
    loop_.endpoint().touch(ref);
  }

  void ended(const raptor::SessionEvent& event, const raptor::MessageSink& sink) {
    PeerSlot* const slot = find(event.session);
    if (slot == nullptr) return;
    if (raptor::Session* const session = loop_.endpoint().session(event.session)) {
      static_cast<void>(session->poll(sink));
    }
    const Peer& peer = **slot;
    JsonObject members;
    members.add("peer", peer.address())
        .add("reason", name_of(event.reason))
        .add("messages", peer.messages())
        .add("bytes", peer.bytes())
        .add("durationNs", loop_.now_ns() - peer.opened_ns());
    emit("ended", members);
    slot->reset();
  }

  void serve(Peer& peer, const raptor::MessageSink& sink) {
    raptor::Session* const session = loop_.endpoint().session(peer.ref());
    if (session == nullptr) return;
    const uint64_t kernel_drops = loop_.socket().counters().kernel_drops;
    bool has_changed = peer.answer(loop_.now_ns(), *session, kernel_drops);
    // Taking what was refused makes new answers, until the stream back has no room.
    bool has_taken = true;
    while (peer.has_refused && has_taken) {
      peer.has_refused = false;
      has_taken = session->poll(sink) > 0;
      has_changed |= has_taken;
      has_changed |= peer.answer(loop_.now_ns(), *session, kernel_drops);
    }
    if (has_changed) loop_.endpoint().touch(peer.ref());
  }

  // Attempts that get no answer, so that whoever wonders why can see it here: at most once a
  // second.
  void tell_ignored() {
    if (loop_.now_ns() < next_tell_ns_) return;
    next_tell_ns_ = loop_.now_ns() + kNsPerSecond;
    loop_.socket().count_kernel_drops();
    const raptor::RaptorCounters& now = loop_.endpoint().counters();
    JsonObject members;
    members.add("otherKey", now.bad_mac - told_.bad_mac)
        .add("otherMode", now.mode_mismatch - told_.mode_mismatch)
        .add("otherVersion", now.version_mismatch - told_.version_mismatch)
        .add("refused", now.handshakes_refused - told_.handshakes_refused);
    const bool has_some = now.bad_mac != told_.bad_mac ||
                          now.mode_mismatch != told_.mode_mismatch ||
                          now.version_mismatch != told_.version_mismatch ||
                          now.handshakes_refused != told_.handshakes_refused;
    told_ = now;
    if (has_some) emit("ignored", members);
  }

  const ProbeOptions& options_;
  const uint64_t host_id_;
  SocketLoop loop_;
  uint64_t next_tell_ns_ = 0;
  raptor::RaptorCounters told_;
  std::array<PeerSlot, kListenerSessionsMax> peers_;
};

}  // namespace

int run_listener(const ProbeOptions& options) {
  const auto listener = std::make_unique<Listener>(options);
  return listener->run();
}

}  // namespace hyperroute::probe
