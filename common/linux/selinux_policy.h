#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/linux/selinux_label.h"

namespace trivet::selinux {

/// What the policy gives containers that name nothing. Empty: the policy says nothing of
/// containers.
struct Defaults {
  Label process;
  Label file;
};

/// The lines `process = "LABEL"` and `file = "LABEL"`; others are left out.
/// Source: man 5 lxc_contexts. Errors: kInvalidArgument naming the key.
Result<Defaults> ParseDefaults(std::string_view text);

/// Whether this node labels at all: "auto" (where SELinux is enabled), "enabled", "disabled".
enum class Mode { kAuto, kEnabled, kDisabled };
/// Errors: kInvalidArgument.
Result<Mode> ParseMode(std::string_view text);

/// The node's SELinux, as it is when the daemon starts.
class Policy {
 public:
  /// SELinux is enabled when its file system is mounted and a policy is loaded.
  /// `root` is the node's "/", in tests another.
  /// Errors: kFailedPrecondition with kEnabled on a node without; kInvalidArgument for a damaged
  /// file of the policy, which is named.
  static Result<Policy> Open(Mode mode, std::filesystem::path root = "/");

  [[nodiscard]] bool enabled() const { return enabled_; }
  [[nodiscard]] const Defaults& defaults() const { return defaults_; }
  /// Whether labels have levels: the policy is MLS or MCS.
  [[nodiscard]] bool has_levels() const { return has_levels_; }

  /// Asks the kernel whether the loaded policy knows the label.
  /// Errors: kInvalidArgument naming it when it does not.
  [[nodiscard]] Result<> Check(const Label& label) const;

 private:
  Policy() = default;
  std::filesystem::path root_;
  bool enabled_ = false;
  bool has_levels_ = false;
  Defaults defaults_;
};

}  // namespace trivet::selinux
