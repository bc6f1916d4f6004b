#include "cri-runtime/config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/linux/selinux_policy.h"
#include "cri-runtime/image/name_patterns.h"
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
  visit("imageBytesLimit", c.image_limits.unpacked_bytes);
  visit("imageArchiveBytesLimit", c.image_limits.archive_bytes);
  visit("imageEntriesLimit", c.image_limits.entries_per_layer);
  visit("imageRatioLimit", c.image_limits.ratio);
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

Result<> CheckLimitsOnImages(const image::Limits& limits) {
  constexpr uint64_t kMaxEntries = 100'000'000;  // their paths are held in memory
  const std::array<std::pair<std::string_view, uint64_t>, 4> keys{{
      {"imageBytesLimit", limits.unpacked_bytes},
      {"imageArchiveBytesLimit", limits.archive_bytes},
      {"imageEntriesLimit", limits.entries_per_layer},
      {"imageRatioLimit", limits.ratio},
  }};
  for (const auto& [key, value] : keys) {
    if (value == 0) return Fail(Code::kInvalidArgument, "{}: unexpected 0", key);
  }
  if (limits.entries_per_layer <= kMaxEntries) return {};
  return Fail(Code::kInvalidArgument, "imageEntriesLimit: {} is above {}", limits.entries_per_layer,
              kMaxEntries);
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
  RETURN_IF_ERROR(CheckLimitsOnImages(config.image_limits));
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

image::Limits LimitsOnImages(const Config& config) {
  const image::Limits usual;
  image::Limits limits = config.image_limits;
  const uint64_t bytes_per_entry = usual.kept_path_bytes / usual.entries_per_layer;
  limits.kept_path_bytes =
      std::max(usual.kept_path_bytes, limits.entries_per_layer * bytes_per_entry);
  return limits;
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
