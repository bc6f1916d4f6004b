#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/linux/mount.h"
#include "common/linux/process.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/shim_client.h"

namespace trivet::testing {

/// A test that drives the real trivet-shim: one pod, containers whose root is a tmpfs with the
/// node's /usr in it, read-only.
class ShimTest : public NamespaceTest {
 protected:
  /// What a test may change before a container is created.
  struct Setup {
    shim::ContainerSpec spec;
    std::vector<UniqueFd> fds;                 // of the mounts; index 0 is the root
    std::filesystem::path root = "/run/root";  // where the test can see and fill the root
  };
  using Change = std::function<void(Setup&)>;
  struct Outcome {
    shim::ExitRecord exit;
    std::string out;  // the text of the log's lines
  };

  void SetUp() override;
  void TearDown() override;

  /// Starts the shim; the spec's network is the node's own (the test's), PID per container.
  void StartPod(const std::function<void(shim::SandboxSpec&)>& change = [](auto&) {});
  Result<> CreateContainer(const std::string& script, const Change& change = [](auto&) {});
  Result<shim::Started> StartContainer();
  Result<> RemoveContainer();
  /// The shim's, as they are now: the reaper and the containers' first processes.
  [[nodiscard]] std::vector<pid_t> Children() const;
  /// Creates, starts and waits for the end.
  Result<Outcome> Run(const std::string& script, const Change& change = [](auto&) {});
  /// Runs a shell in the container; the output is in the result.
  struct ExecOutcome {
    shim::ExecResult result;
    std::string out;
  };
  Result<ExecOutcome> Exec(
      const std::string& script,
      const std::function<void(shim::ExecRequest&)>& change = [](auto&) {});
  [[nodiscard]] std::string Log() const;
  [[nodiscard]] std::string LogText() const;
  /// Waits until the log's text contains `words`; false after ten seconds.
  [[nodiscard]] bool LogSays(const std::string& words) const;

  static uint64_t AllCaps();
  /// A seccomp filter that answers one system call with `action` and allows the rest.
  static std::string FilterAgainst(uint32_t system_call, uint32_t action);

  std::filesystem::path run_dir_ = "/run/shims/s1";
  std::filesystem::path log_ = "/run/c1.log";
  std::filesystem::path exit_ = "/run/c1.exit";
  std::optional<ShimClient> client_;
  Child shim_;
};

}  // namespace trivet::testing
