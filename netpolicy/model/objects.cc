#include "netpolicy/model/objects.h"

namespace trivet::netpolicy {

Labels Cluster::NamespaceLabels(const std::string& name) const {
  const auto found = namespaces.find(name);
  Labels labels = found == namespaces.end() ? Labels() : found->second;
  labels[kNamespaceNameLabel] = name;
  return labels;
}

bool SelectsPod(const Cluster& cluster, const std::string& policy_namespace, const Peer& peer,
                const Pod& pod) {
  if (peer.block) return false;
  if (!peer.namespaces && pod.name.first != policy_namespace) return false;
  if (peer.namespaces && !peer.namespaces->Matches(cluster.NamespaceLabels(pod.name.first))) {
    return false;
  }
  return !peer.pods || peer.pods->Matches(pod.labels);
}

std::string_view NameOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "TCP";
    case Protocol::kUdp:
      return "UDP";
    case Protocol::kSctp:
      return "SCTP";
  }
  return "?";
}

}  // namespace trivet::netpolicy
