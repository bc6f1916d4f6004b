#include "ctl/node/policy_folder.h"

#include "common/linux/file.h"

namespace trivet::ctl {
namespace {

// Source: Kubernetes API, PodStatus.
json::Value PodStatus(const std::vector<std::string>& addresses) {
  if (addresses.empty()) return {{"phase", "Pending"}};
  json::Value all = json::Value::array();
  for (const std::string& address : addresses) all.push_back({{"ip", address}});
  return {{"phase", "Running"}, {"podIP", addresses.front()}, {"podIPs", std::move(all)}};
}

json::Value Shown(const Record& record, const std::vector<std::string>& addresses) {
  json::Value object = record.Object();
  // A manifest that was read from a cluster has the status it had there.
  object.erase("status");
  if (record.kind == Record::Kind::kPod) object["status"] = PodStatus(addresses);
  if (record.kind == Record::Kind::kNamespace) {
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = record.name;
  }
  return object;
}

}  // namespace

std::filesystem::path PolicyFolder::File(const Record& record) const {
  const std::string kind = record.manifest.value("kind", "object");
  const std::string in = record.name_space.empty() ? "" : record.name_space + "_";
  return folder_ / fmt::format("{}_{}{}.json", kind, in, record.name);
}

Result<> PolicyFolder::Put(const Record& record, const std::vector<std::string>& addresses) const {
  if (record.kind == Record::Kind::kClaim) {
    return Fail(Code::kInternal, "show claim {} to the policy agent: not its business",
                record.Path());
  }
  const std::string text = json::WritePretty(Shown(record, addresses));
  const auto present = ReadFile(File(record));
  if (present && *present == text) return {};  // do not wake the agent for nothing
  RETURN_IF_ERROR(EnsureDirectory(folder_), "manifests");
  return WriteFileAtomically(File(record), text);
}

Result<> PolicyFolder::Remove(const Record& record) const {
  return RemoveFile(File(record), true);
}

Result<> PolicyFolder::Tidy() const {
  return RemoveAbandonedSiblings(folder_);
}

}  // namespace trivet::ctl
