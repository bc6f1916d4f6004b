#pragma once

#include <string>
#include <vector>

#include "netpolicy/model/objects.h"

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
  const Cluster& cluster;             // borrowed
  std::vector<LocalAddresses> local;  // oldest first; an address is its newest owner's
  std::vector<Range> node_ranges;     // addresses in here belong to pods of this node or to nobody
};

}  // namespace trivet::netpolicy
