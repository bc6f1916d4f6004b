#include "ctl/doctor/isolated.h"

#include <sched.h>
#include <sys/mount.h>

#include <thread>

#include "common/linux/mount.h"

namespace trivet::ctl::doctor {
namespace {

Result<> Unshare(int flags) {
  if (::unshare(flags) != 0) return FailErrno("unshare");
  return {};
}

Result<> CoverWithTmpfs(const std::filesystem::path& folder) {
  // CLONE_NEWNS gives the thread a root and a working directory of its own, too.
  RETURN_IF_ERROR(Unshare(CLONE_NEWNS));
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return FailErrno("make mounts private");
  }
  ASSIGN_OR_RETURN(auto tmpfs, DetachedMount::Tmpfs({{"size", "1m"}}));
  return std::move(tmpfs).AttachTo(folder);
}

Result<> OnThread(const std::function<Result<>()>& work) {
  Result<> result;
  std::thread([&] { result = work(); }).join();
  return result;
}

}  // namespace

Result<> InNewNetworkNamespace(const std::function<Result<>()>& work) {
  return OnThread([&]() -> Result<> {
    RETURN_IF_ERROR(Unshare(CLONE_NEWNET));
    return work();
  });
}

Result<> OnScratchMount(const std::function<Result<>(const std::filesystem::path&)>& work) {
  // Any folder that every node has; whatever is in it is only covered, and only here.
  static const std::filesystem::path kFolder = "/tmp";
  return OnThread([&]() -> Result<> {
    RETURN_IF_ERROR(CoverWithTmpfs(kFolder), "scratch");
    return work(kFolder);
  });
}

}  // namespace trivet::ctl::doctor
