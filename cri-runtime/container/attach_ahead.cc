#include "cri-runtime/container/attach_ahead.h"

#include <atomic>

#include "common/linux/file.h"
#include "common/linux/worker_threads.h"

namespace trivet::container {
namespace {

void EnterOwnGroup(const std::filesystem::path& cgroup_root) {
  const auto text = ReadFile("/proc/self/cgroup");
  if (!text) return;
  const std::filesystem::path file = OwnPidsGroup(*text, cgroup_root);
  if (!file.empty()) static_cast<void>(WriteControlFile(file, "0"));  // "0" is the writer
}

}  // namespace

std::filesystem::path OwnPidsGroup(std::string_view text,
                                   const std::filesystem::path& cgroup_root) {
  constexpr std::string_view kField = ":pids:/";
  const size_t start = text.find(kField);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = text.substr(start + kField.size());
  const std::string_view group = rest.substr(0, rest.find('\n'));
  if (group.starts_with("..")) return {};  // outside of this cgroup namespace
  return cgroup_root / "pids" / group / "cgroup.procs";
}

void BeginAttachWait(const Cgroups& cgroups, const std::filesystem::path& cgroup_root) {
  static std::atomic<bool> waiting{false};
  if (cgroups.is_v2() || waiting.exchange(true)) return;
  RunAside([cgroup_root] {
    EnterOwnGroup(cgroup_root);
    waiting = false;
  });
}

}  // namespace trivet::container
