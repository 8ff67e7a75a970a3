// Return addresses as they come from the network: the order gateway on memory rings, whose venues
// name whatever they like in their reports.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/field_datapath.h"
#include "engine/duty_cycle.h"
#include "include/hyperroute/codes.h"
#include "ring/counters_layout.h"
#include "unit/native/engine/relay_fixture.h"

namespace hyperroute {
namespace {

enum Endpoint : uint8_t { kClients, kVenue1, kVenue2, kVenue3, kBlock, kEndpointCount };

constexpr uint32_t kReportBytes = 48;  // ExecReport of protocol B.
constexpr uint32_t kClientReportBytes = 53;
constexpr uint32_t kPollsMax = 1000;

class Gateway {
 public:
  Gateway() {
    RouterOptions options;
    options.inline_model = true;
    options.workers.emplace_back();
    options.workers[0].name = "worker";
    auto made = Router::create(options);
    EXPECT_TRUE(made.ok()) << made.status().context;
    router_ = made.take();
    for (uint8_t endpoint = 0; endpoint < kEndpointCount; ++endpoint) open(endpoint);
    install();
    EXPECT_TRUE(router_->start().ok());
  }

  uint8_t slot(Endpoint endpoint) const { return slots_[endpoint]; }

  // A report from a venue, and what became of it when nothing moves any more.
  void report(Endpoint venue, uint64_t return_address) {
    uint8_t message[kReportBytes] = {};
    store_le(message, kReportBytes);
    store_le(message + 4, 3u);
    store_le(message + 24, return_address);
    Application& application = applications_[venue];
    uint8_t* const room = application.writer.claim(sizeof message);
    ASSERT_NE(room, nullptr);
    std::memcpy(room, message, sizeof message);
    application.writer.commit();
    application.writer.publish();
    uint32_t polls = 0;
    while (router_->poll() > 0 && polls < kPollsMax) ++polls;
    ASSERT_LT(polls, kPollsMax);
  }

  // Sizes of the messages that an endpoint's application has got since the last call.
  std::vector<uint32_t> arrived(Endpoint endpoint) {
    std::vector<uint32_t> sizes;
    RingRecord record;
    SpscConsumer& reader = applications_[endpoint].reader;
    while (reader.next(record)) {
      sizes.push_back(record.bytes);
      reader.release_to_parkable(record.end_position);
    }
    return sizes;
  }

  uint64_t count(std::string_view label) const {
    const uint8_t* const data = router_->counters().data();
    CountersHeader header;
    std::memcpy(&header, data, sizeof header);
    for (uint32_t index = 0; index < header.record_count; ++index) {
      CounterRecord record;
      std::memcpy(&record, data + header.records_offset + index * header.record_bytes,
                  sizeof record);
      if (std::string_view(record.label, record.label_bytes) != label) continue;
      uint64_t value;
      std::memcpy(&value, data + record.value_offset, sizeof value);
      return value;
    }
    ADD_FAILURE() << "no counter " << label;
    return 0;
  }

 private:
  void open(uint8_t endpoint) {
    PortSpec spec;
    spec.name = "endpoint" + std::to_string(endpoint);
    auto slot = router_->open_endpoint<MemoryBackend>(spec, applications_[endpoint].options());
    ASSERT_TRUE(slot.ok()) << slot.status().context;
    slots_[endpoint] = slot.value();
    ASSERT_TRUE(router_->attach(slot.value()).ok());
  }

  void install() {
    const std::vector<uint8_t> image = read_image_vector("order-gateway.image");
    std::vector<std::string> reject_names(kRejectCodeMax + 1);
    reject_names[static_cast<uint32_t>(RejectCode::kStaleReturnAddress)] = "STALE";
    const std::vector<std::string> route_names{"orders", "reports"};
    InstallSpec spec;
    spec.image = image;
    spec.slot_of_endpoint = slots_;
    spec.route_names = route_names;
    spec.reject_names = reject_names;
    const Status status = router_->prepare(spec);
    ASSERT_TRUE(status.ok()) << status.context;
    router_->commit();
  }

  Application applications_[kEndpointCount];
  uint8_t slots_[kEndpointCount] = {};
  // Destroyed before the memory its endpoints use.
  std::unique_ptr<Router> router_;
};

TEST(ReturnAddress, ReachesTheClientThatItNames) {
  Gateway gateway;
  gateway.report(kVenue1, pack_return_address(gateway.slot(kClients), kDefaultPeer, 1));
  EXPECT_EQ(gateway.arrived(kClients), std::vector<uint32_t>{kClientReportBytes});
  EXPECT_EQ(gateway.count("route/reports/delivered"), 1u);
  EXPECT_EQ(gateway.count("reject/STALE/messages"), 0u);
}

TEST(ReturnAddress, ReachesNoEndpointThatDoesNotCarryTheMessage) {
  Gateway gateway;
  uint64_t refused_count = 0;
  for (uint32_t slot = 0; slot < kSlotCountMax; ++slot) {
    if (slot == gateway.slot(kClients)) continue;
    for (const PeerRef peer : {kDefaultPeer, PeerRef{0, 0}}) {
      gateway.report(kVenue1, pack_return_address(static_cast<uint8_t>(slot), peer, slot));
      ++refused_count;
    }
  }
  for (const Endpoint endpoint : {kClients, kVenue1, kVenue2, kVenue3, kBlock}) {
    EXPECT_TRUE(gateway.arrived(endpoint).empty()) << +endpoint;
  }
  EXPECT_EQ(gateway.count("reject/STALE/messages"), refused_count);
  EXPECT_EQ(gateway.count("route/reports/rejected"), refused_count);
  EXPECT_EQ(gateway.count("route/reports/delivered"), 0u);
}

}  // namespace
}  // namespace hyperroute
