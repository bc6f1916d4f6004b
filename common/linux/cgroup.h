#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/cgroup_stats.h"
#include "common/linux/device_rules.h"

namespace trivet {

/// What a group may use. A member that is absent (or empty) is left as it is.
struct CgroupLimits {
  std::optional<int64_t> memory_bytes;              // -1: no limit
  std::optional<int64_t> memory_and_swap_bytes;     // together; -1: no limit. Ignored where the
                                                    // kernel does not account swap
  std::optional<uint64_t> cpu_shares;               // [2, 262144], 1024 is one CPU's worth
  std::optional<int64_t> cpu_quota_us;              // per period; 0 or less: no limit
  std::optional<uint64_t> cpu_period_us;            // [1000, 1000000]
  std::optional<int64_t> pids;                      // -1: no limit
  std::string cpuset_cpus;                          // "0-3,7"
  std::string cpuset_mems;                          // "0"
  std::map<std::string, uint64_t> hugepages_bytes;  // by page size as the files name it: "2MB"
  std::map<std::string, std::string> unified;       // {"memory.high", "1000000"}; v2 only
};

/// The control groups of this node: one interface, a back end for the unified hierarchy (v2) and
/// one for separate hierarchies (v1, and hybrid nodes, whose v2 hierarchy controls nothing).
///
/// A group is an absolute path below the root of each hierarchy: "/trivet/pod1/c1".
class Cgroups {
 public:
  /// `root` is where the hierarchies are mounted.
  /// Errors: kFailedPrecondition when there are none.
  static Result<std::unique_ptr<Cgroups>> Open(
      const std::filesystem::path& root = "/sys/fs/cgroup");
  virtual ~Cgroups() = default;

  [[nodiscard]] virtual bool is_v2() const = 0;
  /// Names of the controllers that can be used: "cpu", "memory", "pids", ...
  [[nodiscard]] virtual std::vector<std::string> controllers() const = 0;

  /// Makes the group with its parents; one that exists is left as it is.
  virtual Result<> Create(const std::string& group) = 0;
  /// Errors: kInvalidArgument for a value the kernel refuses, kFailedPrecondition for a limit
  /// whose controller is not there.
  virtual Result<> SetLimits(const std::string& group, const CgroupLimits& limits) = 0;
  /// Whether groups can restrict devices here. Errors: why not: kFailedPrecondition, or
  /// kPermissionDenied for a caller that may not.
  [[nodiscard]] virtual Result<> CheckDeviceControl() const = 0;
  /// From now on the processes in and below the group use no device but these; rules of before go.
  /// A group that was never given rules is restricted by those above it only.
  virtual Result<> SetDevices(const std::string& group, const std::vector<DeviceRule>& rules) = 0;
  /// Removes the group and the groups below it; absent is success.
  /// Errors: kAborted while processes are in it.
  virtual Result<> Remove(const std::string& group) = 0;
  /// Kills every process in and below the group and waits until none is left.
  /// Errors: kDeadlineExceeded.
  virtual Result<> Kill(const std::string& group, std::chrono::milliseconds timeout) = 0;
  /// Kills what is left in it, if anything is, and removes it.
  Result<> End(const std::string& group, std::chrono::milliseconds timeout);

  /// The processes in and below the group; an absent group has none.
  [[nodiscard]] virtual Result<std::vector<pid_t>> Processes(const std::string& group) const = 0;
  /// Errors: kNotFound when the group is gone.
  [[nodiscard]] virtual Result<CgroupStats> ReadStats(const std::string& group) const = 0;
  /// Errors: kNotFound when the group is gone.
  [[nodiscard]] virtual Result<CgroupDetails> ReadDetails(const std::string& group) const = 0;
  /// How many processes of the group the kernel killed for lack of memory.
  [[nodiscard]] virtual Result<uint64_t> ReadOomKills(const std::string& group) const = 0;

  /// What a process is born into: the v2 folder for CLONE_INTO_CGROUP, or (v1) nothing.
  [[nodiscard]] virtual std::filesystem::path BirthFolder(const std::string& group) const = 0;
  /// The files by which a process that has one thread enters: it writes "0". On v1 they are
  /// "tasks": for the writing thread alone the kernel (since 5.5) takes no lock that keeps all
  /// processes from forking and waits for a grace period of RCU, as it does for "cgroup.procs".
  /// Source: cgroup_procs_write_start() in kernel/cgroup/cgroup.c.
  [[nodiscard]] virtual std::vector<std::filesystem::path> EntryFiles(
      const std::string& group) const = 0;
};

/// cpu.weight [1, 10000] for cpu.shares [2, 262144]; 1024 is 100, the default of both.
uint64_t CpuWeightOfShares(uint64_t shares);

}  // namespace trivet
