#include "ctl/node/images.h"

namespace trivet::ctl {
namespace {

std::unexpected<Error> FailAbsent(const Container& container, Code code, std::string_view reason) {
  return Fail(code,
              "image {}: {}; import it with: trivetctl image import oci:/FOLDER (or "
              "oci-archive:/FILE)",
              container.image, reason);
}

}  // namespace

std::string PullPolicy(const Container& container) {
  if (!container.image_pull_policy.empty()) return container.image_pull_policy;
  const std::string& image = container.image;
  if (image.find('@') != std::string::npos) return "IfNotPresent";
  const size_t name = image.rfind('/') == std::string::npos ? 0 : image.rfind('/');
  const size_t colon = image.find(':', name);
  const bool latest = colon == std::string::npos || image.substr(colon + 1) == "latest";
  return latest ? "Always" : "IfNotPresent";
}

Result<::runtime::v1::Image> EnsureImage(Cri& cri, const Container& container) {
  const std::string policy = PullPolicy(container);
  ASSIGN_OR_RETURN(auto image, FindImage(cri, container.image));
  if (image && policy != "Always") return *std::move(image);
  if (policy == "Never") {
    return FailAbsent(container, Code::kNotFound, "not on this node, and imagePullPolicy is Never");
  }
  if (auto pulled = PullImage(cri, container.image); !pulled) {
    return FailAbsent(container, pulled.error().code(), pulled.error().message());
  }
  ASSIGN_OR_RETURN(image, FindImage(cri, container.image));
  if (!image) return FailAbsent(container, Code::kNotFound, "not there after it was pulled");
  return *std::move(image);
}

}  // namespace trivet::ctl
