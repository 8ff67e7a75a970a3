// What control says about endpoints and reads of them. Thread: control.
#include "engine/router.h"

namespace hyperroute {

void Router::set_standing(uint8_t slot, const Standing& standing) {
  SlotControl& control = controls_[slot];
  const ControlCounters& counters = control.counters;
  set_word(control.share, standing.share);
  control.set_shut(standing.is_shut);
  if (counters.state == nullptr) return;
  set_word(*counters.state, standing.state);
  set_word(*counters.share, standing.share);
  set_word(*counters.ejections, standing.ejections);
  set_word(*counters.trips, standing.trips);
  set_word(*counters.probes_failed, standing.probes_failed);
}

SlotReport Router::read_control(uint8_t slot) const {
  const Slot& place = slots_[slot];
  if (!place.port) return {};
  const SlotControl& control = controls_[slot];
  // Numbers of several writers, each as of about now.
  return SlotReport{
      .live = place.port->report().live,
      .failures_in_row = word(control.failures_in_row),
      .failures = word(control.failures),
      .sent = static_cast<uint32_t>(word(*place.sent)),
      .outstanding = word(control.outstanding),
      .unanswered_in_row = word(control.unanswered_in_row),
      .unanswered = word(control.unanswered),
  };
}

}  // namespace hyperroute
