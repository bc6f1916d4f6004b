#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cri-runtime/sandbox/config.h"

/// What the kubelet asks of a container, validated. No protobuf here.
namespace trivet::container {

using sandbox::NamespaceMode;

enum class Propagation : uint8_t { kPrivate, kHostToContainer, kBidirectional };
constexpr std::array<std::string_view, 3> Names(Propagation /*e*/) {
  return {"private", "host-to-container", "bidirectional"};
}

struct Mount {
  std::string container_path;  // absolute
  std::string host_path;       // absolute; empty with `image`
  bool readonly = false;
  bool relabel = false;  // with the container's SELinux label
  bool recursive_read_only = false;
  Propagation propagation = Propagation::kPrivate;
  std::string image;                                 // an image volume: its reference
  std::string image_sub_path;                        // inside the image
  std::vector<std::string> options;                  // of noexec, nodev, nosuid
  std::optional<sandbox::UserNamespace> id_mapping;  // idmapped: that of the pod
  bool injected = false;                             // by a CDI device: not one of the request's
};

constexpr std::string_view kNoPermissions = "none";  // of a CDI device

struct Device {
  std::string container_path;
  std::string host_path;
  std::string permissions;  // of r, w, m; or kNoPermissions
  // What to make where the node has none, of a CDI device; -1: not said.
  int64_t major = -1;
  int64_t minor = -1;
  bool is_block = false;
  // What a CDI file says of the node in the container; else they are those of the node's own.
  std::optional<uint32_t> mode;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  bool injected = false;  // by a CDI device: not one of the request's
};

using shim::HookKind;

struct Hook {
  HookKind kind = HookKind::kPrestart;
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  int64_t timeout_seconds = 60;
};

/// Zero and empty mean: not said.
struct Resources {
  int64_t cpu_period_us = 0;
  int64_t cpu_quota_us = 0;
  int64_t cpu_shares = 0;
  int64_t memory_limit_bytes = 0;
  int64_t memory_swap_limit_bytes = 0;  // memory and swap together; -1: no limit
  int64_t oom_score_adj = 0;
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::map<std::string, uint64_t> hugepage_limits_bytes;  // by page size, "2MB"
  std::map<std::string, std::string> unified;             // cgroup v2 file -> value
};

enum class ProfileKind : uint8_t { kUnconfined, kRuntimeDefault, kLocalhost };
constexpr std::array<std::string_view, 3> Names(ProfileKind /*e*/) {
  return {"unconfined", "runtime-default", "localhost"};
}

struct Profile {
  ProfileKind kind = ProfileKind::kUnconfined;
  std::string localhost_ref;  // of AppArmor also RuntimeDefault's, where the kernel has it
};

enum class GroupsPolicy : uint8_t { kMerge, kStrict };
constexpr std::array<std::string_view, 2> Names(GroupsPolicy /*e*/) {
  return {"merge", "strict"};
}

struct Security {
  std::vector<std::string> add_capabilities;  // "NET_ADMIN", "ALL"
  std::vector<std::string> drop_capabilities;
  std::vector<std::string> add_ambient_capabilities;
  bool privileged = false;
  // As the request says it now, and not kept: an ephemeral container may be the first that is.
  bool pod_is_privileged = false;
  sandbox::Namespaces namespaces;
  std::optional<uint32_t> run_as_user;
  std::optional<uint32_t> run_as_group;
  std::string run_as_username;
  bool readonly_rootfs = false;
  std::vector<uint32_t> supplemental_groups;
  GroupsPolicy groups_policy = GroupsPolicy::kMerge;
  bool no_new_privs = false;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  Profile seccomp;
  Profile apparmor;
  selinux::Label selinux;  // what the request names of it
};

struct Config {
  std::string name;
  uint32_t attempt = 0;
  std::string image;                 // what the kubelet calls it
  std::string user_specified_image;  // what the pod's author calls it
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<std::string> envs;  // "NAME=value", any bytes
  std::vector<Mount> mounts;
  std::vector<Device> devices;
  std::vector<std::string> cdi_devices;  // "vendor.com/class=name"
  std::vector<Hook> hooks;               // of CDI devices
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::string log_path;  // inside the sandbox's log directory
  bool stdin_open = false;
  bool stdin_once = false;
  bool terminal = false;
  Resources resources;
  Security security;
  int stop_signal = 0;  // a signal number; 0: the image's, or TERM
};

/// The image's name as people know it: the kubelet asks by the id.
inline const std::string& ShownImage(const Config& config) {
  return config.user_specified_image.empty() ? config.image : config.user_specified_image;
}

template <class Codec>
void Fields(Codec& c, Mount& m) {
  c("container_path", m.container_path), c("host_path", m.host_path), c("readonly", m.readonly);
  c("recursive_read_only", m.recursive_read_only), c("propagation", m.propagation);
  c("image", m.image), c("image_sub_path", m.image_sub_path), c("options", m.options);
  c("id_mapping", m.id_mapping), c("injected", m.injected), c("relabel", m.relabel);
}
template <class Codec>
void Fields(Codec& c, Device& m) {
  c("container_path", m.container_path), c("host_path", m.host_path);
  c("permissions", m.permissions), c("major", m.major), c("minor", m.minor);
  c("is_block", m.is_block), c("mode", m.mode), c("uid", m.uid), c("gid", m.gid);
  c("injected", m.injected);
}
template <class Codec>
void Fields(Codec& c, Hook& m) {
  c("kind", m.kind), c("path", m.path), c("args", m.args), c("env", m.env);
  c("timeout_seconds", m.timeout_seconds);
}
template <class Codec>
void Fields(Codec& c, Resources& m) {
  c("cpu_period_us", m.cpu_period_us), c("cpu_quota_us", m.cpu_quota_us);
  c("cpu_shares", m.cpu_shares), c("memory_limit_bytes", m.memory_limit_bytes);
  c("memory_swap_limit_bytes", m.memory_swap_limit_bytes), c("oom_score_adj", m.oom_score_adj);
  c("cpuset_cpus", m.cpuset_cpus), c("cpuset_mems", m.cpuset_mems);
  c("hugepage_limits_bytes", m.hugepage_limits_bytes), c("unified", m.unified);
}
template <class Codec>
void Fields(Codec& c, Profile& m) {
  c("kind", m.kind), c("localhost_ref", m.localhost_ref);
}
template <class Codec>
void Fields(Codec& c, Security& m) {
  c("add_capabilities", m.add_capabilities), c("drop_capabilities", m.drop_capabilities);
  c("add_ambient_capabilities", m.add_ambient_capabilities), c("privileged", m.privileged);
  c("namespaces", m.namespaces), c("run_as_user", m.run_as_user);
  c("run_as_group", m.run_as_group), c("run_as_username", m.run_as_username);
  c("readonly_rootfs", m.readonly_rootfs), c("supplemental_groups", m.supplemental_groups);
  c("groups_policy", m.groups_policy), c("no_new_privs", m.no_new_privs);
  c("masked_paths", m.masked_paths), c("readonly_paths", m.readonly_paths);
  c("seccomp", m.seccomp), c("apparmor", m.apparmor);
  c("selinux", m.selinux);
}
template <class Codec>
void Fields(Codec& c, Config& m) {
  c("name", m.name), c("attempt", m.attempt), c("image", m.image);
  c("user_specified_image", m.user_specified_image), c("command", m.command), c("args", m.args);
  c("working_dir", m.working_dir), c("envs", m.envs), c("mounts", m.mounts);
  c("devices", m.devices), c("cdi_devices", m.cdi_devices), c("hooks", m.hooks),
      c("labels", m.labels), c("annotations", m.annotations);
  c("log_path", m.log_path), c("stdin_open", m.stdin_open), c("stdin_once", m.stdin_once);
  c("terminal", m.terminal), c("resources", m.resources), c("security", m.security);
  c("stop_signal", m.stop_signal);
}

}  // namespace trivet::container
