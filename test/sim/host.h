// A host of the simulation: a real Endpoint under a clock of its own, an application that offers
// and reads, and the checks of what this end may and must do.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/prng.h"
#include "raptor/endpoint.h"
#include "raptor/message_view.h"
#include "sim/stage.h"

namespace hyperroute::sim {

class Host {
 public:
  Host(Stage& stage, uint32_t index);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Without a word to anybody, as kill -9; started again it has its keys and its address.
  void start();
  void kill();
  bool is_up() const { return endpoint_ != nullptr; }
  // Closes everything and takes nothing new; to be killed a little later.
  void stop();
  bool is_stopping() const { return is_stopping_; }

  uint64_t clock_ns() const { return stage_.run.now_ns + clock_offset_ns_; }
  void jump_clock(uint64_t by_ns);

  void connect(uint32_t peer);
  void receive(Datagram& datagram);
  // Runs timers, sends what there is to send, takes events.
  void pump();
  // The application's turn: offers and reads.
  void run_application();
  // When pump() or run_application() is due, by the run's clock.
  uint64_t pump_due_ns() const { return pump_due_ns_; }
  uint64_t application_due_ns() const { return application_due_ns_; }
  // The application is to look at once: the phase has changed.
  void wake_application() { application_due_ns_ = stage_.run.now_ns; }

  void update_keys();
  void close(SessionEnd& end);
  void drain(SessionEnd& end);
  // What must hold at any time, whether something happens or not.
  void watch();
  // What must hold once every session has ended.
  void watch_end();

  raptor::Session* session_of(const SessionEnd& end);
  // What its session counts, for a violation's text.
  std::string describe(const SessionEnd& end);
  std::vector<SessionEnd*> open_ends();
  bool has_attempts() const { return !attempts_.empty(); }
  const raptor::RaptorCounters& counters() const { return endpoint_->counters(); }
  uint64_t datagrams_sent() const { return datagrams_sent_; }
  uint64_t datagrams_idle_since() const { return datagrams_sent_ - idle_mark_; }
  void mark_idle() { idle_mark_ = datagrams_sent_; }

 private:
  struct Attempt {
    uint32_t peer = 0;
    uint64_t started_ns = 0;  // by the host's clock
    uint64_t due_ns = 0;
    uint64_t due_ns_max = 0;  // where the clock has jumped, it may start its time again
  };

  // host.cc
  void run_timers();
  bool transmit_burst();
  void send(uint32_t to, std::span<const uint8_t> bytes);
  void take_events();
  void check_accepted(SessionEnd& end, const Datagram& datagram, uint64_t number);

  // host_sessions.cc
  SessionEnd* adopt(raptor::SessionRef ref, bool is_initiator);
  void on_established(const raptor::SessionEvent& event);
  void on_ended(const raptor::SessionEvent& event);
  void on_attempt_ended(const raptor::SessionEvent& event);
  const char* check_reason(const SessionEnd& end, raptor::CloseReason reason);
  bool was_replaced(const SessionEnd& end) const;
  bool waits_for_reader(const SessionEnd& end) const;

  // host_application.cc
  raptor::MessageSink sink() { return {this, &Host::deliver}; }
  static uint32_t deliver(void* context, std::span<const raptor::MessageView> views);
  uint32_t take(SessionEnd& end, std::span<const raptor::MessageView> views);
  uint64_t label_of(SessionEnd& end, uint16_t stream);
  void read(SessionEnd& end, raptor::Session& session);
  void open_flow(SessionEnd& end, raptor::Session& session);
  void run_flow(SessionEnd& end, raptor::Session& session, Flow& flow);
  int64_t offer_next(raptor::Session& session, Flow& flow);
  uint64_t run_end(SessionEnd& end);

  static void fill_random(void* context, uint8_t* to, size_t bytes);
  bool is_settled() const { return stage_.phase != Phase::kBusy; }

  Stage& stage_;
  uint32_t index_;
  Prng random_;
  std::unique_ptr<raptor::Endpoint> endpoint_;
  uint32_t incarnation_ = 0;
  bool is_stopping_ = false;
  uint64_t clock_offset_ns_;
  uint64_t pump_due_ns_ = UINT64_MAX;
  uint64_t application_due_ns_ = UINT64_MAX;
  uint32_t turns_without_effect_ = 0;
  uint64_t datagrams_sent_ = 0;
  uint64_t idle_mark_ = 0;
  int64_t baseline_bytes_ = 0;  // allocated by an endpoint without sessions

  std::map<uint32_t, SessionEnd*> ends_;       // by session ref; those not over
  std::map<uint64_t, SessionEnd*> by_remote_;  // by remote session id
  std::map<uint32_t, Attempt> attempts_;       // by session ref
  std::vector<const SessionEnd*> replaced_;    // not yet seen by what
  std::vector<uint8_t> transmit_buffer_;
  std::vector<uint8_t> message_buffer_;
};

}  // namespace hyperroute::sim
