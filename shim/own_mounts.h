#pragma once

#include <array>

#include "shim/init_plan.h"

namespace trivet::shim {

/// The new tmpfs mounts of a container that its first process has attached: what goes right into
/// one is reached by its descriptor, not by its path, as nobody else has put anything there.
/// Async-signal-safe. Borrows the plan's texts and the descriptors.
class OwnMounts {
 public:
  /// Where a path is: a name in the folder that `fd` is, or nowhere (-1).
  struct Place {
    int fd = -1;
    const char* name = nullptr;
  };

  /// `mount`, whose root is `fd`, is attached, by its path.
  void Note(const MountPlan& mount, int fd);
  /// For a path right below a mount that is noted.
  [[nodiscard]] Place Find(const char* path) const;
  /// The root of what is at `path`, or -1.
  [[nodiscard]] int RootAt(const char* path) const;
  /// Something may be on top of any of them.
  void ForgetAll() { count_ = 0; }

 private:
  struct Entry {
    const char* target = nullptr;
    int fd = -1;
  };

  void Cover(const MountPlan& mount);

  std::array<Entry, 4> entries_{};
  size_t count_ = 0;
};

}  // namespace trivet::shim
