#pragma once

#include "common/linux/cgroup.h"
#include "common/linux/device_programs.h"

namespace trivet {

/// The unified hierarchy. Source: Documentation/admin-guide/cgroup-v2.rst.
class UnifiedCgroups final : public Cgroups {
 public:
  static Result<std::unique_ptr<Cgroups>> Open(const std::filesystem::path& root);

  [[nodiscard]] bool is_v2() const override { return true; }
  [[nodiscard]] std::vector<std::string> controllers() const override { return controllers_; }
  Result<> Create(const std::string& group) override;
  Result<> SetLimits(const std::string& group, const CgroupLimits& limits) override;
  [[nodiscard]] Result<> CheckDeviceControl() const override;
  Result<> SetDevices(const std::string& group, const std::vector<DeviceRule>& rules) override;
  Result<> Remove(const std::string& group) override;
  Result<> Kill(const std::string& group, std::chrono::milliseconds timeout) override;
  [[nodiscard]] Result<std::vector<pid_t>> Processes(const std::string& group) const override;
  [[nodiscard]] Result<CgroupStats> ReadStats(const std::string& group) const override;
  [[nodiscard]] Result<CgroupDetails> ReadDetails(const std::string& group) const override;
  [[nodiscard]] Result<uint64_t> ReadOomKills(const std::string& group) const override;
  [[nodiscard]] std::filesystem::path BirthFolder(const std::string& group) const override;
  [[nodiscard]] std::vector<std::filesystem::path> EntryFiles(
      const std::string& group) const override;

 private:
  UnifiedCgroups(std::filesystem::path root, std::vector<std::string> controllers)
      : root_(std::move(root)), controllers_(std::move(controllers)) {}
  [[nodiscard]] std::filesystem::path FolderOf(const std::string& group) const;
  [[nodiscard]] std::vector<std::string> Needed() const;
  [[nodiscard]] bool Delegates(const std::filesystem::path& folder) const;
  [[nodiscard]] Result<> Delegate(const std::filesystem::path& folder) const;

  std::filesystem::path root_;
  std::vector<std::string> controllers_;
  DevicePrograms device_programs_;
};

}  // namespace trivet
