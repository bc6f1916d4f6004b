#include "shim/process_plan.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace trivet::shim {
namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Result<> CheckText(const std::vector<std::string>& texts, std::string_view field) {
  for (const std::string& text : texts) {
    if (text.find('\0') != std::string::npos) {
      return Fail(Code::kInvalidArgument, "{}: holds a NUL byte", field);
    }
  }
  return {};
}

std::vector<char*> PointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string_view PathOf(const std::vector<std::string>& environment) {
  constexpr std::string_view kKey = "PATH=";
  for (const std::string& variable : environment) {
    if (variable.starts_with(kKey)) return std::string_view(variable).substr(kKey.size());
  }
  return kDefaultPath;
}

// A relative folder in PATH would be taken from the working directory: it is left out.
std::vector<std::string> Candidates(std::string_view path, const std::string& name) {
  std::vector<std::string> candidates;
  while (!path.empty()) {
    const size_t colon = path.find(':');
    const std::string_view folder = path.substr(0, colon);
    path = colon == std::string_view::npos ? std::string_view{} : path.substr(colon + 1);
    if (folder.starts_with('/')) candidates.push_back(std::string(folder) + '/' + name);
  }
  return candidates;
}

Result<> PlanProgram(const ProcessSpec& spec, ProcessPlan& plan) {
  if (spec.args.empty() || spec.args.front().empty()) {
    return Fail(Code::kInvalidArgument, "args: no program is named");
  }
  RETURN_IF_ERROR(CheckText(spec.args, "args"));
  RETURN_IF_ERROR(CheckText(spec.env, "env"));
  plan.args = spec.args;
  plan.environment = spec.env;
  plan.searched = spec.args.front().find('/') == std::string::npos;
  plan.programs = plan.searched ? Candidates(PathOf(spec.env), spec.args.front())
                                : std::vector<std::string>{spec.args.front()};
  plan.argv = PointersTo(plan.args);
  plan.envp = PointersTo(plan.environment);
  return {};
}

Result<> PlanSeccomp(const ProcessSpec& spec, ProcessPlan& plan) {
  const size_t count = spec.seccomp_bpf.size() / sizeof(sock_filter);
  if (spec.seccomp_bpf.size() % sizeof(sock_filter) != 0 || count > BPF_MAXINSNS) {
    return Fail(Code::kInvalidArgument, "seccomp_bpf: {} bytes are no filter",
                spec.seccomp_bpf.size());
  }
  plan.seccomp.resize(count);
  if (count > 0) std::memcpy(plan.seccomp.data(), spec.seccomp_bpf.data(), spec.seccomp_bpf.size());
  return {};
}

Result<> PlanCwd(const ProcessSpec& spec, Purpose purpose, ProcessPlan& plan) {
  if (!spec.cwd.starts_with('/')) {
    return Fail(Code::kInvalidArgument, "cwd: \"{}\" is not absolute", spec.cwd);
  }
  plan.cwd = {spec.cwd};
  plan.makes_cwd = purpose == Purpose::kContainerStart;
  return CheckText(plan.cwd, "cwd");
}

Result<> PlanRlimits(const ProcessSpec& spec, ProcessPlan& plan) {
  for (const Rlimit& limit : spec.rlimits) {
    if (limit.resource >= RLIM_NLIMITS || limit.soft > limit.hard) {
      return Fail(Code::kInvalidArgument, "rlimits: resource {}, {} to {}", limit.resource,
                  limit.soft, limit.hard);
    }
    // More than the shim itself may have would take CAP_SYS_RESOURCE on the node.
    rlimit own{};
    ::getrlimit(static_cast<__rlimit_resource_t>(limit.resource), &own);
    const rlim_t hard = std::min(limit.hard, own.rlim_max);
    plan.rlimits.push_back({static_cast<int>(limit.resource), {std::min(limit.soft, hard), hard}});
  }
  return {};
}

}  // namespace

Result<ProcessPlan> MakeProcessPlan(const ProcessSpec& spec, Purpose purpose, uint64_t own_caps) {
  constexpr int32_t kMaxOomScoreAdj = 1000;
  ProcessPlan plan;
  RETURN_IF_ERROR(PlanProgram(spec, plan));
  RETURN_IF_ERROR(PlanCwd(spec, purpose, plan));
  RETURN_IF_ERROR(PlanSeccomp(spec, plan));
  RETURN_IF_ERROR(PlanRlimits(spec, plan));
  if (std::abs(static_cast<int64_t>(spec.oom_score_adj)) > kMaxOomScoreAdj) {
    return Fail(Code::kInvalidArgument, "oom_score_adj: {}", spec.oom_score_adj);
  }
  if (spec.apparmor_profile.find_first_of(std::string_view("\n\0", 2)) != std::string::npos) {
    return Fail(Code::kInvalidArgument, "apparmor_profile: holds a control character");
  }
  if (spec.selinux_label.find_first_of(std::string_view("\n\0", 2)) != std::string::npos) {
    return Fail(Code::kInvalidArgument, "selinux_label: holds a control character");
  }
  plan.selinux = spec.selinux_label;
  plan.oom_score_adj = std::to_string(spec.oom_score_adj);
  if (!spec.apparmor_profile.empty()) plan.apparmor = "exec " + spec.apparmor_profile;
  plan.uid = spec.uid;
  plan.gid = spec.gid;
  plan.groups = {spec.additional_gids.begin(), spec.additional_gids.end()};
  plan.bounding_caps = spec.bounding_caps & own_caps;
  plan.effective_caps = spec.effective_caps & own_caps;
  plan.ambient_caps = spec.ambient_caps & plan.effective_caps;
  plan.no_new_privs = spec.no_new_privs;
  plan.terminal = spec.terminal;
  return plan;
}

Result<std::vector<UniqueFd>> OpenEntryFiles(const std::vector<std::string>& files) {
  std::vector<UniqueFd> opened;
  for (const std::string& file : files) {
    opened.emplace_back(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!opened.back().valid()) return FailErrno("open {}", file);
  }
  return opened;
}

uint64_t ReadBoundingCapabilities() {
  uint64_t capabilities = 0;
  for (unsigned cap = 0; cap < 64; ++cap) {
    const int held = ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (held < 0) break;  // beyond the kernel's last capability
    if (held == 1) capabilities |= uint64_t{1} << cap;
  }
  return capabilities;
}

}  // namespace trivet::shim
