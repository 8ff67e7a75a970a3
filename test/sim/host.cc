// A host's life: datagrams in and out, timers, and what is checked of each packet (host.h).
#include "sim/host.h"

#include <algorithm>
#include <cstdlib>

#include "sim/allocations.h"
#include "sim/forger.h"
#include "wire/raptor_packet.h"

namespace hyperroute::sim {
namespace {

// As many datagrams a host sends without a pause; a pause is what they take on a fast wire.
constexpr uint32_t kBurst = 64;
constexpr uint64_t kBurstPauseNs = 20 * kMicrosecondNs;
// Turns in a row in which timers ran and nothing came of it: a core that asks to be woken again
// and again for nothing would keep a CPU busy.
constexpr uint32_t kIdleTurnsMax = 200;

}  // namespace

Host::Host(Stage& stage, uint32_t index)
    : stage_(stage),
      index_(index),
      random_(stage.run.seed * 31 + index),
      clock_offset_ns_(random_.next_u64() % (1'000 * kSecondNs)),
      transmit_buffer_(raptor::kDatagramBytesMax) {}

Host::~Host() {
  const OwnerScope scope(index_ + 1);
  endpoint_.reset();
}

void Host::fill_random(void* context, uint8_t* to, size_t bytes) {
  auto& host = *static_cast<Host*>(context);
  for (size_t at = 0; at < bytes; ++at) to[at] = static_cast<uint8_t>(host.random_.next_u32());
  if (host.stage_.fault == Fault::kForeignRandom) to[0] = static_cast<uint8_t>(to[0] + ::rand());
}

void Host::start() {
  raptor::EndpointOptions options = stage_.scenario.hosts[index_].options;
  options.random = {this, &Host::fill_random};
  const OwnerScope scope(index_ + 1);
  auto created = raptor::Endpoint::create(clock_ns(), options);
  if (!created.ok()) {
    stage_.run.fail("host %u: %s", index_, created.status().context);
    return;
  }
  endpoint_ = created.take();
  ++incarnation_;
  is_stopping_ = false;
  baseline_bytes_ = allocated_by(index_ + 1).bytes;
  pump();
}

void Host::kill() {
  stage_.run.trace.event(stage_.run.now_ns, "killed", index_);
  for (const auto& [ref, end] : ends_) {
    end->is_over = end->was_killed = true;
    stage_.coverage.add(end->counters);
  }
  stage_.coverage.add(counters());
  ++stage_.coverage.killed;
  ends_.clear();
  by_remote_.clear();
  attempts_.clear();
  {
    const OwnerScope scope(index_ + 1);
    endpoint_.reset();
  }
  pump_due_ns_ = application_due_ns_ = UINT64_MAX;
  const int64_t left_bytes = allocated_by(index_ + 1).bytes;
  if (left_bytes != 0) {
    stage_.run.fail("host %u left %" PRId64 " bytes behind when its endpoint went", index_,
                    left_bytes);
  }
}

void Host::stop() {
  stage_.run.trace.event(stage_.run.now_ns, "stops", index_);
  is_stopping_ = true;
  for (const auto& [ref, end] : ends_) end->has_closed = true;
  {
    const OwnerScope scope(index_ + 1);
    endpoint_->reject_new(true);
    endpoint_->close_all(clock_ns(), raptor::CloseReason::kClosed);
  }
  pump();
}

void Host::jump_clock(uint64_t by_ns) {
  clock_offset_ns_ += by_ns;
  const uint64_t now_ns = clock_ns();
  for (const auto& [ref, end] : ends_) end->jumped_ns = end->sent_ns = now_ns;
  for (auto& [ref, attempt] : attempts_) attempt.due_ns_max += by_ns;
  if (is_up()) pump();
}

void Host::receive(Datagram& datagram) {
  if (!is_up()) return;
  turns_without_effect_ = 0;
  const auto bytes = static_cast<uint32_t>(datagram.bytes.size());
  stage_.run.trace.event(stage_.run.now_ns, "arrives", datagram.from, datagram.to, bytes);
  raptor::DataHeader header;
  const bool is_data = raptor::read_data_header(datagram.bytes.data(), bytes, header) == nullptr;
  {
    const OwnerScope scope(index_ + 1);
    endpoint_->on_datagram(clock_ns(), datagram.bytes.data(), bytes, address_of(datagram.from),
                           sink());
  }
  // Looked at before the events are taken, since those may be the last of the session.
  if (is_data) {
    if (SessionEnd* end = stage_.end_of(header.session); end != nullptr && end->host == index_) {
      check_accepted(*end, datagram, header.number);
    }
  }
  take_events();
  if (is_data) {
    if (SessionEnd* end = stage_.end_of(header.session); end != nullptr && end->host == index_) {
      check_accepted(*end, datagram, header.number);
    }
  }
  pump();
}

std::string Host::describe(const SessionEnd& end) {
  const raptor::Session* session = session_of(end);
  if (session == nullptr) return "gone";
  const raptor::SessionCounters& counters = session->counters();
  char text[240];
  std::snprintf(text, sizeof text,
                "sent %" PRIu64 ", lost %" PRIu64 " + %" PRIu64 ", again %" PRIu64
                ", for nothing %" PRIu64 ", probes %" PRIu64 "; received %" PRIu64
                ", beyond window %" PRIu64 ", rtt %" PRIu64 " us, cwnd %" PRIu64
                ", in flight %" PRIu64,
                counters.packets_sent, counters.lost_by_reorder, counters.lost_by_probe,
                counters.retransmitted_runs, counters.spurious, counters.probes_sent,
                counters.packets_received, counters.beyond_window, counters.rtt_ns / 1'000,
                counters.cwnd_bytes, counters.in_flight_bytes);
  return text;
}

// A packet counts as accepted when the session says that it was authentic and new. Whether it may
// be is known here: by what was sent, by whom, and by what was accepted before.
void Host::check_accepted(SessionEnd& end, const Datagram& datagram, uint64_t number) {
  raptor::Session* session = session_of(end);
  if (session == nullptr) return;
  const uint64_t before = end.counters.packets_received;
  end.counters = session->counters();
  if (end.counters.packets_received == before) return;
  end.heard_ns = clock_ns();
  stage_.run.trace.event(stage_.run.now_ns, "accepts", end.local_id, datagram.from, number);
  const bool is_changed =
      datagram.origin == Origin::kChanged || (stage_.fault == Fault::kAcceptForged && number > 30);
  if (is_changed) stage_.run.fail("session %" PRIx64 " accepted a forged packet", end.local_id);
  if (datagram.from != end.peer_host) {
    stage_.run.fail("session %" PRIx64
                    " accepted a packet from address %u, which is not its "
                    "peer's",
                    end.local_id, datagram.from);
  }
  if (end.counters.packets_received != before + 1) {
    stage_.run.fail("session %" PRIx64 " counts one packet as several", end.local_id);
  }
  if (end.accepted.size() <= number) end.accepted.resize(number + 1);
  if (end.accepted[number] || (stage_.fault == Fault::kAcceptReplay && number > 30)) {
    stage_.run.fail("session %" PRIx64 " accepted packet %" PRIu64 " twice", end.local_id, number);
  }
  end.accepted[number] = true;
}

void Host::take_events() {
  raptor::SessionEvent event;
  const OwnerScope scope(index_ + 1);
  const uint32_t events_max =
      4 * (stage_.scenario.hosts[index_].options.sessions_max + raptor::kHalfOpenMax);
  for (uint32_t taken = 0; endpoint_->next_event(event); ++taken) {
    const OwnerScope own(0);
    if (taken > events_max) return stage_.run.fail("host %u: events without end", index_);
    if (event.kind == raptor::SessionEventKind::kEstablished) {
      on_established(event);
    } else {
      on_ended(event);
    }
  }
}

void Host::run_timers() {
  if (stage_.fault == Fault::kSilence && is_settled()) return;
  const uint64_t now_ns = clock_ns();
  if (endpoint_->next_deadline_ns() > now_ns) return;
  const OwnerScope scope(index_ + 1);
  endpoint_->on_deadline(now_ns);
}

// Whether there may be more.
bool Host::transmit_burst() {
  const uint64_t now_ns = clock_ns();
  for (uint32_t sent = 0; sent < kBurst; ++sent) {
    raptor::Endpoint::Transmit transmit{};
    {
      const OwnerScope scope(index_ + 1);
      transmit = endpoint_->next_transmit(now_ns, transmit_buffer_);
    }
    if (transmit.bytes == 0) return false;
    turns_without_effect_ = 0;
    send(number_of(*transmit.to), std::span(transmit_buffer_).first(transmit.bytes));
  }
  return true;
}

void Host::pump() {
  if (!is_up() || stage_.run.failed) return;
  run_timers();
  bool has_more = transmit_burst();
  take_events();
  if (!has_more) has_more = transmit_burst();  // what the events' handling asked for
  const uint64_t now_ns = clock_ns();
  uint64_t deadline_ns = endpoint_->next_deadline_ns();
  if (stage_.fault == Fault::kSilence && is_settled()) deadline_ns = UINT64_MAX;
  if (has_more) {
    pump_due_ns_ = stage_.run.now_ns + kBurstPauseNs;
  } else if (deadline_ns == UINT64_MAX) {
    pump_due_ns_ = UINT64_MAX;
  } else {
    // A wake-up never comes at the nanosecond: a timer that is still due is run a little later.
    pump_due_ns_ =
        deadline_ns <= now_ns ? stage_.run.now_ns + kMicrosecondNs : deadline_ns - clock_offset_ns_;
  }
  if (++turns_without_effect_ > kIdleTurnsMax) {
    stage_.run.fail(
        "host %u was woken %u times in a row for nothing; its next deadline is in "
        "%" PRId64 " ns",
        index_, kIdleTurnsMax, static_cast<int64_t>(deadline_ns - now_ns));
  }
}

void Host::send(uint32_t to, std::span<const uint8_t> bytes) {
  ++datagrams_sent_;
  stage_.run.trace.event(stage_.run.now_ns, "sends", index_, to,
                         hash_bytes(bytes.first(std::min<size_t>(bytes.size(), 64))) ^
                             load_u64_le(bytes.data() + bytes.size() - 8));
  const bool is_insecure = stage_.scenario.is_insecure;
  const char* wrong = stage_.seals.on_sent(index_, bytes, is_insecure);
  if (stage_.fault == Fault::kReuseNonce && stage_.seals.packets() > 50 && wrong == nullptr) {
    wrong = stage_.seals.on_sent(index_, bytes, is_insecure);
  }
  if (wrong != nullptr) stage_.run.fail("host %u: %s", index_, wrong);
  raptor::DataHeader header;
  const auto size = static_cast<uint32_t>(bytes.size());
  if (raptor::read_data_header(bytes.data(), size, header) == nullptr) {
    if (const auto found = by_remote_.find(header.session); found != by_remote_.end()) {
      found->second->sent_ns = clock_ns();
      stage_.run.trace.event(stage_.run.now_ns, "seals", found->second->local_id, header.session,
                             header.number);
    }
  }
  if (to >= kHostsMax) {
    stage_.reflected_bytes += bytes.size();
    if (stage_.reflected_bytes > 3 * stage_.forged_bytes) {
      stage_.run.fail("addresses that proved nothing were sent %" PRIu64 " bytes for %" PRIu64,
                      stage_.reflected_bytes, stage_.forged_bytes);
    }
    return;
  }
  const uint32_t copies = stage_.fault == Fault::kChatter && stage_.phase == Phase::kIdle ? 100 : 1;
  datagrams_sent_ += copies - 1;
  // What shows that a session lives is short, and passes.
  if (stage_.fault == Fault::kStall && is_settled() && bytes.size() > 200) return;
  const bool is_mute = stage_.fault == Fault::kHideDeath || stage_.fault == Fault::kLateDeath ||
                       stage_.fault == Fault::kFalseDeath;
  if (is_mute && is_settled()) return;
  stage_.forger->overhear(index_, to, bytes);
  stage_.network.send(index_, to, bytes);
}

}  // namespace hyperroute::sim
