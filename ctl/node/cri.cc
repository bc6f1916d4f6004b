#include "ctl/node/cri.h"

#include <algorithm>

namespace trivet::ctl {
namespace {

namespace cri_api = ::runtime::v1;
using cri_api::ImageService;
using cri_api::RuntimeService;

constexpr auto kPullTimeout = std::chrono::minutes(15);

}  // namespace

Result<Cri> Cri::Connect(const std::filesystem::path& socket) {
  const auto channel = OpenChannel(socket);
  Cri cri{.runtime = RuntimeService::NewStub(channel), .images = ImageService::NewStub(channel)};
  RETURN_IF_ERROR(
      Call(*cri.runtime, &RuntimeService::Stub::Version, cri_api::VersionRequest(), kHelloTimeout),
      fmt::format("CRI runtime at {}", socket.native()));
  return cri;
}

Result<std::vector<cri_api::PodSandbox>> ListSandboxes(Cri& cri, const LabelSelector& labels) {
  cri_api::ListPodSandboxRequest request;
  request.mutable_filter()->mutable_label_selector()->insert(labels.begin(), labels.end());
  ASSIGN_OR_RETURN(auto response,
                   Call(*cri.runtime, &RuntimeService::Stub::ListPodSandbox, request),
                   "list sandboxes");
  std::vector<cri_api::PodSandbox> items(response.items().begin(), response.items().end());
  std::ranges::sort(items, std::ranges::greater(), &cri_api::PodSandbox::created_at);
  return items;
}

Result<std::vector<cri_api::Container>> ListContainers(Cri& cri, const LabelSelector& labels) {
  cri_api::ListContainersRequest request;
  request.mutable_filter()->mutable_label_selector()->insert(labels.begin(), labels.end());
  ASSIGN_OR_RETURN(auto response,
                   Call(*cri.runtime, &RuntimeService::Stub::ListContainers, request),
                   "list containers");
  std::vector<cri_api::Container> items(response.containers().begin(), response.containers().end());
  std::ranges::sort(items, std::ranges::greater(), &cri_api::Container::created_at);
  return items;
}

Result<cri_api::ContainerStatus> ReadContainerStatus(Cri& cri, const std::string& id) {
  cri_api::ContainerStatusRequest request;
  request.set_container_id(id);
  ASSIGN_OR_RETURN(auto response,
                   Call(*cri.runtime, &RuntimeService::Stub::ContainerStatus, request),
                   "container status");
  return std::move(*response.mutable_status());
}

Result<cri_api::PodSandboxStatus> ReadSandboxStatus(Cri& cri, const std::string& id) {
  cri_api::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(id);
  ASSIGN_OR_RETURN(auto response,
                   Call(*cri.runtime, &RuntimeService::Stub::PodSandboxStatus, request),
                   "sandbox status");
  return std::move(*response.mutable_status());
}

std::vector<std::string> Addresses(const cri_api::PodSandboxStatus& status) {
  std::vector<std::string> addresses;
  if (!status.network().ip().empty()) addresses.push_back(status.network().ip());
  for (const auto& address : status.network().additional_ips()) addresses.push_back(address.ip());
  return addresses;
}

Result<std::optional<cri_api::Image>> FindImage(Cri& cri, const std::string& name) {
  cri_api::ImageStatusRequest request;
  request.mutable_image()->set_image(name);
  ASSIGN_OR_RETURN(auto response, Call(*cri.images, &ImageService::Stub::ImageStatus, request),
                   "image " + name);
  if (!response.has_image()) return std::nullopt;
  return std::move(*response.mutable_image());
}

Result<std::string> PullImage(Cri& cri, const std::string& name) {
  cri_api::PullImageRequest request;
  request.mutable_image()->set_image(name);
  ASSIGN_OR_RETURN(auto response,
                   Call(*cri.images, &ImageService::Stub::PullImage, request, kPullTimeout));
  return std::move(*response.mutable_image_ref());
}

}  // namespace trivet::ctl
