// Export and import of trivet-csi's records: the part of volume.h that works on its state folder.

#include <algorithm>
#include <array>
#include <ostream>

#include "common/linux/file.h"
#include "common/linux/file_lock.h"
#include "ctl/command/volume.h"

namespace trivet::ctl {
namespace {

constexpr int kExportVersion = 1;
constexpr std::string_view kRecordSuffix = ".json";
constexpr std::array<std::pair<std::string_view, char>, 4> kRecordFolders = {
    {{"volumes", 'v'}, {"snapshots", 's'}, {"groups", 'g'}, {"devices", 'v'}}};

// "v-" and 32 characters of a-z2-7: such a name leads nowhere else.
bool IsRecordName(std::string_view name, char prefix) {
  constexpr size_t kIdBytes = 34;
  const std::string_view id =
      name.substr(0, name.size() - std::min(name.size(), kRecordSuffix.size()));
  return name.ends_with(kRecordSuffix) && id.size() == kIdBytes && id[0] == prefix &&
         id[1] == '-' &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567", 2) == std::string_view::npos;
}

bool IsRecordPath(const std::string& path) {
  return std::ranges::any_of(kRecordFolders, [&](const auto& folder) {
    const std::string start = std::string(folder.first) + '/';
    return path.starts_with(start) && IsRecordName(path.substr(start.size()), folder.second);
  });
}

Result<json::Value> CheckedRecords(const json::Value& document) {
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(document, "version", version));
  if (version != kExportVersion) {
    return Fail(Code::kInvalidArgument, "version: unexpected {}", version);
  }
  const auto records = document.find("records");
  if (records == document.end() || !records->is_object()) {
    return Fail(Code::kInvalidArgument, "records: want an object");
  }
  for (const auto& [path, record] : records->items()) {
    if (!IsRecordPath(path) || !record.is_object()) {
      return Fail(Code::kInvalidArgument, "records: {}: is no record", path);
    }
  }
  return *records;
}

}  // namespace

Result<> ExportRecords(const std::filesystem::path& csi_state, std::ostream& out) {
  // An export of nothing would take the place of a good one.
  if (!std::filesystem::exists(csi_state)) {
    return Fail(Code::kNotFound, "{}: no state folder of trivet-csi", csi_state.native());
  }
  json::Value document = {{"version", kExportVersion}, {"records", json::Value::object()}};
  for (const auto& [folder, prefix] : kRecordFolders) {
    const auto names = ListDirectory(csi_state / folder);
    if (!names && names.error().code() == Code::kNotFound) continue;
    RETURN_IF_ERROR(names);
    for (const std::string& name : *names) {
      if (!IsRecordName(name, prefix)) continue;
      const std::filesystem::path file = csi_state / folder / name;
      ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
      ASSIGN_OR_RETURN(document["records"][std::string(folder) + '/' + name], json::Parse(text),
                       file.native());
    }
  }
  out << json::WritePretty(document);
  return {};
}

Result<> WriteRecords(const std::filesystem::path& csi_state, const json::Value& document,
                      std::ostream& out) {
  ASSIGN_OR_RETURN(const json::Value records, CheckedRecords(document));
  RETURN_IF_ERROR(EnsureDirectory(csi_state));
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::TryAcquire(csi_state / "lock"),
                   "stop trivet-csi first");
  size_t written = 0;
  for (const auto& [path, record] : records.items()) {
    const std::filesystem::path file = csi_state / path;
    if (std::filesystem::exists(file)) continue;
    RETURN_IF_ERROR(EnsureDirectory(file.parent_path()));
    RETURN_IF_ERROR(WriteFileAtomically(file, json::WritePretty(record)));
    ++written;
  }
  out << fmt::format("{} of {} records written, the others were there\n", written, records.size());
  return {};
}

}  // namespace trivet::ctl
