#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "proto/cri/api.grpc.pb.h"
#include "tests/testing/call_log.h"

namespace trivet::testing {

/// A CRI runtime without containers: it remembers what it was told to make, answers about it, and
/// notes the calls that change something. A container that is started runs, unless it is said to be
/// short-lived.
class FakeRuntime final : public ::runtime::v1::RuntimeService::Service {
 public:
  /// `log` is borrowed.
  explicit FakeRuntime(CallLog& log) : log_(log) {}

  /// From now on a container with one of the names has ended once it is started.
  void SetShortLived(std::set<std::string> names);
  /// Of what ends from now on, and of ExecSync; 0 before.
  void SetExitCode(int exit_code);

  /// The configurations of what there is, by the name of pod or container.
  std::map<std::string, ::runtime::v1::PodSandboxConfig> SandboxConfigs();
  std::map<std::string, ::runtime::v1::ContainerConfig> ContainerConfigs();
  /// As after a reboot: no sandbox is ready, no container runs.
  void LoseEverything();

 private:
  using Context = grpc::ServerContext;
  template <class T>
  using In = const T*;

  grpc::Status Version(Context*, In<::runtime::v1::VersionRequest>,
                       ::runtime::v1::VersionResponse* response) override;
  grpc::Status RunPodSandbox(Context*, In<::runtime::v1::RunPodSandboxRequest> request,
                             ::runtime::v1::RunPodSandboxResponse* response) override;
  grpc::Status StopPodSandbox(Context*, In<::runtime::v1::StopPodSandboxRequest> request,
                              ::runtime::v1::StopPodSandboxResponse*) override;
  grpc::Status RemovePodSandbox(Context*, In<::runtime::v1::RemovePodSandboxRequest> request,
                                ::runtime::v1::RemovePodSandboxResponse*) override;
  grpc::Status PodSandboxStatus(Context*, In<::runtime::v1::PodSandboxStatusRequest> request,
                                ::runtime::v1::PodSandboxStatusResponse* response) override;
  grpc::Status ListPodSandbox(Context*, In<::runtime::v1::ListPodSandboxRequest> request,
                              ::runtime::v1::ListPodSandboxResponse* response) override;
  grpc::Status CreateContainer(Context*, In<::runtime::v1::CreateContainerRequest> request,
                               ::runtime::v1::CreateContainerResponse* response) override;
  grpc::Status StartContainer(Context*, In<::runtime::v1::StartContainerRequest> request,
                              ::runtime::v1::StartContainerResponse*) override;
  grpc::Status StopContainer(Context*, In<::runtime::v1::StopContainerRequest> request,
                             ::runtime::v1::StopContainerResponse*) override;
  grpc::Status RemoveContainer(Context*, In<::runtime::v1::RemoveContainerRequest> request,
                               ::runtime::v1::RemoveContainerResponse*) override;
  /// Says the words of the command on standard output, a line each.
  grpc::Status ExecSync(Context*, In<::runtime::v1::ExecSyncRequest> request,
                        ::runtime::v1::ExecSyncResponse* response) override;
  grpc::Status ListContainers(Context*, In<::runtime::v1::ListContainersRequest> request,
                              ::runtime::v1::ListContainersResponse* response) override;
  grpc::Status ContainerStatus(Context*, In<::runtime::v1::ContainerStatusRequest> request,
                               ::runtime::v1::ContainerStatusResponse* response) override;

  struct Sandbox {
    ::runtime::v1::PodSandboxConfig config;
    ::runtime::v1::PodSandbox entry;
  };
  struct Container {
    ::runtime::v1::ContainerConfig config;
    ::runtime::v1::Container entry;
    int exit_code = 0;
  };
  [[nodiscard]] std::string SandboxName(const std::string& id);
  [[nodiscard]] std::string ContainerName(const std::string& id);

  CallLog& log_;
  std::mutex mutex_;
  std::set<std::string> short_lived_;
  int exit_code_ = 0;
  int made_ = 0;  // ids and times of creation are counted
  std::map<std::string, Sandbox> sandboxes_;
  std::map<std::string, Container> containers_;
};

/// The images of a node: those that are in `present`, and those that can be pulled.
class FakeImages final : public ::runtime::v1::ImageService::Service {
 public:
  explicit FakeImages(CallLog& log) : log_(log) {}

  std::set<std::string> present;
  std::set<std::string> pullable;
  int64_t user = 1000;  // of every image

 private:
  grpc::Status ImageStatus(grpc::ServerContext*, const ::runtime::v1::ImageStatusRequest* request,
                           ::runtime::v1::ImageStatusResponse* response) override;
  grpc::Status PullImage(grpc::ServerContext*, const ::runtime::v1::PullImageRequest* request,
                         ::runtime::v1::PullImageResponse* response) override;

  CallLog& log_;
  std::mutex mutex_;
};

}  // namespace trivet::testing
