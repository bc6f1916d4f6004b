#include "ctl/command/target.h"

#include <fmt/ranges.h>

#include <set>

#include "ctl/node/labels.h"

namespace trivet::ctl {
namespace {

namespace cri_api = ::runtime::v1;

Result<cri_api::PodSandbox> FindSandbox(Cri& cri, const std::string& pod) {
  const size_t slash = pod.find('/');
  const std::string name_space = slash == std::string::npos ? "default" : pod.substr(0, slash);
  const std::string name = slash == std::string::npos ? pod : pod.substr(slash + 1);
  ASSIGN_OR_RETURN(auto sandboxes, ListSandboxes(cri, {{label::kPodNamespace, name_space},
                                                       {label::kPodName, name}}));
  if (sandboxes.empty()) return Fail(Code::kNotFound, "pod {}/{} does not run", name_space, name);
  return std::move(sandboxes.front());
}

Result<> CheckNamed(const std::vector<cri_api::Container>& containers, const TargetName& name) {
  if (!name.container.empty()) return {};
  std::set<std::string> names;
  for (const auto& container : containers) {
    if (container.state() == cri_api::CONTAINER_RUNNING) names.insert(container.metadata().name());
  }
  if (names.size() < 2) return {};
  return Fail(Code::kInvalidArgument, "pod {} has several containers, name one with -c: {}",
              name.pod, fmt::join(names, ", "));
}

}  // namespace

Result<cri_api::ContainerStatus> FindContainer(Cri& cri, const TargetName& name) {
  ASSIGN_OR_RETURN(const auto sandbox, FindSandbox(cri, name.pod));
  ASSIGN_OR_RETURN(const auto containers,
                   ListContainers(cri, {{label::kPodUid, sandbox.metadata().uid()}}));
  RETURN_IF_ERROR(CheckNamed(containers, name));
  const cri_api::Container* found = nullptr;
  for (const auto& container : containers) {  // newest first
    if (!name.container.empty() && container.metadata().name() != name.container) continue;
    if (found == nullptr) found = &container;
    if (container.state() != cri_api::CONTAINER_RUNNING) continue;
    found = &container;
    break;
  }
  if (found == nullptr) {
    return Fail(Code::kNotFound, "pod {} has no container {}", name.pod, name.container);
  }
  return ReadContainerStatus(cri, found->id());
}

}  // namespace trivet::ctl
