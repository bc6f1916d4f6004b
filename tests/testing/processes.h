#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// What runs on the node, as /proc has it.
namespace trivet::testing {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  std::vector<std::string> words;  // its command line
};

/// Those with `text` in their command line, whose words end with zero bytes. One that has ended and
/// was not reaped has none.
std::vector<Process> FindProcesses(std::string_view text);

/// Those of them that `parent` has started, whichever of its threads it was.
std::vector<Process> FindChildren(pid_t parent, std::string_view text);

/// Whether it is a trivet-shim that waits to be told what its pod is.
bool IsWaitingShim(const Process& process);

/// Whether `condition` is true at last, within `patience`.
template <class Condition>
bool Eventually(Condition condition,
                std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace trivet::testing
