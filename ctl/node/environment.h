#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ctl/object/pod.h"

namespace trivet::ctl {

/// What the downward API may name and the manifest does not say.
struct PodPlace {
  std::string uid;
  std::string node_name;
  std::vector<std::string> pod_ips;  // known once the sandbox runs
};

/// The container's variables in order, fieldRefs resolved and $(NAME) expanded from the
/// ones before.
std::vector<std::pair<std::string, std::string>> MakeEnvironment(const Pod& pod,
                                                                 const Container& container,
                                                                 const PodPlace& place);

/// Kubernetes' expansion: $(NAME) when known, untouched when not, $$ is a $.
/// Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
std::string Expand(std::string_view text, const std::map<std::string, std::string>& variables);

}  // namespace trivet::ctl
