#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/process.h"
#include "proto/cri/api.grpc.pb.h"

namespace trivet::testing {

/// The real trivet-cri with folders of its own; killed when dropped.
class CriDaemon {
 public:
  struct Folders {
    std::filesystem::path state;
    std::filesystem::path run;
    std::filesystem::path cni_config;
    std::vector<std::string> cni_bin;
    std::string cgroup_parent;
    std::string config = "{}";     // the text of its configuration file
    std::filesystem::path shim{};  // empty: the built one
  };

  static Result<CriDaemon> Start(const Folders& folders);
  CriDaemon(CriDaemon&& other) noexcept;
  ~CriDaemon();

  /// SIGKILL, and waits for the end.
  void Kill();
  /// SIGHUP.
  void Hangup() const;
  /// SIGTERM: its exit code.
  int Stop();

  /// Of the running daemon.
  [[nodiscard]] pid_t pid() const { return child_->pid; }
  [[nodiscard]] ::runtime::v1::RuntimeService::Stub& runtime() { return *runtime_; }
  [[nodiscard]] ::runtime::v1::ImageService::Stub& images() { return *images_; }

 private:
  CriDaemon() = default;
  std::optional<Child> child_;
  std::unique_ptr<::runtime::v1::RuntimeService::Stub> runtime_;
  std::unique_ptr<::runtime::v1::ImageService::Stub> images_;
};

}  // namespace trivet::testing
