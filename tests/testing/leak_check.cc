#include "tests/testing/leak_check.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace trivet::testing {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void AddMounts(std::vector<std::string>& things) {
  std::ifstream stream("/proc/self/mountinfo");
  for (std::string line; std::getline(stream, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) fields >> field;  // the fifth is the mount point
    things.push_back("mount " + field);
  }
}

void AddInterfaces(std::vector<std::string>& things) {
  std::ifstream stream("/proc/self/net/dev");
  for (std::string line; std::getline(stream, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    things.push_back("interface " + line.substr(0, colon));
  }
}

void AddGroups(const std::string& group, std::vector<std::string>& things) {
  if (group.empty()) return;
  std::error_code error;
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup", error)) {
    const fs::path folder = hierarchy.path() / fs::path(group).relative_path();
    if (!fs::is_directory(folder, error)) continue;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.is_directory(error)) things.push_back("cgroup " + entry.path().native());
    }
  }
}

void AddProcesses(const std::string& mark, std::vector<std::string>& things) {
  if (mark.empty()) return;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string command = ReadText(entry.path() / "cmdline");
    if (command.find(mark) == std::string::npos) continue;
    std::string words = command;
    std::ranges::replace(words, '\0', ' ');
    things.push_back("process " + words);
  }
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
  AddInterfaces(things);
  AddGroups(scope.cgroup, things);
  AddProcesses(scope.process_mark, things);
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
