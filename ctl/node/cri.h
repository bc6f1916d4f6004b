#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "ctl/node/rpc.h"
#include "proto/cri/api.grpc.pb.h"

namespace trivet::ctl {

/// A CRI runtime behind its socket: the calls that commands share. Others go through
/// `Call(*cri.runtime, …)`.
struct Cri {
  std::unique_ptr<::runtime::v1::RuntimeService::Stub> runtime;
  std::unique_ptr<::runtime::v1::ImageService::Stub> images;

  /// Says hello (Version). Errors: kUnavailable when nobody serves the socket.
  static Result<Cri> Connect(const std::filesystem::path& socket);
};

/// Only sandboxes with these labels; newest first.
using LabelSelector = std::map<std::string, std::string>;
Result<std::vector<::runtime::v1::PodSandbox>> ListSandboxes(Cri& cri, const LabelSelector& labels);
Result<std::vector<::runtime::v1::Container>> ListContainers(Cri& cri, const LabelSelector& labels);

Result<::runtime::v1::ContainerStatus> ReadContainerStatus(Cri& cri, const std::string& id);
Result<::runtime::v1::PodSandboxStatus> ReadSandboxStatus(Cri& cri, const std::string& id);

/// The addresses of a sandbox, the first one first.
std::vector<std::string> Addresses(const ::runtime::v1::PodSandboxStatus& status);

/// The image of this name or id, or nothing.
Result<std::optional<::runtime::v1::Image>> FindImage(Cri& cri, const std::string& name);
/// Asks the runtime to get the image; returns its id.
Result<std::string> PullImage(Cri& cri, const std::string& name);

}  // namespace trivet::ctl
