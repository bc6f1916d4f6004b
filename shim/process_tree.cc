#include "shim/process_tree.h"

#include <signal.h>

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

void KillProcessTree(pid_t root) {
  std::set<pid_t> stopped;
  std::set<pid_t> tree;
  for (bool grown = true; grown;) {  // whoever is stopped cannot fork; some have ended meanwhile
    grown = false;
    tree = TreeOf(root, ReadParents());
    for (const pid_t pid : tree) {
      if (!stopped.insert(pid).second) continue;
      ::kill(pid, SIGSTOP);
      grown = true;
    }
  }
  // Those of the last look only: a number of before may be another process's by now.
  tree.erase(root);
  for (const pid_t pid : tree) ::kill(pid, SIGKILL);
  ::kill(root, SIGKILL);
}

}  // namespace trivet::shim
