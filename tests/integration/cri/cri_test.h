#pragma once

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/integration/cri/cri_daemon.h"
#include "tests/testing/leak_check.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/temp_directory.h"

namespace trivet::testing {

namespace v1 = ::runtime::v1;

/// A running trivet-cri with the busybox image, in namespaces and folders of the test's own. At the
/// end every pod is removed, and nothing may be left.
class CriTest : public NamespaceTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  void StartDaemon();
  /// Another daemon over the same folders, with this configuration file.
  void RestartWith(const std::string& config);
  /// A daemon with the real trivet-cni instead of a script, on a bridge of the test's own.
  void UseRealNetwork();

  /// Requests that are all right, to be changed by the test.
  v1::PodSandboxConfig PodConfig(const std::string& name) const;
  v1::ContainerConfig ShellConfig(const std::string& name, const std::string& script) const;

  /// The calls, by the fields that matter; failures are a status.
  grpc::Status RunPod(const v1::PodSandboxConfig& config, std::string* id);
  grpc::Status Create(const std::string& pod, const v1::ContainerConfig& config, std::string* id);
  grpc::Status Start(const std::string& id);
  grpc::Status Stop(const std::string& id, int64_t timeout_seconds);
  grpc::Status Remove(const std::string& id);
  grpc::Status StopPod(const std::string& id);
  grpc::Status RemovePod(const std::string& id);
  grpc::Status Exec(const std::string& id, const std::vector<std::string>& command,
                    v1::ExecSyncResponse* response, int64_t timeout_seconds = 10);

  /// The same for tests that need them to succeed.
  std::string MustRunPod(const std::string& name);
  std::string MustCreate(const std::string& pod, const v1::ContainerConfig& config);
  std::string MustStart(const std::string& pod, const v1::ContainerConfig& config);
  /// What a shell in the container prints, without the last line feed.
  std::string MustExec(const std::string& id, const std::string& script);
  v1::ContainerStatus StatusOf(const std::string& id);
  v1::PodSandboxStatus PodStatusOf(const std::string& id);
  /// The status once the container has ended.
  v1::ContainerStatus AwaitEnd(const std::string& id);
  /// Waits until the container's log has the words.
  void AwaitLog(const std::string& id, const std::string& words);
  void RemoveAllPods();
  /// A start of the daemon with other arguments is a process that was not there before.
  void RememberWhatIsThere() { before_ = FindThings(scope_); }
  /// What is there that was not when the test began.
  [[nodiscard]] std::vector<std::string> Leaks() const { return FindLeaks(scope_, before_); }
  [[nodiscard]] std::string CniCalls() const;
  [[nodiscard]] std::filesystem::path LogFolder() const { return folder_ / "logs"; }

  TempDirectory folder_;
  std::optional<CriDaemon> daemon_;
  CriDaemon::Folders folders_;
  std::string image_id_;

 private:
  void InstallScriptPlugin();
  void ImportImage();

  std::vector<std::string> before_;
  LeakScope scope_;
};

/// EXPECT_THAT(status, IsRpcOk()) and EXPECT_THAT(status, RpcFailsWith(code, words)).
MATCHER(IsRpcOk, "is OK") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.ok();
}
MATCHER_P2(RpcFailsWith, code, words, "fails with the code and the words") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == code && arg.error_message().find(words) != std::string::npos;
}

}  // namespace trivet::testing
