#pragma once

#include <filesystem>
#include <memory>

#include "common/linux/cgroup.h"
#include "cri-runtime/systemd/manager.h"

namespace trivet::systemd {

/// The unified hierarchy of a node whose systemd has it: groups are slices (of pods) and scopes (of
/// containers), made, limited and ended by systemd; the rest is done on the files, as for any v2.
/// A group's last part is its unit: "/kubepods.slice/kubepods-pod1.slice/cri-trivet-ID.scope".
class SystemdCgroups final : public Cgroups {
 public:
  /// `shim` is trivet-shim: it holds scopes (scope_keeper.h).
  /// Errors: kFailedPrecondition on cgroup v1; kUnavailable when systemd cannot be reached.
  static Result<std::unique_ptr<Cgroups>> Open(const std::filesystem::path& root,
                                               const std::filesystem::path& shim);

  [[nodiscard]] bool is_v2() const override { return true; }
  [[nodiscard]] std::vector<std::string> controllers() const override {
    return files_->controllers();
  }
  Result<> Create(const std::string& group) override;
  Result<> SetLimits(const std::string& group, const CgroupLimits& limits) override;
  [[nodiscard]] Result<> CheckDeviceControl() const override {
    return files_->CheckDeviceControl();
  }
  Result<> SetDevices(const std::string& group, const std::vector<DeviceRule>& rules) override {
    return files_->SetDevices(group, rules);
  }
  Result<> Remove(const std::string& group) override;
  Result<> Kill(const std::string& group, std::chrono::milliseconds timeout) override {
    return files_->Kill(group, timeout);
  }
  /// Without the keepers of scopes.
  [[nodiscard]] Result<std::vector<pid_t>> Processes(const std::string& group) const override;
  [[nodiscard]] Result<CgroupStats> ReadStats(const std::string& group) const override;
  [[nodiscard]] Result<CgroupDetails> ReadDetails(const std::string& group) const override;
  [[nodiscard]] Result<uint64_t> ReadOomKills(const std::string& group) const override {
    return files_->ReadOomKills(group);
  }
  [[nodiscard]] std::filesystem::path BirthFolder(const std::string& group) const override {
    return files_->BirthFolder(group);
  }
  [[nodiscard]] std::vector<std::filesystem::path> EntryFiles(
      const std::string& group) const override {
    return files_->EntryFiles(group);
  }

 private:
  SystemdCgroups(std::unique_ptr<Cgroups> files, std::filesystem::path shim)
      : files_(std::move(files)), shim_(std::move(shim)) {}
  [[nodiscard]] Result<> MakeScope(const std::string& group) const;
  [[nodiscard]] uint64_t CountKeepers(const std::string& group) const;

  std::unique_ptr<Cgroups> files_;
  std::filesystem::path shim_;
  Manager manager_;
};

}  // namespace trivet::systemd
