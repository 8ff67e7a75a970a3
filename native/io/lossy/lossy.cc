// Set-up of the lossy decorator.
#include "io/lossy/lossy.h"

namespace hyperroute {

Result<std::unique_ptr<Lossy>> Lossy::create(const LossyOptions& options) {
  for (const uint32_t share :
       {options.loss_share, options.duplicate_share, options.reorder_share}) {
    if (share <= kLossyShareMax) continue;
    return Status::error(StatusCode::kConfig, "loss: expected parts of a million, got %u", share);
  }
  auto memory =
      MemoryRegion::anonymous(size_t{kLossyKeptMax} * kLossyDatagramBytesMax, Prefault::kNo);
  if (!memory.ok()) return memory.status();
  std::unique_ptr<Lossy> lossy(new Lossy(options));
  lossy->memory_ = memory.take();
  return lossy;
}

}  // namespace hyperroute
