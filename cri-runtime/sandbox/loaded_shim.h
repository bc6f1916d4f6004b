#pragma once

#include <filesystem>
#include <memory>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/process.h"
#include "cri-runtime/sandbox/shim_program.h"
#include "proto/trivet/shim.h"

namespace trivet::sandbox {

/// A shim that runs and waits to be told what its pod is. One that is dropped before that ends, as
/// it does when this process ends.
class LoadedShim {
 public:
  /// Starts `program` for the pod whose folder is `run_folder`, which need not exist. `name` is
  /// the program as others know it. Errors: StartCommand's.
  static Result<LoadedShim> Start(std::shared_ptr<const ReadOnlyProgram> program,
                                  const std::filesystem::path& name,
                                  const std::filesystem::path& run_folder);
  ~LoadedShim();
  LoadedShim(LoadedShim&&) = default;
  LoadedShim& operator=(LoadedShim&&) = delete;

  /// Whether it runs, and is of that program.
  [[nodiscard]] bool IsGood(const ReadOnlyProgram& program) const;

  /// Leaves `spec` in its folder and waits until it listens. Errors: the shim's own words when it
  /// gave up; kDeadlineExceeded.
  Result<> Begin(const shim::SandboxSpec& spec);

  /// It is the caller's, who ends and reaps it.
  Child Release() &&;
  [[nodiscard]] pid_t pid() const { return child_.pid; }

 private:
  LoadedShim(std::shared_ptr<const ReadOnlyProgram> program, std::filesystem::path run_folder,
             UniqueFd socket, Child child)
      : program_(std::move(program)),
        run_folder_(std::move(run_folder)),
        socket_(std::move(socket)),
        child_(std::move(child)) {}

  std::shared_ptr<const ReadOnlyProgram> program_;
  std::filesystem::path run_folder_;
  UniqueFd socket_;
  Child child_;
  bool begun_ = false;  // it does not end with the socket any more
};

}  // namespace trivet::sandbox
