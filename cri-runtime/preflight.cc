#include "cri-runtime/preflight.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/linux/cgroup.h"

namespace trivet::cri {
namespace {

class Complaints {
 public:
  void Expect(bool holds, std::string complaint) {
    if (!holds) complaints_.push_back(std::move(complaint));
  }
  [[nodiscard]] Result<> Take() && {
    if (complaints_.empty()) return {};
    return Fail(Code::kFailedPrecondition, "{}", fmt::join(complaints_, "; "));
  }

 private:
  std::vector<std::string> complaints_;
};

bool HasFileSystem(const char* name) {
  return UniqueFd(::fsopen(name, FSOPEN_CLOEXEC)).valid();
}

}  // namespace

Result<> CheckNode(const Config& config) {
  Complaints complaints;
  complaints.Expect(::geteuid() == 0,
                    "runs as user " + std::to_string(::geteuid()) + ", needs root");
  complaints.Expect(HasFileSystem("overlay"), "kernel: no overlay file system by fsopen(2)");
  complaints.Expect(HasFileSystem("mqueue"), "kernel: no mqueue file system");
  for (const char* name : {"net", "ipc", "uts", "pid", "mnt", "cgroup"}) {
    complaints.Expect(std::filesystem::exists(std::string("/proc/self/ns/") + name),
                      std::string("kernel: no ") + name + " namespaces");
  }
  complaints.Expect(std::filesystem::exists("/proc/sys/kernel/seccomp/actions_avail"),
                    "kernel: no seccomp filters");
  complaints.Expect(::access(config.shim.c_str(), X_OK) == 0,
                    "shim: " + config.shim.native() + " is not executable");
  const auto cgroups = Cgroups::Open(config.cgroup_root);
  complaints.Expect(cgroups.has_value(), cgroups ? "" : "cgroups: " + cgroups.error().message());
  return std::move(complaints).Take();
}

}  // namespace trivet::cri
