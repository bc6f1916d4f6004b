#include "cri-runtime/checkpoint/metadata.h"

#include "common/base/json.h"
#include "common/base/utc_time.h"

namespace trivet::checkpoint {
namespace {

constexpr const char* kOciVersion = "1.0.2";

json::Value AnnotationsOf(const state::Container& container, const sandbox::Record& pod) {
  json::Value annotations = json::Value::object();
  for (const auto& [key, value] : container.record->config.annotations) annotations[key] = value;
  annotations["io.kubernetes.cri.container-type"] = "container";
  annotations["io.kubernetes.cri.container-name"] = container.record->config.name;
  annotations["io.kubernetes.cri.image-name"] = container.record->config.image;
  annotations["io.kubernetes.cri.sandbox-id"] = pod.id;
  annotations["io.kubernetes.cri.sandbox-name"] = pod.config.metadata.name;
  annotations["io.kubernetes.cri.sandbox-namespace"] = pod.config.metadata.namespace_name;
  annotations["io.kubernetes.cri.sandbox-uid"] = pod.config.metadata.uid;
  return annotations;
}

json::Value MountsOf(const container::Config& config) {
  json::Value mounts = json::Value::array();
  for (const container::Mount& mount : config.mounts) {
    if (mount.host_path.empty()) continue;  // of an image
    json::Value options = {"rbind", mount.readonly ? "ro" : "rw"};
    mounts.push_back({{"destination", mount.container_path},
                      {"type", "bind"},
                      {"source", mount.host_path},
                      {"options", options}});
  }
  return mounts;
}

}  // namespace

std::string ConfigDump(const state::Container& container, int64_t now_ns) {
  const container::Record& record = *container.record;
  return json::WritePretty({{"id", record.id},
                            {"name", record.config.name},
                            {"rootfsImage", record.image_id},
                            {"rootfsImageRef", record.image_id},
                            {"rootfsImageName", container::ShownImage(record.config)},
                            {"runtime", "trivet"},
                            {"createdTime", UtcTime(record.created_at_ns).text()},
                            {"checkpointedTime", UtcTime(now_ns).text()},
                            {"restoredTime", "0001-01-01T00:00:00Z"},
                            {"restored", false}});
}

std::string SpecDump(const state::Container& container, const sandbox::Record& pod) {
  const container::Record& record = *container.record;
  const json::Value user = {{"uid", record.user.uid},
                            {"gid", record.user.gid},
                            {"additionalGids", record.user.additional_gids}};
  const json::Value process = {{"terminal", record.config.terminal},
                               {"user", user},
                               {"args", record.args},
                               {"env", record.env},
                               {"cwd", record.cwd}};
  const json::Value root = {{"path", "rootfs"},
                            {"readonly", record.config.security.readonly_rootfs}};
  return json::WritePretty({{"ociVersion", kOciVersion},
                            {"process", process},
                            {"root", root},
                            {"hostname", pod.config.hostname},
                            {"mounts", MountsOf(record.config)},
                            {"annotations", AnnotationsOf(container, pod)},
                            {"linux", {{"cgroupsPath", record.cgroup}}}});
}

std::string PodOptions(const std::vector<std::shared_ptr<const state::Container>>& containers) {
  json::Value ids = json::Value::object();
  for (const auto& container : containers) {
    ids[container->record->config.name] = container->record->id;
  }
  return json::WritePretty({{"version", 1}, {"containers", ids}});
}

}  // namespace trivet::checkpoint
