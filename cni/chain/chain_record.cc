#include "cni/chain/chain_record.h"

#include <fcntl.h>

#include <algorithm>

#include "cni/attachment_store.h"
#include "common/linux/file.h"

namespace trivet::cni {
namespace {

constexpr int kChainRecordVersion = 1;

Result<ChainRecord> ParseChainRecord(const std::string& text) {
  ASSIGN_OR_RETURN(const json::Value value, json::Parse(text));
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(value, "version", version));
  if (version > kChainRecordVersion) {
    return Fail(Code::kUnimplemented, "version {} is newer than {}", version, kChainRecordVersion);
  }
  ChainRecord record;
  RETURN_IF_ERROR(json::ReadRequired(value, "network", record.key.network));
  RETURN_IF_ERROR(json::ReadRequired(value, "containerID", record.key.container_id));
  RETURN_IF_ERROR(json::ReadRequired(value, "ifname", record.key.ifname));
  RETURN_IF_ERROR(json::ReadRequired(value, "bootID", record.boot_id));
  record.made = value.value("made", json::Value());
  return record;
}

std::string Format(const ChainRecord& record) {
  return json::WritePretty({{"version", kChainRecordVersion},
                            {"network", record.key.network},
                            {"containerID", record.key.container_id},
                            {"ifname", record.key.ifname},
                            {"bootID", record.boot_id},
                            {"made", record.made}});
}

}  // namespace

Result<std::optional<ChainRecord>> ChainStore::Read(const AttachmentKey& key) const {
  const std::filesystem::path file = folder_ / RecordName(key);
  auto content = ReadFile(file);
  if (!content && content.error().code() == Code::kNotFound) return std::nullopt;
  if (!content) return std::unexpected(std::move(content).error());
  auto record = ParseChainRecord(*content);
  if (record && record->key == key) return std::move(*record);
  if (!record && record.error().code() == Code::kUnimplemented) {
    return std::unexpected(std::move(record).error().Wrap(file.native()));
  }
  return std::nullopt;
}

Result<> ChainStore::Write(const ChainRecord& record) const {
  // Under its own name at once: there is no older record to keep, a half-written one counts as
  // none, and so DEL finds all that a killed ADD may have left without reading the folder.
  const std::filesystem::path file = folder_ / RecordName(record.key);
  const auto create = [&] {
    return ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  };
  UniqueFd fd(create());
  if (!fd.valid() && errno == ENOENT) {
    RETURN_IF_ERROR(EnsureDirectory(folder_));
    fd.reset(create());
  }
  if (!fd.valid()) return FailErrno("create {}", file.native());
  return WriteAll(fd.get(), Format(record), file.native());
}

Result<> ChainStore::Remove(const AttachmentKey& key) const {
  return RemoveFile(folder_ / RecordName(key));
}

Result<std::vector<std::string>> ChainStore::Names() const {
  auto names = ListDirectory(folder_);
  if (!names && names.error().code() == Code::kNotFound) return std::vector<std::string>();
  return names;
}

Result<bool> ChainStore::HasAny(const std::string& network) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.starts_with(network + '@'); });
}

Result<std::vector<ChainRecord>> ChainStore::List() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  std::vector<ChainRecord> records;
  for (const std::string& name : names) {
    const auto content = ReadFile(folder_ / name);
    if (!content) continue;  // removed meanwhile
    auto record = ParseChainRecord(*content);
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

Result<std::vector<ChainRecord>> ChainStore::List(const std::string& network) const {
  ASSIGN_OR_RETURN(std::vector<ChainRecord> records, List());
  std::erase_if(records, [&](const ChainRecord& record) { return record.key.network != network; });
  return records;
}

Result<> ChainStore::RemoveStray(const std::string& network,
                                 const std::vector<AttachmentKey>& kept) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  for (const std::string& name : names) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const AttachmentKey& key) {
      return RecordName(key) == name;
    });
    if (name.starts_with(network + '@') && !known) RETURN_IF_ERROR(RemoveFile(folder_ / name));
  }
  return {};
}

}  // namespace trivet::cni
