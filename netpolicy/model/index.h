#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "netpolicy/model/objects.h"

namespace trivet::netpolicy {

/// Finds policies by pod and pods by peer without looking at all of them. Borrows the cluster.
class ClusterIndex {
 public:
  explicit ClusterIndex(const Cluster& cluster);

  /// The policies that select the pod, in name order.
  [[nodiscard]] std::vector<const NetworkPolicy*> PoliciesOf(const Pod& pod) const;
  /// The pods that a peer of a policy in `policy_namespace` selects; a block selects none.
  [[nodiscard]] std::vector<const Pod*> PodsOf(const std::string& policy_namespace,
                                               const Peer& peer) const;

  [[nodiscard]] const std::vector<const Pod*>& AllPods() const { return all_pods_; }

 private:
  using Pods = std::vector<const Pod*>;
  using Policies = std::vector<const NetworkPolicy*>;
  [[nodiscard]] std::vector<std::string> NamespacesOf(const std::string& policy_namespace,
                                                      const Peer& peer) const;

  std::map<std::string, Labels> namespaces_;  // every one that has anything
  Pods all_pods_;
  std::unordered_map<std::string, Pods> pods_by_namespace_;
  std::unordered_map<std::string, Pods> pods_by_label_;               // namespace, key, value
  std::unordered_map<std::string, Policies> policies_by_label_;       // as above: its first label
  std::unordered_map<std::string, Policies> policies_without_label_;  // by namespace
};

}  // namespace trivet::netpolicy
