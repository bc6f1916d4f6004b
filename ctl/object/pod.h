#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "ctl/object/metadata.h"

/// Pod v1 as this player understands it.
namespace trivet::ctl {

struct EnvVar {
  std::string name;
  std::string value;       // $(NAME) not yet expanded
  std::string field_path;  // of valueFrom.fieldRef; empty: `value`
};

struct ContainerPort {
  int32_t container_port = 0;
  int32_t host_port = 0;  // 0: none
  std::string protocol = "TCP";
  std::string host_ip;
};

struct VolumeMount {
  std::string name;
  std::string mount_path;
  std::string sub_path;
  bool read_only = false;
  std::string propagation = "None";
};

struct VolumeDevice {
  std::string name;
  std::string device_path;
};

/// Requests default to the limits, as the API server does. Absent: nothing asked.
struct Resources {
  std::optional<int64_t> cpu_request_milli;
  std::optional<int64_t> cpu_limit_milli;
  std::optional<int64_t> memory_request_bytes;
  std::optional<int64_t> memory_limit_bytes;
};

struct SeccompProfile {
  std::string type;  // RuntimeDefault, Unconfined, Localhost
  std::string localhost_profile;
};

/// Parts of a label; empty: the runtime's choice.
struct SelinuxOptions {
  std::string user;
  std::string role;
  std::string type;
  std::string level;
};

/// Of a container, or of the pod for the fields that both have.
struct SecurityContext {
  std::optional<int64_t> run_as_user;
  std::optional<int64_t> run_as_group;
  std::optional<bool> run_as_non_root;
  std::optional<SeccompProfile> seccomp;
  std::optional<SelinuxOptions> selinux;
  // containers only
  bool privileged = false;
  bool read_only_root_filesystem = false;
  std::optional<bool> allow_privilege_escalation;
  std::vector<std::string> add_capabilities;
  std::vector<std::string> drop_capabilities;
  std::string proc_mount = "Default";
  // pods only
  std::optional<int64_t> fs_group;
  std::vector<int64_t> supplemental_groups;
  std::map<std::string, std::string> sysctls;
};

struct Container {
  std::string name;
  std::string image;
  std::string image_pull_policy;  // empty: the kubelet's rule
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<EnvVar> env;
  std::vector<ContainerPort> ports;
  std::vector<VolumeMount> mounts;
  std::vector<VolumeDevice> devices;
  Resources resources;
  SecurityContext security;
  std::string termination_message_path = "/dev/termination-log";
  bool stdin_open = false;
  bool stdin_once = false;
  bool tty = false;
  bool sidecar = false;  // an init container with restartPolicy Always
};

struct Volume {
  enum class Kind { kClaim, kEmptyDir, kHostPath };

  std::string name;
  Kind kind = Kind::kEmptyDir;
  std::string claim_name;  // kClaim
  bool read_only = false;  // kClaim
  bool in_memory = false;  // kEmptyDir
  std::optional<int64_t> size_limit_bytes;
  std::string host_path;       // kHostPath
  std::string host_path_type;  // DirectoryOrCreate, ...
};

struct HostAlias {
  std::string ip;
  std::vector<std::string> hostnames;
};

struct DnsConfig {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;  // "ndots:5"
};

struct Pod {
  Metadata metadata;
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  std::vector<Volume> volumes;
  SecurityContext security;
  std::string restart_policy = "Always";
  std::string hostname;
  std::string subdomain;
  std::string dns_policy = "ClusterFirst";
  DnsConfig dns_config;
  std::vector<HostAlias> host_aliases;
  int64_t termination_grace_period_seconds = 30;
  std::string runtime_class;
  std::string service_account = "default";
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  bool host_users = true;  // false: a user namespace of the pod's own
  bool share_process_namespace = false;
};

/// Errors: kInvalidArgument "file:line: field: reason"; also for what a kubelet would
/// honour and this player cannot, where it changes data or security.
Result<Pod> ReadPod(Fields document);

/// Parts of ReadPod, each in a file of its own.
Result<Container> ReadContainer(Fields fields, bool init);
Result<Volume> ReadVolume(Fields fields);
Result<SecurityContext> ReadContainerSecurity(Fields& container);
Result<SecurityContext> ReadPodSecurity(Fields& spec);

}  // namespace trivet::ctl
