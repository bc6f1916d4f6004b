#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/linux/process.h"
#include "cri-runtime/sandbox/loaded_shim.h"
#include "cri-runtime/sandbox/shim_program.h"
#include "proto/trivet/shim.h"

namespace trivet::sandbox {

/// A shim that runs and listens.
struct LaunchedShim {
  int32_t pid = 0;
  uint64_t start_time = 0;
};

/// Starts shims, and reaps those that are this process's children. Any thread.
class ShimLauncher {
 public:
  /// Opens the program ahead of the first Launch.
  Result<> Prepare(const std::filesystem::path& program);

  /// Starts a shim that waits for the spec of the pod whose folder is `run_folder`.
  Result<LoadedShim> Load(const std::filesystem::path& program,
                          const std::filesystem::path& run_folder);

  /// Gives `spec` to `loaded`, if that is of the program, or else to a shim that is started for it,
  /// and waits until the shim listens.
  /// Errors: the shim's own words when it gave up; kDeadlineExceeded.
  Result<LaunchedShim> Launch(const std::filesystem::path& program,
                              const std::filesystem::path& run_folder,
                              const shim::SandboxSpec& spec, std::optional<LoadedShim> loaded);

  /// Waits until the shim has ended; kills it at the end of `patience`. A process that is not the
  /// one with that start time has ended already.
  Result<> AwaitEnd(int32_t pid, uint64_t start_time, std::chrono::milliseconds patience);

  /// Reaps the shim when it is this process's child and has ended.
  void ReapEnded(int32_t pid);

 private:
  ReadOnlyPrograms programs_;
  std::mutex mutex_;
  std::map<int32_t, Child> children_;
};

}  // namespace trivet::sandbox
