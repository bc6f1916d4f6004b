#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "proto/trivet/shim.h"
#include "shim/process_plan.h"
#include "shim/user_namespace.h"

namespace trivet::shim {

/// Whether hooks of this kind run in the container's namespaces; the others in the node's.
constexpr bool IsOfContainer(HookKind kind) {
  return kind == HookKind::kCreateContainer || kind == HookKind::kStartContainer;
}

struct PlannedHook {
  HookKind kind = HookKind::kPrestart;
  std::string path;
  std::chrono::milliseconds timeout{};
  ProcessPlan process;  // without its standard input and output
};

/// A container's hooks with what they need.
struct HookSet {
  std::vector<PlannedHook> hooks;
  std::string state;  // ContainerSpec.hook_state
  std::vector<UniqueFd> node_namespaces;

  [[nodiscard]] bool Has(HookKind kind) const;
  [[nodiscard]] bool HasBeforePivot() const;
};

/// Errors: kInvalidArgument naming the field; kUnimplemented for createContainer in a pod with a
/// user namespace, whose root can read neither the bundle nor the way to the container's root.
Result<HookSet> MakeHookSet(const ContainerSpec& spec, std::vector<UniqueFd>& fds,
                            const UserNamespace& user_namespace, uint64_t own_caps);

}  // namespace trivet::shim
