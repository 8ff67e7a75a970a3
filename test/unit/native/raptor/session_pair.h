// Two sessions joined without a handshake: keys and parameters are given, time is virtual, and the
// path between them does what a test says. Every packet that leaves is checked: one key and packet
// number never go with two different contents.
// Thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "crypto/crypto.h"
#include "raptor/session.h"

namespace hyperroute::raptor {

inline constexpr uint64_t kUs = 1'000;
inline constexpr uint64_t kMs = 1'000'000;
inline constexpr uint64_t kSecond = 1'000'000'000;

using Message = std::vector<uint8_t>;

// A message that says its number and is as long as asked for.
inline Message numbered(uint32_t number, uint32_t bytes) {
  Message message(std::max<uint32_t>(bytes, sizeof number));
  for (size_t at = 0; at < message.size(); ++at) {
    message[at] = static_cast<uint8_t>(number * 31 + at);
  }
  std::memcpy(message.data(), &number, sizeof number);
  return message;
}

struct SentDatagram {
  int from = 0;        // 0 or 1
  uint64_t index = 0;  // counted for each end
  Message bytes;
};

class SessionPair {
 public:
  struct Options {
    bool is_insecure = false;
    crypto::AeadKind kind = crypto::AeadKind::kAes256Gcm;
    Parameters parameters[2] = {default_parameters(1), default_parameters(2)};
    bool uses_static_window = false;
    uint64_t delay_ns = 10 * kUs;  // one way
    uint32_t mtu_bytes = kDatagramBytesMax;
  };

  static Parameters default_parameters(uint64_t session) {
    Parameters parameters;
    parameters.session = session;
    parameters.liveness_us = 100'000;
    parameters.ack_delay_us_max = 50;
    parameters.in_flight_bytes_max = 1u << 20;
    parameters.message_bytes_max = 1u << 20;
    parameters.stream_window_bytes = 256u << 10;
    parameters.streams_max = 64;
    parameters.datagram_bytes_max = kDatagramBytesMax;
    return parameters;
  }

  explicit SessionPair(Options options) : options_(std::move(options)) {
    EXPECT_TRUE(options_.is_insecure || crypto::load().ok());
    for (int end = 0; end < 2; ++end) {
      SessionOptions made;
      made.keys.is_insecure = options_.is_insecure;
      made.keys.kind = options_.kind;
      made.keys.send_secret.fill(static_cast<uint8_t>(0x10 + end));
      made.keys.receive_secret.fill(static_cast<uint8_t>(0x11 - end));
      made.local = options_.parameters[end];
      made.remote = options_.parameters[1 - end];
      made.session_ref = static_cast<uint32_t>(100 + end);
      made.sends_first = end == 0;
      made.uses_static_window = options_.uses_static_window;
      ends_[end].session = Session::create(now_ns, made).take();
    }
    datagram_.resize(kDatagramBytesMax / 8);
  }
  SessionPair() : SessionPair(Options{}) {}

  Session& a() { return *ends_[0].session; }
  Session& b() { return *ends_[1].session; }
  Session& end(int index) { return *ends_[index].session; }
  std::vector<std::pair<uint16_t, Message>>& received(int index) { return ends_[index].received; }
  MessageSink sink(int index) {
    return MessageSink{&ends_[index], [](void* context, std::span<const MessageView> views) {
                         return static_cast<End*>(context)->take(views);
                       }};
  }
  // As many messages as the end's sink takes from now on.
  void accept(int index, uint64_t messages) { ends_[index].accepts = messages; }
  void keep_messages(bool keeps) { ends_[0].keeps = ends_[1].keeps = keeps; }
  uint64_t received_count(int index) const { return ends_[index].received_count; }
  // A session that is gone without a word: neither sends nor receives.
  void kill(int index) { ends_[index].is_dead = true; }

  // Whether the path loses a datagram; asked once for each.
  std::function<bool(const SentDatagram&)> drops;
  // What the path adds to a datagram's delay.
  std::function<uint64_t(const SentDatagram&)> delays;
  // Sees every datagram that leaves, before the path.
  std::function<void(const SentDatagram&)> watches;
  bool checks_nonces = true;
  uint64_t now_ns = kSecond;

  // Everything that happens within `interval_ns`, in order.
  void run_for(uint64_t interval_ns) {
    run_until([] { return false; }, interval_ns);
  }

  // Until `done`; false where that does not come within `interval_ns`.
  bool run_until(const std::function<bool()>& done, uint64_t interval_ns) {
    const uint64_t end_ns = now_ns + interval_ns;
    for (uint64_t steps = 0; steps < kStepsMax; ++steps) {
      transmit();
      if (done()) return true;
      const uint64_t next_ns = next_event_ns();
      if (next_ns > end_ns) {
        now_ns = end_ns;
        return done();
      }
      now_ns = std::max(now_ns, next_ns);
      deliver();
      for (int index = 0; index < 2; ++index) {
        End& at = ends_[index];
        if (!at.is_dead && at.session->next_deadline_ns() <= now_ns)
          at.session->on_deadline(now_ns);
      }
    }
    ADD_FAILURE() << "the sessions do not come to rest";
    return false;
  }

  // One datagram to `to`, as if the path had brought it now.
  bool inject(int to, const Message& bytes) {
    std::memcpy(datagram_.data(), bytes.data(), bytes.size());
    auto* datagram = reinterpret_cast<uint8_t*>(datagram_.data());
    DataHeader header;
    const auto datagram_bytes = static_cast<uint32_t>(bytes.size());
    if (read_data_header(datagram, datagram_bytes, header) != nullptr) return false;
    return ends_[to].session->on_packet(now_ns, header, datagram, datagram_bytes, sink(to));
  }

  uint64_t sent_count(int index) const { return ends_[index].sent_count; }

 private:
  static constexpr uint64_t kStepsMax = 5'000'000;

  struct End {
    uint32_t take(std::span<const MessageView> views) {
      uint32_t taken = 0;
      for (const MessageView& view : views) {
        if (accepts == 0) break;
        accepts -= 1;
        received_count += 1;
        if (keeps) received.emplace_back(view.stream, Message(view.data, view.data + view.bytes));
        taken += 1;
      }
      return taken;
    }

    std::unique_ptr<Session> session;
    std::vector<std::pair<uint16_t, Message>> received;
    uint64_t received_count = 0;
    uint64_t accepts = UINT64_MAX;
    bool keeps = true;
    bool is_dead = false;
    uint64_t sent_count = 0;
  };

  struct OnItsWay {
    uint64_t arrives_ns;
    uint64_t order;
    int to;
    Message bytes;
  };

  void transmit() {
    Message buffer(kDatagramBytesMax);
    for (int index = 0; index < 2; ++index) {
      End& at = ends_[index];
      while (!at.is_dead && at.session->has_work()) {
        const uint32_t bytes = at.session->next_datagram(now_ns, buffer);
        if (bytes == 0) break;
        SentDatagram sent{index, at.sent_count++, Message(buffer.begin(), buffer.begin() + bytes)};
        send(sent);
      }
    }
  }

  void send(SentDatagram& sent) {
    if (checks_nonces) check_nonce(sent);
    if (watches) watches(sent);
    if (sent.bytes.size() > options_.mtu_bytes) return;
    if (drops && drops(sent)) return;
    const uint64_t added_ns = delays ? delays(sent) : 0;
    OnItsWay entry{now_ns + options_.delay_ns + added_ns, order_++, 1 - sent.from,
                   std::move(sent.bytes)};
    const auto place = std::upper_bound(
        path_.begin(), path_.end(), entry,
        [](const OnItsWay& x, const OnItsWay& y) { return x.arrives_ns < y.arrives_ns; });
    path_.insert(place, std::move(entry));
  }

  void check_nonce(const SentDatagram& sent) {
    DataHeader header;
    ASSERT_EQ(read_data_header(sent.bytes.data(), static_cast<uint32_t>(sent.bytes.size()), header),
              nullptr);
    const auto key = std::pair(sent.from, header.number);
    ASSERT_TRUE(numbers_.emplace(key, header.key_generation).second)
        << "packet " << header.number << " was sealed twice";
  }

  uint64_t next_event_ns() const {
    uint64_t next_ns = path_.empty() ? kNeverNs : path_.front().arrives_ns;
    for (const End& at : ends_) {
      if (!at.is_dead) next_ns = std::min(next_ns, at.session->next_deadline_ns());
    }
    return next_ns;
  }

  void deliver() {
    while (!path_.empty() && path_.front().arrives_ns <= now_ns) {
      OnItsWay arrived = std::move(path_.front());
      path_.pop_front();
      if (!ends_[arrived.to].is_dead) inject(arrived.to, arrived.bytes);
    }
  }

  Options options_;
  End ends_[2];
  std::deque<OnItsWay> path_;
  uint64_t order_ = 0;
  std::map<std::pair<int, uint64_t>, uint8_t> numbers_;
  std::vector<uint64_t> datagram_;
};

}  // namespace hyperroute::raptor
