#include "shim/hook_set.h"

#include <algorithm>

#include "shim/packet.h"

namespace trivet::shim {
namespace {

constexpr int64_t kMaxTimeoutMs = 86'400'000;

Result<> Check(const HookSpec& hook) {
  if (hook.kind <= HookKind::kPoststop && hook.path.starts_with('/') &&
      hook.path.find('\0') == std::string::npos && hook.timeout_ms > 0 &&
      hook.timeout_ms <= kMaxTimeoutMs) {
    return {};
  }
  return Fail(Code::kInvalidArgument, "kind {}, path \"{}\", timeout_ms {}",
              static_cast<int>(hook.kind), hook.path, hook.timeout_ms);
}

// A hook in the container is confined as the container is; one of the node has all rights.
Result<PlannedHook> PlanHook(const HookSpec& hook, const ContainerSpec& container,
                             const UserNamespace& user_namespace, uint64_t own_caps) {
  RETURN_IF_ERROR(Check(hook));
  const bool inside = hook.kind == HookKind::kStartContainer;
  if (hook.kind == HookKind::kCreateContainer && user_namespace.exists()) {
    return Fail(Code::kUnimplemented, "createContainer: not in a pod with a user namespace");
  }
  ProcessSpec process = inside ? container.process : ProcessSpec{};
  process.args = hook.args.empty() ? std::vector{hook.path} : hook.args;
  if (process.args.front().empty()) process.args.front() = hook.path;
  process.env = hook.env;
  process.cwd = "/";
  process.terminal = false;
  PlannedHook planned{
      .kind = hook.kind, .path = hook.path, .timeout = std::chrono::milliseconds(hook.timeout_ms)};
  ASSIGN_OR_RETURN(planned.process, MakeProcessPlan(process, Purpose::kExec, own_caps));
  planned.process.programs = {hook.path};  // whatever argv[0] says
  planned.process.searched = false;
  if (inside) RETURN_IF_ERROR(user_namespace.Place(planned.process));
  return planned;
}

}  // namespace

bool HookSet::Has(HookKind kind) const {
  return std::ranges::any_of(hooks, [&](const PlannedHook& hook) { return hook.kind == kind; });
}

bool HookSet::HasBeforePivot() const {
  return Has(HookKind::kPrestart) || Has(HookKind::kCreateRuntime) ||
         Has(HookKind::kCreateContainer);
}

Result<HookSet> MakeHookSet(const ContainerSpec& spec, std::vector<UniqueFd>& fds,
                            const UserNamespace& user_namespace, uint64_t own_caps) {
  HookSet set;
  for (const HookSpec& hook : spec.hooks) {
    ASSIGN_OR_RETURN(PlannedHook planned, PlanHook(hook, spec, user_namespace, own_caps), "hooks");
    set.hooks.push_back(std::move(planned));
  }
  for (const int32_t index : spec.node_namespace_fds) {
    ASSIGN_OR_RETURN(UniqueFd fd, TakeFd(fds, index, "node_namespace_fds"));
    set.node_namespaces.push_back(std::move(fd));
  }
  set.state = spec.hook_state;
  return set;
}

}  // namespace trivet::shim
