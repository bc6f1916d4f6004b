#include "netpolicy/model/index.h"

#include <algorithm>

namespace trivet::netpolicy {
namespace {

std::string LabelKey(const std::string& name, const std::pair<const std::string, std::string>& l) {
  std::string key = name;
  key += '\0';
  key += l.first;
  key += '\0';
  key += l.second;
  return key;
}

template <class Map>
const typename Map::mapped_type& FindOrEmpty(const Map& map, const std::string& key) {
  static const typename Map::mapped_type kEmpty;
  const auto found = map.find(key);
  return found == map.end() ? kEmpty : found->second;
}

}  // namespace

ClusterIndex::ClusterIndex(const Cluster& cluster) {
  for (const auto& [name, labels] : cluster.namespaces) {
    namespaces_.emplace(name, cluster.NamespaceLabels(name));
  }
  for (const auto& [name, pod] : cluster.pods) {
    namespaces_.try_emplace(name.first, cluster.NamespaceLabels(name.first));
    all_pods_.push_back(&pod);
    pods_by_namespace_[name.first].push_back(&pod);
    for (const auto& label : pod.labels) {
      pods_by_label_[LabelKey(name.first, label)].push_back(&pod);
    }
  }
  for (const auto& [name, policy] : cluster.policies) {
    if (policy.pods.match_labels.empty()) {
      policies_without_label_[name.first].push_back(&policy);
    } else {
      const auto& first = *policy.pods.match_labels.begin();
      policies_by_label_[LabelKey(name.first, first)].push_back(&policy);
    }
  }
}

std::vector<const NetworkPolicy*> ClusterIndex::PoliciesOf(const Pod& pod) const {
  Policies found;
  auto collect = [&](const Policies& candidates) {
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(found),
                 [&](const NetworkPolicy* one) { return one->pods.Matches(pod.labels); });
  };
  collect(FindOrEmpty(policies_without_label_, pod.name.first));
  for (const auto& label : pod.labels) {
    collect(FindOrEmpty(policies_by_label_, LabelKey(pod.name.first, label)));
  }
  std::sort(found.begin(), found.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  return found;
}

std::vector<std::string> ClusterIndex::NamespacesOf(const std::string& policy_namespace,
                                                    const Peer& peer) const {
  if (!peer.namespaces) return {policy_namespace};
  std::vector<std::string> names;
  for (const auto& [name, labels] : namespaces_) {
    if (peer.namespaces->Matches(labels)) names.push_back(name);
  }
  return names;
}

std::vector<const Pod*> ClusterIndex::PodsOf(const std::string& policy_namespace,
                                             const Peer& peer) const {
  Pods found;
  if (peer.block) return found;
  const bool by_label = peer.pods && !peer.pods->match_labels.empty();
  for (const std::string& name : NamespacesOf(policy_namespace, peer)) {
    const Pods& candidates =
        by_label ? FindOrEmpty(pods_by_label_, LabelKey(name, *peer.pods->match_labels.begin()))
                 : FindOrEmpty(pods_by_namespace_, name);
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(found),
                 [&](const Pod* pod) { return !peer.pods || peer.pods->Matches(pod->labels); });
  }
  return found;
}

}  // namespace trivet::netpolicy
