// A CRI client that does what it is told on standard input, and answers each line with a line of
// JSON: {"seconds": 1.5, "ms": {"RunPodSandbox": [12.3, …]}} or {"error": "…"}.
// Usage: cri_bench SOCKET HANDLER IMAGE CGROUP_PARENT LOG_FOLDER LIMITS. LIMITS: "limits", or
// "no-limits" on a node that has no controllers for them. Commands: commands.cc.

#include <absl/synchronization/mutex.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "tests/bench/cri/commands.h"

int main(int argc, char** argv) {
  using trivet::bench::Samples;
  if (argc != 7) {
    std::fprintf(stderr, "usage: cri_bench SOCKET HANDLER IMAGE CGROUP_PARENT LOG_FOLDER LIMITS\n");
    return EXIT_FAILURE;
  }
  // A client that looks for deadlocks of its own has no part in any figure.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  trivet::bench::Pods pods(argv[1], {.handler = argv[2],
                                     .image = argv[3],
                                     .cgroup_parent = argv[4],
                                     .logs = argv[5],
                                     .limited = std::string_view(argv[6]) == "limits"});
  trivet::bench::Commands commands(pods);
  for (std::string line; std::getline(std::cin, line);) {
    const auto begin = Samples::Clock::now();
    const auto done = commands.Run(line);
    const auto taken = Samples::Clock::now() - begin;
    std::cout << pods.TakeSamples().ToJson(taken, done) << std::endl;
  }
  return EXIT_SUCCESS;
}
