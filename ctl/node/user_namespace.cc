#include "ctl/node/user_namespace.h"

#include <limits>
#include <set>

namespace trivet::ctl {
namespace {

namespace cri = ::runtime::v1;

// Source: k8s.io/kubernetes/pkg/kubelet/userns (facts only).
constexpr uint32_t kIdsOfAPod = 65536;
constexpr uint32_t kLastRange = std::numeric_limits<uint32_t>::max() / kIdsOfAPod - 1;

using IdMappings = google::protobuf::RepeatedPtrField<cri::IDMapping>;

// By number: range 1 begins at 65536. One that does not begin at such a number takes two.
void AddRanges(const IdMappings& mappings, std::set<uint32_t>& taken) {
  for (const cri::IDMapping& mapping : mappings) {
    if (mapping.length() == 0) continue;
    const uint64_t last = uint64_t{mapping.host_id()} + mapping.length() - 1;
    for (uint64_t range = mapping.host_id() / kIdsOfAPod; range <= last / kIdsOfAPod; ++range) {
      taken.insert(static_cast<uint32_t>(range));
    }
  }
}

Result<std::set<uint32_t>> TakenRanges(Cri& cri) {
  std::set<uint32_t> taken;
  ASSIGN_OR_RETURN(const auto sandboxes, ListSandboxes(cri, {}));
  for (const cri::PodSandbox& sandbox : sandboxes) {
    const auto status = ReadSandboxStatus(cri, sandbox.id());
    if (!status && status.error().code() == Code::kNotFound) continue;  // gone meanwhile
    if (!status) return std::unexpected(status.error());
    const auto& user = status->linux().namespaces().options().userns_options();
    AddRanges(user.uids(), taken);
    AddRanges(user.gids(), taken);
  }
  return taken;
}

}  // namespace

Result<cri::UserNamespace> ChooseUserNamespace(Cri& cri) {
  ASSIGN_OR_RETURN(const std::set<uint32_t> taken, TakenRanges(cri), "user namespace");
  uint32_t range = 1;
  while (taken.contains(range)) ++range;
  if (range > kLastRange) {
    return Fail(Code::kResourceExhausted, "user namespace: no {} ids are left", kIdsOfAPod);
  }
  cri::UserNamespace user;
  user.set_mode(cri::POD);
  for (cri::IDMapping* mapping : {user.add_uids(), user.add_gids()}) {
    mapping->set_host_id(range * kIdsOfAPod);
    mapping->set_length(kIdsOfAPod);
  }
  return user;
}

void SetUserNamespace(const cri::UserNamespace& user, cri::PodSandboxConfig& sandbox) {
  auto& security = *sandbox.mutable_linux()->mutable_security_context();
  *security.mutable_namespace_options()->mutable_userns_options() = user;
}

void TakeUserNamespace(const cri::PodSandboxConfig& sandbox, cri::ContainerConfig& container) {
  const auto& options = sandbox.linux().security_context().namespace_options();
  if (options.userns_options().mode() != cri::POD || !options.has_userns_options()) return;
  const cri::UserNamespace& user = options.userns_options();
  auto& security = *container.mutable_linux()->mutable_security_context();
  *security.mutable_namespace_options()->mutable_userns_options() = user;
  for (cri::Mount& mount : *container.mutable_mounts()) {
    *mount.mutable_uidmappings() = user.uids();
    *mount.mutable_gidmappings() = user.gids();
  }
}

}  // namespace trivet::ctl
