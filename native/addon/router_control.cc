// The addon's `Router`: shares and limits of endpoints, and what is known of their failures.
// Thread: JavaScript.
#include <algorithm>
#include <cstring>

#include "addon/router.h"

namespace hyperroute {
namespace {

// Words of a slot in what readControl() fills; lib/router/control/controller.ts has the same.
constexpr size_t kReportWords = 8;

}  // namespace

// `info[1]`: { share, state, isShut, ejections, trips, probesFailed }.
Napi::Value RouterObject::set_standing(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  constexpr double kCountMax = 9007199254740991.0;
  OptionReader options(env_, info[1]);
  Router::Standing standing;
  standing.share = static_cast<uint8_t>(options.u32("share", kAlive));
  standing.state = options.u32("state");
  standing.is_shut = options.boolean("isShut");
  standing.ejections = static_cast<uint64_t>(options.number("ejections", 0, kCountMax));
  standing.trips = static_cast<uint64_t>(options.number("trips", 0, kCountMax));
  standing.probes_failed = static_cast<uint64_t>(options.number("probesFailed", 0, kCountMax));
  if (!options.status().ok()) {
    throw_status(env_, options.status());
    return env_.Undefined();
  }
  router_->set_standing(slot, standing);
  return env_.Undefined();
}

// `info[1]`: { perSecond, burst, inFlightMax, sheds, shedBytes: 8 words as a Uint8Array }.
Napi::Value RouterObject::set_limits(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  OptionReader options(env_, info[1]);
  LimitOptions limits;
  limits.rate_per_second = options.u32("perSecond", kRatePerSecondMax);
  limits.rate_burst = std::max(1u, options.u32("burst", kRateBurstMax));
  limits.in_flight_max = options.u32("inFlightMax");
  limits.sheds = options.boolean("sheds");
  const OptionReader::Bytes shed = options.bytes("shedBytes");
  Status status = options.status();
  if (status.ok() && shed.bytes != sizeof(uint32_t) * kPriorityCount) {
    status = Status::error(StatusCode::kConfig, "shedBytes: expected %u words", kPriorityCount);
  }
  if (!status.ok()) {
    throw_status(env_, status);
    return env_.Undefined();
  }
  std::memcpy(limits.shed_bytes.data(), shed.data, shed.bytes);
  router_->set_limits(slot, limits);
  return env_.Undefined();
}

// Fills `info[0]`, the bytes of a Uint32Array, with kReportWords words for each slot, as many as it
// has room for.
Napi::Value RouterObject::read_control(const Napi::CallbackInfo& info) {
  if (!is_open()) return env_.Undefined();
  const OptionReader::Bytes out = typed_array_bytes(env_, info[0]);
  if (out.data == nullptr) {
    throw_status(env_, Status::error(StatusCode::kConfig, "readControl: expected a Uint8Array"));
    return env_.Undefined();
  }
  const size_t room_count = out.bytes / (kReportWords * sizeof(uint32_t));
  const size_t slot_count = std::min<size_t>(room_count, kSlotCountMax);
  for (size_t slot = 0; slot < slot_count; ++slot) {
    const SlotReport report = router_->read_control(static_cast<uint8_t>(slot));
    const uint32_t values[kReportWords] = {
        report.live ? 1u : 0u, report.failures_in_row,   report.failures,   report.sent,
        report.outstanding,    report.unanswered_in_row, report.unanswered, 0};
    std::memcpy(out.data + slot * sizeof values, values, sizeof values);
  }
  return env_.Undefined();
}

Napi::Value RouterObject::endpoint_info(Napi::Env env, uint8_t slot) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("slot", slot);
  char text[kAddressTextBytes];
  if (slots_[slot].kind == "udp") {
    const UdpBackend& udp = router_->backend<UdpBackend>(slot);
    result.Set("address", udp.local_address().print(text));
    result.Set("receiveBufferBytes", udp.receive_buffer_bytes());
  } else if (const RaptorBackend* raptor = raptor_at(slot); raptor != nullptr) {
    result.Set("address", raptor->local_address().print(text));
    result.Set("receiveBufferBytes", raptor->receive_buffer_bytes());
  } else if (slots_[slot].kind != "memory") {
    result.Set("address", router_->backend<TcpBackend>(slot).local_address().print(text));
  }
  return result;
}

const RaptorBackend* RouterObject::raptor_at(uint8_t slot) {
  const std::string& kind = slots_[slot].kind;
  const bool is_raptor = kind == "raptor-listen" || kind == "raptor-connect";
  return is_raptor ? &router_->backend<RaptorBackend>(slot) : nullptr;
}

// How a raptor-connect stands with its listener; undefined for other kinds.
Napi::Value RouterObject::link(const Napi::CallbackInfo& info) {
  uint8_t slot = 0;
  if (!slot_of(info, slot)) return env_.Undefined();
  const RaptorBackend* raptor = raptor_at(slot);
  if (raptor == nullptr) return env_.Undefined();
  const RaptorLink link = raptor->link();
  Napi::Object result = Napi::Object::New(env_);
  result.Set("isConnected", link.state == RaptorLinkState::kConnected);
  result.Set("reason", static_cast<uint32_t>(link.reason));
  result.Set("refusal", static_cast<uint32_t>(link.refusal));
  return result;
}

}  // namespace hyperroute
