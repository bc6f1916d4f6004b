#pragma once

#include <linux/filter.h>
#include <sys/resource.h>

#include <array>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "proto/trivet/shim.h"

namespace trivet::shim {

struct RlimitPlan {
  int resource = 0;
  rlimit value{};
};

/// The way into the pod's user namespace; `fd` -1: the pod has the node's.
struct UserNamespacePlan {
  int fd = -1;            // the shim's
  uid_t stdio_owner = 0;  // the process's user, as the node sees it
  gid_t stdio_group = 0;
  bool new_pid_namespace = false;  // one that belongs to the user namespace
};

/// A ProcessSpec turned into what the child needs, so that it allocates nothing between clone3 and
/// execve. Not copyable: pointers into its own strings.
struct ProcessPlan {
  ProcessPlan() = default;
  ProcessPlan(ProcessPlan&&) = default;
  ProcessPlan& operator=(ProcessPlan&&) = default;
  ProcessPlan(const ProcessPlan&) = delete;
  ProcessPlan& operator=(const ProcessPlan&) = delete;

  std::vector<std::string> args;
  std::vector<std::string> environment;
  std::vector<std::string> programs;  // args[0], or where PATH says that it may be, in that order
  std::vector<char*> argv;
  std::vector<char*> envp;
  bool searched = false;  // args[0] had no slash

  std::vector<std::string> cwd;  // one element: its address must survive a move
  bool makes_cwd = false;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  uint64_t bounding_caps = 0;
  uint64_t effective_caps = 0;
  uint64_t ambient_caps = 0;
  bool no_new_privs = false;
  bool is_held = false;  // it waits for a word before it takes its credentials
  bool terminal = false;
  std::vector<sock_filter> seccomp;
  std::string apparmor;  // "exec <profile>", or empty
  std::string selinux;   // a label, or empty
  std::string oom_score_adj;
  std::vector<RlimitPlan> rlimits;

  UserNamespacePlan user_namespace;
  std::vector<int> cgroup_procs;  // v1: files, borrowed: the child writes itself into each
  std::array<UniqueFd, 3> stdio;  // absent with a terminal
};

enum class Purpose { kContainerStart, kExec };

/// Pure. `own_caps` is what the shim may give away: a capability the node itself does not have is
/// left out.
/// Errors: kInvalidArgument naming the field.
Result<ProcessPlan> MakeProcessPlan(const ProcessSpec& spec, Purpose purpose, uint64_t own_caps);

/// Opens the files by which a process enters its groups. Errors: kNotFound.
Result<std::vector<UniqueFd>> OpenEntryFiles(const std::vector<std::string>& files);

/// The capabilities this process could pass on: its bounding set.
uint64_t ReadBoundingCapabilities();

}  // namespace trivet::shim
