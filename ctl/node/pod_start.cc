#include "ctl/node/pod_start.h"

#include <fmt/ranges.h>

#include "common/linux/file.h"
#include "ctl/node/containers.h"
#include "ctl/node/images.h"
#include "ctl/node/labels.h"
#include "ctl/node/pod_volumes.h"
#include "ctl/node/sandbox_config.h"
#include "ctl/node/user_namespace.h"

namespace trivet::ctl {
namespace {

namespace cri = ::runtime::v1;
using cri::RuntimeService;

// CNI plugins have their time, too: the kubelet waits twice as long here.
constexpr auto kSandboxTimeout = 2 * kCallTimeout;

struct Sandbox {
  std::string id;
  cri::PodSandboxConfig config;
  std::vector<std::string> addresses;
};

Result<> RunSandbox(Node& node, const Pod& pod, Sandbox& sandbox) {
  cri::RunPodSandboxRequest request;
  *request.mutable_config() = sandbox.config;
  request.set_runtime_handler(pod.runtime_class);
  ASSIGN_OR_RETURN(
      const auto response,
      Call(*node.cri.runtime, &RuntimeService::Stub::RunPodSandbox, request, kSandboxTimeout));
  sandbox.id = response.pod_sandbox_id();
  return {};
}

// What is left of a sandbox whose processes are gone: its network and its containers' ends.
Result<> StopOld(Node& node, const std::vector<cri::PodSandbox>& known) {
  if (known.empty()) return {};
  cri::StopPodSandboxRequest request;
  request.set_pod_sandbox_id(known.front().id());
  RETURN_IF_ERROR(Call(*node.cri.runtime, &RuntimeService::Stub::StopPodSandbox, request),
                  "stop old sandbox");
  return {};
}

// A sandbox that is ready is kept; one that is not is replaced by the next attempt.
Result<Sandbox> EnsureSandbox(Node& node, const Pod& pod, const Record& record) {
  const auto start = Report::Clock::now();
  ASSIGN_OR_RETURN(const auto known, ListSandboxes(node.cri, {{label::kPodUid, record.uid}}));
  const auto logs = node.paths.Logs(record.name_space, record.name, record.uid);
  const bool ready = !known.empty() && known.front().state() == cri::SANDBOX_READY;
  const uint32_t attempt = known.empty() ? 0 : known.front().metadata().attempt() + (ready ? 0 : 1);

  Sandbox sandbox{.config = MakeSandboxConfig(pod, record.uid, attempt, logs, node.facts)};
  if (ready) {
    sandbox.id = known.front().id();
  } else {
    if (!pod.host_users) {
      ASSIGN_OR_RETURN(const auto user, ChooseUserNamespace(node.cri));
      SetUserNamespace(user, sandbox.config);
    }
    RETURN_IF_ERROR(StopOld(node, known));
    RETURN_IF_ERROR(EnsureDirectory(logs, 0755));
    // The agent knows the pod before CNI ADD asks for its policy, and no longer by addresses
    // that may be another pod's by now.
    RETURN_IF_ERROR(node.policies.Put(record));
    RETURN_IF_ERROR(RunSandbox(node, pod, sandbox), "run sandbox");
  }
  ASSIGN_OR_RETURN(const auto status, ReadSandboxStatus(node.cri, sandbox.id));
  sandbox.addresses = Addresses(status);
  if (!pod.host_users) {
    SetUserNamespace(status.linux().namespaces().options().userns_options(), sandbox.config);
  }
  RETURN_IF_ERROR(node.policies.Put(record, sandbox.addresses));
  if (!ready) {
    node.report.Done("sandbox", record.Path(),
                     fmt::format("{}", fmt::join(sandbox.addresses, ", ")), start);
  }
  return sandbox;
}

// Source: k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go, managed hosts file (facts only).
Result<std::filesystem::path> WriteHostsFile(Node& node, const Pod& pod, const Record& record,
                                             const std::vector<std::string>& addresses) {
  if (pod.host_network) return std::filesystem::path();
  std::string text =
      "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\n"
      "fe00::2\tip6-allrouters\n";
  for (const std::string& address : addresses) {
    text += fmt::format("{}\t{}\n", address, HostName(pod));
  }
  for (const HostAlias& alias : pod.host_aliases) {
    text += fmt::format("{}\t{}\n", alias.ip, fmt::join(alias.hostnames, "\t"));
  }
  std::filesystem::path file = node.paths.HostsFile(record.uid);
  RETURN_IF_ERROR(EnsureDirectory(file.parent_path()));
  RETURN_IF_ERROR(WriteFileVolatile(file, text, 0644));
  return file;
}

}  // namespace

Result<> StartPod(Node& node, const Pod& pod, const Record& record) {
  ASSIGN_OR_RETURN(const MountedVolumes volumes, MountVolumes(node, pod, record));
  ASSIGN_OR_RETURN(const Sandbox sandbox, EnsureSandbox(node, pod, record));
  ASSIGN_OR_RETURN(const auto hosts, WriteHostsFile(node, pod, record, sandbox.addresses));

  const ContainerPlace place{
      .pod = {.uid = record.uid, .node_name = node.facts.node_name, .pod_ips = sandbox.addresses},
      .volumes = volumes,
      .hosts_file = hosts};
  Containers containers(node, pod, record, {sandbox.id, sandbox.config, place});
  for (const Container& container : pod.init_containers) {
    RETURN_IF_ERROR(containers.Initialize(container), "init container " + container.name);
  }
  for (const Container& container : pod.containers) {
    RETURN_IF_ERROR(containers.Ensure(container), "container " + container.name);
  }
  return {};
}

Result<> AwaitPod(Node& node, const Pod& pod, const Record& record,
                  std::chrono::milliseconds timeout) {
  const auto deadline = Report::Clock::now() + timeout;
  for (const Container& container : pod.containers) {
    RETURN_IF_ERROR(AwaitRunning(node, pod, record, container, deadline),
                    fmt::format("pod {}: container {}", record.Path(), container.name));
  }
  return {};
}

}  // namespace trivet::ctl
