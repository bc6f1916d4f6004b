#include "shim/made_ahead.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "shim/dev_child.h"

namespace trivet::shim {
namespace {

// With labels the containers' file systems have options of their own.
bool HasSelinux() {
  return ::access("/sys/fs/selinux/enforce", F_OK) == 0;
}

Result<MountPlan> MakeOne(MountKind kind) {
  ASSIGN_OR_RETURN(MountPlan made, PlanFileSystem({.kind = kind}));
  ASSIGN_OR_RETURN(DetachedMount mount,
                   DetachedMount::New(made.file_system, made.options, made.attributes));
  if (made.is_dev && MakeDefaultDevices(mount.fd()) != nullptr) return FailErrno("make devices");
  made.tree = std::move(mount).TakeFd();
  return made;
}

// With the attributes that it wants and `made` does not have; /dev becomes nodev when its nodes are
// mounts.
void Adopt(MountPlan& wanted, MountPlan& made) {
  const uint64_t more = wanted.attributes & ~made.attributes &
                        ~(wanted.is_dev ? uint64_t{MOUNT_ATTR_NODEV} : uint64_t{0});
  mount_attr attr{.attr_set = more};
  if (more != 0 && ::mount_setattr(made.tree.get(), "", AT_EMPTY_PATH, &attr, sizeof attr) != 0) {
    return;
  }
  wanted.tree = std::move(made.tree);
}

}  // namespace

void MadeAhead::Make() {
  if (HasSelinux()) return;
  for (const MountKind kind : {MountKind::kDev, MountKind::kMqueue, MountKind::kSysfs}) {
    if (auto made = MakeOne(kind)) made_.push_back(std::move(*made));
  }
}

void MadeAhead::GiveTo(InitPlan& plan) {
  std::vector<MountPlan> unused = std::exchange(made_, {});
  for (MountPlan& wanted : plan.mounts) {
    if (wanted.tree.valid() || !wanted.root_label.empty()) continue;
    if (wanted.is_dev && !plan.devices.empty()) continue;
    const auto fits = std::ranges::find_if(unused, [&](const MountPlan& made) {
      return made.tree.valid() && made.is_dev == wanted.is_dev &&
             made.file_system == wanted.file_system && made.options == wanted.options;
    });
    if (fits != unused.end()) Adopt(wanted, *fits);
  }
}

}  // namespace trivet::shim
