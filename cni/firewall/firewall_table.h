#pragma once

#include <string>
#include <vector>

#include "cni/firewall/firewall_conf.h"
#include "cni/ip_prefix.h"
#include "common/base/error.h"

namespace trivet::cni {

/// Table inet trivet_firewall. Three lookups for a packet, whatever the number of pods:
///
///   chain forward {                       # priority filter - 5, after the network policies
///     iifname . oifname vmap @same_bridge   # br0 . br0 : accept (same-bridge) or drop (isolated)
///     iifname @bridges oifname @bridges drop
///     ip daddr @pods_v4 ct state established,related accept; ip saddr @pods_v4 accept; the same of
///     v6
///   }
///
/// Every change is one transaction; all calls work in the network namespace of the calling thread.
/// The caller orders them by a lock.
class FirewallTable {
 public:
  /// Makes what is missing. Errors: kAlreadyExists when the bridge has the other policy already.
  static Result<> Add(const std::vector<IpAddress>& pods, const std::string& bridge,
                      IngressPolicy policy);
  /// Absent pods, and an absent table, are success.
  static Result<> RemovePods(const std::vector<IpAddress>& pods);
  /// Removes the pods that are not among `pods`.
  static Result<> RetainPods(const std::vector<IpAddress>& pods);
  /// Removes the policies of bridges that are not among `bridges`.
  static Result<> RetainBridges(const std::vector<std::string>& bridges);
  /// Removes the table when it lists no pod. Absent is success.
  static Result<> RemoveUnlessPods();
  /// Errors: kFailedPrecondition when something of it is not in force.
  static Result<> Check(const std::vector<IpAddress>& pods, const std::string& bridge,
                        IngressPolicy policy);
};

}  // namespace trivet::cni
