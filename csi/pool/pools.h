#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/config.h"
#include "csi/pool/pool.h"

namespace trivet::csi {

/// The pools of the configuration, in its order.
class Pools {
 public:
  /// Errors: the storage of one cannot be used; kInvalidArgument when two have the same.
  static Result<Pools> Open(const Config& config, const Paths& paths);
  explicit Pools(std::vector<std::unique_ptr<Pool>> pools) : pools_(std::move(pools)) {}

  /// The pool of this name; the first one for "". Errors: kResourceExhausted naming the parameter:
  /// another node may have it.
  Result<Pool*> Choose(const std::string& name) const;
  /// The pool a record names. Errors: kFailedPrecondition when it is not configured (any more).
  Result<Pool*> Named(const std::string& name) const;
  /// As Named, naming the volume, too.
  Result<Pool*> Of(const VolumeRecord& record) const;
  /// Whether volumes of any pool can grow.
  [[nodiscard]] bool can_grow() const;
  /// Whether any pool can make copies.
  [[nodiscard]] bool can_copy() const;

  [[nodiscard]] const std::vector<std::unique_ptr<Pool>>& all() const { return pools_; }

 private:
  [[nodiscard]] Pool* Find(const std::string& name) const;
  std::vector<std::unique_ptr<Pool>> pools_;  // never empty
};

}  // namespace trivet::csi
