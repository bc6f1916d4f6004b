#include "cri-runtime/container/id_mapping.h"

#include "common/linux/user_namespace.h"

namespace trivet::container {

Result<> CheckIdMappings(const Config& config, const sandbox::Config& pod) {
  const auto& own = pod.namespaces.user;
  const auto& asked = config.security.namespaces.user;
  if (asked && asked != own) {
    return Fail(Code::kInvalidArgument, "userns_options: differ from those of the pod");
  }
  for (const Mount& mount : config.mounts) {
    if (mount.id_mapping && mount.id_mapping != own) {
      return Fail(Code::kInvalidArgument,
                  "mount {}: uidMappings and gidMappings are not those of the pod's user namespace",
                  mount.container_path);
    }
    // What its root mounts would appear on the node.
    if (own && mount.propagation == Propagation::kBidirectional) {
      return Fail(Code::kInvalidArgument,
                  "mount {}: propagation: out of a user namespace nothing is propagated",
                  mount.container_path);
    }
  }
  return {};
}

Result<UniqueFd> OpenUserNamespace(const sandbox::Record& pod, const cri::Paths& paths) {
  if (!pod.config.namespaces.user) return UniqueFd();
  return OpenOwningUserNamespace(paths.NetworkNamespace(pod.id));
}

}  // namespace trivet::container
