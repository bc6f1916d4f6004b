#include "ctl/node/policy_folder.h"

#include "common/linux/file.h"

namespace trivet::ctl {

std::filesystem::path PolicyFolder::File(const Record& record) const {
  const std::string kind = record.manifest.value("kind", "object");
  const std::string in = record.name_space.empty() ? "" : record.name_space + "_";
  return folder_ / fmt::format("{}_{}{}.json", kind, in, record.name);
}

Result<> PolicyFolder::Put(const Record& record) const {
  RETURN_IF_ERROR(EnsureDirectory(folder_), "manifests");
  return WriteFileAtomically(File(record), json::WritePretty(record.Object()));
}

Result<> PolicyFolder::Remove(const Record& record) const {
  return RemoveFile(File(record), true);
}

}  // namespace trivet::ctl
