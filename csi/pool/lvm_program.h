#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/lvm_report.h"

namespace trivet::csi::lvm {

/// One volume group, by the lvm2 programs: one of them runs at a time. Any thread may call it.
class Program {
 public:
  /// `program` is lvm's path; empty: this node's.
  /// Errors: kUnavailable when it is not installed.
  static Result<std::unique_ptr<Program>> Find(const std::filesystem::path& program,
                                               const std::string& group);

  [[nodiscard]] const std::string& group() const { return group_; }

  /// The volume group as it is, or was at most some seconds ago and before nothing that Change did.
  /// Errors: kNotFound when there is no such group.
  Result<std::shared_ptr<const Report>> Look();

  /// Runs a command that changes something: `{"lvremove", "--yes", "vg/lv"}`. The next Look is new.
  /// Errors: kResourceExhausted, kNotFound, kAlreadyExists as lvm says it, else kInternal with its
  /// last words; kDeadlineExceeded.
  Result<> Change(const std::vector<std::string>& arguments);

  /// "vg/lv".
  [[nodiscard]] std::string NameOf(const std::string& volume) const {
    return group_ + "/" + volume;
  }
  /// Where device-mapper shows the volume while it is active.
  [[nodiscard]] std::filesystem::path DeviceOf(const std::string& volume) const;

 private:
  Program(std::filesystem::path program, std::string group)
      : program_(std::move(program)), group_(std::move(group)) {}
  Result<std::string> Run(const std::vector<std::string>& arguments) const;  // mutex_ is held

  const std::filesystem::path program_;
  const std::string group_;
  std::mutex mutex_;
  std::shared_ptr<const Report> last_;                 // guarded by mutex_; none: must look
  std::chrono::steady_clock::time_point last_looked_;  // likewise
};

/// A name as device-mapper writes it, where a dash stands between group and volume. Pure.
/// Source: dm_build_dm_name in lvm2, libdm/libdm-string.c.
std::string Mangled(std::string_view name);

/// What lvm's last words mean. Pure.
Code CodeOf(std::string_view said);

}  // namespace trivet::csi::lvm
