#pragma once

#include <string>
#include <vector>

#include "netpolicy/model/objects.h"
#include "netpolicy/plan/ruleset.h"

namespace trivet::netpolicy {

/// The addresses of one pod interface on this node, as CNI ADD told them.
struct LocalAddresses {
  ObjectName pod;  // empty: not a Kubernetes pod, and not policed
  std::string uid;
  std::vector<Address> addresses;
  [[nodiscard]] bool policed() const { return !pod.second.empty(); }
};

/// All that decides about the table.
struct World {
  Cluster cluster;
  std::vector<LocalAddresses> local;  // oldest first; an address is its newest owner's
  std::vector<Range> node_ranges;     // addresses in here belong to pods of this node or to nobody
};

/// Compiles the world into the table's content. Pure; equal worlds give equal rulesets.
///
/// A local pod that has no manifest, or one of another uid, gets the deny class in both directions.
/// An address that a local pod has is nobody else's, whatever a manifest says.
Ruleset Compile(const World& world);

}  // namespace trivet::netpolicy
