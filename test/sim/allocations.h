// Counts what each host of a simulation has allocated with operator new, so that a run can hold
// memory against its bounds and see that nothing stays behind. The binary's operator new and
// delete are those of allocations.cc.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>

namespace hyperroute::sim {

// Owner 0 is the simulator itself.
inline constexpr uint32_t kOwnersMax = 8;

struct Allocated {
  int64_t bytes = 0;
  int64_t count = 0;
};

[[nodiscard]] Allocated allocated_by(uint32_t owner) noexcept;

// What is allocated while it lives belongs to the owner, whoever frees it.
class OwnerScope {
 public:
  explicit OwnerScope(uint32_t owner) noexcept;
  ~OwnerScope();
  OwnerScope(const OwnerScope&) = delete;
  OwnerScope& operator=(const OwnerScope&) = delete;

 private:
  uint32_t before_;
};

}  // namespace hyperroute::sim
