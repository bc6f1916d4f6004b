#pragma once

#include "common/linux/cgroup.h"

namespace trivet {

/// Separate hierarchies, each a folder of the root named after its controller. A group lives in
/// those that are needed only: an attach to each costs about a millisecond.
/// Source: Documentation/admin-guide/cgroup-v1/.
class LegacyCgroups final : public Cgroups {
 public:
  static Result<std::unique_ptr<Cgroups>> Open(const std::filesystem::path& root);

  [[nodiscard]] bool is_v2() const override { return false; }
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
  LegacyCgroups(std::filesystem::path root, std::vector<std::string> controllers,
                std::vector<std::string> hierarchies)
      : root_(std::move(root)),
        controllers_(std::move(controllers)),
        hierarchies_(std::move(hierarchies)) {}
  [[nodiscard]] std::filesystem::path FolderOf(const std::string& controller,
                                               const std::string& group) const;

  std::filesystem::path root_;
  std::vector<std::string> controllers_;
  std::vector<std::string> hierarchies_;  // each by one of its controllers
};

}  // namespace trivet
