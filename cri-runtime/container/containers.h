#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/node.h"
#include "cri-runtime/state/single_flight.h"

namespace trivet::container {

struct ExecOutput {
  int32_t exit_code = 0;
  std::string out;  // with err the first 16 MiB less 4 KiB; what is beyond is read and dropped
  std::string err;
};

/// Containers, from the request to the last file. Any thread.
class Containers {
 public:
  explicit Containers(cri::Node& node) : node_(node) {}

  /// Makes everything but the process, and returns the id. A retry with the same sandbox, name and
  /// attempt joins the call that still runs, or gets the container that it made.
  /// Errors: kNotFound without the sandbox or the image; kFailedPrecondition when the sandbox is
  /// not ready; kAlreadyExists when such a container was started already.
  /// At `deadline` it fails with kDeadlineExceeded, naming the step that is slow, and goes on.
  Result<std::string> Create(const std::string& sandbox_id, Config config,
                             state::SingleFlight<std::string>::Deadline deadline);

  /// A retry joins the call that still runs.
  /// Errors: kFailedPrecondition when it is not just created; what kept the program from running,
  /// and then the container has ended with code 128.
  /// `deadline` as of Create.
  Result<> Start(const std::string& id, state::SingleFlight<void>::Deadline deadline);

  /// The creations and starts of now, and their steps.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Running() const;

  /// Signals it unless an earlier call has, waits for `timeout`, kills what is left; at once where
  /// its start waits for hooks. An absent or ended one is success.
  Result<> Stop(const std::string& id, std::chrono::seconds timeout);

  /// Removes it, running or not. An absent one is success.
  Result<> Remove(const std::string& id);

  /// Runs a program in a running container to its end; no timeout when it is 0.
  /// Errors: kDeadlineExceeded when it was killed at the end of `timeout`.
  Result<ExecOutput> ExecSync(const std::string& id, const std::vector<std::string>& args,
                              std::chrono::seconds timeout);

  /// Errors: kFailedPrecondition when it does not run.
  Result<> ReopenLog(const std::string& id);

  /// Sets the limits that `resources` names. Errors: kFailedPrecondition when it has ended; the
  /// kernel's, and then nothing is recorded.
  Result<> UpdateResources(const std::string& id, const Resources& resources);

  /// Saves running containers, {id, archive} each, see checkpoint::Save. Errors: kNotFound,
  /// kFailedPrecondition when one does not run; those of Save.
  Result<> Checkpoint(const std::map<std::string, std::filesystem::path>& archives,
                      std::chrono::steady_clock::time_point deadline);

 private:
  Result<std::shared_ptr<const state::Container>> Find(const std::string& id) const;
  Result<std::shared_ptr<const state::Container>> FindRunning(const std::string& id) const;
  Result<std::shared_ptr<cri::ShimConnection>> ShimOf(const Record& record) const;
  Result<std::string> Make(const std::string& sandbox_id, const Config& config,
                           state::Progress& progress);
  Result<> Launch(const Record& record);
  Result<> Signal(const Record& record, int signal, bool all);
  Result<> AskToStop(const Record& record);
  [[nodiscard]] Result<> EndRest(const Record& record) const;
  Result<> AwaitHeldStart(const Record& record) const;
  bool AwaitEnd(const Record& record, std::chrono::milliseconds patience) const;

  cri::Node& node_;
  state::KeyedMutex locks_;
  state::SingleFlight<std::string> creating_;
  state::SingleFlight<void> starting_;
  std::mutex asked_mutex_;
  std::set<std::string> asked_to_stop_;  // by signal
};

}  // namespace trivet::container
