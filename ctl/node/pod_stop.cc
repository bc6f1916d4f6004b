#include "ctl/node/pod_stop.h"

#include "ctl/node/labels.h"
#include "ctl/node/ownership.h"
#include "ctl/node/pod_volumes.h"

namespace trivet::ctl {
namespace {

namespace cri = ::runtime::v1;
using cri::RuntimeService;

constexpr int64_t kDefaultGraceSeconds = 30;

int64_t GraceSeconds(const Record& record) {
  int64_t seconds = kDefaultGraceSeconds;
  const auto spec = record.manifest.find("spec");
  if (spec == record.manifest.end()) return seconds;
  // It was read and checked when the pod was made; a broken record gets the default.
  static_cast<void>(
      json::ReadOptional(*spec, "terminationGracePeriodSeconds", seconds).has_value());
  return seconds;
}

Result<> StopContainers(Node& node, const Record& record) {
  const std::chrono::seconds grace(GraceSeconds(record));
  ASSIGN_OR_RETURN(const auto containers, ListContainers(node.cri, {{label::kPodUid, record.uid}}));
  for (const cri::Container& container : containers) {
    if (container.state() != cri::CONTAINER_RUNNING) continue;
    const auto start = Report::Clock::now();
    cri::StopContainerRequest request;
    request.set_container_id(container.id());
    request.set_timeout(grace.count());
    RETURN_IF_ERROR(Call(*node.cri.runtime, &RuntimeService::Stub::StopContainer, request,
                         kCallTimeout + grace),
                    "stop container " + container.metadata().name());
    node.report.Done("container stopped", record.Path(), container.metadata().name(), start);
  }
  return {};
}

Result<> RemoveContainers(Node& node, const Record& record) {
  ASSIGN_OR_RETURN(const auto containers, ListContainers(node.cri, {{label::kPodUid, record.uid}}));
  for (const cri::Container& container : containers) {
    cri::RemoveContainerRequest request;
    request.set_container_id(container.id());
    RETURN_IF_ERROR(Call(*node.cri.runtime, &RuntimeService::Stub::RemoveContainer, request),
                    "remove container " + container.metadata().name());
  }
  return {};
}

Result<> RemoveSandboxes(Node& node, const Record& record) {
  const auto start = Report::Clock::now();
  ASSIGN_OR_RETURN(const auto sandboxes, ListSandboxes(node.cri, {{label::kPodUid, record.uid}}));
  for (const cri::PodSandbox& sandbox : sandboxes) {
    cri::StopPodSandboxRequest stop;
    stop.set_pod_sandbox_id(sandbox.id());
    RETURN_IF_ERROR(Call(*node.cri.runtime, &RuntimeService::Stub::StopPodSandbox, stop),
                    "stop sandbox");
    RETURN_IF_ERROR(RemoveContainers(node, record));
    cri::RemovePodSandboxRequest remove;
    remove.set_pod_sandbox_id(sandbox.id());
    RETURN_IF_ERROR(Call(*node.cri.runtime, &RuntimeService::Stub::RemovePodSandbox, remove),
                    "remove sandbox");
    node.report.Done("sandbox removed", record.Path(), "", start);
  }
  return {};
}

}  // namespace

Result<> StopPod(Node& node, const Record& record) {
  RETURN_IF_ERROR(StopContainers(node, record));
  RETURN_IF_ERROR(RemoveSandboxes(node, record));
  RETURN_IF_ERROR(UnmountVolumes(node, record), "volumes");
  return RemoveUnmountedTree(node.paths.Logs(record.name_space, record.name, record.uid));
}

}  // namespace trivet::ctl
