#include "ctl/command/debug.h"

#include <google/protobuf/util/json_util.h>
#include <sys/utsname.h>

#include <iostream>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "ctl/command/table.h"
#include "ctl/node/cri.h"

namespace trivet::ctl {
namespace {

namespace v1 = ::runtime::v1;

json::Value ToJson(const google::protobuf::Message& message) {
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text).ok()) return nullptr;
  return json::Parse(text).value_or(nullptr);
}

json::Value KernelInfo() {
  utsname name{};
  if (::uname(&name) != 0) return nullptr;
  return {{"release", name.release}, {"version", name.version}, {"machine", name.machine}};
}

// Collects answers; a call that fails is noted and the rest goes on.
class Dump {
 public:
  explicit Dump(Cri& cri) : cri_(cri) {}

  template <class Request, class Response>
  Response Ask(const std::string& what,
               grpc::Status (v1::RuntimeService::Stub::*method)(grpc::ClientContext*,
                                                                const Request&, Response*),
               const Request& request) {
    auto answer = Call(*cri_.runtime, method, request);
    if (answer) return std::move(*answer);
    errors_.push_back(what + ": " + answer.error().message());
    return {};
  }

  json::Value Runtime() {
    v1::StatusRequest verbose;
    verbose.set_verbose(true);
    return {{"version",
             ToJson(Ask("Version", &v1::RuntimeService::Stub::Version, v1::VersionRequest()))},
            {"status", ToJson(Ask("Status", &v1::RuntimeService::Stub::Status, verbose))},
            {"config", ToJson(Ask("RuntimeConfig", &v1::RuntimeService::Stub::RuntimeConfig,
                                  v1::RuntimeConfigRequest()))}};
  }

  json::Value Sandboxes() {
    json::Value list = json::Value::array();
    const auto sandboxes = Ask("ListPodSandbox", &v1::RuntimeService::Stub::ListPodSandbox,
                               v1::ListPodSandboxRequest());
    for (const auto& sandbox : sandboxes.items()) {
      v1::PodSandboxStatusRequest request;
      request.set_pod_sandbox_id(sandbox.id());
      request.set_verbose(true);
      list.push_back(ToJson(Ask("PodSandboxStatus " + sandbox.id(),
                                &v1::RuntimeService::Stub::PodSandboxStatus, request)));
    }
    return list;
  }

  json::Value Containers() {
    json::Value list = json::Value::array();
    const auto containers = Ask("ListContainers", &v1::RuntimeService::Stub::ListContainers,
                                v1::ListContainersRequest());
    for (const auto& container : containers.containers()) {
      v1::ContainerStatusRequest request;
      request.set_container_id(container.id());
      request.set_verbose(true);
      list.push_back(ToJson(Ask("ContainerStatus " + container.id(),
                                &v1::RuntimeService::Stub::ContainerStatus, request)));
    }
    return list;
  }

  json::Value Images() {
    const auto images =
        Call(*cri_.images, &v1::ImageService::Stub::ListImages, v1::ListImagesRequest());
    if (images) return ToJson(*images);
    errors_.push_back("ListImages: " + images.error().message());
    return nullptr;
  }

  [[nodiscard]] const std::vector<std::string>& errors() const { return errors_; }

 private:
  Cri& cri_;
  std::vector<std::string> errors_;
};

json::Value Collect(const std::filesystem::path& cri_socket) {
  json::Value document = {{"trivetctl", TRIVET_VERSION},
                          {"unixTimeNs", NowNanoseconds()},
                          {"kernel", KernelInfo()},
                          {"criSocket", cri_socket.native()},
                          {"errors", json::Value::array()}};
  auto cri = Cri::Connect(cri_socket);
  if (!cri) {
    document["errors"].push_back(cri.error().message());
    return document;
  }
  Dump dump(*cri);
  document["runtime"] = dump.Runtime();
  document["sandboxes"] = dump.Sandboxes();
  document["containers"] = dump.Containers();
  document["images"] = dump.Images();
  document["errors"] = dump.errors();
  return document;
}

}  // namespace

Result<> DumpDebug(const std::filesystem::path& cri_socket, const std::filesystem::path& file) {
  const std::string text = json::WritePretty(Collect(cri_socket));
  if (!file.empty()) return WriteFileAtomically(file, text);
  std::cout << text;
  return {};
}

}  // namespace trivet::ctl
