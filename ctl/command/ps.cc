#include "ctl/command/ps.h"

#include <iostream>
#include <map>

#include "common/base/json.h"
#include "ctl/command/table.h"
#include "ctl/node/cri.h"

namespace trivet::ctl {
namespace {

namespace cri_api = ::runtime::v1;

struct PodRow {
  cri_api::PodSandbox sandbox;
  std::vector<std::string> addresses;
  std::vector<cri_api::ContainerStatus> containers;  // oldest first
};

Result<std::vector<PodRow>> ReadPods(Cri& cri) {
  ASSIGN_OR_RETURN(const auto sandboxes, ListSandboxes(cri, {}));
  ASSIGN_OR_RETURN(const auto containers, ListContainers(cri, {}));
  std::vector<PodRow> pods;
  for (const cri_api::PodSandbox& sandbox : sandboxes) {
    PodRow pod{.sandbox = sandbox};
    ASSIGN_OR_RETURN(const auto status, ReadSandboxStatus(cri, sandbox.id()));
    pod.addresses = Addresses(status);
    for (auto container = containers.rbegin(); container != containers.rend(); ++container) {
      if (container->pod_sandbox_id() != sandbox.id()) continue;
      ASSIGN_OR_RETURN(auto container_status, ReadContainerStatus(cri, container->id()));
      pod.containers.push_back(std::move(container_status));
    }
    pods.push_back(std::move(pod));
  }
  return pods;
}

std::string StateOf(const cri_api::PodSandbox& sandbox) {
  return sandbox.state() == cri_api::SANDBOX_READY ? "ready" : "not ready";
}

std::string StateOf(const cri_api::ContainerStatus& status) {
  switch (status.state()) {
    case cri_api::CONTAINER_CREATED:
      return "created";
    case cri_api::CONTAINER_RUNNING:
      return "running";
    case cri_api::CONTAINER_EXITED:
      return fmt::format("exited ({})", status.exit_code());
    default:
      return "unknown";
  }
}

json::Value ToJson(const PodRow& pod) {
  json::Value containers = json::Value::array();
  for (const auto& status : pod.containers) {
    containers.push_back({{"id", status.id()},
                          {"name", status.metadata().name()},
                          {"attempt", status.metadata().attempt()},
                          {"state", StateOf(status)},
                          {"image", status.image().user_specified_image().empty()
                                        ? status.image().image()
                                        : status.image().user_specified_image()},
                          {"logPath", status.log_path()}});
  }
  return {{"id", pod.sandbox.id()},
          {"namespace", pod.sandbox.metadata().namespace_()},
          {"name", pod.sandbox.metadata().name()},
          {"uid", pod.sandbox.metadata().uid()},
          {"state", StateOf(pod.sandbox)},
          {"addresses", pod.addresses},
          {"containers", containers}};
}

void PrintPods(const std::vector<PodRow>& pods) {
  const int64_t now = NowNanoseconds();
  std::vector<std::vector<std::string>> rows = {
      {"NAMESPACE", "POD", "CONTAINER", "STATE", "AGE", "ADDRESS", "ID"}};
  for (const PodRow& pod : pods) {
    const auto& metadata = pod.sandbox.metadata();
    rows.push_back({metadata.namespace_(), metadata.name(), "", StateOf(pod.sandbox),
                    Age(pod.sandbox.created_at(), now),
                    pod.addresses.empty() ? "" : pod.addresses.front(), ShortId(pod.sandbox.id())});
    for (const auto& status : pod.containers) {
      rows.push_back({metadata.namespace_(), metadata.name(), status.metadata().name(),
                      StateOf(status), Age(status.created_at(), now), "", ShortId(status.id())});
    }
  }
  PrintTable(std::cout, rows);
}

}  // namespace

Result<> ListPods(const std::filesystem::path& cri_socket, bool json) {
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(cri_socket));
  ASSIGN_OR_RETURN(const auto pods, ReadPods(cri));
  if (!json) {
    PrintPods(pods);
    return {};
  }
  json::Value list = json::Value::array();
  for (const PodRow& pod : pods) list.push_back(ToJson(pod));
  std::cout << json::WritePretty(list);
  return {};
}

}  // namespace trivet::ctl
