#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/json.h"
#include "common/linux/criu.h"
#include "cri-runtime/image/limits.h"

namespace trivet::cri {

/// /etc/trivet/cri.json: a member per key, the same name; flags override. docs/cri.md has the
/// table.
struct Config {
  std::filesystem::path socket = "/run/trivet/cri.sock";
  std::filesystem::path state_dir = "/var/lib/trivet/cri";
  std::filesystem::path run_dir = "/run/trivet";
  std::filesystem::path cni_config_dir = "/etc/cni/net.d";
  std::vector<std::string> cni_bin_dirs = {"/opt/cni/bin", "/usr/lib/cni"};
  std::filesystem::path shim = "/usr/libexec/trivet/trivet-shim";
  std::filesystem::path cgroup_root = "/sys/fs/cgroup";
  std::string cgroup_driver = "cgroupfs";  // or "systemd"
  std::string cgroup_parent;               // of pods that name none; empty: PodsParent
  std::vector<std::string> cdi_spec_dirs = {"/etc/cdi", "/var/run/cdi"};  // the last counts most
  /// RuntimeClass handlers beside the default one, named "": the shim that each runs pods with;
  /// empty for the same as `shim`.
  std::map<std::string, std::string> runtime_handlers;
  std::string metrics_address;  // "127.0.0.1:9470" for Prometheus; empty: none
  std::filesystem::path seccomp_profile_root = "/var/lib/kubelet/seccomp";
  std::filesystem::path criu = criu::kDefaultProgram;  // for checkpoints, where it is installed
  std::string selinux = "auto";  // or "enabled", "disabled": whether containers get labels
  bool local_import = true;
  std::vector<std::string> pinned_images;  // image::NamePatterns: the kubelet never removes them
  image::Limits image_limits;              // of these, those that have keys; LimitsOnImages
  int64_t pids_limit = -1;                 // of each container; -1: none
  uint32_t stop_timeout_seconds = 10;      // for a container that StopPodSandbox ends
};

/// Reads the file's text over `config`. Errors: kInvalidArgument naming the key.
Result<> ReadConfig(std::string_view text, Config& config);

/// Errors: kInvalidArgument naming the key: a relative path, an empty list.
Result<> CheckConfig(const Config& config);

/// The group, or the slice, of pods that name none: by default "/trivet" or "trivet.slice".
std::string PodsParent(const Config& config);

/// What an image may cost. More entries may also have more paths to remember.
image::Limits LimitsOnImages(const Config& config);

/// The shim of a handler; "" is the default. Errors: kInvalidArgument for one that is not
/// configured.
Result<std::filesystem::path> ShimOfHandler(const Config& config, const std::string& handler);

/// As in the file: what Status shows.
json::Value ToJson(const Config& config);

}  // namespace trivet::cri
