// Fuzzes two endpoints of Raptor and the sessions between them: the input is a script of what the
// network, the applications and a stranger do. Nothing they do may crash an endpoint, keep it
// busy without end or pass its bounds (raptor_world.h).
//
// Input: u8 options, then actions of a u8 and their own arguments. Insecure ends let the stranger
// write what counts as authentic, and so reach everything behind the seal.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/crc32c.h"
#include "fuzz/input.h"
#include "fuzz/raptor_world.h"

namespace hyperroute::raptor {
namespace {

constexpr uint32_t kActionsMax = 600;
constexpr uint32_t kMessageBytesMax = 20'000;

class Script : private World {
 public:
  explicit Script(FuzzInput& input) : World(input.u8()), input_(input) {}

  void run() {
    connect();
    exchange();
    for (uint32_t count = 0; count < kActionsMax && !input_.is_empty(); ++count) {
      act(input_.u8());
      check();
    }
    finish();
  }

 private:
  std::optional<size_t> pick_datagram() {
    if (queue_.empty()) return std::nullopt;
    return input_.u8() % queue_.size();
  }

  // Makes a changed packet of insecure ends count as whole.
  static void seal_insecure(std::vector<uint8_t>& bytes) {
    const size_t end = bytes.size() - kInsecureTrailerBytes;
    store_u32_le(bytes.data() + end, crc32c(bytes.data(), end));
    store_u32_le(bytes.data() + end + 4, 0);
  }

  void mutate() {
    const std::optional<size_t> at = pick_datagram();
    if (!at.has_value()) return;
    std::vector<uint8_t>& bytes = queue_[*at].bytes;
    const uint8_t count = input_.u8();
    for (uint32_t change = 0; change < 1u + count % 8; ++change) {
      bytes[input_.u16() % bytes.size()] ^= input_.u8();
    }
    const bool is_data = static_cast<PacketKind>(bytes[0]) == PacketKind::kData;
    const bool is_sealed = (count & 128) != 0 && is_data && bytes.size() >= 32;
    if (is_sealed && is_insecure()) seal_insecure(bytes);
  }

  void inject_raw() {
    const uint8_t choice = input_.u8();
    Datagram datagram{choice % 4u, (choice >> 2) % kEndCount, input_.up_to(input_.u8())};
    const bool is_initiate = (choice & 128) != 0;
    if (is_initiate) datagram.bytes.resize(kInitiateBytes);
    if (is_initiate && (choice & 64) != 0) {
      const crypto::PublicKey none{};
      write_initiate_mac(initiate_mac_key(is_insecure() ? none : keys(0).public_key),
                         datagram.bytes.data());
    }
    if (!datagram.bytes.empty()) deliver(datagram);
  }

  // A packet of the other end's own session, with any frames: authentic where insecure.
  void inject_frames() {
    const uint8_t choice = input_.u8();
    const uint32_t to = choice % kEndCount;
    Session* const session = pick_session(ends_[to]);
    std::vector<uint8_t> frames = input_.up_to(8u * (input_.u8() % 64));
    frames.resize((frames.size() + 7) / 8 * 8);
    if (session == nullptr) return;
    DataHeader header;
    header.session = session->local_session_id();
    header.number = (choice & 2) != 0 ? input_.u24() : next_number_++;
    header.bytes = static_cast<uint16_t>(kDataHeaderBytes + frames.size() + kInsecureTrailerBytes);
    Datagram datagram{1 - to, to, std::vector<uint8_t>(kDataHeaderBytes)};
    write_data_header(datagram.bytes.data(), header);
    datagram.bytes.insert(datagram.bytes.end(), frames.begin(), frames.end());
    datagram.bytes.resize(datagram.bytes.size() + kInsecureTrailerBytes);
    seal_insecure(datagram.bytes);
    deliver(datagram);
  }

  SessionRef pick_ref(End& end) {
    return end.sessions.empty() ? SessionRef{} : end.sessions[input_.u8() % end.sessions.size()];
  }
  Session* pick_session(End& end) { return end.endpoint->session(pick_ref(end)); }

  void open_stream(End& end) {
    Session* const session = pick_session(end);
    StreamOptions options;
    const uint8_t choice = input_.u8();
    options.mode = static_cast<StreamMode>(choice % 5);
    options.priority = choice >> 5;
    options.message_bytes_max = input_.u16();
    options.deadline_us = 1 + input_.u16();
    if (session != nullptr && options.invalid() == nullptr) (void)session->open_stream(options);
  }

  void offer(End& end) {
    const SessionRef ref = pick_ref(end);
    const uint16_t stream = input_.u8() % 8;
    const uint32_t bytes = 4 + input_.u16() % kMessageBytesMax;
    const bool is_claim = (bytes & 1) != 0;
    Session* const session = end.endpoint->session(ref);
    if (session == nullptr) return;
    uint32_t& next = end.next_sent[{ref.value, stream}];
    std::vector<uint8_t> message(bytes);
    for (size_t at = 4; at < bytes; ++at) message[at] = static_cast<uint8_t>(next + at);
    store_u32_le(message.data(), next);
    if (is_claim) {
      uint8_t* const to = session->claim(stream, bytes);
      if (to == nullptr) return;
      std::copy(message.begin(), message.end(), to);
      if ((bytes & 8) != 0) {
        session->abort(stream);
        return;
      }
      if (session->commit(now_ns_, stream) >= 0) next += 1;
    } else if (session->offer(now_ns_, stream, message) >= 0) {
      next += 1;
    }
    end.endpoint->touch(ref);
  }

  void ask(End& end, uint32_t number) {
    const SessionRef ref = pick_ref(end);
    Session* const session = end.endpoint->session(ref);
    const uint8_t what = input_.u8();
    if (session == nullptr) return;
    std::pair<World*, uint32_t> context{this, number};
    switch (what % 6) {
      case 0:
        session->end_stream(what / 6);
        break;
      case 1:
        session->drain(now_ns_);
        break;
      case 2:
        session->update_key();
        break;
      case 3:
        session->on_too_large(now_ns_, kDatagramBytesMin + what);
        break;
      case 4:
        session->poll({&context, deliver_to});
        break;
      default:
        session->close(now_ns_, CloseReason::kClosed);
    }
    end.endpoint->touch(ref);
    take_events(end);
  }

  void act(uint8_t action) {
    const uint32_t number = action >> 7;
    End& end = ends_[number];
    switch (action % 128 % 16) {
      case 0:
        return exchange();
      case 1:
        transmit(number, 1 + input_.u8() % 16);
        return;
      case 2:
      case 3:
        if (const auto at = pick_datagram(); at.has_value()) {
          const Datagram datagram = queue_[*at];
          if (action % 16 == 2) queue_.erase(queue_.begin() + static_cast<ptrdiff_t>(*at));
          deliver(datagram);
        }
        return;
      case 4:
        if (const auto at = pick_datagram(); at.has_value()) {
          queue_.erase(queue_.begin() + static_cast<ptrdiff_t>(*at));
        }
        return;
      case 5:
        return mutate();
      case 6:
        return inject_raw();
      case 7:
        return inject_frames();
      case 8:
        return advance(input_.u16() * kUs, true);
      case 9:
        return advance(input_.u16() * kUs * 10, false);
      case 10:
        return open_stream(end);
      case 11:
      case 12:
        return offer(end);
      case 13:
        end.is_refusing = !end.is_refusing;
        return;
      case 14:
        return ask(end, number);
      default:
        return act_rarely(number);
    }
  }

  void act_rarely(uint32_t number) {
    switch (input_.u8() % 6) {
      case 0:
        return start(number);
      case 1:
        ends_[number].endpoint->close_all(now_ns_, CloseReason::kClosed);
        return take_events(ends_[number]);
      case 2:
        ends_[0].endpoint->reject_new((input_.u8() & 1) != 0);
        return;
      case 3:
        now_ns_ += uint64_t{input_.u24()} * 1'000'000;
        return run_timers();
      default:
        return connect();
    }
  }

  FuzzInput& input_;
};

}  // namespace
}  // namespace hyperroute::raptor

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* data,
                                                                             size_t data_bytes) {
  using namespace hyperroute;
  FuzzInput input(data, data_bytes);
  raptor::Script(input).run();
  return 0;
}
