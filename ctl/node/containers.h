#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "ctl/node/container_config.h"
#include "ctl/node/node.h"
#include "ctl/object/pod.h"

namespace trivet::ctl {

/// Where the containers of a pod go.
struct ContainerHome {
  std::string sandbox_id;
  ::runtime::v1::PodSandboxConfig sandbox_config;
  ContainerPlace place;  // without what differs from container to container
};

/// The containers of one pod, made and started.
class Containers {
 public:
  /// `node`, `pod` and `record` are borrowed.
  Containers(Node& node, const Pod& pod, const Record& record, ContainerHome home)
      : node_(node), pod_(pod), record_(record), home_(std::move(home)) {}

  /// The container runs afterwards, or has ended and is not to run again.
  Result<> Ensure(const Container& container);
  /// As Ensure, and waits until the container has ended well; a sidecar only has to run.
  /// Errors: kFailedPrecondition with the exit code when it has ended otherwise.
  Result<> Initialize(const Container& container);

 private:
  Result<std::string> EnsureCreated(const Container& container,
                                    const std::optional<::runtime::v1::ContainerStatus>& latest);
  Result<std::string> Create(const Container& container, uint32_t attempt);
  Result<ContainerPlace> Prepare(const Container& container, uint32_t attempt,
                                 const ::runtime::v1::Image& image);
  Result<> Start(const std::string& id);

  Node& node_;
  const Pod& pod_;
  const Record& record_;
  ContainerHome home_;
};

/// Errors: kFailedPrecondition when it has ended and will not come back, kDeadlineExceeded.
Result<> AwaitRunning(Node& node, const Pod& pod, const Record& record, const Container& container,
                      Report::Clock::time_point deadline);

/// Whether a container that ended with this code is to be started again.
bool IsToRestart(const Pod& pod, const Container& container, int32_t exit_code);

}  // namespace trivet::ctl
