#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "common/base/error.h"

namespace trivet::stats {

struct DiskUsage {
  uint64_t used_bytes = 0;  // of blocks, as du(1) counts: a file with two names once
  uint64_t inodes = 0;
};

/// What a container's layer takes, measured piece by piece. The tree may change meanwhile, and is a
/// container's: no link is followed and no other file system entered. Between two pieces at most
/// some thirty descriptors are open, however deep it is.
class TreeMeasurement {
 public:
  /// Errors: kNotFound.
  static Result<TreeMeasurement> Begin(const std::filesystem::path& tree);
  TreeMeasurement(TreeMeasurement&&) noexcept;
  TreeMeasurement& operator=(TreeMeasurement&&) noexcept;
  ~TreeMeasurement();

  /// Goes on until `end`; true when all is counted.
  bool Continue(std::chrono::steady_clock::time_point end);
  [[nodiscard]] const DiskUsage& usage() const;

 private:
  class Walk;
  explicit TreeMeasurement(std::unique_ptr<Walk> walk);

  std::unique_ptr<Walk> walk_;
};

}  // namespace trivet::stats
