#include "shim/process_tree.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <string>

#include "common/linux/file.h"

namespace trivet::shim {
namespace {

// Source: man 5 proc: "pid (name) state ppid ..."; the name may hold anything.
pid_t ParentOf(std::string_view stat) {
  pid_t parent = 0;
  const size_t name_end = stat.rfind(')');
  constexpr size_t kToParent = 4;  // ") S "
  if (name_end == std::string_view::npos || name_end + kToParent >= stat.size()) return 0;
  const std::string_view rest = stat.substr(name_end + kToParent);
  std::from_chars(rest.data(), rest.data() + rest.size(), parent);
  return parent;
}

std::map<pid_t, pid_t> ReadParents() {
  std::map<pid_t, pid_t> parents;
  const auto names = ListDirectory("/proc");
  if (!names) return parents;
  for (const std::string& name : *names) {
    pid_t pid = 0;
    std::from_chars(name.data(), name.data() + name.size(), pid);
    if (pid <= 0) continue;
    const auto stat = ReadFile("/proc/" + name + "/stat");
    if (stat) parents[pid] = ParentOf(*stat);
  }
  return parents;
}

using Held = std::map<pid_t, UniqueFd>;

// By its number where there was no room for a descriptor.
void Signal(pid_t pid, const UniqueFd& process, int signal) {
  if (process.valid()) {
    static_cast<void>(SendSignal(process, signal));
  } else {
    ::kill(pid, signal);
  }
}

// One that has ended and waits for that keeps its number.
bool IsReaped(const UniqueFd& process) {
  return process.valid() && ::syscall(SYS_pidfd_send_signal, process.get(), 0, nullptr, 0) != 0 &&
         errno == ESRCH;
}

}  // namespace

std::set<pid_t> TreeOf(pid_t root, const std::map<pid_t, pid_t>& parents) {
  std::set<pid_t> tree{root};
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, parent] : parents) {
      if (tree.contains(parent) && tree.insert(pid).second) grown = true;
    }
  }
  return tree;
}

std::optional<UniqueFd> HoldMember(pid_t pid, const std::set<pid_t>& tree) {
  // First: what /proc says after that is of this process, or it has ended and takes no signal.
  auto process = OpenPidfd(pid);
  const bool full = !process && process.error().sys_errno() != ESRCH;
  if (!process && !full) return std::nullopt;
  const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!stat || !tree.contains(ParentOf(*stat))) return std::nullopt;
  return full ? UniqueFd() : std::move(*process);
}

void KillProcessTree(const Child& root) {
  static_cast<void>(SendSignal(root.pidfd, SIGSTOP));
  Held held;
  for (bool grown = true; grown;) {  // whoever is stopped cannot fork
    grown = false;
    std::erase_if(held, [](const auto& process) { return IsReaped(process.second); });
    const std::set<pid_t> tree = TreeOf(root.pid, ReadParents());
    for (const pid_t pid : tree) {
      if (pid == root.pid || held.contains(pid)) continue;
      auto member = HoldMember(pid, tree);
      if (!member) continue;
      Signal(pid, *member, SIGSTOP);
      held.emplace(pid, std::move(*member));
      grown = true;
    }
  }
  for (const auto& [pid, process] : held) Signal(pid, process, SIGKILL);
  static_cast<void>(SendSignal(root.pidfd, SIGKILL));
}

}  // namespace trivet::shim
