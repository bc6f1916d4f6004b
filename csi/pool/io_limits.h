#pragma once

#include <cstdint>

namespace trivet::csi {

/// How fast a volume's device may be used; 0 = as fast as it can.
struct IoLimits {
  uint64_t read_bytes_per_second = 0;
  uint64_t write_bytes_per_second = 0;
  uint64_t read_operations_per_second = 0;
  uint64_t write_operations_per_second = 0;

  [[nodiscard]] bool any() const { return *this != IoLimits{}; }
  bool operator==(const IoLimits&) const = default;
};

}  // namespace trivet::csi
