#include "cri-runtime/sandbox/groups.h"

#include "cri-runtime/systemd/unit_name.h"

namespace trivet::sandbox {
namespace {

Result<std::string> SliceOfPod(const Config& config, const std::string& id,
                               const std::string& default_parent) {
  if (!config.cgroup_parent.empty()) {
    ASSIGN_OR_RETURN(std::string group, systemd::GroupOfSlice(config.cgroup_parent),
                     "cgroupDriver is systemd: cgroup_parent");
    return group;
  }
  ASSIGN_OR_RETURN(const std::string parent, systemd::GroupOfSlice(default_parent));
  const std::string unit = systemd::UnitOf(parent);
  const std::string stem = unit.substr(0, unit.rfind('.'));
  return fmt::format("{}/{}-pod{}.slice", parent, stem, id);
}

}  // namespace

Result<std::string> PodGroup(const Config& config, const std::string& id,
                             const std::string& default_parent) {
  if (systemd::IsSlice(default_parent)) return SliceOfPod(config, id, default_parent);
  if (config.cgroup_parent.empty()) return default_parent + "/" + id;
  if (systemd::IsSlice(config.cgroup_parent)) {
    return Fail(Code::kInvalidArgument,
                "cgroupDriver is cgroupfs: cgroup_parent: \"{}\" is a slice of systemd's",
                config.cgroup_parent);
  }
  return config.cgroup_parent;
}

std::string ContainerGroup(const Record& record, const std::string& container_id) {
  if (!systemd::IsSlice(record.cgroup)) return record.cgroup + "/" + container_id;
  return fmt::format("{}/cri-trivet-{}.scope", record.cgroup, container_id);
}

}  // namespace trivet::sandbox
