#include "cri-runtime/container/hooks.h"

#include <fcntl.h>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "cri-runtime/sandbox/pod_files.h"

namespace trivet::container {
namespace {

constexpr int64_t kMillisecondsPerSecond = 1000;

json::Value BundleConfig(const Record& record, const std::filesystem::path& root,
                         const sandbox::Config& pod) {
  return {{"ociVersion", "1.3.0"},
          {"root", {{"path", root.native()}, {"readonly", record.config.security.readonly_rootfs}}},
          {"hostname", sandbox::HostnameOf(pod)},
          {"annotations", record.config.annotations},
          {"process",
           {{"args", record.args},
            {"env", record.env},
            {"cwd", record.cwd},
            {"terminal", record.config.terminal},
            {"user", {{"uid", record.user.uid}, {"gid", record.user.gid}}}}}};
}

}  // namespace

std::chrono::milliseconds TimeOfStartHooks(const Config& config) {
  std::chrono::seconds time{};
  for (const Hook& hook : config.hooks) {
    if (hook.kind != HookKind::kPoststop) time += std::chrono::seconds(hook.timeout_seconds);
  }
  return time;
}

Result<> AddHooks(const Record& record, const cri::Paths& paths, const sandbox::Config& pod,
                  shim::ContainerSpec& spec, FdTable& fds) {
  const std::filesystem::path bundle = paths.Upper(record.id) / "bundle";
  const std::filesystem::path root = paths.Shim(record.sandbox_id) / "root";
  RETURN_IF_ERROR(EnsureDirectory(bundle));
  const json::Value config = BundleConfig(record, root, pod);
  RETURN_IF_ERROR(WriteFileVolatile(bundle / "config.json", json::Write(config)));
  const std::string state = json::Write({{"id", record.id},
                                         {"bundle", bundle.native()},
                                         {"root", root.native()},  // as crun says it
                                         {"annotations", record.config.annotations}});
  spec.hook_state = state.substr(1, state.size() - 2);  // without its braces
  for (const Hook& hook : record.config.hooks) {
    spec.hooks.push_back({.kind = hook.kind,
                          .path = hook.path,
                          .args = hook.args,
                          .env = hook.env,
                          .timeout_ms = hook.timeout_seconds * kMillisecondsPerSecond});
  }
  // The shim is in the pod's.
  for (const char* name : {"/proc/self/ns/net", "/proc/self/ns/ipc", "/proc/self/ns/uts"}) {
    UniqueFd fd(::open(name, O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return FailErrno("open {}", name);
    spec.node_namespace_fds.push_back(fds.Add(std::move(fd)));
  }
  return {};
}

}  // namespace trivet::container
