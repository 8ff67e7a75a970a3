// A congestion window without a path: fed with rounds of ACKs as a test says.
#pragma once

#include <cstdint>

#include "raptor/congestion.h"

namespace hyperroute::raptor {

// A window fed with rounds of ACKs.
struct Fed {
  CongestionWindow window;
  RttEstimator rtt;
  uint64_t now_ns = 0;
  uint64_t number = 0;

  explicit Fed(const CongestionOptions& options = {}) : window(options) {}

  // A round of `packets` datagrams of which the last `lost` are lost, with this RTT throughout.
  void round(uint32_t packets, uint64_t rtt_ns, uint32_t lost = 0, uint32_t in_flight = 1u << 30) {
    now_ns += rtt_ns;
    const uint64_t first = number;
    number += packets;
    for (uint32_t packet = 0; packet < packets - lost; ++packet) {
      AckSummary ack;
      ack.packets = 1;
      ack.bytes = 1'200;
      ack.has_rtt = true;
      ack.rtt_ns = rtt_ns;
      ack.in_flight_bytes_before = in_flight;
      ack.newest_number = first + packet;
      LossSummary loss;
      if (packet == 0) loss.packets = lost;
      rtt.on_sample(now_ns, rtt_ns, 0);
      window.on_ack(now_ns, ack, loss, rtt, number);
    }
  }
};

}  // namespace hyperroute::raptor
