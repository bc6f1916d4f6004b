#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "common/linux/cgroup.h"
#include "common/linux/file.h"
#include "common/linux/process.h"
#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {
namespace {

std::filesystem::path Root(const Host& host) {
  return host.Sys("fs/cgroup");
}

Result<Answer> ProbeMode(const Host& host) {
  ASSIGN_OR_RETURN(const auto cgroups, Cgroups::Open(Root(host)));
  if (cgroups->is_v2()) return Answer{.detail = "v2"};
  const bool hybrid = std::filesystem::exists(Root(host) / "unified/cgroup.procs");
  return Answer{State::kLimited,
                hybrid ? "v1 hybrid: the kubelet wants v2" : "v1: the kubelet wants v2"};
}

bool IsV2(const Host& host) {
  return std::filesystem::exists(Root(host) / "cgroup.controllers");
}

Result<bool> HasController(const Host& host, const std::string& name) {
  if (!IsV2(host)) {
    // The one that v2 calls io is blkio in v1.
    return std::filesystem::exists(Root(host) / (name == "io" ? "blkio" : name) / "cgroup.procs");
  }
  ASSIGN_OR_RETURN(const std::string text, ReadFile(Root(host) / "cgroup.controllers"));
  std::istringstream words(text);
  return std::find(std::istream_iterator<std::string>(words), {}, name) !=
         std::istream_iterator<std::string>();
}

Result<Answer> ProbeController(const Host& host, const std::string& name) {
  ASSIGN_OR_RETURN(const bool has, HasController(host, name));
  if (has) return Answer{};
  return Answer{State::kMissing, "not there, or not given to this node"};
}

Result<Answer> ProbeDeviceControl(const Host& host) {
  ASSIGN_OR_RETURN(const auto cgroups, Cgroups::Open(Root(host)));
  RETURN_IF_ERROR(cgroups->CheckDeviceControl());
  return Answer{.detail = cgroups->is_v2() ? "BPF" : "devices"};
}

// A group of its own, made and removed at once; no controller is switched on for it.
Result<Answer> ProbeCreate(const Host& host) {
  const bool v2 = std::filesystem::exists(Root(host) / "cgroup.controllers");
  const auto group =
      (v2 ? Root(host) : Root(host) / "pids") / ("trivetctl-doctor-" + std::to_string(::getpid()));
  if (::mkdir(group.c_str(), 0755) != 0) return FailErrno("make {}", group.native());
  if (::rmdir(group.c_str()) != 0) return FailErrno("remove {}", group.native());
  return Answer{};
}

// The v2 group that this process is in: "0::/user.slice".
Result<std::string> OwnGroup(const Host& host) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(host.Proc("self/cgroup")));
  const size_t at = text.find("0::/");
  if (at == std::string::npos) return Fail(Code::kNotFound, "not in a cgroup of v2");
  return text.substr(at + 4, text.find('\n', at) - at - 4);
}

// A child born into the group it would have been in anyway.
Result<Answer> ProbeBirth(const Host& host) {
  if (!IsV2(host))
    return Answer{State::kLimited, "cgroup v1: processes are moved after their birth"};
  ASSIGN_OR_RETURN(const std::string own, OwnGroup(host));
  const auto folder = Root(host) / own;
  const UniqueFd group(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!group.valid()) return FailErrno("open {}", folder.native());
  ASSIGN_OR_RETURN(const Child child, Clone3({.cgroup_fd = group.get()}));
  if (child.pid == 0) ::_exit(0);
  RETURN_IF_ERROR(Reap(child.pidfd));
  return Answer{};
}

Check Controller(const std::string& name, Need need, const std::string& needed_for) {
  return {"cgroups",
          "controller " + name,
          need,
          needed_for,
          "boot with cgroup_enable=" + name + " and systemd.unified_cgroup_hierarchy=1",
          [name](const Host& host) { return ProbeController(host, name); }};
}

}  // namespace

std::vector<Check> CgroupChecks() {
  return {
      {"cgroups", "hierarchy", Need::kRequired, "limits of pods and containers",
       "boot with systemd.unified_cgroup_hierarchy=1", ProbeMode},
      {"cgroups", "making groups", Need::kRequired, "limits of pods and containers",
       "mount /sys/fs/cgroup writable", ProbeCreate},
      {"cgroups", "CLONE_INTO_CGROUP", Need::kOptional,
       "containers whose first instruction is under their limits already",
       "boot with systemd.unified_cgroup_hierarchy=1; Linux 5.7 or newer", ProbeBirth},
      {"cgroups", "device rules", Need::kOptional,
       "read-only devices, and containers with CAP_SYS_ADMIN kept to the devices they were given",
       "cgroup v2: a kernel with CONFIG_CGROUP_BPF; v1: mount /sys/fs/cgroup/devices",
       ProbeDeviceControl},
      Controller("cpu", Need::kRequired, "CPU requests and limits"),
      Controller("memory", Need::kRequired, "memory limits"),
      Controller("pids", Need::kRequired, "the kubelet's limit of processes per pod"),
      Controller("cpuset", Need::kOptional, "the kubelet's static CPU and memory managers"),
      Controller("io", Need::kOptional, "limits of disk traffic"),
  };
}

}  // namespace trivet::ctl::doctor
