#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

/// What lvm2 says in its JSON reports. Source: lvmreport(7), "--reportformat json".
namespace trivet::csi::lvm {

/// The columns that the parsers want, for `-o`.
constexpr const char* kGroupColumns = "vg_name,vg_size,vg_free,vg_extent_size";
constexpr const char* kVolumeColumns =
    "lv_name,lv_size,lv_tags,lv_attr,pool_lv,data_percent,metadata_percent,thin_id,zero";

struct VolumeGroup {
  uint64_t size_bytes = 0;
  uint64_t free_bytes = 0;
  uint64_t extent_bytes = 0;
};

struct LogicalVolume {
  std::string name;
  uint64_t size_bytes = 0;
  std::vector<std::string> tags;
  std::string thin_pool;  // that it is in; else empty
  bool is_thin_pool = false;
  bool zeroes = false;                     // of a thin pool: what was never written reads as zeros
  std::optional<double> data_percent;      // of a thin pool that is active
  std::optional<double> metadata_percent;  // likewise
  std::optional<uint32_t> thin_id;         // its device's number in its thin pool

  [[nodiscard]] bool has_tag(std::string_view tag) const;
};

/// All of a volume group.
struct Report {
  VolumeGroup group;
  std::map<std::string, LogicalVolume> volumes;  // by name
};

/// One report of `vgs --units b --nosuffix`; of `lvs` likewise.
/// Errors: kInternal naming what is missing or not as it should be.
Result<VolumeGroup> ParseGroup(std::string_view text);
Result<std::map<std::string, LogicalVolume>> ParseVolumes(std::string_view text);

}  // namespace trivet::csi::lvm
