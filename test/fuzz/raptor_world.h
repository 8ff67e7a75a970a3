// Two endpoints of Raptor, what lies between them and what their applications do, for a fuzzer.
//
// After every step the endpoints must be within their bounds and have work to do only where there
// is some; between encrypted ends, messages of ordered streams arrive as they were sent.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bits.h"
#include "base/prng.h"
#include "raptor/endpoint.h"
#include "raptor/stream_mode.h"

namespace hyperroute::raptor {

inline constexpr uint32_t kEndCount = 2;  // 0 listens, 1 connects
inline constexpr size_t kQueueMax = 256;
inline constexpr uint32_t kTurnsMax = 50'000;
inline constexpr uint64_t kUs = 1'000;

struct Datagram {
  uint32_t from;
  uint32_t to;
  std::vector<uint8_t> bytes;
};

inline crypto::KeyPair keys_of(uint8_t owner) {
  crypto::PrivateKey key;
  key.fill(owner);
  HR_ASSERT(crypto::load().ok());
  return crypto::key_pair_of(key).take();
}

inline const crypto::KeyPair& keys(uint32_t end) {
  static const std::array<crypto::KeyPair, kEndCount> pairs = {keys_of(1), keys_of(2)};
  return pairs[end];
}

inline PathAddress address_of(uint32_t number) {
  const uint8_t bytes[] = {static_cast<uint8_t>(number), 9};
  return PathAddress::of(bytes);
}

inline void fill_random(void* context, uint8_t* to, size_t bytes) {
  Prng& prng = *static_cast<Prng*>(context);
  for (size_t at = 0; at < bytes; ++at) to[at] = static_cast<uint8_t>(prng.next_u32());
}

class World {
 public:
  explicit World(uint8_t options) : options_byte_(options) {
    for (uint32_t end = 0; end < kEndCount; ++end) start(end);
  }

 protected:
  struct End {
    std::unique_ptr<Endpoint> endpoint;
    std::vector<SessionRef> sessions;
    bool is_refusing = false;
    // Of an ordered stream of a session, by its reference and number: the next message's number.
    std::map<std::pair<uint32_t, uint16_t>, uint32_t> next_sent;
    std::map<std::pair<uint32_t, uint16_t>, uint32_t> next_received;
  };

  bool is_insecure() const { return (options_byte_ & 1) != 0; }

  void start(uint32_t end) {
    EndpointOptions options;
    options.is_listener = end == 0;
    options.insecure = is_insecure();
    options.static_keys = keys(end);
    options.cookie_threshold = (options_byte_ & 2) != 0 ? 0 : 32;
    options.uses_static_window = (options_byte_ & 4) != 0;
    options.is_inline = (options_byte_ & 8) != 0;
    options.sessions_max = 3;
    options.half_open_max = 4;
    options.streams_max = (options_byte_ & 16) != 0 ? 2 : 64;
    options.stream_window_bytes = (options_byte_ & 32) != 0 ? 4'096 : 65'536;
    options.datagram_bytes_max = (options_byte_ & 64) != 0 ? kDatagramBytesMin : kDatagramBytesMax;
    options.random = {&prng_, fill_random};
    ends_[end] = End{};
    ends_[end].endpoint = Endpoint::create(now_ns_, options).take();
  }

  void connect() { (void)ends_[1].endpoint->connect(now_ns_, address_of(0), keys(0).public_key); }

  static uint32_t deliver_to(void* context, std::span<const MessageView> views) {
    const auto& [world, number] = *static_cast<std::pair<World*, uint32_t>*>(context);
    return world->take(world->ends_[number], views);
  }

  uint32_t take(End& end, std::span<const MessageView> views) {
    if (end.is_refusing) views = views.first(views.size() / 2);
    for (const MessageView& view : views) {
      HR_ASSERT(view.bytes <= kStreamMessageBytesMax);
      check_message(end, view, {view.data, view.data + view.bytes});
    }
    return static_cast<uint32_t>(views.size());
  }

  // Messages of ordered streams bear their number.
  void check_message(End& end, const MessageView& view, const std::vector<uint8_t>& message) {
    Session* const session = end.endpoint->session({view.session});
    if (is_insecure() || session == nullptr) return;
    const StreamOptions* const stream = session->remote_stream(view.stream);
    if (stream == nullptr || stream->mode != StreamMode::kReliableOrdered) return;
    uint32_t& next = end.next_received[{view.session, view.stream}];
    HR_ASSERT(message.size() >= 4 && load_u32_le(message.data()) == next);
    for (size_t at = 4; at < message.size(); ++at) {
      HR_ASSERT(message[at] == static_cast<uint8_t>(next + at));
    }
    next += 1;
  }

  void deliver(const Datagram& datagram) {
    if (datagram.to >= kEndCount) return;
    // In a block of its own, so that a read beyond its end is seen; new is 8-aligned at least.
    std::unique_ptr<uint8_t[]> bytes(new uint8_t[datagram.bytes.size()]);
    std::copy(datagram.bytes.begin(), datagram.bytes.end(), bytes.get());
    std::pair<World*, uint32_t> context{this, datagram.to};
    ends_[datagram.to].endpoint->on_datagram(now_ns_, bytes.get(),
                                             static_cast<uint32_t>(datagram.bytes.size()),
                                             address_of(datagram.from), {&context, deliver_to});
    take_events(ends_[datagram.to]);
  }

  void take_events(End& end) {
    SessionEvent event;
    while (end.endpoint->next_event(event)) {
      if (event.kind == SessionEventKind::kEstablished) {
        end.sessions.push_back(event.session);
        HR_ASSERT(end.endpoint->session(event.session) != nullptr);
      } else {
        std::erase(end.sessions, event.session);
        HR_ASSERT(event.reason != CloseReason::kNone);
      }
    }
  }

  // Moves up to `count` datagrams from an end to the wire.
  bool transmit(uint32_t number, uint32_t count) {
    End& end = ends_[number];
    uint8_t buffer[kDatagramBytesMax];
    const uint32_t bytes_max = end.endpoint->options().datagram_bytes_max;
    bool is_any = false;
    for (; count > 0; --count) {
      const auto sent = end.endpoint->next_transmit(now_ns_, {buffer, bytes_max});
      take_events(end);
      if (sent.bytes == 0) {
        HR_ASSERT(!end.endpoint->has_transmit());
        return is_any;
      }
      HR_ASSERT(sent.bytes <= bytes_max);
      is_any = true;
      if (queue_.size() == kQueueMax) queue_.erase(queue_.begin());
      queue_.push_back({number, sent.to->bytes[0], {buffer, buffer + sent.bytes}});
    }
    return is_any;
  }

  void deliver_all() {
    std::vector<Datagram> wire;
    wire.swap(queue_);
    for (const Datagram& datagram : wire) deliver(datagram);
  }

  // Both ends send and receive until they have nothing more to say at this time.
  void exchange() {
    for (uint32_t turn = 0; turn < kTurnsMax; ++turn) {
      const bool first = transmit(0, 32);
      const bool second = transmit(1, 32);
      if (!first && !second) return;
      deliver_all();
    }
    HR_ASSERT(false);
  }

  // A timer that stays due keeps its driver awake for good.
  void run_timers() {
    for (End& end : ends_) {
      for (uint32_t round = 0; end.endpoint->next_deadline_ns() <= now_ns_; ++round) {
        HR_ASSERT(round < 16);
        end.endpoint->on_deadline(now_ns_);
        take_events(end);
        transmit(static_cast<uint32_t>(&end - ends_.data()), 64);
      }
    }
  }

  void advance(uint64_t by_ns, bool is_exchanging) {
    const uint64_t end_ns = now_ns_ + by_ns;
    for (uint32_t step = 0; step < 2'000; ++step) {
      const uint64_t next_ns =
          std::min(ends_[0].endpoint->next_deadline_ns(), ends_[1].endpoint->next_deadline_ns());
      if (next_ns > end_ns) break;
      now_ns_ = std::max(now_ns_, next_ns);
      run_timers();
      if (is_exchanging) exchange();
    }
    now_ns_ = std::max(now_ns_, end_ns);
  }

  void check() {
    for (End& end : ends_) {
      const RaptorCounters& counters = end.endpoint->counters();
      HR_ASSERT(counters.sessions_open <= end.endpoint->options().sessions_max);
      HR_ASSERT(counters.half_open <= end.endpoint->options().half_open_max);
      HR_ASSERT(counters.sessions_open == end.sessions.size());
    }
  }

  // Whatever happened, closing both ends and some time leave nothing behind.
  void finish() {
    for (uint32_t number = 0; number < kEndCount; ++number) {
      ends_[number].endpoint->close_all(now_ns_, CloseReason::kClosed);
      take_events(ends_[number]);
    }
    for (uint32_t round = 0; round < 30; ++round) {
      exchange();
      advance(100'000 * kUs, true);
      for (End& end : ends_) take_events(end);
    }
    for (End& end : ends_) HR_ASSERT(end.endpoint->is_idle());
    check();
  }

  uint8_t options_byte_;
  Prng prng_{1};
  uint64_t now_ns_ = 1'000'000'000;
  uint64_t next_number_ = 1'000;
  std::array<End, kEndCount> ends_;
  std::vector<Datagram> queue_;
};

}  // namespace hyperroute::raptor
