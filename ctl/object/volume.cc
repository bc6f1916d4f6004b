#include <algorithm>
#include <array>

#include "ctl/object/pod.h"
#include "ctl/object/quantity.h"

namespace trivet::ctl {
namespace {

constexpr std::array<std::string_view, 8> kHostPathTypes = {
    "",       "DirectoryOrCreate", "Directory",  "FileOrCreate", "File",
    "Socket", "CharDevice",        "BlockDevice"};

Result<> ReadClaimSource(Fields& source, Volume& volume) {
  volume.kind = Volume::Kind::kClaim;
  RETURN_IF_ERROR(ReadSubdomainName(source, "claimName", volume.claim_name));
  RETURN_IF_ERROR(source.Read("readOnly", volume.read_only));
  return source.Finish();
}

Result<> ReadEmptyDir(Fields& source, Volume& volume) {
  volume.kind = Volume::Kind::kEmptyDir;
  std::string medium;
  RETURN_IF_ERROR(source.Read("medium", medium));
  if (!medium.empty() && medium != "Memory") {
    return source.Complain("medium", fmt::format("\"{}\" is not supported", medium));
  }
  volume.in_memory = medium == "Memory";
  if (!volume.in_memory) source.Warn({"sizeLimit"}, "not enforced on disk");
  if (source.Has("sizeLimit")) {
    auto text = QuantityText(source.object().at("sizeLimit"));
    if (!text) return source.Complain("sizeLimit", text.error().message());
    auto bytes = ParseQuantity(*text);
    if (!bytes) return source.Complain("sizeLimit", bytes.error().message());
    volume.size_limit_bytes = *bytes;
  }
  source.Accept({"sizeLimit"});
  return source.Finish();
}

Result<> ReadHostPath(Fields& source, Volume& volume) {
  volume.kind = Volume::Kind::kHostPath;
  RETURN_IF_ERROR(source.Require("path", volume.host_path));
  RETURN_IF_ERROR(source.Read("type", volume.host_path_type));
  if (!volume.host_path.starts_with('/') || volume.host_path.find("..") != std::string::npos) {
    return source.Complain("path", "not absolute, or with ..");
  }
  if (std::ranges::find(kHostPathTypes, volume.host_path_type) == kHostPathTypes.end()) {
    return source.Complain("type", fmt::format("\"{}\" is unknown", volume.host_path_type));
  }
  return source.Finish();
}

struct Source {
  std::string_view key;
  Result<> (*read)(Fields&, Volume&);
};
constexpr std::array kSources = {Source{"persistentVolumeClaim", ReadClaimSource},
                                 Source{"emptyDir", ReadEmptyDir},
                                 Source{"hostPath", ReadHostPath}};

}  // namespace

Result<Volume> ReadVolume(Fields fields) {
  Volume volume;
  RETURN_IF_ERROR(ReadLabelName(fields, "name", volume.name));
  int sources = 0;
  for (const Source& source : kSources) {
    ASSIGN_OR_RETURN(auto found, fields.Object(source.key));
    if (!found) continue;
    RETURN_IF_ERROR(source.read(*found, volume));
    ++sources;
  }
  RETURN_IF_ERROR(fields.Finish());
  if (sources != 1) {
    return fields.Complain("", "needs exactly one of persistentVolumeClaim, emptyDir, hostPath");
  }
  return volume;
}

}  // namespace trivet::ctl
