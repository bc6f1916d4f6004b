#include "cri-runtime/selinux/choice.h"

namespace trivet::selinux {
namespace {

bool IsWhole(const Label& label) {
  return !label.user.empty() && !label.role.empty() && !label.type.empty();
}

bool IsConfined(const Wish& wish) {
  return !wish.privileged && (!wish.node_namespace || !wish.options.type.empty());
}

Label FileLabelFor(const Policy& policy, const Label& process, const Label& options) {
  Label file = policy.defaults().file;
  if (file.empty()) return file;
  if (!options.user.empty()) file.user = options.user;
  file.level = process.level;
  return file;
}

}  // namespace

Result<Labels> ChooseLabels(const Policy& policy, const Wish& wish) {
  if (!policy.enabled()) return Labels{};
  RETURN_IF_ERROR(CheckParts(wish.options));
  Label process = Override(policy.defaults().process, wish.options);
  if (process.empty()) return Labels{};
  if (!IsWhole(process)) {
    return Fail(Code::kFailedPrecondition,
                "user, role and type are needed: the node's SELinux policy has no contexts for "
                "containers (lxc_contexts)");
  }
  if (wish.options.level.empty() && !wish.level.empty()) process.level = wish.level;
  if (wish.options.level.empty() && !policy.has_levels()) process.level.clear();
  const Label file = FileLabelFor(policy, process, wish.options);
  RETURN_IF_ERROR(policy.Check(process));
  if (!file.empty()) RETURN_IF_ERROR(policy.Check(file));
  return Labels{IsConfined(wish) ? TextOf(process) : "", TextOf(file)};
}

}  // namespace trivet::selinux
