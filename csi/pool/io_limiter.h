#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/io_limits.h"

namespace trivet::csi {

/// Limits a device's speed for the processes of some control groups, by the io controller of
/// cgroup v2 or the blkio controller of v1. A device is one volume's, so the limit of a group that
/// holds all pods is the volume's.
///
/// v2: a group's limit holds for all groups below it; the root can have none, so "/" stands for the
/// groups right below it. v1: each group has its own, so a group stands for itself and all below
/// it, and new ones must be told again; buffered writes are the root's.
///
/// Any thread may call it. A device's number is used again by others: the limits of one that is
/// released must be taken away.
/// Source: Documentation/admin-guide/cgroup-v2.rst, io.max; cgroup-v1/blkio-controller.rst.
class IoLimiter {
 public:
  /// `root` is where the hierarchies are mounted. A node without either controller has a limiter
  /// that limits nothing.
  IoLimiter(const std::filesystem::path& root, std::vector<std::string> groups);

  [[nodiscard]] bool can_limit() const { return kind_ != Kind::kNone; }
  /// Whether Apply must be called again, now and then, for groups made meanwhile.
  [[nodiscard]] bool must_repeat() const { return kind_ == Kind::kBlkio; }

  /// Makes the limits of all groups these, and writes only where they differ.
  /// Errors: kFailedPrecondition when limits are wanted and this node has no controller.
  [[nodiscard]] Result<> Apply(dev_t device, const IoLimits& limits) const;

 private:
  enum class Kind { kNone, kIo, kBlkio };
  [[nodiscard]] std::vector<std::filesystem::path> Folders() const;

  Kind kind_ = Kind::kNone;
  std::filesystem::path hierarchy_;
  std::vector<std::string> groups_;
};

/// The line of io.max that holds `device`'s limits as they are, without its end of line; empty when
/// there are none. Pure.
std::string LineOfDevice(const std::string& text, const std::string& device);

}  // namespace trivet::csi
