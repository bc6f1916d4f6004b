#include "cri-runtime/config.h"

#include <utility>

#include "cri-runtime/image/name_patterns.h"
#include "cri-runtime/selinux/policy.h"
#include "cri-runtime/systemd/unit_name.h"

namespace trivet::cri {
namespace {

// The one list of keys: what is read, shown and known.
template <class Visitor>
void VisitPaths(Config& c, Visitor visit) {
  visit("socket", c.socket);
  visit("stateDir", c.state_dir);
  visit("runDir", c.run_dir);
  visit("cniConfigDir", c.cni_config_dir);
  visit("shim", c.shim);
  visit("cgroupRoot", c.cgroup_root);
  visit("seccompProfileRoot", c.seccomp_profile_root);
  visit("criu", c.criu);
}

template <class Visitor>
void VisitRest(Config& c, Visitor visit) {
  visit("cniBinDirs", c.cni_bin_dirs);
  visit("cdiSpecDirs", c.cdi_spec_dirs);
  visit("runtimeHandlers", c.runtime_handlers);
  visit("metricsAddress", c.metrics_address);
  visit("cgroupDriver", c.cgroup_driver);
  visit("cgroupParent", c.cgroup_parent);
  visit("selinux", c.selinux);
  visit("localImport", c.local_import);
  visit("pinnedImages", c.pinned_images);
  visit("pidsLimit", c.pids_limit);
  visit("stopTimeoutSeconds", c.stop_timeout_seconds);
}

std::vector<std::string_view> Keys() {
  std::vector<std::string_view> keys;
  Config config;
  const auto add = [&](std::string_view key, auto& /*member*/) { keys.push_back(key); };
  VisitPaths(config, add);
  VisitRest(config, add);
  return keys;
}

Result<> CheckAbsolute(std::string_view key, const std::filesystem::path& path) {
  if (path.is_absolute()) return {};
  return Fail(Code::kInvalidArgument, "{}: \"{}\" is not an absolute path", key, path.native());
}

Result<> CheckGroups(const Config& config) {
  const bool slices = config.cgroup_driver == "systemd";
  if (!slices && config.cgroup_driver != "cgroupfs") {
    return Fail(Code::kInvalidArgument, "cgroupDriver: unexpected \"{}\": cgroupfs or systemd",
                config.cgroup_driver);
  }
  const std::string parent = PodsParent(config);
  if (slices) {
    RETURN_IF_ERROR(systemd::GroupOfSlice(parent), "cgroupParent");
    return {};
  }
  if (systemd::IsSlice(parent)) {
    return Fail(Code::kInvalidArgument, "cgroupParent: \"{}\" is a slice: cgroupDriver is cgroupfs",
                parent);
  }
  return CheckAbsolute("cgroupParent", parent);
}

}  // namespace

Result<> ReadConfig(std::string_view text, Config& config) {
  ASSIGN_OR_RETURN(const json::Value root, json::ParseWithComments(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(json::RejectUnknownKeys(root, Keys()));
  Result<> status;
  VisitPaths(config, [&](std::string_view key, std::filesystem::path& path) {
    std::string value = path.native();
    if (status) status = json::ReadOptional(root, key, value);
    path = value;
  });
  VisitRest(config, [&](std::string_view key, auto& member) {
    if (status) status = json::ReadOptional(root, key, member);
  });
  return status;
}

Result<> CheckConfig(const Config& config) {
  Result<> status;
  Config copy = config;
  VisitPaths(copy, [&](std::string_view key, const std::filesystem::path& path) {
    if (status) status = CheckAbsolute(key, path);
  });
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(CheckGroups(config));
  RETURN_IF_ERROR(selinux::ParseMode(config.selinux), "selinux");
  RETURN_IF_ERROR(image::NamePatterns::Parse(config.pinned_images), "pinnedImages");
  if (config.cni_bin_dirs.empty()) return Fail(Code::kInvalidArgument, "cniBinDirs: empty");
  for (const std::string& directory : config.cni_bin_dirs) {
    RETURN_IF_ERROR(CheckAbsolute("cniBinDirs", directory));
  }
  for (const std::string& directory : config.cdi_spec_dirs) {
    RETURN_IF_ERROR(CheckAbsolute("cdiSpecDirs", directory));
  }
  for (const auto& [name, shim] : config.runtime_handlers) {
    if (name.empty()) return Fail(Code::kInvalidArgument, "runtimeHandlers: a name is empty");
    if (!shim.empty()) RETURN_IF_ERROR(CheckAbsolute("runtimeHandlers", shim));
  }
  if (config.pids_limit == 0 || config.pids_limit < -1) {
    return Fail(Code::kInvalidArgument, "pidsLimit: unexpected {}", config.pids_limit);
  }
  return {};
}

std::string PodsParent(const Config& config) {
  if (!config.cgroup_parent.empty()) return config.cgroup_parent;
  return config.cgroup_driver == "systemd" ? "trivet.slice" : "/trivet";
}

Result<std::filesystem::path> ShimOfHandler(const Config& config, const std::string& handler) {
  if (handler.empty()) return config.shim;
  const auto found = config.runtime_handlers.find(handler);
  if (found == config.runtime_handlers.end()) {
    return Fail(Code::kInvalidArgument, "runtime_handler: no handler \"{}\"", handler);
  }
  return found->second.empty() ? config.shim : std::filesystem::path(found->second);
}

json::Value ToJson(const Config& config) {
  json::Value object = json::Value::object();
  Config copy = config;
  VisitPaths(copy, [&](std::string_view key, const std::filesystem::path& path) {
    object[std::string(key)] = path.native();
  });
  VisitRest(copy,
            [&](std::string_view key, const auto& member) { object[std::string(key)] = member; });
  return object;
}

}  // namespace trivet::cri
