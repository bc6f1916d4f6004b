#include "tests/bench/shim/bench_root.h"

#include "common/linux/file.h"
#include "common/linux/mount.h"

namespace trivet::bench {
namespace {

Result<UniqueFd> BindFd(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(DetachedMount mount, DetachedMount::Bind(path));
  return std::move(mount).TakeFd();
}

}  // namespace

Result<BenchRoot> BenchRoot::Make(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  ASSIGN_OR_RETURN(DetachedMount tmpfs, DetachedMount::Tmpfs({{"mode", "755"}}));
  RETURN_IF_ERROR(std::move(tmpfs).AttachTo(folder));
  for (const char* name : {"dev", "etc", "proc", "sys", "usr"}) {
    std::filesystem::create_directory(folder / name);
  }
  for (const char* name : {"hostname", "hosts", "resolv.conf"}) {
    RETURN_IF_ERROR(WriteFileVolatile(folder / "etc" / name, ""));
  }
  for (const char* name : {"bin", "lib", "lib64"}) {
    std::filesystem::create_symlink(std::string("usr/") + name, folder / name);
  }
  return BenchRoot(folder);
}

Result<UniqueFd> BenchRoot::Root() const {
  return BindFd(folder_);
}

Result<UniqueFd> BenchRoot::Usr() {
  return BindFd("/usr");
}

}  // namespace trivet::bench
