#include "tests/testing/processes.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "common/linux/file.h"

namespace trivet::testing {
namespace {

// What a file of /proc says; nothing once the process has gone.
std::string Read(pid_t pid, const char* file) {
  return ReadFile(fmt::format("/proc/{}/{}", pid, file)).value_or("");
}

pid_t ParentOf(pid_t pid) {
  constexpr std::string_view kKey = "\nPPid:\t";
  const std::string status = Read(pid, "status");
  const size_t at = status.find(kKey);
  return at == std::string::npos ? 0 : std::atoi(status.c_str() + at + kKey.size());
}

std::vector<std::string> WordsOf(const std::string& command_line) {
  std::vector<std::string> words;
  std::istringstream text(command_line);
  for (std::string word; std::getline(text, word, '\0');) words.push_back(word);
  return words;
}

}  // namespace

std::vector<Process> FindProcesses(std::string_view text) {
  std::vector<Process> processes;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    const std::string command_line = Read(pid, "cmdline");
    if (!command_line.contains(text)) continue;
    processes.push_back({.pid = pid, .parent = ParentOf(pid), .words = WordsOf(command_line)});
  }
  return processes;
}

std::vector<Process> FindChildren(pid_t parent, std::string_view text) {
  std::vector<Process> children = FindProcesses(text);
  std::erase_if(children, [&](const Process& process) { return process.parent != parent; });
  return children;
}

// It reads the descriptor that it was given, and has closed that before it does anything else for
// long. Source: man 5 proc, /proc/pid/syscall.
bool IsWaitingShim(const Process& process) {
  if (std::ranges::find(process.words, "--wait") == process.words.end()) return false;
  const auto flag = std::ranges::find(process.words, "--ready-fd");
  if (flag == process.words.end() || std::next(flag) == process.words.end()) return false;
  std::istringstream call(Read(process.pid, "syscall"));
  std::string number;
  std::string descriptor;
  call >> number >> descriptor;
  return descriptor == fmt::format("{:#x}", std::atoi(std::next(flag)->c_str()));
}

}  // namespace trivet::testing
