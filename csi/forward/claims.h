#pragma once

#include <map>
#include <mutex>

#include "csi/forward/calls.h"
#include "csi/service/plugin.h"

namespace trivet::csi {

/// What the nodes can do together: what one of them can, the controller offers. A node that is
/// away counts with what it said last. Any thread.
class Claims {
 public:
  /// `nodes` is borrowed and outlives this.
  Claims(const NodeLinks& nodes, SpecLevel level) : nodes_(nodes), level_(level) {}

  /// Errors: kUnavailable when no node ever said.
  Result<Offer> Ask(const grpc::ServerContext* caller);

 private:
  const NodeLinks& nodes_;
  const SpecLevel level_;
  std::mutex mutex_;
  std::map<std::string, Offer> said_;  // by node; guarded by mutex_
};

}  // namespace trivet::csi
