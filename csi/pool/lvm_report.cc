#include "csi/pool/lvm_report.h"

#include <algorithm>
#include <charconv>

#include "common/base/json.h"
#include "common/base/text.h"

namespace trivet::csi::lvm {
namespace {

// Every value of a report is a string.
template <class Number>
Result<Number> ReadNumber(const json::Value& row, std::string_view column) {
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(row, column, text));
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return Fail(Code::kInternal, "{}: unexpected \"{}\"", column, text);
}

// Empty where it does not apply.
template <class Number>
Result<> ReadIfGiven(const json::Value& row, std::string_view column, std::optional<Number>& out) {
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(row, column, text));
  if (text.empty()) return {};
  ASSIGN_OR_RETURN(out, ReadNumber<Number>(row, column));
  return {};
}

// {"report": [{"vg": [row, ...]}]}
Result<json::Value> ReadRows(std::string_view text, std::string_view kind) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  const auto report = root.find("report");
  const bool is_list = report != root.end() && report->is_array() && !report->empty();
  if (is_list && report->front().is_object() && report->front().contains(kind)) {
    const json::Value& rows = report->front().find(kind).value();
    if (rows.is_array()) return rows;
  }
  return Fail(Code::kInternal, "no list \"{}\" in the report", kind);
}

Result<LogicalVolume> ParseVolume(const json::Value& row) {
  LogicalVolume volume;
  std::string tags;
  std::string attributes;
  std::string zero;
  RETURN_IF_ERROR(json::ReadRequired(row, "lv_name", volume.name));
  ASSIGN_OR_RETURN(volume.size_bytes, ReadNumber<uint64_t>(row, "lv_size"));
  RETURN_IF_ERROR(json::ReadRequired(row, "lv_tags", tags));
  for (const std::string_view tag : SplitAt(tags, ',')) {
    if (!tag.empty()) volume.tags.emplace_back(tag);
  }
  RETURN_IF_ERROR(json::ReadRequired(row, "lv_attr", attributes));
  volume.is_thin_pool = attributes.starts_with('t');
  RETURN_IF_ERROR(json::ReadRequired(row, "pool_lv", volume.thin_pool));
  RETURN_IF_ERROR(json::ReadRequired(row, "zero", zero));
  volume.zeroes = zero == "zero";
  RETURN_IF_ERROR(ReadIfGiven(row, "data_percent", volume.data_percent));
  RETURN_IF_ERROR(ReadIfGiven(row, "metadata_percent", volume.metadata_percent));
  RETURN_IF_ERROR(ReadIfGiven(row, "thin_id", volume.thin_id));
  return volume;
}

}  // namespace

bool LogicalVolume::has_tag(std::string_view tag) const {
  return std::ranges::find(tags, tag) != tags.end();
}

Result<VolumeGroup> ParseGroup(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value rows, ReadRows(text, "vg"), "vgs");
  if (rows.size() != 1) return Fail(Code::kInternal, "vgs: {} volume groups", rows.size());
  VolumeGroup group;
  ASSIGN_OR_RETURN(group.size_bytes, ReadNumber<uint64_t>(rows[0], "vg_size"), "vgs");
  ASSIGN_OR_RETURN(group.free_bytes, ReadNumber<uint64_t>(rows[0], "vg_free"), "vgs");
  ASSIGN_OR_RETURN(group.extent_bytes, ReadNumber<uint64_t>(rows[0], "vg_extent_size"), "vgs");
  if (group.extent_bytes == 0) return Fail(Code::kInternal, "vgs: vg_extent_size: unexpected 0");
  return group;
}

Result<std::map<std::string, LogicalVolume>> ParseVolumes(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value rows, ReadRows(text, "lv"), "lvs");
  std::map<std::string, LogicalVolume> volumes;
  for (const json::Value& row : rows) {
    ASSIGN_OR_RETURN(LogicalVolume volume, ParseVolume(row), "lvs");
    volumes[volume.name] = volume;
  }
  return volumes;
}

}  // namespace trivet::csi::lvm
