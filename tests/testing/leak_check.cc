#include "tests/testing/leak_check.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include "tests/testing/processes.h"
#include "tests/testing/unused_links.h"

namespace trivet::testing {
namespace {

namespace fs = std::filesystem;

void AddMounts(std::vector<std::string>& things) {
  std::ifstream stream("/proc/self/mountinfo");
  for (std::string line; std::getline(stream, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) fields >> field;  // the fifth is the mount point
    things.push_back("mount " + field);
  }
}

// Without those of the pods to come whose networks a daemon holds.
void AddInterfaces(const std::set<pid_t>& with_spare, std::vector<std::string>& things) {
  std::set<std::string> spare;
  for (const pid_t daemon : with_spare) spare.merge(FindUnusedLinksIntoNetworksOf(daemon));
  std::ifstream stream("/proc/self/net/dev");
  for (std::string line; std::getline(stream, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = line.substr(0, colon).substr(line.find_first_not_of(' '));
    if (!spare.contains(name)) things.push_back("interface " + name);
  }
}

// One on a v2 node; on a v1 or hybrid one each, without the links from one name to another.
std::vector<fs::path> Hierarchies(const fs::path& root) {
  std::error_code error;
  if (fs::exists(root / "cgroup.controllers", error)) return {root};
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    if (!entry.is_symlink(error) && entry.is_directory(error)) found.push_back(entry.path());
  }
  return found;
}

void AddGroups(const LeakScope& scope, std::vector<std::string>& things) {
  if (scope.cgroup.empty()) return;
  for (const fs::path& hierarchy : Hierarchies(scope.cgroup_root)) {
    std::error_code error;
    fs::recursive_directory_iterator entries(hierarchy / fs::path(scope.cgroup).relative_path(),
                                             error);
    for (; entries != fs::recursive_directory_iterator(); entries.increment(error)) {
      if (entries->is_directory(error)) things.push_back("cgroup " + entries->path().native());
    }
  }
}

// "/a", "pidfd", "net": without what differs each time. Nothing for a socket, a pipe or an eventfd,
// which a server opens and closes as its clients come and go.
std::string KindOf(std::string target) {
  constexpr std::string_view kAnonymous = "anon_inode:";
  if (target.starts_with('/')) return target;
  if (target == "anon_inode:[pidfd]" || target == "anon_inode:inotify") {
    return target.substr(kAnonymous.size());
  }
  for (const char* kind : {"net", "mnt", "pid", "user", "ipc", "uts", "cgroup"}) {
    if (target.starts_with(std::string(kind) + ":[")) return kind;
  }
  return "";
}

void AddDescriptors(const fs::path& process, const std::string& name,
                    std::vector<std::string>& things) {
  std::error_code error;
  fs::directory_iterator entries(process / "fd", error);
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string kind = KindOf(fs::read_symlink(entries->path(), error));
    if (!kind.empty()) things.push_back("descriptor of " + name + ": " + kind);
  }
}

std::string NameOf(const Process& process) {
  return process.words.empty() ? "" : fs::path(process.words.front()).filename().native();
}

void AddProcess(const Process& process, std::vector<std::string>& things) {
  std::string line = "process";
  for (const std::string& word : process.words) line.append(" ").append(word);
  things.push_back(line);
  AddDescriptors("/proc/" + std::to_string(process.pid), NameOf(process), things);
}

void LeaveOutOne(const std::string& thing, std::vector<std::string>& things) {
  if (const auto found = std::ranges::find(things, thing); found != things.end()) {
    things.erase(found);
  }
}

// A daemon may have one shim that waits for the next pod, and what is for that pod. The daemons
// that have one.
std::set<pid_t> AddProcesses(const std::string& mark, std::vector<std::string>& things) {
  std::set<pid_t> with_spare;
  if (mark.empty()) return with_spare;
  const std::vector<Process> processes = FindProcesses(mark);
  for (const Process& process : processes) {
    if (IsWaitingShim(process) && with_spare.insert(process.parent).second) continue;
    AddProcess(process, things);
  }
  for (const Process& process : processes) {
    if (!with_spare.contains(process.pid)) continue;
    // The last is the shim's program, if a package has put another in its place since.
    for (const char* kind : {"[pidfd]", "net", "/ (deleted)"}) {
      LeaveOutOne("descriptor of " + NameOf(process) + ": " + kind, things);
    }
  }
  return with_spare;
}

void AddFiles(const LeakScope& scope, std::vector<std::string>& things) {
  for (const fs::path& folder : scope.folders) {
    std::error_code error;
    fs::recursive_directory_iterator entries(folder, error);
    for (; entries != fs::recursive_directory_iterator(); entries.increment(error)) {
      if (scope.ignored.contains(entries->path().filename())) {
        entries.disable_recursion_pending();
      } else {
        things.push_back("file " + entries->path().native());
      }
    }
  }
}

}  // namespace

std::vector<std::string> FindThings(const LeakScope& scope) {
  std::vector<std::string> things;
  AddMounts(things);
  AddGroups(scope, things);
  AddInterfaces(AddProcesses(scope.process_mark, things), things);
  AddFiles(scope, things);
  std::ranges::sort(things);
  return things;
}

std::vector<std::string> FindLeaks(const LeakScope& scope, const std::vector<std::string>& before) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (true) {
    std::vector<std::string> leaks;
    std::ranges::set_difference(FindThings(scope), before, std::back_inserter(leaks));
    if (leaks.empty() || std::chrono::steady_clock::now() > deadline) return leaks;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace trivet::testing
