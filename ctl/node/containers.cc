#include "ctl/node/containers.h"

#include <sys/stat.h>

#include <thread>

#include "common/linux/file.h"
#include "ctl/node/images.h"
#include "ctl/node/labels.h"
#include "ctl/node/pod_volumes.h"
#include "ctl/node/user_namespace.h"

namespace trivet::ctl {
namespace {

namespace cri = ::runtime::v1;
using cri::RuntimeService;

// CRI has no call that waits for a container; the kubelet looks each second.
constexpr auto kLook = std::chrono::milliseconds(20);

Result<std::optional<cri::ContainerStatus>> ReadLatest(Node& node, const Record& record,
                                                       const std::string& container) {
  ASSIGN_OR_RETURN(
      const auto known,
      ListContainers(node.cri, {{label::kPodUid, record.uid}, {label::kContainerName, container}}));
  if (known.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(auto status, ReadContainerStatus(node.cri, known.front().id()));
  return std::optional(std::move(status));
}

bool IsInit(const Pod& pod, const Container& container) {
  return std::ranges::any_of(pod.init_containers,
                             [&](const Container& init) { return init.name == container.name; });
}

std::unexpected<Error> FailEnded(const cri::ContainerStatus& status) {
  return Fail(Code::kFailedPrecondition, "ended with exit code {}{}{}; its log: {}",
              status.exit_code(), status.message().empty() ? "" : ": ", status.message(),
              status.log_path());
}

}  // namespace

bool IsToRestart(const Pod& pod, const Container& container, int32_t exit_code) {
  if (container.sidecar) return true;
  if (IsInit(pod, container) && exit_code == 0) return false;
  if (pod.restart_policy == "Always") return true;
  return pod.restart_policy == "OnFailure" && exit_code != 0;
}

Result<ContainerPlace> Containers::Prepare(const Container& container, uint32_t attempt,
                                           const cri::Image& image) {
  ContainerPlace place = home_.place;
  place.attempt = attempt;
  place.image_id = image.id();
  ASSIGN_OR_RETURN(place.sub_paths, MountSubPaths(node_, container, record_, place.volumes));
  place.termination_log = node_.paths.TerminationLog(record_.uid, container.name, attempt);
  RETURN_IF_ERROR(EnsureDirectory(place.termination_log.parent_path()));
  RETURN_IF_ERROR(WriteFileVolatile(place.termination_log, ""));
  // Whoever the container runs as may leave its last words.
  if (::chmod(place.termination_log.c_str(), 0666) != 0) {
    return FailErrno("change mode of {}", place.termination_log.native());
  }
  const auto logs = node_.paths.Logs(record_.name_space, record_.name, record_.uid);
  RETURN_IF_ERROR(EnsureDirectory(logs / container.name, 0755));
  return place;
}

Result<std::string> Containers::Create(const Container& container, uint32_t attempt) {
  ASSIGN_OR_RETURN(const cri::Image image, EnsureImage(node_.cri, container));
  RETURN_IF_ERROR(CheckNonRoot(pod_, container, image));
  ASSIGN_OR_RETURN(const ContainerPlace place, Prepare(container, attempt, image));
  cri::CreateContainerRequest request;
  request.set_pod_sandbox_id(home_.sandbox_id);
  *request.mutable_config() = MakeContainerConfig(pod_, container, place, node_.facts);
  TakeUserNamespace(home_.sandbox_config, *request.mutable_config());
  *request.mutable_sandbox_config() = home_.sandbox_config;
  ASSIGN_OR_RETURN(const auto response,
                   Call(*node_.cri.runtime, &RuntimeService::Stub::CreateContainer, request),
                   "create");
  return response.container_id();
}

Result<> Containers::Start(const std::string& id) {
  cri::StartContainerRequest request;
  request.set_container_id(id);
  RETURN_IF_ERROR(Call(*node_.cri.runtime, &RuntimeService::Stub::StartContainer, request),
                  "start");
  return {};
}

Result<std::string> Containers::EnsureCreated(const Container& container,
                                              const std::optional<cri::ContainerStatus>& latest) {
  if (!latest) return Create(container, 0);
  if (latest->state() == cri::CONTAINER_CREATED) return latest->id();
  return Create(container, latest->metadata().attempt() + 1);
}

Result<> Containers::Ensure(const Container& container) {
  const auto start = Report::Clock::now();
  ASSIGN_OR_RETURN(const auto latest, ReadLatest(node_, record_, container.name));
  if (latest && latest->state() == cri::CONTAINER_RUNNING) return {};
  const bool ended = latest && latest->state() == cri::CONTAINER_EXITED;
  if (ended && !IsToRestart(pod_, container, latest->exit_code())) return {};

  ASSIGN_OR_RETURN(const std::string id, EnsureCreated(container, latest));
  RETURN_IF_ERROR(Start(id));
  node_.report.Done("container started", record_.Path(), container.name, start);
  return {};
}

Result<> Containers::Initialize(const Container& container) {
  RETURN_IF_ERROR(Ensure(container));
  const auto start = Report::Clock::now();
  while (!container.sidecar) {
    ASSIGN_OR_RETURN(const auto status, ReadLatest(node_, record_, container.name));
    if (!status) return Fail(Code::kAborted, "removed by somebody else");
    if (status->state() == cri::CONTAINER_EXITED) {
      if (status->exit_code() != 0) return FailEnded(*status);
      node_.report.Done("init container ended", record_.Path(), container.name, start);
      return {};
    }
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

Result<> AwaitRunning(Node& node, const Pod& pod, const Record& record, const Container& container,
                      Report::Clock::time_point deadline) {
  while (true) {
    ASSIGN_OR_RETURN(const auto status, ReadLatest(node, record, container.name));
    if (status && status->state() == cri::CONTAINER_RUNNING) return {};
    const bool ended = status && status->state() == cri::CONTAINER_EXITED;
    if (ended && status->exit_code() == 0 && !IsToRestart(pod, container, 0)) return {};
    if (ended) return FailEnded(*status);
    if (Report::Clock::now() > deadline) return Fail(Code::kDeadlineExceeded, "does not run yet");
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace trivet::ctl
