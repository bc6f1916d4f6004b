#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/mount.h"
#include "proto/trivet/shim.h"
#include "shim/process_plan.h"

namespace trivet::shim {

/// One mount, ready for the child: a tree to be moved, or a file system to be made in the
/// container's namespaces.
struct MountPlan {
  std::string target;
  UniqueFd tree;            // of kDetached; else invalid, and:
  std::string file_system;  // "proc"
  MountOptions options;
  uint64_t attributes = 0;
  bool is_directory = true;
  bool is_dev = false;        // the default nodes and links go into it
  std::string root_label;     // of a file system that takes no label when it is mounted, or empty
  bool follows_link = false;  // the system's own places (/proc, /dev) must not be links
};

struct DevicePlan {
  std::string path;  // below /dev, "net/tun"
  mode_t mode = 0;   // with S_IFCHR or S_IFBLK
  dev_t device = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// A ContainerSpec with its descriptors, turned into what the child needs: it allocates nothing.
struct InitPlan {
  ProcessPlan process;
  UniqueFd root;                           // detached
  std::string attach_point;                // an empty folder of the node
  std::vector<UniqueFd> first_namespaces;  // a mount namespace without the node's mounts, or none
  UniqueFd null_tree;  // a detached bind of the node's /dev/null, for masked files
  std::vector<MountPlan> mounts;
  std::vector<DevicePlan> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  bool readonly_root = false;
  bool node_cgroups = false;        // it stays in the node's cgroup namespace
  bool hooks_before_pivot = false;  // the child waits for hooks there
  bool hooks_in_root = false;
  std::string file_label;  // SELinux's, of the masks; or empty
};

/// What of the shim a plan needs.
struct PlanContext {
  std::string attach_point;
  uint64_t own_caps = 0;
  bool own_ipc = true;  // the IPC namespace is the pod's
};

/// A mount of a kind that is neither kDetached nor kCgroup, without labels.
/// Errors: kInvalidArgument.
Result<MountPlan> PlanFileSystem(const MountSpec& spec);

/// Takes the descriptors that `spec` names out of `fds`.
/// Errors: kInvalidArgument naming the field.
Result<InitPlan> MakeInitPlan(const ContainerSpec& spec, std::vector<UniqueFd>& fds,
                              const PlanContext& context);

}  // namespace trivet::shim
