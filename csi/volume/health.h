#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/pools.h"
#include "csi/volume/stores.h"

namespace trivet::csi {

/// How bad it is, as the spec's VolumeHealthErrorType says it.
enum class HealthStatus { kDegraded, kInaccessible, kDataLoss };

/// One thing that is wrong. `reason` is CamelCase and for programs.
struct HealthProblem {
  HealthStatus status = HealthStatus::kDegraded;
  std::string reason;
  std::string message;
};

/// All that is wrong with a volume; empty when it is well.
using VolumeHealth = std::vector<HealthProblem>;

/// One thing that is wrong with a pool: it cannot be used at all, or not as it should.
struct PoolProblem {
  bool unreachable = false;
  std::string reason;
  std::string message;
};

/// Looks for what is wrong with volumes and pools; changes nothing. Any thread may call it.
class Health {
 public:
  /// Borrowed: both outlive it.
  Health(const Stores& stores, const Pools& pools) : stores_(stores), pools_(pools) {}

  /// A volume whose record cannot be read is unwell, not unknown. Errors: kNotFound.
  [[nodiscard]] Result<VolumeHealth> Of(const std::string& id) const;

  /// All pools' problems, by the order of the configuration.
  [[nodiscard]] std::vector<PoolProblem> OfPools() const;

  /// At most `count` unwell volumes (0 = all) whose id is not below `first_id`, and where the next
  /// page starts; empty on the last one.
  struct Page {
    std::vector<std::pair<std::string, VolumeHealth>> volumes;
    std::string next_id;
  };
  [[nodiscard]] Page List(const std::string& first_id, size_t count) const;

 private:
  const Stores& stores_;
  const Pools& pools_;
};

}  // namespace trivet::csi
